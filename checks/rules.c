#include "rules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "expr.h"
#include "hash.h"
#include "json.h"
#include "log.h"
#include "match.h"
#include "schedule.h"
#include "window.h"

enum subject { FLOW, HOST, SENSOR };
enum { WINDOW, HOLD, SHARE, PEAK }; /* what a window of a rule is for; SHARE: of a flow in its sensor's sum */

struct rule {
	const struct topo_rule *t;
	struct checkdef def;
	enum subject subject;
	enum rtype type;
	struct match *match;
	struct expr *value;
	struct schedule when;
	double threshold;
	uint64_t looks;  /* ns between two of them: what is seen to grow grew within that */
	uint64_t window; /* what is looked at: not shorter than that */
};

#define HOST_LOOKS 60000000000ull /* ns between two of a host */

struct rules {
	struct rule *rule;
	unsigned n;
	unsigned n_of[3]; /* by subject */
	bool moving;      /* some look at what flows grow by */
	struct windows *windows;
	uint64_t max;
};

/* -- start -- */

/* Ns between two looks of a rule. */
static uint64_t between_looks(const struct topo *t, enum subject subject)
{
	uint64_t most = 0;
	if (subject == HOST)
		return HOST_LOOKS;
	for (size_t i = 0; i < t->n_sensors; i++)
		if (t->sensors[i].update_interval > most)
			most = t->sensors[i].update_interval;
	return most;
}

static void compile(struct rule *r, const struct topo_rule *t, const struct topo *topo)
{
	static const char *const subjects[] = { "flow", "host", "sensor" };
	static const enum entity entities[] = { ENT_FLOW, ENT_HOST, ENT_INTERFACE };
	struct match_error e;
	struct buf why = { 0 };
	r->t = t;
	while (strcmp(subjects[r->subject], t->entity) != 0)
		r->subject++;
	r->type = r->subject == HOST ? R_HOST : R_FLOW;
	r->looks = between_looks(topo, r->subject);
	r->window = t->window && t->window < r->looks ? r->looks : t->window;
	/* All was checked with the topology. */
	if ((t->match && !(r->match = match_parse(t->match, r->type, &e))) ||
	    (t->value && !(r->value = expr_parse(t->value, r->type, &e))))
		fatalx("rule %s: %s", t->named.name, e.text);
	if (t->when && !schedule_parse(t->when, &r->when, &why))
		fatalx("rule %s: %s", t->named.name, buf_cstr(&why));
	if (t->value)
		expr_number(t->above ? t->above : t->below, &r->threshold);
	r->def = (struct checkdef){
		.key = t->named.name,
		.entity = entities[r->subject],
		.title = t->title ? t->title : t->named.name,
		.description = "A rule of this site's configuration.",
		.category = (enum category)enum_value(enum_category, t->category),
		.enabled = true,
		.score = (uint16_t)t->score,
		.client_score = (uint16_t)t->score,
		.attention = true,
		.hooks = r->subject == FLOW ? HOOK_DETECTED | HOOK_PERIODIC | HOOK_END
			 : r->subject == HOST ? HOOK_HOST_MINUTE : HOOK_MINUTE,
		.mitre = t->mitre ? t->mitre : "",
	};
}

struct rules *rules_new(const struct topo *t)
{
	struct rules *r = xcalloc(1, sizeof *r);
	r->rule = xcalloc(t->n_rules ? t->n_rules : 1, sizeof *r->rule);
	r->n = (unsigned)t->n_rules;
	r->max = t->max_rule_states;
	r->windows = windows_new(r->max);
	for (unsigned i = 0; i < r->n; i++) {
		compile(&r->rule[i], &t->rules[i], t);
		r->n_of[r->rule[i].subject]++;
		r->moving |= r->rule[i].type == R_FLOW && r->rule[i].window;
	}
	if (t->timezone)
		setenv("TZ", t->timezone, 1);
	tzset();
	return r;
}

void rules_free(struct rules *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < r->n; i++) {
		match_free(r->rule[i].match);
		expr_free(r->rule[i].value);
	}
	windows_free(r->windows);
	free(r->rule);
	free(r);
}

unsigned rules_count(const struct rules *r)
{
	return r->n;
}

const struct checkdef *rules_def(const struct rules *r, unsigned rule)
{
	return &r->rule[rule].def;
}

bool rules_has(const struct rules *r, enum rtype type)
{
	return type == R_HOST ? r->n_of[HOST] > 0 : r->n_of[FLOW] + r->n_of[SENSOR] > 0;
}

/* -- messages -- */

static void add_text(struct buf *out, enum rtype type, const char *name, const void *rec, const char *base)
{
	unsigned off;
	const struct field *f = rec ? rdesc_field(rdesc_get(type), name, &off) : NULL;
	if (f)
		text_value(out, f, (const char *)rec + off, base);
}

/* As people write it: six digits are enough of a fraction, but not of bytes. */
static void add_number(struct buf *out, double v)
{
	if (fabs(v) < 1e6)
		buf_addf(out, "%.6g", v);
	else
		buf_addf(out, "%.0f", v);
}

/* The template with its braces filled in. */
static void write_message(const struct rule *r, const void *rec, const char *base, const char *sensor, struct rule_finding *out)
{
	struct buf text = { 0 };
	const char *s = r->t->message;
	char name[96];
	if (!s)
		s = r->value ? r->t->above ? "{title}: {value} is above {threshold}" : "{title}: {value} is below {threshold}" : "{title}";
	for (; *s; s++) {
		size_t len = *s == '{' ? strcspn(s, "}") : 0;
		if (!len || !s[len] || len > sizeof name) {
			buf_addc(&text, *s);
			continue;
		}
		snprintf(name, sizeof name, "%.*s", (int)len - 1, s + 1);
		if (strcmp(name, "value") == 0)
			add_number(&text, out->value);
		else if (strcmp(name, "threshold") == 0)
			add_number(&text, out->threshold);
		else if (strcmp(name, "title") == 0)
			buf_adds(&text, r->def.title);
		else if (strcmp(name, "sensor") == 0 && sensor)
			buf_adds(&text, sensor);
		else
			add_text(&text, r->type, name, rec, base);
		s += len;
	}
	snprintf(out->message, sizeof out->message, "%s", buf_cstr(&text));
	buf_release(&text);
	if (r->value)
		snprintf(out->values, sizeof out->values, "value=%.15g\n%s=%.15g\nwindow=%.15g", out->value,
			 r->t->above ? "above" : "below", out->threshold, (double)r->t->window / 1e9);
}

/* -- evaluation -- */

/* The value is beyond the threshold, has been for long enough, and the time is one that counts. */
static bool decide(struct rules *r, unsigned i, struct window_key *key, double value, bool holds, uint64_t now)
{
	const struct rule *rule = &r->rule[i];
	holds = holds && schedule_covers(&rule->when, now);
	if (holds && rule->value)
		holds = rule->t->above ? value > rule->threshold : value < rule->threshold;
	if (!rule->t->hold)
		return holds;
	key->kind = HOLD;
	uint64_t since = windows_since(r->windows, key, now, holds);
	return since && now - since >= rule->t->hold;
}

/* As much of it as belongs to the window that was asked for, or to a second. */
static double per_window(const struct rule *rule, double growth)
{
	if (rule->t->rate)
		return growth / ((double)rule->window / 1e9);
	return growth * ((double)rule->t->window / (double)rule->window);
}

static void run(struct rules *r, unsigned i, struct window_key *key, const void *rec, const char *base, uint64_t now, bool fresh,
		rules_cb *cb, void *arg)
{
	const struct rule *rule = &r->rule[i];
	struct rule_finding f = { .rule = i, .threshold = rule->threshold };
	bool matches = !rule->match || match_eval(rule->match, rec, base);
	if (matches && rule->value) {
		f.value = expr_eval(rule->value, rec, base);
		key->kind = WINDOW;
		bool counts = schedule_covers(&rule->when, now);
		if (rule->window && !counts)
			windows_forget(r->windows, key);
		if (rule->window)
			f.value = per_window(rule, windows_growth(r->windows, key, now, rule->window, rule->looks, f.value, fresh && counts));
	}
	/* What does not match needs no window but to forget that it held. */
	if (!matches && !rule->t->hold)
		return;
	if (!decide(r, i, key, f.value, matches, now))
		return;
	write_message(rule, rec, base, NULL, &f);
	cb(arg, &f);
}

static struct window_key key_of(unsigned rule, const void *id, uint16_t vlan)
{
	struct window_key key = { .rule = (uint16_t)rule, .vlan = vlan };
	memcpy(key.id, id, sizeof key.id);
	return key;
}

static struct window_key sensor_key(unsigned rule, const char *sensor, size_t len)
{
	uint64_t h[2];
	hash_content128(sensor, len, 0, h);
	return key_of(rule, h, 0);
}

/* Adds what the flow carried since it was last seen to its sensor's sum. */
static void add_up(struct rules *r, unsigned i, const struct r_flow *f, const char *base, uint64_t now, bool fresh)
{
	const struct rule *rule = &r->rule[i];
	if (rule->match && !match_eval(rule->match, f, base))
		return;
	struct window_key share = key_of(i, &f->key.id, 0), sum = sensor_key(i, str_ptr(base, f->key.sensor), f->key.sensor.len);
	share.kind = SHARE;
	uint64_t from;
	double growth = windows_step(r->windows, &share, now, rule->looks, expr_eval(rule->value, f, base), fresh, &from);
	if (schedule_covers(&rule->when, now))
		windows_add(r->windows, &sum, from, now, rule->window, growth);
	else
		windows_forget(r->windows, &sum);
}

bool rules_look_at_updates(const struct rules *r)
{
	return r->moving;
}

bool rules_has_sensors(const struct rules *r)
{
	return r->n_of[SENSOR] > 0;
}

void rules_flow(struct rules *r, const struct r_flow *f, const char *base, uint64_t now, bool update, rules_cb *cb, void *arg)
{
	for (unsigned i = 0; i < r->n; i++) {
		const struct rule *rule = &r->rule[i];
		bool fresh = f->n.part == 0 && f->key.first + rule->window >= now;
		struct window_key key;
		if (rule->subject == SENSOR) {
			add_up(r, i, f, base, now, fresh);
		} else if (rule->subject == FLOW && (rule->window || !update)) {
			key = key_of(i, &f->key.id, 0);
			run(r, i, &key, f, base, now, fresh, cb, arg);
		}
	}
}

static void forget(struct rules *r, enum rtype type, const void *id, uint16_t vlan)
{
	for (unsigned i = 0; i < r->n; i++) {
		struct window_key key = key_of(i, id, vlan);
		if (r->rule[i].type != type)
			continue;
		for (key.kind = WINDOW; key.kind <= SHARE; key.kind++)
			windows_forget(r->windows, &key);
	}
}

void rules_flow_end(struct rules *r, struct id id)
{
	forget(r, R_FLOW, &id, 0);
}

void rules_host(struct rules *r, const struct r_host *h, const char *base, uint64_t now, rules_cb *cb, void *arg)
{
	for (unsigned i = 0; i < r->n; i++) {
		struct window_key key = key_of(i, &h->host.ip, h->host.vlan);
		if (r->rule[i].subject == HOST)
			run(r, i, &key, h, base, now, h->host.first + r->rule[i].window >= now, cb, arg);
	}
}

void rules_host_end(struct rules *r, const struct addr *ip, uint16_t vlan)
{
	forget(r, R_HOST, ip, vlan);
}

void rules_sensor(struct rules *r, const char *sensor, uint64_t now, rules_cb *cb, void *arg)
{
	for (unsigned i = 0; i < r->n; i++) {
		const struct rule *rule = &r->rule[i];
		struct rule_finding f = { .rule = i, .threshold = rule->threshold };
		if (rule->subject != SENSOR)
			continue;
		struct window_key key = sensor_key(i, sensor, strlen(sensor));
		f.value = per_window(rule, windows_look(r->windows, &key, now, rule->window));
		/* Flows are told of now and then: until the next time the sum seems to fall. */
		key.kind = PEAK;
		f.value = windows_peak(r->windows, &key, now, 2 * rule->looks, f.value);
		if (!decide(r, i, &key, f.value, true, now))
			continue;
		write_message(rule, NULL, NULL, sensor, &f);
		cb(arg, &f);
	}
}

void rules_windows(const struct rules *r, uint64_t *ret_held, uint64_t *ret_max, uint64_t *ret_evicted)
{
	*ret_held = windows_count(r->windows);
	*ret_max = r->max;
	*ret_evicted = windows_evicted(r->windows);
}

uint64_t rules_hash(const struct rules *r)
{
	uint64_t h = r->n;
	for (unsigned i = 0; i < r->n; i++) {
		const struct topo_rule *t = r->rule[i].t;
		const char *const texts[] = { t->named.name, t->entity, t->match, t->value, t->above, t->below, t->when };
		const uint64_t numbers[] = { t->window, t->hold, t->rate, t->score };
		for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
			h = hash_content(texts[k] ? texts[k] : "", texts[k] ? strlen(texts[k]) + 1 : 0, h);
		h = hash_content(numbers, sizeof numbers, h);
	}
	return h;
}

/* Windows belong to rules by their place: other rules, other windows. */
void rules_save(const struct rules *r, struct buf *out)
{
	uint64_t hash = rules_hash(r);
	buf_add(out, &hash, sizeof hash);
	windows_save(r->windows, out);
}

bool rules_load(struct rules *r, const char *p, size_t len)
{
	uint64_t hash;
	if (len < sizeof hash)
		return false;
	memcpy(&hash, p, sizeof hash);
	if (hash != rules_hash(r)) {
		log_info("the rules changed: their windows begin anew");
		return true;
	}
	return windows_load(r->windows, p + sizeof hash, len - sizeof hash);
}

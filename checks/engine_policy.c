/* What the site adds to the checks of the catalogue: exclusions, lists, rules. */
#include "engine_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec.h"

/* -- texts of lines that flows keep -- */

void add_line(char **text, const char *line)
{
	char *all = *text ? xasprintf("%s\n%s", *text, line) : xstrdup(line);
	free(*text);
	*text = all;
}

bool has_line(const char *text, const char *begin, char separator)
{
	size_t n = strlen(begin);
	for (const char *p = text; p && *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (strncmp(p, begin, n) == 0 && (p[n] == separator || p[n] == '\n' || p[n] == '\0'))
			return true;
	return false;
}

/* -- exclusions -- */

/* The alert as it would be, asked of all exclusions. Strings of its alert and host are in e->arena. */
static const char *ask(struct engine *e, struct alert_parts *p)
{
	struct r_alert whole;
	struct codec_reader r;
	pack_alert(e, p);
	r = (struct codec_reader){ .base = e->packed.p, .len = e->packed.len };
	if (codec_read(&r, &whole) != 1)
		return NULL;
	return exclude_find(e->exclude, &whole, e->packed.p, e->clock);
}

static bool excluded(struct flow_run *run, const struct checkdef *d)
{
	struct engine *e = run->e;
	struct openflow *f = run->f;
	struct alert_parts p = { .key = &f->key, .n = &f->n, .app = &run->app, .key_base = e->names.p,
				 .app_base = run->v.app_base, .app_packed = run->app_packed };
	char line[160];
	if (has_line(f->excluded, d->key, ':'))
		return true;
	arena_begin(e);
	fill_def(e, &p.alert, d);
	p.judge = flow_run_judge(run);
	p.judge_base = run->texts->p;
	p.alert.entity = ENT_FLOW;
	p.alert.entity_val = e->flow_text;
	p.alert.action = ACT_STORE;
	p.alert.score = d->score;
	p.alert.severity = (uint8_t)severity_of_score(d->score);
	p.alert.time = f->key.first;
	p.alert.sensor = put_str(e, sensor_of(e, f)->name);
	const char *by = ask(e, &p);
	if (!by)
		return false;
	snprintf(line, sizeof line, "%s:%s", d->key, by);
	add_line(&f->excluded, line);
	run->judged = false;
	return true;
}

bool flow_excluded(struct flow_run *run, const struct checkdef *d)
{
	return exclude_any(run->e->exclude) && excluded(run, d);
}

bool subject_excluded(struct engine *e, const struct subject *s, const struct checkdef *d, bool attacker)
{
	struct g_host host;
	struct alert_parts p = { 0 };
	if (!exclude_any(e->exclude))
		return false;
	arena_begin(e);
	fill_def(e, &p.alert, d);
	if (s->host) {
		host_record(s->host, &e->conf, e->clock, false, &host, &e->arena);
		p.host = &host;
	}
	p.alert.entity = (uint8_t)s->entity;
	p.alert.entity_val = put_str(e, s->name);
	p.alert.action = ACT_ENGAGE;
	p.alert.score = d->score;
	p.alert.severity = (uint8_t)severity_of_score(d->score);
	p.alert.time = e->clock;
	if (s->ip)
		*(attacker ? &p.alert.attacker : &p.alert.victim) = *s->ip;
	p.alert.sensor = put_str(e, s->sensor);
	return ask(e, &p) != NULL;
}

/* -- lists and rules on flows -- */

/* The checks that know lists of addresses by themselves count as well. */
static bool is_listed(const struct engine *e, const struct addr *a)
{
	for (int i = 0; i < 2; i++)
		if (conf_in_nets(&e->conf.checks[e->contacts[i]], a))
			return true;
	return lists_has_addr(e->lists, a);
}

void know_host(struct engine *e, struct host *h)
{
	if (h->place.known)
		return;
	enrich_host(e->enrich, h);
	h->place.listed = is_listed(e, &h->ip);
}

static void on_list(void *arg, unsigned list, const char *what)
{
	struct flow_run *run = arg;
	struct engine *e = run->e;
	const struct checkdef *d = lists_def(e->lists, list);
	struct finding found;
	if (has_line(run->f->lists, d->key, '\n'))
		return;
	add_line(&run->f->lists, d->key);
	run->judged = false;
	if (!d->score)
		return;
	snprintf(found.message, sizeof found.message, "The %s is on list %s", what, d->key);
	snprintf(found.values, sizeof found.values, "list=%s\nwhat=%s", d->key, what);
	flow_fired(run, d, e->first_list + list, &found);
}

static void on_flow_rule(void *arg, const struct rule_finding *rf)
{
	struct flow_run *run = arg;
	struct engine *e = run->e;
	struct finding found;
	unsigned index = e->first_rule + rf->rule;
	if (flow_has_fired(run->f, index))
		return;
	snprintf(found.message, sizeof found.message, "%s", rf->message);
	snprintf(found.values, sizeof found.values, "%s", rf->values);
	flow_fired(run, rules_def(e->rules, rf->rule), index, &found);
}

void run_flow_policy(struct flow_run *run, bool update)
{
	struct engine *e = run->e;
	bool lists = run->v.hook == HOOK_DETECTED && lists_count(e->lists);
	struct r_flow whole;
	if (!lists && !(update ? rules_look_at_updates(e->rules) : rules_has(e->rules, R_FLOW)))
		return;
	/* They see the whole record, with all strings in one place. */
	struct buf one = { 0 };
	pack_flow(run, &one);
	struct codec_reader r = { .base = one.p, .len = one.len };
	if (codec_read(&r, &whole) == 1) {
		if (lists)
			lists_flow(e->lists, &whole, one.p, on_list, run);
		rules_flow(e->rules, &whole, one.p, e->clock, update, on_flow_rule, run);
	}
	buf_release(&one);
}

/* -- rules on hosts and sensors -- */

/* What the rules found of one subject, by rule. */
struct subject_policy {
	struct observation *found;
	bool *holds;
};

static void on_rule(void *arg, const struct rule_finding *rf)
{
	struct subject_policy *p = arg;
	struct observation *o = &p->found[rf->rule];
	p->holds[rf->rule] = true;
	o->attacker = true;
	o->value = rf->value;
	o->threshold = rf->threshold;
	snprintf(o->message, sizeof o->message, "%s", rf->message);
}

static void policy_begin(const struct engine *e, struct subject_policy *p)
{
	unsigned n = rules_count(e->rules);
	p->found = xcalloc(n, sizeof *p->found);
	p->holds = xcalloc(n, sizeof *p->holds);
}

/* Rules that hold engage or go on, all others of this kind of subject are released. */
static void policy_end(struct engine *e, const struct subject *s, struct subject_policy *p)
{
	for (unsigned i = 0; i < rules_count(e->rules); i++)
		if (rules_def(e->rules, i)->entity == s->entity)
			subject_run(e, s, e->first_rule + i, PER_MINUTE, p->holds[i], &p->found[i]);
	free(p->found);
	free(p->holds);
}

void run_host_policy(struct engine *e, struct host *h)
{
	struct subject_policy p;
	struct r_host r;
	struct buf arena = { 0 };
	struct subject s;
	if (!rules_has(e->rules, R_HOST))
		return;
	policy_begin(e, &p);
	host_subject(h, &s);
	host_record(h, &e->conf, e->clock, false, &r.host, &arena);
	rules_host(e->rules, &r, arena.p, e->clock, on_rule, &p);
	policy_end(e, &s, &p);
	buf_release(&arena);
}

void run_sensor_policy(struct engine *e)
{
	for (unsigned i = 0; rules_has_sensors(e->rules) && i < e->n_sensors; i++) {
		struct subject_policy p;
		struct subject s;
		policy_begin(e, &p);
		place_subject(&e->sensors[i].place, &s);
		rules_sensor(e->rules, e->sensors[i].name, e->clock, on_rule, &p);
		policy_end(e, &s, &p);
	}
}

/* -- all of it -- */

void policy_new(struct engine *e, const struct topo *t)
{
	e->exclude = exclude_new(t);
	e->lists = lists_new(t);
	e->rules = rules_new(t);
	e->first_list = (unsigned)e->conf.n;
	for (unsigned i = 0; i < lists_count(e->lists); i++)
		conf_add(&e->conf, lists_def(e->lists, i));
	e->first_rule = (unsigned)e->conf.n;
	for (unsigned i = 0; i < rules_count(e->rules); i++)
		conf_add(&e->conf, rules_def(e->rules, i));
	if (e->conf.n > CONF_FLOW_CHECKS)
		fatalx("more than %d checks, lists and rules", CONF_FLOW_CHECKS);
}

void policy_free(struct engine *e)
{
	exclude_free(e->exclude);
	lists_free(e->lists);
	rules_free(e->rules);
}

void policy_metrics(const struct engine *e, struct metrics *m)
{
	uint64_t held, max, evicted;
	exclude_metrics(e->exclude, m);
	lists_metrics(e->lists, m);
	if (!rules_count(e->rules))
		return;
	rules_windows(e->rules, &held, &max, &evicted);
	metrics_put(m, "rule_windows", NULL, "windows", false, (double)held);
	metrics_bound(m, "rule_windows_max", NULL, "windows", (double)max);
	metrics_put(m, "rule_windows_evicted", NULL, "windows", true, (double)evicted);
}

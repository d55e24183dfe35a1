/*
 * The checks of a flow: nDPI's risks, native checks, Lua checks, and the one alert that a flow has.
 */
#include "engine_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "id.h"
#include "loop.h"

void flow_run_begin(struct engine *e, struct flow_run *run, struct openflow *f, enum check_hook hook, const char *base)
{
	run->e = e;
	run->f = f;
	run->fired = run->judged = false;
	run->more.score = run->more.client = 0;
	run->key_packed = run->n_packed = (struct str){ 0, 0 };
	run->v = (struct flow_view){
		.key = &f->key, .n = &f->n, .app = &run->app, .app_base = base,
		.client_local = conf_is_local(&e->conf, &f->key.client),
		.server_local = conf_is_local(&e->conf, &f->key.server),
		.facts = &f->facts, .since = e->since,
		.final = run->app.final || hook == HOOK_END, .ended = hook == HOOK_END, .hook = hook,
	};
}

void flow_run_init_from(struct engine *e, struct flow_run *run, struct openflow *f, enum check_hook hook, const char *app)
{
	run->app_packed = (struct str){ 0, f->app_len };
	codec_read_group(app, run->app_packed, R_VERDICT, RG_verdict_app, &run->app);
	flow_run_begin(e, run, f, hook, app);
}

void flow_run_init(struct engine *e, struct flow_run *run, struct openflow *f, enum check_hook hook)
{
	flow_run_init_from(e, run, f, hook, f->app ? f->app : "");
	arena_begin(e);
	judge_ends(run, &e->arena);
}

static uint16_t add_score(uint16_t a, unsigned b)
{
	return a + b > UINT16_MAX ? UINT16_MAX : (uint16_t)(a + b);
}

#define WHY_MAX 2048 /* bytes of a flow's reasons */

static void put_reason(struct buf *out, const char *key, size_t key_len, const char *line, size_t len)
{
	if (out->len)
		buf_addc(out, '\n');
	buf_add(out, key, key_len);
	buf_addc(out, '.');
	buf_add(out, line, len);
}

/* The end of the line at p; behind it the next one. */
static const char *line_end(const char *p)
{
	return strchrnul(p, '\n');
}

/* What decided, in e->why: that of the flow before this run, and then what this run finds. 'check.name=value' lines. */
static void remember(struct flow_run *run, const struct checkdef *d, const struct finding *found)
{
	struct buf *why = &run->e->why;
	if (!run->fired) {
		buf_reset(why);
		if (run->f->why)
			buf_adds(why, run->f->why);
	}
	size_t old = why->len, n = strlen(d->key);
	put_reason(why, d->key, n, "message=", strlen("message="));
	buf_add(why, found->message, (size_t)(line_end(found->message) - found->message));
	for (const char *p = found->values, *end; *p; p = end + (*end == '\n')) {
		end = line_end(p);
		if (end > p)
			put_reason(why, d->key, n, p, (size_t)(end - p));
	}
	if (why->len >= WHY_MAX)
		why->len = old;
}

/* A later revision of the alert says it again: it is kept with the flow, unless that ends here. */
static void keep_reasons(struct flow_run *run)
{
	const struct buf *why = &run->e->why;
	if (run->v.ended)
		return;
	run->f->why = xrealloc(run->f->why, why->len + 1);
	memcpy(run->f->why, why->p, why->len);
	run->f->why[why->len] = '\0';
}

/* The reasons as an alert has them: those of the check it is named after without the prefix, its message apart. */
static void put_reasons(struct flow_run *run, const struct checkdef *d, struct g_alert *a)
{
	struct engine *e = run->e;
	const char *message = NULL;
	size_t n = strlen(d->key), message_len = 0, longest = 0;
	struct str values = { (uint32_t)e->arena.len, 0 };
	for (const char *p = buf_cstr(&e->why), *end; *p; p = end + (*end == '\n')) {
		end = line_end(p);
		size_t len = (size_t)(end - p);
		bool own = len > n && memcmp(p, d->key, n) == 0 && p[n] == '.';
		const char *line = own ? p + n + 1 : p;
		size_t rest = len - (size_t)(line - p);
		if (own && rest >= 8 && memcmp(line, "message=", 8) == 0) {
			message = line + 8;
			message_len = rest - 8;
			continue;
		}
		if (e->arena.len > values.off)
			buf_addc(&e->arena, '\n');
		buf_add(&e->arena, line, rest);
		longest = rest > longest ? rest : longest;
	}
	values.len = (uint32_t)e->arena.len - values.off;
	a->values = clean_lines(e, values, longest);
	a->message = str_put(&e->arena, message, message_len, TEXT_MAX_BYTES);
}

static void set_top(struct openflow *f, const struct checkdef *d, unsigned index)
{
	bool known = index < CONF_FLOW_CHECKS;
	f->top_score = d->score;
	f->top = known ? (uint16_t)(index + 1) : 0;
	free(f->lua_top);
	f->lua_top = known ? NULL : xstrdup(d->key);
}

void flow_fired(struct flow_run *run, const struct checkdef *d, unsigned index, const struct finding *found)
{
	struct engine *e = run->e;
	struct openflow *f = run->f;
	if (flow_excluded(run, d))
		return;
	remember(run, d, found);
	run->fired = true;
	run->judged = false;
	run->more.score += d->score;
	run->more.client += d->client_score;
	if (index < CONF_FLOW_CHECKS) {
		f->fired[index / 64] |= 1ull << (index % 64);
		e->conf.checks[index].alerts++;
	} else {
		add_line(&f->lua_alerts, d->key);
	}
	f->score = add_score(f->score, d->score);
	f->client_score = add_score(f->client_score, d->client_score);
	f->server_score = add_score(f->server_score, (unsigned)(d->score - d->client_score));
	if ((!f->top && !f->lua_top) || d->score > f->top_score)
		set_top(f, d, index);
}

/* What was found counts for the flow's hosts and its sensor. */
static void book_found(struct flow_run *run)
{
	struct engine *e = run->e;
	struct openflow *f = run->f;
	struct host *side[2] = { host_of(e, f, false), host_of(e, f, true) };
	for (int i = 0; f->alert_revision == 0 && i < 2; i++)
		if (side[i]) {
			side[i]->flows_alerted++;
			side[i]->alerts++;
		}
	sensor_of(e, f)->place.score += run->more.score;
	book_score(e, f, (int)run->more.client, (int)(run->more.score - run->more.client));
}

const char *flow_top(const struct engine *e, const struct openflow *f)
{
	return f->top ? e->conf.checks[f->top - 1].def->key : f->lua_top;
}

bool flow_has_fired(const struct openflow *f, unsigned index)
{
	return f->fired[index / 64] >> (index % 64) & 1;
}

static void set_text(char *out, size_t size, const char *s, size_t len)
{
	if (len >= size)
		len = size - 1;
	memcpy(out, s, len);
	out[len] = '\0';
}

/* What the verdict says of a risk: the line of risk.details that begins with its key. */
static void risk_finding(const struct flow_run *run, const struct checkdef *d, struct finding *out)
{
	const struct str s = run->app.risk_details;
	const char *p = run->v.app_base + s.off, *end = p + s.len;
	size_t n = strlen(d->key);
	set_text(out->message, sizeof out->message, d->title, strlen(d->title));
	snprintf(out->values, sizeof out->values, "risk=%u", d->risk_id);
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = nl ? (size_t)(nl - p) : (size_t)(end - p);
		if (len > n + 2 && memcmp(p, d->key, n) == 0 && p[n] == ':')
			snprintf(out->message, sizeof out->message, "%s: %.*s", d->title, (int)(len - n - 2), p + n + 2);
		p += len + 1;
	}
}

static void run_risks(struct flow_run *run)
{
	struct engine *e = run->e;
	for (uint64_t bits = run->app.risk_bits; bits; bits &= bits - 1) {
		unsigned index = e->risk_check[__builtin_ctzll(bits)];
		struct finding found;
		if (index == CONF_MAX_CHECKS || !e->conf.checks[index].enabled || flow_has_fired(run->f, index))
			continue;
		risk_finding(run, e->conf.checks[index].def, &found);
		flow_fired(run, e->conf.checks[index].def, index, &found);
	}
}

unsigned hook_place(enum check_hook hook)
{
	return hook == HOOK_DETECTED ? 0 : hook == HOOK_PERIODIC ? 1 : 2;
}

static void run_native(struct flow_run *run)
{
	struct engine *e = run->e;
	const uint64_t *asked = e->asked[hook_place(run->v.hook)][flow_about(&run->v)];
	bool timed = cost_due(&e->meter);
	struct finding found;
	for (unsigned w = 0; w < CATALOGUE_WORDS; w++)
		for (uint64_t bits = asked[w] & ~run->f->fired[w]; bits; bits &= bits - 1) {
			unsigned index = 64 * w + (unsigned)__builtin_ctzll(bits);
			struct check_conf *k = &e->conf.checks[index];
			*found.message = *found.values = '\0';
			uint64_t began = timed ? mono_ns() : 0;
			bool fires = check_fns[index].flow(&run->v, k, &found);
			if (timed)
				cost_book(&e->meter, &k->cost, began);
			if (fires)
				flow_fired(run, k->def, index, &found);
			e->evaluations++;
		}
}

void judge_lua(struct flow_run *run, const struct lua_finding *lf)
{
	struct finding found = { "", "" };
	if (has_line(run->f->lua_alerts, lf->def->key, '\n'))
		return;
	snprintf(found.message, sizeof found.message, "%s", lf->message);
	snprintf(found.values, sizeof found.values, "%.*s", (int)sizeof found.values - 1, lf->values);
	flow_fired(run, lf->def, CONF_MAX_CHECKS, &found);
}

/* A clean text; NULL is an empty one. */
static inline struct str put_text(struct buf *arena, const char *s)
{
	return s && *s ? str_put_raw(arena, s, strlen(s)) : (struct str){ 0, 0 };
}

/* The keys of the checks that fired, those of the catalogue before those in Lua. */
static void put_fired(const struct engine *e, const struct openflow *f, struct buf *arena)
{
	size_t start = arena->len;
	for (unsigned w = 0; w < FLOW_CHECK_WORDS; w++)
		for (uint64_t bits = f->fired[w]; bits; bits &= bits - 1) {
			if (arena->len > start)
				buf_addc(arena, '\n');
			const struct str *key = &e->texts[64 * w + (unsigned)__builtin_ctzll(bits)].key;
			buf_add(arena, str_ptr(e->arena.p, *key), key->len);
		}
	if (f->lua_alerts) {
		if (arena->len > start)
			buf_addc(arena, '\n');
		buf_adds(arena, f->lua_alerts);
	}
}

/* All of these texts were cleaned when they were read. */
void judge_ends(struct flow_run *run, struct buf *texts)
{
	const struct host *c = host_of(run->e, run->f, false), *s = host_of(run->e, run->f, true);
	struct g_flow_judge *j = &run->ends;
	*j = (struct g_flow_judge){ .client_local = run->v.client_local, .server_local = run->v.server_local };
	run->texts = texts;
	if (c) {
		j->client_name = put_text(texts, host_name(c));
		j->client_vendor = put_text(texts, c->place.vendor);
		j->client_country = put_text(texts, c->place.country);
		j->client_asn = c->place.asn;
		j->client_as = put_text(texts, c->place.as_name);
		j->client_pool = put_text(texts, c->place.pool);
		j->client_network = put_text(texts, c->place.network);
	}
	if (s) {
		j->server_name = put_text(texts, host_name(s));
		j->server_vendor = put_text(texts, s->place.vendor);
		j->server_country = put_text(texts, s->place.country);
		j->server_asn = s->place.asn;
		j->server_as = put_text(texts, s->place.as_name);
		j->server_pool = put_text(texts, s->place.pool);
		j->server_network = put_text(texts, s->place.network);
	}
}

static void fill_judge(struct flow_run *run)
{
	const struct openflow *f = run->f;
	struct buf *texts = run->texts;
	struct g_flow_judge *j = &run->judge;
	*j = run->ends;
	j->score = f->score;
	j->client_score = f->client_score;
	j->server_score = f->server_score;
	j->severity = (uint8_t)severity_of_score(f->score);
	j->alert = put_text(texts, flow_top(run->e, f));
	j->alerts.off = (uint32_t)texts->len;
	put_fired(run->e, f, texts);
	j->alerts.len = (uint32_t)texts->len - j->alerts.off;
	j->lists = put_text(texts, f->lists);
	j->excluded = put_text(texts, f->excluded);
}

const struct g_flow_judge *flow_run_judge(struct flow_run *run)
{
	if (!run->judged)
		fill_judge(run);
	run->judged = true;
	run->judge.revision = run->f->revision;
	return &run->judge;
}

/* The definition of the flow's predominant check; one that is gone since has its key and no more. */
static const struct checkdef *predominant(const struct engine *e, const struct openflow *f)
{
	static const struct checkdef gone = { .key = "gone", .title = "", .mitre = "" };
	if (f->top)
		return e->conf.checks[f->top - 1].def;
	const struct checkdef *d = lua_flow_def(e->lua, f->lua_top);
	return d ? d : &gone;
}

/*
 * One alert per flow: the first check makes it, later ones raise its revision. People are told of a flow once or twice and
 * not once per check, and nothing is left out: other_checks names them all. Told is the check with the highest score, also when
 * a lesser one fired only now.
 */
static void flow_alert(struct flow_run *run)
{
	struct engine *e = run->e;
	struct openflow *f = run->f;
	const struct checkdef *d = predominant(e, f);
	struct alert_parts p = { .key = &f->key, .n = run->v.n, .app = &run->app, .key_base = e->names.p,
				 .app_base = run->v.app_base, .app_packed = run->app_packed, .told = &f->told };
	struct g_alert *a = &p.alert;
	arena_begin(e);
	if (f->top)
		fill_check(e, a, f->top - 1u);
	else
		fill_def(e, a, d);
	p.judge = flow_run_judge(run);
	flow_run_packed(run);
	p.key_packed = run->key_packed;
	p.n_packed = run->n_packed;
	p.packed_base = run->packed_in->p;
	p.judge_base = run->texts->p;
	a->id = id_make(f->key.first, e->epoch ^ 1, &f->id, sizeof f->id);
	a->revision = ++f->alert_revision;
	a->action = f->alert_revision == 1 ? ACT_STORE : ACT_UPDATE;
	a->entity = ENT_FLOW;
	a->entity_val = e->flow_text;
	a->severity = (uint8_t)severity_of_score(f->score);
	a->score = f->score;
	a->client_score = f->client_score;
	a->server_score = f->server_score;
	a->time = f->key.first;
	a->end = run->v.n->last > f->key.first ? run->v.n->last : f->key.first;
	a->decided = e->clock;
	a->attacker = d->client_attacker ? f->key.client : d->server_attacker ? f->key.server : (struct addr){ { 0 } };
	a->victim = d->server_victim ? f->key.server : d->client_victim ? f->key.client : (struct addr){ { 0 } };
	a->sensor = str_put_raw(&e->arena, str_ptr(e->names.p, f->key.sensor), f->key.sensor.len);
	put_reasons(run, d, a);
	a->others = str_put_raw(&e->arena, str_ptr(run->texts->p, p.judge->alerts), p.judge->alerts.len);
	emit_alert(e, &p);
}

void judge_native(struct flow_run *run)
{
	run->v.client = host_of(run->e, run->f, false);
	run->v.server = host_of(run->e, run->f, true);
	learn_flow(run->e, run);
	if (run->v.hook == HOOK_DETECTED || run->v.hook == HOOK_END)
		run_risks(run);
	run_native(run);
}

void judge_end(struct flow_run *run)
{
	if (!run->fired)
		return;
	book_found(run);
	keep_reasons(run);
	flow_alert(run);
}

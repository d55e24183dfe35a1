/* What scripts say of hosts. */
#include "engine_priv.h"

#include <stdlib.h>
#include <string.h>

void lua_checks_new(struct engine *e)
{
	unsigned n = lua_count(e->lua);
	e->first_script = (unsigned)e->conf.n;
	e->script_check = xcalloc(n + 1, sizeof *e->script_check);
	for (unsigned i = 0; i < n; i++) {
		const struct checkdef *d = lua_host_def(e->lua, i);
		e->script_check[i] = d->hooks ? (uint16_t)conf_add(&e->conf, d) : CONF_MAX_CHECKS;
	}
}

uint32_t engine_scripts(const struct engine *e, struct buf *out)
{
	return lua_describe(e->lua, out);
}

/* -- findings -- */

/* The line 'name=number' of values. */
static bool number_in(const char *values, const char *name, double *ret)
{
	size_t n = strlen(name);
	for (const char *p = values; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		char *end;
		if (strncmp(p, name, n) != 0 || p[n] != '=')
			continue;
		*ret = strtod(p + n + 1, &end);
		return end > p + n + 1 && (*end == '\n' || *end == '\0');
	}
	return false;
}

/* All lines but those of value and threshold. */
static void other_values(const char *values, char *out)
{
	for (const char *p = values; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		if (strncmp(p, "value=", 6) == 0 || strncmp(p, "threshold=", 10) == 0)
			continue;
		size_t n = strcspn(p, "\n") + (p[strcspn(p, "\n")] == '\n');
		memcpy(out, p, n);
		out += n;
	}
	*out = '\0';
}

/* It is the host's doing unless the server's part of the score is the larger one. */
static void observe(const struct lua_finding *f, struct observation *o)
{
	*o = (struct observation){ .attacker = 2u * f->def->client_score >= f->def->score, .score = f->def->score };
	_Static_assert(sizeof o->message >= sizeof f->message && sizeof o->values >= sizeof f->values, "what a script says fits");
	memcpy(o->message, f->message, sizeof f->message);
	memcpy(o->values, f->values, sizeof f->values);
}

void lua_event(struct engine *e, const struct addr *ip, uint16_t vlan, const struct lua_finding *f)
{
	struct host *h = host_find(e->hosts, ip, vlan);
	struct subject s = { .entity = ENT_HOST, .sensor = h ? h->sensor : "", .ip = ip, .host = h };
	struct observation o;
	host_key(ip, vlan, s.name);
	observe(f, &o);
	subject_event(e, &s, f->def, 0, &o);
}

/* -- hosts -- */

struct host_batch {
	struct engine *e;
	struct host *rows[LUA_ROWS];
	struct r_host rec[LUA_ROWS];
	unsigned hooks[LUA_ROWS];
	unsigned n;
	struct buf arena;
};

static enum period period_of(const struct checkdef *d)
{
	enum period p = PER_MINUTE;
	while (!(d->hooks & period_hook(p)))
		p++;
	return p;
}

/* The condition holds: the episode begins or goes on. A host has one of each script; what is found first in a run counts. */
static void holds(struct engine *e, struct host *h, const struct lua_finding *f)
{
	struct subject s;
	struct observation o;
	unsigned check = e->script_check[f->script];
	enum period p = period_of(e->conf.checks[check].def);
	struct engaged *g = episode_find(h->engaged, check, p);
	if (g && g->seen)
		return;
	host_subject(h, &s);
	observe(f, &o);
	/* With both as numbers it is told again when it has grown. */
	if (number_in(f->values, "value", &o.value) && number_in(f->values, "threshold", &o.threshold))
		other_values(f->values, o.values);
	else
		o.value = o.threshold = 0;
	subject_run(e, &s, check, p, true, &o);
	g = episode_find(h->engaged, check, p);
	if (g)
		g->seen = true;
}

/* What a script did not look at stays as it was. */
static void skipped(struct engine *e, struct host *h, unsigned script)
{
	for (struct engaged *g = h->engaged; g; g = g->next)
		g->seen |= g->check == e->script_check[script];
}

static void on_found(void *arg, const struct lua_finding *f)
{
	struct host_batch *b = arg;
	struct host *h = b->rows[f->row];
	if (f->about_host) {
		lua_event(b->e, &f->host, f->vlan, f);
		return;
	}
	host_will_change(b->e->hosts, h);
	if (f->said == LUA_RESET)
		memset(h->mute, 0, sizeof h->mute);
	else if (f->said == LUA_SKIPPED)
		skipped(b->e, h, f->script);
	else
		holds(b->e, h, f);
}

static bool is_due(const struct engine *e, const struct engaged *g, unsigned hooks)
{
	return g->check >= e->first_script && g->check < e->conf.n && (hooks >> (LUA_MINUTE + g->period) & 1);
}

/* Conditions that held before and do not now. */
static void end_others(struct engine *e, struct host *h, unsigned hooks)
{
	static const struct observation nothing;
	struct subject s;
	host_subject(h, &s);
	for (struct engaged *g = h->engaged, *next; g; g = next) {
		next = g->next;
		if (is_due(e, g, hooks) && !g->seen)
			subject_run(e, &s, g->check, (enum period)g->period, false, &nothing);
		else
			g->seen = false;
	}
}

/* A host is looked at when it was active within the period that is over, or when something is open that may be so no longer. */
static unsigned hooks_of(const struct engine *e, const struct host *h, unsigned hooks)
{
	unsigned due = 0;
	for (enum lua_hook k = LUA_MINUTE; k <= LUA_DAY; k++)
		if ((hooks >> k & 1) && (h->changed || h->last + period_seconds((enum period)(k - LUA_MINUTE)) * SECOND > e->clock))
			due |= 1u << k;
	for (const struct engaged *g = h->engaged; g; g = g->next)
		if (is_due(e, g, hooks))
			due |= 1u << (LUA_MINUTE + g->period);
	return due;
}

/* Scripts that went out of service: subject_sweep() ends what they began. */
static void note_disabled(struct engine *e)
{
	for (unsigned i = 0; i < lua_count(e->lua); i++)
		if (e->script_check[i] < CONF_MAX_CHECKS)
			e->conf.checks[e->script_check[i]].enabled = lua_is_on(e->lua, i);
}

void lua_hosts(struct engine *e, struct host *const *hosts, unsigned n, unsigned hooks)
{
	static struct host_batch b;
	note_disabled(e);
	for (enum lua_hook k = LUA_MINUTE; k <= LUA_DAY; k++)
		if (!lua_has(e->lua, k))
			hooks &= ~(1u << k);
	if (!hooks)
		return;
	b.e = e;
	b.n = 0;
	buf_reset(&b.arena);
	for (unsigned i = 0; i < n; i++) {
		b.hooks[b.n] = hooks_of(e, hosts[i], hooks);
		if (!b.hooks[b.n])
			continue;
		b.rows[b.n] = hosts[i];
		host_record(hosts[i], &e->conf, e->clock, false, &b.rec[b.n++].host, &b.arena);
	}
	for (unsigned i = 0; i < b.n; i++)
		lua_add(e->lua, LUA_HOSTS, b.hooks[i], &(struct lua_part){ &b.rec[i], b.arena.p });
	lua_run(e->lua, LUA_HOSTS, e->clock, on_found, &b);
	for (unsigned i = 0; i < b.n; i++)
		if (b.rows[i]->engaged)
			end_others(e, b.rows[i], b.hooks[i]);
	buf_release(&b.arena);
}

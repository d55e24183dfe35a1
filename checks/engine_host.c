/* Hosts: the minute run, and alerts as episodes: engaged, updated, released. */
#include "engine_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "id.h"

#define UPDATE_CHANGE 0.5 /* an engaged alert is told again when its value has grown by this share */

void host_entity(const struct host *h, char *out, size_t size)
{
	char a[ADDR_STRLEN];
	if (h->vlan)
		snprintf(out, size, "%s@%u", addr_str(&h->ip, a), h->vlan);
	else
		snprintf(out, size, "%s", addr_str(&h->ip, a));
}

static void host_alert(struct engine *e, struct host *h, struct engaged *g, const struct checkdef *d, enum action action,
		       enum endcause cause)
{
	char entity[ADDR_STRLEN + 8], values[128];
	struct g_host host;
	struct alert_parts p = { .host = &host };
	struct g_alert *a = &p.alert;
	e->arena.len = 0;
	host_entity(h, entity, sizeof entity);
	fill_def(e, a, d);
	host_record(h, &e->conf, e->clock, false, &host, &e->arena);
	a->id = g->id;
	a->revision = ++g->revision;
	a->action = (uint8_t)action;
	a->entity = ENT_HOST;
	a->entity_val = put_str(e, entity);
	a->severity = (uint8_t)severity_of_score(d->score);
	a->score = d->score;
	a->client_score = g->client_score;
	a->server_score = g->server_score;
	a->time = g->time;
	a->end = action == ACT_RELEASE ? e->clock : 0;
	a->release_cause = (uint8_t)cause;
	a->decided = e->clock;
	if (g->attacker)
		a->attacker = h->ip;
	else
		a->victim = h->ip;
	a->sensor = put_str(e, h->sensor);
	a->granularity = 60;
	a->message = put_str(e, g->message);
	snprintf(values, sizeof values, "value=%.15g\nthreshold=%.15g", g->value, g->threshold);
	a->values = put_lines(e, values);
	g->told = g->value;
	g->told_at = e->clock;
	emit_alert(e, &p);
}

static struct engaged *find_engaged(struct host *h, unsigned check)
{
	for (struct engaged *g = h->engaged; g; g = g->next)
		if (g->check == check)
			return g;
	return NULL;
}

static void engage(struct engine *e, struct host *h, unsigned index, const struct checkdef *d, const struct host_finding *f)
{
	char entity[ADDR_STRLEN + 8], name[160];
	host_entity(h, entity, sizeof entity);
	if (host_excluded(e, h, d, f->attacker, entity))
		return;
	struct engaged *g = xcalloc(1, sizeof *g);
	int n = snprintf(name, sizeof name, "%s %s %" PRIu64, d->key, entity, e->clock);
	g->id = id_make(e->clock, e->epoch, name, (size_t)n);
	g->time = e->clock;
	g->check = (uint16_t)index;
	g->attacker = f->attacker;
	g->value = f->value;
	g->threshold = f->threshold;
	g->client_score = f->attacker ? d->score : 0;
	g->server_score = f->attacker ? 0 : d->score;
	g->message = xstrdup(f->message);
	g->seen = true;
	g->next = h->engaged;
	h->engaged = g;
	h->alerts++;
	h->score[0] += g->client_score;
	h->score[1] += g->server_score;
	if (index < e->conf.n)
		e->conf.checks[index].alerts++;
	host_alert(e, h, g, d, ACT_ENGAGE, CAUSE_NONE);
}

static void release(struct engine *e, struct host *h, struct engaged *g, enum endcause cause)
{
	const struct check_conf *k = &e->conf.checks[g->check];
	h->score[0] -= g->client_score < h->score[0] ? g->client_score : h->score[0];
	h->score[1] -= g->server_score < h->score[1] ? g->server_score : h->score[1];
	host_alert(e, h, g, k->def, ACT_RELEASE, cause);
	for (struct engaged **p = &h->engaged; *p; p = &(*p)->next)
		if (*p == g) {
			*p = g->next;
			break;
		}
	free(g->message);
	free(g);
}

void release_all(struct engine *e, struct host *h, enum endcause cause)
{
	while (h->engaged)
		release(e, h, h->engaged, cause);
}

void host_fires(struct engine *e, struct host *h, unsigned index, const struct host_finding *f)
{
	const struct checkdef *d = e->conf.checks[index].def;
	struct engaged *g = find_engaged(h, index);
	if (!g) {
		engage(e, h, index, d, f);
		return;
	}
	g->seen = true;
	g->value = f->value;
	g->threshold = f->threshold;
	if (g->attacker == f->attacker && f->value > g->told * (1 + UPDATE_CHANGE)) {
		free(g->message);
		g->message = xstrdup(f->message);
		host_alert(e, h, g, d, ACT_UPDATE, CAUSE_NONE);
	}
}

void emit_host(struct engine *e, struct host *h, bool final)
{
	struct r_host r;
	e->arena.len = 0;
	host_record(h, &e->conf, e->clock, final, &r.host, &e->arena);
	buf_reset(&e->packed);
	codec_pack(&e->packed, R_HOST, &r, e->arena.p);
	e->ops.history(e->arg, e->packed.p, e->packed.len);
}

static void host_minute(struct engine *e, struct host *h)
{
	for (struct engaged *g = h->engaged; g; g = g->next)
		g->seen = false;
	if (e->dangerous < e->conf.n) {
		double high = e->conf.checks[e->dangerous].number[0];
		bool is_high = h->score[0] + h->score[1] > high;
		h->high_minutes = is_high ? (uint8_t)(h->high_minutes + (h->high_minutes < UINT8_MAX)) : 0;
	}
	for (unsigned i = 0; i < e->conf.n; i++) {
		struct host_finding f = { 0 };
		if (!e->host_fn[i] || !e->conf.checks[i].enabled)
			continue;
		e->evaluations++;
		if (e->host_fn[i]->fires(h, &e->conf.checks[i], &f))
			host_fires(e, h, i, &f);
	}
	run_host_policy(e, h);
}

/* What the checks found is complete. */
static void host_minute_end(struct engine *e, struct host *h)
{
	for (struct engaged *g = h->engaged, *next; g; g = next) {
		next = g->next;
		if (!g->seen)
			release(e, h, g, CAUSE_CLEARED);
	}
	if (h->changed)
		emit_host(e, h, false);
	h->changed = false;
	memset(&h->minute, 0, sizeof h->minute);
}

/* Nothing new and nothing engaged: nothing can have come true. */
static bool has_news(const struct engine *e, const struct host *h)
{
	return h->changed || h->engaged || h->high_minutes || rules_has(e->rules, R_HOST);
}

static void remove_idle(struct engine *e, struct host *h)
{
	if (h->flows_active || h->last + e->topo->checks.host_idle > e->clock)
		return;
	host_will_change(e->hosts, h);
	release_all(e, h, CAUSE_IDLE);
	emit_host(e, h, true);
	rules_host_end(e->rules, &h->ip, h->vlan);
	e->hosts_idle++;
	host_remove(e->hosts, h);
}

/* Hosts go through in groups, for the scripts' sake. */
void run_hosts(struct engine *e, unsigned hooks)
{
	struct host *group[LUA_ROWS], *h = host_oldest(e->hosts);
	while (h) {
		unsigned n = 0;
		for (; h && n < LUA_ROWS; h = host_newer(e->hosts, h)) {
			group[n++] = h;
			if (has_news(e, h)) {
				host_will_change(e->hosts, h);
				host_minute(e, h);
			}
		}
		lua_hosts(e, group, n, hooks);
		for (unsigned i = 0; i < n; i++) {
			if (has_news(e, group[i]))
				host_minute_end(e, group[i]);
			remove_idle(e, group[i]);
		}
		batch_alerts(e);
	}
	lua_report(e);
}

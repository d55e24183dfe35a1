/* What scripts say of hosts. */
#include "engine_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "id.h"

void lua_event(struct engine *e, const struct addr *ip, uint16_t vlan, const struct lua_finding *f)
{
	char entity[HOST_KEY_STRLEN], name[600];
	struct host *h = host_find(e->hosts, ip, vlan);
	struct g_host host = { 0 };
	struct alert_parts p = { .host = h ? &host : NULL };
	struct g_alert *a = &p.alert;
	host_key(ip, vlan, entity);
	/* The same words about the same host at the same time are the same alert. */
	int n = snprintf(name, sizeof name, "%s %s %" PRIu64 " %s", f->def->key, entity, e->clock, f->message);
	e->arena.len = 0;
	fill_def(e, a, f->def);
	a->id = id_make(e->clock, e->epoch, name, (size_t)n < sizeof name ? (size_t)n : sizeof name - 1);
	a->revision = 1;
	a->action = ACT_STORE;
	a->entity = ENT_HOST;
	a->entity_val = put_str(e, entity);
	a->score = f->def->score;
	a->client_score = f->def->client_score;
	a->server_score = (uint16_t)(f->def->score - f->def->client_score);
	a->severity = (uint8_t)severity_of_score(a->score);
	a->time = a->end = a->decided = e->clock;
	a->message = put_str(e, f->message);
	a->values = put_lines(e, f->values);
	if (h) {
		h->alerts++;
		host_record(h, &e->conf, e->clock, false, &host, &e->arena);
		a->sensor = put_str(e, h->sensor);
	}
	emit_alert(e, &p);
}

void engine_guard(struct engine *e, const struct lua_guard *g)
{
	lua_set_guard(e->lua, g);
}

struct host_batch {
	struct engine *e;
	struct host *rows[LUA_ROWS];
	struct r_host rec[LUA_ROWS];
	unsigned hooks[LUA_ROWS];
	unsigned n;
	struct buf arena;
};

static void on_found(void *arg, const struct lua_finding *f)
{
	struct host_batch *b = arg;
	if (f->about_host)
		lua_event(b->e, &f->host, f->vlan, f);
	else if (f->reset_contacts)
		memset(b->rows[f->row]->mute, 0, sizeof b->rows[f->row]->mute);
	else
		lua_event(b->e, &b->rows[f->row]->ip, b->rows[f->row]->vlan, f);
}

/* A host is looked at when it was active within the period that is over. */
static unsigned hooks_of(const struct engine *e, const struct host *h, unsigned hooks)
{
	static const uint64_t period[] = { [LUA_MINUTE] = MINUTE, [LUA_5MINUTES] = 5 * MINUTE, [LUA_HOUR] = 60 * MINUTE };
	unsigned due = 0;
	for (enum lua_hook k = LUA_MINUTE; k <= LUA_HOUR; k++)
		if ((hooks >> k & 1) && (h->changed || h->last + period[k] > e->clock))
			due |= 1u << k;
	return due;
}

void lua_hosts(struct engine *e, struct host *const *hosts, unsigned n, unsigned hooks)
{
	static struct host_batch b;
	for (enum lua_hook k = LUA_MINUTE; k <= LUA_HOUR; k++)
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
	buf_release(&b.arena);
}

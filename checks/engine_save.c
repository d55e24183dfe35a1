/*
 * The state of the engine as bytes: entries of a kind, see pack.h. What is small is written when the copy begins; hosts and
 * flows follow bit by bit while the engine goes on, each as it was at the beginning.
 */
#include "engine_priv.h"

#include <stdlib.h>

#include "codec.h"
#include "pack.h"

enum entry_kind { K_ENGINE = 1, K_CHECKS, K_NETS, K_SENSOR, K_HOST, K_FLOW, K_END, K_RULES, K_NETWORK, K_SELF, K_LEARNED,
		  K_STRANGER, K_LUA };

/* -- tables -- */

static const struct member engine_members[] = {
	MEMBER(1, engine, epoch), MEMBER(2, engine, clock), MEMBER(3, engine, minute), MEMBER(4, engine, alerts),
	MEMBER(5, engine, evaluations), MEMBER(6, engine, flows_seen), MEMBER(7, engine, hosts_idle),
	MEMBER(8, engine, since), MEMBER(9, engine, strangers_missed),
	MEMBER(10, engine, totals), MEMBER(11, engine, told),
};

/* 4 and 8 were members once: copies may still have them. */
const struct member flow_members[] = {
	MEMBER(1, openflow, id), MEMBER(2, openflow, age.touched), MEMBER(3, openflow, counted), MEMBER(5, openflow, remote),
	MEMBER(6, openflow, periodic), MEMBER(7, openflow, fired), MEMBER(9, openflow, top_score), MEMBER(10, openflow, score),
	MEMBER(11, openflow, client_score), MEMBER(12, openflow, server_score), MEMBER(13, openflow, revision),
	MEMBER(14, openflow, alert_revision), MEMBER(15, openflow, started),
	MEMBER(16, openflow, facts), MEMBER(17, openflow, told),
};
const size_t n_flow_members = sizeof flow_members / sizeof *flow_members;

/* 29, 30, 46 and 47 were members once. 49, the last, is read where it is there, and not written: applications follow one by one. */
const struct member host_members[] = {
	MEMBER(1, host, ip), MEMBER(2, host, vlan), MEMBER(3, host, age.touched), MEMBER(4, host, local),
	MEMBER(5, host, changed), MEMBER(6, host, high_minutes), MEMBER(7, host, first), MEMBER(8, host, last),
	MEMBER(9, host, mac), MEMBER(10, host, bytes_sent), MEMBER(11, host, bytes_rcvd), MEMBER(12, host, packets_sent),
	MEMBER(13, host, packets_rcvd), MEMBER(14, host, flows_client), MEMBER(15, host, flows_server),
	MEMBER(16, host, flows_active), MEMBER(17, host, flows_alerted), MEMBER(18, host, alerts),
	MEMBER(19, host, score), MEMBER(20, host, remote_flows), MEMBER(21, host, peers), MEMBER(22, host, ports),
	MEMBER(23, host, dns_servers), MEMBER(24, host, ntp_servers), MEMBER(25, host, smtp_servers),
	MEMBER(26, host, is_dns), MEMBER(27, host, is_ntp), MEMBER(28, host, is_smtp),
	MEMBER(31, host, other_bytes), MEMBER(32, host, os), MEMBER(33, host, sensor),
	PART(34, host, minute, 1), MEMBER(35, host, gateway), MEMBER(36, host, network), MEMBER(37, host, open),
	MEMBER(38, host, kind), MEMBER(39, host, asked), PART(40, host, domains, HOST_DOMAINS), MEMBER(41, host, volumes),
	PART(42, host, score_forecast, 2), PART(43, host, flows_forecast, 2), MEMBER(44, host, mute_flows),
	MEMBER(45, host, mute), MEMBER(48, host, name_times), MEMBER(50, host, n_apps),
	PART(49, host, apps, HOST_APPS),
};
const size_t n_host_members = sizeof host_members / sizeof *host_members;

static const struct member app_members[] = {
	MEMBER(1, host_app, name), MEMBER(2, host_app, sent), MEMBER(3, host_app, rcvd), MEMBER(4, host_app, packets_sent),
	MEMBER(5, host_app, packets_rcvd), MEMBER(6, host_app, flows), MEMBER(7, host_app, seconds), MEMBER(8, host_app, second),
	MEMBER(9, host_app, breed),
};

static const struct member engaged_members[] = {
	MEMBER(1, engaged, id), MEMBER(2, engaged, time), MEMBER(3, engaged, revision), MEMBER(4, engaged, check),
	MEMBER(5, engaged, attacker), MEMBER(6, engaged, seen), MEMBER(7, engaged, value), MEMBER(8, engaged, told),
	MEMBER(9, engaged, told_at), MEMBER(10, engaged, client_score), MEMBER(11, engaged, server_score),
	MEMBER(12, engaged, period), MEMBER(13, engaged, above), MEMBER(14, engaged, threshold), MEMBER(15, engaged, message),
	MEMBER(16, engaged, values), MEMBER(17, engaged, told_severity),
};

static const struct member place_members[] = {
	MEMBER(1, place, entity), MEMBER(2, place, name), MEMBER(3, place, live), MEMBER(4, place, volumes),
	MEMBER(5, place, traffic), MEMBER(6, place, score_forecast), MEMBER(7, place, hosts), MEMBER(8, place, score),
	MEMBER(9, place, score_at), MEMBER(10, place, minute), MEMBER(11, place, quiet), MEMBER(12, place, ghosts),
	MEMBER(13, place, evicted_hosts), MEMBER(14, place, evicted_hosts_at), MEMBER(15, place, stale_flows),
	MEMBER(16, place, lua_errors), MEMBER(17, place, lua_errors_at),
	MEMBER(18, place, poisoned), MEMBER(19, place, poisoned_at),
};

static const struct member stranger_members[] = {
	MEMBER(1, stranger, mac), MEMBER(2, stranger, vlan), MEMBER(3, stranger, last), MEMBER(4, stranger, sensor),
};

/* -- writing -- */

static void put_text(struct buf *out, const char *s)
{
	pack_bytes(out, s ? s : "", s ? strlen(s) : 0);
}

static void put_engaged(struct buf *out, const struct engaged *g)
{
	uint64_t n = 0;
	for (const struct engaged *x = g; x; x = x->next)
		n++;
	pack_u64(out, n);
	for (; g; g = g->next)
		pack_members(out, MEMBERS(engaged_members), g);
}

/* As a VERDICT record of which only that group is there. */
static void put_app(struct buf *out, const struct openflow *f, struct buf *scratch)
{
	const struct codec_part part[RECORD_MAX_GROUPS] = { [RG_verdict_app] = { .base = f->app, .packed = { 0, f->app_len } } };
	buf_reset(scratch);
	if (f->app_len)
		codec_pack_parts(scratch, R_VERDICT, part);
	pack_bytes(out, scratch->p, scratch->len);
}

static void put_flow(void *arg, struct openflow *f)
{
	struct engine *e = arg;
	struct buf *out = &e->copied;
	size_t at = pack_begin(out, K_FLOW);
	const struct codec_part part[] = { { &f->key, e->names.p }, { &f->n, NULL } };
	pack_members(out, flow_members, n_flow_members, f);
	buf_reset(&e->packed);
	codec_pack_parts(&e->packed, R_UPDATE, part);
	pack_bytes(out, e->packed.p, e->packed.len);
	put_app(out, f, &e->packed);
	put_text(out, f->lua_alerts);
	put_text(out, f->why);
	put_text(out, f->lists);
	put_text(out, f->excluded);
	put_text(out, flow_top(e, f));
	pack_end(out, at);
	e->n_copied++;
}

static void put_host(void *arg, struct host *h)
{
	struct engine *e = arg;
	struct buf *out = &e->copied;
	size_t at = pack_begin(out, K_HOST);
	pack_members(out, host_members, n_host_members - 1, h);
	pack_u64(out, NAME_SOURCES);
	for (int i = 0; i < NAME_SOURCES; i++)
		put_text(out, h->names[i]);
	put_engaged(out, h->engaged);
	for (unsigned i = 0; i < h->n_apps; i++)
		pack_members(out, MEMBERS(app_members), &h->apps[i]);
	pack_end(out, at);
	e->n_copied++;
}

static void put_place(struct buf *out, const struct place *w)
{
	pack_members(out, MEMBERS(place_members), w);
	put_engaged(out, w->engaged);
}

static void put_sensor(struct engine *e, struct buf *out, const struct sensor *s)
{
	size_t at = pack_begin(out, K_SENSOR);
	struct r_tick now = { .n = s->place.count }, then = { .n = s->place.count_at };
	now.n.undecoded_by = then.n.undecoded_by = (struct str){ 0, 0 };
	put_text(out, s->name);
	pack_u64(out, s->gap_packets);
	for (int i = 0; i < 2; i++) {
		buf_reset(&e->packed);
		codec_pack(&e->packed, R_TICK, i ? &then : &now, NULL);
		pack_bytes(out, e->packed.p, e->packed.len);
	}
	put_place(out, &s->place);
	pack_end(out, at);
}

static void put_places(struct engine *e, struct buf *out)
{
	size_t at;
	for (unsigned i = 0; i < CONF_MAX_NETWORKS; i++) {
		if (e->networks[i].entity != ENT_NETWORK)
			continue;
		at = pack_begin(out, K_NETWORK);
		pack_u64(out, i);
		put_place(out, &e->networks[i]);
		pack_end(out, at);
	}
	at = pack_begin(out, K_SELF);
	put_place(out, &e->self);
	pack_end(out, at);
}

static void put_learned(const struct engine *e, struct buf *out)
{
	for (unsigned i = 0; i < LEARN_SETS; i++) {
		const struct learn_set *l = &e->learned[i];
		size_t at = pack_begin(out, K_LEARNED);
		pack_u64(out, i);
		pack_u64(out, l->evicted);
		pack_u64(out, l->count);
		for (uint32_t k = 0; k < l->n; k++)
			if (l->slots[k].key)
				pack_bytes(out, &l->slots[k], sizeof l->slots[k]);
		pack_end(out, at);
	}
}

static void put_strangers(const struct engine *e, struct buf *out)
{
	for (unsigned i = 0; i < MAX_STRANGERS; i++) {
		if (!e->strangers[i].last)
			continue;
		size_t at = pack_begin(out, K_STRANGER);
		pack_u64(out, i);
		pack_members(out, MEMBERS(stranger_members), &e->strangers[i]);
		put_engaged(out, e->strangers[i].engaged);
		pack_end(out, at);
	}
}

/* Checks by their keys: what refers to them by number finds them again in another order. */
static void put_checks(const struct engine *e, struct buf *out)
{
	size_t at = pack_begin(out, K_CHECKS);
	pack_u64(out, e->conf.n);
	for (size_t i = 0; i < e->conf.n; i++) {
		put_text(out, e->conf.checks[i].def->key);
		pack_u64(out, e->conf.checks[i].alerts);
	}
	pack_end(out, at);
}

bool engine_is_idle(const struct engine *e)
{
	return !e->copying && batch_empty(e->batch);
}

void engine_copy_begin(struct engine *e, struct buf *out)
{
	size_t at = pack_begin(out, K_ENGINE);
	pack_members(out, MEMBERS(engine_members), e);
	pack_u64(out, flow_evicted(e->flows));
	pack_u64(out, host_evicted(e->hosts));
	pack_end(out, at);
	put_checks(e, out);
	at = pack_begin(out, K_NETS);
	pack_bytes(out, e->conf.local, e->conf.n_local * sizeof *e->conf.local);
	pack_end(out, at);
	for (unsigned i = 0; i < e->n_sensors; i++)
		put_sensor(e, out, &e->sensors[i]);
	at = pack_begin(out, K_RULES);
	rules_save(e->rules, &e->copied);
	pack_bytes(out, e->copied.p, e->copied.len);
	pack_end(out, at);
	put_places(e, out);
	put_learned(e, out);
	put_strangers(e, out);
	buf_reset(&e->copied);
	at = pack_begin(out, K_LUA);
	luacheck_save(e->lua, &e->copied);
	pack_bytes(out, e->copied.p, e->copied.len);
	pack_end(out, at);
	buf_reset(&e->copied);
	e->n_copied = 0;
	e->copying = true;
	flow_copy_begin(e->flows, put_flow);
	host_copy_begin(e->hosts, put_host);
}

bool engine_copy_step(struct engine *e, unsigned n, struct buf *out)
{
	bool more = flow_copy_step(e->flows, n) || host_copy_step(e->hosts, n);
	buf_add(out, e->copied.p, e->copied.len);
	buf_reset(&e->copied);
	if (more)
		return true;
	size_t at = pack_begin(out, K_END);
	pack_u64(out, e->n_copied);
	pack_end(out, at);
	e->copying = false;
	return false;
}

/* -- reading -- */

/* Where a check of the copy is now; CONF_MAX_CHECKS if it is gone. */
static uint16_t check_now(const struct engine *e, unsigned index)
{
	return index < CONF_MAX_CHECKS ? e->load_check[index] : CONF_MAX_CHECKS;
}

static void get_checks(struct engine *e, struct unpack *u)
{
	uint64_t n = unpack_u64(u);
	for (unsigned i = 0; i < CONF_MAX_CHECKS; i++)
		e->load_check[i] = CONF_MAX_CHECKS;
	for (uint64_t i = 0; i < n && i < CONF_MAX_CHECKS && !u->failed; i++) {
		size_t len;
		const char *key = unpack_bytes(u, &len);
		uint64_t alerts = unpack_u64(u);
		for (uint16_t x = 0; x < e->conf.n; x++) {
			const char *k = e->conf.checks[x].def->key;
			if (strlen(k) != len || memcmp(k, key, len) != 0)
				continue;
			e->load_check[i] = x;
			e->conf.checks[x].alerts = alerts;
		}
	}
}

static struct engaged *get_engaged(struct engine *e, struct unpack *u)
{
	struct engaged *first = NULL, **last = &first;
	uint64_t n = unpack_u64(u);
	while (n-- && !u->failed) {
		struct engaged *g = xcalloc(1, sizeof *g);
		unpack_members(u, MEMBERS(engaged_members), g);
		g->message[sizeof g->message - 1] = g->values[sizeof g->values - 1] = '\0';
		if (g->period >= PERIODS)
			g->period = PER_MINUTE;
		g->check = check_now(e, g->check);
		*last = g;
		last = &g->next;
	}
	return first;
}

/* An episode of a check that is there no longer has nobody to end it. */
static struct engaged *drop_orphans(struct engine *e, struct host *h, struct engaged *g)
{
	struct engaged *first = g, **p = &first;
	while ((g = *p) != NULL) {
		if (g->check < e->conf.n) {
			p = &g->next;
			continue;
		}
		h->score[0] -= g->client_score < h->score[0] ? g->client_score : h->score[0];
		h->score[1] -= g->server_score < h->score[1] ? g->server_score : h->score[1];
		*p = g->next;
		free(g);
	}
	return first;
}

static void get_names(struct unpack *u, struct host *h)
{
	uint64_t n = unpack_u64(u);
	for (uint64_t i = 0; i < n && !u->failed; i++) {
		char *name = unpack_string(u);
		if (i < NAME_SOURCES)
			h->names[i] = name;
		else
			free(name);
	}
}

static void get_apps(struct unpack *u, struct host *h)
{
	if (h->n_apps > HOST_APPS || u->failed) {
		u->failed = true;
		return;
	}
	bool one_by_one = !h->apps;
	if (one_by_one && h->n_apps)
		h->apps = xcalloc(HOST_APPS, sizeof *h->apps);
	for (unsigned i = 0; i < h->n_apps && !u->failed; i++) {
		struct host_app *a = &h->apps[i];
		if (one_by_one)
			unpack_members(u, MEMBERS(app_members), a);
		a->name[sizeof a->name - 1] = '\0';
		a->breed %= HOST_BREEDS;
	}
}

static bool get_host(struct engine *e, struct unpack *u)
{
	struct host tmp = { 0 };
	unpack_members(u, host_members, n_host_members, &tmp);
	get_names(u, &tmp);
	tmp.engaged = get_engaged(e, u);
	get_apps(u, &tmp);
	bool sound = !u->failed && !host_find(e->hosts, &tmp.ip, tmp.vlan);
	/* A copy of a larger table than ours: who was silent longest makes room, as always. */
	struct host *h = sound ? host_get(e->hosts, &tmp.ip, tmp.vlan, tmp.first) : NULL;
	if (!h) {
		host_release(&tmp);
		return sound;
	}
	move_members(host_members, n_host_members, h, &tmp);
	memcpy(h->names, tmp.names, sizeof h->names);
	h->os[sizeof h->os - 1] = h->sensor[sizeof h->sensor - 1] = h->kind[sizeof h->kind - 1] = '\0';
	if (h->network >= CONF_MAX_NETWORKS || h->network < 0)
		h->network = -1;
	h->engaged = drop_orphans(e, h, tmp.engaged);
	know_host(e, h);
	return true;
}

static void map_fired(const struct engine *e, struct openflow *f)
{
	uint64_t fired[FLOW_CHECK_WORDS] = { 0 };
	for (unsigned i = 0; i < CONF_FLOW_CHECKS; i++) {
		uint16_t now = check_now(e, i);
		if (f->fired[i / 64] >> (i % 64) & 1 && now < CONF_FLOW_CHECKS)
			fired[now / 64] |= 1ull << (now % 64);
	}
	memcpy(f->fired, fired, sizeof fired);
}

/* From what put_app wrote, or from a whole VERDICT record, as versions before it kept. */
static void get_app(struct openflow *f, const char *verdict, size_t len)
{
	struct codec_reader r = { .base = verdict, .len = len };
	struct codec_places at;
	struct r_verdict v;
	if (codec_peek(&r) != R_VERDICT || codec_read_places(&r, &v, &at) != 1 || !at.group[RG_verdict_app].len)
		return;
	f->app_len = at.group[RG_verdict_app].len;
	f->app = xmalloc(f->app_len);
	memcpy(f->app, verdict + at.group[RG_verdict_app].off, f->app_len);
}

/* key is taken over. */
static void set_top(const struct engine *e, struct openflow *f, char *key)
{
	unsigned i = key ? conf_index(&e->conf, key, ENT_FLOW) : CONF_MAX_CHECKS;
	f->top = i < CONF_FLOW_CHECKS ? (uint16_t)(i + 1) : 0;
	f->lua_top = f->top ? NULL : key;
	if (f->top)
		free(key);
}

static bool get_flow(struct engine *e, struct unpack *u)
{
	struct openflow tmp = { 0 };
	struct r_update up;
	size_t len, verdict_len;
	unpack_members(u, flow_members, n_flow_members, &tmp);
	const char *p = unpack_bytes(u, &len);
	struct codec_reader r = { .base = p, .len = len };
	if (u->failed || codec_peek(&r) != R_UPDATE || codec_read(&r, &up) != 1 || !id_is_set(tmp.id))
		return false;
	const char *verdict = unpack_bytes(u, &verdict_len);
	char *lua = unpack_string(u), *why = unpack_string(u), *lists = unpack_string(u);
	char *excluded = unpack_string(u), *predominant = unpack_string(u);
	bool made;
	struct openflow *f = u->failed ? NULL : flow_get(e->flows, tmp.id, &made);
	if (!f || !made) {
		free(lua);
		free(why);
		free(lists);
		free(excluded);
		free(predominant);
		return false;
	}
	move_members(flow_members, n_flow_members, f, &tmp);
	f->key = up.key;
	f->key.sensor = sensor_get(e, str_ptr(p, up.key.sensor), up.key.sensor.len)->str;
	f->n = up.n;
	get_app(f, verdict, verdict_len);
	f->lua_alerts = lua;
	f->why = why;
	f->lists = lists;
	f->excluded = excluded;
	set_top(e, f, predominant);
	f->facts.new_order[sizeof f->facts.new_order - 1] = '\0';
	map_fired(e, f);
	return true;
}

static bool get_rules(struct engine *e, struct unpack *u)
{
	size_t len;
	const char *p = unpack_bytes(u, &len);
	return !u->failed && rules_load(e->rules, p, len);
}

static bool get_lua(struct engine *e, struct unpack *u)
{
	size_t len;
	const char *p = unpack_bytes(u, &len);
	return !u->failed && (!len || luacheck_load(e->lua, p, len) == 0);
}

static void get_place(struct engine *e, struct unpack *u, struct place *w)
{
	struct place tmp = { .entity = w->entity };
	unpack_members(u, MEMBERS(place_members), &tmp);
	tmp.engaged = get_engaged(e, u);
	tmp.entity = w->entity;
	memcpy(tmp.name, w->name, sizeof tmp.name); /* as it is called now */
	*w = tmp;
}

static bool get_sensor(struct engine *e, struct unpack *u)
{
	size_t len;
	struct g_sensor_count count[2];
	const char *name = unpack_bytes(u, &len);
	if (u->failed || !len)
		return false;
	struct sensor *s = sensor_get(e, name, len);
	s->gap_packets = unpack_u64(u);
	for (int i = 0; i < 2; i++) {
		struct r_tick t;
		const char *p = unpack_bytes(u, &len);
		struct codec_reader r = { .base = p, .len = len };
		if (codec_peek(&r) != R_TICK || codec_read(&r, &t) != 1)
			return false;
		count[i] = t.n;
	}
	get_place(e, u, &s->place);
	s->place.count = count[0];
	s->place.count_at = count[1];
	return !u->failed;
}

static bool get_network(struct engine *e, struct unpack *u)
{
	uint64_t i = unpack_u64(u);
	if (i >= CONF_MAX_NETWORKS)
		return false;
	get_place(e, u, network_get(e, (unsigned)i));
	return !u->failed;
}

static bool get_learned(struct engine *e, struct unpack *u)
{
	uint64_t i = unpack_u64(u), evicted = unpack_u64(u), n = unpack_u64(u);
	if (i >= LEARN_SETS)
		return true; /* of a later version */
	for (; n && !u->failed; n--) {
		struct learned l, *to;
		size_t len;
		bool made;
		const char *p = unpack_bytes(u, &len);
		if (u->failed || len != sizeof l)
			return false;
		memcpy(&l, p, sizeof l);
		to = learn_get(&e->learned[i], l.key, (uint64_t)l.last * SECOND, &made);
		to->first = l.first;
		to->value = l.value;
	}
	e->learned[i].evicted = evicted;
	return !u->failed;
}

static bool get_stranger(struct engine *e, struct unpack *u)
{
	uint64_t i = unpack_u64(u);
	if (i >= MAX_STRANGERS)
		return true;
	struct stranger *d = &e->strangers[i];
	unpack_members(u, MEMBERS(stranger_members), d);
	d->sensor[sizeof d->sensor - 1] = '\0';
	d->engaged = get_engaged(e, u);
	return !u->failed;
}

static bool get_nets(struct engine *e, struct unpack *u)
{
	size_t len;
	const char *p = unpack_bytes(u, &len);
	if (u->failed || len % sizeof *e->conf.local)
		return false;
	if (!e->conf.local_default || !len)
		return true; /* the topology names them now */
	free(e->conf.local);
	e->conf.n_local = len / sizeof *e->conf.local;
	e->conf.local = xmalloc(len);
	memcpy(e->conf.local, p, len);
	return true;
}

static bool get_entry(struct engine *e, uint8_t kind, struct unpack *u)
{
	switch (kind) {
	case K_ENGINE:
		unpack_members(u, MEMBERS(engine_members), e);
		e->load_evicted[0] = unpack_u64(u);
		e->load_evicted[1] = unpack_u64(u);
		return !u->failed;
	case K_CHECKS:
		get_checks(e, u);
		return !u->failed;
	case K_NETS:
		return get_nets(e, u);
	case K_SENSOR:
		return get_sensor(e, u);
	case K_RULES:
		return get_rules(e, u);
	case K_NETWORK:
		return get_network(e, u);
	case K_SELF:
		get_place(e, u, &e->self);
		return !u->failed;
	case K_LEARNED:
		return get_learned(e, u);
	case K_STRANGER:
		return get_stranger(e, u);
	case K_HOST:
		e->n_copied++;
		return get_host(e, u);
	case K_FLOW:
		e->n_copied++;
		return get_flow(e, u);
	case K_LUA:
		return get_lua(e, u);
	case K_END:
		e->load_whole = unpack_u64(u) == e->n_copied && !u->failed;
		return true;
	default:
		return true; /* of a later version: without it there is something we do not know of, nothing more */
	}
}

bool engine_load(struct engine *e, const char *p, size_t len)
{
	struct unpack all = { .p = p, .end = p + len }, one;
	uint8_t kind;
	while (unpack_entry(&all, &kind, &one))
		if (!get_entry(e, kind, &one))
			return false;
	return !all.failed;
}

bool engine_load_end(struct engine *e)
{
	flow_table_restored(e->flows, e->load_evicted[0]);
	host_table_restored(e->hosts, e->load_evicted[1]);
	e->n_copied = 0;
	return e->load_whole;
}

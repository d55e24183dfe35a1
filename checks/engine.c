/* The engine as a whole: made, told the time, asked. */
#include "engine_priv.h"

#include <inttypes.h>
#include <stdlib.h>

#include "codec.h"
#include "hash.h"

#define SNAPSHOT_BYTES (256u << 10)

/* -- time -- */

static void on_timer(void *arg, const struct lua_finding *f)
{
	lua_event(arg, &f->host, f->vlan, f);
}

static void run(struct engine *e, unsigned due, bool more)
{
	run_hosts(e, due, more);
	run_places(e, due, more);
	run_devices(e);
}

/* The periods that were over when the clock went on to now. */
static unsigned periods_over(uint64_t before, uint64_t now)
{
	unsigned due = 0;
	for (unsigned p = 0; p < PERIODS; p++) {
		uint64_t length = period_seconds((enum period)p) * SECOND;
		if (now / length > before / length)
			due |= period_hook((enum period)p);
	}
	return due;
}

void engine_tick(struct engine *e, const struct r_tick *r, const char *base)
{
	batch_flush(e);
	struct sensor *s = sensor_get(e, str_ptr(base, r->tick.sensor), r->tick.sensor.len);
	s->place.count = r->n;
	s->place.count.undecoded_by = (struct str){ 0, 0 };
	s->place.live = r->tick.live;
	if (r->tick.to > e->clock)
		e->clock = r->tick.to;
	/* A gap of years is one tick and one run. */
	uint64_t minute = e->clock / MINUTE;
	if (!e->minute)
		e->minute = minute;
	lua_tick(e->lua, e->clock, on_timer, e);
	if (minute > e->minute) {
		unsigned due = periods_over(e->minute * MINUTE, e->clock);
		e->minute = minute;
		run(e, due, true);
	}
	run_sensor_policy(e);
	batch_alerts(e);
}

void engine_config(struct engine *e, const struct r_config *r, const char *base)
{
	batch_flush(e);
	conf_add_local(&e->conf, str_ptr(base, r->config.networks), r->config.networks.len);
}

void engine_finish(struct engine *e)
{
	batch_flush(e);
	run(e, HOOK_MINUTE | HOOK_5MIN | HOOK_HOUR | HOOK_DAY, false);
	for (struct host *h = host_oldest(e->hosts); h; h = host_newer(e->hosts, h)) {
		host_will_change(e->hosts, h);
		release_all(e, h, CAUSE_END_OF_INPUT);
		emit_host(e, h, true);
	}
	places_finish(e);
	end_devices(e, true);
	batch_alerts(e);
}

/* -- all of it -- */

static void on_host_evicted(void *arg, struct host *h)
{
	struct engine *e = arg;
	release_all(e, h, CAUSE_EVICTED);
	emit_host(e, h, true);
	rules_host_end(e->rules, &h->ip, h->vlan);
}

static void on_flow_evicted(void *arg, struct openflow *f)
{
	lose_flow(arg, f);
}

static void add_flow_check(struct engine *e, unsigned index)
{
	static const enum check_hook hooks[] = { HOOK_DETECTED, HOOK_PERIODIC, HOOK_END };
	const struct checkdef *d = e->conf.checks[index].def;
	for (int i = 0; i < 3; i++)
		for (unsigned met = 0; (d->hooks & hooks[i]) && met < 1u << CHECKDEF_IFS; met++)
			if ((d->ifs & ~met) == 0)
				e->asked[hook_place(hooks[i])][met][index / 64] |= 1ull << (index % 64);
}

static void add_run(struct engine *e, uint16_t run[PERIODS][CONF_MAX_CHECKS], unsigned n[PERIODS], unsigned index)
{
	for (unsigned p = 0; p < PERIODS; p++)
		if (conf_looks_at(&e->conf.checks[index], (enum period)p))
			run[p][n[p]++] = (uint16_t)index;
}

static void find_functions(struct engine *e)
{
	if (n_checkdefs > CATALOGUE_WORDS * 64)
		fatalx("more than %d rows in the catalogue", CATALOGUE_WORDS * 64);
	for (unsigned i = 0; i < 64; i++)
		e->risk_check[i] = CONF_MAX_CHECKS;
	for (unsigned i = 0; i < e->conf.n; i++) {
		const struct checkdef *d = e->conf.checks[i].def;
		if (d->risk_id && d->risk_id < 64)
			e->risk_check[d->risk_id] = (uint16_t)i;
		if (i >= n_checkdefs || !conf_can_fire(&e->conf.checks[i]))
			continue;
		if (check_fns[i].flow)
			add_flow_check(e, i);
		else if (check_fns[i].host)
			add_run(e, e->host_run, e->n_host_run, i);
		else if (check_fns[i].place)
			add_run(e, e->place_run, e->n_place_run, i);
	}
}

/* Rows whose work, or part of it, is done where the facts come in. */
static void find_own(struct engine *e)
{
	const struct conf *c = &e->conf;
	e->dangerous = conf_index(c, "dangerous_host", ENT_HOST);
	e->device_check = conf_index(c, "device_connection_disconnection", ENT_MAC);
	e->new_device = conf_index(c, "unexpected_new_device", ENT_MAC);
	e->reassigned = conf_index(c, "ip_reassignment", ENT_MAC);
	e->too_large = conf_index(c, "broadcast_domain_too_large", ENT_MAC);
	e->contacts[0] = conf_index(c, "blacklisted_client_contact", ENT_FLOW);
	e->contacts[1] = conf_index(c, "blacklisted_server_contact", ENT_FLOW);
	e->lease = conf_index(c, "ip_outside_dhcp_range", ENT_HOST);
	e->pace_times = (unsigned)c->checks[conf_index(c, "ndpi_periodic_flow", ENT_FLOW)].number[0];
	e->ports_learning = c->checks[conf_index(c, "server_ports_contacts", ENT_HOST)].number[0];
	e->stale_after = c->checks[conf_index(c, "not_purged", ENT_SYSTEM)].number[0];
}

struct engine *engine_new(const struct topo *t, const struct engine_ops *ops, void *arg)
{
	struct engine *e = xcalloc(1, sizeof *e);
	e->topo = t;
	e->ops = *ops;
	e->arg = arg;
	cost_init(&e->meter);
	conf_init(&e->conf, t);
	policy_new(e, t);
	e->lua = lua_new(t, ops->guard);
	lua_checks_new(e);
	find_functions(e);
	find_own(e);
	places_init(e);
	learn_init_all(e);
	e->enrich = enrich_new(t);
	e->batch = batch_new(e->lua);
	e->flows = flow_table_new(t->checks.max_flows, on_flow_evicted, e);
	e->hosts = host_table_new(t->checks.max_hosts, on_host_evicted, e);
	fixed_texts(e);
	buf_reserve(&e->names, 256);
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	places_release(e);
	end_devices(e, false);
	learn_release_all(e);
	for (unsigned i = 0; i < e->n_sensors; i++)
		free(e->sensors[i].name);
	flow_table_free(e->flows);
	host_table_free(e->hosts);
	free(e->script_check);
	free(e->texts);
	lua_free(e->lua);
	enrich_free(e->enrich);
	batch_free(e->batch);
	policy_free(e);
	conf_release(&e->conf);
	buf_release(&e->names);
	buf_release(&e->arena);
	buf_release(&e->why);
	buf_release(&e->packed);
	buf_release(&e->copied);
	free(e);
}

void engine_set_epoch(struct engine *e, uint64_t epoch)
{
	e->epoch = epoch;
}

uint64_t engine_conf_hash(const struct engine *e)
{
	uint64_t h = lua_hash(e->lua) ^ enrich_hash(e->enrich) ^ lists_hash(e->lists) ^ rules_hash(e->rules) ^ exclude_hash(e->exclude);
	h = conf_hash(&e->conf, h);
	return hash_content(&e->topo->checks.host_idle, sizeof e->topo->checks.host_idle, h);
}

/* The cursor counts records of the list as it stands: what comes and goes meanwhile is in the stream. */
uint32_t engine_snapshot(struct engine *e, bool hosts, uint64_t *cursor, struct buf *out)
{
	uint64_t at = 0, skip = *cursor;
	uint32_t n = 0;
	struct flow_run run;
	if (hosts) {
		for (struct host *h = host_oldest(e->hosts); h; h = host_newer(e->hosts, h), at++) {
			struct r_host r;
			if (at < skip)
				continue;
			arena_begin(e);
			host_record(h, &e->conf, e->clock, false, &r.host, &e->arena);
			codec_pack(out, R_HOST, &r, e->arena.p);
			n++;
			if (out->len > SNAPSHOT_BYTES) {
				*cursor = at + 1;
				return n;
			}
		}
	} else {
		for (struct openflow *f = flow_oldest(e->flows); f; f = flow_newer(e->flows, f), at++) {
			if (at < skip)
				continue;
			flow_run_init(e, &run, f, HOOK_PERIODIC);
			pack_flow(&run, out);
			n++;
			if (out->len > SNAPSHOT_BYTES) {
				*cursor = at + 1;
				return n;
			}
		}
	}
	*cursor = 0;
	return n;
}

struct g_totals engine_totals(const struct engine *e, struct buf *base)
{
	struct g_totals t = e->totals;
	t.alerts = 0;
	t.alerts_by.off = (uint32_t)base->len;
	for (unsigned i = 0; enum_severity[i]; i++) {
		if (!e->told[i])
			continue;
		buf_addf(base, "%s%s=%" PRIu64, t.alerts ? "\n" : "", enum_severity[i], e->told[i]);
		t.alerts += e->told[i];
	}
	t.alerts_by.len = (uint32_t)base->len - t.alerts_by.off;
	return t;
}

uint64_t engine_clock(const struct engine *e)
{
	return e->clock;
}

void engine_metrics(struct engine *e, struct metrics *m)
{
	metrics_put(m, "flows_open", NULL, "flows", false, (double)flow_count(e->flows));
	metrics_bound(m, "flows_max", NULL, "flows", (double)e->topo->checks.max_flows);
	metrics_put(m, "flows_evicted", NULL, "flows", true, (double)flow_evicted(e->flows));
	metrics_put(m, "flows_seen", NULL, "flows", true, (double)e->flows_seen);
	metrics_put(m, "hosts", NULL, "hosts", false, (double)host_count(e->hosts));
	metrics_bound(m, "hosts_max", NULL, "hosts", (double)e->topo->checks.max_hosts);
	metrics_put(m, "hosts_evicted", NULL, "hosts", true, (double)host_evicted(e->hosts));
	metrics_put(m, "hosts_idle", NULL, "hosts", true, (double)e->hosts_idle);
	metrics_put(m, "alert_records", NULL, "records", true, (double)e->alerts);
	metrics_put(m, "check_evaluations", NULL, "calls", true, (double)e->evaluations);
	learn_metrics(e, m);
	lua_metrics(e->lua, m);
	policy_metrics(e, m);
	for (unsigned i = 0; i < e->conf.n; i++) {
		const struct check_conf *k = &e->conf.checks[i];
		if (k->alerts)
			metrics_put(m, "check_alerts", k->def->key, "alerts", true, (double)k->alerts);
		if (!k->cost.runs)
			continue;
		metrics_put(m, "check_seconds", k->def->key, "seconds", true, (double)k->cost.ns / 1e9);
		metrics_put(m, "check_runs", k->def->key, "calls", true, (double)k->cost.runs);
	}
}

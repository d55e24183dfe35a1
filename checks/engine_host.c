/* Hosts: the runs of their checks at the end of a minute, five minutes, an hour, a day. */
#include "engine_priv.h"

#include <stdlib.h>

#include "codec.h"
#include "loop.h"

void emit_host(struct engine *e, struct host *h, bool final)
{
	struct r_host r;
	e->totals.hosts += final;
	arena_begin(e);
	host_record(h, &e->conf, e->clock, final, &r.host, &e->arena);
	buf_reset(&e->packed);
	codec_pack(&e->packed, R_HOST, &r, e->arena.p);
	e->ops.history(e->arg, e->packed.p, e->packed.len);
}

void release_all(struct engine *e, struct host *h, enum endcause cause)
{
	struct subject s;
	host_subject(h, &s);
	subject_release_all(e, &s, cause);
}

static void run_checks(struct engine *e, struct host *h, enum period p)
{
	struct subject s;
	bool timed = cost_due(&e->meter);
	host_subject(h, &s);
	for (unsigned i = 0; i < e->n_host_run[p]; i++) {
		unsigned check = e->host_run[p][i];
		struct check_conf *k = &e->conf.checks[check];
		struct observation o;
		o.attacker = false;
		o.score = 0;
		o.value = o.threshold = 0;
		*o.message = *o.values = '\0';
		uint64_t began = timed ? mono_ns() : 0;
		bool holds = check_fns[check].host(h, p, k, &o);
		if (timed)
			cost_book(&e->meter, &k->cost, began);
		e->evaluations++;
		if (holds || h->engaged)
			subject_run(e, &s, check, p, holds, &o);
	}
	if (h->engaged)
		subject_sweep(e, &s);
}

static void sample(struct host *h)
{
	if (!h->score_forecast) {
		h->score_forecast = xcalloc(2, sizeof *h->score_forecast);
		h->flows_forecast = xcalloc(2, sizeof *h->flows_forecast);
	}
	for (int side = 0; side < 2; side++) {
		forecast_add(&h->score_forecast[side], h->score[side]);
		forecast_add(&h->flows_forecast[side], h->open[side]);
	}
}

/* The period is over: what belongs to it begins anew. */
static void begin_period(struct host *h, enum period p)
{
	volumes_begin(&h->volumes, p);
	if (p == PER_MINUTE) {
		free(h->minute);
		h->minute = NULL;
	} else if (p == PER_5MIN) {
		memset(&h->asked, 0, sizeof h->asked);
	} else if (p == PER_HOUR) {
		free(h->domains);
		h->domains = NULL;
	}
}

static void host_run(struct engine *e, struct host *h, unsigned due, bool more)
{
	if (e->dangerous < e->conf.n) {
		double high = e->conf.checks[e->dangerous].number[0];
		bool is_high = h->score[0] + h->score[1] > high;
		h->high_minutes = is_high ? (uint8_t)(h->high_minutes + (h->high_minutes < UINT8_MAX)) : 0;
	}
	h->gateway = device_routes(e, h);
	h->volumes.now.active += h->changed;
	if (due & period_hook(PER_5MIN) && more)
		sample(h);
	for (unsigned p = 0; p < PERIODS; p++)
		if (due & period_hook((enum period)p))
			run_checks(e, h, (enum period)p);
	run_host_policy(e, h);
}

/* What the checks found is complete. Where no more will come the host's last record follows. */
static void host_run_end(struct engine *e, struct host *h, unsigned due, bool more)
{
	if (h->changed && more)
		emit_host(e, h, false);
	h->changed = false;
	for (unsigned p = 0; p < PERIODS; p++)
		if (due & period_hook((enum period)p))
			begin_period(h, (enum period)p);
}

/* What its network and its sensor are told of a host. */
static void sum_up(struct engine *e, const struct host *h)
{
	uint32_t score = h->score[0] + h->score[1];
	if (h->local && h->changed)
		sensor_get(e, h->sensor, strlen(h->sensor))->place.hosts++;
	if (h->network < 0)
		return;
	struct place *net = network_get(e, (unsigned)h->network);
	net->hosts += h->changed || h->flows_active;
	net->score += score;
}

/* Nothing new and nothing engaged: in a minute nothing can have come true. */
static bool has_news(const struct engine *e, const struct host *h, unsigned due)
{
	return h->changed || h->engaged || h->high_minutes || due != HOOK_MINUTE || rules_has(e->rules, R_HOST);
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

/* Which host functions of scripts are due. */
static unsigned lua_due(unsigned due)
{
	unsigned hooks = 0;
	for (unsigned p = 0; p < PERIODS; p++)
		hooks |= due & period_hook((enum period)p) ? 1u << (LUA_MINUTE + p) : 0;
	return hooks;
}

/* What the checks look at first, of a host that comes soon. */
static inline void fetch_ahead(const struct host *h)
{
	if (!h)
		return;
	__builtin_prefetch(&h->bytes_sent);
	__builtin_prefetch(h->mute);
	__builtin_prefetch(&h->minute);
	__builtin_prefetch(&h->volumes);
	__builtin_prefetch(&h->engaged);
}

/* Hosts go through in groups, for the scripts' sake. */
void run_hosts(struct engine *e, unsigned due, bool more)
{
	struct host *group[LUA_ROWS], *h = host_oldest(e->hosts);
	bool news[LUA_ROWS];
	while (h) {
		unsigned n = 0;
		for (struct host *next; h && n < LUA_ROWS; h = next) {
			next = host_newer(e->hosts, h);
			fetch_ahead(next);
			sum_up(e, h);
			group[n] = h;
			news[n] = has_news(e, h, due);
			if (news[n++]) {
				host_will_change(e->hosts, h);
				host_run(e, h, due, more);
			}
		}
		lua_hosts(e, group, n, lua_due(due));
		for (unsigned i = 0; i < n; i++) {
			if (news[i])
				host_run_end(e, group[i], due, more);
			remove_idle(e, group[i]);
		}
		batch_alerts(e);
	}
}

/* Local networks, sensors and weir as a whole: found, and the runs of their checks. */
#include "engine_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "loop.h"

static void place_init(struct place *w, enum entity entity, const char *name)
{
	*w = (struct place){ .entity = entity };
	snprintf(w->name, sizeof w->name, "%s", name);
}

struct sensor *sensor_get(struct engine *e, const char *name, size_t len)
{
	for (unsigned i = 0; i < e->n_sensors; i++)
		if (strlen(e->sensors[i].name) == len && memcmp(e->sensors[i].name, name, len) == 0)
			return &e->sensors[i];
	if (e->n_sensors == MAX_SENSORS)
		return &e->sensors[0];
	struct sensor *s = &e->sensors[e->n_sensors++];
	s->name = xstrndup(name, len);
	s->str = str_put_raw(&e->names, name, len);
	place_init(&s->place, ENT_INTERFACE, s->name);
	return s;
}

struct sensor *sensor_of(struct engine *e, const struct openflow *f)
{
	for (unsigned i = 0; i < e->n_sensors; i++)
		if (e->sensors[i].str.off == f->key.sensor.off)
			return &e->sensors[i];
	return sensor_get(e, str_ptr(e->names.p, f->key.sensor), f->key.sensor.len);
}

struct place *network_get(struct engine *e, unsigned i)
{
	struct place *w = &e->networks[i];
	if (w->entity != ENT_NETWORK) {
		char name[CIDR_STRLEN];
		struct cidr net = conf_network(&e->conf, i);
		place_init(w, ENT_NETWORK, cidr_str(&net, name));
	}
	return w;
}

void place_subject(struct place *w, struct subject *s)
{
	*s = (struct subject){ .entity = w->entity, .sensor = w->entity == ENT_INTERFACE ? w->name : "", .list = &w->engaged };
	snprintf(s->name, sizeof s->name, "%s", w->name);
}

static void run_checks(struct engine *e, struct place *w, enum period p)
{
	struct subject s;
	bool timed = cost_due(&e->meter);
	place_subject(w, &s);
	for (unsigned i = 0; i < e->n_place_run[p]; i++) {
		unsigned check = e->place_run[p][i];
		struct check_conf *k = &e->conf.checks[check];
		struct observation o = { 0 };
		if (k->def->entity != w->entity)
			continue;
		e->evaluations++;
		uint64_t began = timed ? mono_ns() : 0;
		bool holds = check_fns[check].place(w, p, k, &o);
		if (timed)
			cost_book(&e->meter, &k->cost, began);
		subject_run(e, &s, check, p, holds, &o);
	}
	subject_sweep(e, &s);
}

/* The samples of five minutes. */
static void sample(struct place *w)
{
	uint64_t bytes = VOLUME(&w->volumes, PER_5MIN, sent) + VOLUME(&w->volumes, PER_5MIN, rcvd) +
			 VOLUME(&w->volumes, PER_5MIN, inner);
	forecast_add(&w->traffic, (double)bytes);
	forecast_add(&w->score_forecast, (double)(w->score - (w->entity == ENT_INTERFACE ? w->score_at : 0)));
	w->score_at = w->score;
}

static void begin_period(struct place *w, enum period p)
{
	volumes_begin(&w->volumes, p);
	if (p != PER_MINUTE)
		return;
	memset(&w->minute, 0, sizeof w->minute);
	memset(w->ghosts, 0, sizeof w->ghosts);
	w->count_at = w->count;
	w->evicted_hosts_at = w->evicted_hosts;
	w->lua_errors_at = w->lua_errors;
	w->poisoned_at = w->poisoned;
	w->hosts = 0;
	if (w->entity == ENT_NETWORK)
		w->score = 0;
}

static void place_run(struct engine *e, struct place *w, unsigned due, bool more)
{
	if (due & period_hook(PER_5MIN) && more)
		sample(w);
	for (unsigned p = 0; p < PERIODS; p++)
		if (due & period_hook((enum period)p))
			run_checks(e, w, (enum period)p);
	for (unsigned p = 0; p < PERIODS; p++)
		if (due & period_hook((enum period)p))
			begin_period(w, (enum period)p);
}

static void look_at_sensor(struct place *w)
{
	bool quiet = w->count.packets == w->count_at.packets;
	w->quiet = quiet ? w->quiet + 1 : 0;
	w->volumes.now.inner = w->count.bytes;
	w->volumes.now.packets = w->count.packets;
	w->volumes.now.active += !quiet;
}

/* Flows come in the order of their last news: those without any for long are at the front. */
static uint64_t count_stale(const struct engine *e)
{
	uint64_t n = 0, silence = (uint64_t)(e->stale_after * 1e9);
	for (struct openflow *f = flow_oldest(e->flows); f; f = flow_newer(e->flows, f), n++)
		if (f->n.last + silence > e->clock)
			break;
	return n;
}

void run_places(struct engine *e, unsigned due, bool more)
{
	for (unsigned i = 0; i < CONF_MAX_NETWORKS; i++)
		if (e->networks[i].entity == ENT_NETWORK)
			place_run(e, &e->networks[i], due, more);
	for (unsigned i = 0; i < e->n_sensors; i++) {
		look_at_sensor(&e->sensors[i].place);
		place_run(e, &e->sensors[i].place, due, more);
	}
	e->self.evicted_hosts = host_evicted(e->hosts);
	e->self.lua_errors = lua_errors(e->lua);
	e->self.lua_disabled = lua_disabled(e->lua, e->self.lua_names, sizeof e->self.lua_names);
	e->self.stale_flows = count_stale(e);
	place_run(e, &e->self, due, more);
}

void places_init(struct engine *e)
{
	place_init(&e->self, ENT_SYSTEM, "weir");
}

static void each_place(struct engine *e, void (*fn)(struct engine *e, struct place *w))
{
	for (unsigned i = 0; i < CONF_MAX_NETWORKS; i++)
		fn(e, &e->networks[i]);
	for (unsigned i = 0; i < e->n_sensors; i++)
		fn(e, &e->sensors[i].place);
	fn(e, &e->self);
}

static void end_place(struct engine *e, struct place *w)
{
	struct subject s;
	place_subject(w, &s);
	subject_release_all(e, &s, CAUSE_END_OF_INPUT);
}

static void free_place(struct engine *e, struct place *w)
{
	(void)e;
	episode_clear(&w->engaged);
}

void places_finish(struct engine *e)
{
	each_place(e, end_place);
}

void places_release(struct engine *e)
{
	each_place(e, free_place);
}

void engine_gap(struct engine *e, const struct r_gap *r, const char *base)
{
	struct sensor *s = sensor_get(e, str_ptr(base, r->gap.sensor), r->gap.sensor.len);
	s->gap_packets += r->gap.packets;
	if (r->gap.cause == GAP_RESTART)
		engine_lost(e, s->name);
}

void engine_health(struct engine *e, const struct engine_health *h)
{
	static const size_t member[] = { [HEALTH_SILENT] = offsetof(struct place, silent),
					 [HEALTH_FULL] = offsetof(struct place, full),
					 [HEALTH_FAILING] = offsetof(struct place, failing),
					 [HEALTH_DROPPED] = offsetof(struct place, dropped) };
	struct health *to = (struct health *)((char *)&e->self + member[h->kind]);
	to->value = h->value;
	snprintf(to->process, sizeof to->process, "%s", h->process);
}

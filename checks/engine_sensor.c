/* Sensors: what they lost, and the alert that one is blind. */
#include "engine_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "id.h"

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
	return s;
}

static void sensor_alert(struct engine *e, struct sensor *s, enum action action, double lost, double threshold,
			 enum endcause cause)
{
	const struct checkdef *d = e->conf.checks[e->blind].def;
	char text[160];
	struct alert_parts p = { 0 };
	struct g_alert *a = &p.alert;
	struct engaged *g = s->blind;
	e->arena.len = 0;
	fill_def(e, a, d);
	a->id = g->id;
	a->revision = ++g->revision;
	a->action = (uint8_t)action;
	a->entity = ENT_INTERFACE;
	a->entity_val = put_str(e, s->name);
	a->sensor = put_str(e, s->name);
	a->score = d->score;
	a->client_score = d->score;
	a->severity = (uint8_t)severity_of_score(d->score);
	a->time = g->time;
	a->end = action == ACT_RELEASE ? e->clock : 0;
	a->decided = e->clock;
	a->granularity = 60;
	a->release_cause = (uint8_t)cause;
	snprintf(text, sizeof text, "Sensor %s lost %.2f %% of the packets of the last minute", s->name, lost);
	a->message = put_str(e, text);
	snprintf(text, sizeof text, "value=%.4g\nthreshold=%g", lost, threshold);
	a->values = put_lines(e, text);
	emit_alert(e, &p);
}

void sensor_minute(struct engine *e, struct sensor *s)
{
	if (e->blind >= e->conf.n || !e->conf.checks[e->blind].enabled)
		return;
	const struct check_conf *k = &e->conf.checks[e->blind];
	double seen = (double)(s->now.packets - s->at_minute.packets);
	double drops = (double)((s->now.kernel_drops - s->at_minute.kernel_drops) +
				(s->now.if_drops - s->at_minute.if_drops) +
				(s->now.shed_packets - s->at_minute.shed_packets));
	double lost = seen + drops > 0 ? 100.0 * drops / (seen + drops) : 0;
	s->at_minute = s->now;
	if (lost > k->number[0] && !s->blind) {
		char name[96];
		int n = snprintf(name, sizeof name, "%s %s %" PRIu64, k->def->key, s->name, e->clock);
		s->blind = xcalloc(1, sizeof *s->blind);
		s->blind->id = id_make(e->clock, e->epoch, name, (size_t)n);
		s->blind->time = e->clock;
		sensor_alert(e, s, ACT_ENGAGE, lost, k->number[0], CAUSE_NONE);
	} else if (lost <= k->number[0] && s->blind) {
		sensor_alert(e, s, ACT_RELEASE, lost, k->number[0], CAUSE_CLEARED);
		free(s->blind);
		s->blind = NULL;
	}
}

void sensor_release(struct engine *e, struct sensor *s)
{
	if (s->blind)
		sensor_alert(e, s, ACT_RELEASE, 0, 0, CAUSE_END_OF_INPUT);
	free(s->blind);
	s->blind = NULL;
}

void engine_gap(struct engine *e, const struct r_gap *r, const char *base)
{
	struct sensor *s = sensor_get(e, str_ptr(base, r->gap.sensor), r->gap.sensor.len);
	s->gap_packets += r->gap.packets;
	if (r->gap.cause == GAP_RESTART)
		engine_lost(e, s->name);
}

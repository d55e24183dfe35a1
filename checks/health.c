#include "health.h"

#include <string.h>

#define MINUTE 60000000000ull

void health_answer(struct health_process *p, uint64_t now, const struct g_process *r)
{
	double full = r->queue_max ? 100.0 * (double)r->queue / (double)r->queue_max : 0;
	p->heard = now;
	p->full = full > p->full ? full : p->full;
	p->adding = p->adding_dead = 0;
}

void health_metric(struct health_process *p, const char *name, double value)
{
	static const char *const dropped[] = { "deliveries_dropped", "delivery_log_dropped", "rejected", "alerts_missed" };
	if (strcmp(name, "recipient_failures") == 0 && value > p->failing)
		p->failing = value;
	if (strcmp(name, "deliveries_dead") == 0 || strcmp(name, "deliveries_expired") == 0)
		p->adding_dead += (uint64_t)value;
	for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
		if (strcmp(name, dropped[i]) == 0)
			p->adding += (uint64_t)value;
}

void health_answer_end(struct health_process *p)
{
	/* A process that began anew counts from the beginning; what was there when we came is not news. */
	if (!p->known || p->adding < p->dropped_at)
		p->dropped_at = p->known ? 0 : p->adding;
	/* Old ones are forgotten in time. */
	if (!p->known || p->adding_dead < p->dead_at)
		p->dead_at = p->adding_dead;
	p->known = true;
	p->dead = p->adding_dead;
	p->dropped = p->adding;
}

static void worst(struct engine_health *out, const char *name, double value)
{
	if (value > out->value) {
		out->value = value;
		out->process = name;
	}
}

void health_report(struct health_process *p, size_t n, uint64_t now, struct engine_health out[static HEALTH_KINDS])
{
	for (unsigned kind = 0; kind < HEALTH_KINDS; kind++) {
		out[kind] = (struct engine_health){ .process = "" };
		out[kind].kind = kind;
	}
	for (size_t i = 0; i < n; i++) {
		worst(&out[HEALTH_SILENT], p[i].name, now > p[i].heard ? (double)((now - p[i].heard) / MINUTE) : 0);
		worst(&out[HEALTH_FULL], p[i].name, p[i].full);
		worst(&out[HEALTH_FAILING], p[i].name, p[i].failing);
		worst(&out[HEALTH_FAILING], p[i].name, (double)(p[i].dead - p[i].dead_at));
		worst(&out[HEALTH_DROPPED], p[i].name, (double)(p[i].dropped - p[i].dropped_at));
		p[i].dropped_at = p[i].dropped;
		p[i].dead_at = p[i].dead;
		p[i].full = p[i].failing = 0;
	}
}

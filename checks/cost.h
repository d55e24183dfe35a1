/*
 * What checks cost in production, the same for all: time, without that of others who had the processor meanwhile. A Lua check is
 * timed for each batch. Most native checks take less time than reading the clock, so of COST_EVERY runs over a flow, a host or a
 * network one is timed, check by check, and stands for all of them. Nothing that checks find depends on it.
 */
#ifndef WEIR_COST_H
#define WEIR_COST_H

#include <stdbool.h>
#include <stdint.h>

#define COST_EVERY 251 /* a prime: flows come to the same checks in turns */

/* Of one check since the start; estimated. */
struct cost {
	uint64_t ns, runs;
};

struct cost_meter {
	unsigned turn;
	uint64_t clock; /* ns that reading the clock takes */
	uint64_t cpu;   /* of the thread, when the run that is timed began; ns */
};

void cost_init(struct cost_meter *m);
void cost_begin(struct cost_meter *m);
/* Is the next run one to be timed? */
static inline bool cost_due(struct cost_meter *m)
{
	if (++m->turn < COST_EVERY)
		return false;
	cost_begin(m);
	return true;
}
/* A check that was begun then (mono_ns) has ended now, in a run that is timed. */
void cost_book(const struct cost_meter *m, struct cost *c, uint64_t began);

#endif

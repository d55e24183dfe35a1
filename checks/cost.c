#include "cost.h"

#include <time.h>

#include "loop.h"

#define SUSPECT_NS 100000 /* what takes longer may have waited for the processor, and stands for COST_EVERY runs */

static uint64_t thread_cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void cost_init(struct cost_meter *m)
{
	*m = (struct cost_meter){ .clock = UINT64_MAX };
	for (int i = 0; i < 100; i++) {
		uint64_t began = mono_ns(), took = mono_ns() - began;
		m->clock = took < m->clock ? took : m->clock;
	}
}

void cost_begin(struct cost_meter *m)
{
	m->turn = 0;
	m->cpu = thread_cpu_ns();
}

void cost_book(const struct cost_meter *m, struct cost *c, uint64_t began)
{
	uint64_t took = mono_ns() - began;
	if (took > SUSPECT_NS) {
		uint64_t used = thread_cpu_ns() - m->cpu;
		took = used < took ? used : took;
	}
	c->ns += (took > m->clock ? took - m->clock : 0) * COST_EVERY;
	c->runs += COST_EVERY;
}

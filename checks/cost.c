#include "cost.h"

#include <time.h>

uint64_t cost_clock(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void cost_init(struct cost_meter *m)
{
	*m = (struct cost_meter){ .clock = UINT64_MAX };
	for (int i = 0; i < 100; i++) {
		uint64_t began = cost_clock(), took = cost_clock() - began;
		m->clock = took < m->clock ? took : m->clock;
	}
}

void cost_book(const struct cost_meter *m, struct cost *c, uint64_t began)
{
	uint64_t took = cost_clock() - began;
	c->ns += (took > m->clock ? took - m->clock : 0) * COST_EVERY;
	c->runs += COST_EVERY;
}

#include "cost.h"

#include "loop.h"

void cost_init(struct cost_meter *m)
{
	*m = (struct cost_meter){ .clock = UINT64_MAX };
	for (int i = 0; i < 100; i++) {
		uint64_t began = mono_ns(), took = mono_ns() - began;
		m->clock = took < m->clock ? took : m->clock;
	}
}

void cost_book(const struct cost_meter *m, struct cost *c, uint64_t began)
{
	uint64_t took = mono_ns() - began;
	c->ns += (took > m->clock ? took - m->clock : 0) * COST_EVERY;
	c->runs += COST_EVERY;
}

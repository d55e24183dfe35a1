#include "flow.h"

/* Packets of one moment come out of order: a card has several queues, and an idle interface ticks by the wall clock. */
#define SHUFFLED_NS 1000000000ull

bool flow_clock_agree(const struct flow_clock *c, uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) <= c->max_jump;
}

uint64_t flow_clock_packet(struct flow_clock *c, uint64_t time, bool believe)
{
	if (!believe && flow_clock_far(c, time)) {
		c->jumps++;
		return c->now;
	}
	if (time >= c->now)
		return c->now = time;
	c->regress += c->now - time > SHUFFLED_NS;
	/* Far behind is no more to be believed than far ahead. */
	return c->now - time > c->max_jump ? c->now : time;
}

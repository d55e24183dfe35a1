#include "flow.h"

/*
 * A lone packet far ahead of all others (a broken clock, 2106) must not end every flow. It is believed only when the next
 * packet agrees; until then it is booked under the time we have.
 */
uint64_t flow_clock_packet(struct flow_clock *c, uint64_t time)
{
	if (time <= c->now) {
		if (time < c->now)
			c->regress++;
		c->suspect = 0;
		/* Far behind is no more to be believed than far ahead. */
		return c->now - time > c->max_jump ? c->now : time;
	}
	if (c->now == 0 || time - c->now <= c->max_jump) {
		c->suspect = 0;
		return c->now = time;
	}
	if (c->suspect && (time > c->suspect ? time - c->suspect : c->suspect - time) <= c->max_jump) {
		c->suspect = 0;
		return c->now = time;
	}
	c->suspect = time;
	c->jumps++;
	return c->now;
}

#include "flow.h"

/* Packets of one moment come out of order: a card has several queues, and an idle interface ticks by the wall clock. */
#define SHUFFLED_NS 1000000000ull

bool flow_clock_agree(const struct flow_clock *c, uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) <= c->max_jump;
}

/*
 * Far behind is no more to be believed than far ahead, but of packets that all are, as of a file that is older than the one before
 * it, the times between them are: they go on from where the clock is.
 */
static uint64_t far_behind(struct flow_clock *c, uint64_t time)
{
	uint64_t moved = time + c->behind;
	if (!flow_clock_agree(c, moved, c->now)) {
		c->behind = c->now - time;
		return c->now;
	}
	if (moved > c->now)
		c->now = moved;
	return moved;
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
	return c->now - time > c->max_jump ? far_behind(c, time) : time;
}

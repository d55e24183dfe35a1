#include "steady.h"

#define STEP 1000000000u /* less is no step: packet time waits for so long without harm */
#define SLEW 10

static uint64_t step(uint64_t from, uint64_t to)
{
	return to > from && to - from > STEP ? to - from : 0;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

void steady_init(struct steady *s, uint64_t wall, uint64_t mono, uint64_t reached)
{
	*s = (struct steady){ .wall = wall, .mono = mono, .ahead = less(reached, wall) };
}

uint64_t steady_look(struct steady *s, uint64_t wall, uint64_t mono)
{
	uint64_t due = s->wall + (mono - s->mono), back = step(wall, due);
	s->ahead = less(s->ahead, (mono - s->mono) / SLEW + step(due, wall)) + back;
	s->wall = wall;
	s->mono = mono;
	return back;
}

uint64_t steady_time(const struct steady *s, uint64_t time)
{
	/* It was stamped before the clock was set back. */
	if (s->ahead && time > s->wall + STEP)
		return steady_now(s);
	return time + s->ahead;
}

uint64_t steady_now(const struct steady *s)
{
	return s->wall + s->ahead;
}

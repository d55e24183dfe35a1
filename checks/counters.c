#include "counters.h"

#include <math.h>

void window_add(struct window *w, uint64_t time, uint32_t n)
{
	uint64_t second = time / SECOND;
	if (second > w->second) {
		w->second = second;
		w->now = 0;
	}
	w->now += n;
	if (w->now > w->max)
		w->max = w->now;
}

void window_add_spread(struct window *w, uint64_t time, uint64_t span, uint64_t n)
{
	double seconds = span > SECOND ? (double)span / (double)SECOND : 1;
	if (n)
		window_add(w, time, (uint32_t)fmin((double)n / seconds, UINT32_MAX / 2));
}

#define ALPHA  0.9   /* weight of the newest sample for the level */
#define BETA   0.035 /* and for the trend */
#define GAMMA  0.05  /* and for the error */
#define SPREAD 1.96  /* 95% of a normal distribution */
#define WARM   6     /* samples before the error is believed */

void forecast_add(struct forecast *f, double value)
{
	f->value = value;
	if (f->n == 0) {
		f->level = value;
	} else {
		double expected = f->level + f->trend, error = value - expected, band = SPREAD * sqrt(f->square), last = f->level;
		f->low = expected - band;
		f->high = expected + band;
		/* One wild sample must not widen the band so far that the next goes unseen. */
		double cut = f->n >= WARM && band > 0 ? fmin(fabs(error), 2 * band) : fabs(error);
		f->square = f->n == 1 ? cut * cut : (1 - GAMMA) * f->square + GAMMA * cut * cut;
		f->level = ALPHA * value + (1 - ALPHA) * expected;
		f->trend = BETA * (f->level - last) + (1 - BETA) * f->trend;
	}
	f->n += f->n < UINT32_MAX;
}

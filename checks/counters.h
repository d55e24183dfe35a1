/* What is counted for hosts, networks and sensors. Plain data, time is an argument. */
#ifndef WEIR_COUNTERS_H
#define WEIR_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "checkdef.h"

/* Events in the busiest second. Earlier ones than the second at hand count in it. */
struct window {
	uint64_t second;
	uint32_t now, max;
};

void window_add(struct window *w, uint64_t time, uint32_t n);
/* n events spread evenly over span ns that end at time: what of them falls into a second. */
void window_add_spread(struct window *w, uint64_t time, uint64_t span, uint64_t n);

/* Running totals. */
struct volume {
	uint64_t sent, rcvd, inner; /* bytes; of a network: to outside, from outside, within */
	uint64_t packets, flows;
	uint64_t dns, ntp, p2p;     /* bytes */
	uint64_t active;            /* minutes with traffic */
};

/* Totals, and what they were when the current minute, five minutes, hour and day began. */
struct volumes {
	struct volume now, at[PERIODS];
};

static inline void volumes_begin(struct volumes *v, enum period p)
{
	v->at[p] = v->now;
}

/* Of a member, what came in the period so far. */
#define VOLUME(v, p, member) ((v)->now.member - (v)->at[p].member)

/*
 * What a series of samples will be next, by double exponential smoothing (Holt 1957), and how far off that usually is. The
 * errors are remembered with a half-life of some dozen samples, so that the band follows.
 */
struct forecast {
	double level, trend;
	double square;  /* smoothed square of the error */
	uint32_t n;     /* samples so far */
	double low, high, value; /* band of the last sample (95%), and the sample */
};

/* Takes a sample: low, high and value say whether it was in the band. */
void forecast_add(struct forecast *f, double value);

#endif

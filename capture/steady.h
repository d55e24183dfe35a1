/*
 * The time of a live interface, which never goes back: when the wall clock is set back, time goes on from where it was, ahead of it,
 * and nine seconds for ten until it is right again. Else flows would not end, nor checks of hosts run, until the clock is where it was.
 * When the clock is set forward time follows at once. Pure.
 */
#ifndef WEIR_STEADY_H
#define WEIR_STEADY_H

#include <stdint.h>

/* All ns. */
struct steady {
	uint64_t wall, mono; /* at the last look */
	uint64_t ahead;      /* of the wall clock */
};

/* reached: where time is already, by an earlier life; 0 = nowhere. */
void steady_init(struct steady *s, uint64_t wall, uint64_t mono, uint64_t reached);
/* Looks at both clocks. Returns by how much the wall clock was set back since the last look. */
uint64_t steady_look(struct steady *s, uint64_t wall, uint64_t mono);
/* Of a packet that the kernel has given this time. */
uint64_t steady_time(const struct steady *s, uint64_t time);
/* As of the last look. */
uint64_t steady_now(const struct steady *s);

#endif

/*
 * Named places where a test makes a process die, stop, hang or fail:
 *
 *   WEIR_FAULT=POINT[:N][=ACTION][,POINT...]
 *
 * ACTION happens when POINT is passed for the Nth time (default 1): kill (default), stop, crash, hang; at points that can
 * fail also enospc and eio, from the Nth time on for as long as WEIR_FAULT_TIMES passes (default 1). weir run gives the
 * variable only to the first WEIR_FAULT_LIVES (default 1) lives of a process: what comes back after the fault is sound. Costs
 * one predictable branch.
 *
 * Names are process.what[.before|.after]; the tests find them by reading the sources.
 */
#ifndef WEIR_FAULT_H
#define WEIR_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/* Reads the environment. Called once, at start. */
void fault_init(void);

extern bool fault_armed;
void fault_hit(const char *point);
/* True with errno set if the call that follows is to fail. */
bool fault_fails(const char *point);

#define FAULT(point)                                         \
	do {                                                 \
		if (__builtin_expect(fault_armed, false))    \
			fault_hit(point);                    \
	} while (0)
#define FAULT_FAILS(point) (__builtin_expect(fault_armed, false) && fault_fails(point))

/* The point of one record: "classify.head.17". */
void fault_record(const char *point, uint64_t seq);
#define FAULT_RECORD(point, seq)                             \
	do {                                                 \
		if (__builtin_expect(fault_armed, false))    \
			fault_record(point, seq);            \
	} while (0)

#endif

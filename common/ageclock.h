/*
 * The wall clock where age means deletion. A machine whose clock is years off for some minutes, because it has not asked for the
 * time yet, must lose nothing by it. So what is stored is stamped with the later one of two times, and its age is measured to the
 * earlier one: the wall clock's, and the one that is believed. That follows the wall clock unless it is more than AGECLOCK_STEP
 * away, which is believed when the process has seen it for AGECLOCK_LASTS. What is believed is kept in a file, so that a restart is
 * no way around it. From any thread.
 */
#ifndef WEIR_AGECLOCK_H
#define WEIR_AGECLOCK_H

#include <stdint.h>

#define AGECLOCK_STEP  86400000000000ull /* ns; a step of less makes things go that much too early, and no more */
#define AGECLOCK_LASTS 86400000000000ull

struct ageclock;

struct ageclock_times {
	uint64_t stamp; /* when is what is stored now stored? */
	uint64_t now;   /* that ages are measured to */
};

/*
 * wall, mono: now. What was believed last is in the file at path; without one, it is when the file at 'since' was written last,
 * and if that is not there, now.
 */
struct ageclock *ageclock_new(const char *path, const char *since, uint64_t wall, uint64_t mono);
void ageclock_free(struct ageclock *a);
/* At these readings of both clocks. Logs when the wall clock begins and ceases to be another than what is believed. */
struct ageclock_times ageclock_at(struct ageclock *a, uint64_t wall, uint64_t mono);
/* As of now. */
uint64_t ageclock_stamp(struct ageclock *a);
uint64_t ageclock_now(struct ageclock *a);

#endif

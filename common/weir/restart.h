/* When a process that died is started again, and when not any more. Pure: no clock, no processes. */
#ifndef WEIR_RESTART_H
#define WEIR_RESTART_H

#include <stdbool.h>
#include <stdint.h>

struct restart {
	unsigned limit;   /* crashes in a row after which it is hopeless; 0 = never */
	bool ever_ready;  /* has been ready once */
	unsigned wait_ms; /* before its last start, 0 = it was not a restart */
	unsigned fails;   /* ends with an error before being ready, in a row */
	unsigned crashes; /* ends that nobody outside caused, in a row */
};

enum restart_how {
	RESTART_EXIT,   /* by itself, status 0 or not */
	RESTART_CRASH,  /* by a signal */
	RESTART_KILLED, /* by SIGKILL, which always comes from outside */
};

enum restart_verdict { RESTART_AGAIN, RESTART_HOPELESS };

/*
 * It ended after lived_ms, ready says whether it was in service. Sets wait_ms to what to wait before the next start: 100 ms,
 * doubling to 10 s, and from the beginning again once it lived ten times as long as it had waited (10 s are always enough).
 * Hopeless: it ended five times with an error and was never ready, or crashed limit times without such a life.
 */
enum restart_verdict restart_after(struct restart *r, enum restart_how how, int status, uint64_t lived_ms, bool ready);

#endif

/*
 * Starts processes, prefixes what they log, starts again what dies. The supervisor never touches nng: it forks.
 */
#ifndef WEIR_SUPERVISE_H
#define WEIR_SUPERVISE_H

#include <stdbool.h>

struct supervisor;

struct supervisor *supervise_new(void);
void supervise_free(struct supervisor *sv);
/*
 * A process to keep running: a program beside this one ('weir-capture', or 'weir'), arguments NULL-terminated without
 * argv[0]. once: not started again; its exit ends the whole, with its exit code. raw: its output is not prefixed.
 */
void supervise_add(struct supervisor *sv, const char *name, const char *program, const char *const *args, bool once,
		   bool raw);
/* quiet: only what the processes log as warning or error is passed on. */
void supervise_quiet(struct supervisor *sv, bool quiet);
/* Called once a second of running, for whoever waits for something. */
void supervise_tick(struct supervisor *sv, void (*cb)(void *arg), void *arg);
/*
 * Runs all until SIGINT or SIGTERM, or until one that is 'once' exits. SIGHUP is passed on. Then stops them in the order
 * they were added. Returns the exit code: 0, that of the one that ended it, or 1 if a process keeps dying at its start.
 */
int supervise_run(struct supervisor *sv);

/* Wait before start number n of a process in a row (from 1), ms: 100 doubling to 10,000. Pure. */
unsigned supervise_backoff(unsigned n);

#endif

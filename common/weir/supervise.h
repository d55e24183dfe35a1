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
/* Called a few times a second, for whoever waits for something. */
void supervise_tick(struct supervisor *sv, void (*cb)(void *arg), void *arg);
/* A process that crashed n times in a row ends the whole. Without it, only one that was never ready does. */
void supervise_limit(struct supervisor *sv, unsigned n);
/*
 * SIGHUP calls this; if it returns true, the signal is passed on. It may add and retire processes. Without it SIGHUP ends as
 * SIGTERM does.
 */
void supervise_on_reload(struct supervisor *sv, bool (*cb)(void *arg), void *arg);
/* Has it said that it is in service? */
bool supervise_ready(const struct supervisor *sv, const char *name);
/* Ends a process for good. */
void supervise_retire(struct supervisor *sv, const char *name);
/*
 * Runs all until SIGINT or SIGTERM, or until one that is 'once' exits. A process that was ready and has not said for 30 s that
 * it is alive is ended and started again. Stops the raw ones, then the others as they were added. Returns 128 + the signal, the exit code of
 * the one that ended it, or 1 if starting one again is hopeless (restart.h).
 */
int supervise_run(struct supervisor *sv);

#endif

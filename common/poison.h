/*
 * Records that kill: which record (and which script on it) crashed or hung the process is written to a small file in the
 * runtime directory, by our own signal handlers and a watchdog, so that the next life of the process knows. SIGKILL and
 * signals that others send leave no mark. A marked record is tried once more; marked again, it is to be skipped.
 */
#ifndef WEIR_POISON_H
#define WEIR_POISON_H

#include <stdint.h>

#define POISON_MARKS 32 /* kept; the oldest make room */

struct poison;

/* What is known of a record. */
enum poison_verdict { POISON_NONE, POISON_ONCE, POISON_CRASHED, POISON_TIMED_OUT };

/*
 * Maps the file at path, or makes it, and installs the handlers; for the calling thread, once per process. NULL after logging
 * why: then nothing is marked, and all functions do nothing.
 */
struct poison *poison_open(const char *path);
/* How long one piece of work may take, ns. */
void poison_watchdog(struct poison *p, uint64_t ns);

/*
 * Between these the record is being worked on. name: the script that does it, "" for none; both texts must stay until
 * poison_leave, of which 47 bytes are kept. A mark from a life before is taken back when the work is done after all.
 */
void poison_enter(struct poison *p, const char *stream, uint64_t epoch, uint64_t seq, const char *name);
void poison_leave(struct poison *p);

enum poison_verdict poison_ask(const struct poison *p, const char *stream, uint64_t epoch, uint64_t seq, const char *name);
/* How many records are to be skipped for this name. */
unsigned poison_count(const struct poison *p, const char *name);

#endif

/*
 * What checks keeps over its death: journals and snapshots in a directory, and when which is due. Recovery is the newest
 * snapshot that is whole, then the segments of the journal from its number on. Two snapshots are kept: when the newer one is
 * damaged the older one and more journal do the same.
 *
 * A snapshot gets its name only when the consumers have stored all that came out before it: what is not stored is always made
 * again from the journal.
 */
#ifndef WEIR_KEEP_H
#define WEIR_KEEP_H

#include "pipeline.h"
#include "topo.h"

struct keep;

/* Makes the directory. NULL after logging why not. */
struct keep *keep_new(const struct topo *t);
void keep_free(struct keep *k);
/* Brings p to where it was; if nothing usable is there it is as after pipeline_init. False: refused, after saying what to do. */
bool keep_recover(struct keep *k, struct pipeline *p);
/* Removes all: another run begins. */
void keep_forget(struct keep *k, struct pipeline *p);
/*
 * Writes down what has just been done. False: not yet, for lack of room on the disk or the like; nothing more may be taken in
 * until keep_ready, and what was done must not be reported durable.
 */
bool keep_entry(struct keep *k, const struct pipeline *p, const struct journal_entry *e);
/* Tries again what could not be written. */
bool keep_ready(struct keep *k, const struct pipeline *p);
/*
 * Goes on with what is under way, a few milliseconds at most: between batches, and when idle. True if there is more to do at
 * once.
 */
bool keep_work(struct keep *k, struct pipeline *p, uint64_t mono_now);
/* A snapshot is due: it begins with the next keep_work that finds the engine idle. Cheap. */
bool keep_is_due(const struct keep *k, const struct pipeline *p);
/*
 * The journal has reached its bound: nothing more may be taken in until a snapshot, which is due then, has made room. While the
 * engine is not idle, so that none can begin, it is not full yet. What is done already may be told and stored meanwhile.
 */
bool keep_is_full(const struct keep *k, const struct pipeline *p);
/* Why nothing is taken in, or NULL. */
const char *keep_trouble(const struct keep *k);
void keep_metrics(struct keep *k, struct metrics *m);

#endif

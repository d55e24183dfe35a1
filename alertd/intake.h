/*
 * One stream of checks into the store: transactions of many records, the cursor in the same transaction, and only what is
 * committed is reported durable. What the store refuses is not lost: it is fetched again, with growing pauses.
 */
#ifndef WEIR_INTAKE_H
#define WEIR_INTAKE_H

#include "ageclock.h"
#include "loop.h"
#include "store.h"

#define INTAKE_ROWS 10000 /* records of a transaction: at so many it is committed, at the end of their batch */

struct intake;

struct intake_conf {
	struct loop *loop;         /* of the thread that calls all of this */
	const char *url, *stream;
	const struct store_ops *ops;
	struct store_conf store;
	enum store_role role;
	bool discard;              /* alerts or flows are not wanted: keep only the cursor */
	struct ageclock *age;      /* by which things are stored and grow old */
	const char *quarantine;    /* folder for packets that crashed a process, or NULL */
	uint32_t commit_ms;        /* a transaction is committed after this, or when it is large */
	size_t totals_max;         /* flows, hosts and sensors that there are at a time */
	void (*committed)(void *arg); /* something was; no transaction is open. May be NULL. */
	void *arg;
};

/* Counters; written by the intake's thread, read by any (atomically). */
struct intake_count {
	uint64_t stored, known, rejected; /* records: new, had already, unreadable or refused for good */
	uint64_t gone;                    /* records that checks had no longer */
	uint64_t commits, failures;       /* transactions */
	uint64_t commit_ns, commit_max_ns;/* time they took at their end, sum and longest */
	uint64_t lag;                     /* records checks has beyond */
	uint64_t clock;                   /* packet time stored */
	uint64_t totals_evicted;          /* totals of samples that made room */
	uint64_t up, ended, in_trouble;   /* flags */
	uint64_t pruned[KEPT_KINDS];      /* what retention deleted */
	uint64_t prune_max_ns;            /* longest slice of it */
};

/* Starts at once. The store is opened, and opened again after a failure, by the intake. */
struct intake *intake_new(const struct intake_conf *conf);
/* Commits what is open and closes the store. */
void intake_free(struct intake *i);
/* Takes nothing more in. */
void intake_stop(struct intake *i);
/*
 * The store's handle with no transaction open, for other work in this thread; NULL while there is trouble. What fails there
 * need not be told to the intake.
 */
struct store *intake_store(struct intake *i);
/* Why the store refuses; "" if it does not. From any thread. */
void intake_trouble(struct intake *i, char *text, size_t size);
const struct intake_count *intake_count(const struct intake *i);
/*
 * Retention and quiet work, in slices between records. done is called at the end: what went, or error; may be NULL. One at a
 * time: a second one waits for its turn.
 */
void intake_prune(struct intake *i, void (*done)(void *arg, const struct store_pruned *did, const char *error), void *arg);

#endif

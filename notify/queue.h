/*
 * The deliveries: what is to be sent to whom, how far each has come, and how far the stream of alerts has been read. One
 * SQLite file; every change is one transaction, synced, so that neither kill -9 nor a power cut makes it forget what it
 * said. Time is an argument (wall clock, ns).
 *
 * pending -> sending -> sent | retry | dead;  retry -> sending;  pending, retry -> expired
 *
 * A delivery found in 'sending' at start was under way when the process died: it is tried again and marked
 * maybe_duplicate. Rows are bounded per recipient: finished ones make room, oldest first; when all rows wait to be sent
 * new alerts are counted in one 'suppressed' row of the recipient instead of getting rows of their own. What a silence holds
 * back is 'silenced' from the start; it can be sent by hand.
 *
 * queue.c and queue_file.c are the only ones of notify that know SQLite.
 */
#ifndef WEIR_QUEUE_H
#define WEIR_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "id.h"
#include "record.h"

struct queue;

#define QUEUE_STATES 8 /* of enum dstate */

/*
 * Opens or makes the file; max_rows bounds the rows of each recipient. NULL after appending the reason to err: errno is ENOSPC if
 * all that it lacks is room, so that the same call may succeed later, else EIO.
 */
struct queue *queue_open(const char *path, uint64_t max_rows, struct buf *err);
void queue_close(struct queue *q);
/* What the last call that returned -1 failed on. */
const char *queue_error(const struct queue *q);
/* And whether the disk was full: the same call may succeed later. */
bool queue_no_room(const struct queue *q);

/* Position in the stream of alerts after the last transaction; false if there is none yet. */
bool queue_cursor(const struct queue *q, uint64_t *ret_epoch, uint64_t *ret_next);

/*
 * Changes are made between queue_begin and queue_commit; queue_rollback takes all since queue_begin back. Each returns
 * 0, or -1 (disk full, file damaged ...): then nothing has changed.
 */
int queue_begin(struct queue *q);
int queue_commit(struct queue *q);
void queue_rollback(struct queue *q);

/* In a transaction: moves the position. */
int queue_set_cursor(struct queue *q, uint64_t epoch, uint64_t next);

struct queue_item {
	struct id alert_id;
	uint32_t revision;
	const char *recipient;
	const char *check;
	uint8_t severity;
	bool silenced;      /* it is kept, and not sent */
	const void *record; /* the ALERT as it came */
	size_t len;
	uint64_t now;
	uint64_t expires;
};

/* Id of the delivery of a revision of an alert to a recipient: the same in every run. */
struct id queue_id(struct id alert_id, uint32_t revision, const char *recipient);

enum queue_added { QUEUE_ADDED, QUEUE_KNOWN, QUEUE_COALESCED };
/* In a transaction: queues a delivery. Returns enum queue_added or -1. */
int queue_add(struct queue *q, const struct queue_item *i);

/*
 * At start, outside a transaction: what was 'sending' goes back to retry, marked. What was queued at a later time than now, or waits
 * for longer than any attempt does (longest, ns), because the clock was set back since, does not wait for that time. Returns the
 * number of those that were 'sending', or -1.
 */
int queue_recover(struct queue *q, uint64_t now, uint64_t longest);
/* At start: unfinished deliveries to recipients other than these become dead. names is NULL-terminated. */
int queue_orphans(struct queue *q, const char *const *names, uint64_t now);

/* A delivery taken from the queue. The caller frees it with queue_row_release. */
struct queue_row {
	struct id id, alert_id;
	uint32_t revision;
	uint32_t attempts; /* made before */
	bool maybe_duplicate;
	uint64_t expires;
	char *record;
	size_t len;
};
void queue_row_release(struct queue_row *r);

/* Deliveries of the recipient that are due, oldest due time first; at most max. Returns their number or -1. */
int queue_due(struct queue *q, const char *recipient, uint64_t now, size_t max, struct queue_row *rows);
/* When the recipient's next delivery is due or expires; 0 if none waits. */
uint64_t queue_next(struct queue *q, const char *recipient);
/* In a transaction: an attempt begins. */
int queue_start(struct queue *q, struct id id);

struct queue_outcome {
	enum dstate state;    /* DLV_SENT, DLV_RETRY or DLV_DEAD */
	uint64_t next;        /* DLV_RETRY: when */
	bool maybe_duplicate; /* the attempt may have arrived although it failed */
	const char *error;    /* why, or NULL */
};
/* In a transaction: an attempt ended. */
int queue_finish(struct queue *q, struct id id, const struct queue_outcome *o, uint64_t now);
/* Gives up what waits and was to be sent before 'before'. Returns how many, or -1. Outside a transaction. */
int queue_expire(struct queue *q, uint64_t before, uint64_t now);

/*
 * Rows from newest to oldest, those before position 'before' (0 = from the newest). cb gets each as a DELIVERY and its
 * position, until it returns false.
 */
int queue_list(struct queue *q, uint64_t before, bool (*cb)(void *arg, const struct r_delivery *d, const char *base,
							      uint64_t position), void *arg);
/* In a transaction: sends a dead, expired, silenced or waiting delivery now, with attempts counted anew. 1, 0 if it cannot, -1. */
int queue_retry(struct queue *q, struct id id, uint64_t now, uint64_t expires);
/* In a transaction: removes a delivery that is not under way. 1, 0 if it cannot, -1. */
int queue_drop(struct queue *q, struct id id);

/*
 * Running totals of a recipient, over all time:
 * queued = sent + dropped + rows in pending, sending, retry, dead and expired. What is silenced was never queued.
 */
struct queue_totals {
	uint64_t queued;
	uint64_t sent;
	uint64_t dropped;   /* removed by command, or dead and expired rows that made room */
	uint64_t coalesced; /* matched but never queued, because the bound was reached */
	uint64_t rows[QUEUE_STATES];
};
void queue_totals(const struct queue *q, const char *recipient, struct queue_totals *ret);

/*
 * Wait before attempt n + 1, after n >= 1 failed: min doubled with each, at most max, a quarter more or less by a hash of
 * the delivery, so that many do not come back at once and yet every run waits the same.
 */
uint64_t queue_backoff(struct id id, uint32_t n, uint64_t min_ns, uint64_t max_ns);

#endif

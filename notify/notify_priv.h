/* What the wiring of notify (notify.c), its attempts (attempts.c) and what it is asked (requests.c) share. */
#ifndef WEIR_NOTIFY_PRIV_H
#define WEIR_NOTIFY_PRIV_H

#include "ageclock.h"
#include "heartbeat.h"
#include "log.h"
#include "proc.h"
#include "queue.h"
#include "recipient.h"
#include "settings.h"
#include "sink_http.h"
#include "spawner.h"

#define MAX_JOBS 64 /* attempts under way at once, all recipients together */

/* An attempt under way. */
struct job {
	bool used;
	bool ended; /* result is there, to be written */
	uint32_t number;
	struct recipient *r;
	struct id id;
	uint32_t attempt;
	struct sink_result result;
	bool decided; /* out and text say what becomes of it */
	struct queue_outcome out;
	char text[600];
};

struct notify {
	struct proc_ctx *c;
	struct queue *q; /* NULL until there is room for it on the disk */
	struct follower *f;
	struct spawner *sp;
	struct http_client *http;
	struct heartbeats *beats;
	uint64_t heard; /* monotonic: alertd's last answer */
	struct recipient *r;
	size_t n;
	struct job jobs[MAX_JOBS];
	unsigned n_jobs;
	uint32_t next_number;
	struct loop_timer *due, *again, *expire;
	struct loop_idle *settle;
	bool dispatch_wanted;
	bool stopping;
	struct ageclock *age; /* what waits grows old by it */
	uint64_t wall_base, mono_base;
	uint64_t unreadable, missed;
	struct log_limit limit, dead_limit;
	bool write_failed;
	struct settings *settings; /* of the recipients: read in privileged, handed over in init */
};

/* Wall-clock time that goes on steadily: a step of the clock does not move what was planned. */
uint64_t notify_now(const struct notify *k);
/* Has attempts_settle called before the loop waits again. */
void notify_wake(struct notify *k);
/* A transaction failed: says it once, and tries again in a second. One worked: the state is as it was. */
void notify_write_failed(struct notify *k, const char *why);
void notify_write_worked(struct notify *k);
/* No attempt is under way any more, or none is waited for: the end, with all of the queue in its one file. */
void notify_leave(struct notify *k);

/* attempts.c: a sink, or the spawner, tells how an attempt ended. arg is struct notify. */
void attempts_result(void *arg, const struct sink_result *r);
void attempts_spawn_result(void *arg, const struct spawn_result *r);
/* Writes down how attempts ended, and begins those that are due. */
void attempts_settle(struct notify *k);

/* requests.c */
void requests_answer(void *arg, struct link_req *q, enum rtype type, const void *rec, const char *base);

#endif

/*
 * Links between processes: REQ/REP over nng, one socket per process. Only link_*.c knows nng.
 *
 * A producer serves its streams (stream.h); a consumer follows one by FETCH from a cursor that it owns and keeps with
 * its effects. FETCH is idempotent, so nng may repeat it at will. All callbacks run in the loop. See DESIGN for the
 * protocol; records/fetch.def and batch.def for its fields.
 *
 * Block signals before the first call (nng's threads inherit the mask), never fork after it.
 */
#ifndef WEIR_LINK_H
#define WEIR_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "codec.h"
#include "loop.h"
#include "metrics.h"
#include "record.h"
#include "stream.h"

#define LINK_MAX_MESSAGE (4u << 20)   /* largest message taken */
#define LINK_BATCH_BYTES (512u << 10) /* default size of an answer */
#define LINK_MAX_REQUESTS 64          /* that a server has taken and not answered; others wait in their sockets */

/* -- producer -- */

struct server;
struct link_req; /* a request waiting for its answer */

struct server_ops {
	/*
	 * A request that is not FETCH (STATUS, QUERY, COMMAND, SNAPSHOT): rec is its struct, base what strings refer
	 * to, both valid during the call only. Must be answered with link_reply, now or later. NULL: refused.
	 */
	void (*request)(void *arg, struct link_req *q, enum rtype type, const void *rec, const char *base);
	/*
	 * A durable consumer asks for records that are no longer held (from < tail) or belong to another epoch, and the
	 * producer can make them again: true if it has restarted the stream (stream_restart) and will. May be NULL.
	 */
	bool (*rewind)(void *arg, struct stream *s, uint64_t from, uint64_t epoch);
	/* A FETCH came in: after it the durable position may have moved. May be NULL. */
	void (*fetched)(void *arg, struct stream *s);
};

/* Listens on url (ipc://...). mode: permissions of the socket file. NULL with errno on failure. */
struct server *server_new(struct loop *l, const char *url, unsigned mode, const struct server_ops *ops, void *arg);
void server_free(struct server *sv);
/* Serves a stream; it must outlive the server. The producer calls server_wake after appending to it. */
void server_add_stream(struct server *sv, struct stream *s);
/* Answers the FETCHes that wait for this stream. Cheap when none waits. Call once per batch of appends. */
void server_wake(struct server *sv, struct stream *s);
/* Answers a request: an ANSWER record with these fields, then count records of body (may be NULL). */
void link_reply(struct link_req *q, const struct g_answer *a, const char *base, const struct buf *body);
/* The short form of a refusal or an empty success. error may be NULL. */
void link_reply_status(struct link_req *q, unsigned status, const char *error);

/* -- consumer -- */

struct follower;

struct follower_ops {
	/*
	 * A batch arrived (count > 0): b->base is the number of the first record, r reads the records and owns nothing. Where
	 * follower_only was asked for, b->left_out of count are not there.
	 * The callee takes all of it before it returns, or takes a part and says how many records with the return value;
	 * the rest is fetched again. Records that cannot be decoded are counted and skipped by the callee.
	 */
	uint32_t (*batch)(void *arg, struct follower *f, const struct g_batch *b, struct codec_reader *r);
	/* Records before tail are gone; the follower goes on from tail if it returns true. May be NULL: goes on. */
	bool (*gone)(void *arg, struct follower *f, uint64_t tail);
	/* The producer's epoch differs from the follower's. Set position with follower_set, return true to go on. */
	bool (*epoch)(void *arg, struct follower *f, uint64_t epoch);
	/* Nothing new (heartbeat), with the producer's clock and head. May be NULL. */
	void (*idle)(void *arg, struct follower *f, const struct g_batch *b);
	/* The producer answered for the first time, or stopped answering. May be NULL. */
	void (*link)(void *arg, struct follower *f, bool up);
};

/* Follows a stream. consumer: name told to the producer. Starts paused; set the position, then follower_resume. */
struct follower *follower_new(struct loop *l, const char *url, const char *stream, const char *consumer,
			      const struct follower_ops *ops, void *arg);
void follower_free(struct follower *f);
/* Position: epoch 0 = take whatever the producer has; from 0 = its oldest. */
void follower_set(struct follower *f, uint64_t epoch, uint64_t from);
/* Only records of these types are sent, bit n = type n; all others count as taken. Before it first resumes. */
void follower_only(struct follower *f, uint64_t types);
/* What the next FETCH reports durable. */
void follower_set_durable(struct follower *f, uint64_t seq);
void follower_pause(struct follower *f);
void follower_resume(struct follower *f);
uint64_t follower_epoch(const struct follower *f);
uint64_t follower_next(const struct follower *f); /* next sequence number wanted */
uint64_t follower_lag(const struct follower *f);  /* records the producer had beyond that, by the last answer */
/* Of the loop's thread: 'lag', and 'gone', what the producer had no longer; their label is the stream. */
void follower_metrics(const struct follower *f, struct metrics *m);
bool follower_up(const struct follower *f);

/* -- one question, one answer -- */

/*
 * Sends a request record and calls back with the answer (a is NULL on timeout or bad answer; r reads the body). The
 * reader is valid during the call. Returns 0, or -1 if the url cannot be dialled.
 */
int link_ask(struct loop *l, const char *url, enum rtype type, const void *rec, const char *base, uint32_t timeout_ms,
	     void (*cb)(void *arg, const struct g_answer *a, struct codec_reader *r), void *arg);
/* The same for programs without a loop: body is filled with the whole answer message, *r placed behind *a. */
int link_ask_sync(const char *url, enum rtype type, const void *rec, const char *base, uint32_t timeout_ms,
		  struct buf *body, struct g_answer *a, struct codec_reader *r);

/*
 * Ends the program, with its output written and its links open. nng_close of 1.5.2 sometimes waits for ever for a connection that is
 * just being torn down, and a peer sees the end of the process as well.
 */
_Noreturn void link_leave(int code);

#endif

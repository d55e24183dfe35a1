/* The consumer's end of a link: follows a stream by FETCH from a cursor. */
#include "link_priv.h"

#include <stdlib.h>

#include "log.h"

#define POLL_WAIT_MS 1000 /* what followers ask for; an empty answer is the heartbeat */
#define SOON_MS 20        /* the same while something that was taken is not safe yet: a producer that is full waits to hear that it is */

struct follower {
	struct mailbox *hub;
	struct follower_ops ops;
	void *arg;
	char *url, *stream, *consumer;
	nng_socket sock;
	nng_ctx ctx;
	nng_aio *aio;
	struct letter done, pipes;
	enum { F_IDLE, F_SEND, F_RECV } state;
	nng_msg *held;        /* an answer that came while paused or busy */
	bool paused, busy, closing, up;
	bool parts;           /* the callee took a part last time: no point in asking for more before it has had its turn */
	bool again;           /* the request under way is taken back: ask anew */
	int n_pipes;          /* atomic */
	uint64_t epoch, next, durable, head, types, gone;
	uint64_t asked_epoch, asked_from;
	struct loop_timer *retry;
	struct log_limit limit;
};

static void follower_take(struct follower *f, nng_msg *m);

static void follower_ask(struct follower *f)
{
	if (f->state != F_IDLE || f->paused || f->closing || f->held)
		return;
	struct buf strs = { 0 };
	bool soon = f->durable && f->durable < f->next;
	struct r_fetch q = { .fetch = { .epoch = f->epoch, .from = f->next, .durable = f->durable, .types = f->types,
					.wait_ms = soon ? SOON_MS : POLL_WAIT_MS } };
	q.fetch.stream = str_put_raw(&strs, f->stream, strlen(f->stream));
	q.fetch.consumer = str_put_raw(&strs, f->consumer, strlen(f->consumer));
	nng_msg *m = link_message(R_FETCH, &q, strs.p);
	buf_release(&strs);
	f->again = false;
	f->asked_epoch = f->epoch;
	f->asked_from = f->next;
	f->state = F_SEND;
	nng_aio_set_msg(f->aio, m);
	nng_ctx_send(f->ctx, f->aio);
}

/* Runs on a thread of nng: after the request is out, waits for the answer without a round through the loop. */
static void follower_aio(void *arg)
{
	struct follower *f = arg;
	if (f->state == F_SEND && nng_aio_result(f->aio) == 0) {
		f->state = F_RECV;
		nng_ctx_recv(f->ctx, f->aio);
		return;
	}
	mailbox_put(f->hub, &f->done);
}

static void follower_done(void *arg)
{
	struct follower *f = arg;
	int rc = nng_aio_result(f->aio);
	bool sent = f->state == F_RECV;
	if (f->closing)
		return;
	f->state = F_IDLE;
	if (rc != 0) {
		if (!sent)
			nng_msg_free(nng_aio_get_msg(f->aio));
		if (f->again && rc == NNG_ECANCELED) {
			f->again = false;
			follower_ask(f);
			return;
		}
		loop_set_timer(f->retry, 100, 0);
		return;
	}
	nng_msg *m = nng_aio_get_msg(f->aio);
	if (f->paused || f->busy) {
		f->held = m;
		return;
	}
	follower_take(f, m);
}

static void follower_retry(void *arg)
{
	follower_ask(arg);
}

static void follower_pipe_event(nng_pipe p, nng_pipe_ev ev, void *arg)
{
	(void)p;
	struct follower *f = arg;
	__atomic_add_fetch(&f->n_pipes, ev == NNG_PIPE_EV_ADD_POST ? 1 : -1, __ATOMIC_SEQ_CST);
	mailbox_put(f->hub, &f->pipes);
}

static void follower_pipes(void *arg)
{
	struct follower *f = arg;
	bool up = __atomic_load_n(&f->n_pipes, __ATOMIC_SEQ_CST) > 0;
	if (f->closing || up == f->up)
		return;
	f->up = up;
	if (f->ops.link)
		f->ops.link(f->arg, f, up);
}

/* The records of an answer; the next request is on its way while the callee works on them. */
static void take_records(struct follower *f, const struct g_batch *b, struct codec_reader *r)
{
	f->next = b->base + b->count;
	if (!f->parts)
		follower_ask(f);
	uint32_t taken = f->ops.batch(f->arg, f, b, r);
	f->parts = taken < b->count;
	if (!f->parts || f->next != b->base + b->count)
		return;
	f->next = b->base + taken;
	/* What was asked for meanwhile may be long in coming. */
	if (f->state != F_IDLE) {
		f->again = true;
		nng_aio_cancel(f->aio);
	}
}

static void take_answer(struct follower *f, const struct g_batch *b, struct codec_reader *r)
{
	bool go_on = true;
	switch (b->code) {
	case LINK_BATCH:
		if (f->epoch == 0)
			f->epoch = b->epoch;
		f->head = b->head;
		if (b->count && (f->next == 0 || b->base == f->next))
			take_records(f, b, r);
		else if (f->ops.idle)
			f->ops.idle(f->arg, f, b);
		break;
	case LINK_GONE:
		f->head = b->head;
		f->gone += f->next && f->next < b->tail ? b->tail - f->next : 0;
		if (f->ops.gone)
			go_on = f->ops.gone(f->arg, f, b->tail);
		if (go_on && f->next < b->tail)
			f->next = b->tail;
		break;
	case LINK_EPOCH:
		if (f->ops.epoch) {
			go_on = f->ops.epoch(f->arg, f, b->epoch);
		} else {
			f->epoch = b->epoch;
			f->next = 0;
		}
		break;
	default:
		log_limited(&f->limit, "link %s: no stream %s there", f->url, f->stream);
		loop_set_timer(f->retry, 1000, 0);
		return;
	}
	if (!go_on)
		f->paused = true;
	follower_ask(f);
}

/* Not recursion without end: the loop gets its turn between answers. */
static void post_held(struct follower *f)
{
	nng_aio_set_msg(f->aio, f->held);
	f->held = NULL;
	f->state = F_RECV;
	mailbox_put(f->hub, &f->done);
}

static void follower_take(struct follower *f, nng_msg *m)
{
	struct codec_reader r = { .base = nng_msg_body(m), .len = nng_msg_len(m) };
	struct r_batch b;
	if (f->asked_epoch != f->epoch || f->asked_from != f->next) {
		nng_msg_free(m); /* the position was moved meanwhile */
		follower_ask(f);
		return;
	}
	if (codec_peek(&r) != R_BATCH || codec_read(&r, &b) != 1 ||
	    (b.batch.count && b.batch.base + b.batch.count > b.batch.head) || b.batch.left_out > b.batch.count) {
		log_limited(&f->limit, "link %s: bad answer for stream %s: %s", f->url, f->stream,
			    r.error ? r.error : "not a batch");
		nng_msg_free(m);
		loop_set_timer(f->retry, 1000, 0);
		return;
	}
	f->busy = true;
	take_answer(f, &b.batch, &r);
	f->busy = false;
	nng_msg_free(m);
	if (f->held && !f->paused)
		post_held(f);
}

struct follower *follower_new(struct loop *l, const char *url, const char *stream, const char *consumer,
			      const struct follower_ops *ops, void *arg)
{
	struct follower *f = xcalloc(1, sizeof *f);
	f->hub = hub_get(l);
	f->ops = *ops;
	f->arg = arg;
	f->url = xstrdup(url);
	f->stream = xstrdup(stream);
	f->consumer = xstrdup(consumer);
	f->paused = true;
	f->done = (struct letter){ .fn = follower_done, .arg = f };
	f->pipes = (struct letter){ .fn = follower_pipes, .arg = f };
	f->retry = loop_add_timer(l, follower_retry, f);
	f->sock = link_dial(url, follower_pipe_event, f);
	if (nng_ctx_open(&f->ctx, f->sock) != 0 || nng_aio_alloc(&f->aio, follower_aio, f) != 0)
		fatalx("link: no memory");
	return f;
}

void follower_free(struct follower *f)
{
	if (!f)
		return;
	f->closing = true;
	nng_close(f->sock);
	nng_aio_stop(f->aio);
	mailbox_take_back(f->hub, &f->done);
	mailbox_take_back(f->hub, &f->pipes);
	nng_aio_free(f->aio);
	loop_del_timer(f->retry);
	if (f->held)
		nng_msg_free(f->held);
	free(f->url);
	free(f->stream);
	free(f->consumer);
	free(f);
}

void follower_set(struct follower *f, uint64_t epoch, uint64_t from)
{
	f->epoch = epoch;
	f->next = from;
}

void follower_only(struct follower *f, uint64_t types)
{
	f->types = types;
}

void follower_set_durable(struct follower *f, uint64_t seq)
{
	f->durable = seq;
}

void follower_pause(struct follower *f)
{
	f->paused = true;
}

void follower_resume(struct follower *f)
{
	if (!f->paused)
		return;
	f->paused = false;
	if (f->busy)
		return;
	if (f->held)
		post_held(f);
	else
		follower_ask(f);
}

uint64_t follower_epoch(const struct follower *f)
{
	return f->epoch;
}

uint64_t follower_next(const struct follower *f)
{
	return f->next;
}

uint64_t follower_lag(const struct follower *f)
{
	uint64_t next = f->next ? f->next : 1; /* nothing yet, of a log that begins with 1 */
	return f->head > next ? f->head - next : 0;
}

void follower_metrics(const struct follower *f, struct metrics *m)
{
	metrics_put(m, "lag", f->stream, "records", false, (double)follower_lag(f));
	metrics_put(m, "gone", f->stream, "records", true, (double)f->gone);
}

bool follower_up(const struct follower *f)
{
	return f->up;
}

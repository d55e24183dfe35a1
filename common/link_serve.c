/* The producer's end of a link: answers FETCH from its streams, hands all other requests on. */
#include "link_priv.h"

#include <errno.h>
#include <nng/protocol/reqrep0/rep.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"

#define SPARE_CONTEXTS  8          /* of them kept from those that only wait */
#define MAX_STREAMS     72         /* one per sensor and a few more */
#define MAX_WAIT_MS     10000      /* longest poll granted */
#define GATHER_MS       4          /* a small batch waits this long for more: fewer, fuller messages */
#define GATHER_BYTES    (256u << 10)
#define PASSED_SHARE    16         /* of the log: as much may pass that nobody wants before an answer says so */

struct link_req {
	struct server *sv;
	nng_ctx ctx;
	nng_aio *aio;
	struct letter done;
	enum { Q_RECV, Q_HANDLED, Q_WAITING, Q_SEND } state;
	struct stream *stream; /* Q_WAITING */
	uint64_t from, epoch;
	bool oldest;          /* from 0: where the stream begins when there is something to send */
	uint32_t max;
	uint64_t types;       /* wanted, bit n = type n; 0 = all */
	uint64_t at;          /* what is between from and this is not wanted */
	size_t passed;        /* bytes of that */
	uint64_t deadline;    /* empty answer then, mono ns */
	uint64_t gather;      /* what there is then; 0 = nothing there yet */
	uint64_t since;       /* waits from then on */
	bool durable;         /* of a consumer that nothing is dropped for */
};

struct server {
	struct mailbox *hub;
	nng_socket sock;
	struct server_ops ops;
	void *arg;
	struct stream *streams[MAX_STREAMS];
	size_t n_streams;
	struct link_req reqs[LINK_MAX_REQUESTS];
	unsigned n_waiting;
	struct loop_timer *timer;
	uint64_t timer_at;
	struct buf out, picked;
	struct log_limit limit;
	bool closing;
};

static void req_done(void *arg);

static void req_aio(void *arg)
{
	struct link_req *q = arg;
	mailbox_put(q->sv->hub, &q->done);
}

static void req_recv(struct link_req *q)
{
	q->state = Q_RECV;
	nng_ctx_recv(q->ctx, q->aio);
}

static void req_send(struct link_req *q, const struct buf *head, const void *body, size_t len)
{
	nng_msg *m;
	if (nng_msg_alloc(&m, 0) != 0 || nng_msg_append(m, head->p, head->len) != 0 ||
	    (len && nng_msg_append(m, body, len) != 0))
		fatalx("link: no memory");
	q->state = Q_SEND;
	nng_aio_set_msg(q->aio, m);
	nng_ctx_send(q->ctx, q->aio);
}

/* left_out of the records are not in p. */
static void send_batch(struct link_req *q, struct stream *s, enum linkcode code, uint64_t base, uint32_t count, uint32_t left_out,
		       const char *p, size_t len)
{
	struct r_batch b = { .batch = { .left_out = left_out } };
	if (s) {
		b.batch.epoch = stream_epoch(s);
		b.batch.head = stream_head(s);
		b.batch.tail = stream_tail(s);
		b.batch.clock = stream_clock(s);
	}
	b.batch.base = base;
	b.batch.count = count;
	b.batch.code = code;
	struct buf *out = &q->sv->out;
	buf_reset(out);
	codec_pack(out, R_BATCH, &b, NULL);
	req_send(q, out, p, len);
}

/* Sends what there is for a FETCH; false if that is nothing. */
static bool answer_fetch(struct link_req *q)
{
	const char *p = NULL;
	size_t len = 0;
	uint32_t n = stream_read(q->stream, q->at, q->max, &p, &len), left_out = (uint32_t)(q->at - q->from);
	struct buf *picked = &q->sv->picked;
	if (n && q->types) {
		buf_reset(picked);
		left_out += n - stream_pick(q->stream, q->at, n, q->types, picked);
		p = picked->p;
		len = picked->len;
	}
	if (n)
		send_batch(q, q->stream, LINK_BATCH, q->from, (uint32_t)(q->at - q->from) + n, left_out, p, len);
	return n != 0;
}

/* Sends that there is nothing, but for what was passed. */
static void answer_empty(struct link_req *q)
{
	uint32_t n = (uint32_t)(q->at - q->from);
	send_batch(q, q->stream, LINK_BATCH, q->from, n, n, NULL, 0);
}

/*
 * Who wants few of the records is not told of each hundred that are none of them; but the log holds what he has not reported, and goes
 * on only after that.
 */
static bool pass_unwanted(struct link_req *q)
{
	if (q->types)
		q->at = stream_pass(q->stream, q->at, q->types, &q->passed);
	return q->passed > stream_max(q->stream) / PASSED_SHARE || q->at - q->from > UINT32_MAX / 2;
}

static void server_set_timer(struct server *sv, uint64_t at)
{
	if (sv->timer_at && sv->timer_at <= at)
		return;
	uint64_t now = mono_ns();
	sv->timer_at = at;
	loop_set_timer(sv->timer, at > now ? (at - now) / 1000000 + 1 : 1, 0);
}

static void req_stop_waiting(struct link_req *q)
{
	q->stream = NULL;
	q->sv->n_waiting--;
}

/* Looks whether a waiting FETCH can be answered now. */
static void req_try(struct link_req *q, uint64_t now)
{
	struct stream *s = q->stream;
	if (q->epoch && q->epoch != stream_epoch(s)) {
		send_batch(q, s, LINK_EPOCH, q->from, 0, 0, NULL, 0);
		req_stop_waiting(q);
		return;
	}
	if (q->oldest)
		q->from = q->at = stream_tail(s);
	if (q->at < stream_tail(s)) {
		send_batch(q, s, LINK_GONE, q->from, 0, 0, NULL, 0);
		req_stop_waiting(q);
		return;
	}
	if (pass_unwanted(q)) {
		answer_empty(q);
		req_stop_waiting(q);
		return;
	}
	if (q->at < stream_head(s)) {
		const char *p;
		size_t len;
		stream_read(s, q->at, GATHER_BYTES, &p, &len);
		if (!q->gather)
			q->gather = now + GATHER_MS * 1000000ull;
		if ((len >= GATHER_BYTES / 2 || now >= q->gather) && answer_fetch(q)) {
			req_stop_waiting(q);
			return;
		}
	}
	if (now >= q->deadline) {
		answer_empty(q);
		req_stop_waiting(q);
		return;
	}
	server_set_timer(q->sv, q->gather && q->gather < q->deadline ? q->gather : q->deadline);
}

static void server_timer(void *arg)
{
	struct server *sv = arg;
	uint64_t now = mono_ns();
	sv->timer_at = 0;
	for (unsigned i = 0; i < LINK_MAX_REQUESTS; i++)
		if (sv->reqs[i].state == Q_WAITING)
			req_try(&sv->reqs[i], now);
}

void server_wake(struct server *sv, struct stream *s)
{
	if (!sv || !sv->n_waiting)
		return;
	uint64_t now = mono_ns();
	for (unsigned i = 0; i < LINK_MAX_REQUESTS; i++)
		if (sv->reqs[i].state == Q_WAITING && sv->reqs[i].stream == s)
			req_try(&sv->reqs[i], now);
}

static struct stream *find_stream(struct server *sv, const char *base, struct str name)
{
	for (size_t i = 0; i < sv->n_streams; i++)
		if (str_eq(base, name, stream_name(sv->streams[i])))
			return sv->streams[i];
	return NULL;
}

/* Many that wait must not keep others from asking: who has waited longest, and is not durable, gets an empty answer early. */
static void keep_spare(struct server *sv)
{
	struct link_req *longest = NULL;
	if (sv->n_waiting <= LINK_MAX_REQUESTS - SPARE_CONTEXTS)
		return;
	for (unsigned i = 0; i < LINK_MAX_REQUESTS; i++) {
		struct link_req *q = &sv->reqs[i];
		if (q->state == Q_WAITING && !q->durable && (!longest || q->since < longest->since))
			longest = q;
	}
	if (longest) {
		answer_empty(longest);
		req_stop_waiting(longest);
	}
}

static void on_fetch(struct link_req *q, const struct g_fetch *f, const char *base)
{
	struct server *sv = q->sv;
	struct stream *s = find_stream(sv, base, f->stream);
	if (!s) {
		send_batch(q, NULL, LINK_UNKNOWN, f->from, 0, 0, NULL, 0);
		return;
	}
	char consumer[64];
	snprintf(consumer, sizeof consumer, "%.*s", (int)f->consumer.len, str_ptr(base, f->consumer));
	bool same = !f->epoch || f->epoch == stream_epoch(s);
	if (same && f->durable)
		stream_set_durable(s, consumer, f->durable);
	q->durable = stream_is_durable(s, consumer);
	if (sv->ops.rewind && f->from && q->durable && (!same || f->from < stream_tail(s)))
		sv->ops.rewind(sv->arg, s, f->from, f->epoch);
	if (sv->ops.fetched)
		sv->ops.fetched(sv->arg, s);
	q->stream = s;
	q->from = q->at = f->from;
	q->passed = 0;
	q->oldest = f->from == 0;
	q->epoch = f->epoch;
	q->max = f->max && f->max < LINK_MAX_MESSAGE / 2 ? f->max : LINK_BATCH_BYTES;
	q->types = f->types;
	q->gather = 0;
	uint64_t now = mono_ns();
	q->deadline = now + (f->wait_ms < MAX_WAIT_MS ? f->wait_ms : MAX_WAIT_MS) * 1000000ull;
	q->state = Q_WAITING;
	q->since = now;
	sv->n_waiting++;
	req_try(q, now);
	keep_spare(sv);
}

static void on_request(struct link_req *q, nng_msg *msg)
{
	struct server *sv = q->sv;
	const char *base = nng_msg_body(msg);
	struct codec_reader r = { .base = base, .len = nng_msg_len(msg) };
	union {
		struct r_fetch fetch;
		struct r_query query;
		struct r_command command;
		struct r_snapshot snapshot;
		struct r_status status;
	} u;
	enum rtype type = codec_peek(&r);
	bool known = type == R_FETCH || type == R_QUERY || type == R_COMMAND || type == R_SNAPSHOT ||
		     type == R_STATUS;
	q->state = Q_HANDLED;
	if (!known || codec_read(&r, &u) != 1) {
		log_limited(&sv->limit, "link: bad request of %zu bytes: %s", r.len,
			    r.error ? r.error : "not a request");
		link_reply_status(q, 400, r.error ? r.error : "not a request");
	} else if (type == R_FETCH) {
		on_fetch(q, &u.fetch.fetch, base);
	} else if (sv->ops.request) {
		sv->ops.request(sv->arg, q, type, &u, base);
	} else {
		link_reply_status(q, 404, "not served here");
	}
}

static void req_done(void *arg)
{
	struct link_req *q = arg;
	int rc = nng_aio_result(q->aio);
	if (q->sv->closing)
		return;
	if (q->state == Q_SEND) {
		if (rc != 0)
			nng_msg_free(nng_aio_get_msg(q->aio));
		req_recv(q);
		return;
	}
	if (rc == NNG_ECLOSED || rc == NNG_ECANCELED)
		return;
	if (rc != 0) {
		req_recv(q);
		return;
	}
	nng_msg *msg = nng_aio_get_msg(q->aio);
	on_request(q, msg);
	nng_msg_free(msg);
}

static int to_errno(int rv)
{
	switch (rv) {
	case NNG_EADDRINUSE:
		return EADDRINUSE;
	case NNG_EPERM:
		return EACCES;
	case NNG_EADDRINVAL:
	case NNG_EINVAL:
		return EINVAL;
	case NNG_ENOMEM:
		return ENOMEM;
	case NNG_ENOFILES:
		return EMFILE;
	default:
		return rv & NNG_ESYSERR ? rv & ~NNG_ESYSERR : EIO;
	}
}

struct server *server_new(struct loop *l, const char *url, unsigned mode, const struct server_ops *ops, void *arg)
{
	struct server *sv = xcalloc(1, sizeof *sv);
	nng_listener lst;
	link_begin();
	int rv = nng_rep0_open(&sv->sock);
	if (rv != 0)
		goto out;
	nng_socket_set_size(sv->sock, NNG_OPT_RECVMAXSZ, LINK_MAX_MESSAGE);
	rv = nng_listener_create(&lst, sv->sock, url);
	if (rv == 0 && strncmp(url, "ipc://", 6) == 0)
		rv = nng_listener_set_int(lst, NNG_OPT_IPC_PERMISSIONS, (int)mode);
	if (rv == 0)
		rv = nng_listener_start(lst, 0);
	if (rv != 0) {
		nng_close(sv->sock);
		goto out;
	}
	sv->hub = hub_get(l);
	sv->ops = *ops;
	sv->arg = arg;
	sv->timer = loop_add_timer(l, server_timer, sv);
	for (unsigned i = 0; i < LINK_MAX_REQUESTS; i++) {
		struct link_req *q = &sv->reqs[i];
		q->sv = sv;
		q->done = (struct letter){ .fn = req_done, .arg = q };
		if (nng_ctx_open(&q->ctx, sv->sock) != 0 || nng_aio_alloc(&q->aio, req_aio, q) != 0)
			fatalx("link: no memory");
		req_recv(q);
	}
	return sv;
out:
	free(sv);
	errno = to_errno(rv);
	return NULL;
}

void server_free(struct server *sv)
{
	if (!sv)
		return;
	sv->closing = true;
	nng_close(sv->sock);
	for (unsigned i = 0; i < LINK_MAX_REQUESTS; i++) {
		nng_aio_stop(sv->reqs[i].aio);
		mailbox_take_back(sv->hub, &sv->reqs[i].done);
		nng_aio_free(sv->reqs[i].aio);
	}
	loop_del_timer(sv->timer);
	buf_release(&sv->out);
	buf_release(&sv->picked);
	free(sv);
}

void server_add_stream(struct server *sv, struct stream *s)
{
	if (sv->n_streams == MAX_STREAMS)
		fatalx("link: more than %d streams", MAX_STREAMS);
	sv->streams[sv->n_streams++] = s;
}

void link_reply(struct link_req *q, const struct g_answer *a, const char *base, const struct buf *body)
{
	struct r_answer ans = { .answer = *a };
	struct buf head = { 0 };
	codec_pack(&head, R_ANSWER, &ans, base);
	req_send(q, &head, body ? body->p : NULL, body ? body->len : 0);
	buf_release(&head);
}

void link_reply_status(struct link_req *q, unsigned status, const char *error)
{
	struct g_answer a = { .status = (uint16_t)status };
	if (error)
		a.error.len = (uint32_t)strlen(error);
	link_reply(q, &a, error, NULL);
}

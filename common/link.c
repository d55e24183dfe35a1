#include "link.h"

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "log.h"

#define SERVER_CONTEXTS 64         /* requests that can wait at once */
#define MAX_STREAMS     72         /* one per sensor and a few more */
#define MAX_WAIT_MS     10000      /* longest poll granted */
#define GATHER_MS       4          /* a small batch waits this long for more: fewer, fuller messages */
#define GATHER_BYTES    (128u << 10)
#define POLL_WAIT_MS    1000       /* what followers ask for; an empty answer is the heartbeat */
#define RESEND_MS       3000       /* REQ repeats itself after this; FETCH is idempotent */
#define MAX_ASK_URLS    96

/*
 * -- from nng's threads to the loop --
 *
 * An aio callback only puts its event on the hub of its loop; the loop thread does the rest.
 */
struct event {
	struct event *next;
	void (*fn)(void *arg);
	void *arg;
	bool queued;
};

struct hub {
	struct loop *loop;
	struct loop_fd *lfd;
	pthread_mutex_t lock;
	struct event *first, **last;
	int fd;
	struct hub *next;
};

static struct hub *hubs;
static pthread_mutex_t hubs_lock = PTHREAD_MUTEX_INITIALIZER;

static void hub_run(void *arg, uint32_t events)
{
	(void)events;
	struct hub *h = arg;
	uint64_t n;
	if (read(h->fd, &n, sizeof n) < 0 && errno != EAGAIN)
		log_warn("link: eventfd");
	for (;;) {
		pthread_mutex_lock(&h->lock);
		struct event *e = h->first;
		if (e) {
			h->first = e->next;
			if (!h->first)
				h->last = &h->first;
			e->queued = false;
		}
		pthread_mutex_unlock(&h->lock);
		if (!e)
			break;
		e->fn(e->arg);
	}
}

static struct hub *hub_get(struct loop *l)
{
	pthread_mutex_lock(&hubs_lock);
	struct hub *h = hubs;
	while (h && h->loop != l)
		h = h->next;
	if (!h) {
		h = xcalloc(1, sizeof *h);
		h->loop = l;
		pthread_mutex_init(&h->lock, NULL);
		h->last = &h->first;
		h->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (h->fd < 0)
			fatal("link: eventfd");
		h->lfd = loop_add_fd(l, h->fd, EPOLLIN, hub_run, h);
		h->next = hubs;
		hubs = h;
	}
	pthread_mutex_unlock(&hubs_lock);
	return h;
}

/* Called from any thread. */
static void hub_post(struct hub *h, struct event *e)
{
	pthread_mutex_lock(&h->lock);
	if (!e->queued) {
		e->queued = true;
		e->next = NULL;
		*h->last = e;
		h->last = &e->next;
	}
	pthread_mutex_unlock(&h->lock);
	uint64_t one = 1;
	if (write(h->fd, &one, sizeof one) < 0 && errno != EAGAIN)
		log_warn("link: eventfd");
}

/* Takes an event back before its owner is freed. */
static void hub_cancel(struct hub *h, struct event *e)
{
	pthread_mutex_lock(&h->lock);
	for (struct event **p = &h->first; *p; p = &(*p)->next)
		if (*p == e) {
			*p = e->next;
			if (!*p)
				h->last = p;
			break;
		}
	e->queued = false;
	pthread_mutex_unlock(&h->lock);
}

/* -- producer -- */

struct link_req {
	struct server *sv;
	nng_ctx ctx;
	nng_aio *aio;
	struct event done;
	enum { Q_RECV, Q_HANDLED, Q_WAITING, Q_SEND } state;
	nng_msg *msg;
	struct stream *stream; /* Q_WAITING */
	uint64_t from, epoch;
	uint32_t max;
	uint64_t deadline;    /* empty answer then, mono ns */
	uint64_t gather;      /* what there is then; 0 = nothing there yet */
};

struct server {
	struct hub *hub;
	nng_socket sock;
	struct server_ops ops;
	void *arg;
	struct stream *streams[MAX_STREAMS];
	size_t n_streams;
	struct link_req reqs[SERVER_CONTEXTS];
	unsigned n_waiting;
	struct loop_timer *timer;
	uint64_t timer_at;
	struct buf out;
	struct log_limit limit;
	bool closing;
};

static void req_done(void *arg);

static void req_aio(void *arg)
{
	struct link_req *q = arg;
	hub_post(q->sv->hub, &q->done);
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

static void send_batch(struct link_req *q, struct stream *s, enum linkcode code, uint64_t base, uint32_t count,
		       const char *p, size_t len)
{
	struct r_batch b = { 0 };
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
	uint32_t n = stream_read(q->stream, q->from, q->max, &p, &len);
	if (n)
		send_batch(q, q->stream, LINK_BATCH, q->from, n, p, len);
	return n != 0;
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
		send_batch(q, s, LINK_EPOCH, q->from, 0, NULL, 0);
		req_stop_waiting(q);
		return;
	}
	if (q->from == 0)
		q->from = stream_tail(s);
	if (q->from < stream_tail(s)) {
		send_batch(q, s, LINK_GONE, q->from, 0, NULL, 0);
		req_stop_waiting(q);
		return;
	}
	if (q->from < stream_head(s)) {
		const char *p;
		size_t len;
		stream_read(s, q->from, GATHER_BYTES, &p, &len);
		if (!q->gather)
			q->gather = now + GATHER_MS * 1000000ull;
		if ((len >= GATHER_BYTES / 2 || now >= q->gather) && answer_fetch(q)) {
			req_stop_waiting(q);
			return;
		}
	}
	if (now >= q->deadline) {
		send_batch(q, s, LINK_BATCH, q->from, 0, NULL, 0);
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
	for (unsigned i = 0; i < SERVER_CONTEXTS; i++)
		if (sv->reqs[i].state == Q_WAITING)
			req_try(&sv->reqs[i], now);
}

void server_wake(struct server *sv, struct stream *s)
{
	if (!sv || !sv->n_waiting)
		return;
	uint64_t now = mono_ns();
	for (unsigned i = 0; i < SERVER_CONTEXTS; i++)
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

static void on_fetch(struct link_req *q, const struct g_fetch *f, const char *base)
{
	struct server *sv = q->sv;
	struct stream *s = find_stream(sv, base, f->stream);
	if (!s) {
		send_batch(q, NULL, LINK_UNKNOWN, f->from, 0, NULL, 0);
		return;
	}
	char consumer[64];
	snprintf(consumer, sizeof consumer, "%.*s", (int)f->consumer.len, str_ptr(base, f->consumer));
	bool same = !f->epoch || f->epoch == stream_epoch(s);
	if (same && f->durable)
		stream_set_durable(s, consumer, f->durable);
	if (sv->ops.rewind && f->from && stream_is_durable(s, consumer) &&
	    (!same || f->from < stream_tail(s)))
		sv->ops.rewind(sv->arg, s, f->from, f->epoch);
	if (sv->ops.fetched)
		sv->ops.fetched(sv->arg, s);
	q->stream = s;
	q->from = f->from;
	q->epoch = f->epoch;
	q->max = f->max && f->max < LINK_MAX_MESSAGE / 2 ? f->max : LINK_BATCH_BYTES;
	q->gather = 0;
	uint64_t now = mono_ns();
	q->deadline = now + (f->wait_ms < MAX_WAIT_MS ? f->wait_ms : MAX_WAIT_MS) * 1000000ull;
	q->state = Q_WAITING;
	sv->n_waiting++;
	req_try(q, now);
}

static void on_request(struct link_req *q)
{
	struct server *sv = q->sv;
	const char *base = nng_msg_body(q->msg);
	struct codec_reader r = { .base = base, .len = nng_msg_len(q->msg) };
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
	q->msg = nng_aio_get_msg(q->aio);
	on_request(q);
	nng_msg_free(q->msg);
	q->msg = NULL;
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
	for (unsigned i = 0; i < SERVER_CONTEXTS; i++) {
		struct link_req *q = &sv->reqs[i];
		q->sv = sv;
		q->done = (struct event){ .fn = req_done, .arg = q };
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
	for (unsigned i = 0; i < SERVER_CONTEXTS; i++) {
		nng_aio_stop(sv->reqs[i].aio);
		hub_cancel(sv->hub, &sv->reqs[i].done);
		nng_aio_free(sv->reqs[i].aio);
	}
	loop_del_timer(sv->timer);
	buf_release(&sv->out);
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

/* -- consumer -- */

struct follower {
	struct hub *hub;
	struct follower_ops ops;
	void *arg;
	char *url, *stream, *consumer;
	nng_socket sock;
	nng_ctx ctx;
	nng_aio *aio;
	struct event done, pipes;
	enum { F_IDLE, F_SEND, F_RECV } state;
	nng_msg *held;        /* an answer that came while paused or busy */
	bool paused, busy, closing, up, told_up;
	int n_pipes;          /* atomic */
	uint64_t epoch, next, durable, head;
	uint64_t asked_epoch, asked_from;
	struct loop_timer *retry;
	struct log_limit limit;
};

static void follower_take(struct follower *f, nng_msg *m);

static void follower_ask(struct follower *f)
{
	if (f->state != F_IDLE || f->paused || f->closing || f->held)
		return;
	struct buf out = { 0 }, strs = { 0 };
	struct r_fetch q = { .fetch = { .epoch = f->epoch, .from = f->next, .durable = f->durable,
					.wait_ms = POLL_WAIT_MS } };
	q.fetch.stream = str_put_raw(&strs, f->stream, strlen(f->stream));
	q.fetch.consumer = str_put_raw(&strs, f->consumer, strlen(f->consumer));
	codec_pack(&out, R_FETCH, &q, strs.p);
	nng_msg *m;
	if (nng_msg_alloc(&m, 0) != 0 || nng_msg_append(m, out.p, out.len) != 0)
		fatalx("link: no memory");
	buf_release(&out);
	buf_release(&strs);
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
	hub_post(f->hub, &f->done);
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
	hub_post(f->hub, &f->pipes);
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
	follower_ask(f);
	uint32_t taken = f->ops.batch(f->arg, f, b, r);
	if (taken < b->count && f->next == b->base + b->count)
		f->next = b->base + taken;
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
	    (b.batch.count && b.batch.base + b.batch.count > b.batch.head)) {
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
	if (f->held && !f->paused) {
		m = f->held;
		f->held = NULL;
		/* Not recursion without end: the loop gets its turn between answers. */
		nng_aio_set_msg(f->aio, m);
		f->state = F_RECV;
		hub_post(f->hub, &f->done);
	}
}

static nng_socket dial_req(const char *url, void (*pipe_cb)(nng_pipe, nng_pipe_ev, void *), void *arg)
{
	nng_socket s;
	int rv = nng_req0_open(&s);
	if (rv != 0)
		fatalx("link: %s", nng_strerror(rv));
	nng_socket_set_size(s, NNG_OPT_RECVMAXSZ, LINK_MAX_MESSAGE);
	nng_socket_set_ms(s, NNG_OPT_RECONNMINT, 10);
	nng_socket_set_ms(s, NNG_OPT_RECONNMAXT, 100);
	nng_socket_set_ms(s, NNG_OPT_REQ_RESENDTIME, RESEND_MS);
	if (pipe_cb) {
		nng_pipe_notify(s, NNG_PIPE_EV_ADD_POST, pipe_cb, arg);
		nng_pipe_notify(s, NNG_PIPE_EV_REM_POST, pipe_cb, arg);
	}
	rv = nng_dial(s, url, NULL, NNG_FLAG_NONBLOCK);
	if (rv != 0)
		fatalx("link: %s: %s", url, nng_strerror(rv));
	return s;
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
	f->done = (struct event){ .fn = follower_done, .arg = f };
	f->pipes = (struct event){ .fn = follower_pipes, .arg = f };
	f->retry = loop_add_timer(l, follower_retry, f);
	f->sock = dial_req(url, follower_pipe_event, f);
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
	hub_cancel(f->hub, &f->done);
	hub_cancel(f->hub, &f->pipes);
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
	if (f->held) {
		nng_msg *m = f->held;
		f->held = NULL;
		nng_aio_set_msg(f->aio, m);
		f->state = F_RECV;
		hub_post(f->hub, &f->done);
	} else {
		follower_ask(f);
	}
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
	return f->head > f->next ? f->head - f->next : 0;
}

bool follower_up(const struct follower *f)
{
	return f->up;
}

/* -- one question, one answer -- */

struct ask {
	struct hub *hub;
	nng_ctx ctx;
	nng_aio *aio;
	struct event done;
	bool sent;
	void (*cb)(void *arg, const struct g_answer *a, struct codec_reader *r);
	void *arg;
};

/* Sockets for questions, one per url and kept: asking is frequent and dialling is not free. */
static struct {
	char *url;
	nng_socket sock;
} ask_sockets[MAX_ASK_URLS];
static size_t n_ask_sockets;
static pthread_mutex_t ask_lock = PTHREAD_MUTEX_INITIALIZER;

static int ask_socket(const char *url, nng_socket *ret)
{
	int rc = 0;
	pthread_mutex_lock(&ask_lock);
	size_t i = 0;
	while (i < n_ask_sockets && strcmp(ask_sockets[i].url, url) != 0)
		i++;
	if (i < n_ask_sockets) {
		*ret = ask_sockets[i].sock;
	} else if (i < MAX_ASK_URLS) {
		ask_sockets[i].url = xstrdup(url);
		ask_sockets[i].sock = *ret = dial_req(url, NULL, NULL);
		n_ask_sockets++;
	} else {
		errno = EMFILE;
		rc = -1;
	}
	pthread_mutex_unlock(&ask_lock);
	return rc;
}

static nng_msg *ask_msg(enum rtype type, const void *rec, const char *base)
{
	struct buf out = { 0 };
	nng_msg *m;
	codec_pack(&out, type, rec, base);
	if (nng_msg_alloc(&m, 0) != 0 || nng_msg_append(m, out.p, out.len) != 0)
		fatalx("link: no memory");
	buf_release(&out);
	return m;
}

static void ask_aio(void *arg)
{
	struct ask *k = arg;
	if (!k->sent && nng_aio_result(k->aio) == 0) {
		k->sent = true;
		nng_ctx_recv(k->ctx, k->aio);
		return;
	}
	hub_post(k->hub, &k->done);
}

static bool read_answer(struct codec_reader *r, struct g_answer *a)
{
	struct r_answer ans;
	if (codec_peek(r) != R_ANSWER || codec_read(r, &ans) != 1)
		return false;
	*a = ans.answer;
	return true;
}

static void ask_done(void *arg)
{
	struct ask *k = arg;
	int rc = nng_aio_result(k->aio);
	nng_msg *m = rc == 0 || !k->sent ? nng_aio_get_msg(k->aio) : NULL;
	struct codec_reader r = { 0 };
	struct g_answer a;
	bool good = false;
	if (rc == 0 && m) {
		r = (struct codec_reader){ .base = nng_msg_body(m), .len = nng_msg_len(m) };
		good = read_answer(&r, &a);
	}
	k->cb(k->arg, good ? &a : NULL, &r);
	if (m)
		nng_msg_free(m);
	nng_ctx_close(k->ctx);
	nng_aio_free(k->aio);
	free(k);
}

int link_ask(struct loop *l, const char *url, enum rtype type, const void *rec, const char *base, uint32_t timeout_ms,
	     void (*cb)(void *arg, const struct g_answer *a, struct codec_reader *r), void *arg)
{
	nng_socket sock;
	if (ask_socket(url, &sock) < 0)
		return -1;
	struct ask *k = xcalloc(1, sizeof *k);
	k->hub = hub_get(l);
	k->cb = cb;
	k->arg = arg;
	k->done = (struct event){ .fn = ask_done, .arg = k };
	if (nng_ctx_open(&k->ctx, sock) != 0 || nng_aio_alloc(&k->aio, ask_aio, k) != 0)
		fatalx("link: no memory");
	nng_aio_set_timeout(k->aio, (nng_duration)timeout_ms);
	nng_aio_set_msg(k->aio, ask_msg(type, rec, base));
	nng_ctx_send(k->ctx, k->aio);
	return 0;
}

int link_ask_sync(const char *url, enum rtype type, const void *rec, const char *base, uint32_t timeout_ms,
		  struct buf *body, struct g_answer *a, struct codec_reader *r)
{
	nng_socket sock = dial_req(url, NULL, NULL);
	nng_msg *m = ask_msg(type, rec, base);
	int rc = -1;
	nng_socket_set_ms(sock, NNG_OPT_SENDTIMEO, (nng_duration)timeout_ms);
	nng_socket_set_ms(sock, NNG_OPT_RECVTIMEO, (nng_duration)timeout_ms);
	if (nng_sendmsg(sock, m, 0) != 0) {
		nng_msg_free(m);
		errno = ETIMEDOUT;
		goto out;
	}
	if (nng_recvmsg(sock, &m, 0) != 0) {
		errno = ETIMEDOUT;
		goto out;
	}
	buf_reset(body);
	buf_add(body, nng_msg_body(m), nng_msg_len(m));
	nng_msg_free(m);
	*r = (struct codec_reader){ .base = body->p, .len = body->len };
	if (read_answer(r, a))
		rc = 0;
	else
		errno = EPROTO;
out:
	nng_close(sock);
	return rc;
}

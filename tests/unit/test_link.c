/* Both ends of a link in one loop, over a real socket; and peers that do not behave, made of plain nng. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "link.h"
#include "log.h"
#include "scratch.h"

#define PATIENCE_MS 60000 /* the machine may have other things to do */

/* nng 1.5.2 forgets connections that come while it closes. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libnng";
}

static char dir[SCRATCH];

struct world {
	struct loop *loop;
	struct stream *stream;
	struct server *server;
	char url[80];
	/* what the follower saw */
	uint64_t got, sum, expect, gone, epochs;
	uint32_t at_most;        /* records taken of a batch; 0 = all */
	uint64_t until;          /* stop when so many came */
	bool (*done)(struct world *w);
	/* requests that are not FETCH */
	unsigned requests;
	unsigned rewinds;
};

static void on_late(void *arg)
{
	(void)arg;
	fail_msg("nothing happens any more");
}

static void run_until(struct world *w, bool (*done)(struct world *w))
{
	w->done = done;
	struct loop_timer *late = loop_add_timer(w->loop, on_late, NULL);
	loop_set_timer(late, PATIENCE_MS, 0);
	if (!done(w))
		loop_run(w->loop);
	loop_del_timer(late);
	w->done = NULL;
}

static void look(struct world *w)
{
	if (w->done && w->done(w))
		loop_stop(w->loop, 0);
}

static bool never(struct world *w)
{
	(void)w;
	return false;
}

static void stop(void *arg)
{
	loop_stop(arg, 0);
}

/* Lets the loop turn for a while. */
static void turn(struct world *w, uint64_t ms)
{
	struct loop_timer *t = loop_add_timer(w->loop, stop, w->loop);
	loop_set_timer(t, ms, 0);
	run_until(w, never);
	loop_del_timer(t);
}

/* -- the producer -- */

static void on_request(void *arg, struct link_req *q, enum rtype type, const void *rec, const char *base)
{
	struct world *w = arg;
	(void)rec;
	(void)base;
	w->requests++;
	if (type == R_STATUS) {
		struct buf body = { 0 };
		struct r_tick t = { .tick.to = 7 };
		codec_pack(&body, R_TICK, &t, NULL);
		link_reply(q, &(struct g_answer){ .status = 200, .count = 1 }, NULL, &body);
		buf_release(&body);
	} else {
		link_reply_status(q, 404, "not here");
	}
	look(w);
}

static bool rewind_to(void *arg, struct stream *s, uint64_t from, uint64_t epoch)
{
	struct world *w = arg;
	(void)epoch;
	stream_restart(s, stream_epoch(s), from);
	w->rewinds++;
	look(w);
	return true;
}

static void world_open(struct world *w, size_t bytes, bool durable, bool rewinds)
{
	const struct server_ops ops = { .request = on_request, .rewind = rewinds ? rewind_to : NULL };
	static unsigned n;
	*w = (struct world){ .loop = loop_new(), .expect = 1 };
	snprintf(w->url, sizeof w->url, "ipc://%s/%u", dir, n++);
	w->stream = stream_new("numbers", 11, bytes);
	if (durable)
		stream_add_durable(w->stream, "keeper");
	w->server = server_new(w->loop, w->url, 0600, &ops, w);
	assert_non_null(w->server);
	server_add_stream(w->server, w->stream);
}

static void world_close(struct world *w)
{
	server_free(w->server);
	stream_free(w->stream);
	loop_free(w->loop);
}

/* TICKs whose 'to' is their number. */
static unsigned publish(struct world *w, unsigned n)
{
	struct buf rec = { 0 };
	unsigned i = 0;
	for (; i < n; i++) {
		struct r_tick t = { .tick.to = stream_head(w->stream) };
		buf_reset(&rec);
		codec_pack(&rec, R_TICK, &t, NULL);
		if (stream_append(w->stream, rec.p, rec.len, NULL) < 0)
			break;
	}
	buf_release(&rec);
	server_wake(w->server, w->stream);
	return i;
}

/* -- the consumer -- */

static uint32_t on_batch(void *arg, struct follower *f, const struct g_batch *b, struct codec_reader *r)
{
	struct world *w = arg;
	uint32_t n = 0;
	assert_int_equal(b->base, w->expect);
	while (n < b->count && (!w->at_most || n < w->at_most)) {
		struct r_tick t;
		assert_int_equal(codec_read(r, &t), 1);
		assert_int_equal(t.tick.to, w->expect);
		w->expect++;
		w->got++;
		w->sum += t.tick.to;
		n++;
	}
	follower_set_durable(f, w->expect);
	look(w);
	return n;
}

static bool on_gone(void *arg, struct follower *f, uint64_t tail)
{
	struct world *w = arg;
	(void)f;
	w->gone += tail - w->expect;
	w->expect = tail;
	return true;
}

static bool on_epoch(void *arg, struct follower *f, uint64_t epoch)
{
	struct world *w = arg;
	w->epochs++;
	w->expect = 1;
	follower_set(f, epoch, 1);
	return true;
}

static struct follower *follow(struct world *w, const char *consumer, uint64_t epoch, uint64_t from)
{
	static const struct follower_ops ops = { .batch = on_batch, .gone = on_gone, .epoch = on_epoch };
	struct follower *f = follower_new(w->loop, w->url, "numbers", consumer, &ops, w);
	follower_set(f, epoch, from);
	follower_resume(f);
	return f;
}

static bool got_all(struct world *w)
{
	return w->got + w->gone >= w->until;
}

static bool rewound(struct world *w)
{
	return w->rewinds > 0;
}

/* -- tests -- */

static void test_follow(void **state)
{
	(void)state;
	struct world w;
	world_open(&w, 16 << 20, false, false);
	publish(&w, 20000);
	w.until = 20000;
	struct follower *f = follow(&w, "x-test", 0, 0);
	run_until(&w, got_all);
	/* More comes while it waits; each once, in order. */
	publish(&w, 5);
	w.until += 5;
	run_until(&w, got_all);
	assert_int_equal(w.got, 20005);
	assert_int_equal(w.sum, 20005ull * 20006 / 2);
	assert_int_equal(follower_epoch(f), 11);
	assert_int_equal(follower_next(f), 20006);
	follower_free(f);
	world_close(&w);
}

/* Counts the records that came, and all that count as taken. */
static uint32_t on_only(void *arg, struct follower *f, const struct g_batch *b, struct codec_reader *r)
{
	struct world *w = arg;
	assert_int_equal(b->base, w->expect);
	for (uint32_t i = b->left_out; i < b->count; i++) {
		struct r_arp a;
		assert_int_equal(codec_peek(r), R_ARP);
		assert_int_equal(codec_read(r, &a), 1);
		w->sum++;
	}
	assert_int_equal(r->pos, r->len);
	w->expect += b->count;
	w->got += b->count;
	follower_set_durable(f, w->expect);
	look(w);
	return b->count;
}

/* Only records of some types come; the others count as taken, and hold nothing back. */
static void test_only(void **state)
{
	static const struct follower_ops ops = { .batch = on_only };
	(void)state;
	struct world w;
	struct buf rec = { 0 };
	world_open(&w, 16 << 20, true, false);
	codec_pack(&rec, R_ARP, &(struct r_arp){ 0 }, NULL);
	for (int i = 0; i < 3; i++) {
		w.until += publish(&w, i == 1 ? 200000 : 5) + 1; /* in the middle an answer without any */
		assert_int_equal(stream_append(w.stream, rec.p, rec.len, NULL), 0);
	}
	struct follower *f = follower_new(w.loop, w.url, "numbers", "keeper", &ops, &w);
	follower_set(f, 0, 1);
	follower_only(f, 1ull << R_ARP);
	follower_resume(f);
	run_until(&w, got_all);
	assert_int_equal(w.sum, 3);
	assert_int_equal(w.got, w.until);
	w.until += publish(&w, 1); /* told by the heartbeat */
	run_until(&w, got_all);
	assert_int_equal(w.sum, 3);
	assert_true(stream_durable(w.stream) > 1); /* what was left out does not hold the log back */
	follower_free(f);
	buf_release(&rec);
	world_close(&w);
}

/* What is not taken comes again. */
static void test_parts(void **state)
{
	(void)state;
	struct world w;
	world_open(&w, 1 << 20, false, false);
	publish(&w, 1000);
	w.until = 1000;
	w.at_most = 37;
	struct follower *f = follow(&w, "x-test", 11, 1);
	run_until(&w, got_all);
	assert_int_equal(w.sum, 1000ull * 1001 / 2);
	follower_free(f);
	world_close(&w);
}

/* Nothing is dropped for a durable consumer, and all is for another one; a slow one is told. */
static void test_bounds(void **state)
{
	(void)state;
	struct world w;
	world_open(&w, 64 << 10, true, false);
	unsigned held = publish(&w, 100000);
	assert_true(held < 100000);
	w.until = held;
	struct follower *f = follow(&w, "keeper", 0, 1);
	run_until(&w, got_all);
	assert_int_equal(w.gone, 0);
	/* What it reported makes room. */
	while (w.until < 3 * held) {
		unsigned n = publish(&w, 1000);
		w.until += n;
		if (n)
			run_until(&w, got_all);
		else
			turn(&w, 5);
	}
	assert_int_equal(w.gone, 0);
	follower_free(f);
	world_close(&w);

	world_open(&w, 64 << 10, false, false);
	assert_int_equal(publish(&w, 100000), 100000);
	w.until = 100000;
	f = follow(&w, "x-slow", 11, 1);
	run_until(&w, got_all);
	assert_true(w.gone > 0);
	assert_int_equal(w.got + w.gone, 100000);
	follower_free(f);
	world_close(&w);
}

/* Another run under the same name; and a producer that can make its records again. */
static void test_epoch(void **state)
{
	(void)state;
	struct world w;
	world_open(&w, 1 << 20, false, false);
	publish(&w, 10);
	w.until = 10;
	struct follower *f = follow(&w, "x-test", 5, 4);
	run_until(&w, got_all);
	assert_int_equal(w.epochs, 1);
	stream_restart(w.stream, 12, 1);
	w.until += publish(&w, 3);
	run_until(&w, got_all);
	assert_int_equal(w.epochs, 2);
	assert_int_equal(follower_epoch(f), 12);
	follower_free(f);
	world_close(&w);

	world_open(&w, 64 << 10, true, true);
	unsigned held = publish(&w, 100000);
	stream_set_durable(w.stream, "keeper", held + 1);
	publish(&w, 1000);
	assert_true(stream_tail(w.stream) > 3);
	w.expect = 3;
	f = follow(&w, "keeper", 11, 3);
	/* The log begins with 3 again; what follows has the numbers that it had. */
	run_until(&w, rewound);
	assert_int_equal(stream_head(w.stream), 3);
	w.until = publish(&w, 5);
	run_until(&w, got_all);
	assert_int_equal(w.got, 5);
	assert_int_equal(w.sum, 3 + 4 + 5 + 6 + 7);
	assert_int_equal(w.gone, 0);
	assert_int_equal(w.rewinds, 1);
	follower_free(f);
	world_close(&w);
}

static void on_answer(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	struct world *w = arg;
	struct r_tick t;
	assert_non_null(a);
	assert_int_equal(a->status, 200);
	assert_int_equal(a->count, 1);
	assert_int_equal(codec_read(r, &t), 1);
	assert_int_equal(t.tick.to, 7);
	w->got++;
	look(w);
}

static bool answered(struct world *w)
{
	return w->got > 0;
}

/* Whoever waits for the oldest record there is has missed nothing when a stream turns out to begin at 16. */
static void test_oldest(void **state)
{
	(void)state;
	struct world w;
	world_open(&w, 16 << 20, false, false);
	struct follower *f = follow(&w, "x-test", 0, 0);
	turn(&w, 100); /* its question waits */
	stream_restart(w.stream, stream_epoch(w.stream), 16);
	w.expect = 16;
	w.until = 3;
	publish(&w, 3);
	run_until(&w, got_all);
	assert_int_equal(w.gone, 0);
	assert_int_equal(w.got, 3);
	follower_free(f);
	world_close(&w);
}

static void test_ask(void **state)
{
	(void)state;
	struct world w;
	struct r_status q = { .hello.metrics = 1 };
	world_open(&w, 1 << 20, false, false);
	assert_int_equal(link_ask(w.loop, w.url, R_STATUS, &q, NULL, 5000, on_answer, &w), 0);
	run_until(&w, answered);
	assert_int_equal(w.requests, 1);
	world_close(&w);
}

/* -- peers that do not behave -- */

struct rude {
	nng_socket sock;
	nng_aio *aio;
};

static void rude_send(struct rude *r, const char *url, const void *p, size_t len)
{
	nng_msg *m;
	assert_int_equal(nng_req0_open(&r->sock), 0);
	assert_int_equal(nng_dial(r->sock, url, NULL, 0), 0);
	assert_int_equal(nng_msg_alloc(&m, 0), 0);
	assert_int_equal(nng_msg_append(m, p, len), 0);
	assert_int_equal(nng_sendmsg(r->sock, m, 0), 0);
}

/* The loop has to turn for the answer to come. */
static bool rude_answer(struct world *w, struct rude *r, struct r_answer *a, struct buf *body)
{
	nng_msg *m = NULL;
	for (unsigned i = 0; i < PATIENCE_MS / 10 && nng_recvmsg(r->sock, &m, NNG_FLAG_NONBLOCK) != 0; i++)
		turn(w, 10);
	if (!m)
		return false;
	buf_reset(body);
	buf_add(body, nng_msg_body(m), nng_msg_len(m));
	nng_msg_free(m);
	struct codec_reader c = { .base = body->p, .len = body->len };
	return codec_read(&c, a) == 1;
}

static void test_rubbish(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "\xc1", "hello", "\x93\x20\x01\x90", "\xdd\xff\xff\xff\xff", "\x91\x07" };
	struct world w;
	world_open(&w, 1 << 20, false, false);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct rude r;
		struct r_answer a;
		struct buf body = { 0 };
		rude_send(&r, w.url, bad[i], strlen(bad[i]));
		if (rude_answer(&w, &r, &a, &body))
			assert_true(a.answer.status >= 400 || i == 3); /* an empty FETCH asks for a stream without a name */
		else
			fail_msg("no answer to rubbish %zu", i);
		buf_release(&body);
		nng_close(r.sock);
	}
	/* A well-behaved one is served as before. */
	publish(&w, 3);
	w.until = 3;
	struct follower *f = follow(&w, "x-test", 0, 1);
	run_until(&w, got_all);
	assert_int_equal(w.requests, 0);
	follower_free(f);
	world_close(&w);
}

/* Connections that end before they have begun, at any point of the handshake: the listener goes on. */
static void test_hang_up(void **state)
{
	(void)state;
	static const char hello[8] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 }; /* of a REQ socket */
	struct world w;
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	world_open(&w, 1 << 20, false, false);
	memcpy(sa.sun_path, w.url + strlen("ipc://"), strlen(w.url) - strlen("ipc://"));
	for (unsigned i = 0; i < 2000; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
		size_t n = i % 10;
		if (n && n <= sizeof hello)
			assert_int_equal(write(fd, hello, n), n);
		if (i % 3 == 0)
			usleep(i % 200);
		close(fd);
	}
	struct r_status s = { .hello.metrics = 0 };
	assert_int_equal(link_ask(w.loop, w.url, R_STATUS, &s, NULL, PATIENCE_MS / 2, on_answer, &w), 0);
	run_until(&w, answered);
	world_close(&w);
}

/* More that wait than there are places: those who ask are answered all the same. */
static void test_crowd(void **state)
{
	(void)state;
	enum { CROWD = 100 };
	static struct rude crowd[CROWD];
	struct world w;
	struct buf fetch = { 0 };
	struct r_fetch q = { .fetch = { .stream = { 0, 7 }, .consumer = { 7, 7 }, .from = 1, .wait_ms = 10000 } };
	world_open(&w, 1 << 20, true, false);
	codec_pack(&fetch, R_FETCH, &q, "numbersx-crowd");
	for (size_t i = 0; i < CROWD; i++) {
		rude_send(&crowd[i], w.url, fetch.p, fetch.len);
		turn(&w, 5);
	}
	struct r_status s = { .hello.metrics = 0 };
	assert_int_equal(link_ask(w.loop, w.url, R_STATUS, &s, NULL, PATIENCE_MS / 2, on_answer, &w), 0);
	run_until(&w, answered);
	for (size_t i = 0; i < CROWD; i++)
		nng_close(crowd[i].sock);
	buf_release(&fetch);
	world_close(&w);
}

static int make_dir(void **state)
{
	(void)state;
	log_init("test", LOG_LV_ERROR);
	return scratch(dir, "link") ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	nng_fini();
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_follow), cmocka_unit_test(test_only),
					    cmocka_unit_test(test_parts),  cmocka_unit_test(test_bounds),
					    cmocka_unit_test(test_epoch),
		cmocka_unit_test(test_oldest),  cmocka_unit_test(test_ask),	 cmocka_unit_test(test_rubbish),
					    cmocka_unit_test(test_hang_up),
					    cmocka_unit_test(test_crowd) };
	return cmocka_run_group_tests_name("link", tests, make_dir, remove_dir);
}

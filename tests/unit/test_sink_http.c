#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"
#include "loop.h"
#include "notify/sink_http.h"

#define SEC 1000000000ull

/* A server in the same loop that answers every request with the text at hand, then closes. */
static struct {
	struct loop *loop;
	struct loop_fd *lfd;
	int fd;
	uint16_t port;
	struct buf request;
	const char *answer;
	size_t endless; /* bytes that follow the answer */
	bool mute;      /* takes the request and says nothing */
	unsigned connections;
} sv;

static struct http_client *client;
static struct sink_result result;
static unsigned n_results;
static struct loop_timer *limit;

struct conn {
	int fd;
	struct loop_fd *lfd;
};

static void conn_close(struct conn *c)
{
	loop_del_fd(c->lfd);
	close(c->fd);
	free(c);
}

static size_t body_length(void)
{
	const char *head = buf_cstr(&sv.request), *end = strstr(head, "\r\n\r\n"), *cl = strcasestr(head, "content-length:");
	if (!end || !cl)
		return SIZE_MAX;
	return (size_t)(end + 4 - head) + (size_t)atol(cl + 15);
}

static void on_conn(void *arg, uint32_t events)
{
	(void)events;
	struct conn *c = arg;
	char chunk[65536];
	ssize_t n = read(c->fd, chunk, sizeof chunk);
	if (n <= 0) {
		conn_close(c);
		return;
	}
	buf_add(&sv.request, chunk, (size_t)n);
	if (sv.request.len < body_length() || sv.mute)
		return;
	if (write(c->fd, sv.answer, strlen(sv.answer)) < 0)
		fail_msg("write: %s", strerror(errno));
	memset(chunk, 'x', sizeof chunk);
	for (size_t i = 0; i < sv.endless; i += sizeof chunk)
		if (send(c->fd, chunk, sizeof chunk, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
	if (!sv.endless)
		conn_close(c);
}

static void on_accept(void *arg, uint32_t events)
{
	(void)arg, (void)events;
	struct conn *c = calloc(1, sizeof *c);
	c->fd = accept(sv.fd, NULL, NULL);
	c->lfd = loop_add_fd(sv.loop, c->fd, EPOLLIN, on_conn, c);
	sv.connections++;
}

static void on_result(void *arg, const struct sink_result *r)
{
	(void)arg;
	result = *r;
	n_results++;
	loop_stop(sv.loop, 0);
}

static void on_limit(void *arg)
{
	(void)arg;
	loop_stop(sv.loop, 1);
}

static int bound_socket(uint16_t *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	getsockname(fd, (struct sockaddr *)&a, &len);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static int setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	sv.loop = loop_new();
	sv.fd = bound_socket(&sv.port);
	assert_int_equal(listen(sv.fd, 16), 0);
	sv.lfd = loop_add_fd(sv.loop, sv.fd, EPOLLIN, on_accept, NULL);
	limit = loop_add_timer(sv.loop, on_limit, NULL);
	client = http_client_new(sv.loop, on_result, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	http_client_free(client);
	loop_del_fd(sv.lfd);
	loop_free(sv.loop);
	close(sv.fd);
	buf_release(&sv.request);
	return 0;
}

static const struct sink_result *post_to(const char *scheme, const char *answer, const char *secret, uint64_t timeout)
{
	char url[64];
	char *headers[] = { (char *)"X-Token: abc", NULL };
	struct sink_job j = { .job = 9, .delivery = { 1, 2 }, .attempt = 1, .document = "{\"a\":1}", .len = 7 };
	snprintf(url, sizeof url, "%s://127.0.0.1:%u/hook", scheme, sv.port);
	struct sink *s = sink_http_new(client, url, headers, secret, timeout);
	buf_reset(&sv.request);
	sv.answer = answer;
	n_results = 0;
	assert_int_equal(s->ops->send(s, &j), 0);
	assert_int_equal(n_results, 0);
	loop_set_timer(limit, 120000, 0);
	assert_int_equal(loop_run(sv.loop), 0);
	assert_int_equal(n_results, 1);
	assert_int_equal(result.job, 9);
	s->ops->free(s);
	return &result;
}

static const struct sink_result *post(const char *answer)
{
	return post_to("http", answer, NULL, 100 * SEC);
}

static void test_request(void **state)
{
	(void)state;
	const struct sink_result *r = post_to("http", "HTTP/1.1 204 No Content\r\n\r\n", "se\"cret", 100 * SEC);
	assert_int_equal(r->verdict, SINK_SENT);
	const char *req = buf_cstr(&sv.request);
	assert_int_equal(strncmp(req, "POST /hook HTTP/1.1\r\n", 21), 0);
	assert_non_null(strstr(req, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(req, "\r\nIdempotency-Key: 0000000000000G000000000002\r\n"));
	assert_non_null(strstr(req, "\r\nX-Token: abc\r\n"));
	json_t *j = json_loads(strstr(req, "\r\n\r\n") + 4, 0, NULL);
	assert_non_null(j);
	assert_string_equal(json_string_value(json_object_get(j, "version")), "0.2");
	assert_string_equal(json_string_value(json_object_get(j, "sharedsecret")), "se\"cret");
	json_t *alerts = json_object_get(j, "alerts");
	assert_int_equal(json_array_size(alerts), 1);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(alerts, 0), "a")), 1);
	json_decref(j);
}

static void test_answers(void **state)
{
	(void)state;
	static const struct {
		const char *answer;
		enum sink_verdict verdict;
		uint64_t after;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", SINK_SENT, 0 },
		{ "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", SINK_RETRY, 0 },
		{ "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", SINK_RETRY, 7 * SEC },
		{ "HTTP/1.1 429 Slow\r\nRetry-After: 99999999\r\nContent-Length: 0\r\n\r\n", SINK_RETRY, 86400 * SEC },
		{ "HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n", SINK_RETRY, 0 },
		{ "HTTP/1.1 400 Bad\r\nContent-Length: 9\r\n\r\nno \x1b[31m\n!", SINK_DEAD, 0 },
		{ "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", SINK_DEAD, 0 },
		{ "HTTP/1.1 302 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", SINK_DEAD, 0 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\ncut", SINK_SENT, 0 },
		{ "HTTP/1.1 100 Continue\r\n\r\n", SINK_RETRY, 0 },
		{ "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", SINK_SENT, 0 },
		{ "SSH-2.0-nonsense\r\n", SINK_RETRY, 0 },
		{ "", SINK_RETRY, 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct sink_result *r = post(rows[i].answer);
		if (r->verdict != rows[i].verdict || r->retry_after != rows[i].after)
			fail_msg("row %zu: %d, %llu, %s", i, r->verdict, (unsigned long long)r->retry_after, r->text);
		assert_null(strchr(r->text, '\x1b'));
	}
}

static void test_bad_servers(void **state)
{
	(void)state;
	sv.endless = 100000000;
	assert_int_equal(post("HTTP/1.1 200 OK\r\n\r\n")->verdict, SINK_SENT); /* an answer without end */
	sv.endless = 0;
	sv.mute = true;
	const struct sink_result *r;
	uint64_t timeout = SEC / 5;
	do { /* long enough for the request to arrive */
		r = post_to("http", "", NULL, timeout);
		assert_int_equal(r->verdict, SINK_RETRY);
		timeout *= 2;
	} while (sv.request.len < body_length());
	assert_true(r->maybe_arrived);
	r = post_to("https", "", NULL, SEC / 5); /* no TLS there */
	assert_int_equal(r->verdict, SINK_RETRY);
	assert_false(r->maybe_arrived);
	sv.mute = false;
	uint16_t port = sv.port;
	int nobody = bound_socket(&sv.port); /* has a port and does not listen */
	r = post("");
	assert_int_equal(r->verdict, SINK_RETRY);
	assert_false(r->maybe_arrived);
	close(nobody);
	sv.port = port;
	assert_int_equal(post_to("file", "", NULL, SEC)->verdict, SINK_RETRY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_bad_servers),
	};
	log_init("test", LOG_LV_ERROR);
	return cmocka_run_group_tests(tests, setup, teardown);
}

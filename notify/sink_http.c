#include "sink_http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "codec.h"
#include "json.h"
#include "log.h"

#define MAX_REPLY     65536              /* bytes of an answer that are read; its status is all that counts */
#define MAX_SAID      200                /* of them, kept for the error text */
#define MAX_RETRY     (24ull * 3600)     /* seconds: longest Retry-After believed */
#define CONNECT_LIMIT 10000              /* ms */

struct watched {
	struct loop_fd *lfd;
	struct http_client *c;
	curl_socket_t fd;
};

struct http_client {
	CURLM *multi;
	struct loop *loop;
	struct loop_timer *timer;
	sink_done *done;
	void *arg;
};

struct sink_http {
	struct sink sink;
	struct http_client *c;
	char *url, *secret;
	struct curl_slist *headers;
	long timeout_ms;
};

struct transfer {
	struct http_client *c;
	uint32_t job;
	struct curl_slist *headers;
	struct buf body, reply;
	size_t read; /* of the answer */
	char error[CURL_ERROR_SIZE];
};

/* -- results -- */

/*
 * What an answer means: 2xx sent; 408, 425, 429 and 5xx retry, after what Retry-After says; 3xx (not followed) and other
 * 4xx dead. status 0: there was none, error says why; 1xx: one was announced and did not come (RFC 9110 section 15.2).
 */
static void judge(unsigned status, const char *error, bool request_sent, struct sink_result *out)
{
	if (status >= 200 && status < 300) {
		out->verdict = SINK_SENT;
		return;
	}
	if (status < 200) {
		out->verdict = SINK_RETRY;
		out->maybe_arrived = request_sent;
		snprintf(out->text, sizeof out->text, "%s", error);
		return;
	}
	bool retry = status == 408 || status == 425 || status == 429 || status >= 500;
	out->verdict = retry ? SINK_RETRY : SINK_DEAD;
	out->maybe_arrived = status >= 500 && status != 503;
	snprintf(out->text, sizeof out->text, "answer %u%s", status,
		 status >= 300 && status < 400 ? ": redirects are not followed" : "");
}

/* The beginning of what the other side said, for the error text. */
static void add_said(struct sink_result *r, const struct buf *reply)
{
	struct buf b = { 0 };
	size_t n = 0, used = strlen(r->text);
	while (n < reply->len && reply->p[n] != '\n' && reply->p[n] != '\r')
		n++;
	struct str s = str_put(&b, reply->p, n, MAX_SAID);
	if (s.len)
		snprintf(r->text + used, sizeof r->text - used, ": %.*s", (int)s.len, b.p + s.off);
	buf_release(&b);
}

static void transfer_free(struct transfer *t)
{
	curl_slist_free_all(t->headers);
	if (t->body.p)
		explicit_bzero(t->body.p, t->body.len);
	buf_release(&t->body);
	buf_release(&t->reply);
	free(t);
}

static void finished(struct http_client *c, CURL *e, CURLcode rc)
{
	struct transfer *t;
	struct sink_result r = { 0 };
	long status = 0, sent = 0;
	curl_off_t after = 0;
	curl_easy_getinfo(e, CURLINFO_PRIVATE, (char **)&t);
	curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(e, CURLINFO_REQUEST_SIZE, &sent);
	curl_easy_getinfo(e, CURLINFO_RETRY_AFTER, &after);
	r.job = t->job;
	judge((unsigned)status, t->error[0] ? t->error : curl_easy_strerror(rc), sent > 0, &r);
	if (r.verdict != SINK_SENT && status)
		add_said(&r, &t->reply);
	if (after > 0)
		r.retry_after = ((uint64_t)after < MAX_RETRY ? (uint64_t)after : MAX_RETRY) * 1000000000u;
	curl_multi_remove_handle(c->multi, e);
	curl_easy_cleanup(e);
	transfer_free(t);
	c->done(c->arg, &r);
}

static void collect(struct http_client *c)
{
	CURLMsg *m;
	int left;
	while ((m = curl_multi_info_read(c->multi, &left)) != NULL)
		if (m->msg == CURLMSG_DONE)
			finished(c, m->easy_handle, m->data.result);
}

/* -- between libcurl and the loop -- */

static void on_fd(void *arg, uint32_t events)
{
	struct watched *w = arg;
	struct http_client *c = w->c;
	int running, what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			    (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
	curl_multi_socket_action(c->multi, w->fd, what, &running);
	collect(c);
}

static void on_timer(void *arg)
{
	struct http_client *c = arg;
	int running;
	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(c);
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
	(void)multi;
	struct http_client *c = arg;
	if (ms < 0)
		loop_stop_timer(c->timer);
	else
		loop_set_timer(c->timer, (uint64_t)ms, 0);
	return 0;
}

static int set_socket(CURL *e, curl_socket_t fd, int what, void *arg, void *socketp)
{
	(void)e;
	struct http_client *c = arg;
	struct watched *w = socketp;
	uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	if (what == CURL_POLL_REMOVE) {
		if (w) {
			loop_del_fd(w->lfd);
			curl_multi_assign(c->multi, fd, NULL);
			free(w);
		}
		return 0;
	}
	if (w) {
		loop_mod_fd(w->lfd, events);
		return 0;
	}
	w = xcalloc(1, sizeof *w);
	w->c = c;
	w->fd = fd;
	w->lfd = loop_add_fd(c->loop, fd, events, on_fd, w);
	curl_multi_assign(c->multi, fd, w);
	return 0;
}

struct http_client *http_client_new(struct loop *l, sink_done *done, void *arg)
{
	struct http_client *c = xcalloc(1, sizeof *c);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(c->multi = curl_multi_init()))
		fatalx("libcurl cannot start");
	c->loop = l;
	c->done = done;
	c->arg = arg;
	c->timer = loop_add_timer(l, on_timer, c);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, 32L);
	return c;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	curl_multi_cleanup(c->multi);
	loop_del_timer(c->timer);
	free(c);
}

/* -- a transfer -- */

static size_t take_reply(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * n, keep = t->reply.len < MAX_SAID ? MAX_SAID - t->reply.len : 0;
	t->read += len;
	if (t->read > MAX_REPLY)
		return 0; /* ends the transfer; the status has been read */
	buf_add(&t->reply, p, len < keep ? len : keep);
	return len;
}

static void make_body(struct buf *b, const char *secret, const struct sink_job *j)
{
	buf_adds(b, "{\"version\":\"0.2\",");
	if (secret) {
		buf_adds(b, "\"sharedsecret\":");
		json_quote(b, secret, strlen(secret));
		buf_addc(b, ',');
	}
	buf_adds(b, "\"alerts\":[");
	buf_add(b, j->document, j->len);
	buf_adds(b, "]}");
}

static struct curl_slist *make_headers(const struct sink_http *s, const struct sink_job *j)
{
	struct curl_slist *list = NULL;
	char id[ID_STRLEN], line[64];
	list = curl_slist_append(list, "Content-Type: application/json");
	list = curl_slist_append(list, "Expect:"); /* no round trip before the body */
	snprintf(line, sizeof line, "Idempotency-Key: %s", id_str(j->delivery, id));
	list = curl_slist_append(list, line);
	for (const struct curl_slist *h = s->headers; h; h = h->next)
		list = curl_slist_append(list, h->data);
	return list;
}

static int http_send(struct sink *base, const struct sink_job *j)
{
	struct sink_http *s = (struct sink_http *)base;
	struct transfer *t = xcalloc(1, sizeof *t);
	CURL *e = curl_easy_init();
	if (!e) {
		free(t);
		return -1;
	}
	t->c = s->c;
	t->job = j->job;
	t->headers = make_headers(s, j);
	make_body(&t->body, s->secret, j);
	curl_easy_setopt(e, CURLOPT_URL, s->url);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "weir/" WEIR_VERSION);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(e, CURLOPT_POST, 1L);
	curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.len);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS, t->body.p);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_reply);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, s->timeout_ms);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, s->timeout_ms < CONNECT_LIMIT ? s->timeout_ms : CONNECT_LIMIT);
	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	if (curl_multi_add_handle(s->c->multi, e) != CURLM_OK) {
		curl_easy_cleanup(e);
		transfer_free(t);
		return -1;
	}
	return 0;
}

static void http_free(struct sink *base)
{
	struct sink_http *s = (struct sink_http *)base;
	curl_slist_free_all(s->headers);
	free(s->url);
	free(s->secret);
	free(s);
}

struct sink *sink_http_new(struct http_client *c, const char *url, char *const *headers, const char *secret,
			   uint64_t timeout_ns)
{
	static const struct sink_ops ops = { http_send, http_free };
	struct sink_http *s = xcalloc(1, sizeof *s);
	s->sink.ops = &ops;
	s->c = c;
	s->url = xstrdup(url);
	s->secret = secret ? xstrdup(secret) : NULL;
	for (; headers && *headers; headers++)
		s->headers = curl_slist_append(s->headers, *headers);
	s->timeout_ms = timeout_ns / 1000000 ? (long)(timeout_ns / 1000000) : 1;
	return &s->sink;
}

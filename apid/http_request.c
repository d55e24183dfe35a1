/* A request: what is known of it, and how it is answered. */
#include "http_priv.h"

#include <stdlib.h>
#include <string.h>

#include "reply.h"

#define STREAM_BLOCK 16384
#define SMALL_REPLY  16384 /* there is room for these */

struct conn *http_conn(const struct request *r)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return i ? i->socket_context : NULL;
}

void http_request_free(struct request *r)
{
	r->http->stats.reply_bytes -= r->reply_len;
	for (unsigned i = 0; i < r->n_headers; i++) {
		free(r->headers[i].name);
		free(r->headers[i].value);
	}
	if (r->response)
		MHD_destroy_response(r->response);
	buf_release(&r->pending);
	buf_release(&r->body);
	free(r->user);
	uri_release(&r->uri);
	free(r->raw);
	free(r->method);
	free(r);
}

/* -- what is known of it -- */

const char *request_method(const struct request *r)
{
	return r->method;
}

const struct uri *request_uri(const struct request *r)
{
	return &r->uri;
}

const char *request_id(const struct request *r)
{
	return r->id;
}

const char *request_header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name);
}

const char *request_host(const struct request *r)
{
	return r->uri.authority ? r->uri.authority : request_header(r, "Host");
}

void request_set_user(struct request *r, const void *user, size_t size)
{
	free(r->user);
	r->user = xmalloc(size);
	memcpy(r->user, user, size);
}

void *request_user(struct request *r)
{
	return r->user;
}

struct uri *request_params(struct request *r)
{
	return &r->uri;
}

const char *request_body(struct request *r, size_t *ret_len)
{
	*ret_len = r->body.len;
	return buf_cstr(&r->body);
}

bool request_from(const struct request *r, struct addr *ret)
{
	const struct conn *c = http_conn(r);
	*ret = c ? c->from : (struct addr){ { 0 } };
	return !c || !c->local;
}

uint32_t request_uid(const struct request *r)
{
	const struct conn *c = http_conn(r);
	return c ? c->uid : UINT32_MAX;
}

unsigned request_status(const struct request *r)
{
	return r->status;
}

/* -- its reply -- */

void request_header_add(struct request *r, const char *name, const char *value)
{
	if (r->n_headers == HTTP_MAX_HEADERS_OUT)
		return;
	r->headers[r->n_headers].name = xstrdup(name);
	r->headers[r->n_headers++].value = xstrdup(value);
}

/* reply: NULL for what is not kept, an error or a stream. */
static void set_headers(struct request *r, const char *type, const struct reply *reply)
{
	static const char *const fixed[][2] = {
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'" },
		{ "Cross-Origin-Resource-Policy", "same-origin" },
	};
	MHD_add_response_header(r->response, "Content-Type", type);
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		MHD_add_response_header(r->response, fixed[i][0], fixed[i][1]);
	MHD_add_response_header(r->response, "X-Request-Id", r->id);
	MHD_add_response_header(r->response, "Cache-Control", reply ? "private, no-cache" : "no-store");
	if (reply) {
		MHD_add_response_header(r->response, "ETag", reply->etag);
		MHD_add_response_header(r->response, "Vary", "Accept-Encoding, Accept");
	}
	if (reply && reply->gzip)
		MHD_add_response_header(r->response, "Content-Encoding", "gzip");
	if (r->close)
		MHD_add_response_header(r->response, "Connection", "close");
	for (unsigned i = 0; i < r->n_headers; i++)
		MHD_add_response_header(r->response, r->headers[i].name, r->headers[i].value);
}

static void resume(struct request *r)
{
	if (!r->suspended)
		return;
	r->suspended = false;
	MHD_resume_connection(r->conn);
	loop_wake_idle(r->http->resumed);
}

static void answer_ready(struct request *r, unsigned status)
{
	r->status = status;
	r->done = true;
	resume(r);
}

/* Slow clients, or such as take nothing, must not fill the memory with what was made for them. */
static bool has_room(const struct request *r, size_t len)
{
	uint64_t held = r->http->stats.reply_bytes;
	return len <= SMALL_REPLY || held == 0 || held + len <= r->http->conf.reply_bytes;
}

void request_reply(struct request *r, unsigned status, const char *type, struct buf *body)
{
	static char empty[1];
	struct reply reply;
	bool kept = status == 200 && (strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0);
	if (kept) {
		reply_make(&reply, request_header(r, "Accept-Encoding"), request_header(r, "If-None-Match"), body);
		status = reply.status;
	}
	if (!has_room(r, body->len)) {
		buf_release(body);
		request_header_add(r, "Retry-After", "1");
		r->http->ops.refuse(r->http->arg, r, 503, "too many large replies wait to be taken; see api.reply_bytes in weir.yaml(5)");
		return;
	}
	r->reply_len = body->len;
	r->http->stats.reply_bytes += r->reply_len;
	r->response = MHD_create_response_from_buffer(body->len, body->p ? body->p : empty,
						      body->p ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	if (!r->response)
		fatalx("no memory for a reply");
	*body = (struct buf){ 0 };
	set_headers(r, type, kept ? &reply : NULL);
	answer_ready(r, status);
}

/* -- streams -- */

static ssize_t read_stream(void *cls, uint64_t pos, char *out, size_t max)
{
	(void)pos;
	struct request *r = cls;
	if (r->sent == r->pending.len) {
		buf_reset(&r->pending);
		r->sent = 0;
		r->pull(r->stream_arg, &r->pending);
	}
	size_t n = r->pending.len - r->sent;
	if (n == 0) {
		r->suspended = true;
		MHD_suspend_connection(r->conn);
		return 0;
	}
	n = n < max ? n : max;
	memcpy(out, r->pending.p + r->sent, n);
	r->sent += n;
	return (ssize_t)n;
}

void request_stream(struct request *r, const char *type, void (*pull)(void *arg, struct buf *out),
		    void (*closed)(void *arg), void *arg)
{
	r->pull = pull;
	r->closed = closed;
	r->stream_arg = arg;
	r->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, r, NULL);
	if (!r->response)
		fatalx("no memory for a reply");
	set_headers(r, type, NULL);
	answer_ready(r, 200);
}

void request_stream_wake(struct request *r)
{
	if (r->done)
		resume(r);
}

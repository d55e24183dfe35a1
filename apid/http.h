/*
 * The HTTP server: requests in, replies out. The only interface to libmicrohttpd. It runs in the loop: no threads. What it
 * checks before a handler sees a request: size of headers, method, Host, token.
 */
#ifndef WEIR_HTTP_H
#define WEIR_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "loop.h"

struct http;
struct request;

struct http_conf {
	const char *listen;          /* address:port, [address]:port or unix:path */
	uint32_t max_connections;
	char *const *hosts;          /* further names accepted in Host */
	const char *token;           /* bearer token */
};

/* handle must answer with request_reply, request_problem or request_stream, now or later. */
struct http *http_new(struct loop *l, const struct http_conf *conf, void (*handle)(void *arg, struct request *r), void *arg,
		      struct buf *err);
void http_free(struct http *h);

const char *request_path(const struct request *r);
const char *request_method(const struct request *r);
bool request_authorized(const struct request *r);
/* Value of a header, or of a parameter, or NULL. */
const char *request_header(const struct request *r, const char *name);
const char *request_param(const struct request *r, const char *name);
void request_params(const struct request *r, void (*cb)(void *arg, const char *name, const char *value), void *arg);

/* Takes the body over. */
void request_reply(struct request *r, unsigned status, const char *type, struct buf *body);
void request_header_add(struct request *r, const char *name, const char *value);
/*
 * A reply without end: pull is called whenever there may be more and appends what there is; it returns false when the stream
 * is over. request_stream_wake after there is something new. closed: the client has gone.
 */
void request_stream(struct request *r, const char *type, bool (*pull)(void *arg, struct buf *out),
		    void (*closed)(void *arg), void *arg);
void request_stream_wake(struct request *r);

struct http_stats {
	uint64_t requests, refused, connections;
};
const struct http_stats *http_stats(const struct http *h);

#endif

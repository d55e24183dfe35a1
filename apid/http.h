/*
 * The HTTP server: requests in, replies out, now or later. The only interface to libmicrohttpd. It runs in the loop: no
 * threads. Everything is bounded: connections (all, and of one address), headers, the time to send a request, the time to
 * take a reply, the body of a request, the replies that are not taken yet.
 */
#ifndef WEIR_HTTP_H
#define WEIR_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "buf.h"
#include "loop.h"
#include "uri.h"

struct http;
struct request;

struct http_conf {
	const char *listen; /* address:port, [address]:port or unix:path */
	uint32_t max_connections;
	uint64_t reply_bytes; /* made and not yet taken; one that is alone may be larger */
};

struct http_ops {
	/*
	 * The headers of a request are here, a body is not yet: whoever may not ask is answered now. Else returns the bytes that
	 * a body may have; 0: none is taken.
	 */
	size_t (*head)(void *arg, struct request *r);
	/* The whole request; must be answered with request_reply or request_stream, now or later. */
	void (*request)(void *arg, struct request *r);
	/* One that is not well formed: must be answered at once, with this status. */
	void (*refuse)(void *arg, struct request *r, unsigned status, const char *why);
	/* The reply has gone out, or the client has: the last that is heard of it. */
	void (*end)(void *arg, struct request *r);
};

/*
 * Opens the socket, which may need privileges. Returns it, or -1 after appending the reason to err. *ret_host receives
 * the host part of an address (the caller frees), NULL for a unix socket.
 */
int http_listen(const char *listen, char **ret_host, struct buf *err);
/* Serves it. NULL after appending to err. */
struct http *http_new(struct loop *l, int fd, const struct http_conf *conf, const struct http_ops *ops, void *arg,
		      struct buf *err);

const char *request_method(const struct request *r);
const struct uri *request_uri(const struct request *r);
const char *request_id(const struct request *r); /* as the client named it, or made */
const char *request_header(const struct request *r, const char *name);
/*
 * Whom the client thinks it talks to: the authority of an absolute target, which is above the header Host (RFC 9112 section
 * 3.2.2). NULL: the request has neither, and so is of HTTP/1.0: a later one without Host is refused before anybody sees it.
 */
const char *request_host(const struct request *r);
/* Whatever the caller keeps with a request, copied: it lives as long. */
void request_set_user(struct request *r, const void *user, size_t size);
void *request_user(struct request *r);
/* Parameters of the target; those that a body has may be added to them. */
struct uri *request_params(struct request *r);
/* The body, NUL-terminated; "" if there is none. */
const char *request_body(struct request *r, size_t *ret_len);
/* Address of the client; false if it came over a unix socket, which only those get to whom its mode lets in. */
bool request_from(const struct request *r, struct addr *ret);
/* User id of who is at the other end of a unix socket; UINT32_MAX if it is none. */
uint32_t request_uid(const struct request *r);
/* Status that it was answered with, 0 = not yet. */
unsigned request_status(const struct request *r);

/* Adds a header to the reply that follows. name and value are copied. */
void request_header_add(struct request *r, const char *name, const char *value);
/* Takes the body over. If there is no room for it beside the replies that are not taken yet, the reply is a 503 by ops->refuse. */
void request_reply(struct request *r, unsigned status, const char *type, struct buf *body);
/*
 * A reply without end: pull is called when the client can take more; it appends what there is. closed: the client has gone,
 * or was dropped because it took nothing for a minute. request_stream_wake when there is something new.
 */
void request_stream(struct request *r, const char *type, void (*pull)(void *arg, struct buf *out),
		    void (*closed)(void *arg), void *arg);
void request_stream_wake(struct request *r);

struct http_stats {
	uint64_t requests;    /* taken */
	uint64_t refused;     /* answered with 4xx or 5xx */
	uint64_t connections; /* taken */
	uint64_t rejected;    /* connections over a bound */
	uint64_t timeouts;    /* connections cut because they were too slow */
	uint64_t open;        /* connections now */
	uint64_t reply_bytes; /* made and not yet taken */
};
/* Adds those of a server to *sum; h may be NULL. */
void http_stats_add(const struct http *h, struct http_stats *sum);

#endif

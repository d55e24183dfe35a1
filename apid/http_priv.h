/* What the server (http.c) and the requests that it takes (http_request.c) share. Only these two know libmicrohttpd. */
#ifndef WEIR_HTTP_PRIV_H
#define WEIR_HTTP_PRIV_H

#include <microhttpd.h>

#include "http.h"
#include "log.h"

#define HTTP_MAX_HEADERS_OUT 12

struct conn {
	struct conn *next, **prev;
	int fd;
	struct addr from;
	bool local;        /* over a unix socket */
	uint32_t uid;      /* of its other end */
	uint64_t deadline; /* mono ns, 0 = none now */
};

struct http {
	struct loop *loop;
	struct MHD_Daemon *daemon;
	struct loop_fd *lfd;
	struct loop_timer *timer, *watch;
	struct loop_idle *resumed;
	struct http_conf conf;
	struct http_ops ops;
	void *arg;
	struct http_stats stats;
	struct conn *conns;
	uint64_t next_id, id_base;
	struct log_limit limit;
};

struct request {
	struct http *http;
	struct MHD_Connection *conn;
	char *raw, *method;
	struct uri uri;
	char id[65];
	bool judged, started, suspended, done;
	unsigned status;
	struct MHD_Response *response;
	struct {
		char *name, *value;
	} headers[HTTP_MAX_HEADERS_OUT];
	unsigned n_headers;
	void (*pull)(void *arg, struct buf *out);
	void (*closed)(void *arg);
	void *stream_arg;
	struct buf pending;
	size_t sent;
	struct buf body;
	size_t body_max;
	size_t reply_len; /* as it counts in the statistics */
	bool too_long; /* more of it came */
	bool close; /* after this reply: a body that nobody wanted may still come */
	void *user;
};

/* The connection that it came over; NULL when that has gone. */
struct conn *http_conn(const struct request *r);
/* With all that it holds. */
void http_request_free(struct request *r);

#endif

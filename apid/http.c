/* The server: its connections, and how a request comes in. */
#include "http_priv.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define MAX_HEADERS     16384 /* request line and headers */
#define POOL_BYTES      32768 /* memory of a connection: those, and the headers of the reply */
#define PER_ADDRESS     16    /* connections of one address; those from this machine have the whole */
#define HEADER_SECONDS  10    /* from the connection, or the request line, to the last header */
#define BODY_SECONDS    30    /* from there to the end of the body */
#define IDLE_SECONDS    30    /* between requests */
#define SEND_SECONDS    120   /* to take a reply */
#define STALL_SECONDS   60    /* without taking a byte of it */
#define MAX_BODY        (1u << 20) /* of any request */
#define TOO_LONG        "the body is too long"

static uint64_t after_seconds(unsigned s)
{
	return mono_ns() + s * 1000000000ull;
}

static void set_deadline(const struct request *r, uint64_t at)
{
	struct conn *c = http_conn(r);
	if (c)
		c->deadline = at;
}

/* -- driving the daemon from our loop -- */

static void drive(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG wait;
	MHD_run(h->daemon);
	if (MHD_get_timeout(h->daemon, &wait) == MHD_YES)
		loop_set_timer(h->timer, wait < 1 ? 1 : wait, 0);
	else
		loop_stop_timer(h->timer);
}

static void on_epoll(void *arg, uint32_t events)
{
	(void)events;
	drive(arg);
}

static void on_timer(void *arg)
{
	drive(arg);
}

/*
 * A resumed connection goes on when the daemon runs next; without a thread of its own the daemon does not wake itself.
 */
static bool on_resumed(void *arg)
{
	drive(arg);
	return false;
}

/* Cuts connections that are too slow. The daemon sees the end of the connection and cleans up. */
static void on_watch(void *arg)
{
	struct http *h = arg;
	uint64_t now = mono_ns();
	for (struct conn *c = h->conns; c; c = c->next)
		if (c->deadline && now > c->deadline) {
			c->deadline = 0;
			h->stats.timeouts++;
			shutdown(c->fd, SHUT_RDWR);
		}
	/*
	 * The daemon stops to listen at its limit of connections, and takes it up again only when it runs after some have
	 * closed: if nothing else happens, nobody would let it.
	 */
	drive(h);
}

/* -- the daemon's callbacks -- */

struct header_count {
	unsigned host, authorization, length, encoding;
	bool not_chunked; /* an encoding that is another one */
	uint64_t bytes; /* as Content-Length says */
};

static enum MHD_Result count_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	struct header_count *n = cls;
	n->host += strcasecmp(name, "Host") == 0;
	n->authorization += strcasecmp(name, "Authorization") == 0;
	if (strcasecmp(name, "Content-Length") == 0 && !(value && strcmp(value, "0") == 0)) {
		n->length++;
		n->bytes = value ? strtoull(value, NULL, 10) : UINT64_MAX;
	}
	if (strcasecmp(name, "Transfer-Encoding") == 0) {
		n->encoding++;
		n->not_chunked |= !value || strcasecmp(value, "chunked") != 0;
	}
	return MHD_YES;
}

static bool good_id(const char *s)
{
	size_t n = s ? strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") : 0;
	return n && n <= 64 && !s[n];
}

static void set_id(struct request *r)
{
	const char *theirs = request_header(r, "X-Request-Id");
	if (good_id(theirs))
		snprintf(r->id, sizeof r->id, "%s", theirs);
	else
		snprintf(r->id, sizeof r->id, "%08" PRIx64 "-%" PRIu64, r->http->id_base & 0xffffffff, ++r->http->next_id);
}

/* Status that fits what is wrong with the request as such, or 0. */
static unsigned objection(struct request *r, const struct header_count *n, const char **why)
{
	const union MHD_ConnectionInfo *size = MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	if (size && size->header_size > MAX_HEADERS) {
		*why = "the headers are too long";
		return 431;
	}
	if (n->host > 1 || n->authorization > 1) {
		*why = "a header that must be there once is there twice";
		return 400;
	}
	if (n->length + n->encoding > 1) {
		*why = "the length of the body is told twice";
		return 400;
	}
	if (n->not_chunked) {
		*why = "Transfer-Encoding: chunked is all that is understood";
		return 501;
	}
	unsigned status = uri_parse(&r->uri, r->raw);
	*why = r->uri.error;
	return status;
}

static enum MHD_Result queue(struct request *r)
{
	struct MHD_Response *resp = r->response;
	r->response = NULL;
	r->http->stats.refused += r->status >= 400;
	set_deadline(r, r->pull ? 0 : after_seconds(SEND_SECONDS));
	enum MHD_Result rc = MHD_queue_response(r->conn, r->status, resp);
	MHD_destroy_response(resp);
	return rc;
}

/* May it go on? Asked once. */
static bool judge(struct request *r)
{
	if (r->judged)
		return true;
	r->judged = true;
	r->body_max = r->http->ops.head(r->http->arg, r);
	r->body_max = r->body_max < MAX_BODY ? r->body_max : MAX_BODY;
	return !r->done;
}

/*
 * Headers are here. What is not well formed is answered at once; and if a body follows, also what may not be asked, before
 * the body is taken. An answer so early costs the connection, because nobody reads what else comes: without a body there is
 * no need for it.
 */
static enum MHD_Result begin(struct request *r, const char *method)
{
	struct header_count n = { 0 };
	const char *why = NULL;
	r->method = xstrdup(method);
	r->http->stats.requests++;
	set_deadline(r, 0);
	set_id(r);
	MHD_get_connection_values(r->conn, MHD_HEADER_KIND, count_header, &n);
	unsigned status = objection(r, &n, &why);
	r->close = status || n.length || n.encoding;
	if (status)
		r->http->ops.refuse(r->http->arg, r, status, why);
	else if (r->close && judge(r) && (!r->body_max || n.bytes > r->body_max))
		r->http->ops.refuse(r->http->arg, r, 413, r->body_max ? TOO_LONG : "no request to this path has a body");
	r->started = r->done;
	if (r->done)
		return queue(r);
	if (r->close)
		set_deadline(r, after_seconds(BODY_SECONDS)); /* until it is here */
	r->close = false;
	return MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
				 const char *version, const char *data, size_t *size, void **con_cls)
{
	(void)url, (void)version;
	struct http *h = cls;
	struct request *r = *con_cls;
	if (!r)
		return MHD_NO;
	if (!r->method)
		return begin(r, method);
	if (*size) { /* a request that was refused may still send its body */
		r->too_long |= r->body.len + *size > r->body_max; /* of chunks the sum is not told before */
		if (!r->started && !r->too_long)
			buf_add(&r->body, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (!r->started) {
		set_deadline(r, 0);
		r->started = true;
		if (r->too_long)
			h->ops.refuse(h->arg, r, 413, TOO_LONG);
		else if (judge(r))
			h->ops.request(h->arg, r);
		if (!r->done) {
			r->suspended = true;
			MHD_suspend_connection(conn);
			return MHD_YES;
		}
	}
	return r->response ? queue(r) : MHD_NO;
}

/* The request line is here. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *conn)
{
	struct request *r = xcalloc(1, sizeof *r);
	*r = (struct request){ .http = cls, .conn = conn, .raw = xstrdup(uri) };
	struct conn *c = http_conn(r);
	uint64_t limit = after_seconds(HEADER_SECONDS);
	if (c && (!c->deadline || c->deadline > limit))
		c->deadline = limit;
	return r;
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **con_cls, enum MHD_RequestTerminationCode why)
{
	(void)cls, (void)conn, (void)why;
	struct request *r = *con_cls;
	if (!r)
		return;
	if (r->closed)
		r->closed(r->stream_arg);
	if (r->method)
		r->http->ops.end(r->http->arg, r);
	set_deadline(r, after_seconds(IDLE_SECONDS));
	http_request_free(r);
	*con_cls = NULL;
}

static bool address_of(const struct sockaddr *sa, struct addr *ret)
{
	*ret = (struct addr){ { 0 } };
	if (sa && sa->sa_family == AF_INET)
		addr_from_v4(ret, &((const struct sockaddr_in *)(const void *)sa)->sin_addr);
	else if (sa && sa->sa_family == AF_INET6)
		addr_from_v6(ret, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
	else
		return false;
	return true;
}

static uint32_t peer_uid(int fd)
{
	struct ucred who;
	socklen_t len = sizeof who;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 ? who.uid : UINT32_MAX;
}

static enum MHD_Result on_accept(void *cls, const struct sockaddr *sa, socklen_t len)
{
	(void)len;
	struct http *h = cls;
	struct addr from;
	unsigned n = 0;
	h->stats.connections++;
	if (!address_of(sa, &from) || addr_is_loopback(&from))
		return MHD_YES;
	for (const struct conn *c = h->conns; c; c = c->next)
		n += addr_cmp(&c->from, &from) == 0;
	if (n < PER_ADDRESS)
		return MHD_YES;
	h->stats.rejected++;
	return MHD_NO;
}

static void on_connection(void *cls, struct MHD_Connection *conn, void **socket_context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http *h = cls;
	struct conn *c = *socket_context;
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (!c)
			return;
		*c->prev = c->next;
		if (c->next)
			c->next->prev = c->prev;
		h->stats.open--;
		/* A daemon that was full listens again only when it runs once more after a place is free. */
		loop_wake_idle(h->resumed);
		free(c);
		*socket_context = NULL;
		return;
	}
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	c = xcalloc(1, sizeof *c);
	c->local = !address_of(i ? i->client_addr : NULL, &c->from);
	i = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	c->fd = i ? i->connect_fd : -1;
	c->uid = c->local ? peer_uid(c->fd) : UINT32_MAX;
	c->deadline = after_seconds(HEADER_SECONDS);
	c->next = h->conns;
	c->prev = &h->conns;
	if (c->next)
		c->next->prev = &c->next;
	h->conns = c;
	h->stats.open++;
	*socket_context = c;
}

static void on_log(void *cls, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void on_log(void *cls, const char *fmt, va_list ap)
{
	char text[256];
	struct http *h = cls;
	int n = vsnprintf(text, sizeof text, fmt, ap);
	while (n > 0 && n < (int)sizeof text && text[n - 1] == '\n')
		text[--n] = '\0';
	log_limited(&h->limit, "http: %s", text);
}

struct http *http_new(struct loop *l, int fd, const struct http_conf *conf, const struct http_ops *ops, void *arg,
		      struct buf *err)
{
	struct http *h = xcalloc(1, sizeof *h);
	h->loop = l;
	h->conf = *conf;
	h->ops = *ops;
	h->arg = arg;
	h->id_base = wall_ns() / 1000000;
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, on_accept, h, on_access, h,
				     MHD_OPTION_EXTERNAL_LOGGER, on_log, h, MHD_OPTION_LISTEN_SOCKET, fd,
				     MHD_OPTION_URI_LOG_CALLBACK, on_uri, h, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
				     MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
				     MHD_OPTION_CONNECTION_LIMIT, (unsigned)conf->max_connections,
				     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)STALL_SECONDS,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1,
				     MHD_OPTION_END);
	if (!h->daemon) {
		buf_adds(err, "the HTTP server does not start");
		free(h);
		return NULL;
	}
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	h->lfd = loop_add_fd(l, info->epoll_fd, EPOLLIN, on_epoll, h);
	h->timer = loop_add_timer(l, on_timer, h);
	h->watch = loop_add_timer(l, on_watch, h);
	h->resumed = loop_add_idle(l, on_resumed, h);
	loop_set_timer(h->watch, 1000, 1000);
	drive(h);
	return h;
}

void http_stats_add(const struct http *h, struct http_stats *sum)
{
	if (!h)
		return;
	sum->requests += h->stats.requests;
	sum->refused += h->stats.refused;
	sum->connections += h->stats.connections;
	sum->rejected += h->stats.rejected;
	sum->timeouts += h->stats.timeouts;
	sum->open += h->stats.open;
	sum->reply_bytes += h->stats.reply_bytes;
}

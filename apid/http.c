/* The only file that knows libmicrohttpd. */
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "problem.h"

#define MAX_HEADERS    (16u << 10) /* memory of a connection: request line and headers */
#define IDLE_SECONDS   30
#define PER_ADDRESS    64
#define MAX_PATH       1024
#define MAX_FAILURES   20          /* wrong tokens from an address in a minute */
#define FAIL_SLOTS     256
#define STREAM_BLOCK   16384

struct http {
	struct loop *loop;
	struct MHD_Daemon *daemon;
	struct loop_fd *lfd;
	struct loop_timer *timer;
	struct http_conf conf;
	char host[256], port[16];
	void (*handle)(void *arg, struct request *r);
	void *arg;
	struct http_stats stats;
	bool running, again;
	struct {
		uint32_t address;
		unsigned count;
		uint64_t since;
	} failures[FAIL_SLOTS];
	struct log_limit limit;
};

struct request {
	struct http *http;
	struct MHD_Connection *conn;
	char *path, *method;
	bool started, authorized, suspended, done, in_handler;
	unsigned status;
	struct MHD_Response *response;
	struct {
		char *name, *value;
	} headers[8];
	unsigned n_headers;
	bool (*pull)(void *arg, struct buf *out);
	void (*closed)(void *arg);
	void *stream_arg;
	struct buf pending;
	size_t sent;
	bool stream_over;
};

/* -- driving the daemon from our loop -- */

static void drive(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG wait;
	if (h->running) { /* a handler resumed a connection while we are in here */
		h->again = true;
		return;
	}
	h->running = true;
	do {
		h->again = false;
		MHD_run(h->daemon);
	} while (h->again);
	h->running = false;
	if (MHD_get_timeout(h->daemon, &wait) == MHD_YES)
		loop_set_timer(h->timer, wait < 1 ? 1 : wait, 0);
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

/* -- requests -- */

const char *request_path(const struct request *r)
{
	return r->path;
}

const char *request_method(const struct request *r)
{
	return r->method;
}

bool request_authorized(const struct request *r)
{
	return r->authorized;
}

const char *request_header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name);
}

const char *request_param(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn, MHD_GET_ARGUMENT_KIND, name);
}

struct each {
	void (*cb)(void *arg, const char *name, const char *value);
	void *arg;
};

static enum MHD_Result each_param(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	struct each *e = cls;
	e->cb(e->arg, name, value ? value : "");
	return MHD_YES;
}

void request_params(const struct request *r, void (*cb)(void *arg, const char *name, const char *value), void *arg)
{
	struct each e = { cb, arg };
	MHD_get_connection_values(r->conn, MHD_GET_ARGUMENT_KIND, each_param, &e);
}

void request_header_add(struct request *r, const char *name, const char *value)
{
	if (r->n_headers == sizeof r->headers / sizeof *r->headers)
		return;
	r->headers[r->n_headers].name = xstrdup(name);
	r->headers[r->n_headers++].value = xstrdup(value);
}

static void set_headers(struct request *r, const char *type)
{
	static const char *const fixed[][2] = {
		{ "X-Content-Type-Options", "nosniff" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Content-Security-Policy", "default-src 'none'" },
		{ "Cache-Control", "no-store" },
	};
	MHD_add_response_header(r->response, "Content-Type", type);
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		MHD_add_response_header(r->response, fixed[i][0], fixed[i][1]);
	for (unsigned i = 0; i < r->n_headers; i++)
		MHD_add_response_header(r->response, r->headers[i].name, r->headers[i].value);
}

static void answer_ready(struct request *r, unsigned status)
{
	r->status = status;
	r->done = true;
	if (!r->suspended)
		return; /* queued when the handler returns */
	r->suspended = false;
	MHD_resume_connection(r->conn);
	drive(r->http);
}

void request_reply(struct request *r, unsigned status, const char *type, struct buf *body)
{
	static char empty[1];
	void *p = body->p ? body->p : empty;
	r->response = MHD_create_response_from_buffer(body->len, p,
						      body->p ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	*body = (struct buf){ 0 };
	set_headers(r, type);
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
		if (!r->stream_over && !r->pull(r->stream_arg, &r->pending))
			r->stream_over = true;
	}
	size_t n = r->pending.len - r->sent;
	if (n == 0 && r->stream_over)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n == 0) {
		r->suspended = true;
		MHD_suspend_connection(r->conn);
		return 0;
	}
	if (n > max)
		n = max;
	memcpy(out, r->pending.p + r->sent, n);
	r->sent += n;
	return (ssize_t)n;
}

void request_stream(struct request *r, const char *type, bool (*pull)(void *arg, struct buf *out),
		    void (*closed)(void *arg), void *arg)
{
	r->pull = pull;
	r->closed = closed;
	r->stream_arg = arg;
	r->response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, r, NULL);
	set_headers(r, type);
	answer_ready(r, 200);
}

void request_stream_wake(struct request *r)
{
	if (!r->suspended)
		return;
	r->suspended = false;
	MHD_resume_connection(r->conn);
	drive(r->http);
}

/* -- the door -- */

static uint32_t address_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (i && i->client_addr && i->client_addr->sa_family == AF_INET)
		return ((struct sockaddr_in *)i->client_addr)->sin_addr.s_addr;
	return 0;
}

/* Compares without telling by its time how much was right. */
static bool same_secret(const char *a, const char *b)
{
	size_t n = strlen(b);
	unsigned diff = strlen(a) != n;
	for (size_t i = 0; i < n; i++)
		diff |= (unsigned char)a[diff && i >= strlen(a) ? 0 : i] ^ (unsigned char)b[i];
	return diff == 0;
}

static bool check_token(const struct request *r)
{
	const char *auth = request_header(r, "Authorization");
	if (!auth)
		return false;
	if (strncasecmp(auth, "Bearer ", 7) == 0)
		auth += 7;
	else if (strncasecmp(auth, "Token ", 6) == 0)
		auth += 6;
	else
		return false;
	return same_secret(auth, r->http->conf.token);
}

/* Guards against names that somebody else's page made point here (DNS rebinding). */
static bool check_host(const struct request *r)
{
	const struct http *h = r->http;
	const char *host = request_header(r, "Host");
	char name[256];
	if (!*h->port)
		return true; /* a unix socket has no name */
	if (!host || strlen(host) >= sizeof name)
		return false;
	snprintf(name, sizeof name, "%s", host);
	char *colon = strrchr(name, ':');
	if (colon && !strchr(colon, ']'))
		*colon = '\0';
	if (strcasecmp(name, h->host) == 0 || strcasecmp(name, "localhost") == 0 || strcmp(name, "127.0.0.1") == 0 ||
	    strcmp(name, "[::1]") == 0)
		return true;
	for (char *const *n = h->conf.hosts; n && *n; n++)
		if (strcasecmp(name, *n) == 0)
			return true;
	return false;
}

static bool too_many_failures(struct http *h, uint32_t address, bool failed)
{
	uint64_t now = mono_ns();
	unsigned i = address % FAIL_SLOTS;
	if (h->failures[i].address != address || now - h->failures[i].since > 60000000000ull) {
		h->failures[i].address = address;
		h->failures[i].count = 0;
		h->failures[i].since = now;
	}
	if (failed)
		h->failures[i].count++;
	return h->failures[i].count > MAX_FAILURES;
}

static bool bad_path(const char *p)
{
	return *p != '/' || strlen(p) > MAX_PATH || strstr(p, "..") || strstr(p, "//") || strchr(p, '%') || strchr(p, '\\');
}

/* True if the request may go on to a handler. */
static bool admit(struct request *r)
{
	struct http *h = r->http;
	if (bad_path(r->path)) {
		request_problem(r, 400, "the path is not one that this server has", NULL, NULL);
		return false;
	}
	if (!check_host(r)) {
		request_problem(r, 421, "the Host header names another server; see api.hosts in weir.yaml(5)", NULL, NULL);
		return false;
	}
	if (strcmp(r->method, "GET") != 0 && strcmp(r->method, "HEAD") != 0) {
		request_header_add(r, "Allow", "GET, HEAD");
		request_problem(r, 405, "only GET and HEAD are served", NULL, NULL);
		return false;
	}
	bool tried = request_header(r, "Authorization") != NULL;
	r->authorized = check_token(r);
	if (too_many_failures(h, address_of(r->conn), tried && !r->authorized) && !r->authorized) {
		request_header_add(r, "Retry-After", "60");
		request_problem(r, 429, "too many wrong tokens from this address", NULL, NULL);
		return false;
	}
	return true;
}

static enum MHD_Result queue(struct request *r)
{
	struct MHD_Response *resp = r->response;
	r->response = NULL;
	enum MHD_Result rc = MHD_queue_response(r->conn, r->status, resp);
	MHD_destroy_response(resp);
	return rc;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
				 const char *version, const char *data, size_t *size, void **con_cls)
{
	(void)version;
	(void)data;
	struct http *h = cls;
	struct request *r = *con_cls;
	if (!r) { /* headers are here */
		r = xcalloc(1, sizeof *r);
		*r = (struct request){ .http = h, .conn = conn, .path = xstrdup(url), .method = xstrdup(method) };
		*con_cls = r;
		return MHD_YES;
	}
	if (*size) { /* a body that nobody asked for */
		*size = 0;
		return MHD_YES;
	}
	if (!r->started) {
		r->started = true;
		h->stats.requests++;
		if (admit(r))
			h->handle(h->arg, r);
		if (!r->done) {
			r->suspended = true;
			MHD_suspend_connection(conn);
			return MHD_YES;
		}
	}
	if (r->status >= 400)
		h->stats.refused++;
	return r->response ? queue(r) : MHD_NO;
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **con_cls, enum MHD_RequestTerminationCode why)
{
	(void)cls;
	(void)conn;
	(void)why;
	struct request *r = *con_cls;
	if (!r)
		return;
	if (r->closed)
		r->closed(r->stream_arg);
	for (unsigned i = 0; i < r->n_headers; i++) {
		free(r->headers[i].name);
		free(r->headers[i].value);
	}
	buf_release(&r->pending);
	free(r->path);
	free(r->method);
	free(r);
	*con_cls = NULL;
}

static void on_log(void *cls, const char *fmt, va_list ap)
{
	char text[256];
	struct http *h = cls;
	vsnprintf(text, sizeof text, fmt, ap);
	log_limited(&h->limit, "http: %s", text);
}

/* -- listening -- */

static int listen_unix(const char *path, struct buf *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof sa.sun_path) {
		buf_addf(err, "%s: the path is too long for a socket", path);
		return -1;
	}
	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
	unlink(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0 || listen(fd, 128) < 0) {
		buf_addf(err, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	chmod(path, 0660);
	return fd;
}

static int listen_tcp(struct http *h, struct buf *err)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr *sa;
	socklen_t len;
	char bare[256];
	snprintf(bare, sizeof bare, "%s", *h->host == '[' ? h->host + 1 : h->host);
	bare[strcspn(bare, "]")] = '\0';
	uint16_t port = htons((uint16_t)atoi(h->port));
	if (inet_pton(AF_INET, bare, &four.sin_addr) == 1) {
		four.sin_port = port;
		sa = (struct sockaddr *)&four;
		len = sizeof four;
	} else if (inet_pton(AF_INET6, bare, &six.sin6_addr) == 1) {
		six.sin6_port = port;
		sa = (struct sockaddr *)&six;
		len = sizeof six;
	} else {
		buf_addf(err, "api.listen: '%s' is no address", bare);
		return -1;
	}
	int one = 1, fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (fd < 0 || bind(fd, sa, len) < 0 || listen(fd, 128) < 0) {
		buf_addf(err, "cannot listen on %s: %s%s", h->conf.listen, strerror(errno),
			 errno == EADDRINUSE ? " (another weir, or choose a port with api.listen)" : "");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static int open_socket(struct http *h, struct buf *err)
{
	const char *listen_on = h->conf.listen, *colon = strrchr(listen_on, ':');
	if (strncmp(listen_on, "unix:", 5) == 0)
		return listen_unix(listen_on + 5, err);
	if (!colon || atoi(colon + 1) < 1 || atoi(colon + 1) > 65535) {
		buf_addf(err, "api.listen: '%s' is not ADDRESS:PORT", listen_on);
		return -1;
	}
	snprintf(h->host, sizeof h->host, "%.*s", (int)(colon - listen_on), listen_on);
	snprintf(h->port, sizeof h->port, "%s", colon + 1);
	return listen_tcp(h, err);
}

struct http *http_new(struct loop *l, const struct http_conf *conf, void (*handle)(void *arg, struct request *r), void *arg,
		      struct buf *err)
{
	struct http *h = xcalloc(1, sizeof *h);
	h->loop = l;
	h->conf = *conf;
	h->handle = handle;
	h->arg = arg;
	int fd = open_socket(h, err);
	if (fd < 0)
		goto bad;
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_access, h,
				     MHD_OPTION_EXTERNAL_LOGGER, on_log, h, MHD_OPTION_LISTEN_SOCKET, fd,
				     MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_CONNECTION_LIMIT, (unsigned)conf->max_connections,
				     MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)PER_ADDRESS,
				     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(MAX_HEADERS + STREAM_BLOCK),
				     MHD_OPTION_END);
	if (!h->daemon) {
		buf_adds(err, "the HTTP server does not start");
		close(fd);
		goto bad;
	}
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	h->lfd = loop_add_fd(l, info->epoll_fd, EPOLLIN, on_epoll, h);
	h->timer = loop_add_timer(l, on_timer, h);
	loop_set_timer(h->timer, 1, 0);
	return h;
bad:
	free(h);
	return NULL;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	loop_del_fd(h->lfd);
	loop_del_timer(h->timer);
	MHD_stop_daemon(h->daemon);
	free(h);
}

const struct http_stats *http_stats(const struct http *h)
{
	return &h->stats;
}

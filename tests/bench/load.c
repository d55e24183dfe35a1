/*
 * Asks the HTTP API at a fixed rate: load PORT TOKEN SECONDS RATE IDLE. A mix of questions goes out when its time has come,
 * whether or not earlier ones were answered, over at most CONNS connections; a question's time counts from when it was due, so
 * that a stall is seen in all that it held up. Beside them IDLE connections that say nothing, and a reader of events that
 * takes a few bytes a second. Prints what was answered, and p50 and p99 of each kind; exit status 1 if anything failed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "loop.h"

#define CONNS     32
#define MAX_IDLE  1000
#define GRACE_NS  15000000000ull /* for the last answers */
#define SLOW_READ 64             /* bytes that the slow reader takes ... */
#define SLOW_NS   100000000ull   /* ... this often */

static const struct {
	const char *path;
	unsigned weight; /* of ALL */
} mix[] = {
	{ "/api/v1/alerts?limit=100", 1000 },
	{ "/api/v1/alerts?limit=20&severity[ge]=error", 250 },
	{ "/api/v1/alerts?limit=1&sort=time", 250 },
	{ "/api/v1/me", 1224 },
	{ "/api/v1/flows?limit=20", 500 },
	{ "/api/v1/flows?limit=20&sort=-bytes", 250 },
	{ "/api/v1/hosts?limit=20", 500 },
	{ "/api/v1/hosts/10.0.0.1", 500 },
	{ "/api/v1/status", 250 },
	{ "/lua/rest/v2/get/ntopng/interfaces.lua", 250 },
	{ "/api/v1/flows/history?limit=20", 20 },
	{ "/metrics", 5 },
	{ "/api/v1/top/app?limit=10&start=@", 1 }, /* @: some minutes ago */
};
#define ALL     5000
#define RECENT  600 /* s */
#define KINDS (sizeof mix / sizeof *mix)

struct kind {
	uint64_t *ns;
	size_t n, max, failed, refused;
};

struct conn {
	int fd; /* -1: none */
	struct buf in;
	unsigned kind;
	uint64_t due; /* of the question under way, 0 = none */
};

static struct {
	struct sockaddr_in to;
	const char *token;
	int epoll;
	struct conn conns[CONNS];
	struct kind kinds[KINDS];
	uint64_t *due; /* questions that wait for a connection: when they were due, and of which kind */
	unsigned *due_kind;
	size_t first, n_due;
	size_t reopened;
} l;

static int open_conn(bool nonblock)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	if (fd < 0 || connect(fd, (struct sockaddr *)&l.to, sizeof l.to) < 0) {
		perror("load: connect");
		exit(1);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (nonblock)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void send_question(int fd, const char *path)
{
	struct buf b = { 0 };
	int n = (int)strcspn(path, "@");
	buf_addf(&b, "GET %.*s", n, path);
	if (path[n])
		buf_addf(&b, "%lld", (long long)time(NULL) - RECENT);
	buf_addf(&b, " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", l.token);
	if (send(fd, b.p, b.len, MSG_NOSIGNAL) != (ssize_t)b.len)
		shutdown(fd, SHUT_RDWR); /* seen as an answer that does not come */
	buf_release(&b);
}

/* -- questions -- */

static void ask(struct conn *c)
{
	c->due = l.due[l.first];
	c->kind = l.due_kind[l.first++];
	buf_reset(&c->in);
	if (c->fd < 0) {
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
		c->fd = open_conn(true);
		epoll_ctl(l.epoll, EPOLL_CTL_ADD, c->fd, &ev);
		l.reopened++;
	}
	send_question(c->fd, mix[c->kind].path);
}

static void ask_all(void)
{
	for (struct conn *c = l.conns; c < l.conns + CONNS && l.first < l.n_due; c++)
		if (!c->due)
			ask(c);
}

/* Length of the answer that the buffer begins with, 0 = it is not all here. */
static size_t answer_length(struct buf *in, unsigned *status)
{
	const char *text = buf_cstr(in), *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "\r\nContent-Length:");
	if (!end || !length || length > end)
		return 0;
	size_t n = (size_t)(end + 4 - text) + strtoul(length + 17, NULL, 10);
	*status = (unsigned)strtoul(text + 9, NULL, 10);
	return in->len >= n ? n : 0;
}

static void close_conn(struct conn *c)
{
	close(c->fd);
	c->fd = -1;
}

static void done(struct conn *c, unsigned status)
{
	struct kind *k = &l.kinds[c->kind];
	if (k->n == k->max) {
		k->max = k->max ? 2 * k->max : 1024;
		k->ns = xrealloc(k->ns, k->max * sizeof *k->ns);
	}
	k->ns[k->n++] = mono_ns() - c->due;
	k->refused += status == 429 || status == 503;
	k->failed += status != 200 && status != 404 && status != 429 && status != 503;
	c->due = 0;
}

static void on_answer(struct conn *c)
{
	static char bytes[65536];
	unsigned status = 0;
	ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		if (c->due)
			done(c, 0);
		close_conn(c);
		return;
	}
	buf_add(&c->in, bytes, (size_t)n);
	if (!c->due || !answer_length(&c->in, &status))
		return;
	bool closes = strcasestr(buf_cstr(&c->in), "\r\nConnection: close") != NULL;
	done(c, status);
	if (closes)
		close_conn(c);
}

/* -- beside them -- */

static void read_slowly(int fd, uint64_t now)
{
	static uint64_t next;
	char bytes[SLOW_READ];
	if (now < next)
		return;
	next = now + SLOW_NS;
	if (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) == 0) {
		fputs("load: the slow reader was dropped\n", stderr);
		exit(1);
	}
}

static unsigned draw_kind(void)
{
	static uint64_t state = 88172645463325252ull; /* the same at each run: xorshift64 */
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	unsigned at = (unsigned)(state % ALL), k = 0;
	while (at >= mix[k].weight)
		at -= mix[k++].weight;
	return k;
}

static int by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static int report(size_t total, double seconds)
{
	size_t answered = 0, failed = 0, refused = 0;
	for (unsigned i = 0; i < KINDS; i++) {
		struct kind *k = &l.kinds[i];
		if (!k->n)
			continue;
		qsort(k->ns, k->n, sizeof *k->ns, by_time);
		printf("%-46s %6zu asked %3zu failed %3zu shed  p50 %8.2f ms  p99 %8.2f ms\n", mix[i].path, k->n, k->failed, k->refused,
		       (double)k->ns[k->n / 2] / 1e6, (double)k->ns[k->n * 99 / 100] / 1e6);
		answered += k->n;
		failed += k->failed;
		refused += k->refused;
	}
	printf("%zu questions in %.1f s, %zu answered, %zu failed, %zu shed, %zu connections\n", total, seconds, answered, failed,
	       refused, l.reopened);
	return answered < total || failed || refused;
}

int main(int argc, char **argv)
{
	static int idle[MAX_IDLE];
	if (argc != 6) {
		fputs("usage: load PORT TOKEN SECONDS RATE IDLE\n", stderr);
		return 2;
	}
	l.to = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	l.token = argv[2];
	size_t rate = strtoul(argv[4], NULL, 10), total = strtoul(argv[3], NULL, 10) * rate, n_idle = strtoul(argv[5], NULL, 10);
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	l.due = xcalloc(total, sizeof *l.due);
	l.due_kind = xcalloc(total, sizeof *l.due_kind);
	for (struct conn *c = l.conns; c < l.conns + CONNS; c++)
		c->fd = -1;
	for (size_t i = 0; i < n_idle && i < MAX_IDLE; i++) {
		idle[i] = open_conn(false);
		send_question(idle[i], "/api/v1/me"); /* whoever says nothing at all is cut after seconds */
	}
	int slow = open_conn(false), bytes = 4096;
	setsockopt(slow, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	send_question(slow, "/api/v1/stream?topics=alerts,flows,hosts&since=0");
	uint64_t begin = mono_ns(), now = begin;
	while (now < begin + total * 1000000000ull / rate + GRACE_NS) {
		struct epoll_event ev[CONNS];
		for (; l.n_due < total && begin + l.n_due * 1000000000ull / rate <= now; l.n_due++) {
			l.due[l.n_due] = begin + l.n_due * 1000000000ull / rate;
			l.due_kind[l.n_due] = draw_kind();
		}
		ask_all();
		read_slowly(slow, now);
		int n = epoll_wait(l.epoll, ev, CONNS, 1), busy = 0;
		for (int i = 0; i < n; i++)
			on_answer(ev[i].data.ptr);
		for (struct conn *c = l.conns; c < l.conns + CONNS; c++)
			busy += c->due != 0;
		if (l.first == total && !busy)
			break;
		now = mono_ns();
	}
	return report(total, (double)(mono_ns() - begin) / 1e9);
}

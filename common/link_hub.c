/* Events from nng's threads to the loop, and what both kinds of asking share. */
#include "link_priv.h"

#include <errno.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io.h"
#include "log.h"

#define RESEND_MS 3000 /* REQ repeats itself after this; what is asked is idempotent */

struct hub {
	uint64_t loop;
	struct loop_fd *lfd;
	pthread_mutex_t lock;
	struct event *first, **last;
	int fd;
	struct hub *next;
};

static struct hub *hubs;
static pthread_mutex_t hubs_lock = PTHREAD_MUTEX_INITIALIZER;

static void hub_run(void *arg, uint32_t events)
{
	(void)events;
	struct hub *h = arg;
	uint64_t n;
	if (io_read(h->fd, &n, sizeof n) < 0 && errno != EAGAIN)
		log_warn("link: eventfd");
	for (;;) {
		pthread_mutex_lock(&h->lock);
		struct event *e = h->first;
		if (e) {
			h->first = e->next;
			if (!h->first)
				h->last = &h->first;
			e->queued = false;
		}
		pthread_mutex_unlock(&h->lock);
		if (!e)
			break;
		e->fn(e->arg);
	}
}

struct hub *hub_get(struct loop *l)
{
	pthread_mutex_lock(&hubs_lock);
	struct hub *h = hubs;
	while (h && h->loop != loop_id(l))
		h = h->next;
	if (!h) {
		h = xcalloc(1, sizeof *h);
		h->loop = loop_id(l);
		pthread_mutex_init(&h->lock, NULL);
		h->last = &h->first;
		h->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (h->fd < 0)
			fatal("link: eventfd");
		h->lfd = loop_add_fd(l, h->fd, EPOLLIN, hub_run, h);
		h->next = hubs;
		hubs = h;
	}
	pthread_mutex_unlock(&hubs_lock);
	return h;
}

/* What waits already has woken the loop, which takes all there is. */
void hub_post(struct hub *h, struct event *e)
{
	uint64_t one = 1;
	pthread_mutex_lock(&h->lock);
	bool alone = !h->first;
	if (!e->queued) {
		e->queued = true;
		e->next = NULL;
		*h->last = e;
		h->last = &e->next;
	}
	pthread_mutex_unlock(&h->lock);
	if (alone && io_write(h->fd, &one, sizeof one) < 0 && errno != EAGAIN)
		log_warn("link: eventfd");
}

void hub_cancel(struct hub *h, struct event *e)
{
	pthread_mutex_lock(&h->lock);
	for (struct event **p = &h->first; *p; p = &(*p)->next)
		if (*p == e) {
			*p = e->next;
			if (!*p)
				h->last = p;
			break;
		}
	e->queued = false;
	pthread_mutex_unlock(&h->lock);
}

/*
 * A peer that hangs up before nng 1.5.2 has sent its greeting makes sendmsg fail with EPIPE, which nng reads as 'the listener
 * was closed': it accepts nobody ever again, and its poller spins over the connections that wait. After ECONNRESET it goes on.
 * nng calls sendmsg through the PLT, so that this one is taken; for everybody else in a process the two errors are the same.
 */
ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	ssize_t n = syscall(SYS_sendmsg, fd, m, flags);
	if (n < 0 && errno == EPIPE)
		errno = ECONNRESET;
	return n;
}

/* -- asking -- */

nng_socket link_dial(const char *url, void (*pipe_cb)(nng_pipe, nng_pipe_ev, void *), void *arg)
{
	nng_socket s;
	link_begin();
	int rv = nng_req0_open(&s);
	if (rv != 0)
		fatalx("link: %s", nng_strerror(rv));
	nng_socket_set_size(s, NNG_OPT_RECVMAXSZ, LINK_MAX_MESSAGE);
	nng_socket_set_ms(s, NNG_OPT_RECONNMINT, 10);
	nng_socket_set_ms(s, NNG_OPT_RECONNMAXT, 100);
	nng_socket_set_ms(s, NNG_OPT_REQ_RESENDTIME, RESEND_MS);
	if (pipe_cb) {
		nng_pipe_notify(s, NNG_PIPE_EV_ADD_POST, pipe_cb, arg);
		nng_pipe_notify(s, NNG_PIPE_EV_REM_POST, pipe_cb, arg);
	}
	rv = nng_dial(s, url, NULL, NNG_FLAG_NONBLOCK);
	if (rv != 0)
		fatalx("link: %s: %s", url, nng_strerror(rv));
	return s;
}

_Noreturn void link_leave(int code)
{
	fflush(NULL);
	_exit(code);
}

nng_msg *link_message(enum rtype type, const void *rec, const char *base)
{
	struct buf out = { 0 };
	nng_msg *m;
	codec_pack(&out, type, rec, base);
	if (nng_msg_alloc(&m, 0) != 0 || nng_msg_append(m, out.p, out.len) != 0)
		fatalx("link: no memory");
	buf_release(&out);
	return m;
}

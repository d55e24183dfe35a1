/* From nng's threads to the loop, and what both kinds of asking share. */
#include "link_priv.h"

#include <errno.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

#define RESEND_MS 3000 /* REQ repeats itself after this; what is asked is idempotent */

struct hub {
	uint64_t loop;
	struct mailbox *mailbox;
	struct hub *next;
};

static struct hub *hubs;
static pthread_mutex_t hubs_lock = PTHREAD_MUTEX_INITIALIZER;

struct mailbox *hub_get(struct loop *l)
{
	pthread_mutex_lock(&hubs_lock);
	struct hub *h = hubs;
	while (h && h->loop != loop_id(l))
		h = h->next;
	if (!h) {
		h = xcalloc(1, sizeof *h);
		*h = (struct hub){ .loop = loop_id(l), .mailbox = mailbox_new(l), .next = hubs };
		hubs = h;
	}
	pthread_mutex_unlock(&hubs_lock);
	return h->mailbox;
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

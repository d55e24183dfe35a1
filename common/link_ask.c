/* One question, one answer. */
#include "link_priv.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "log.h"

#define MAX_ASK_URLS 96

struct ask {
	struct mailbox *hub;
	nng_ctx ctx;
	nng_aio *aio;
	struct letter done;
	bool sent;
	void (*cb)(void *arg, const struct g_answer *a, struct codec_reader *r);
	void *arg;
};

/* Sockets for questions, one per url and kept: asking is frequent and dialling is not free. */
static struct {
	char *url;
	nng_socket sock;
} ask_sockets[MAX_ASK_URLS];
static size_t n_ask_sockets;
static pthread_mutex_t ask_lock = PTHREAD_MUTEX_INITIALIZER;

static int ask_socket(const char *url, nng_socket *ret)
{
	int rc = 0;
	pthread_mutex_lock(&ask_lock);
	size_t i = 0;
	while (i < n_ask_sockets && strcmp(ask_sockets[i].url, url) != 0)
		i++;
	if (i < n_ask_sockets) {
		*ret = ask_sockets[i].sock;
	} else if (i < MAX_ASK_URLS) {
		ask_sockets[i].url = xstrdup(url);
		ask_sockets[i].sock = *ret = link_dial(url, NULL, NULL);
		n_ask_sockets++;
	} else {
		errno = EMFILE;
		rc = -1;
	}
	pthread_mutex_unlock(&ask_lock);
	return rc;
}

static void ask_aio(void *arg)
{
	struct ask *k = arg;
	if (!k->sent && nng_aio_result(k->aio) == 0) {
		k->sent = true;
		nng_ctx_recv(k->ctx, k->aio);
		return;
	}
	mailbox_put(k->hub, &k->done);
}

static bool read_answer(struct codec_reader *r, struct g_answer *a)
{
	struct r_answer ans;
	if (codec_peek(r) != R_ANSWER || codec_read(r, &ans) != 1)
		return false;
	*a = ans.answer;
	return true;
}

static void ask_done(void *arg)
{
	struct ask *k = arg;
	int rc = nng_aio_result(k->aio);
	nng_msg *m = rc == 0 || !k->sent ? nng_aio_get_msg(k->aio) : NULL;
	struct codec_reader r = { 0 };
	struct g_answer a;
	bool good = false;
	if (rc == 0 && m) {
		r = (struct codec_reader){ .base = nng_msg_body(m), .len = nng_msg_len(m) };
		good = read_answer(&r, &a);
	}
	k->cb(k->arg, good ? &a : NULL, &r);
	if (m)
		nng_msg_free(m);
	nng_ctx_close(k->ctx);
	nng_aio_free(k->aio);
	free(k);
}

int link_ask(struct loop *l, const char *url, enum rtype type, const void *rec, const char *base, uint32_t timeout_ms,
	     void (*cb)(void *arg, const struct g_answer *a, struct codec_reader *r), void *arg)
{
	nng_socket sock;
	if (ask_socket(url, &sock) < 0)
		return -1;
	struct ask *k = xcalloc(1, sizeof *k);
	k->hub = hub_get(l);
	k->cb = cb;
	k->arg = arg;
	k->done = (struct letter){ .fn = ask_done, .arg = k };
	if (nng_ctx_open(&k->ctx, sock) != 0 || nng_aio_alloc(&k->aio, ask_aio, k) != 0)
		fatalx("link: no memory");
	nng_aio_set_timeout(k->aio, (nng_duration)timeout_ms);
	nng_aio_set_msg(k->aio, link_message(type, rec, base));
	nng_ctx_send(k->ctx, k->aio);
	return 0;
}

int link_ask_sync(const char *url, enum rtype type, const void *rec, const char *base, uint32_t timeout_ms,
		  struct buf *body, struct g_answer *a, struct codec_reader *r)
{
	nng_socket sock = link_dial(url, NULL, NULL);
	nng_msg *m = link_message(type, rec, base);
	int rc = -1;
	nng_socket_set_ms(sock, NNG_OPT_SENDTIMEO, (nng_duration)timeout_ms);
	nng_socket_set_ms(sock, NNG_OPT_RECVTIMEO, (nng_duration)timeout_ms);
	if (nng_sendmsg(sock, m, 0) != 0) {
		nng_msg_free(m);
		errno = ETIMEDOUT;
		goto out;
	}
	if (nng_recvmsg(sock, &m, 0) != 0) {
		errno = ETIMEDOUT;
		goto out;
	}
	buf_reset(body);
	buf_add(body, nng_msg_body(m), nng_msg_len(m));
	nng_msg_free(m);
	*r = (struct codec_reader){ .base = body->p, .len = body->len };
	if (read_answer(r, a))
		rc = 0;
	else
		errno = EPROTO;
out:
	nng_close(sock);
	return rc;
}

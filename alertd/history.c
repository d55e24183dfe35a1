#include "history.h"

#include <pthread.h>
#include <stdlib.h>

#include "buf.h"
#include "log.h"
#include "mailbox.h"

#define COMMIT_MS 100 /* larger transactions than those of alerts: nobody waits for them */

struct history {
	pthread_t thread;
	struct loop *loop;
	struct mailbox *mailbox;
	struct intake *intake;
};

struct prune_call {
	struct history *h;
	void (*done)(void *arg, const struct store_pruned *did, const char *error);
	void *arg;
};

static void *run(void *arg)
{
	struct history *h = arg;
	loop_run(h->loop);
	intake_free(h->intake);
	mailbox_free(h->mailbox);
	loop_free(h->loop);
	return NULL;
}

struct history *history_start(const struct intake_conf *conf)
{
	struct history *h = xcalloc(1, sizeof *h);
	struct intake_conf c = *conf;
	h->loop = loop_new();
	h->mailbox = mailbox_new(h->loop);
	c.loop = h->loop;
	c.stream = "history";
	c.role = STORE_FLOWS;
	c.commit_ms = COMMIT_MS;
	h->intake = intake_new(&c);
	if (pthread_create(&h->thread, NULL, run, h) == 0)
		return h;
	log_error("cannot start a thread");
	intake_free(h->intake);
	mailbox_free(h->mailbox);
	loop_free(h->loop);
	free(h);
	return NULL;
}

static void do_stop(void *arg)
{
	struct history *h = arg;
	intake_stop(h->intake);
	loop_stop(h->loop, 0);
}

void history_stop(struct history *h)
{
	if (!h)
		return;
	mailbox_post(h->mailbox, do_stop, h);
	pthread_join(h->thread, NULL);
	free(h);
}

const struct intake_count *history_count(const struct history *h)
{
	return intake_count(h->intake);
}

void history_trouble(struct history *h, char *text, size_t size)
{
	intake_trouble(h->intake, text, size);
}

static void do_prune(void *arg)
{
	struct prune_call *p = arg;
	intake_prune(p->h->intake, p->done, p->arg);
	free(p);
}

void history_prune_now(struct history *h, void (*done)(void *arg, const struct store_pruned *did, const char *error), void *arg)
{
	struct prune_call *p = xcalloc(1, sizeof *p);
	*p = (struct prune_call){ h, done, arg };
	mailbox_post(h->mailbox, do_prune, p);
}

#include "upkeep.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "log.h"
#include "loop.h"
#include "mailbox.h"

#define TIDY_MS  1000
#define PRUNE_MS 60000

struct upkeep {
	const struct store_ops *ops;
	struct store_conf conf;
	struct ageclock *age;
	pthread_t thread;
	struct loop *loop;
	struct mailbox *mailbox;
	struct loop_timer *tidy, *prune;
	struct store *store;
	struct log_limit limit;
	uint64_t pruned;
};

struct order {
	struct upkeep *u;
	void (*done)(void *arg, const struct store_pruned *did, const char *error);
	void *arg;
};

static bool open_store(struct upkeep *u)
{
	struct buf err = { 0 };
	if (!u->store)
		u->store = u->ops->open(&u->conf, STORE_UPKEEP, &err);
	if (!u->store)
		log_limited(&u->limit, "upkeep: %s", buf_cstr(&err));
	buf_release(&err);
	return u->store != NULL;
}

static bool is_cancelled(const struct upkeep *u)
{
	return __atomic_load_n(u->conf.cancel, __ATOMIC_RELAXED);
}

static void on_tidy(void *arg)
{
	struct upkeep *u = arg;
	if (open_store(u) && u->ops->tidy(u->store, wall_ns()) < 0 && !is_cancelled(u))
		log_limited(&u->limit, "upkeep: %s", u->ops->error(u->store));
}

static int prune(struct upkeep *u, struct store_pruned *did)
{
	int rc = open_store(u) ? 1 : -1;
	while (rc > 0 && !is_cancelled(u))
		rc = u->ops->prune(u->store, ageclock_now(u->age), did);
	if (did->n[KEPT_FLOWS])
		log_info("retention: %" PRIu64 " files of flows deleted", did->n[KEPT_FLOWS]);
	__atomic_fetch_add(&u->pruned, did->n[KEPT_FLOWS], __ATOMIC_RELAXED);
	return rc;
}

static void on_prune(void *arg)
{
	struct upkeep *u = arg;
	struct store_pruned did = { 0 };
	if (prune(u, &did) < 0 && u->store)
		log_limited(&u->limit, "retention: %s", u->ops->error(u->store));
}

static void do_prune(void *arg)
{
	struct order *o = arg;
	struct store_pruned did = { 0 };
	int rc = prune(o->u, &did);
	o->done(o->arg, &did, rc < 0 ? (o->u->store ? o->u->ops->error(o->u->store) : "the store does not open") : NULL);
	free(o);
}

void upkeep_prune_now(struct upkeep *u, void (*done)(void *arg, const struct store_pruned *did, const char *error), void *arg)
{
	struct order *o = xcalloc(1, sizeof *o);
	*o = (struct order){ u, done, arg };
	mailbox_post(u->mailbox, do_prune, o);
}

uint64_t upkeep_pruned(const struct upkeep *u)
{
	return __atomic_load_n(&u->pruned, __ATOMIC_RELAXED);
}

/* -- the thread -- */

static void *run(void *arg)
{
	struct upkeep *u = arg;
	loop_run(u->loop);
	if (u->store)
		u->ops->close(u->store);
	return NULL;
}

static void release(struct upkeep *u)
{
	loop_del_timer(u->tidy);
	loop_del_timer(u->prune);
	mailbox_free(u->mailbox);
	loop_free(u->loop);
	free(u);
}

struct upkeep *upkeep_start(const struct store_ops *ops, const struct store_conf *conf, struct ageclock *age)
{
	struct upkeep *u = xcalloc(1, sizeof *u);
	u->ops = ops;
	u->conf = *conf;
	u->age = age;
	u->loop = loop_new();
	u->mailbox = mailbox_new(u->loop);
	u->tidy = loop_add_timer(u->loop, on_tidy, u);
	u->prune = loop_add_timer(u->loop, on_prune, u);
	loop_set_timer(u->tidy, TIDY_MS, TIDY_MS);
	loop_set_timer(u->prune, PRUNE_MS, PRUNE_MS);
	if (pthread_create(&u->thread, NULL, run, u) == 0)
		return u;
	log_error("cannot start a thread");
	release(u);
	return NULL;
}

static void do_stop(void *arg)
{
	loop_stop(((struct upkeep *)arg)->loop, 0);
}

void upkeep_stop(struct upkeep *u)
{
	if (!u)
		return;
	mailbox_post(u->mailbox, do_stop, u);
	pthread_join(u->thread, NULL);
	release(u);
}

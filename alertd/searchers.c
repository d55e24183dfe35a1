#include "searchers.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec.h"
#include "log.h"

#define THREADS 2 /* of each kind */
#define REST_S  5 /* without a question, and a thread lets go of the files that it has open */

enum { SHORT, LONG, KINDS };

/* What waits for the threads of one kind, oldest first. */
struct pool {
	struct searchers *owner;
	pthread_t threads[THREADS];
	unsigned n_threads;
	pthread_cond_t more;
	struct search *first, **last;
};

struct searchers {
	const struct store_ops *ops;
	struct store_conf conf;
	void (*done)(void *arg, struct search *found);
	void *arg;
	pthread_mutex_t lock;
	bool stop;
	struct pool pools[KINDS];
};

void search_free(struct search *s)
{
	buf_release(&s->packed);
	buf_release(&s->body);
	buf_release(&s->err);
	free(s);
}

/* -- in the threads -- */

/* NULL: it is over, or, if there is a time until which to wait, that has come. */
static struct search *take(struct pool *p, const struct timespec *until)
{
	struct searchers *s = p->owner;
	struct search *q = NULL;
	pthread_mutex_lock(&s->lock);
	for (int rc = 0; !s->stop && !p->first && rc != ETIMEDOUT;)
		rc = until ? pthread_cond_timedwait(&p->more, &s->lock, until) : pthread_cond_wait(&p->more, &s->lock);
	if (!s->stop && p->first) {
		q = p->first;
		p->first = q->next;
		if (!p->first)
			p->last = &p->first;
	}
	pthread_mutex_unlock(&s->lock);
	return q;
}

static struct search *take_or_rest(struct pool *p, struct store *store)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += REST_S;
	struct search *q = store ? take(p, &until) : NULL;
	if (store && !q)
		p->owner->ops->rest(store);
	return q ? q : take(p, NULL);
}

static void answer(struct searchers *s, struct store **store, struct search *q)
{
	struct r_query rec;
	struct codec_reader r = { .base = q->packed.p, .len = q->packed.len };
	q->status = 503;
	if (!*store) /* the writer may not have made it yet: tried again for each question */
		*store = s->ops->open(&s->conf, STORE_READ, &q->err);
	if (!*store || codec_read(&r, &rec) != 1)
		return;
	q->revision = searchers_revision(s, &rec.query, r.base); /* before the search: what comes meanwhile may be in it, or not */
	q->status = s->ops->query(*store, &rec.query, r.base, &q->body, &q->page, &q->err);
}

static void *run(void *arg)
{
	struct pool *p = arg;
	struct store *store = NULL;
	for (struct search *q; (q = take_or_rest(p, store));) {
		answer(p->owner, &store, q);
		p->owner->done(p->owner->arg, q);
	}
	if (store)
		p->owner->ops->close(store);
	return NULL;
}

/* -- outside -- */

static void init_monotonic(pthread_cond_t *c)
{
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

struct searchers *searchers_start(const struct store_ops *ops, const struct store_conf *conf,
				  void (*done)(void *arg, struct search *found), void *arg)
{
	struct searchers *s = xcalloc(1, sizeof *s);
	*s = (struct searchers){ .ops = ops, .conf = *conf, .done = done, .arg = arg, .lock = PTHREAD_MUTEX_INITIALIZER };
	for (struct pool *p = s->pools; p < s->pools + KINDS; p++) {
		p->owner = s;
		p->last = &p->first;
		init_monotonic(&p->more);
		for (; p->n_threads < THREADS; p->n_threads++)
			if (pthread_create(&p->threads[p->n_threads], NULL, run, p) != 0) {
				log_error("cannot start a thread");
				searchers_stop(s);
				return NULL;
			}
	}
	return s;
}

/* Pages of these go by an index, or have few rows to look at. */
static bool is_short(const char *base, struct str what)
{
	static const char *const names[] = { "alerts", "silences", "hosts", "stats" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (str_eq(base, what, names[i]))
			return true;
	return false;
}

uint64_t searchers_revision(const struct searchers *s, const struct g_query *q, const char *base)
{
	return str_eq(base, q->what, "alerts") && s->conf.revision ? __atomic_load_n(s->conf.revision, __ATOMIC_ACQUIRE) : 0;
}

void searchers_ask(struct searchers *s, struct link_req *req, const struct r_query *q, const char *base)
{
	struct pool *p = &s->pools[is_short(base, q->query.what) ? SHORT : LONG];
	struct search *n = xcalloc(1, sizeof *n);
	n->req = req;
	codec_pack(&n->packed, R_QUERY, q, base);
	pthread_mutex_lock(&s->lock);
	*p->last = n;
	p->last = &n->next;
	pthread_cond_signal(&p->more);
	pthread_mutex_unlock(&s->lock);
}

void searchers_stop(struct searchers *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	for (int k = 0; k < KINDS; k++)
		pthread_cond_broadcast(&s->pools[k].more);
	pthread_mutex_unlock(&s->lock);
	for (struct pool *p = s->pools; p < s->pools + KINDS; p++) {
		while (p->n_threads)
			pthread_join(p->threads[--p->n_threads], NULL);
		for (struct search *q; (q = p->first);) {
			p->first = q->next;
			search_free(q);
		}
	}
	free(s);
}

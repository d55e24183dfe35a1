#include "intake.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "fault.h"
#include "link.h"
#include "log.h"
#include "quarantine.h"
#include "sampler.h"

#define QUIET_MS       5000    /* a transaction with nothing but the time in it may wait this long */
#define RETRY_MIN_MS   100
#define RETRY_MAX_MS   5000
#define EPOCH_RETRY_MS 100     /* checks does not know its epoch yet */
#define TIDY_MS        1000
#define PRUNE_MS       600000u
#define SLICE_PAUSE_MS 10      /* between slices of retention: records come first */

struct prune_job {
	struct prune_job *next;
	struct store_pruned did;
	void (*done)(void *arg, const struct store_pruned *did, const char *error);
	void *arg;
};

struct intake {
	struct intake_conf c;
	struct follower *in;
	struct store *store;
	bool open, stopped;       /* open: a transaction is */
	uint64_t epoch, next;     /* committed */
	uint64_t run, got;        /* of the open transaction: epoch, and next after its last record */
	uint32_t rows;            /* alerts or flows in it */
	uint64_t stored, known;   /* counted in it; they count when it is committed */
	struct sampler sampler;
	uint64_t sampled;         /* the run that it has the totals of; 0 = none */
	bool at_end;
	bool ended_before;        /* the run stored last had ended; whether checks is still at it is seen when it answers */
	uint64_t clock;
	uint32_t retry_ms;
	struct loop_timer *commit_timer, *retry_timer, *tidy_timer, *prune_timer;
	struct prune_job *jobs;
	struct intake_count n;
	struct log_limit limit;
	pthread_mutex_t lock;     /* of trouble */
	char trouble[600];
};

static void set(uint64_t *counter, uint64_t value)
{
	__atomic_store_n(counter, value, __ATOMIC_RELAXED);
}

static void add(uint64_t *counter, uint64_t value)
{
	__atomic_fetch_add(counter, value, __ATOMIC_RELAXED);
}

const struct intake_count *intake_count(const struct intake *i)
{
	return &i->n;
}

/* -- trouble -- */

static void set_trouble(struct intake *i, const char *text)
{
	pthread_mutex_lock(&i->lock);
	snprintf(i->trouble, sizeof i->trouble, "%s", text);
	pthread_mutex_unlock(&i->lock);
	set(&i->n.in_trouble, *text != '\0');
}

void intake_trouble(struct intake *i, char *text, size_t size)
{
	pthread_mutex_lock(&i->lock);
	snprintf(text, size, "%s", i->trouble);
	pthread_mutex_unlock(&i->lock);
}

static void drop_transaction(struct intake *i)
{
	i->open = false;
	i->rows = 0;
	i->stored = i->known = 0;
	i->at_end = false;
	loop_stop_timer(i->commit_timer);
}

/* Everything since the last commit is fetched again, later, with a store opened anew. */
static void in_trouble(struct intake *i, const char *why)
{
	add(&i->n.failures, 1);
	if (strcmp(i->trouble, why) != 0) /* said once, not at each try */
		log_limited(&i->limit, "%s: %s; nothing is lost, trying again", i->c.stream, why);
	set_trouble(i, why);
	if (i->store) {
		i->c.ops->rollback(i->store);
		i->c.ops->close(i->store);
		i->store = NULL;
	}
	drop_transaction(i);
	sampler_drop(&i->sampler);
	i->sampled = 0;
	follower_pause(i->in);
	follower_set(i->in, i->epoch, i->next ? i->next : 1);
	i->retry_ms = i->retry_ms ? 2 * i->retry_ms : RETRY_MIN_MS;
	if (i->retry_ms > RETRY_MAX_MS)
		i->retry_ms = RETRY_MAX_MS;
	loop_set_timer(i->retry_timer, i->retry_ms, 0);
}

static bool refuse(struct intake *i)
{
	char why[600];
	snprintf(why, sizeof why, "%s", i->c.ops->error(i->store));
	in_trouble(i, why);
	return false;
}

static void out_of_trouble(struct intake *i)
{
	i->retry_ms = 0;
	if (!*i->trouble)
		return;
	log_info("%s: the store works again", i->c.stream);
	set_trouble(i, "");
}

/* -- samples -- */

static int put_sample(void *arg, const struct r_sample *r, const char *base)
{
	struct intake *i = arg;
	return i->c.ops->put(i->store, R_SAMPLE, r, base, 0);
}

static int keep_total(void *arg, const void *key, size_t key_len, const void *value, size_t len)
{
	struct intake *i = arg;
	return i->c.ops->keep(i->store, key, key_len, value, len);
}

static int store_samples(struct intake *i)
{
	static const struct sampler_ops ops = { put_sample, keep_total };
	return sampler_flush(&i->sampler, &ops, i);
}

static void restore_total(void *arg, const void *key, size_t key_len, const void *value, size_t len)
{
	sampler_restore(arg, key, key_len, value, len);
}

/* The totals of the run that was begun. */
static bool load_totals(struct intake *i, uint64_t epoch)
{
	struct store_cursor c;
	if (i->c.role != STORE_FLOWS || epoch == i->sampled)
		return true;
	if (i->c.ops->run(i->store, epoch, &c) < 0)
		return false;
	sampler_restart(&i->sampler, c.clock);
	i->sampled = epoch;
	return i->c.ops->kept(i->store, restore_total, &i->sampler) == 0;
}

/* Of alerts their first revision; of the history all that counts. */
static void sample(struct intake *i, enum rtype type, const void *rec, const char *base, bool stored)
{
	if (i->c.role == STORE_FLOWS || (type == R_ALERT && stored && ((const struct r_alert *)rec)->alert.revision == 1))
		sampler_record(&i->sampler, type, rec, base);
}

/* -- commit -- */

/* False: trouble, and the store is closed. */
static bool commit(struct intake *i)
{
	uint64_t t = mono_ns();
	if (!i->open)
		return i->store != NULL;
	FAULT("alertd.tx.commit.before");
	if (store_samples(i) < 0 || FAULT_FAILS("alertd.tx.commit") || i->c.ops->commit(i->store, i->got) < 0)
		return refuse(i);
	FAULT("alertd.tx.commit.after");
	t = mono_ns() - t;
	add(&i->n.commits, 1);
	add(&i->n.commit_ns, t);
	if (t > i->n.commit_max_ns)
		set(&i->n.commit_max_ns, t);
	add(&i->n.stored, i->stored);
	add(&i->n.known, i->known);
	set(&i->n.clock, i->clock);
	set(&i->n.totals_evicted, i->sampler.evicted);
	set(&i->n.ended, i->n.ended || i->at_end);
	i->epoch = i->run;
	i->next = i->got;
	drop_transaction(i);
	out_of_trouble(i);
	follower_set_durable(i->in, i->next);
	FAULT("alertd.ack");
	if (i->c.committed)
		i->c.committed(i->c.arg);
	return true;
}

static void on_commit_timer(void *arg)
{
	commit(arg);
}

struct store *intake_store(struct intake *i)
{
	return commit(i) ? i->store : NULL;
}

/* -- records -- */

union input {
	struct r_alert alert;
	struct r_flow flow;
	struct r_host host;
	struct r_tick tick;
	struct r_config config;
	struct r_quarantine quarantine;
};

static bool is_wanted(const struct intake *i, enum rtype type)
{
	if (type == R_TICK || type == R_EOS || type == R_CONFIG)
		return true;
	return i->c.role == STORE_ALERTS ? type == R_ALERT || (type == R_QUARANTINE && i->c.quarantine)
					 : type == R_FLOW || type == R_HOST;
}

/* 1 stored, 0 known already or nothing to store, -1 the store refuses. */
static int put_read(struct intake *i, enum rtype type, const union input *u, const char *base, uint64_t number)
{
	bool own = type == R_ALERT || type == R_FLOW;
	if (type == R_QUARANTINE) {
		quarantine_put(i->c.quarantine, &i->c.store.kept[KEPT_QUARANTINE], ageclock_now(i->c.age), &u->quarantine, base);
		return 0;
	}
	if (type == R_HOST || (own && i->c.discard) || (type == R_FLOW && u->flow.n.end_reason == END_ACTIVE))
		return 0;
	int rc = i->c.ops->put(i->store, type, u, base, number);
	i->stored += own && rc == 1;
	i->known += own && rc == 0;
	return rc;
}

/* 1 done, 0 the end, -1 the store refuses, -2 unreadable. */
static int put_record(struct intake *i, struct codec_reader *r, uint64_t number)
{
	union input u;
	enum rtype type = codec_peek(r);
	size_t at = r->pos, len;
	if (!is_wanted(i, type))
		return codec_skip(r, &at, &len) == 1 ? 1 : -2;
	if (codec_read(r, &u) != 1) {
		r->pos = at; /* this one is bad, the next may be good */
		return -2;
	}
	int rc = put_read(i, type, &u, r->base, number);
	if (rc < 0)
		return -1;
	sample(i, type, &u, r->base, rc == 1);
	i->rows += type == R_ALERT || type == R_FLOW || type == R_HOST;
	if ((type == R_TICK || type == R_EOS) && u.tick.tick.to > i->clock)
		i->clock = u.tick.tick.to;
	i->at_end |= type == R_EOS;
	return 1;
}

/* A record that cannot be read is counted and stepped over; false: where the next one begins is not known. */
static bool step_over(struct intake *i, struct codec_reader *r, uint64_t number)
{
	size_t at, len;
	log_limited(&i->limit, "%s: record %" PRIu64 " cannot be read: %s", i->c.stream, number, r->error ? r->error : "cut off");
	add(&i->n.rejected, 1);
	r->error = NULL;
	return codec_skip(r, &at, &len) == 1;
}

static bool begin(struct intake *i, uint64_t epoch)
{
	if (i->open && epoch == i->run)
		return true;
	if (!commit(i))
		return false;
	FAULT("alertd.tx.begin");
	if (i->c.ops->begin(i->store, epoch, ageclock_stamp(i->c.age)) < 0 || !load_totals(i, epoch))
		return refuse(i);
	if (epoch != i->epoch) {
		i->ended_before = false;
		set(&i->n.ended, 0);
		i->clock = 0;
	}
	i->run = epoch;
	i->open = true;
	loop_set_timer(i->commit_timer, QUIET_MS, 0);
	return true;
}

static uint32_t on_batch(void *arg, struct follower *f, const struct g_batch *b, struct codec_reader *r)
{
	struct intake *i = arg;
	if (!i->store || i->stopped || !begin(i, b->epoch))
		return 0;
	bool had_rows = i->rows != 0;
	for (uint32_t n = 0; n < b->count; n++) {
		int rc = put_record(i, r, b->base + n);
		if (rc == -1)
			return refuse(i);
		if (rc == -2 && !step_over(i, r, b->base + n)) {
			add(&i->n.rejected, b->count - n - 1);
			break;
		}
	}
	i->got = b->base + b->count;
	set(&i->n.lag, follower_lag(f));
	if (i->rows >= INTAKE_ROWS || i->at_end)
		return commit(i) ? b->count : 0;
	if (i->rows && !had_rows)
		loop_set_timer(i->commit_timer, i->c.commit_ms, 0);
	return b->count;
}

/* -- the link -- */

static void on_idle(void *arg, struct follower *f, const struct g_batch *b)
{
	struct intake *i = arg;
	(void)b;
	set(&i->n.lag, follower_lag(f));
	if (i->ended_before)
		set(&i->n.ended, 1);
}

static void on_link(void *arg, struct follower *f, bool up)
{
	(void)f;
	set(&((struct intake *)arg)->n.up, up);
}

static bool on_epoch(void *arg, struct follower *f, uint64_t epoch)
{
	struct intake *i = arg;
	struct store_cursor c;
	if (epoch == 0) { /* checks has just started and waits for its own input */
		loop_set_timer(i->retry_timer, EPOCH_RETRY_MS, 0);
		return false;
	}
	/* The store turns to the other run at once: what the old one left engaged is over. */
	if (!commit(i))
		return false;
	if (i->c.ops->run(i->store, epoch, &c) < 0)
		return refuse(i);
	log_info("%s: another run: %016" PRIx64 ", %s", i->c.stream, epoch, c.next ? "stored before" : "new");
	if (!begin(i, epoch))
		return false;
	i->got = c.next;
	i->at_end = c.ended;
	i->clock = c.clock;
	if (!commit(i))
		return false;
	follower_set(f, epoch, c.next ? c.next : 1);
	return true;
}

static bool on_gone(void *arg, struct follower *f, uint64_t tail)
{
	struct intake *i = arg;
	uint64_t next = follower_next(f);
	if (tail > next) {
		add(&i->n.gone, tail - next);
		log_error("%s: records %" PRIu64 " to %" PRIu64 " are gone before they were stored", i->c.stream, next, tail - 1);
	}
	return true;
}

/* -- the store -- */

static bool open_store(struct intake *i)
{
	struct buf err = { 0 };
	struct store_cursor c;
	i->store = i->c.ops->open(&i->c.store, i->c.role, &err);
	if (!i->store) {
		in_trouble(i, buf_cstr(&err));
		buf_release(&err);
		return false;
	}
	buf_release(&err);
	i->c.ops->last_run(i->store, &c);
	i->epoch = c.epoch;
	i->next = c.next;
	i->clock = c.clock;
	set(&i->n.clock, i->clock);
	i->ended_before = c.ended;
	follower_set(i->in, i->epoch, i->next ? i->next : 1);
	follower_set_durable(i->in, i->next);
	if (i->c.committed)
		i->c.committed(i->c.arg);
	return true;
}

static void on_retry(void *arg)
{
	struct intake *i = arg;
	if (i->stopped)
		return;
	if (!i->store && !open_store(i))
		return;
	follower_resume(i->in);
}

/* -- retention and quiet work -- */

static void finish_job(struct intake *i, const char *error)
{
	struct prune_job *j = i->jobs;
	i->jobs = j->next;
	if (i->c.quarantine)
		j->did.n[KEPT_QUARANTINE] =
			quarantine_prune(i->c.quarantine, &i->c.store.kept[KEPT_QUARANTINE], ageclock_now(i->c.age));
	if (error)
		log_warn("%s: retention: %s", i->c.stream, error);
	for (unsigned k = 0; k < KEPT_KINDS; k++) {
		add(&i->n.pruned[k], j->did.n[k]);
		if (j->did.n[k])
			log_info("%s: retention: %" PRIu64 " of %s deleted", i->c.stream, j->did.n[k], store_kinds[k]);
	}
	if (j->done)
		j->done(j->arg, &j->did, error);
	free(j);
}

static void prune_slice(struct intake *i)
{
	struct prune_job *j = i->jobs;
	struct store *s = intake_store(i);
	char why[600];
	int rc;
	if (!s) {
		intake_trouble(i, why, sizeof why);
		finish_job(i, why);
		return;
	}
	uint64_t began = mono_ns();
	rc = i->c.ops->prune(s, ageclock_now(i->c.age), &j->did);
	began = mono_ns() - began;
	if (began > i->n.prune_max_ns)
		set(&i->n.prune_max_ns, began);
	if (rc <= 0)
		finish_job(i, rc < 0 ? i->c.ops->error(s) : NULL);
}

/* Slices of retention while there are jobs; else, when nothing waits to be stored, what waits for a quiet moment. */
static void on_tidy(void *arg)
{
	struct intake *i = arg;
	if (i->jobs)
		prune_slice(i);
	else if (i->store && !i->open && !i->n.lag && i->c.ops->tidy(i->store, wall_ns()) < 0)
		log_limited(&i->limit, "%s: %s", i->c.stream, i->c.ops->error(i->store));
	loop_set_timer(i->tidy_timer, i->jobs ? SLICE_PAUSE_MS : TIDY_MS, 0);
}

void intake_prune(struct intake *i, void (*done)(void *arg, const struct store_pruned *did, const char *error), void *arg)
{
	struct prune_job *j = xcalloc(1, sizeof *j), **last = &i->jobs;
	*j = (struct prune_job){ .done = done, .arg = arg };
	while (*last)
		last = &(*last)->next;
	*last = j;
	loop_set_timer(i->tidy_timer, SLICE_PAUSE_MS, 0);
}

static void on_prune(void *arg)
{
	struct intake *i = arg;
	if (!i->jobs && i->store)
		intake_prune(i, NULL, NULL);
}

/* -- start and stop -- */

struct intake *intake_new(const struct intake_conf *conf)
{
	static const struct follower_ops ops = { .batch = on_batch, .gone = on_gone, .epoch = on_epoch, .idle = on_idle,
						 .link = on_link };
	struct intake *i = xcalloc(1, sizeof *i);
	i->c = *conf;
	sampler_init(&i->sampler, conf->totals_max);
	pthread_mutex_init(&i->lock, NULL);
	i->commit_timer = loop_add_timer(conf->loop, on_commit_timer, i);
	i->retry_timer = loop_add_timer(conf->loop, on_retry, i);
	i->tidy_timer = loop_add_timer(conf->loop, on_tidy, i);
	i->prune_timer = loop_add_timer(conf->loop, on_prune, i);
	i->in = follower_new(conf->loop, conf->url, conf->stream, "alertd", &ops, i);
	loop_set_timer(i->retry_timer, 1, 0); /* the caller has what intake_new returns by then */
	loop_set_timer(i->tidy_timer, TIDY_MS, 0);
	loop_set_timer(i->prune_timer, 5000, PRUNE_MS);
	return i;
}

void intake_stop(struct intake *i)
{
	i->stopped = true;
	follower_pause(i->in);
}

void intake_free(struct intake *i)
{
	if (!i)
		return;
	intake_stop(i);
	i->c.committed = NULL;
	commit(i);
	follower_free(i->in);
	loop_del_timer(i->commit_timer);
	loop_del_timer(i->retry_timer);
	loop_del_timer(i->tidy_timer);
	loop_del_timer(i->prune_timer);
	while (i->jobs) {
		struct prune_job *j = i->jobs;
		i->jobs = j->next;
		free(j);
	}
	if (i->store)
		i->c.ops->close(i->store);
	sampler_release(&i->sampler);
	pthread_mutex_destroy(&i->lock);
	free(i);
}

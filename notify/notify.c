/* weir-notify: alerts to recipients. Follows alertd's stream "deliveries"; see queue.h for what is kept. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "notify_priv.h"
#include "sink_exec.h"

#define RETRY_WRITE_MS 1000 /* after a transaction failed */
#define EPOCH_RETRY_MS 100  /* alertd does not know its epoch yet */
#define EXPIRE_MS      5000
#define SILENT_NS      5000000000ull /* alertd does not answer: its heartbeat comes each second */
#define STOP_MS        3000 /* time that attempts under way get to end */

uint64_t notify_now(const struct notify *k)
{
	return k->wall_base + (mono_ns() - k->mono_base);
}

void notify_wake(struct notify *k)
{
	k->dispatch_wanted = true;
	loop_wake_idle(k->settle);
}

void notify_write_failed(struct notify *k, const char *why)
{
	if (!k->write_failed)
		log_error("cannot write deliveries: %s; trying again each second, nothing is lost", why);
	k->write_failed = true;
	proc_state(k->c, "cannot write deliveries: %s", why);
	loop_set_timer(k->again, RETRY_WRITE_MS, 0);
}

void notify_write_worked(struct notify *k)
{
	if (k->write_failed)
		log_info("deliveries can be written again");
	k->write_failed = false;
}

/* -- in: from the stream to the queue -- */

static const char *text_of(char *buf, size_t size, const char *base, struct str s)
{
	snprintf(buf, size, "%.*s", (int)s.len, s.len ? base + s.off : "");
	return buf;
}

static int queue_alert(struct notify *k, const struct r_alert *a, const char *base, const char *raw, size_t len)
{
	char check[128];
	struct queue_item item = { .alert_id = a->alert.id, .revision = a->alert.revision, .severity = a->alert.severity,
				   .silenced = id_is_set(a->note.silence), .record = raw, .len = len, .now = notify_now(k) };
	item.check = text_of(check, sizeof check, base, a->alert.check);
	for (size_t i = 0; i < k->n; i++) {
		if (!recipient_wants(&k->r[i], a, base))
			continue;
		item.recipient = k->r[i].conf->name;
		item.expires = item.now + k->r[i].conf->max_age;
		int rc = queue_add(k->q, &item);
		if (rc < 0)
			return -1;
		if (rc == QUEUE_COALESCED)
			log_limited(&k->limit, "recipient %s: %" PRIu64 " deliveries wait already; alerts are only counted",
				    item.recipient, k->c->topo->notify.max_rows);
	}
	return 0;
}

/* Queues the records of a batch. Returns how many were taken, all or, after a record that ends the reading, fewer; -1. */
static int64_t queue_records(struct notify *k, const struct g_batch *b, struct codec_reader *r)
{
	static struct r_alert a;
	for (uint32_t i = 0; i < b->count; i++) {
		size_t at = r->pos, len;
		if (codec_peek(r) != R_ALERT) {
			if (codec_skip(r, &at, &len) == 1)
				continue;
		} else if (codec_read(r, &a) == 1) {
			if (queue_alert(k, &a, r->base, r->base + at, r->pos - at) < 0)
				return -1;
			continue;
		}
		k->unreadable += b->count - i;
		log_limited(&k->limit, "deliveries: record %" PRIu64 " cannot be read: %s", b->base + i,
			    r->error ? r->error : "batch too short");
		break;
	}
	return b->count;
}

static uint32_t on_batch(void *arg, struct follower *f, const struct g_batch *b, struct codec_reader *r)
{
	struct notify *k = arg;
	if (queue_begin(k->q) < 0) {
		follower_pause(f);
		notify_write_failed(k, queue_error(k->q));
		return 0;
	}
	int64_t taken = queue_records(k, b, r);
	if (taken < 0 || queue_set_cursor(k->q, b->epoch, b->base + (uint64_t)taken) < 0) {
		queue_rollback(k->q);
		taken = -1;
	} else if (queue_commit(k->q) < 0) {
		taken = -1;
	}
	if (taken < 0) {
		follower_pause(f);
		notify_write_failed(k, queue_error(k->q));
		return 0;
	}
	notify_write_worked(k);
	k->heard = mono_ns();
	follower_set_durable(f, b->base + (uint64_t)taken);
	k->c->self->clock = b->clock;
	notify_wake(k);
	return (uint32_t)taken;
}

static void on_idle(void *arg, struct follower *f, const struct g_batch *b)
{
	(void)f, (void)b;
	((struct notify *)arg)->heard = mono_ns();
}

static bool on_gone(void *arg, struct follower *f, uint64_t tail)
{
	struct notify *k = arg;
	uint64_t next = follower_next(f);
	if (tail > next) {
		k->missed += tail - next;
		log_error("%" PRIu64 " alerts are gone before they were seen here (alertd kept %" PRIu64 " and later)",
			  tail - next, tail);
	}
	return true;
}

/* alertd has a new store. What we have already is known by its id. */
static bool on_epoch(void *arg, struct follower *f, uint64_t epoch)
{
	if (epoch == 0) { /* it has just started and has not read its log yet */
		loop_set_timer(((struct notify *)arg)->again, EPOCH_RETRY_MS, 0);
		return false;
	}
	log_info("alertd has begun a new stream");
	follower_set(f, epoch, 0);
	follower_set_durable(f, 0);
	return true;
}

static void on_link(void *arg, struct follower *f, bool up)
{
	(void)f;
	struct notify *k = arg;
	proc_state(k->c, up ? "running" : "waiting for alertd");
}

static const struct follower_ops follow_ops = { .batch = on_batch, .gone = on_gone, .epoch = on_epoch, .idle = on_idle, .link = on_link };

/* -- timers -- */

static bool on_settle(void *arg)
{
	attempts_settle(arg);
	return false;
}

/* What is raised now would be sent. */
static bool is_alive(void *arg)
{
	const struct notify *k = arg;
	return !k->stopping && !k->write_failed && follower_up(k->f) && mono_ns() - k->heard < SILENT_NS;
}

static void on_due(void *arg)
{
	notify_wake(arg);
}

static void on_expire(void *arg)
{
	struct notify *k = arg;
	int n = queue_expire(k->q, ageclock_now(k->age), notify_now(k));
	if (n < 0)
		log_limited(&k->limit, "cannot write deliveries: %s", queue_error(k->q));
	else if (n > 0)
		log_warn("%d deliveries have expired unsent (weir deliveries --state expired)", n);
}

/* -- status -- */

static void put_metrics(void *arg, struct metrics *m)
{
	struct notify *k = arg;
	struct queue_totals t;
	metrics_bound(m, "deliveries_max", "each recipient", "rows", (double)k->c->topo->notify.max_rows);
	metrics_bound(m, "attempts_max", NULL, "attempts", MAX_JOBS);
	metrics_bound(m, "programs_max", NULL, "programs", SPAWN_MAX_RUNNING);
	metrics_bound(m, "document_max", NULL, "bytes", SPAWN_MAX_DOC);
	for (size_t i = 0; k->q && i < k->n; i++) {
		const char *name = k->r[i].conf->name;
		queue_totals(k->q, name, &t);
		metrics_put(m, "deliveries_queued", name, "deliveries", true, (double)t.queued);
		metrics_put(m, "deliveries_sent", name, "deliveries", true, (double)t.sent);
		metrics_put(m, "deliveries_dropped", name, "deliveries", true, (double)t.dropped);
		metrics_put(m, "deliveries_coalesced", name, "deliveries", true, (double)t.coalesced);
		metrics_put(m, "deliveries_pending", name, "deliveries", false,
			    (double)(t.rows[DLV_PENDING] + t.rows[DLV_SENDING] + t.rows[DLV_RETRY]));
		metrics_put(m, "deliveries_dead", name, "deliveries", false, (double)t.rows[DLV_DEAD]);
		metrics_put(m, "deliveries_silenced", name, "deliveries", false, (double)t.rows[DLV_SILENCED]);
		metrics_put(m, "deliveries_expired", name, "deliveries", false, (double)t.rows[DLV_EXPIRED]);
		metrics_put(m, "recipient_failures", name, "attempts", false, k->r[i].failures);
	}
	follower_metrics(k->f, m);
	heartbeats_metrics(k->beats, m);
}

static void on_status(struct proc_ctx *c, char *state, size_t size)
{
	struct notify *k = c->state;
	uint64_t waiting = 0, lost = 0;
	const struct recipient *broken = NULL;
	if (!k->q)
		return;
	for (size_t i = 0; i < k->n; i++) {
		struct queue_totals t;
		queue_totals(k->q, k->r[i].conf->name, &t);
		waiting += t.rows[DLV_PENDING] + t.rows[DLV_SENDING] + t.rows[DLV_RETRY];
		lost += t.rows[DLV_DEAD] + t.rows[DLV_EXPIRED] + t.dropped + t.coalesced;
		if (k->r[i].broken)
			broken = &k->r[i];
	}
	c->self->lag = follower_lag(k->f) + waiting;
	c->self->drops = lost + k->missed + k->unreadable;
	if (k->write_failed)
		return;
	if (!follower_up(k->f))
		snprintf(state, size, "waiting for alertd");
	else if (broken)
		snprintf(state, size, "running; recipient %s cannot be used: %s", broken->conf->name, broken->broken);
	else
		snprintf(state, size, "running, %" PRIu64 " deliveries wait", waiting);
}

/* -- start and stop -- */

static void on_spawner_died(void *arg)
{
	struct notify *k = arg;
	log_error("leaving, to be started again with a spawner");
	proc_exit(k->c, 1);
}

static int on_privileged(struct proc_ctx *c)
{
	struct notify *k = c->state;
	bool programs = false;
	k->settings = xcalloc(c->topo->n_recipients + 1, sizeof *k->settings);
	for (size_t i = 0; i < c->topo->n_recipients; i++) {
		programs |= c->topo->recipients[i].type == RCP_EXEC;
		if (c->topo->recipients[i].type == RCP_WEBHOOK)
			settings_read(&k->settings[i], c->topo, &c->topo->recipients[i]);
	}
	if (programs) {
		k->sp = spawner_start(c->topo);
		if (!k->sp)
			return -1;
	}
	return 0;
}

static int init_recipient(struct notify *k, size_t i)
{
	struct recipient *r = &k->r[i];
	struct settings *s = &k->settings[i];
	struct buf err = { 0 };
	int rc = recipient_init(r, &k->c->topo->recipients[i], &err);
	if (rc < 0) {
		log_error("%s", buf_cstr(&err));
	} else if (s->broken) {
		r->broken = xstrdup(s->broken);
		log_error("recipient %s cannot be used, its deliveries wait: %s", r->conf->name, r->broken);
	} else if (r->conf->type == RCP_EXEC) {
		r->sink = sink_exec_new(k->sp, (unsigned)i);
	} else {
		if (!k->http)
			k->http = http_client_new(k->c->loop, attempts_result, k);
		r->sink = sink_http_new(k->http, s->url, s->headers, s->secret, r->conf->timeout);
	}
	settings_release(s);
	buf_release(&err);
	return rc;
}

/* Between two attempts. */
static uint64_t longest_wait(const struct notify *k)
{
	uint64_t longest = 0;
	for (size_t i = 0; i < k->n; i++)
		if (k->r[i].conf->retry_max > longest)
			longest = k->r[i].conf->retry_max;
	return 2 * longest; /* with all that queue_backoff adds */
}

/* What the last run left open. -1 if that cannot be written. */
static int take_over(struct notify *k)
{
	const char **names = xcalloc(k->n + 1, sizeof *names);
	for (size_t i = 0; i < k->n; i++)
		names[i] = k->r[i].conf->name;
	int n = queue_recover(k->q, notify_now(k), longest_wait(k));
	if (n > 0)
		log_info("%d deliveries were under way at the last end: sent again, marked as maybe duplicate", n);
	if (n >= 0)
		n = queue_orphans(k->q, names, notify_now(k));
	if (n > 0)
		log_warn("%d deliveries are dead: their recipients are no longer in the topology", n);
	free(names);
	return n < 0 ? -1 : 0;
}

/* Returns 1; 0 if the disk is full, then it tries again by itself; -1 after logging why it cannot be. */
static int open_queue(struct notify *k)
{
	struct buf err = { 0 };
	char *path = xasprintf("%s/notify.db", k->c->topo->state);
	k->q = queue_open(path, k->c->topo->notify.max_rows, &err);
	bool no_room = !k->q && errno == ENOSPC;
	if (k->q && take_over(k) < 0) {
		buf_addf(&err, "%s: %s", path, queue_error(k->q));
		no_room = queue_no_room(k->q);
		queue_close(k->q);
		k->q = NULL;
	}
	if (no_room)
		notify_write_failed(k, buf_cstr(&err));
	else if (!k->q && access(k->c->topo->state, W_OK) < 0)
		log_error("cannot write in %s: %s", k->c->topo->state, strerror(errno));
	else if (!k->q)
		log_error("deliveries: %s", buf_cstr(&err));
	free(path);
	buf_release(&err);
	return k->q ? 1 : no_room ? 0 : -1;
}

/* From here on alerts are taken and deliveries made. */
static void begin(struct notify *k)
{
	uint64_t epoch, next;
	notify_write_worked(k);
	proc_state(k->c, "waiting for alertd");
	loop_set_timer(k->expire, EXPIRE_MS, EXPIRE_MS);
	if (queue_cursor(k->q, &epoch, &next)) {
		follower_set(k->f, epoch, next);
		follower_set_durable(k->f, next);
	}
	follower_resume(k->f);
	notify_wake(k);
}

static void on_again(void *arg)
{
	struct notify *k = arg;
	if (!k->q && !k->stopping) {
		int rc = open_queue(k);
		if (rc > 0)
			begin(k);
		else if (rc < 0)
			proc_exit(k->c, 1);
		return;
	}
	if (!k->stopping)
		follower_resume(k->f);
	notify_wake(k);
}

static void start_clock(struct notify *k)
{
	const char *state = k->c->topo->state;
	char *path = xasprintf("%s/notify.clock", state), *db = xasprintf("%s/notify.db", state);
	k->mono_base = mono_ns();
	k->age = ageclock_new(path, db, wall_ns(), k->mono_base);
	k->wall_base = ageclock_stamp(k->age);
	free(path);
	free(db);
}

static int on_init(struct proc_ctx *c)
{
	struct notify *k = c->state;
	k->c = c;
	start_clock(k);
	k->n = c->topo->n_recipients;
	k->r = xcalloc(k->n + 1, sizeof *k->r);
	if (k->sp) {
		static const struct spawner_ops ops = { attempts_spawn_result, on_spawner_died };
		spawner_attach(k->sp, c->loop, &ops, k);
	}
	for (size_t i = 0; i < k->n; i++)
		if (init_recipient(k, i) < 0)
			return -1;
	k->due = loop_add_timer(c->loop, on_due, k);
	k->again = loop_add_timer(c->loop, on_again, k);
	k->expire = loop_add_timer(c->loop, on_expire, k);
	k->settle = loop_add_idle(c->loop, on_settle, k);
	k->beats = heartbeats_new(c->loop, k->r, k->n, is_alive, k);
	metrics_source(c->metrics, put_metrics, k);
	metrics_counter(c->metrics, "alerts_unreadable", NULL, "records", &k->unreadable);
	metrics_counter(c->metrics, "alerts_missed", NULL, "records", &k->missed);
	char *url = topo_url(c->topo, "alertd", NULL);
	k->f = follower_new(c->loop, url, "deliveries", "notify", &follow_ops, k);
	free(url);
	int rc = open_queue(k);
	if (rc > 0)
		begin(k);
	return rc < 0 ? -1 : 0;
}

void notify_leave(struct notify *k)
{
	queue_close(k->q);
	k->q = NULL;
	proc_exit(k->c, 0);
}

static void on_stop_limit(void *arg)
{
	struct notify *k = arg;
	log_info("%u attempts are still under way: they will be made again, marked as maybe duplicate", k->n_jobs);
	notify_leave(k);
}

/* Attempts under way may end, no new ones begin. */
static void on_stop(struct proc_ctx *c)
{
	struct notify *k = c->state;
	k->stopping = true;
	follower_pause(k->f);
	loop_stop_timer(k->expire);
	loop_set_timer(loop_add_timer(c->loop, on_stop_limit, k), STOP_MS, 0);
	loop_wake_idle(k->settle);
}

int main(int argc, char **argv)
{
	static struct notify k;
	int code = proc_main(argc, argv, &(struct proc){ .name = "notify", .state = &k, .privileged = on_privileged,
							 .init = on_init, .ops = { .request = requests_answer },
							 .status = on_status, .stop = on_stop, .needs = PROC_NET });
	queue_close(k.q);
	ageclock_free(k.age);
	return code;
}

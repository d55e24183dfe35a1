/* weir-notify: alerts to recipients. Follows alertd's stream "deliveries"; see queue.h for what is kept. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "document.h"
#include "fault.h"
#include "heartbeat.h"
#include "log.h"
#include "proc.h"
#include "queue.h"
#include "recipient.h"
#include "secret.h"
#include "sink_exec.h"
#include "sink_http.h"
#include "spawner.h"

#define MAX_JOBS       64   /* attempts under way at once, all recipients together */
#define RETRY_WRITE_MS 1000 /* after a transaction failed */
#define EPOCH_RETRY_MS 100  /* alertd does not know its epoch yet */
#define EXPIRE_MS      5000
#define SILENT_NS      5000000000ull /* alertd does not answer: its heartbeat comes each second */
#define STOP_MS        3000 /* time that attempts under way get to end */
#define MAX_PAGE       10000
#define MAX_ANSWER     (3u << 20)

/* An attempt under way. */
struct job {
	bool used;
	bool ended; /* result is there, to be written */
	uint32_t number;
	struct recipient *r;
	struct id id;
	uint32_t attempt;
	struct sink_result result;
	bool decided; /* out and text say what becomes of it */
	struct queue_outcome out;
	char text[600];
};

struct notify {
	struct proc_ctx *c;
	struct queue *q;
	struct follower *f;
	struct spawner *sp;
	struct http_client *http;
	struct heartbeats *beats;
	uint64_t heard; /* monotonic: alertd's last answer */
	struct recipient *r;
	size_t n;
	struct job jobs[MAX_JOBS];
	unsigned n_jobs;
	uint32_t next_number;
	struct loop_timer *due, *again, *expire;
	struct loop_idle *settle;
	bool dispatch_wanted;
	bool stopping;
	uint64_t wall_base, mono_base;
	uint64_t unreadable, missed;
	struct log_limit limit, dead_limit;
	bool write_failed;
	/* Settings with their secrets put in: read in privileged, handed over in init. */
	struct secrets {
		char *url, *secret, *broken;
		char **headers;
	} *secrets;
};

/* Wall-clock time that goes on steadily: a step of the clock does not move what was planned. */
static uint64_t now_ns(const struct notify *k)
{
	return k->wall_base + (mono_ns() - k->mono_base);
}

static void wake(struct notify *k)
{
	k->dispatch_wanted = true;
	loop_wake_idle(k->settle);
}

/* A transaction failed: say it once, try again in a second. */
static void write_failed(struct notify *k)
{
	if (!k->write_failed)
		log_error("cannot write deliveries: %s; trying again each second, nothing is lost", queue_error(k->q));
	k->write_failed = true;
	proc_state(k->c, "cannot write deliveries: %s", queue_error(k->q));
	loop_set_timer(k->again, RETRY_WRITE_MS, 0);
}

static void write_worked(struct notify *k)
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
				   .silenced = id_is_set(a->note.silence), .record = raw, .len = len, .now = now_ns(k) };
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
		write_failed(k);
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
		write_failed(k);
		return 0;
	}
	write_worked(k);
	k->heard = mono_ns();
	follower_set_durable(f, b->base + (uint64_t)taken);
	k->c->self->clock = b->clock;
	wake(k);
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

/* -- out: from the queue to the sinks -- */

static struct job *find_job(struct notify *k, uint32_t number)
{
	for (unsigned i = 0; i < MAX_JOBS; i++)
		if (k->jobs[i].used && k->jobs[i].number == number)
			return &k->jobs[i];
	return NULL;
}

static struct job *new_job(struct notify *k, struct recipient *r, const struct queue_row *row)
{
	struct job *j = k->jobs;
	while (j->used)
		j++;
	*j = (struct job){ .used = true, .number = k->next_number++ % HEARTBEAT_JOBS, .r = r, .id = row->id, .attempt = row->attempts + 1 };
	r->in_flight++;
	k->n_jobs++;
	return j;
}

static void free_job(struct notify *k, struct job *j)
{
	j->r->in_flight--;
	k->n_jobs--;
	j->used = false;
}

/* An attempt ended. Written down before anything follows from it, with others of the same turn. */
static void on_result(void *arg, const struct sink_result *r)
{
	struct notify *k = arg;
	if (heartbeats_result(k->beats, r))
		return;
	struct job *j = find_job(k, r->job);
	if (!j || j->ended)
		return;
	j->result = *r;
	j->ended = true;
	wake(k);
}

static void on_spawn_result(void *arg, const struct spawn_result *sr)
{
	struct sink_result r;
	sink_exec_result(sr, &r);
	on_result(arg, &r);
}

static void on_spawner_died(void *arg)
{
	struct notify *k = arg;
	log_error("leaving, to be started again with a spawner");
	proc_exit(k->c, 1);
}

/* Hands an attempt to its sink; the result may be there at once if that is not possible. */
static void begin_attempt(struct notify *k, struct job *j, const struct queue_row *row)
{
	static struct r_alert a;
	struct codec_reader r = { .base = row->record, .len = row->len };
	struct buf doc = { 0 };
	struct sink_result bad = { .job = j->number, .verdict = SINK_DEAD, .text = "the stored alert cannot be read" };
	if (codec_peek(&r) != R_ALERT || codec_read(&r, &a) != 1) {
		on_result(k, &bad);
		return;
	}
	struct document_delivery d = { row->id, j->r->conf->name, j->attempt, row->maybe_duplicate };
	document_write(&doc, &a, row->record, k->c->topo, &d);
	struct sink_job sj = { .job = j->number, .delivery = row->id, .alert = row->alert_id, .revision = row->revision,
			       .attempt = j->attempt, .maybe_duplicate = row->maybe_duplicate,
			       .action = enum_name(enum_action, a.alert.action),
			       .severity = enum_name(enum_severity, a.alert.severity), .recipient = j->r->conf->name,
			       .document = buf_cstr(&doc), .len = doc.len };
	FAULT("notify.send.before");
	if (j->r->sink->ops->send(j->r->sink, &sj) < 0) {
		bad.verdict = SINK_RETRY;
		snprintf(bad.text, sizeof bad.text, "cannot begin an attempt");
		on_result(k, &bad);
	}
	FAULT("notify.send.after");
	buf_release(&doc);
}

struct picked {
	struct queue_row row;
	struct job *job;
};

/* Takes what is due, as far as there is room. Returns the number, or -1. */
static int pick(struct notify *k, struct picked *p, uint64_t now)
{
	struct queue_row rows[MAX_JOBS];
	int n = 0;
	for (size_t i = 0; i < k->n; i++) {
		struct recipient *r = &k->r[i];
		unsigned slots = recipient_slots(r, now), room = MAX_JOBS - k->n_jobs;
		slots = slots < room ? slots : room;
		if (!slots)
			continue;
		int got = queue_due(k->q, r->conf->name, now, slots, rows);
		if (got < 0)
			return -1;
		for (int x = 0; x < got; x++) {
			p[n].row = rows[x];
			p[n++].job = new_job(k, r, &rows[x]);
		}
	}
	return n;
}

static int mark_started(struct notify *k, const struct picked *p, int n)
{
	if (queue_begin(k->q) < 0)
		return -1;
	for (int i = 0; i < n; i++)
		if (queue_start(k->q, p[i].row.id) < 0) {
			queue_rollback(k->q);
			return -1;
		}
	return queue_commit(k->q);
}

static void plan_next(struct notify *k, uint64_t now)
{
	uint64_t at = 0;
	for (size_t i = 0; i < k->n; i++) {
		const struct recipient *r = &k->r[i];
		uint64_t next = r->sink ? queue_next(k->q, r->conf->name) : 0;
		if (!next)
			continue;
		if (next < r->hold_until)
			next = r->hold_until;
		if (next <= now) /* due, but no slot is free: the end of an attempt wakes us */
			continue;
		if (!at || next < at)
			at = next;
	}
	if (at)
		loop_set_timer(k->due, (at - now) / 1000000 + 1, 0);
	else
		loop_stop_timer(k->due);
}

static void dispatch(struct notify *k)
{
	struct picked p[MAX_JOBS];
	uint64_t now = now_ns(k);
	if (k->stopping)
		return;
	int n = pick(k, p, now);
	bool started = n > 0 && mark_started(k, p, n) == 0;
	for (int i = 0; i < n; i++) {
		if (started)
			begin_attempt(k, p[i].job, &p[i].row);
		else
			free_job(k, p[i].job);
		queue_row_release(&p[i].row);
	}
	if (n < 0 || (n > 0 && !started)) {
		write_failed(k);
		return;
	}
	if (n > 0)
		write_worked(k);
	plan_next(k, now);
}

/* Says what changed with a recipient: once when it begins to fail, once when it works again, not for each alert. */
static void log_outcome(struct notify *k, const struct job *j, uint32_t failures_before)
{
	const char *name = j->r->conf->name;
	char id[ID_STRLEN];
	if (j->out.state == DLV_DEAD)
		log_limited(&k->dead_limit, "recipient %s: delivery %s is dead: %s", name, id_str(j->id, id), j->out.error);
	else if (j->out.state == DLV_RETRY && failures_before == 0)
		log_warn("recipient %s: %s; trying again", name, j->out.error);
	else if (j->out.state == DLV_SENT && failures_before > 0)
		log_info("recipient %s: works again", name);
}

static void decide(struct notify *k, struct job *j, uint64_t now)
{
	uint32_t before = j->r->failures;
	recipient_outcome(j->r, j->id, j->attempt, &j->result, now, &j->out, j->text, sizeof j->text);
	j->decided = true;
	log_outcome(k, j, before);
}

/* Writes down how attempts ended. -1 if that failed: they stay as they are. */
static int settle_ended(struct notify *k)
{
	uint64_t now = now_ns(k);
	unsigned n = 0;
	for (unsigned i = 0; i < MAX_JOBS; i++)
		n += k->jobs[i].used && k->jobs[i].ended;
	if (!n)
		return 0;
	FAULT("notify.mark.before");
	if (queue_begin(k->q) < 0)
		return -1;
	for (unsigned i = 0; i < MAX_JOBS; i++) {
		struct job *j = &k->jobs[i];
		if (!j->used || !j->ended)
			continue;
		if (!j->decided)
			decide(k, j, now);
		if (queue_finish(k->q, j->id, &j->out, now) < 0) {
			queue_rollback(k->q);
			return -1;
		}
	}
	if (queue_commit(k->q) < 0)
		return -1;
	FAULT("notify.mark.after");
	for (unsigned i = 0; i < MAX_JOBS; i++)
		if (k->jobs[i].used && k->jobs[i].ended)
			free_job(k, &k->jobs[i]);
	return 0;
}

static bool on_settle(void *arg)
{
	struct notify *k = arg;
	if (settle_ended(k) < 0) {
		write_failed(k);
		return false;
	}
	if (k->stopping && !k->n_jobs)
		proc_exit(k->c, 0);
	if (k->dispatch_wanted) {
		k->dispatch_wanted = false;
		dispatch(k);
	}
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
	wake(arg);
}

static void on_again(void *arg)
{
	struct notify *k = arg;
	if (!k->stopping)
		follower_resume(k->f);
	wake(k);
}

static void on_expire(void *arg)
{
	struct notify *k = arg;
	int n = queue_expire(k->q, now_ns(k));
	if (n < 0)
		log_limited(&k->limit, "cannot write deliveries: %s", queue_error(k->q));
	else if (n > 0)
		log_warn("%d deliveries have expired unsent (weir deliveries --state expired)", n);
}

/* -- questions and commands -- */

struct listing {
	struct match *m;
	struct buf body;
	uint32_t count, limit;
	uint64_t total, scanned, last;
	bool count_all, full;
};

static bool list_row(void *arg, const struct r_delivery *d, const char *base, uint64_t position)
{
	struct listing *l = arg;
	l->scanned++;
	if (!match_eval(l->m, d, base))
		return true;
	l->total++;
	if (l->count == l->limit || l->body.len > MAX_ANSWER) {
		l->full = true;
		return l->count_all;
	}
	codec_pack(&l->body, R_DELIVERY, d, base);
	l->count++;
	l->last = position;
	return true;
}

static struct match *parse_filter(struct link_req *q, const char *base, struct str filter)
{
	struct match_error e;
	char *text = xstrndup(filter.len ? base + filter.off : "", filter.len);
	struct match *m = match_parse(text, R_DELIVERY, &e);
	free(text);
	if (!m) {
		char why[256];
		snprintf(why, sizeof why, "filter: column %zu: %s", e.column, e.text);
		link_reply_status(q, 400, why);
	}
	return m;
}

static void on_query(struct notify *k, struct link_req *q, const struct g_query *g, const char *base)
{
	struct listing l = { .limit = g->limit && g->limit < MAX_PAGE ? g->limit : MAX_PAGE, .count_all = g->count };
	struct g_answer a = { .status = 200 };
	char cursor[24] = "";
	if (!str_eq(base, g->what, "deliveries")) {
		link_reply_status(q, 404, "notify has deliveries and nothing else");
		return;
	}
	l.m = parse_filter(q, base, g->filter);
	if (!l.m)
		return;
	text_of(cursor, sizeof cursor, base, g->cursor);
	if (queue_list(k->q, strtoull(cursor, NULL, 10), list_row, &l) < 0) {
		link_reply_status(q, 503, queue_error(k->q));
	} else {
		if (l.full) {
			snprintf(cursor, sizeof cursor, "%" PRIu64, l.last);
			a.next = (struct str){ 0, (uint32_t)strlen(cursor) };
		}
		a.count = l.count;
		a.total = g->count ? l.total : 0;
		a.scanned = l.scanned;
		link_reply(q, &a, cursor, &l.body);
	}
	match_free(l.m);
	buf_release(&l.body);
}

/* Ids of the deliveries that a command is about. */
struct chosen {
	struct match *m;
	struct buf ids; /* struct id */
};

static bool choose(void *arg, const struct r_delivery *d, const char *base, uint64_t position)
{
	(void)position;
	struct chosen *c = arg;
	if (match_eval(c->m, d, base))
		buf_add(&c->ids, &d->delivery.id, sizeof d->delivery.id);
	return true;
}

static uint64_t max_age_of(const struct notify *k)
{
	uint64_t age = 0;
	for (size_t i = 0; i < k->n; i++)
		age = k->r[i].conf->max_age > age ? k->r[i].conf->max_age : age;
	return age ? age : 24ull * 3600 * 1000000000u;
}

/* Applies retry or drop to all chosen, in one transaction. Number of those changed, or -1. */
static int64_t apply(struct notify *k, bool retry, const struct buf *ids)
{
	uint64_t now = now_ns(k);
	int64_t n = 0;
	if (queue_begin(k->q) < 0)
		return -1;
	for (size_t at = 0; at < ids->len; at += sizeof(struct id)) {
		struct id id;
		memcpy(&id, ids->p + at, sizeof id);
		int rc = retry ? queue_retry(k->q, id, now, now + max_age_of(k)) : queue_drop(k->q, id);
		if (rc < 0) {
			queue_rollback(k->q);
			return -1;
		}
		n += rc;
	}
	return queue_commit(k->q) < 0 ? -1 : n;
}

static void on_command(struct notify *k, struct link_req *q, const struct g_command *g, const char *base)
{
	bool retry = str_eq(base, g->op, "retry"), drop = str_eq(base, g->op, "drop");
	struct chosen c = { 0 };
	int64_t n = -1;
	if (!retry && !drop) {
		link_reply_status(q, 400, "op: retry and drop are all there is");
		return;
	}
	if (id_is_set(g->id)) {
		buf_add(&c.ids, &g->id, sizeof g->id);
	} else {
		c.m = parse_filter(q, base, g->text);
		if (!c.m)
			return;
		n = queue_list(k->q, 0, choose, &c);
	}
	if (id_is_set(g->id) || n == 0)
		n = apply(k, retry, &c.ids);
	if (n < 0) {
		link_reply_status(q, 503, queue_error(k->q));
	} else if (n == 0 && id_is_set(g->id)) {
		link_reply_status(q, 404, "no such delivery, or not in a state for that");
	} else {
		struct g_answer a = { .status = 200, .total = (uint64_t)n };
		link_reply(q, &a, NULL, NULL);
		log_info("%s of %" PRId64 " deliveries by %.*s", retry ? "retry" : "drop", n, (int)g->actor.len,
			 g->actor.len ? base + g->actor.off : "");
		for (size_t i = 0; i < k->n; i++)
			k->r[i].hold_until = 0;
		wake(k);
	}
	match_free(c.m);
	buf_release(&c.ids);
}

static void on_request(void *arg, struct link_req *q, enum rtype type, const void *rec, const char *base)
{
	struct notify *k = ((struct proc_ctx *)arg)->state;
	if (type == R_QUERY)
		on_query(k, q, &((const struct r_query *)rec)->query, base);
	else if (type == R_COMMAND)
		on_command(k, q, &((const struct r_command *)rec)->command, base);
	else
		link_reply_status(q, 404, "not served here");
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
	for (size_t i = 0; i < k->n; i++) {
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
	heartbeats_metrics(k->beats, m);
}

static void on_status(struct proc_ctx *c, char *state, size_t size)
{
	struct notify *k = c->state;
	uint64_t waiting = 0, lost = 0;
	const struct recipient *broken = NULL;
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

static bool is_literal(const char *secret)
{
	return secret && *secret && !strstr(secret, "${");
}

/* A secret that stands in a topology that everybody can read is none. */
static void refuse_literal(const struct topo *t, const struct topo_recipient *rc, struct secrets *s)
{
	struct stat st;
	if (is_literal(rc->secret) && stat(t->path, &st) == 0 && (st.st_mode & S_IROTH) && !s->broken)
		s->broken = xasprintf("its secret is written in %s, which everybody can read: use ${file:PATH}", t->path);
}

static char *expand(const char *text, struct secrets *s)
{
	struct buf out = { 0 }, err = { 0 };
	char *ret = NULL;
	if (secret_expand(text, &out, &err) == 0)
		ret = xstrdup(buf_cstr(&out));
	else if (!s->broken)
		s->broken = xstrdup(buf_cstr(&err));
	buf_release(&out);
	buf_release(&err);
	return ret;
}

static void read_secrets(const struct topo *t, const struct topo_recipient *rc, struct secrets *s)
{
	size_t n = 0;
	while (rc->headers && rc->headers[n])
		n++;
	s->headers = xcalloc(n + 1, sizeof *s->headers);
	s->url = expand(rc->url, s);
	for (size_t i = 0; i < n; i++)
		s->headers[i] = expand(rc->headers[i], s);
	if (rc->secret)
		s->secret = expand(rc->secret, s);
	refuse_literal(t, rc, s);
}

static int on_privileged(struct proc_ctx *c)
{
	struct notify *k = c->state;
	bool programs = false;
	k->secrets = xcalloc(c->topo->n_recipients + 1, sizeof *k->secrets);
	for (size_t i = 0; i < c->topo->n_recipients; i++) {
		programs |= c->topo->recipients[i].type == RCP_EXEC;
		if (c->topo->recipients[i].type == RCP_WEBHOOK)
			read_secrets(c->topo, &c->topo->recipients[i], &k->secrets[i]);
	}
	if (programs) {
		k->sp = spawner_start(c->topo);
		if (!k->sp)
			return -1;
	}
	return 0;
}

static void free_secrets(struct secrets *s)
{
	free(s->url);
	free(s->secret);
	for (char **h = s->headers; h && *h; h++)
		free(*h);
	free(s->headers);
}

static int init_recipient(struct notify *k, size_t i)
{
	struct recipient *r = &k->r[i];
	struct secrets *s = &k->secrets[i];
	struct buf err = { 0 };
	int rc = recipient_init(r, &k->c->topo->recipients[i], &err);
	if (rc < 0) {
		log_error("%s", buf_cstr(&err));
	} else if (s->broken) {
		r->broken = s->broken;
		log_error("recipient %s cannot be used, its deliveries wait: %s", r->conf->name, r->broken);
	} else if (r->conf->type == RCP_EXEC) {
		r->sink = sink_exec_new(k->sp, (unsigned)i);
	} else {
		if (!k->http)
			k->http = http_client_new(k->c->loop, on_result, k);
		r->sink = sink_http_new(k->http, s->url, s->headers, s->secret, r->conf->timeout);
	}
	free_secrets(s);
	buf_release(&err);
	return rc;
}

static int open_queue(struct notify *k)
{
	struct buf err = { 0 };
	const char **names = xcalloc(k->n + 1, sizeof *names);
	char *path = xasprintf("%s/notify.db", k->c->topo->state);
	int rc = -1, n = 0;
	k->q = queue_open(path, k->c->topo->notify.max_rows, &err);
	if (!k->q) {
		if (access(k->c->topo->state, W_OK) < 0)
			log_error("cannot write in %s: %s", k->c->topo->state, strerror(errno));
		else
			log_error("deliveries: %s", buf_cstr(&err));
		goto out;
	}
	for (size_t i = 0; i < k->n; i++)
		names[i] = k->r[i].conf->name;
	n = queue_recover(k->q, now_ns(k));
	if (n > 0)
		log_info("%d deliveries were under way at the last end: sent again, marked as maybe duplicate", n);
	if (n >= 0)
		n = queue_orphans(k->q, names, now_ns(k));
	if (n > 0)
		log_warn("%d deliveries are dead: their recipients are no longer in the topology", n);
	if (n < 0) {
		log_error("%s: %s", path, queue_error(k->q));
		goto out;
	}
	rc = 0;
out:
	free(path);
	free(names);
	buf_release(&err);
	return rc;
}

static void follow(struct notify *k)
{
	static const struct follower_ops ops = { .batch = on_batch, .gone = on_gone, .epoch = on_epoch, .idle = on_idle, .link = on_link };
	uint64_t epoch, next;
	char *url = topo_url(k->c->topo, "alertd", NULL);
	k->f = follower_new(k->c->loop, url, "deliveries", "notify", &ops, k);
	free(url);
	if (queue_cursor(k->q, &epoch, &next)) {
		follower_set(k->f, epoch, next);
		follower_set_durable(k->f, next);
	}
	follower_resume(k->f);
}

static int on_init(struct proc_ctx *c)
{
	struct notify *k = c->state;
	k->c = c;
	k->wall_base = wall_ns();
	k->mono_base = mono_ns();
	k->n = c->topo->n_recipients;
	k->r = xcalloc(k->n + 1, sizeof *k->r);
	if (k->sp) {
		static const struct spawner_ops ops = { on_spawn_result, on_spawner_died };
		spawner_attach(k->sp, c->loop, &ops, k);
	}
	for (size_t i = 0; i < k->n; i++)
		if (init_recipient(k, i) < 0)
			return -1;
	if (open_queue(k) < 0)
		return -1;
	k->due = loop_add_timer(c->loop, on_due, k);
	k->again = loop_add_timer(c->loop, on_again, k);
	k->expire = loop_add_timer(c->loop, on_expire, k);
	k->settle = loop_add_idle(c->loop, on_settle, k);
	loop_set_timer(k->expire, EXPIRE_MS, EXPIRE_MS);
	k->beats = heartbeats_new(c->loop, k->r, k->n, is_alive, k);
	metrics_source(c->metrics, put_metrics, k);
	metrics_counter(c->metrics, "alerts_unreadable", NULL, "records", &k->unreadable);
	metrics_counter(c->metrics, "alerts_missed", NULL, "records", &k->missed);
	proc_state(c, "waiting for alertd");
	follow(k);
	wake(k);
	return 0;
}

static void on_stop_limit(void *arg)
{
	struct notify *k = arg;
	log_info("%u attempts are still under way: they will be made again, marked as maybe duplicate", k->n_jobs);
	proc_exit(k->c, 0);
}

/* Attempts under way may end, no new ones begin. */
static void on_stop(struct proc_ctx *c)
{
	struct notify *k = c->state;
	k->stopping = true;
	follower_pause(k->f);
	loop_set_timer(loop_add_timer(c->loop, on_stop_limit, k), STOP_MS, 0);
	loop_wake_idle(k->settle);
}

int main(int argc, char **argv)
{
	static struct notify k;
	int code = proc_main(argc, argv, &(struct proc){ .name = "notify", .state = &k, .privileged = on_privileged,
							 .init = on_init, .ops = { .request = on_request },
							 .status = on_status, .stop = on_stop, .needs = PROC_NET });
	queue_close(k.q);
	return code;
}

/* From the queue to the sinks: what is due is sent, and how that ended is written down. */
#include <stdio.h>

#include "document.h"
#include "fault.h"
#include "notify_priv.h"
#include "sink_exec.h"

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
void attempts_result(void *arg, const struct sink_result *r)
{
	struct notify *k = arg;
	if (heartbeats_result(k->beats, r))
		return;
	struct job *j = find_job(k, r->job);
	if (!j || j->ended)
		return;
	j->result = *r;
	j->ended = true;
	notify_wake(k);
}

void attempts_spawn_result(void *arg, const struct spawn_result *sr)
{
	struct sink_result r;
	sink_exec_result(sr, &r);
	attempts_result(arg, &r);
}

/* Hands an attempt to its sink; the result may be there at once if that is not possible. */
static void begin_attempt(struct notify *k, struct job *j, const struct queue_row *row)
{
	static struct r_alert a;
	struct codec_reader r = { .base = row->record, .len = row->len };
	struct buf doc = { 0 };
	struct sink_result bad = { .job = j->number, .verdict = SINK_DEAD, .text = "the stored alert cannot be read" };
	if (codec_peek(&r) != R_ALERT || codec_read(&r, &a) != 1) {
		attempts_result(k, &bad);
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
		attempts_result(k, &bad);
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
	uint64_t now = notify_now(k);
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
		notify_write_failed(k, queue_error(k->q));
		return;
	}
	if (n > 0)
		notify_write_worked(k);
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
	uint64_t now = notify_now(k);
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

void attempts_settle(struct notify *k)
{
	if (k->q && settle_ended(k) < 0) {
		notify_write_failed(k, queue_error(k->q));
		return;
	}
	if (k->stopping && !k->n_jobs)
		notify_leave(k);
	if (k->q && k->dispatch_wanted) {
		k->dispatch_wanted = false;
		dispatch(k);
	}
}

/*
 * checks: classified flow records to alerts and history. Wiring: streams "flows/<sensor>" -> merge by packet time -> pipeline,
 * journal -> streams "alerts" and "history".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "fault.h"
#include "keep.h"
#include "log.h"
#include "lua_guard.h"
#include "pipeline.h"
#include "proc.h"
#include "watch.h"

#define MIN_STREAM   (16u << 20)   /* bytes that an output stream holds at least */
#define SILENT_NS    3000000000ull /* a sensor that does not answer holds the others up for this long */
#define LOOK_MS      500

struct checks;

/* One sensor's stream; how far it is worked on is in the pipeline's place of the same number. */
struct lane {
	struct checks *k;
	unsigned number;
	struct position *at;
	struct follower *in;
	uint64_t heard; /* monotonic */
};

struct checks {
	struct proc_ctx *c;
	struct pipeline p;
	struct keep *keep;     /* NULL: nothing is kept */
	struct lane *lanes;
	size_t n_lanes;
	struct lane *at_work;  /* whose batch is worked on */
	bool reread;           /* all sensors are files that can be read again */
	struct loop_timer *look;
	struct loop_idle *idle;
	uint64_t work_max;     /* ns, longest turn of keep_work */
};

static void wake(struct checks *k)
{
	struct engine *e = k->p.engine;
	stream_set_clock(k->p.alerts.stream, engine_clock(e));
	stream_set_clock(k->p.history.stream, engine_clock(e));
	server_wake(k->c->server, k->p.alerts.stream);
	server_wake(k->c->server, k->p.history.stream);
	k->c->self->clock = engine_clock(e);
}

/* -- the merge -- */

static bool is_silent(const struct lane *l)
{
	return !follower_up(l->in) && mono_ns() - l->heard > SILENT_NS;
}

/*
 * May this lane's next record be worked on? Only when no other lane is behind it: the order is by packet time, then by place
 * in the topology.
 */
static bool may_go(const struct checks *k, const struct lane *l)
{
	for (size_t i = 0; i < k->n_lanes; i++) {
		const struct lane *o = &k->lanes[i];
		if (o == l || o->at->ended || is_silent(o))
			continue;
		if (o->at->clock < l->at->clock || (o->at->clock == l->at->clock && o < l))
			return false;
	}
	return true;
}

/* True if what was done is written down, and may be told. */
static bool is_kept(struct checks *k)
{
	return !k->keep || keep_ready(k->keep, &k->p);
}

/* May more be taken in? */
static bool has_room(struct checks *k)
{
	return pipeline_has_room(&k->p) && is_kept(k) && !(k->keep && keep_is_full(k->keep, &k->p));
}

/*
 * Nothing more will come. A file that was read to its end is still asked for: that it is another one now, or is read in another
 * way, shows only in its epoch.
 */
static bool is_over(const struct lane *l)
{
	return l->at->ended && l->k->p.finished && !l->k->reread;
}

static void flow_control(struct checks *k)
{
	bool room = has_room(k);
	for (size_t i = 0; i < k->n_lanes; i++) {
		struct lane *l = &k->lanes[i];
		if (room && !is_over(l) && (l->at->ended || !l->at->started || may_go(k, l)))
			follower_resume(l->in);
		else
			follower_pause(l->in);
	}
}

/* Reports what is safe, and lets the consumers have what came of it. */
static void tell(struct checks *k)
{
	if (!is_kept(k))
		return;
	for (size_t i = 0; i < k->n_lanes; i++)
		if (k->lanes[i].at->started)
			follower_set_durable(k->lanes[i].in, k->lanes[i].at->next);
	FAULT("checks.ack");
	wake(k);
}

/* Snapshots go on between batches, and when there is nothing else to do. */
static bool work(void *arg)
{
	struct checks *k = arg;
	uint64_t began = mono_ns();
	bool full = k->keep && keep_is_full(k->keep, &k->p);
	bool more = k->keep && keep_work(k->keep, &k->p, began);
	uint64_t took = mono_ns() - began;
	if (took > k->work_max)
		k->work_max = took;
	if (full && !keep_is_full(k->keep, &k->p))
		flow_control(k);
	return more;
}

/* -- input -- */

static void enter(struct checks *k, const struct journal_entry *e)
{
	if (k->keep)
		keep_entry(k->keep, &k->p, e);
}

/* Files that are other ones now, or checks that are: all is read again, and the outputs are another run. */
static void begin_again(struct checks *k)
{
	log_info("a new run begins");
	if (k->keep)
		keep_forget(k->keep, &k->p);
	else
		pipeline_reset(&k->p, k->c->topo);
	for (size_t i = 0; i < k->n_lanes; i++) {
		follower_set(k->lanes[i].in, 0, 1);
		follower_set_durable(k->lanes[i].in, 0);
	}
}

static void note_epoch(struct lane *l, uint64_t epoch)
{
	struct checks *k = l->k;
	if (l->at->started && l->at->epoch == epoch)
		return;
	pipeline_epoch(&k->p, l->number, epoch);
	enter(k, &(struct journal_entry){ .kind = JR_EPOCH, .lane = (uint16_t)l->number, .epoch = epoch });
}

/* The first records wait until every sensor has begun: the epoch of the outputs is made of theirs. */
static bool have_begun(struct checks *k)
{
	if (k->p.has_epoch)
		return true;
	for (size_t i = 0; i < k->n_lanes; i++)
		if (!k->lanes[i].at->started && !is_silent(&k->lanes[i]))
			return false;
	uint64_t epoch = pipeline_make_epoch(&k->p);
	pipeline_begin(&k->p, epoch, k->p.nonce);
	enter(k, &(struct journal_entry){ .kind = JR_BEGIN, .epoch = epoch, .base = k->p.nonce });
	return true;
}

static bool go(void *arg)
{
	struct checks *k = arg;
	if (k->keep && keep_is_due(k->keep, &k->p) && engine_is_idle(k->p.engine))
		return false; /* at most batches something waits to be judged: now nothing does */
	return pipeline_has_room(&k->p) && may_go(k, k->at_work);
}

static uint32_t on_batch(void *arg, struct follower *f, const struct g_batch *b, struct codec_reader *r)
{
	struct lane *l = arg;
	struct checks *k = l->k;
	size_t from = r->pos;
	l->heard = mono_ns();
	if (!is_kept(k))
		return 0;
	if (k->keep && keep_is_full(k->keep, &k->p)) {
		follower_pause(f);
		return 0;
	}
	note_epoch(l, b->epoch);
	if (b->base != l->at->next) {
		follower_set(f, b->epoch, l->at->next);
		return 0;
	}
	if (!is_kept(k) || !have_begun(k) || !is_kept(k)) {
		follower_pause(f);
		return 0;
	}
	k->at_work = l;
	uint32_t n = pipeline_records(&k->p, l->number, b->base, b->count, r, go, k);
	if (n)
		enter(k, &(struct journal_entry){ .kind = JR_RECORDS, .lane = (uint16_t)l->number, .count = n, .base = b->base,
						  .body = r->base + from, .len = (uint32_t)(r->pos - from) });
	tell(k);
	if (work(k))
		loop_wake_idle(k->idle);
	flow_control(k);
	if (k->p.finished)
		proc_state(k->c, "end of input");
	return n;
}

static bool on_epoch(void *arg, struct follower *f, uint64_t epoch)
{
	struct lane *l = arg;
	if (l->k->reread && l->at->started && l->at->epoch != epoch) {
		begin_again(l->k);
		return true;
	}
	note_epoch(l, epoch);
	follower_set(f, epoch, l->at->next);
	tell(l->k);
	return true;
}

static bool on_gone(void *arg, struct follower *f, uint64_t tail)
{
	struct lane *l = arg;
	(void)f;
	pipeline_lost(&l->k->p, l->number, tail);
	enter(l->k, &(struct journal_entry){ .kind = JR_LOST, .lane = (uint16_t)l->number, .base = tail });
	tell(l->k);
	return true;
}

static void on_idle(void *arg, struct follower *f, const struct g_batch *b)
{
	struct lane *l = arg;
	(void)f;
	(void)b;
	l->heard = mono_ns();
}

/* A sensor that went silent must not hold the others up; a disk that was full may have room. */
static void on_look(void *arg)
{
	struct checks *k = arg;
	tell(k);
	if (work(k))
		loop_wake_idle(k->idle);
	flow_control(k);
}

static void on_fetched(void *arg, struct stream *s)
{
	struct proc_ctx *c = arg;
	struct checks *k = c->state;
	/*
	 * After a loss of power our disk may know less than a consumer's. Numbers that it has stored are not used again: live, they
	 * would be other records. What is read again from files is the same under the same numbers.
	 */
	if (k->p.nonce && k->p.has_epoch && stream_claimed(s) > stream_head(s)) {
		log_warn("%s: %" PRIu64 " records were stored that are not known here any more", stream_name(s),
			 stream_claimed(s) - stream_head(s));
		stream_restart(s, stream_epoch(s), stream_claimed(s));
	}
	bool waited = k->p.alerts.overflow.len || k->p.history.overflow.len;
	flow_control(k);
	if (waited)
		tell(k);
}

static void on_request(void *arg, struct link_req *q, enum rtype type, const void *rec, const char *base)
{
	struct proc_ctx *c = arg;
	struct checks *k = c->state;
	if (type != R_SNAPSHOT) {
		link_reply_status(q, 404, "not served here");
		return;
	}
	const struct g_snapshot *s = &((const struct r_snapshot *)rec)->snapshot;
	bool hosts = str_eq(base, s->what, "hosts"), scripts = str_eq(base, s->what, "scripts");
	uint64_t cursor = s->cursor;
	struct buf body = { 0 };
	char next[24];
	if (!hosts && !scripts && !str_eq(base, s->what, "flows")) {
		link_reply_status(q, 400, "what: flows, hosts or scripts");
		return;
	}
	struct g_answer a = { .status = 200, .epoch = stream_epoch(k->p.history.stream),
			      .head = stream_head(k->p.history.stream) };
	if (scripts)
		a.count = engine_scripts(k->p.engine, &body);
	else
		a.count = engine_snapshot(k->p.engine, hosts, &cursor, &body);
	int n = cursor && !scripts ? snprintf(next, sizeof next, "%" PRIu64, cursor) : 0;
	a.next = (struct str){ 0, (uint32_t)n };
	link_reply(q, &a, next, &body);
	buf_release(&body);
}

/* -- start -- */

static void init_output(struct checks *k, struct output *o, const char *name)
{
	const struct topo_link *link = topo_link(k->c->topo, name);
	o->stream = stream_new(name, 0, link->bytes > MIN_STREAM ? link->bytes : MIN_STREAM);
	o->durable = link->durable;
	for (char **d = link->durable; d && *d; d++)
		stream_add_durable(o->stream, *d);
	server_add_stream(k->c->server, o->stream);
}

static void init_lane(struct checks *k, struct lane *l, const struct topo_sensor *sensor)
{
	static const struct follower_ops ops = { .batch = on_batch, .gone = on_gone, .epoch = on_epoch, .idle = on_idle };
	char *url = topo_url(k->c->topo, "classify", NULL), *stream = xasprintf("flows/%s", sensor->name);
	l->k = k;
	l->number = (unsigned)(l - k->lanes);
	l->at = &k->p.positions[l->number];
	l->heard = mono_ns();
	l->in = follower_new(k->c->loop, url, stream, "checks", &ops, l);
	/* From where our knowledge ends: a file is read again, an interface says what is gone. */
	follower_set(l->in, l->at->epoch, l->at->next);
	follower_set_durable(l->in, l->at->epoch ? l->at->next : 0);
	if (!is_over(l))
		follower_resume(l->in);
	free(url);
	free(stream);
}

static bool can_reread(const struct topo *t)
{
	for (size_t i = 0; i < t->n_sensors; i++)
		if (t->sensors[i].source != SRC_FILES && t->sensors[i].source != SRC_DIRECTORY)
			return false;
	return true;
}

/* What was kept counts if it belongs to the run that would begin now. */
static int recover(struct checks *k)
{
	const struct topo *t = k->c->topo;
	struct pipeline *p = &k->p;
	if (!t->checks.keep)
		return 0;
	uint64_t began = mono_ns();
	k->keep = keep_new(t);
	if (!k->keep || !keep_recover(k->keep, p))
		return -1;
	if (p->has_epoch && k->reread && pipeline_make_epoch(p) != stream_epoch(p->alerts.stream)) {
		log_info("checks or sensors have changed since: a new run begins");
		keep_forget(k->keep, p);
	}
	if (p->has_epoch)
		log_info("recovered in %.1f s: records=%" PRIu64 " run=%016" PRIx64, (double)(mono_ns() - began) / 1e9, p->records,
			 stream_epoch(p->alerts.stream));
	return 0;
}

static void metrics_cb(void *arg, struct metrics *m)
{
	struct checks *k = arg;
	metrics_bound(m, "log_max", "alerts", "bytes", (double)stream_max(k->p.alerts.stream));
	metrics_bound(m, "log_max", "history", "bytes", (double)stream_max(k->p.history.stream));
	for (size_t i = 0; i < k->c->topo->n_sensors; i++)
		follower_metrics(k->lanes[i].in, m);
	engine_metrics(k->p.engine, m);
	if (!k->keep)
		return;
	keep_metrics(k->keep, m);
	metrics_put(m, "keep_work_max", NULL, "seconds", false, (double)k->work_max / 1e9);
}

/* Only live: a replay gives the same, whatever the processes were doing. */
static void on_health(void *arg, const struct engine_health *h)
{
	struct checks *k = arg;
	struct buf rec = { 0 };
	if (!k->p.nonce || !k->p.has_epoch || !is_kept(k))
		return;
	pipeline_pack_health(&rec, h);
	pipeline_health(&k->p, rec.p, rec.len);
	enter(k, &(struct journal_entry){ .kind = JR_HEALTH, .body = rec.p, .len = (uint32_t)rec.len });
	buf_release(&rec);
}

/* Scripts may end or hang the process. */
static void watch_scripts(struct checks *k)
{
	struct poison *p = k->c->poison;
	poison_watchdog(p, k->c->topo->checks.watchdog);
	k->p.guard = lua_guard(p);
}

static int init(struct proc_ctx *c)
{
	struct checks *k = c->state;
	k->c = c;
	init_output(k, &k->p.alerts, "alerts");
	init_output(k, &k->p.history, "history");
	watch_scripts(k);
	pipeline_init(&k->p, c->topo);
	k->reread = can_reread(c->topo);
	if (recover(k) < 0)
		return -1;
	k->n_lanes = c->topo->n_sensors;
	k->lanes = xcalloc(k->n_lanes, sizeof *k->lanes);
	for (size_t i = 0; i < k->n_lanes; i++)
		init_lane(k, &k->lanes[i], &c->topo->sensors[i]);
	if (k->p.nonce)
		watch_new(c->loop, c->topo, on_health, k);
	k->look = loop_add_timer(c->loop, on_look, k);
	loop_set_timer(k->look, LOOK_MS, LOOK_MS);
	k->idle = loop_add_idle(c->loop, work, k);
	metrics_counter(c->metrics, "records", NULL, "records", &k->p.records);
	metrics_counter(c->metrics, "unreadable", NULL, "records", &k->p.unreadable);
	metrics_source(c->metrics, metrics_cb, k);
	return 0;
}

static void status(struct proc_ctx *c, char *state, size_t size)
{
	struct checks *k = c->state;
	const char *trouble = k->keep ? keep_trouble(k->keep) : NULL;
	bool waiting = false;
	c->self->lag = 0;
	for (size_t i = 0; i < k->n_lanes; i++) {
		c->self->lag += follower_lag(k->lanes[i].in);
		waiting |= !follower_up(k->lanes[i].in);
	}
	c->self->queue = stream_bytes(k->p.alerts.stream) + stream_bytes(k->p.history.stream);
	c->self->queue_max = stream_max(k->p.alerts.stream) + stream_max(k->p.history.stream);
	c->self->drops = k->p.unreadable;
	if (trouble)
		snprintf(state, size, "cannot go on: %s", trouble);
	else if (k->p.finished)
		snprintf(state, size, "end of input");
	else if (k->keep && keep_is_full(k->keep, &k->p))
		snprintf(state, size, "waiting for a snapshot: the journal is full");
	else
		snprintf(state, size, waiting ? "waiting for classify" : pipeline_has_room(&k->p) ? "running" : "waiting for consumers");
}

int main(int argc, char **argv)
{
	static struct checks k;
	int code = proc_main(argc, argv, &(struct proc){ .name = "checks", .state = &k, .init = init,
							 .ops = { .request = on_request, .fetched = on_fetched },
							 .status = status, .guarded = true, .needs = PROC_JIT });
	keep_free(k.keep);
	pipeline_release(&k.p);
	return code;
}

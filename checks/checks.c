/*
 * checks: classified flow records to alerts and history. Wiring: streams "flows/<sensor>" -> merge by packet time -> engine ->
 * streams "alerts" and "history".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "engine.h"
#include "hash.h"
#include "log.h"
#include "proc.h"

#define ROOM         (8u << 20)    /* below this nothing is taken in */
#define SILENT_NS    3000000000ull /* a sensor that does not answer holds the others up for this long */
#define LOOK_MS      500

struct checks;

/* What has come out of the engine; overflow is what the stream had no room for, while one record is worked on. */
struct output {
	struct stream *stream;
	struct buf overflow; /* length, record, length, record ... */
	size_t drained;
};

/* One sensor's stream. clock: packet time it has reached; the others wait for it. */
struct lane {
	struct checks *k;
	const char *sensor;
	struct follower *in;
	uint64_t clock, epoch;
	bool ended, started;
	uint64_t heard; /* monotonic */
};

struct checks {
	struct proc_ctx *c;
	struct engine *engine;
	struct lane *lanes;
	size_t n_lanes;
	struct output alerts, history;
	bool finished, has_epoch;
	uint64_t nonce; /* live: this run's own */
	uint64_t records, unreadable;
	struct loop_timer *look;
	struct log_limit limit;
};

/* -- output -- */

static void put_out(struct output *o, const char *rec, size_t len)
{
	uint32_t n = (uint32_t)len;
	if (o->overflow.len == 0 && stream_append(o->stream, rec, len, NULL) == 0)
		return;
	buf_add(&o->overflow, &n, sizeof n);
	buf_add(&o->overflow, rec, len);
}

static void drain(struct output *o)
{
	while (o->drained < o->overflow.len) {
		uint32_t n;
		memcpy(&n, o->overflow.p + o->drained, sizeof n);
		if (stream_append(o->stream, o->overflow.p + o->drained + sizeof n, n, NULL) < 0)
			return;
		o->drained += sizeof n + n;
	}
	buf_reset(&o->overflow);
	o->drained = 0;
}

static bool has_room(struct checks *k)
{
	drain(&k->alerts);
	drain(&k->history);
	return !k->alerts.overflow.len && !k->history.overflow.len && stream_room(k->alerts.stream) > ROOM / 8 &&
	       stream_room(k->history.stream) > ROOM / 8;
}

static void on_alert(void *arg, const char *rec, size_t len)
{
	put_out(&((struct checks *)arg)->alerts, rec, len);
}

static void on_history(void *arg, const char *rec, size_t len)
{
	put_out(&((struct checks *)arg)->history, rec, len);
}

static void put_both(struct checks *k, const char *rec, size_t len)
{
	put_out(&k->alerts, rec, len);
	put_out(&k->history, rec, len);
}

static void wake(struct checks *k)
{
	stream_set_clock(k->alerts.stream, engine_clock(k->engine));
	stream_set_clock(k->history.stream, engine_clock(k->engine));
	server_wake(k->c->server, k->alerts.stream);
	server_wake(k->c->server, k->history.stream);
	k->c->self->clock = engine_clock(k->engine);
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
		if (o == l || o->ended || is_silent(o))
			continue;
		if (o->clock < l->clock || (o->clock == l->clock && o < l))
			return false;
	}
	return true;
}

static void flow_control(struct checks *k)
{
	bool room = has_room(k);
	for (size_t i = 0; i < k->n_lanes; i++) {
		struct lane *l = &k->lanes[i];
		if (room && !l->ended && (!l->started || may_go(k, l)))
			follower_resume(l->in);
		else
			follower_pause(l->in);
	}
}

/* -- input -- */

/* The epoch of what comes out: the same input and the same checks give the same records under the same numbers. */
static void set_epoch(struct checks *k)
{
	uint64_t h = hash_content(&k->nonce, sizeof k->nonce, engine_conf_hash(k->engine));
	for (size_t i = 0; i < k->n_lanes; i++)
		h = hash_content(&k->lanes[i].epoch, sizeof h, h);
	h = h ? h : 1;
	k->has_epoch = true;
	engine_set_epoch(k->engine, h);
	stream_restart(k->alerts.stream, h, 1);
	stream_restart(k->history.stream, h, 1);
}

static void all_ended(struct checks *k, const char *rec, size_t len)
{
	for (size_t i = 0; i < k->n_lanes; i++)
		if (!k->lanes[i].ended)
			return;
	k->finished = true;
	engine_finish(k->engine);
	put_both(k, rec, len);
	proc_state(k->c, "end of input");
	log_info("end of input");
}

union input {
	struct r_verdict verdict;
	struct r_update update;
	struct r_end end;
	struct r_tick tick;
	struct r_gap gap;
	struct r_config config;
	struct r_arp arp;
};

/* Packets that crashed a process go to the store, on the stream that is never shed. */
static void put_quarantine(struct checks *k, const struct r_verdict *v, const char *base)
{
	struct r_quarantine q = { .key = v->key, .packets = v->packets };
	struct buf out = { 0 };
	codec_pack(&out, R_QUARANTINE, &q, base);
	put_out(&k->alerts, out.p, out.len);
	buf_release(&out);
}

/* Works on the record at r. 1 done, 0 end, -1 unreadable. */
static int one_record(struct lane *l, struct codec_reader *r)
{
	static union input u;
	struct checks *k = l->k;
	enum rtype type = codec_peek(r);
	size_t at = r->pos, len;
	bool ours = type == R_VERDICT || type == R_UPDATE || type == R_END || type == R_TICK || type == R_EOS ||
		    type == R_GAP || type == R_CONFIG || type == R_ARP;
	int rc = ours ? codec_read(r, &u) : codec_skip(r, &at, &len);
	if (rc != 1)
		return rc;
	const char *raw = r->base + at;
	len = r->pos - at;
	k->records++;
	switch (type) {
	case R_VERDICT:
		engine_verdict(k->engine, &u.verdict, r->base, raw, len);
		if (u.verdict.packets.data.len)
			put_quarantine(k, &u.verdict, r->base);
		break;
	case R_UPDATE:
		engine_update(k->engine, &u.update, r->base);
		break;
	case R_END:
		engine_end(k->engine, &u.end, r->base);
		break;
	case R_TICK:
		l->clock = u.tick.tick.to;
		engine_tick(k->engine, &u.tick, r->base);
		put_both(k, raw, len);
		break;
	case R_EOS:
		l->ended = true;
		engine_tick(k->engine, &u.tick, r->base);
		all_ended(k, raw, len);
		break;
	case R_GAP:
		engine_gap(k->engine, &u.gap, r->base);
		put_both(k, raw, len);
		break;
	case R_ARP:
		engine_arp(k->engine, &u.arp, r->base);
		break;
	case R_CONFIG:
		engine_config(k->engine, &u.config, r->base);
		put_both(k, raw, len);
		break;
	default:
		break;
	}
	return 1;
}

static void other_epoch(struct lane *l, uint64_t epoch)
{
	if (l->epoch && l->epoch != epoch) {
		log_warn("sensor %s began a new run: its open flows are lost", l->sensor);
		engine_lost(l->k->engine, l->sensor);
	}
	l->epoch = epoch;
}

static uint32_t on_batch(void *arg, struct follower *f, const struct g_batch *b, struct codec_reader *r)
{
	struct lane *l = arg;
	struct checks *k = l->k;
	uint32_t n = 0;
	l->heard = mono_ns();
	other_epoch(l, b->epoch);
	l->started = true;
	for (size_t i = 0; i < k->n_lanes && !k->has_epoch; i++)
		if (!k->lanes[i].started && !is_silent(&k->lanes[i])) {
			follower_pause(f);
			return 0; /* the first records wait until every sensor has begun */
		}
	if (!k->has_epoch)
		set_epoch(k);
	while (n < b->count && has_room(k) && may_go(k, l)) {
		int rc = one_record(l, r);
		if (rc < 0) {
			log_limited(&k->limit, "record %" PRIu64 " of sensor %s cannot be read: %s", b->base + n, l->sensor,
				    r->error);
			k->unreadable += b->count - n;
			n = b->count; /* where the next one begins is not known */
			break;
		}
		n++;
	}
	follower_set_durable(f, b->base + n);
	wake(k);
	flow_control(k);
	return n;
}

static bool on_epoch(void *arg, struct follower *f, uint64_t epoch)
{
	struct lane *l = arg;
	other_epoch(l, epoch);
	l->ended = false;
	follower_set(f, epoch, 1);
	return true;
}

static bool on_gone(void *arg, struct follower *f, uint64_t tail)
{
	struct lane *l = arg;
	if (follower_next(f) > 1)
		log_warn("records %" PRIu64 " to %" PRIu64 " of sensor %s are gone", follower_next(f), tail - 1, l->sensor);
	engine_lost(l->k->engine, l->sensor);
	return true;
}

static void on_idle(void *arg, struct follower *f, const struct g_batch *b)
{
	struct lane *l = arg;
	(void)f;
	(void)b;
	l->heard = mono_ns();
}

/* A sensor that went silent must not hold the others up. */
static void on_look(void *arg)
{
	flow_control(arg);
}

static void on_fetched(void *arg, struct stream *s)
{
	(void)s;
	struct proc_ctx *c = arg;
	struct checks *k = c->state;
	bool waited = k->alerts.overflow.len || k->history.overflow.len;
	flow_control(k);
	if (waited)
		wake(k);
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
	bool hosts = str_eq(base, s->what, "hosts");
	uint64_t cursor = s->cursor;
	struct buf body = { 0 };
	char next[24];
	if (!hosts && !str_eq(base, s->what, "flows")) {
		link_reply_status(q, 400, "what: flows or hosts");
		return;
	}
	struct g_answer a = { .status = 200, .epoch = stream_epoch(k->history.stream),
			      .head = stream_head(k->history.stream) };
	a.count = engine_snapshot(k->engine, hosts, &cursor, &body);
	int n = cursor ? snprintf(next, sizeof next, "%" PRIu64, cursor) : 0;
	a.next = (struct str){ 0, (uint32_t)n };
	link_reply(q, &a, next, &body);
	buf_release(&body);
}

/* -- start -- */

static void init_output(struct checks *k, struct output *o, const char *name)
{
	const struct topo_link *link = topo_link(k->c->topo, name);
	o->stream = stream_new(name, 0, link->bytes > 2 * ROOM ? link->bytes : 2 * ROOM);
	for (char **d = link->durable; d && *d; d++)
		stream_add_durable(o->stream, *d);
	server_add_stream(k->c->server, o->stream);
}

static void init_lane(struct checks *k, struct lane *l, const struct topo_sensor *sensor)
{
	static const struct follower_ops ops = { .batch = on_batch, .gone = on_gone, .epoch = on_epoch, .idle = on_idle };
	char *url = topo_url(k->c->topo, "classify", NULL), *stream = xasprintf("flows/%s", sensor->name);
	l->k = k;
	l->sensor = sensor->name;
	l->heard = mono_ns();
	l->in = follower_new(k->c->loop, url, stream, "checks", &ops, l);
	/* From the first record on: a file is read again, an interface says what is gone. */
	follower_set(l->in, 0, 1);
	follower_resume(l->in);
	free(url);
	free(stream);
}

static void metrics_cb(void *arg, struct metrics *m)
{
	engine_metrics(((struct checks *)arg)->engine, m);
}

static int init(struct proc_ctx *c)
{
	struct checks *k = c->state;
	static const struct engine_ops ops = { on_alert, on_history };
	k->c = c;
	k->engine = engine_new(c->topo, &ops, k);
	for (size_t i = 0; i < c->topo->n_sensors; i++)
		if (c->topo->sensors[i].source == SRC_INTERFACE)
			k->nonce = hash_key_random().k0;
	init_output(k, &k->alerts, "alerts");
	init_output(k, &k->history, "history");
	k->n_lanes = c->topo->n_sensors;
	k->lanes = xcalloc(k->n_lanes, sizeof *k->lanes);
	for (size_t i = 0; i < k->n_lanes; i++)
		init_lane(k, &k->lanes[i], &c->topo->sensors[i]);
	k->look = loop_add_timer(c->loop, on_look, k);
	loop_set_timer(k->look, LOOK_MS, LOOK_MS);
	metrics_counter(c->metrics, "records", NULL, "records", &k->records);
	metrics_counter(c->metrics, "unreadable", NULL, "records", &k->unreadable);
	metrics_source(c->metrics, metrics_cb, k);
	return 0;
}

static void status(struct proc_ctx *c, char *state, size_t size)
{
	struct checks *k = c->state;
	bool waiting = false;
	c->self->lag = 0;
	for (size_t i = 0; i < k->n_lanes; i++) {
		c->self->lag += follower_lag(k->lanes[i].in);
		waiting |= !follower_up(k->lanes[i].in);
	}
	c->self->queue = stream_bytes(k->alerts.stream) + stream_bytes(k->history.stream);
	c->self->queue_max = stream_max(k->alerts.stream) + stream_max(k->history.stream);
	c->self->drops = k->unreadable;
	if (!k->finished)
		snprintf(state, size, waiting ? "waiting for classify" : has_room(k) ? "running" : "waiting for consumers");
}

int main(int argc, char **argv)
{
	static struct checks k;
	int code = proc_main(argc, argv, &(struct proc){ .name = "checks", .state = &k, .init = init,
							 .ops = { .request = on_request, .fetched = on_fetched },
							 .status = status, .needs = PROC_JIT });
	engine_free(k.engine); /* a leak check cannot follow the pointers inside LuaJIT */
	return code;
}

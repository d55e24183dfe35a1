/*
 * classify: HEAD to VERDICT, one to one; all other records pass through as they are, under the same numbers. Holds nothing
 * that matters: it starts where its consumer asks, and asks upstream for the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include "app.h"
#include "codec.h"
#include "fault.h"
#include "log.h"
#include "poison.h"
#include "proc.h"

#define FULL_ROOM (2u << 20) /* below this nothing is fetched */

struct classify;

/* One sensor's stream through this process. */
struct lane {
	struct classify *k;
	const char *sensor;
	struct follower *in;
	struct stream *out;
	bool started;
};

struct classify {
	struct proc_ctx *c;
	struct app *app;
	struct lane *lanes;
	size_t n_lanes;
	struct buf packed, arena;
	uint64_t heads, classified, crashed, timed_out, shed; /* heads = the sum of the others */
	uint64_t unreadable, guessed, unknown;
	struct log_limit limit;
};

/* It crashed or hung nDPI twice: the packets go to the quarantine instead. */
static void skip_poison(struct lane *l, const struct r_head *h, enum poison_verdict why, struct g_flow_app *app,
			struct g_packets *rest)
{
	struct classify *k = l->k;
	app->state = why == POISON_TIMED_OUT ? VERDICT_TIMED_OUT : VERDICT_CRASHED;
	rest->data = h->head.data;
	*(why == POISON_TIMED_OUT ? &k->timed_out : &k->crashed) += 1;
	log_warn("record %llu of %s %s twice and is skipped", (unsigned long long)stream_head(l->out), l->sensor,
		 why == POISON_TIMED_OUT ? "took too long" : "crashed nDPI");
}

/* The one place where hostile bytes meet nDPI. */
static void try_head(struct lane *l, const struct r_head *h, const char *base, struct g_flow_app *app, struct g_packets *rest)
{
	struct poison *p = l->k->c->poison;
	uint64_t seq = stream_head(l->out), epoch = stream_epoch(l->out);
	enum poison_verdict known = poison_ask(p, l->sensor, epoch, seq, "");
	if (known == POISON_CRASHED || known == POISON_TIMED_OUT) {
		skip_poison(l, h, known, app, rest);
		return;
	}
	poison_enter(p, l->sensor, epoch, seq, "");
	FAULT_RECORD("classify.head", seq);
	app_classify(l->k->app, &h->key, str_ptr(base, h->head.data), h->head.data.len, app, &l->k->arena);
	poison_leave(p);
	l->k->classified++;
}

/* Key and counters are not taken apart to be packed again: at tells where in base the HEAD has them. */
static void classify_head(struct lane *l, const struct r_head *h, const char *base, const struct codec_places *at, struct buf *out)
{
	struct classify *k = l->k;
	struct g_flow_app app = { 0 };
	struct g_packets rest = { 0 };
	buf_reset(&k->arena);
	k->heads++;
	if (h->head.data.len) {
		try_head(l, h, base, &app, &rest);
	} else {
		app.state = VERDICT_SHED; /* the packets were shed on the way */
		k->shed++;
	}
	app.n = h->head.n;
	app.final = h->head.final;
	k->guessed += app.state == VERDICT_GUESSED;
	k->unknown += app.state == VERDICT_UNKNOWN;
	const struct codec_part part[] = {
		[RG_verdict_key] = { .base = base, .packed = at->group[RG_head_key] },
		[RG_verdict_app] = { .p = &app, .base = k->arena.p },
		[RG_verdict_packets] = { .p = &rest, .base = base },
		[RG_verdict_n] = { .base = base, .packed = at->group[RG_head_n] },
	};
	codec_pack_parts(out, R_VERDICT, part);
}

/* The next record of a batch, as it goes out. False if the rest of the batch cannot be read. */
static bool pass_record(struct lane *l, struct codec_reader *r)
{
	struct classify *k = l->k;
	struct r_head h;
	struct codec_places places;
	size_t at, len;
	buf_reset(&k->packed);
	if (codec_peek(r) == R_HEAD) {
		if (codec_read_parts(r, R_HEAD, 1u << RG_head_key | 1u << RG_head_head, &h, &places) != 1)
			return false;
		classify_head(l, &h, r->base, &places, &k->packed);
		return stream_append(l->out, k->packed.p, k->packed.len, NULL) == 0;
	}
	if (codec_skip(r, &at, &len) != 1)
		return false;
	return stream_append(l->out, r->base + at, len, NULL) == 0;
}

static void flow_control(struct lane *l)
{
	if (!l->started || stream_room(l->out) < FULL_ROOM)
		follower_pause(l->in);
	else
		follower_resume(l->in);
}

static uint32_t on_batch(void *arg, struct follower *f, const struct g_batch *b, struct codec_reader *r)
{
	struct lane *l = arg;
	uint32_t n = 0;
	if (stream_epoch(l->out) == 0) /* the first answer tells which run this is */
		stream_restart(l->out, b->epoch, b->base);
	if (b->base != stream_head(l->out)) { /* it was moved while the answer was on its way */
		follower_set(f, stream_epoch(l->out), stream_head(l->out));
		return 0;
	}
	FAULT("classify.publish.before");
	while (n < b->count && stream_has_room(l->out, CODEC_MAX_RECORD) && pass_record(l, r))
		n++;
	if (n < b->count && r->error) {
		/* Numbers must stay as they are: a record that cannot be read becomes an empty verdict. */
		struct r_verdict bad = { .app = { .state = VERDICT_CRASHED } };
		log_limited(&l->k->limit, "record %llu of %s cannot be read: %s", (unsigned long long)b->base + n, l->sensor,
			    r->error);
		l->k->unreadable++;
		buf_reset(&l->k->packed);
		codec_pack(&l->k->packed, R_VERDICT, &bad, NULL);
		if (stream_append(l->out, l->k->packed.p, l->k->packed.len, NULL) == 0)
			n++;
	}
	FAULT("classify.publish.after");
	stream_set_clock(l->out, b->clock);
	l->k->c->self->clock = b->clock;
	follower_set_durable(f, stream_durable(l->out));
	server_wake(l->k->c->server, l->out);
	flow_control(l);
	return n;
}

static void on_idle(void *arg, struct follower *f, const struct g_batch *b)
{
	struct lane *l = arg;
	stream_set_clock(l->out, b->clock);
	follower_set_durable(f, stream_durable(l->out));
}

static bool on_epoch(void *arg, struct follower *f, uint64_t epoch)
{
	struct lane *l = arg;
	log_info("sensor %s began a new run", l->sensor);
	stream_restart(l->out, epoch, 1);
	follower_set(f, epoch, 1);
	server_wake(l->k->c->server, l->out);
	return true;
}

/* A live sensor no longer has what we want: the numbers in between are gone for our consumer too. */
static bool on_gone(void *arg, struct follower *f, uint64_t tail)
{
	struct lane *l = arg;
	log_warn("records %llu to %llu of sensor %s are gone", (unsigned long long)follower_next(f),
		 (unsigned long long)tail - 1, l->sensor);
	stream_restart(l->out, stream_epoch(l->out), tail);
	follower_set(f, stream_epoch(l->out), tail);
	return true;
}

static struct lane *lane_of(struct classify *k, const struct stream *s)
{
	for (size_t i = 0; i < k->n_lanes; i++)
		if (k->lanes[i].out == s)
			return &k->lanes[i];
	return NULL;
}

static void start_at(struct lane *l, uint64_t epoch, uint64_t from)
{
	stream_restart(l->out, epoch, from ? from : 1);
	follower_set(l->in, epoch, from ? from : 1);
	follower_set_durable(l->in, from);
	l->started = true;
}

/* The consumer knows where to begin: before it has asked there is nothing to do. */
static void on_fetched(void *arg, struct stream *s)
{
	struct proc_ctx *c = arg;
	struct lane *l = lane_of(c->state, s);
	if (!l)
		return;
	FAULT("classify.ack");
	if (!l->started)
		start_at(l, stream_epoch(s), 1);
	follower_set_durable(l->in, stream_durable(l->out));
	flow_control(l);
}

static bool on_rewind(void *arg, struct stream *s, uint64_t from, uint64_t epoch)
{
	struct proc_ctx *c = arg;
	struct lane *l = lane_of(c->state, s);
	if (!l || (epoch && stream_epoch(s) && epoch != stream_epoch(s)))
		return false;
	start_at(l, epoch ? epoch : stream_epoch(s), from);
	return true;
}

static void status(struct proc_ctx *c, char *state, size_t size)
{
	struct classify *k = c->state;
	bool waiting = false;
	c->self->lag = c->self->queue = c->self->queue_max = 0;
	for (size_t i = 0; i < k->n_lanes; i++) {
		c->self->lag += follower_lag(k->lanes[i].in);
		c->self->queue += stream_bytes(k->lanes[i].out);
		c->self->queue_max += stream_max(k->lanes[i].out);
		waiting |= !follower_up(k->lanes[i].in);
	}
	c->self->drops = k->unreadable;
	snprintf(state, size, waiting ? "waiting for capture" : "running, nDPI %s", app_version());
}

static void init_lane(struct classify *k, struct lane *l, const struct topo_sensor *sensor)
{
	static const struct follower_ops ops = { .batch = on_batch, .idle = on_idle, .epoch = on_epoch, .gone = on_gone };
	const struct topo_link *link = topo_link(k->c->topo, "flows");
	char *in = xasprintf("packets/%s", sensor->name), *out = xasprintf("flows/%s", sensor->name);
	char *url = topo_url(k->c->topo, "capture", sensor->name);
	l->k = k;
	l->sensor = sensor->name;
	l->out = stream_new(out, 0, link->bytes);
	for (char **d = link->durable; d && *d; d++)
		stream_add_durable(l->out, *d);
	server_add_stream(k->c->server, l->out);
	l->in = follower_new(k->c->loop, url, in, "classify", &ops, l);
	free(in);
	free(out);
	free(url);
}

static void put_version(void *arg, struct metrics *m)
{
	(void)arg;
	metrics_put(m, "ndpi", app_version(), "", false, 1);
}

static void put_queues(void *arg, struct metrics *m)
{
	const struct classify *k = arg;
	for (size_t i = 0; i < k->n_lanes; i++)
		follower_metrics(k->lanes[i].in, m);
}

static void put_bounds(void *arg, struct metrics *m)
{
	const struct classify *k = arg;
	for (size_t i = 0; i < k->n_lanes; i++)
		metrics_bound(m, "log_max", k->lanes[i].sensor, "bytes", (double)stream_max(k->lanes[i].out));
}

static int init(struct proc_ctx *c)
{
	struct classify *k = c->state;
	k->c = c;
	poison_watchdog(c->poison, c->topo->classify.watchdog);
	app_caches(c->topo->classify.caches);
	k->app = app_new();
	if (!k->app)
		return -1;
	k->n_lanes = c->topo->n_sensors;
	k->lanes = xcalloc(k->n_lanes, sizeof *k->lanes);
	for (size_t i = 0; i < k->n_lanes; i++)
		init_lane(k, &k->lanes[i], &c->topo->sensors[i]);
	metrics_source(c->metrics, put_bounds, k);
	metrics_source(c->metrics, put_queues, k);
	metrics_source(c->metrics, put_version, k);
	metrics_counter(c->metrics, "heads", NULL, "records", &k->heads);
	metrics_counter(c->metrics, "classified", NULL, "records", &k->classified);
	metrics_counter(c->metrics, "guessed", NULL, "records", &k->guessed);
	metrics_counter(c->metrics, "unknown", NULL, "records", &k->unknown);
	metrics_counter(c->metrics, "crashed", NULL, "records", &k->crashed);
	metrics_counter(c->metrics, "timed_out", NULL, "records", &k->timed_out);
	metrics_counter(c->metrics, "shed", NULL, "records", &k->shed);
	metrics_counter(c->metrics, "unreadable", NULL, "records", &k->unreadable);
	log_info("nDPI %s, caches between flows %s", app_version(), c->topo->classify.caches ? "on" : "off");
	return 0;
}

int main(int argc, char **argv)
{
	static struct classify k;
	return proc_main(argc, argv, &(struct proc){ .name = "classify", .guarded = true, .state = &k, .init = init,
						     .ops = { .rewind = on_rewind, .fetched = on_fetched },
						     .status = status });
}

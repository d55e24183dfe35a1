/*
 * alertd: the store. Wiring: stream "alerts" -> alerts and delivery log in one transaction; stream "history" -> flow files;
 * delivery log -> stream "deliveries". Queries and commands have a thread of their own (service.c).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "log.h"
#include "proc.h"
#include "service.h"
#include "store.h"

#define RETRY_MS    1000
#define PRUNE_MS    3600000u
#define FORGET_MS   2000

/* One stream into the store. */
struct intake {
	struct alertd *k;
	const char *stream;
	struct follower *in;
	bool history, ended; /* ended: the end of input is stored */
	uint64_t stored, ignored, failures;
	bool at_end;         /* it is in the batch at hand */
	struct loop_timer *retry;
};

struct alertd {
	struct proc_ctx *c;
	struct store *store;
	struct service *service;
	struct intake alerts, history;
	struct stream *deliveries;
	uint64_t delivered;  /* last row of the log that is in the stream */
	uint64_t forgotten;
	uint64_t clock;
	bool keep_flows;
	struct loop_timer *prune, *forget;
	char trouble[512];   /* why the store refuses, "" = it does not */
	struct log_limit limit;
};

/* -- delivery log -- */

static bool add_delivery(void *arg, uint64_t seq, const void *rec, size_t len)
{
	struct alertd *k = arg;
	/* Rows may be missing where others were forgotten; numbers must not move. */
	if (stream_head(k->deliveries) < seq)
		stream_skip(k->deliveries, seq - stream_head(k->deliveries));
	if (stream_head(k->deliveries) != seq || stream_append(k->deliveries, rec, len, NULL) < 0)
		return false; /* full: the rest stays in the database until there is room */
	k->delivered = seq;
	return true;
}

static void load_deliveries(struct alertd *k)
{
	store_deliveries_read(k->store, k->delivered, add_delivery, k);
	server_wake(k->c->server, k->deliveries);
}

static void on_forget(void *arg)
{
	struct alertd *k = arg;
	uint64_t durable = stream_durable(k->deliveries);
	if (durable > k->forgotten && store_deliveries_forget(k->store, durable) == 0)
		k->forgotten = durable;
}

static void on_fetched(void *arg, struct stream *s)
{
	struct proc_ctx *c = arg;
	struct alertd *k = c->state;
	/* Only when rows wait in the database: a stream that is full has just been given room. */
	if (s == k->deliveries && stream_room(s) > stream_max(s) / 2)
		load_deliveries(k);
}

/* -- intake -- */

static void in_trouble(struct intake *i)
{
	struct alertd *k = i->k;
	i->failures++;
	snprintf(k->trouble, sizeof k->trouble, "%s", store_error(k->store));
	log_limited(&k->limit, "%s: nothing is lost, trying again", k->trouble);
	follower_pause(i->in);
	loop_set_timer(i->retry, RETRY_MS, 0);
}

static void on_retry(void *arg)
{
	follower_resume(((struct intake *)arg)->in);
}

union record {
	struct r_alert alert;
	struct r_flow flow;
	struct r_tick tick;
};

/* Puts one record into the open transaction. 1 done, 0 end, -1 the store refuses, -2 the record is unreadable. */
static int put_record(struct intake *i, struct codec_reader *r)
{
	static union record u;
	struct alertd *k = i->k;
	enum rtype type = codec_peek(r);
	size_t at, len;
	bool ours = type == (i->history ? R_FLOW : R_ALERT) || type == R_TICK || type == R_EOS;
	int rc = ours ? codec_read(r, &u) : codec_skip(r, &at, &len);
	if (rc != 1)
		return rc ? -2 : 0;
	switch (type) {
	case R_ALERT:
		i->stored++;
		return store_alerts_put(k->store, &u.alert, r->base, wall_ns()) < 0 ? -1 : 1;
	case R_FLOW:
		if (u.flow.n.end_reason == END_ACTIVE || !k->keep_flows)
			return 1;
		i->stored++;
		return store_flows_put(k->store, &u.flow, r->base) < 0 ? -1 : 1;
	case R_EOS:
		i->at_end = true;
		/* fall through */
	case R_TICK:
		if (u.tick.tick.to > k->clock)
			k->clock = u.tick.tick.to;
		return 1;
	default: /* nothing that is stored */
		return 1;
	}
}

static int begin(struct intake *i)
{
	return i->history ? store_flows_begin(i->k->store, wall_ns()) : store_alerts_begin(i->k->store);
}

static int commit(struct intake *i, const struct store_cursor *c)
{
	return i->history ? store_flows_commit(i->k->store, c) : store_alerts_commit(i->k->store, c);
}

static void rollback(struct intake *i)
{
	if (i->history)
		store_flows_rollback(i->k->store);
	else
		store_alerts_rollback(i->k->store);
}

/* All of a batch or nothing: records and cursor are one transaction. */
static uint32_t on_batch(void *arg, struct follower *f, const struct g_batch *b, struct codec_reader *r)
{
	struct intake *i = arg;
	struct alertd *k = i->k;
	struct store_cursor c = { b->epoch, b->base + b->count };
	uint64_t stored = i->stored;
	if (begin(i) < 0)
		goto trouble;
	for (uint32_t n = 0; n < b->count; n++) {
		int rc = put_record(i, r);
		if (rc == -1)
			goto trouble;
		if (rc == -2) {
			log_limited(&k->limit, "record %" PRIu64 " of %s cannot be read: %s", b->base + n, i->stream,
				    r->error);
			i->ignored += b->count - n;
			break;
		}
	}
	if (commit(i, &c) < 0)
		goto trouble;
	*k->trouble = '\0';
	i->ended = i->at_end;
	follower_set_durable(f, c.next);
	if (!i->history)
		load_deliveries(k);
	k->c->self->clock = k->clock;
	return b->count;
trouble:
	i->stored = stored;
	rollback(i);
	in_trouble(i);
	return 0;
}

static bool on_epoch(void *arg, struct follower *f, uint64_t epoch)
{
	struct intake *i = arg;
	log_info("stream %s is of another run", i->stream);
	if (!i->history && store_alerts_lost(i->k->store, i->k->clock) < 0)
		log_warn("%s", store_error(i->k->store));
	follower_set(f, epoch, 1);
	return true;
}

static bool on_gone(void *arg, struct follower *f, uint64_t tail)
{
	struct intake *i = arg;
	log_warn("records %" PRIu64 " to %" PRIu64 " of %s are gone", follower_next(f), tail - 1, i->stream);
	return true;
}

static void init_intake(struct alertd *k, struct intake *i, const char *stream, const struct store_cursor *at)
{
	static const struct follower_ops ops = { .batch = on_batch, .epoch = on_epoch, .gone = on_gone };
	char *url = topo_url(k->c->topo, "checks", NULL);
	i->k = k;
	i->stream = stream;
	i->history = strcmp(stream, "history") == 0;
	i->retry = loop_add_timer(k->c->loop, on_retry, i);
	i->in = follower_new(k->c->loop, url, stream, "alertd", &ops, i);
	follower_set(i->in, at->epoch, at->next ? at->next : 1);
	follower_set_durable(i->in, at->next);
	follower_resume(i->in);
	free(url);
}

static void on_prune(void *arg)
{
	struct alertd *k = arg;
	int n = store_prune(k->store, wall_ns());
	if (n < 0)
		log_warn("retention: %s", store_error(k->store));
	else if (n)
		log_info("retention: %d rows or files deleted", n);
}

static void status(struct proc_ctx *c, char *state, size_t size)
{
	struct alertd *k = c->state;
	c->self->lag = follower_lag(k->alerts.in) + follower_lag(k->history.in);
	c->self->queue = stream_bytes(k->deliveries);
	c->self->queue_max = stream_max(k->deliveries);
	c->self->drops = k->alerts.ignored + k->history.ignored;
	if (*k->trouble)
		snprintf(state, size, "cannot store: %.200s", k->trouble);
	else if (!follower_up(k->alerts.in))
		snprintf(state, size, "waiting for checks");
	else
		snprintf(state, size, k->alerts.ended && k->history.ended ? "end of input" : "running");
}

static void init_deliveries(struct alertd *k)
{
	const struct topo_link *link = topo_link(k->c->topo, "deliveries");
	k->deliveries = stream_new("deliveries", store_id(k->store), link->bytes);
	for (char **d = link->durable; d && *d; d++)
		stream_add_durable(k->deliveries, *d);
	server_add_stream(k->c->server, k->deliveries);
	load_deliveries(k);
	k->forget = loop_add_timer(k->c->loop, on_forget, k);
	loop_set_timer(k->forget, FORGET_MS, FORGET_MS);
}

static int init(struct proc_ctx *c)
{
	struct alertd *k = c->state;
	const struct topo *t = c->topo;
	struct store_conf conf = { .dir = t->store.path, .period = t->store.period, .max_age = t->store.max_age,
				   .max_bytes = t->store.max_bytes, .max_alerts = t->store.max_alerts,
				   .deliveries = t->n_recipients > 0 };
	struct store_cursor alerts, history;
	struct buf err = { 0 };
	k->c = c;
	k->keep_flows = t->store.flows;
	k->store = store_open(&conf, true, &err);
	if (!k->store) {
		log_error("store: %s", buf_cstr(&err));
		buf_release(&err);
		return -1;
	}
	char *url = topo_url(t, "alertd", "query");
	k->service = service_start(&conf, url);
	free(url);
	if (!k->service)
		return -1;
	store_alerts_cursor(k->store, &alerts);
	store_flows_cursor(k->store, &history);
	init_deliveries(k);
	init_intake(k, &k->alerts, "alerts", &alerts);
	init_intake(k, &k->history, "history", &history);
	k->prune = loop_add_timer(c->loop, on_prune, k);
	loop_set_timer(k->prune, 5000, PRUNE_MS);
	metrics_counter(c->metrics, "stored", "alerts", "records", &k->alerts.stored);
	metrics_counter(c->metrics, "stored", "flows", "records", &k->history.stored);
	metrics_counter(c->metrics, "failures", "alerts", "transactions", &k->alerts.failures);
	metrics_counter(c->metrics, "failures", "history", "transactions", &k->history.failures);
	return 0;
}

static void stop(struct proc_ctx *c)
{
	struct alertd *k = c->state;
	service_stop(k->service);
	store_close(k->store);
	proc_exit(c, 0);
}

int main(int argc, char **argv)
{
	static struct alertd k;
	return proc_main(argc, argv, &(struct proc){ .name = "alertd", .state = &k, .init = init,
						     .ops = { .fetched = on_fetched }, .status = status, .stop = stop });
}

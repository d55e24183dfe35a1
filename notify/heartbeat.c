#include "heartbeat.h"

#include <stdint.h>

#include "hash.h"
#include "json.h"
#include "log.h"

struct beat {
	struct heartbeats *h;
	struct recipient *r;
	struct loop_timer *timer;
	uint32_t job;
	bool under_way;
	uint64_t sent, failed, withheld;
};

struct heartbeats {
	struct beat *beats; /* one for each recipient; without a timer: it has none */
	size_t n;
	bool (*alive)(void *arg);
	void *arg;
	struct log_limit limit;
};

static void failed(struct beat *b, const char *why)
{
	b->failed++;
	log_limited(&b->h->limit, "recipient %s: heartbeat: %s", b->r->conf->name, why);
}

static void print_document(struct buf *out, const struct topo_recipient *t, uint64_t now)
{
	buf_adds(out, "{\"action\":\"heartbeat\",\"weir\":{\"version\":\"" WEIR_VERSION "\",\"recipient\":");
	json_quote(out, t->name, strlen(t->name));
	buf_adds(out, ",\"time\":");
	json_time(out, now);
	buf_addf(out, ",\"every\":%.3f}}", (double)t->heartbeat / 1e9);
}

static void send_beat(struct beat *b)
{
	uint64_t now = wall_ns();
	struct buf doc = { 0 };
	struct id id = { now, hash_content(b->r->conf->name, strlen(b->r->conf->name), 0) };
	print_document(&doc, b->r->conf, now);
	struct sink_job j = { .job = b->job, .delivery = id, .alert = id, .attempt = 1, .action = "heartbeat",
			      .severity = enum_name(enum_severity, 0), .recipient = b->r->conf->name,
			      .document = buf_cstr(&doc), .len = doc.len };
	b->under_way = b->r->sink->ops->send(b->r->sink, &j) == 0;
	if (!b->under_way)
		failed(b, "cannot begin an attempt");
	buf_release(&doc);
}

static void on_beat(void *arg)
{
	struct beat *b = arg;
	if (!b->r->sink || b->under_way)
		failed(b, b->under_way ? "the last one is still under way" : "the recipient cannot be used");
	else if (b->h->alive(b->h->arg))
		send_beat(b);
	else
		b->withheld++;
}

struct heartbeats *heartbeats_new(struct loop *l, struct recipient *r, size_t n, bool (*alive)(void *arg), void *arg)
{
	struct heartbeats *h = xcalloc(1, sizeof *h);
	*h = (struct heartbeats){ .beats = xcalloc(n + 1, sizeof *h->beats), .n = n, .alive = alive, .arg = arg };
	for (size_t i = 0; i < n; i++) {
		struct beat *b = &h->beats[i];
		*b = (struct beat){ .h = h, .r = &r[i], .job = HEARTBEAT_JOBS + (uint32_t)i };
		if (!r[i].conf->heartbeat)
			continue;
		b->timer = loop_add_timer(l, on_beat, b);
		loop_set_timer(b->timer, r[i].conf->heartbeat / 1000000, r[i].conf->heartbeat / 1000000);
	}
	return h;
}

bool heartbeats_result(struct heartbeats *h, const struct sink_result *res)
{
	if (res->job < HEARTBEAT_JOBS)
		return false;
	struct beat *b = &h->beats[res->job - HEARTBEAT_JOBS];
	b->under_way = false;
	if (res->verdict == SINK_SENT)
		b->sent++;
	else
		failed(b, res->text);
	return true;
}

void heartbeats_metrics(const struct heartbeats *h, struct metrics *m)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct beat *b = &h->beats[i];
		if (!b->timer)
			continue;
		metrics_put(m, "heartbeats_sent", b->r->conf->name, "heartbeats", true, (double)b->sent);
		metrics_put(m, "heartbeats_failed", b->r->conf->name, "heartbeats", true, (double)b->failed);
		metrics_put(m, "heartbeats_withheld", b->r->conf->name, "heartbeats", true, (double)b->withheld);
	}
}

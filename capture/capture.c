/*
 * capture: packets of one sensor to flow records. Wiring: source -> decode -> flow table -> stream "packets/<sensor>".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture_priv.h"
#include "fault.h"
#include "filter.h"
#include "hash.h"
#include "source_live.h"
#include "stream_file.h"

#define TURN_BATCHES 32          /* batches of packets per turn of the loop, read and counted */
#define FULL_ROOM    (4u << 20)  /* room of the stream below which a file reader waits */
#define HEAD_BYTES   (256u << 20) /* packets held for HEADs */
#define REOPEN_MS    1000
#define IDLE_MS      250         /* an idle interface looks at the clock this often */
#define LIVE_TICK    250000000ull
#define ON_THEIR_WAY 100000000ull /* packets of an idle interface may be this late */

/* -- start, start again -- */

/* Everything that shapes flows: the same epoch means the same records under the same numbers. */
static uint64_t make_epoch(const struct capture *k)
{
	const struct topo_sensor *t = k->sensor;
	uint64_t id = k->source->ops->identity(k->source);
	char text[1024];
	int n = snprintf(text, sizeof text, "2 %016llx %s %s %u %llu %llu %llu %llu %llu %llu %llu %u %llu %llu %d %d %llu",
			 (unsigned long long)id, t->name, t->filter ? t->filter : "", t->snaplen,
			 (unsigned long long)t->max_flows, (unsigned long long)t->idle_timeout,
			 (unsigned long long)t->idle_timeout_udp, (unsigned long long)t->idle_timeout_syn,
			 (unsigned long long)t->active_timeout, (unsigned long long)t->update_interval,
			 (unsigned long long)t->linger, t->head_packets, (unsigned long long)t->head_first,
			 (unsigned long long)t->head_second, t->tunnels, t->fragments, (unsigned long long)t->max_jump);
	uint64_t e = hash_content(text, (size_t)n, 0);
	return e ? e : 1;
}

static void begin(struct capture *k, uint64_t from)
{
	k->skip_to = from;
	k->started = true;
	if (k->resumed)
		out_restart_gap(k);
	out_config(k);
	loop_wake_idle(k->idle);
}

/* As if nothing had been read. */
static void start_again(struct capture *k, uint64_t from)
{
	flowtab_reset(k->table, k->epoch);
	memset(&k->n, 0, sizeof k->n);
	ledger_reset(&k->ledger);
	memset(&k->arp, 0, sizeof k->arp);
	k->n_packets = k->at = 0;
	buf_reset(&k->overflow);
	k->drained = 0;
	k->ended = k->renewing = false;
	k->ending = NULL;
	k->pace_mono = 0;
	k->errors = 0;
	stream_restart(k->stream, k->epoch, 1);
	begin(k, from);
}

/* Begins the run that waits for the end of the one before: until all of that is durable it would be lost with its numbers. */
static bool is_renewed(struct capture *k)
{
	if (!k->renewing)
		return true;
	if (stream_durable(k->stream) < stream_head(k->stream))
		return false;
	k->epoch = make_epoch(k);
	start_again(k, 0);
	return true;
}

/* -- reading -- */

static void count_batch(struct capture *k, const struct packet *p, unsigned n)
{
	struct decoded d[FLOWTAB_BATCH];
	enum undecoded ud[FLOWTAB_BATCH];
	unsigned done = 0;
	for (unsigned i = 0; i < n; i++) {
		struct r_arp r;
		ud[i] = decode(&k->decode, &p[i], &d[i]);
		if (ud[i] != UD_NOT_IP || !arp_parse(&p[i], &r.arp) || !arp_due(&k->arp, &r.arp))
			continue;
		/* In its place among the records, wherever a batch ends. */
		flowtab_packets(k->table, p + done, d + done, ud + done, i + 1 - done);
		done = i + 1;
		out_arp(k, &r);
	}
	if (done < n)
		flowtab_packets(k->table, p + done, d + done, ud + done, n - done);
	k->last_packet = flowtab_clock(k->table);
	if (k->live)
		out_ledger(k);
}

static void end_of_input(struct capture *k)
{
	k->ended = true;
	uint64_t now = flowtab_clock(k->table);
	out_tick(k, R_EOS, now, now);
	proc_state(k->c, "end of input, %llu packets%s", (unsigned long long)k->n.packets,
		   k->errors ? ", with errors" : "");
	log_info("end of input: packets=%llu undecoded=%llu flows=%llu", (unsigned long long)k->n.packets,
		 (unsigned long long)k->n.undecoded, (unsigned long long)k->n.flows_opened);
}

/*
 * How many of the packets at hand are due now, when files are played at a pace. Sets the timer for the next one if there is
 * none.
 */
static unsigned due_now(struct capture *k)
{
	const struct packet *p = k->packets + k->at;
	unsigned left = k->n_packets - k->at, n = 0;
	if (k->live || k->sensor->speed == 0 || stream_head(k->stream) < k->skip_to) /* what was played before is not again */
		return left;
	uint64_t now = mono_ns();
	if (!k->pace_mono) {
		k->pace_mono = now;
		k->pace_packet = p->time;
	}
	uint64_t reached = k->pace_packet + (uint64_t)((double)(now - k->pace_mono) * k->sensor->speed);
	while (n < left && p[n].time <= reached)
		n++;
	if (n)
		return n;
	double wait = (double)(p->time - reached) / k->sensor->speed;
	if (wait > 5e9) { /* nobody wants to watch a gap of hours */
		k->pace_mono = now;
		k->pace_packet = p->time;
		return 1;
	}
	loop_set_timer(k->pace, (uint64_t)(wait / 1e6) + 1, 0);
	return 0;
}

/* A file was replaced by another, which is a run of its own: only so can both be read again under the same numbers. */
static void end_of_run(struct capture *k)
{
	if (flowtab_clock(k->table))
		out_tick(k, R_TICK, flowtab_clock(k->table), flowtab_clock(k->table));
	k->renewing = true;
	loop_wake_idle(k->idle);
}

static void look_at_clocks(struct capture *k)
{
	uint64_t back = steady_look(&k->time, wall_ns(), mono_ns());
	if (back)
		log_warn("the clock was set back by %.1f s: the times of packets are ahead of it for %.0f s", (double)back / 1e9,
			 10 * (double)k->time.ahead / 1e9);
}

static void steady_packets(struct capture *k)
{
	for (unsigned i = 0; i < k->n_packets; i++)
		k->packets[i].time = steady_time(&k->time, k->packets[i].time);
	k->last_wall = mono_ns();
}

/* Takes the next packets into k->packets. False when there is nothing to do now. */
static bool read_more(struct capture *k)
{
	k->at = k->n_packets = 0;
	if (k->live)
		look_at_clocks(k);
	switch (k->source->ops->read(k->source, k->packets, FLOWTAB_BATCH, &k->n_packets)) {
	case SOURCE_OK:
		if (k->live)
			steady_packets(k);
		return true;
	case SOURCE_AGAIN:
		if (!k->live && k->sensor->source == SRC_FOLLOW)
			loop_set_timer(k->pace, 200, 0);
		return false;
	case SOURCE_ANOTHER:
		log_info("another file is %s now", k->sensor->inputs[0]);
		k->ending = end_of_run;
		return true;
	case SOURCE_END:
		k->ending = end_of_input;
		return true;
	case SOURCE_ERROR:
		break;
	}
	log_error("%s", k->source->ops->error(k->source));
	k->errors++;
	if (!k->live)
		return true; /* with no packets: the next call goes on with the next file */
	out_gap(k, out_loss(k, GAP_INTERFACE_DOWN));
	k->drops_before = k->n.kernel_drops;
	k->if_drops_before = k->n.if_drops;
	if (k->fd)
		loop_del_fd(k->fd);
	k->fd = NULL;
	k->source->ops->close(k->source);
	k->source = NULL;
	proc_state(k->c, "waiting for interface %s", k->sensor->inputs[0]);
	loop_set_timer(k->reopen, REOPEN_MS, 0);
	return false;
}

/* Some flows of a source that came to its end. */
static bool end_flows(struct capture *k)
{
	void (*then)(struct capture *) = k->ending;
	if (!flowtab_flush_some(k->table, END_EOF, FLOWTAB_BATCH))
		return true;
	k->ending = NULL;
	then(k);
	return false;
}

/* Reads or counts a batch. False when there is nothing to do now: on_fetched, a timer or the source's descriptor go on. */
static bool do_batch(struct capture *k)
{
	if (!k->live && (k->overflow.len || !stream_has_room(k->stream, FULL_ROOM)))
		return false;
	if (k->ending)
		return end_flows(k);
	if (k->at == k->n_packets)
		return read_more(k);
	unsigned n = due_now(k);
	if (n == 0)
		return false;
	count_batch(k, k->packets + k->at, n);
	k->at += n;
	return true;
}

static bool on_idle(void *arg)
{
	struct capture *k = arg;
	bool more = out_drain(k) && k->started && is_renewed(k) && !k->ended && !k->stopping && k->source;
	for (int i = 0; more && i < TURN_BATCHES; i++)
		more = do_batch(k);
	FAULT("capture.publish.after");
	server_wake(k->c->server, k->stream);
	return more;
}

static void wake(void *arg)
{
	struct capture *k = arg;
	loop_wake_idle(k->idle);
}

static void on_readable(void *arg, uint32_t events)
{
	(void)events;
	wake(arg);
}

static void watch_source(struct capture *k)
{
	int fd = k->source->ops->fd(k->source);
	if (fd >= 0)
		k->fd = loop_add_fd(k->c->loop, fd, EPOLLIN, on_readable, k);
}

/* An idle interface must not stop time: flows end, checks run. */
static void on_clock(void *arg)
{
	struct capture *k = arg;
	if (!k->started || !k->live)
		return;
	look_at_clocks(k);
	if (mono_ns() - k->last_wall > LIVE_TICK) {
		flowtab_advance(k->table, steady_now(&k->time) - ON_THEIR_WAY);
		out_ledger(k);
		server_wake(k->c->server, k->stream);
	}
	loop_wake_idle(k->idle);
}

/* From here on what the interface counts is to be seen by us. */
static void mark_interface(struct capture *k)
{
	k->if_base = k->if_last = source_live_counter(k->sensor->inputs[0]);
	k->if_base_seen = flowtab_stats(k->table)->packets + k->n.kernel_drops;
}

static void on_reopen(void *arg)
{
	struct capture *k = arg;
	struct buf err = { 0 };
	k->source = source_open(k->sensor, &err);
	if (k->source) {
		log_info("interface %s is back", k->sensor->inputs[0]);
		mark_interface(k);
		watch_source(k);
		loop_wake_idle(k->idle);
	} else {
		loop_set_timer(k->reopen, REOPEN_MS, 0);
	}
	buf_release(&err);
}

/* The first request tells where the consumer's knowledge ends: until then there is nothing to do for a file. */
static void on_fetched(void *arg, struct stream *s)
{
	struct proc_ctx *c = arg;
	struct capture *k = c->state;
	FAULT("capture.ack");
	if (!k->started)
		begin(k, stream_durable(s) > 1 ? stream_durable(s) : 0);
	else
		loop_wake_idle(k->idle);
}

/* A file can be read again with the same numbers; an interface cannot. */
static bool on_rewind(void *arg, struct stream *s, uint64_t from, uint64_t epoch)
{
	struct proc_ctx *c = arg;
	(void)s;
	struct capture *k = c->state;
	if (k->live || k->renewing || (epoch && epoch != k->epoch) || k->source->ops->rewind(k->source) < 0)
		return false;
	log_info("reading again from the start: record %llu is wanted", (unsigned long long)from);
	start_again(k, from);
	return true;
}

static struct flowtab_conf table_conf(const struct capture *k)
{
	const struct topo_sensor *t = k->sensor;
	return (struct flowtab_conf){
		.max_flows = t->max_flows, .idle_tcp = t->idle_timeout, .idle_other = t->idle_timeout_udp,
		.idle_syn = t->idle_timeout_syn, .active = t->active_timeout, .update = t->update_interval,
		.linger = t->linger, .head_packets = t->head_packets, .head_first = t->head_first,
		.head_second = t->head_second, .max_jump = t->max_jump, .max_head_bytes = HEAD_BYTES,
		.fragments = t->fragments, .tick = k->live ? LIVE_TICK : 0, .epoch = k->epoch, .sensor = t->name,
	};
}

static int privileged(struct proc_ctx *c)
{
	struct capture *k = c->state;
	struct buf err = { 0 };
	k->c = c;
	k->sensor = topo_sensor(c->topo, c->instance);
	if (!k->sensor) {
		log_error("%s has no sensor '%s'", c->topo->path, c->instance);
		return -1;
	}
	k->source = source_open(k->sensor, &err);
	if (!k->source)
		log_error("sensor %s: %s", k->sensor->name, buf_cstr(&err));
	buf_release(&err);
	return k->source ? 0 : -1;
}

/* Of what is open now; 0 = unknown. */
static uint64_t link_speed(const struct capture *k)
{
	struct source_stats st = { 0 };
	if (k->source)
		k->source->ops->stats(k->source, &st);
	return st.speed;
}

static void put_gauges(void *arg, struct metrics *m)
{
	const struct capture *k = arg;
	uint64_t speed = link_speed(k);
	metrics_bound(m, "flows_max", NULL, "flows", (double)k->sensor->max_flows);
	metrics_bound(m, "head_bytes_max", NULL, "bytes", HEAD_BYTES);
	metrics_bound(m, "fragments_max", NULL, "packets", FLOWTAB_FRAGMENTS);
	metrics_bound(m, "media_max", NULL, "flows", FLOWTAB_MEDIA);
	metrics_bound(m, "arp_max", NULL, "senders", ARP_SLOTS);
	if (k->last_packet)
		metrics_put(m, "last_packet", NULL, "seconds", false, (double)k->last_packet / 1e9);
	if (speed)
		metrics_put(m, "speed", NULL, "bytes_per_second", false, (double)speed);
	metrics_bound(m, "log_max", NULL, "bytes", (double)stream_max(k->stream));
	if (k->live)
		metrics_bound(m, "kernel_buffer_max", NULL, "bytes", (double)k->sensor->buffer);
}

static void add_metrics(struct capture *k)
{
	struct metrics *m = k->c->metrics;
	const struct flowtab_stats *st = flowtab_stats(k->table);
	metrics_counter(m, "packets", NULL, "packets", &st->packets);
	metrics_counter(m, "bytes", NULL, "bytes", &st->bytes);
	for (int i = 1; i < UD_COUNT; i++)
		metrics_counter(m, "undecoded", undecoded_names[i], "packets", &st->undecoded[i]);
	metrics_counter(m, "packets_in_flows", NULL, "packets", &st->in_flows);
	metrics_counter(m, "flows_opened", NULL, "flows", &st->flows_opened);
	metrics_counter(m, "flows_ended", NULL, "flows", &st->flows_ended);
	metrics_gauge(m, "flows_active", NULL, "flows", &st->flows_active);
	metrics_counter(m, "flows_evicted", NULL, "flows", &st->flows_evicted);
	metrics_counter(m, "time_regress", NULL, "packets", &st->time_regress);
	metrics_counter(m, "time_jump", NULL, "packets", &st->time_jump);
	metrics_counter(m, "heads_early", NULL, "records", &st->heads_early);
	metrics_gauge(m, "head_bytes", NULL, "bytes", &st->head_bytes);
	metrics_counter(m, "kernel_drops", NULL, "packets", &k->n.kernel_drops);
	metrics_counter(m, "interface_drops", NULL, "packets", &k->n.if_drops);
	metrics_counter(m, "shed", "head_payload", "records", &k->n.shed_heads);
	metrics_counter(m, "shed", "update", "records", &k->n.shed_updates);
	metrics_counter(m, "shed", "end", "flows", &k->n.shed_flows);
	metrics_counter(m, "packets_emitted", NULL, "packets", &k->n.emitted_packets);
	metrics_gauge(m, "packets_active", NULL, "packets", &k->n.active_packets);
	metrics_counter(m, "packets_shed", NULL, "packets", &k->n.shed_packets);
	metrics_counter(m, "packets_lost", NULL, "packets", &k->n.lost_packets);
	metrics_counter(m, "packets_missed", NULL, "packets", &k->n.missed);
	metrics_counter(m, "flows_emitted", NULL, "flows", &k->n.emitted_flows);
	metrics_counter(m, "flows_lost", NULL, "flows", &k->n.lost_flows);
	metrics_counter(m, "input_errors", NULL, "inputs", &k->errors);
	metrics_source(m, put_gauges, k);
}

/* A live sensor's stream outlives the process. Where that cannot be had it is in memory, as that of a file. */
static struct stream *open_stream(struct capture *k)
{
	char *name = xasprintf("packets/%s", k->sensor->name);
	char *path = xasprintf("%s/capture.%s.ring", k->c->topo->runtime, k->sensor->name);
	struct buf why = { 0 };
	struct stream *s = k->live ? stream_new_shared(name, path, k->epoch, k->sensor->log_bytes, &why) : NULL;
	if (why.len)
		log_warn("%s", buf_cstr(&why));
	if (!s && k->live)
		log_warn("records are in memory only: what nobody has fetched is lost if this process dies");
	if (!s)
		s = stream_new(name, k->epoch, k->sensor->log_bytes);
	buf_release(&why);
	free(path);
	free(name);
	return s;
}

/* Counts on from what an earlier life has left in the ring. */
static void take_up(struct capture *k)
{
	struct ledger_totals t;
	uint64_t now = k->live ? source_live_counter(k->sensor->inputs[0]) : 0;
	k->resumed = stream_resumed(k->stream) && ledger_recover(&k->ledger, stream_head(k->stream), now, &t, &k->loss);
	if (k->resumed) {
		k->n = t.n;
		k->shed_bytes = t.shed_bytes;
		k->lost_bytes = t.lost_bytes;
		k->errors = t.n.input_errors;
		k->drops_before = k->reported_drops = t.n.kernel_drops;
		k->if_drops_before = t.n.if_drops;
		k->shed_reported = t.n.shed_heads + t.n.shed_updates + t.n.shed_flows;
		k->packets_by_shed_gap = t.n.shed_packets;
		k->flows_by_shed_gap = t.n.shed_flows;
		flowtab_carry(k->table, &t.table);
	}
	if (k->live)
		mark_interface(k);
	steady_init(&k->time, wall_ns(), mono_ns(), k->resumed ? k->loss.from : 0);
	out_ledger(k);
}

/* Behind the sandbox hosts cannot be looked up by name: the next start will. */
static bool filter_parses(const char *expression, struct buf *why)
{
	if (filter_good(expression, why))
		return true;
	return strstr(buf_cstr(why), "unknown host") != NULL;
}

static int init(struct proc_ctx *c)
{
	struct capture *k = c->state;
	const struct topo_link *link = topo_link(c->topo, "packets");
	topo_check_filters(filter_parses);
	k->live = k->source->ops->live(k->source);
	k->decode.tunnels = k->sensor->tunnels;
	k->epoch = make_epoch(k);
	k->stream = open_stream(k);
	k->epoch = stream_epoch(k->stream);
	struct flowtab_conf conf = table_conf(k);
	k->table = flowtab_new(&conf, &out_ops, k);
	ledger_init(&k->ledger, stream_area(k->stream), STREAM_AREA);
	take_up(k);
	for (char **d = link->durable; d && *d; d++)
		stream_add_durable(k->stream, *d);
	server_add_stream(c->server, k->stream);
	k->idle = loop_add_idle(c->loop, on_idle, k);
	k->pace = loop_add_timer(c->loop, wake, k);
	k->clock = loop_add_timer(c->loop, on_clock, k);
	k->reopen = loop_add_timer(c->loop, on_reopen, k);
	add_metrics(k);
	if (k->live)
		loop_set_timer(k->clock, IDLE_MS, IDLE_MS);
	watch_source(k);
	log_info("sensor=%s input=%s memory_max=%llu MiB", k->sensor->name, k->sensor->inputs[0],
		 (unsigned long long)(flowtab_memory(&conf) >> 20));
	if (k->live)
		begin(k, 0);
	return 0;
}

static void status(struct proc_ctx *c, char *state, size_t size)
{
	struct capture *k = c->state;
	uint64_t now = mono_ns(), packets = flowtab_stats(k->table)->packets;
	buf_reset(&k->strs);
	out_count(k);
	c->self->queue = stream_bytes(k->stream);
	c->self->queue_max = stream_max(k->stream);
	c->self->drops = k->n.kernel_drops + k->n.if_drops + k->n.shed_packets + k->n.lost_packets + k->n.missed;
	if (k->ended || !k->source)
		return;
	double rate = k->rate_mono && now > k->rate_mono
			      ? (double)(packets - k->rate_packets) * 1e9 / (double)(now - k->rate_mono)
			      : 0;
	k->rate_packets = packets;
	k->rate_mono = now;
	snprintf(state, size, "%s %s, %.0f packets/s", k->live ? "capturing on" : "reading", k->sensor->inputs[0], rate);
}

/* A live sensor that stops says what it had: its flows end here. A file is read again next time. */
static void stop(struct proc_ctx *c)
{
	struct capture *k = c->state;
	k->stopping = true;
	if (k->live && k->started) {
		flowtab_flush(k->table, END_SHUTDOWN);
		out_ledger(k);
		server_wake(c->server, k->stream);
	}
	proc_exit(c, 0);
}

int main(int argc, char **argv)
{
	static struct capture k;
	topo_check_filters(filter_good);
	return proc_main(argc, argv, &(struct proc){
		.name = "capture", .instances = true, .state = &k, .privileged = privileged, .init = init,
		.ops = { .rewind = on_rewind, .fetched = on_fetched }, .status = status, .stop = stop,
		.needs = PROC_PACKET });
}

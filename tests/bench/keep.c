/*
 * What the guarantee costs checks, and how long recovery takes: bench_keep [FLOWS HOSTS [DIR]]. Engine, journal and snapshots
 * without the links: the share of the guarantee is larger here than in the whole of weir.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "checks/keep.h"
#include "loop.h"

#define BATCH 512

/* Of this thread: the machine may be busy with other things. The thread that writes snapshots has a processor of its own. */
static uint64_t cpu_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static struct topo *topology(const char *dir, unsigned flows, unsigned hosts)
{
	struct buf err = { 0 }, text = { 0 };
	buf_addf(&text, "state: %s\nruntime: %s\nsensors: {s: {file: x}}\nlimits: {flows: %u, hosts: %u}\n", dir, dir, flows + 1000,
		 hosts + 1000);
	struct topo *t = topo_parse("t", text.p, text.len, &err);
	if (!t)
		fatalx("%s", buf_cstr(&err));
	buf_release(&err);
	buf_release(&text);
	return t;
}

static void open_pipeline(struct pipeline *p, const struct topo *t)
{
	memset(p, 0, sizeof *p);
	p->alerts.stream = stream_new("alerts", 0, 64 << 20);
	p->history.stream = stream_new("history", 0, 64 << 20);
	pipeline_init(p, t);
}

static void close_pipeline(struct pipeline *p)
{
	pipeline_release(p);
	stream_free(p->alerts.stream);
	stream_free(p->history.stream);
}

static struct g_flow_key key_of(unsigned i, unsigned hosts)
{
	struct g_flow_key k = { .id = { 1600000000000ull << 16, 0x9e3779b97f4a7c15ull * (i + 1) },
				.first = 1600000000000000000ull + i * 1000ull,
				.proto = 6,
				.client_port = (uint16_t)(i * 7),
				.server_port = 443,
				.sensor = { 0, 1 } };
	unsigned c = i % hosts, s = (i * 7 + 1) % hosts;
	char text[24];
	addr_parse(text, (size_t)snprintf(text, sizeof text, "10.%u.%u.%u", c >> 16 & 255, c >> 8 & 255, c & 255), &k.client);
	addr_parse(text, (size_t)snprintf(text, sizeof text, "10.%u.%u.%u", s >> 16 & 255, s >> 8 & 255, s & 255), &k.server);
	return k;
}

/* A verdict of a TLS flow, as large as they are. */
static void add_verdict(struct buf *out, unsigned i, unsigned hosts)
{
	struct buf a = { 0 };
	struct r_verdict v = { .key = key_of(i, hosts) };
	char name[40];
	buf_adds(&a, "s");
	v.app.state = VERDICT_DPI;
	v.app.n = 1;
	v.app.app_id = v.app.master_id = 91;
	v.app.app = str_put(&a, "TLS.Example", 11, 64);
	v.app.master = str_put(&a, "TLS", 3, 64);
	v.app.host = v.app.tls_sni = str_put(&a, name, (size_t)snprintf(name, sizeof name, "host%u.example.org", i % 5000), 64);
	v.app.tls_ja3c = str_put(&a, "0149f47eabf9a20d0893e2a44e5a6323", 32, 64);
	v.app.tls_ja3s = str_put(&a, "263c859c5391203d774bc0599793d915", 32, 64);
	codec_pack(out, R_VERDICT, &v, a.p);
	buf_release(&a);
}

static void add_update(struct buf *out, unsigned i, unsigned hosts, unsigned round)
{
	struct r_update u = { .key = key_of(i, hosts) };
	u.n.start = u.key.first;
	u.n.last = 1600000010000000000ull + round * 5000000000ull + i;
	u.n.client_packets = 10 * (round + 1);
	u.n.server_packets = 12 * (round + 1);
	u.n.client_bytes = 1000 * (round + 1);
	u.n.server_bytes = 30000 * (round + 1);
	u.n.client_flags = u.n.server_flags = 0x1a;
	codec_pack(out, R_UPDATE, &u, "s");
}

static void add_tick(struct buf *out, unsigned n)
{
	struct r_tick t = { .tick = { .from = 1600000000000000000ull, .to = 1600000000000000000ull + n, .sensor = { 0, 1 } } };
	codec_pack(out, R_TICK, &t, "s");
}

/* One batch as it comes from classify; what checks.c does with it. Returns the ns it took. */
static uint64_t take(struct pipeline *p, struct keep *k, const struct buf *b, uint32_t count)
{
	struct codec_reader r = { .base = b->p, .len = b->len };
	uint64_t began = cpu_ns(), base = p->positions[0].next;
	pipeline_records(p, 0, base, count, &r, NULL, NULL);
	if (k) {
		if (!keep_entry(k, p, &(struct journal_entry){ .kind = JR_RECORDS, .count = count, .base = base, .body = b->p,
								.len = (uint32_t)b->len }))
			fatalx("journal: %s", keep_trouble(k));
		keep_work(k, p, mono_ns());
	}
	return cpu_ns() - began;
}

static double fill(struct pipeline *p, struct keep *k, unsigned flows, unsigned hosts)
{
	struct buf b = { 0 };
	uint64_t t = 0;
	for (unsigned i = 0; i < flows; i += BATCH) {
		buf_reset(&b);
		for (unsigned x = i; x < i + BATCH; x++)
			add_verdict(&b, x, hosts);
		add_tick(&b, i);
		t += take(p, k, &b, BATCH + 1);
	}
	buf_release(&b);
	return (double)t / 1e9;
}

static double update(struct pipeline *p, struct keep *k, unsigned flows, unsigned hosts, unsigned round, double *ret_max)
{
	struct buf b = { 0 };
	uint64_t t = 0, max = 0;
	for (unsigned i = 0; i < flows; i += BATCH) {
		buf_reset(&b);
		for (unsigned x = i; x < i + BATCH; x++)
			add_update(&b, x, hosts, round);
		add_tick(&b, flows + round);
		uint64_t one = take(p, k, &b, BATCH + 1);
		t += one;
		max = one > max ? one : max;
	}
	buf_release(&b);
	*ret_max = (double)max / 1e6;
	return (double)t / 1e9;
}

static void begin(struct pipeline *p, struct keep *k)
{
	pipeline_epoch(p, 0, 5);
	pipeline_begin(p, 77, 0);
	if (k && (!keep_entry(k, p, &(struct journal_entry){ .kind = JR_EPOCH, .epoch = 5 }) ||
		  !keep_entry(k, p, &(struct journal_entry){ .kind = JR_BEGIN, .epoch = 77 })))
		fatalx("journal: %s", keep_trouble(k));
}

static void keep_cb(void *arg, struct metrics *m)
{
	keep_metrics(arg, m);
}

static double metric_of(struct keep *k, const char *name)
{
	struct metrics *m = metrics_new("bench");
	struct buf out = { 0 };
	struct r_metric r;
	double v = -1;
	metrics_source(m, keep_cb, k);
	metrics_pack(m, &out);
	struct codec_reader in = { .base = out.p, .len = out.len };
	while (codec_peek(&in) == R_METRIC && codec_read(&in, &r) == 1)
		if (str_eq(in.base, r.metric.name, name))
			v = r.metric.value;
	buf_release(&out);
	metrics_free(m);
	return v;
}

int main(int argc, char **argv)
{
	unsigned flows = argc > 2 ? (unsigned)atoi(argv[1]) : 1000000, hosts = argc > 2 ? (unsigned)atoi(argv[2]) : 300000;
	char dir[200], cmd[300];
	snprintf(dir, sizeof dir, "%s/weir-bench-%d", argc > 3 ? argv[3] : "/tmp", (int)getpid());
	snprintf(cmd, sizeof cmd, "mkdir -p '%s'", dir);
	flows -= flows % BATCH;
	log_set_level(LOG_LV_ERROR);
	if (system(cmd) != 0)
		return 1;
	struct topo *t = topology(dir, flows, hosts);
	struct pipeline p;
	double max, off = 0, on = 0;
	open_pipeline(&p, t);
	begin(&p, NULL);
	fill(&p, NULL, flows, hosts);
	for (unsigned r = 0; r < 4; r++)
		off += update(&p, NULL, flows, hosts, r, &max);
	close_pipeline(&p);

	open_pipeline(&p, t);
	struct keep *k = keep_new(t);
	if (!k || !keep_recover(k, &p))
		return 1;
	begin(&p, k);
	fill(&p, k, flows, hosts);
	double worst = 0;
	for (unsigned r = 0; r < 4; r++) {
		on += update(&p, k, flows, hosts, r, &max);
		worst = max > worst ? max : worst;
	}
	printf("%u flows, %u hosts; updates: %.0f records/s without, %.0f with the guarantee: %.0f %%\n", flows, hosts, 4.0 * flows / off,
	       4.0 * flows / on, 100 * off / on);
	printf("snapshots %.0f of %.0f MiB; longest time for a batch of %d records with them: %.1f ms\n", metric_of(k, "snapshots"),
	       metric_of(k, "snapshot_size") / 1048576, BATCH, worst);
	keep_free(k);
	close_pipeline(&p);

	open_pipeline(&p, t);
	uint64_t began = cpu_ns();
	k = keep_new(t);
	if (!k || !keep_recover(k, &p))
		return 1;
	printf("recovery: %.2f s of CPU, %.0f records\n", (double)(cpu_ns() - began) / 1e9, metric_of(k, "recovered_records"));
	keep_free(k);
	close_pipeline(&p);
	topo_free(t);
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	return system(cmd) != 0;
}

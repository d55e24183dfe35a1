/*
 * Fills a store through alertd's own module: fill DIR [ALERTS FLOWS [HOURS]], 1 million alerts and 5 million flows of the last 24
 * hours unless told otherwise. The same numbers give the same records, but for their times: they end now, so that retention
 * leaves them alone. It prints what it took, and then how long a page of alerts takes.
 *
 *   make build/bin/fill && build/bin/fill /var/tmp/state/store
 *   build/bin/weir run -f weir.yaml        # with 'state: /var/tmp/state' and 'store: {max_bytes: 100G, max_alerts: 2M}'
 *
 * fill -q DIR only measures, on a store that is there; weir may be running on it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alertd/sampler.h"
#include "alertd/store.h"
#include "codec.h"
#include "log.h"
#include "loop.h"

#define SECOND     1000000000ull
#define HOUR       (3600 * SECOND)
#define PER_COMMIT 10000
#define QUESTIONS  200

static const char *const apps[][2] = { { "TLS", "Web" }, { "HTTP", "Web" }, { "DNS", "Network" }, { "QUIC", "Web" },
				       { "SSH", "RemoteAccess" }, { "NTP", "System" }, { "SMBv23", "System" },
				       { "TLS.YouTube", "Media" }, { "TLS.Microsoft", "Cloud" }, { "BitTorrent", "Download" } };
static const char *const checks[] = { "syn_scan", "tls_old_version", "dns_tunnel", "risk_clear_text", "flow_flood",
				      "unexpected_dns", "host_score", "remote_access", "elephant_flow", "list_hit" };
static const char *const places[][2] = { { "US", "Example Networks" }, { "DE", "Beispiel Netze" }, { "FR", "Exemple" },
					 { "JP", "Rei Net" }, { "", "" } };
#define N(a) (sizeof(a) / sizeof *(a))

/* -- records -- */

/* The same at each run: xorshift64*. */
static uint64_t state = 0x9e3779b97f4a7c15ull;
static uint64_t draw(uint64_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 2685821657736338717ull >> 16) % below;
}

/* Small numbers come more often: what people and servers do is skewed. */
static uint64_t draw_skewed(uint64_t below)
{
	return draw(draw(draw(below) + 1) + 1);
}

static struct addr address(unsigned net, uint64_t n)
{
	char text[40];
	struct addr a;
	int len = snprintf(text, sizeof text, "%u.%u.%u.%u", net, (unsigned)(n >> 16 & 255), (unsigned)(n >> 8 & 255), (unsigned)(n & 255));
	addr_parse(text, (size_t)len, &a);
	return a;
}

static struct str put(struct buf *b, const char *s)
{
	return str_put_raw(b, s, strlen(s));
}

static void make_key(struct g_flow_key *k, struct buf *b, uint64_t time, uint64_t n)
{
	uint8_t udp = draw(3) == 0;
	*k = (struct g_flow_key){ .id = id_make(time, 1, &n, sizeof n), .first = time, .client = address(10, draw_skewed(20000)),
				  .server = address(93, draw_skewed(50000)), .client_port = (uint16_t)(32768 + draw(28000)),
				  .server_port = (uint16_t)(udp ? 53 : 443), .proto = udp ? 17 : 6, .ip_version = 4,
				  .sensor = put(b, draw(4) ? "lan" : "dmz") };
}

static void make_count(struct g_flow_count *c, uint64_t first)
{
	*c = (struct g_flow_count){ .start = first, .last = first + draw(60 * SECOND), .end_reason = END_FIN,
				    .client_packets = 1 + draw(50), .server_packets = draw(80), .client_bytes = 60 + draw(5000),
				    .server_bytes = draw(100000), .client_flags = 0x1b, .server_flags = 0x1b };
}

static void make_app(struct g_flow_app *a, struct buf *b)
{
	char name[40];
	size_t i = draw_skewed(N(apps));
	*a = (struct g_flow_app){ .n = 1, .final = 1, .state = VERDICT_DPI, .app = put(b, apps[i][0]), .master = put(b, apps[i][0]),
				  .app_id = (uint16_t)(i + 1), .category = put(b, apps[i][1]), .breed = put(b, "Safe") };
	snprintf(name, sizeof name, "host%u.example.org", (unsigned)draw_skewed(3000));
	a->host = a->tls_sni = put(b, name);
	a->tls_ja3c = put(b, "0149f47eabf9a20d0893e2a44e5a6323");
}

static void make_judge(struct g_flow_judge *j, struct buf *b)
{
	size_t i = draw(N(places));
	*j = (struct g_flow_judge){ .score = (uint16_t)(draw(20) ? 0 : draw(200)), .client_local = 1, .revision = 1,
				    .server_country = put(b, places[i][0]), .server_as = put(b, places[i][1]),
				    .server_asn = (uint32_t)(i ? 64500 + i : 0), .client_network = put(b, "10.0.0.0/8") };
}

static void make_alert(struct r_alert *a, struct buf *b, uint64_t time, uint64_t n)
{
	size_t i = draw_skewed(N(checks));
	memset(a, 0, sizeof *a);
	make_key(&a->flow, b, time, n);
	make_count(&a->flow_n, time);
	make_app(&a->flow_app, b);
	make_judge(&a->flow_judge, b);
	a->alert = (struct g_alert){ .id = id_make(time, 2, &n, sizeof n), .revision = 1, .action = ACT_STORE, .entity = ENT_FLOW,
				     .entity_val = put(b, "flow"), .check = put(b, checks[i]), .title = put(b, checks[i]),
				     .category = 1, .severity = (uint8_t)(2 + draw(5)), .score = (uint16_t)(10 + draw(200)),
				     .time = time, .end = time, .attacker = a->flow.client, .victim = a->flow.server,
				     .sensor = a->flow.sensor, .message = put(b, "what a check would say of such a flow, in one sentence") };
}

static void make_flow(struct r_flow *f, struct buf *b, uint64_t time, uint64_t n)
{
	memset(f, 0, sizeof *f);
	make_key(&f->key, b, time, n);
	make_count(&f->n, time);
	make_app(&f->app, b);
	make_judge(&f->judge, b);
}

/* -- the store -- */

static struct store *open_store(const struct store_conf *conf, enum store_role role)
{
	struct buf err = { 0 };
	struct store *s = store_sqlite.open(conf, role, &err);
	if (!s)
		fatalx("%s", buf_cstr(&err));
	return s;
}

static void good(struct store *s, int rc)
{
	if (rc < 0)
		fatalx("%s", store_sqlite.error(s));
}

static int put_sample(void *arg, const struct r_sample *r, const char *base)
{
	return store_sqlite.put(arg, R_SAMPLE, r, base, 0);
}

static int keep_total(void *arg, const void *key, size_t key_len, const void *value, size_t len)
{
	return store_sqlite.keep(arg, key, key_len, value, len);
}

static void commit(struct store *s, struct sampler *m, uint64_t next)
{
	static const struct sampler_ops ops = { put_sample, keep_total };
	good(s, sampler_flush(m, &ops, s));
	good(s, store_sqlite.commit(s, next));
}

/* What alertd does with the records of a stream; the wall clock goes along with the records. */
static void fill(const struct store_conf *conf, enum store_role role, uint64_t n, uint64_t from, uint64_t to)
{
	static union {
		struct r_alert alert;
		struct r_flow flow;
	} u;
	struct store *s = open_store(conf, role);
	struct buf b = { 0 };
	struct sampler m;
	uint64_t began = mono_ns();
	sampler_init(&m, SIZE_MAX);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t time = from + (uint64_t)((double)(to - from) * (double)i / (double)n);
		if (i % PER_COMMIT == 0)
			good(s, store_sqlite.begin(s, 0xf111, time));
		buf_reset(&b);
		buf_addc(&b, '\0'); /* offset 0 is no string */
		if (role == STORE_ALERTS)
			make_alert(&u.alert, &b, time, i);
		else
			make_flow(&u.flow, &b, time, i);
		enum rtype type = role == STORE_ALERTS ? R_ALERT : R_FLOW;
		good(s, store_sqlite.put(s, type, &u, b.p, i + 1));
		sampler_record(&m, type, &u, b.p);
		if (i % PER_COMMIT == PER_COMMIT - 1 || i == n - 1)
			commit(s, &m, i + 2);
	}
	sampler_release(&m);
	store_sqlite.close(s);
	s = open_store(conf, role == STORE_ALERTS ? role : STORE_UPKEEP);
	for (int rc = 1; rc > 0;)
		good(s, rc = store_sqlite.tidy(s, to));
	store_sqlite.close(s);
	buf_release(&b);
	double took = (double)(mono_ns() - began) / 1e9;
	printf("%" PRIu64 " %s in %.1f s: %.0f/s\n", n, role == STORE_ALERTS ? "alerts" : "flows", took, (double)n / took);
}

/* -- questions -- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static void ask(struct store *s, const char *what, const char *filter, const char *sort, const char *by, unsigned times)
{
	static uint64_t took[QUESTIONS];
	struct buf strs = { 0 }, out = { 0 }, err = { 0 };
	struct store_page page;
	struct g_query q = { .what = put(&strs, what), .filter = put(&strs, filter), .sort = put(&strs, sort), .by = put(&strs, by),
			     .limit = 100 };
	for (unsigned i = 0; i < times; i++) {
		buf_reset(&out);
		took[i] = mono_ns();
		unsigned status = store_sqlite.query(s, &q, strs.p, &out, &page, &err);
		took[i] = mono_ns() - took[i];
		if (status != 200)
			fatalx("%s %s: %s", what, filter, buf_cstr(&err));
	}
	qsort(took, times, sizeof *took, by_value);
	printf("%-10s %-28s %-8s %-20s p50 %8.2f ms  p99 %8.2f ms  %u records, %" PRIu64 " rows looked at\n", what, filter, sort, by,
	       (double)took[times / 2] / 1e6, (double)took[times * 99 / 100] / 1e6, page.count, page.scanned);
	buf_release(&strs);
	buf_release(&out);
	buf_release(&err);
}

static void measure(const struct store_conf *conf)
{
	struct store *s = open_store(conf, STORE_READ);
	ask(s, "alerts", "", "", "", QUESTIONS);
	ask(s, "alerts", "check = dns_tunnel", "", "", QUESTIONS);
	ask(s, "alerts", "client.ip = 10.0.0.7", "", "", QUESTIONS);
	ask(s, "alerts", "severity >= error", "", "", QUESTIONS);
	ask(s, "flows", "", "", "", QUESTIONS);
	ask(s, "flows", "client.ip = 10.0.0.7", "", "", QUESTIONS);
	ask(s, "top.flows", "", "", "app", 5);
	ask(s, "top.flows", "", "", "client.ip", 5);
	ask(s, "series", "", "", "app", QUESTIONS);
	store_sqlite.close(s);
}

int main(int argc, char **argv)
{
	bool only_ask = argc > 1 && strcmp(argv[1], "-q") == 0;
	int first = only_ask ? 2 : 1;
	if (first >= argc) {
		fputs("usage: fill [-q] DIR [ALERTS FLOWS [HOURS]]\n", stderr);
		return 2;
	}
	uint64_t numbers[] = { 1000000, 5000000, 24 };
	for (size_t i = 0; i < N(numbers) && first + 1 + (int)i < argc; i++)
		numbers[i] = strtoull(argv[first + 1 + (int)i], NULL, 10);
	struct store_conf conf = { .dir = argv[first], .period = HOUR, .max_alerts = UINT64_MAX };
	uint64_t to = wall_ns(), from = to - numbers[2] * HOUR;
	if (!only_ask) {
		fill(&conf, STORE_ALERTS, numbers[0], from, to);
		fill(&conf, STORE_FLOWS, numbers[1], from, to);
	}
	measure(&conf);
	return 0;
}

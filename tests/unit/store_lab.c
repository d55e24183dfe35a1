#include "store_lab.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOREVER { .age = 36500 * DAY, .bytes = 1ull << 50 }

char dir[64];
struct store_conf conf;

int store_begin(void **state)
{
	(void)state;
	/* Hundreds of transactions that wait for a disk are no test of ours. */
	snprintf(dir, sizeof dir, "%s/test-store-%d", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
	return 0;
}

int store_end(void **state)
{
	return fresh(state);
}

int fresh(void **state)
{
	char cmd[160];
	(void)state;
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	assert_int_equal(system(cmd), 0);
	conf = (struct store_conf){ .dir = dir, .period = HOUR, .max_alerts = 1000000 };
	for (unsigned k = 0; k < KEPT_KINDS; k++)
		conf.kept[k] = (struct retention)FOREVER;
	return 0;
}

struct store *open_store(enum store_role role)
{
	struct buf err = { 0 };
	struct store *s = store_sqlite.open(&conf, role, &err);
	if (!s)
		fail_msg("%s", buf_cstr(&err));
	return s;
}

void good(struct store *s, int rc)
{
	if (rc < 0)
		fail_msg("%s", store_sqlite.error(s));
}

static uint64_t state = 88172645463325252ull;
uint64_t draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

void make_flow(struct r_flow *f, struct buf *b, uint64_t n, uint64_t last, uint32_t revision)
{
	static const char *const apps[] = { "TLS", "tls", "DNS", "" };
	static const char *const sensors[] = { "lan", "dmz" };
	char text[24];
	buf_reset(b);
	buf_addc(b, '\0');
	*f = (struct r_flow){ .key = { .id = { n + 1, n * 77 + 1 }, .first = last - draw(100 * SEC), .proto = n % 3 ? 6 : 17,
				       .server_port = (uint16_t)(n % 5), .vlan = (uint16_t)(n % 2), .ip_version = 4 },
			      .n = { .last = last, .end_reason = END_FIN, .client_packets = draw(9) + 1, .server_packets = draw(9),
				     .client_bytes = draw(5000), .server_bytes = draw(50000) },
			      .judge = { .revision = revision, .score = (uint16_t)draw(100), .client_local = 1,
					 .server_asn = (uint32_t)draw(3) } };
	addr_parse(text, (size_t)snprintf(text, sizeof text, "10.0.0.%u", (unsigned)draw(20)), &f->key.client);
	addr_parse(text, (size_t)snprintf(text, sizeof text, "192.0.2.%u", (unsigned)draw(30)), &f->key.server);
	const char *app = apps[n % 4], *sensor = sensors[n % 2];
	f->app.app = str_put_raw(b, app, strlen(app));
	f->key.sensor = str_put_raw(b, sensor, strlen(sensor));
}

static int put_sample(void *arg, const struct r_sample *r, const char *base)
{
	return store_sqlite.put(arg, R_SAMPLE, r, base, 0);
}

static int keep(void *arg, const void *key, size_t key_len, const void *value, size_t len)
{
	return store_sqlite.keep(arg, key, key_len, value, len);
}

const struct sampler_ops sampler_ops = { put_sample, keep };

void restore(void *arg, const void *key, size_t key_len, const void *value, size_t len)
{
	sampler_restore(arg, key, key_len, value, len);
}

void writer_open(struct writer *w, uint64_t epoch)
{
	struct store_cursor c;
	*w = (struct writer){ .s = open_store(STORE_FLOWS), .epoch = epoch, .gap = 1 };
	sampler_init(&w->m, TOTALS_MAX);
	good(w->s, store_sqlite.run(w->s, epoch, &c));
	w->next = c.next ? c.next : 1;
	w->m.clock = c.clock;
}

void writer_close(struct writer *w)
{
	store_sqlite.close(w->s);
	sampler_release(&w->m);
	buf_release(&w->b);
}

void write_some(struct writer *w, uint64_t n, uint64_t now)
{
	struct r_flow f;
	good(w->s, store_sqlite.begin(w->s, w->epoch, now));
	if (!w->m.totals.n)
		good(w->s, store_sqlite.kept(w->s, restore, &w->m));
	for (uint64_t end = w->next + n; w->next < end; w->next++) {
		state = w->next * 0x9e3779b97f4a7c15ull + 1;
		uint64_t time = T0 + w->next * w->gap * SEC;
		if (w->next % 50 == 0) {
			struct r_tick t = { .tick = { .sensor = { 1, 3 }, .from = time - 50 * SEC, .to = time },
					    .n = { .packets = w->next * 10, .bytes = w->next * 1000, .flows_opened = w->next } };
			sampler_record(&w->m, R_TICK, &t, "\0lan");
			good(w->s, store_sqlite.put(w->s, R_TICK, &t, "\0lan", w->next));
			continue;
		}
		bool goes_on = w->next % 4 == 0;
		make_flow(&f, &w->b, goes_on ? 4000000000ull : w->next, time, 1);
		if (goes_on) {
			f.n.end_reason = END_ACTIVE;
			f.n.client_bytes = w->next * 100;
			f.n.server_bytes = w->next * 10;
			f.n.client_packets = w->next;
			f.n.server_packets = 0;
			f.app.app = f.key.sensor = (struct str){ 1, 3 };
			sampler_record(&w->m, R_FLOW, &f, "\0lan");
			continue;
		}
		f.key.id.hi += w->epoch << 32;
		sampler_record(&w->m, R_FLOW, &f, w->b.p);
		good(w->s, store_sqlite.put(w->s, R_FLOW, &f, w->b.p, w->next));
	}
	good(w->s, sampler_flush(&w->m, &sampler_ops, w->s));
	good(w->s, store_sqlite.commit(w->s, w->next));
}

struct str put(struct buf *b, const char *s)
{
	return str_put_raw(b, s, strlen(s));
}

unsigned ask(struct store *s, const struct question *a, struct buf *out, struct store_page *page, struct buf *err)
{
	struct buf strs = { 0 };
	struct g_query q = { .limit = a->limit ? a->limit : 10000, .start = a->start, .end = a->end, .step = a->step };
	q.what = put(&strs, a->what);
	q.filter = put(&strs, a->filter ? a->filter : "");
	q.by = put(&strs, a->by ? a->by : "");
	q.key = put(&strs, a->key ? a->key : "");
	q.sort = put(&strs, a->sort ? a->sort : "");
	q.run = put(&strs, a->run ? a->run : "");
	q.cursor = put(&strs, a->cursor ? a->cursor : "");
	buf_reset(out);
	unsigned status = store_sqlite.query(s, &q, strs.p, out, page, err);
	buf_release(&strs);
	return status;
}

void must_ask(struct store *s, const struct question *a, struct buf *out, struct store_page *page)
{
	struct buf err = { 0 };
	unsigned status = ask(s, a, out, page, &err);
	if (status != 200 || err.len)
		fail_msg("%u: %s", status, buf_cstr(&err));
	buf_release(&err);
}

struct totals total(struct store *s, const struct question *a)
{
	struct buf out = { 0 };
	struct store_page page;
	struct totals t = { .first = UINT64_MAX };
	must_ask(s, a, &out, &page);
	struct codec_reader r = { .base = out.p, .len = out.len };
	struct r_sample v;
	while (codec_peek(&r) == R_SAMPLE && codec_read(&r, &v) == 1) {
		t.bytes += v.sample.bytes;
		t.sent += v.sample.bytes_sent;
		t.rcvd += v.sample.bytes_rcvd;
		t.packets += v.sample.packets;
		t.flows += v.sample.flows;
		t.alerts += v.sample.alerts;
		t.first = v.sample.time < t.first ? v.sample.time : t.first;
		assert_true(t.n == 0 || v.sample.time >= t.last);
		t.last = v.sample.time;
		t.n++;
	}
	if (t.n != page.count)
		fail_msg("%s", r.error ? r.error : "cut off");
	buf_release(&out);
	return t;
}

void same_totals(struct totals a, struct totals b)
{
	assert_int_equal(a.bytes, b.bytes);
	assert_int_equal(a.sent, b.sent);
	assert_int_equal(a.rcvd, b.rcvd);
	assert_int_equal(a.packets, b.packets);
	assert_int_equal(a.flows, b.flows);
}

int prune_all(struct store *s, uint64_t now, struct store_pruned *did)
{
	int rc;
	*did = (struct store_pruned){ 0 };
	while ((rc = store_sqlite.prune(s, now, did)) > 0)
		;
	good(s, rc);
	return rc;
}

void oldest_flow_file(char *ret, size_t size)
{
	DIR *d = opendir(dir);
	char first[256] = "";
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		if (strncmp(e->d_name, "flows", 5) == 0 && strcmp(e->d_name + strlen(e->d_name) - 3, ".db") == 0 &&
		    (!*first || strcmp(e->d_name, first) < 0))
			snprintf(first, sizeof first, "%s", e->d_name);
	closedir(d);
	assert_true(*first);
	snprintf(ret, size, "%s/%s", dir, first);
}

void put_alerts(struct store *s, uint64_t from, unsigned n, uint64_t now, struct sampler *m)
{
	static struct r_alert a;
	good(s, store_sqlite.begin(s, 5, now));
	for (uint64_t i = from; i < from + n; i++) {
		static const char base[] = "\0lansyn_scandns_tunnel";
		memset(&a, 0, sizeof a);
		a.alert = (struct g_alert){ .id = { (T0 / 1000000 + i) << 16, i + 1 }, .revision = 1, .action = ACT_STORE, .entity = ENT_FLOW,
					    .time = T0 + i * SEC, .end = T0 + i * SEC, .sensor = { 1, 3 } };
		a.alert.check = i % 100 ? (struct str){ 4, 8 } : (struct str){ 12, 10 };
		char text[24];
		addr_parse(text, (size_t)snprintf(text, sizeof text, "10.0.0.%u", (unsigned)(i % 50)), &a.flow.client);
		assert_int_equal(store_sqlite.put(s, R_ALERT, &a, base, i + 1), 1);
		sampler_record(m, R_ALERT, &a, base);
	}
	good(s, sampler_flush(m, &sampler_ops, s));
	good(s, store_sqlite.commit(s, from + n + 1));
}

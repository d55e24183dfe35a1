#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alertd/sampler.h"
#include "alertd/store.h"
#include "codec.h"

#define SEC    1000000000ull
#define MINUTE (60 * SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define T0     (1600000000ull * SEC / DAY * DAY)
#define TOTALS_MAX 100000
#define FOREVER { .age = 36500 * DAY, .bytes = 1ull << 50 }

static char dir[64];
static struct store_conf conf;

static int fresh(void **state)
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

static struct store *open_store(enum store_role role)
{
	struct buf err = { 0 };
	struct store *s = store_sqlite.open(&conf, role, &err);
	if (!s)
		fail_msg("%s", buf_cstr(&err));
	return s;
}

static void good(struct store *s, int rc)
{
	if (rc < 0)
		fail_msg("%s", store_sqlite.error(s));
}

static uint64_t state = 88172645463325252ull;
static uint64_t draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

/* -- flows -- */

static void make_flow(struct r_flow *f, struct buf *b, uint64_t n, uint64_t last, uint32_t revision)
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
static const struct sampler_ops sampler_ops = { put_sample, keep };

static void restore(void *arg, const void *key, size_t key_len, const void *value, size_t len)
{
	sampler_restore(arg, key, key_len, value, len);
}

/* A writer as intake.c is: what it stores is a stream whose record n is always the same. */
struct writer {
	struct store *s;
	struct sampler m;
	uint64_t epoch, next;
	unsigned gap; /* s between two records */
	struct buf b;
};

static void writer_open(struct writer *w, uint64_t epoch)
{
	struct store_cursor c;
	*w = (struct writer){ .s = open_store(STORE_FLOWS), .epoch = epoch, .gap = 1 };
	sampler_init(&w->m, TOTALS_MAX);
	good(w->s, store_sqlite.run(w->s, epoch, &c));
	w->next = c.next ? c.next : 1;
	w->m.clock = c.clock;
}

static void writer_close(struct writer *w)
{
	store_sqlite.close(w->s);
	sampler_release(&w->m);
	buf_release(&w->b);
}

/*
 * Record n: of every 4 one says how a long flow goes on, of every 50 one is a tick; the others are flows that ended. now is wall
 * clock; packet time goes on by a second a record,
 * or w->gap.
 */
static void write_some(struct writer *w, uint64_t n, uint64_t now)
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

/* -- questions -- */

static struct str put(struct buf *b, const char *s)
{
	return str_put_raw(b, s, strlen(s));
}

struct question {
	const char *what, *filter, *by, *key, *sort, *run;
	uint64_t start, end, step;
};

static unsigned ask(struct store *s, const struct question *a, struct buf *out, struct store_page *page, struct buf *err)
{
	struct buf strs = { 0 };
	struct g_query q = { .limit = 10000, .start = a->start, .end = a->end, .step = a->step };
	q.what = put(&strs, a->what);
	q.filter = put(&strs, a->filter ? a->filter : "");
	q.by = put(&strs, a->by ? a->by : "");
	q.key = put(&strs, a->key ? a->key : "");
	q.sort = put(&strs, a->sort ? a->sort : "");
	q.run = put(&strs, a->run ? a->run : "");
	buf_reset(out);
	unsigned status = store_sqlite.query(s, &q, strs.p, out, page, err);
	buf_release(&strs);
	return status;
}

static void must_ask(struct store *s, const struct question *a, struct buf *out, struct store_page *page)
{
	struct buf err = { 0 };
	unsigned status = ask(s, a, out, page, &err);
	if (status != 200 || err.len)
		fail_msg("%u: %s", status, buf_cstr(&err));
	buf_release(&err);
}

/* -- sums -- */

/* With a filter that all meet, rows are read; without one, sums. */
static void same_sums(struct store *s, const char *by, uint64_t start, uint64_t end)
{
	struct question a = { .what = "top.flows", .by = by, .start = start, .end = end };
	struct buf sums = { 0 }, rows = { 0 };
	struct store_page p, q;
	must_ask(s, &a, &sums, &p);
	a.filter = "ip_version >= 4";
	must_ask(s, &a, &rows, &q);
	if (p.count != q.count || sums.len != rows.len || memcmp(sums.p ? sums.p : "", rows.p ? rows.p : "", sums.len) != 0)
		fail_msg("by %s from %llu to %llu: %u rows and %u rows", by, (unsigned long long)start, (unsigned long long)end, p.count,
			 q.count);
	buf_release(&sums);
	buf_release(&rows);
}

static void all_sums_are_same(struct store *s)
{
	static const char *const by[] = { "client.ip", "server.ip", "ip", "app", "client.ip,server.ip", "proto", "server.port", "vlan",
					  "sensor", "server.asn", "client.local", "severity", "app.category" };
	for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
		same_sums(s, by[i], 0, 0);
		for (unsigned n = 0; n < 3; n++) {
			uint64_t a = T0 + draw(4000 * SEC), b = a + draw(3000 * SEC);
			same_sums(s, by[i], a, b);
			same_sums(s, by[i], a, 0);
			same_sums(s, by[i], 0, b);
		}
		same_sums(s, by[i], T0 + 600 * SEC, T0 + 1200 * SEC - 1);
	}
}

/* A later revision of a flow, with other numbers, in another span. */
static void put_again(struct writer *w, uint64_t n, uint64_t last)
{
	struct r_flow f;
	make_flow(&f, &w->b, n, last, 2);
	f.key.id.hi += w->epoch << 32;
	assert_int_equal(store_sqlite.put(w->s, R_FLOW, &f, w->b.p, w->next++), 1);
}

static void sums_equal_rows(void **arg)
{
	(void)arg;
	struct writer w;
	struct store_page page;
	struct buf out = { 0 };
	writer_open(&w, 7);
	for (unsigned i = 0; i < 8; i++)
		write_some(&w, 500, T0 + i * HOUR / 2);
	struct store *r = open_store(STORE_READ), *u;
	all_sums_are_same(r);
	good(w.s, store_sqlite.begin(w.s, 7, T0 + 3 * HOUR + HOUR / 2));
	put_again(&w, 3501, T0 + 100 * SEC);
	put_again(&w, 3502, T0 + 3990 * SEC);
	good(w.s, store_sqlite.commit(w.s, w.next));
	all_sums_are_same(r);
	u = open_store(STORE_UPKEEP);
	int rc = 1, done = 0;
	while ((rc = store_sqlite.tidy(u, T0 + 30 * HOUR)) > 0)
		done++;
	good(u, rc);
	assert_int_equal(done, 3); /* not the newest */
	all_sums_are_same(r);
	/* What was read of the complete files are sums of the whole. */
	must_ask(r, &(struct question){ .what = "top.flows", .by = "vlan" }, &out, &page);
	assert_true(page.scanned < 100);
	store_sqlite.close(u);
	store_sqlite.close(r);
	writer_close(&w);
	buf_release(&out);
}

/* -- series -- */

struct totals {
	uint64_t bytes, sent, rcvd, packets, flows, alerts, n, first, last;
};

static struct totals total(struct store *s, const struct question *a)
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

static void same_totals(struct totals a, struct totals b)
{
	assert_int_equal(a.bytes, b.bytes);
	assert_int_equal(a.sent, b.sent);
	assert_int_equal(a.rcvd, b.rcvd);
	assert_int_equal(a.packets, b.packets);
	assert_int_equal(a.flows, b.flows);
}

static void series_at_every_step(void **arg)
{
	(void)arg;
	struct writer w;
	writer_open(&w, 7);
	for (unsigned i = 0; i < 10; i++)
		write_some(&w, 800, T0 + i * MINUTE);
	struct store *r = open_store(STORE_READ);
	struct question q = { .what = "series" };
	struct totals t = total(r, &q);
	assert_int_equal(t.bytes, 8000 * 1000);
	assert_int_equal(t.packets, 8000 * 10);
	assert_int_equal(t.flows, 8000);
	assert_int_equal(t.n, 134);
	for (uint64_t step = MINUTE; step <= DAY; step *= 6) {
		q.step = step;
		same_totals(total(r, &q), t);
	}
	q = (struct question){ .what = "series", .by = "app", .step = DAY };
	t = total(r, &q);
	same_totals(total(r, &(struct question){ .what = "series", .by = "sensor,app" }), t);
	q.key = "DNS";
	assert_int_equal(total(r, &q).n, 1);
	assert_true(total(r, &q).flows > 1000);
	/* From the first whole minute to the last; what is asked is what is covered. */
	t = total(r, &(struct question){ .what = "series", .start = T0 + 10 * MINUTE, .end = T0 + 20 * MINUTE - 1 });
	assert_int_equal(t.n, 10);
	assert_int_equal(t.first, T0 + 10 * MINUTE);
	store_sqlite.close(r);
	writer_close(&w);
}

/* The same stream, with deaths between the two commits and after reopening: nothing is counted twice, nothing is left out. */
static void samples_count_once(void **arg)
{
	(void)arg;
	struct writer w;
	char cmd[400];
	struct totals want[3], got;
	static const struct question q[2] = { { .what = "series" }, { .what = "series", .by = "sensor,app" } };
	for (unsigned round = 0; round < 2; round++) {
		fresh(NULL);
		writer_open(&w, 7);
		for (unsigned i = 0; i < 6; i++) {
			write_some(&w, 333, T0 + i * HOUR / 2);
			if (round == 0)
				continue;
			/* series.db as it was before the next transaction is what a death between the commits leaves. */
			writer_close(&w);
			snprintf(cmd, sizeof cmd, "cp %s/series.db %s/old", dir, dir);
			assert_int_equal(system(cmd), 0);
			writer_open(&w, 7);
			write_some(&w, 100, T0 + i * HOUR / 2 + MINUTE);
			writer_close(&w);
			snprintf(cmd, sizeof cmd, "mv %s/old %s/series.db; rm -f %s/series.db-*", dir, dir, dir);
			assert_int_equal(system(cmd), 0);
			writer_open(&w, 7);
			assert_int_equal(w.next, 333 * (i + 1) + 1);
		}
		write_some(&w, 100, T0 + 3 * HOUR);
		struct store *r = open_store(STORE_READ);
		for (unsigned i = 0; i < 2; i++) {
			got = total(r, &q[i]);
			if (round == 0)
				want[i] = got;
			else
				same_totals(got, want[i]);
		}
		struct buf out = { 0 };
		struct store_page page;
		must_ask(r, &(struct question){ .what = "flows" }, &out, &page);
		if (round == 0)
			want[2].n = page.count;
		else
			assert_int_equal(page.count, want[2].n);
		buf_release(&out);
		store_sqlite.close(r);
		writer_close(&w);
	}
}

static int prune_all(struct store *s, uint64_t now, struct store_pruned *did)
{
	int rc;
	*did = (struct store_pruned){ 0 };
	while ((rc = store_sqlite.prune(s, now, did)) > 0)
		;
	good(s, rc);
	return rc;
}

/* Minutes go first, then more: the answer stays whole, coarser where it must be. */
static void tiers_join(void **arg)
{
	(void)arg;
	struct writer w;
	struct store_pruned did;
	struct question q = { .what = "series" }, by = { .what = "series", .by = "app" };
	conf.kept[KEPT_MINUTES].age = 3 * HOUR;
	conf.kept[KEPT_5MINUTES].age = 8 * HOUR;
	conf.kept[KEPT_HOURS].age = 30 * DAY;
	writer_open(&w, 7);
	w.gap = 10;
	for (unsigned i = 0; i < 12; i++)
		write_some(&w, 360, T0 + i * HOUR);
	struct store *r = open_store(STORE_READ);
	struct totals t = total(r, &q), apps = total(r, &by), now;
	for (uint64_t h = 12; h < 24; h += 2) {
		prune_all(w.s, T0 + h * HOUR, &did);
		if (h == 12)
			assert_true(did.n[KEPT_MINUTES] > 1000 && did.n[KEPT_5MINUTES] > 50 && did.n[KEPT_HOURS] == 0);
		now = total(r, &q);
		same_totals(now, t);
		same_totals(total(r, &by), apps);
		assert_true(now.n < t.n);
		same_totals(total(r, &(struct question){ .what = "series", .step = DAY }), t);
	}
	/* A range in the part that is coarse, and one that is not. */
	assert_int_equal(total(r, &(struct question){ .what = "series", .end = T0 + 2 * HOUR - 1 }).n, 2);
	store_sqlite.close(r);
	writer_close(&w);
}

static void bytes_bound_each_tier(void **arg)
{
	(void)arg;
	struct writer w;
	struct store_pruned did;
	conf.kept[KEPT_MINUTES].bytes = 10000;
	writer_open(&w, 7);
	w.gap = 10;
	for (unsigned i = 0; i < 5; i++)
		write_some(&w, 360, T0 + i * HOUR);
	struct store *r = open_store(STORE_READ);
	struct question q = { .what = "series", .by = "app" };
	struct totals t = total(r, &q);
	prune_all(w.s, T0 + 5 * HOUR, &did);
	assert_true(did.n[KEPT_MINUTES] > 100);
	assert_int_equal(did.n[KEPT_5MINUTES], 0);
	same_totals(total(r, &q), t);
	prune_all(w.s, T0 + 5 * HOUR, &did);
	assert_int_equal(did.n[KEPT_MINUTES], 0);
	store_sqlite.close(r);
	writer_close(&w);
}

/* Name of the oldest flow file: its time is part of it. */
static void oldest_flow_file(char *ret, size_t size)
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

static void flow_files_are_bounded(void **arg)
{
	(void)arg;
	struct writer w;
	struct store_pruned did;
	struct buf out = { 0 };
	struct store_page page;
	writer_open(&w, 7);
	for (unsigned i = 0; i < 5; i++)
		write_some(&w, 500, T0 + i * HOUR);
	conf.kept[KEPT_FLOWS].age = 90 * MINUTE;
	struct store *u = open_store(STORE_UPKEEP), *r = open_store(STORE_READ);
	prune_all(u, T0 + 4 * HOUR + HOUR / 2, &did);
	assert_int_equal(did.n[KEPT_FLOWS], 2);
	must_ask(r, &(struct question){ .what = "flows" }, &out, &page);
	assert_true(page.count > 1000 && page.count < 1200);
	store_sqlite.close(u);
	conf.kept[KEPT_FLOWS] = (struct retention){ .age = 3650 * DAY, .bytes = 65536 };
	u = open_store(STORE_UPKEEP);
	/* One that cannot be deleted is an error and counts as none: a directory cannot be unlinked. */
	char oldest[600], aside[610];
	oldest_flow_file(oldest, sizeof oldest);
	snprintf(aside, sizeof aside, "%s.aside", oldest);
	assert_int_equal(rename(oldest, aside), 0);
	assert_int_equal(mkdir(oldest, 0700), 0);
	did = (struct store_pruned){ 0 };
	assert_int_equal(store_sqlite.prune(u, T0 + 4 * HOUR + HOUR / 2, &did), -1);
	assert_int_equal(did.n[KEPT_FLOWS], 0);
	assert_int_equal(rmdir(oldest), 0);
	assert_int_equal(rename(aside, oldest), 0);
	prune_all(u, T0 + 4 * HOUR + HOUR / 2, &did);
	assert_int_equal(did.n[KEPT_FLOWS], 2); /* not the one that is written */
	must_ask(r, &(struct question){ .what = "flows" }, &out, &page);
	assert_true(page.count > 300);
	store_sqlite.close(u);
	store_sqlite.close(r);
	writer_close(&w);
	buf_release(&out);
}

/* Deleted files that somebody in this process has open. */
static unsigned deleted_but_open(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		char target[256] = "";
		if (readlinkat(dirfd(d), e->d_name, target, sizeof target - 1) > 0)
			n += strncmp(target, dir, strlen(dir)) == 0 && strstr(target, " (deleted)");
	}
	closedir(d);
	return n;
}

/* A file that stays open between questions is not read when it is no longer the one of that name, nor kept for long. */
static void open_files_are_let_go_of(void **arg)
{
	(void)arg;
	static const struct question q = { .what = "flows" };
	struct writer w;
	struct store_pruned did;
	struct buf out = { 0 }, again = { 0 };
	struct store_page page;
	char cmd[400];
	writer_open(&w, 7);
	for (unsigned i = 0; i < 3; i++)
		write_some(&w, 200, T0 + i * HOUR);
	struct store *u = open_store(STORE_UPKEEP), *r = open_store(STORE_READ);
	for (int rc = 1; rc > 0;)
		good(u, rc = store_sqlite.tidy(u, T0 + 3 * HOUR));
	must_ask(r, &q, &out, &page);
	uint32_t all = page.count;
	snprintf(cmd, sizeof cmd, "cd '%s' && cp flows-%llu.db copy && mv copy flows-%llu.db", dir, T0 / SEC, T0 / SEC);
	assert_int_equal(system(cmd), 0);
	assert_true(deleted_but_open() > 0);
	must_ask(r, &q, &again, &page);
	assert_int_equal(deleted_but_open(), 0);
	assert_int_equal(again.len, out.len);
	assert_memory_equal(again.p, out.p, out.len);
	conf.kept[KEPT_FLOWS].age = HOUR;
	store_sqlite.close(u);
	u = open_store(STORE_UPKEEP);
	prune_all(u, T0 + 2 * HOUR + HOUR / 2, &did);
	assert_int_equal(did.n[KEPT_FLOWS], 1);
	must_ask(r, &q, &out, &page);
	assert_true(page.count > 0 && page.count < all);
	store_sqlite.rest(r);
	assert_int_equal(deleted_but_open(), 0);
	must_ask(r, &q, &again, &page);
	assert_int_equal(again.len, out.len);
	store_sqlite.close(u);
	store_sqlite.close(r);
	writer_close(&w);
	buf_release(&out);
	buf_release(&again);
}

/* -- runs -- */

static void each_run_has_its_own(void **arg)
{
	(void)arg;
	struct writer w;
	writer_open(&w, 0x11);
	write_some(&w, 1000, T0);
	writer_close(&w);
	writer_open(&w, 0x22);
	write_some(&w, 500, T0 + MINUTE);
	struct store *r = open_store(STORE_READ);
	struct question q = { .what = "series" }, top = { .what = "top.flows", .by = "app" };
	assert_int_equal(total(r, &q).bytes, 1500 * 1000);
	q.run = "0000000000000011";
	assert_int_equal(total(r, &q).bytes, 1000 * 1000);
	q.run = "0000000000000022";
	assert_int_equal(total(r, &q).bytes, 500 * 1000);
	struct buf out = { 0 }, rows = { 0 }, err = { 0 };
	struct store_page page, scanned;
	top.run = q.run;
	must_ask(r, &top, &out, &page);
	top.filter = "ip_version = 4";
	must_ask(r, &top, &rows, &scanned);
	assert_int_equal(out.len, rows.len);
	assert_memory_equal(out.p, rows.p, rows.len);
	must_ask(r, &(struct question){ .what = "flows", .run = q.run }, &out, &page);
	assert_int_equal(page.count, 500 - 125 - 5);
	q.run = "22";
	assert_int_equal(ask(r, &q, &out, &page, &err), 400);
	buf_release(&out);
	buf_release(&rows);
	buf_release(&err);
	store_sqlite.close(r);
	writer_close(&w);
}

static uint64_t next_of(struct store *s, uint64_t epoch)
{
	struct store_cursor c;
	good(s, store_sqlite.run(s, epoch, &c));
	assert_int_equal(c.epoch, epoch);
	return c.next;
}

/* How far runs are is in the files, and in them alone: also of many, in any order, while another one is written. */
static void files_know_their_runs(void **arg)
{
	(void)arg;
	struct writer w;
	char oldest[600];
	for (uint64_t i = 0; i < 24; i++) {
		uint64_t run = i % 8, round = i / 8;
		writer_open(&w, 1 + run);
		assert_int_equal(w.next, 1 + round * (2 + run));
		write_some(&w, 2 + run, T0 + i / 4 * HOUR); /* another file each time */
		writer_close(&w);
	}
	writer_open(&w, 30);
	good(w.s, store_sqlite.begin(w.s, 30, T0 + 20 * HOUR));
	for (uint64_t epoch = 8; epoch > 0; epoch--)
		assert_int_equal(next_of(w.s, epoch), 1 + 3 * (1 + epoch));
	good(w.s, store_sqlite.commit(w.s, 5));
	assert_int_equal(next_of(w.s, 30), 5);
	assert_int_equal(next_of(w.s, 31), 0);
	for (unsigned i = 0; i < 5; i++) { /* retention */
		oldest_flow_file(oldest, sizeof oldest);
		assert_int_equal(unlink(oldest), 0);
	}
	assert_int_equal(next_of(w.s, 1), 0);
	assert_int_equal(next_of(w.s, 8), 1 + 3 * 9);
	writer_close(&w);
}

/* -- alerts -- */

static void put_alerts(struct store *s, uint64_t from, unsigned n, uint64_t now, struct sampler *m)
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

/* Pages of alerts look at as many rows as they have, whatever is stored. */
static void alerts_by_index(void **arg)
{
	(void)arg;
	static const char *const filters[] = { "", "check = dns_tunnel", "check = syn_scan", "client.ip = 10.0.0.7" };
	struct sampler m;
	struct buf out = { 0 }, err = { 0 }, strs = { 0 };
	struct store_page page;
	sampler_init(&m, TOTALS_MAX);
	struct store *s = open_store(STORE_ALERTS);
	put_alerts(s, 0, 6000, T0, &m);
	good(s, store_sqlite.tidy(s, T0));
	struct store *r = open_store(STORE_READ);
	for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
		struct g_query q = { .limit = 50 };
		buf_reset(&strs);
		buf_reset(&out);
		q.what = put(&strs, "alerts");
		q.filter = put(&strs, filters[i]);
		assert_int_equal(store_sqlite.query(r, &q, strs.p, &out, &page, &err), 200);
		assert_int_equal(page.count, 50);
		if (page.scanned > 2 * 51)
			fail_msg("'%s': %u records, %llu rows looked at", filters[i], page.count, (unsigned long long)page.scanned);
	}
	struct question q = { .what = "series", .by = "check", .step = DAY, .key = "dns_tunnel" };
	assert_int_equal(total(r, &q).alerts, 60);
	assert_int_equal(total(r, &(struct question){ .what = "series", .step = HOUR }).alerts, 6000);
	store_sqlite.close(r);
	store_sqlite.close(s);
	sampler_release(&m);
	buf_release(&out);
	buf_release(&err);
	buf_release(&strs);
}

static void alerts_are_bounded(void **arg)
{
	(void)arg;
	struct sampler m;
	struct store_pruned did;
	struct buf out = { 0 };
	struct store_page page;
	sampler_init(&m, TOTALS_MAX);
	conf.kept[KEPT_ALERTS].age = HOUR;
	struct store *s = open_store(STORE_ALERTS), *r = open_store(STORE_READ);
	put_alerts(s, 0, 1000, T0, &m);
	put_alerts(s, 1000, 500, T0 + HOUR, &m);
	prune_all(s, T0 + HOUR + MINUTE, &did);
	assert_int_equal(did.n[KEPT_ALERTS], 1000);
	must_ask(r, &(struct question){ .what = "alerts" }, &out, &page);
	assert_int_equal(page.count, 500);
	store_sqlite.close(s);
	conf.kept[KEPT_ALERTS] = (struct retention){ .age = DAY, .bytes = 300000 };
	s = open_store(STORE_ALERTS);
	prune_all(s, T0 + HOUR + MINUTE, &did);
	assert_true(did.n[KEPT_ALERTS] > 50 && did.n[KEPT_ALERTS] < 500);
	/* What they were is still counted. */
	assert_int_equal(total(r, &(struct question){ .what = "series" }).alerts, 1500);
	store_sqlite.close(s);
	store_sqlite.close(r);
	sampler_release(&m);
	buf_release(&out);
}

/* -- readers beside a writer that also deletes -- */

struct reader {
	pthread_t thread;
	const bool *stop;
	unsigned asked;
	char why[200];
};

static void *keep_asking(void *arg)
{
	static const struct question q[] = { { .what = "flows" },
					     { .what = "top.flows", .by = "client.ip" },
					     { .what = "series" },
					     { .what = "series", .by = "app", .step = HOUR },
					     { .what = "runs" },
					     { .what = "top.flows", .by = "app", .start = T0 + 1234 * SEC } };
	struct reader *me = arg;
	struct store_conf c = conf;
	struct buf out = { 0 }, err = { 0 };
	struct store *s = store_sqlite.open(&c, STORE_READ, &err);
	while (!*me->why && (!__atomic_load_n(me->stop, __ATOMIC_ACQUIRE) || me->asked < 20)) {
		struct store_page page;
		const struct question *a = &q[me->asked++ % (sizeof q / sizeof *q)];
		unsigned status = ask(s, a, &out, &page, &err);
		if (status != 200 || err.len)
			snprintf(me->why, sizeof me->why, "%s by %s: %u %s", a->what, a->by ? a->by : "", status, buf_cstr(&err));
	}
	store_sqlite.close(s);
	buf_release(&out);
	buf_release(&err);
	return NULL;
}

static void nobody_is_in_the_way(void **arg)
{
	(void)arg;
	struct writer w;
	struct store_pruned did;
	struct reader readers[3];
	bool stop = false;
	uint64_t deleted = 0;
	conf.kept[KEPT_FLOWS].age = 2 * HOUR;
	conf.kept[KEPT_MINUTES].age = 2 * HOUR;
	writer_open(&w, 7);
	write_some(&w, 100, T0);
	struct sampler m;
	sampler_init(&m, TOTALS_MAX);
	struct store *a = open_store(STORE_ALERTS), *u = open_store(STORE_UPKEEP);
	for (size_t i = 0; i < 3; i++) {
		readers[i] = (struct reader){ .stop = &stop };
		assert_int_equal(pthread_create(&readers[i].thread, NULL, keep_asking, &readers[i]), 0);
	}
	for (unsigned i = 1; i < 40; i++) {
		uint64_t now = T0 + i * HOUR / 4;
		write_some(&w, 100, now);
		put_alerts(a, i * 20, 20, now, &m);
		prune_all(w.s, now, &did);
		deleted += did.n[KEPT_MINUTES];
		good(u, store_sqlite.tidy(u, now));
		prune_all(u, now, &did);
		deleted += did.n[KEPT_FLOWS];
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (size_t i = 0; i < 3; i++) {
		pthread_join(readers[i].thread, NULL);
		assert_string_equal(readers[i].why, "");
	}
	assert_true(deleted > 20);
	store_sqlite.close(u);
	store_sqlite.close(a);
	sampler_release(&m);
	writer_close(&w);
}

/* -- what was counted of hosts -- */

static void hosts_by_their_totals(void **arg)
{
	(void)arg;
	struct sampler m;
	struct store *s = open_store(STORE_FLOWS);
	sampler_init(&m, TOTALS_MAX);
	static const char base[] = "\0lanTLS=1000\nDNS=10TLS=3000\nDNS=10";
	struct r_host h[] = { { .host = { .last = T0 + 59 * SEC, .time = T0 + 61 * SEC, .bytes_sent = 600, .bytes_rcvd = 410, .packets_sent = 5,
					  .flows_client = 2, .score = 30, .alerts = 1, .sensor = { 1, 3 }, .apps = { 4, 15 } } },
			      { .host = { .last = T0 + 119 * SEC, .time = T0 + 121 * SEC, .bytes_sent = 2000, .bytes_rcvd = 1010,
					  .packets_sent = 9, .flows_client = 2, .score = 10, .alerts = 4, .sensor = { 1, 3 },
					  .apps = { 19, 15 } } } };
	for (unsigned i = 0; i < 2; i++) {
		addr_parse("10.0.0.1", 8, &h[i].host.ip);
		good(s, store_sqlite.begin(s, 9, T0));
		sampler_restart(&m, T0 + i * MINUTE);
		good(s, store_sqlite.kept(s, restore, &m)); /* as after a death */
		sampler_record(&m, R_HOST, &h[i], base);
		good(s, sampler_flush(&m, &sampler_ops, s));
		good(s, store_sqlite.commit(s, i + 2));
	}
	struct store *r = open_store(STORE_READ);
	struct question q = { .what = "series", .by = "host", .key = "10.0.0.1" };
	struct totals t = total(r, &q);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.first, T0);
	assert_int_equal(t.sent, 2000);
	assert_int_equal(t.rcvd, 1010);
	assert_int_equal(t.packets, 9);
	assert_int_equal(t.flows, 2);
	assert_int_equal(t.alerts, 4);
	q.end = T0 + MINUTE - 1;
	assert_int_equal(total(r, &q).bytes, 1010);
	q = (struct question){ .what = "series", .by = "host,app", .key = "10.0.0.1", .step = HOUR };
	t = total(r, &q);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.bytes, 3010);
	q.key = "10.0.0.10";
	assert_int_equal(total(r, &q).n, 0);
	store_sqlite.close(r);
	store_sqlite.close(s);
	sampler_release(&m);
}

/* What is said of the only host, as a question is answered: "alias/notes", "" when nothing is. */
static const char *what_is_said(void)
{
	static char text[64];
	struct store *s = open_store(STORE_READ);
	struct r_query q = { .query.what = { 0, 5 } };
	struct buf out = { 0 }, err = { 0 };
	struct store_page page;
	struct r_host h;
	assert_int_equal(store_sqlite.query(s, &q.query, "hosts", &out, &page, &err), 200);
	struct codec_reader r = { .base = out.p, .len = out.len };
	*text = '\0';
	if (page.count) {
		assert_int_equal(page.count, 1);
		assert_int_equal(codec_read(&r, &h), 1);
		assert_int_equal(h.host.vlan, 7);
		snprintf(text, sizeof text, "%.*s/%.*s", (int)h.host.alias.len, str_ptr(out.p, h.host.alias),
			 (int)h.host.notes.len, str_ptr(out.p, h.host.notes));
	}
	store_sqlite.close(s);
	buf_release(&out);
	return text;
}

static void hosts_have_notes(void **unused)
{
	static char alias[130], notes[1026];
	memset(alias, 'a', sizeof alias - 1);
	memset(notes, 'n', sizeof notes - 1);
	static const struct {
		const char *alias, *notes;
		unsigned status;
		const char *said;
	} steps[] = {
		{ NULL, "by the door", 200, "/by the door" }, { "gate", NULL, 200, "gate/by the door" },
		{ "gate", NULL, 200, "gate/by the door" },    { alias, NULL, 400, "gate/by the door" },
		{ NULL, notes, 400, "gate/by the door" },     { "", NULL, 200, "/by the door" },
		{ NULL, "", 200, "" },                        { "", "", 200, "" },
	};
	struct store *s = open_store(STORE_ALERTS);
	struct buf err = { 0 };
	struct store_host h = { .vlan = 7, .actor = "test" };
	(void)unused;
	assert_int_equal(store_sqlite.host(s, &h, T0, &err), 400); /* no address */
	assert_int_equal(addr_parse("192.0.2.1", 9, &h.ip), 0);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		h.alias = steps[i].alias;
		h.notes = steps[i].notes;
		assert_int_equal(store_sqlite.host(s, &h, T0, &err), steps[i].status);
		assert_string_equal(what_is_said(), steps[i].said);
	}
	store_sqlite.close(s);
	buf_release(&err);
}

/* As many as fit into one answer; those that are there can still be changed. */
static void noted_hosts_are_bounded(void **unused)
{
	struct store *s = open_store(STORE_ALERTS);
	struct buf err = { 0 };
	struct store_host h = { .actor = "test", .alias = "x" };
	unsigned status = 200;
	(void)unused;
	assert_int_equal(addr_parse("192.0.2.1", 9, &h.ip), 0);
	for (h.vlan = 0; h.vlan < 4096 && status == 200; h.vlan++)
		status = store_sqlite.host(s, &h, T0, &err);
	assert_int_equal(status, 409);
	assert_in_range(h.vlan, 1000, 4095);
	h.vlan = 0;
	h.alias = "y";
	assert_int_equal(store_sqlite.host(s, &h, T0, &err), 200);
	store_sqlite.close(s);
	buf_release(&err);
}

/* What others can read has another revision before who committed hears of it; what changed nothing has the same. */
static void commits_move_the_revision(void **unused)
{
	uint64_t revision = 41, last;
	struct buf err = { 0 }, out = { 0 };
	struct store_page page;
	struct r_alert a = { .alert = { .id = { 1, 2 }, .revision = 1, .time = T0, .end = T0 } };
	const struct store_note note = { "ack", "test", "", "" };
	(void)unused;
	conf.revision = &revision;
	struct store *s = open_store(STORE_ALERTS), *r = open_store(STORE_READ);
	good(s, store_sqlite.begin(s, 1, T0));
	good(s, store_sqlite.put(s, R_ALERT, &a, "", 1));
	last = revision;
	good(s, store_sqlite.commit(s, 2));
	assert_int_not_equal(revision, last);
	last = revision;
	struct question q = { .what = "alerts" };
	must_ask(r, &q, &out, &page);
	assert_int_equal(page.count, 1);
	assert_int_equal(revision, last);
	assert_int_equal(store_sqlite.note(s, a.alert.id, &note, T0, &err), 200);
	assert_int_not_equal(revision, last);
	last = revision;
	assert_int_equal(store_sqlite.note(s, (struct id){ 3, 4 }, &note, T0, &err), 404);
	assert_int_equal(revision, last);
	store_sqlite.close(r);
	store_sqlite.close(s);
	buf_release(&out);
	buf_release(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(sums_equal_rows, fresh),
		cmocka_unit_test_setup(series_at_every_step, fresh),
		cmocka_unit_test_setup(samples_count_once, fresh),
		cmocka_unit_test_setup(tiers_join, fresh),
		cmocka_unit_test_setup(bytes_bound_each_tier, fresh),
		cmocka_unit_test_setup(flow_files_are_bounded, fresh),
		cmocka_unit_test_setup(open_files_are_let_go_of, fresh),
		cmocka_unit_test_setup(each_run_has_its_own, fresh),
		cmocka_unit_test_setup(files_know_their_runs, fresh),
		cmocka_unit_test_setup(alerts_by_index, fresh),
		cmocka_unit_test_setup(alerts_are_bounded, fresh),
		cmocka_unit_test_setup(nobody_is_in_the_way, fresh),
		cmocka_unit_test_setup(hosts_by_their_totals, fresh),
		cmocka_unit_test_setup(hosts_have_notes, fresh),
		cmocka_unit_test_setup(noted_hosts_are_bounded, fresh),
		cmocka_unit_test_setup(commits_move_the_revision, fresh),
	};
	/* Hundreds of transactions that wait for a disk are no test of ours. */
	snprintf(dir, sizeof dir, "%s/test-store-%d", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
	cmocka_set_message_output(CM_OUTPUT_TAP);
	int rc = cmocka_run_group_tests_name("store", tests, NULL, NULL);
	fresh(NULL);
	return rc;
}

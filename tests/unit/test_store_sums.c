/* Sums and series of the store: whatever way they are made, they are the same. */
#include "store_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(sums_equal_rows, fresh),
		cmocka_unit_test_setup(series_at_every_step, fresh),
		cmocka_unit_test_setup(samples_count_once, fresh),
		cmocka_unit_test_setup(hosts_by_their_totals, fresh),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("store_sums", tests, store_begin, store_end);
}

/* Lists in all their forms: what is on them, and what almost is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checks/lists.h"
#include "codec.h"
#include "scratch.h"

#define MAX_LISTS 4

static char dir[SCRATCH];

struct made {
	struct topo *t;
	struct lists *l;
};

/* One list for each pair of text and keys. */
static struct made make(size_t n, const char *const (*list)[2])
{
	struct made m;
	struct buf yaml = { 0 }, err = { 0 };
	buf_adds(&yaml, "sensors: {lan: {stdin: yes}}\nlists:\n");
	for (size_t i = 0; i < n; i++) {
		char path[80];
		snprintf(path, sizeof path, "%s/%zu", dir, i);
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fputs(list[i][0], f);
		fclose(f);
		buf_addf(&yaml, "  list%zu: {file: %s, %s}\n", i, path, list[i][1]);
	}
	m.t = topo_parse("test", yaml.p, yaml.len, &err);
	if (!m.t)
		fail_msg("%s", buf_cstr(&err));
	m.l = lists_new(m.t);
	buf_release(&yaml);
	buf_release(&err);
	return m;
}

static void drop(struct made m)
{
	lists_free(m.l);
	topo_free(m.t);
}

static void give_metrics(void *arg, struct metrics *m)
{
	lists_metrics(arg, m);
}

/* Lines of the first list that could not be read. */
static double left_out(struct lists *l)
{
	struct metrics *m = metrics_new("t");
	struct buf out = { 0 };
	struct r_metric r;
	double n = -1;
	metrics_source(m, give_metrics, l);
	metrics_pack(m, &out);
	for (struct codec_reader in = { .base = out.p, .len = out.len }; codec_read(&in, &r) == 1;)
		if (str_eq(out.p, r.metric.name, "list_unreadable"))
			n = r.metric.value;
	metrics_free(m);
	buf_release(&out);
	return n;
}

static void test_forms(void **state)
{
	(void)state;
	static const struct {
		const char *text, *keys;
		const char *has[4], *not[4];
		unsigned entries, left_out;
	} cases[] = {
		{ "# feed\n10.0.0.0/8\n192.0.2.7 ; bad\n\n198.51.100.5-198.51.100.9\r\n2001:db8::/32\n10.1.0.0/16\n", "kind: address",
		  { "10.255.255.255", "192.0.2.7", "198.51.100.9", "2001:db8:ffff::1" },
		  { "11.0.0.0", "192.0.2.8", "198.51.100.10", "2001:db9::" }, 4, 0 },
		{ "1.2.3.4\t7\n10.0.0.1/24\n9.9.9.9 - 9.9.9.11\n", "kind: address",
		  { "1.2.3.4", "10.0.0.255", "9.9.9.10" }, { "1.2.3.5", "10.0.1.0", "9.9.9.12" }, 3, 0 },
		{ "Evil.example.\n*.bad.example\n.worse.example\nnot a domain\n", "kind: domain",
		  { "evil.example", "www.EVIL.example.", "a.b.bad.example", "worse.example" },
		  { "notevil.example", "example", "evil.example.org" }, 3, 1 },
		{ "127.0.0.1 localhost\n0.0.0.0 ads.example track.example # both\n:: six.example\n", "kind: domain, format: hosts",
		  { "ads.example", "track.example", "x.six.example" }, { "localhost", "example" }, 3, 0 },
		{ "\"first\",ip,\"why \"\"quoted\"\", really\"\n1,1.1.1.1,x\n\"2\",\"2.2.2.2\",\"a,b\"\n3\n",
		  "kind: address, format: csv, column: ip",
		  { "1.1.1.1", "2.2.2.2" }, { "3.3.3.3" }, 2, 1 },
		{ "# comment\nx|5.5.5.5\nx\n\n", "kind: address, format: csv, column: 2, separator: '|'", { "5.5.5.5" }, { "5.5.5.6" }, 1, 1 },
		{ "{\"ioc\":{\"value\":\"bad.example\"}}\n{\"ioc\":3}\n{\n\n", "kind: domain, format: json, column: ioc.value",
		  { "bad.example" }, { "example" }, 1, 2 },
		{ "http://Bad.example/a/B?c#d\nhttps://x.example/\nnothing\n", "kind: url",
		  { "bad.example/a/B?c#d", "HTTP://BAD.example/a/B?c#d", "x.example/" }, { "bad.example/a/b?c#d", "x.example" }, 2, 1 },
		{ "e7d705a3286e19ea42f587b344ee6865\nE7D705A3286E19EA42F587B344EE6866\nzz\n", "kind: ja3",
		  { "E7D705A3286E19EA42F587B344EE6865", "e7d705a3286e19ea42f587b344ee6866" }, { "e7d705a3286e19ea42f587b344ee6867" }, 2, 1 },
		{ "", "kind: domain", { NULL }, { "example", "" }, 0, 0 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *const list[1][2] = { { cases[i].text, cases[i].keys } };
		struct made m = make(1, list);
		if (lists_entries(m.l, 0) != cases[i].entries)
			fail_msg("list %zu has %llu entries", i, (unsigned long long)lists_entries(m.l, 0));
		if (left_out(m.l) != cases[i].left_out)
			fail_msg("of list %zu %g lines were left out", i, left_out(m.l));
		for (size_t k = 0; k < 4 && cases[i].has[k]; k++)
			if (!lists_has(m.l, 0, cases[i].has[k]))
				fail_msg("list %zu has no %s", i, cases[i].has[k]);
		for (size_t k = 0; k < 4 && cases[i].not[k]; k++)
			if (lists_has(m.l, 0, cases[i].not[k]))
				fail_msg("list %zu has %s", i, cases[i].not[k]);
		drop(m);
	}
}

struct told {
	unsigned n;
	unsigned list[8];
	char what[8][160];
};

static void on_hit(void *arg, unsigned list, const char *what)
{
	struct told *t = arg;
	t->list[t->n] = list;
	snprintf(t->what[t->n++], sizeof t->what[0], "%s", what);
}

static void test_flow(void **state)
{
	(void)state;
	static const char *const list[4][2] = {
		{ "10.0.0.0/8\n192.0.2.7\n", "kind: address" },
		{ "bad.example\n", "kind: domain" },
		{ "good.bad.example\n", "kind: domain, allow: yes" },
		{ "bad.example/x\n", "kind: url, score: 7" },
	};
	struct made m = make(4, list);
	struct r_flow f = { 0 };
	struct told t = { 0 };
	const char *base = "www.bad.example/xgood.bad.example";
	assert_int_equal(addr_parse("10.0.0.1", 8, &f.key.client), 0);
	assert_int_equal(addr_parse("192.0.2.7", 9, &f.key.server), 0);
	f.app.host = (struct str){ 0, 15 };
	f.app.http_host = (struct str){ 4, 11 };
	f.app.http_url = (struct str){ 15, 2 };
	lists_flow(m.l, &f, base, on_hit, &t);
	assert_int_equal(t.n, 3);
	assert_int_equal(t.list[0], 0); /* once, though both sides are on it */
	assert_string_equal(t.what[0], "client 10.0.0.1");
	assert_int_equal(t.list[1], 1);
	assert_string_equal(t.what[1], "name www.bad.example");
	assert_int_equal(t.list[2], 3);
	assert_string_equal(t.what[2], "URL bad.example/x");
	assert_int_equal(lists_def(m.l, 3)->score, 7);
	/* What an allow list has, no other one has. */
	memset(&t, 0, sizeof t);
	memset(&f.key, 0, sizeof f.key);
	f.app.http_url.len = 0;
	f.app.host = (struct str){ 17, 16 };
	lists_flow(m.l, &f, base, on_hit, &t);
	assert_int_equal(t.n, 0);
	drop(m);
}

static void test_many(void **state)
{
	(void)state;
	struct buf text = { 0 };
	for (unsigned i = 0; i < 50000; i++)
		buf_addf(&text, "host%u.example\n", i * 7);
	const char *const list[1][2] = { { buf_cstr(&text), "kind: domain" } };
	struct made m = make(1, list);
	uint64_t hash = lists_hash(m.l);
	assert_int_equal(lists_entries(m.l, 0), 50000);
	for (unsigned i = 0; i < 350000; i += 77) {
		char name[40];
		snprintf(name, sizeof name, "x.host%u.example", i);
		assert_int_equal(lists_has(m.l, 0, name), i % 7 == 0);
	}
	drop(m);
	text.p[4] = '9';
	const char *const other[1][2] = { { buf_cstr(&text), "kind: domain" } };
	m = make(1, other);
	assert_true(lists_hash(m.l) != hash);
	drop(m);
	buf_release(&text);
}

static int make_dir(void **state)
{
	(void)state;
	return scratch(dir, "lists") ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	for (size_t i = 0; i < MAX_LISTS; i++) {
		char path[80];
		snprintf(path, sizeof path, "%s/%zu", dir, i);
		unlink(path);
	}
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_forms), cmocka_unit_test(test_flow), cmocka_unit_test(test_many) };
	return cmocka_run_group_tests_name("lists", tests, make_dir, remove_dir);
}

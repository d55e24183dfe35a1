#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apid/live.h"
#include "codec.h"

static void put_revision(struct live *l, uint64_t n, uint64_t bytes, uint64_t last, uint32_t revision, bool old)
{
	struct r_flow f = { 0 };
	struct buf b = { 0 }, strs = { 0 };
	char host[32];
	f.key.id = (struct id){ 1, n };
	f.n.client_bytes = bytes;
	f.n.server_bytes = 1;
	f.n.last = last;
	f.judge.revision = revision;
	f.key.server_port = n % 2 ? 443 : 53;
	snprintf(host, sizeof host, "h%llu.example", (unsigned long long)n % 7);
	f.app.host = str_put(&strs, host, strlen(host), 99);
	codec_pack(&b, R_FLOW, &f, strs.p);
	(old ? live_put_old : live_put)(l, &f, NULL, b.p, b.len);
	buf_release(&b);
	buf_release(&strs);
}

static void put(struct live *l, uint64_t n, uint64_t bytes, uint64_t last)
{
	put_revision(l, n, bytes, last, 0, false);
}

struct walk {
	unsigned n;
	uint64_t last_value;
	bool desc;
	uint8_t seen[200000];
};

static void visit(void *arg, const void *rec, const char *base)
{
	struct walk *w = arg;
	const struct r_flow *f = rec;
	uint64_t v = f->n.client_bytes;
	(void)base;
	if (w->n++)
		assert_true(w->desc ? v <= w->last_value : v >= w->last_value);
	w->last_value = v;
	w->seen[f->key.id.lo]++;
}

static int page(struct live *l, const char *filter, const char *sort, uint32_t limit, const char *cursor, struct walk *w,
		char next[static LIVE_CURSOR], uint64_t *total)
{
	struct match_error e;
	struct match *m = match_parse(filter, R_FLOW, &e);
	struct live_query q = { .match = m, .limit = limit, .question = 77, .cursor = *cursor ? cursor : NULL };
	assert_non_null(m);
	assert_true(live_sort_parse(R_FLOW, sort, &q.sort));
	w->desc = q.sort.key[0].desc;
	int rc = live_page(l, &q, visit, w, next, total);
	match_free(m);
	return rc;
}

static void test_pages(void **state)
{
	(void)state;
	static const char *const sorts[] = { "client.bytes", "-client.bytes", "-bytes" };
	struct live *l = live_new(R_FLOW, 5000);
	struct walk *w = calloc(1, sizeof *w);
	char next[LIVE_CURSOR], cursor[LIVE_CURSOR];
	uint64_t total;
	for (uint64_t i = 0; i < 1000; i++)
		put(l, i, i % 10, i + 1); /* many with the same value */
	for (size_t s = 0; s < 3; s++) {
		unsigned pages = 0;
		memset(w, 0, sizeof *w);
		*cursor = '\0';
		do {
			assert_int_equal(page(l, "", sorts[s], 33, cursor, w, next, &total), 0);
			assert_int_equal(total, 1000);
			memcpy(cursor, next, sizeof cursor);
			pages++;
		} while (*next);
		assert_int_equal(w->n, 1000);
		assert_int_equal(pages, 31);
		for (int i = 0; i < 1000; i++)
			assert_int_equal(w->seen[i], 1);
	}
	memset(w, 0, sizeof *w);
	assert_int_equal(page(l, "server.port = 443", "-last", 1, "", w, next, &total), 0);
	assert_int_equal(total, 500);
	assert_int_equal(w->seen[999], 1);
	live_free(l);
	free(w);
}

struct place {
	unsigned n;
	uint64_t port, name, bytes;
};

/* Ports down, names up in each, bytes down in each of those. */
static void in_order(void *arg, const void *rec, const char *base)
{
	struct place *was = arg;
	const struct r_flow *f = rec;
	uint64_t name = (uint64_t)(str_ptr(base, f->app.host)[1] - '0');
	if (was->n++) {
		assert_true(f->key.server_port <= was->port);
		if (f->key.server_port == was->port)
			assert_true(name >= was->name);
		if (f->key.server_port == was->port && name == was->name)
			assert_true(f->n.client_bytes <= was->bytes);
	}
	was->port = f->key.server_port;
	was->name = name;
	was->bytes = f->n.client_bytes;
}

static void test_keys(void **state)
{
	(void)state;
	struct live *l = live_new(R_FLOW, 1000);
	struct place was = { 0 };
	uint64_t total;
	char next[LIVE_CURSOR] = "", cursor[LIVE_CURSOR];
	struct live_query q = { .limit = 13, .question = 3 };
	for (uint64_t i = 0; i < 800; i++)
		put(l, i, i * 7919 % 5, i);
	assert_true(live_sort_parse(R_FLOW, "-server.port,hostname,-client.bytes", &q.sort));
	do {
		memcpy(cursor, next, sizeof cursor);
		q.cursor = *cursor ? cursor : NULL;
		assert_int_equal(live_page(l, &q, in_order, &was, next, &total), 0);
	} while (*next);
	assert_int_equal(was.n, 800);
	live_free(l);
}

struct order {
	uint64_t ids[700];
	size_t n;
};

static void note(void *arg, const void *rec, const char *base)
{
	(void)base;
	struct order *o = arg;
	o->ids[o->n++] = ((const struct r_flow *)rec)->key.id.lo;
}

/* Lists of all records go by values that are held: they are the same as those that a filter makes of all records. */
static void test_held_values(void **state)
{
	(void)state;
	static const char *const sorts[] = { "last", "-last", "bytes", "-bytes", "score", "-score", "client.bytes" };
	struct live *l = live_new(R_FLOW, 500);
	struct match_error e;
	struct match *all = match_parse("", R_FLOW, &e);
	for (uint64_t i = 0; i < 700; i++) /* some make room, some change */
		put(l, i < 650 ? i : i - 300, i * 7919 % 50, i * 31 % 97);
	for (size_t s = 0; s < sizeof sorts / sizeof *sorts; s++) {
		struct order got[2] = { { { 0 }, 0 }, { { 0 }, 0 } };
		for (int held = 0; held < 2; held++) {
			char next[LIVE_CURSOR] = "", cursor[LIVE_CURSOR];
			uint64_t total;
			struct live_query q = { .match = held ? NULL : all, .limit = 17, .question = 1 };
			assert_true(live_sort_parse(R_FLOW, sorts[s], &q.sort));
			do {
				memcpy(cursor, next, sizeof cursor);
				q.cursor = *cursor ? cursor : NULL;
				assert_int_equal(live_page(l, &q, note, &got[held], next, &total), 0);
				assert_int_equal(total, 500);
			} while (*next);
			assert_int_equal(got[held].n, 500);
		}
		assert_memory_equal(&got[0], &got[1], sizeof got[0]);
	}
	struct order one = { { 0 }, 0 };
	assert_true(live_find(l, &(struct r_flow){ .key.id = { 1, 600 } }, note, &one));
	assert_int_equal(one.ids[0], 600);
	assert_false(live_find(l, &(struct r_flow){ .key.id = { 1, 3 } }, note, &one));
	match_free(all);
	live_free(l);
}

/* Flows come and go between the pages: those that stay are seen once. */
static void test_changes(void **state)
{
	(void)state;
	struct live *l = live_new(R_FLOW, 100000);
	struct walk *w = calloc(1, sizeof *w);
	char next[LIVE_CURSOR] = "", cursor[LIVE_CURSOR];
	uint64_t total, n;
	for (uint64_t i = 0; i < 100000; i++)
		put(l, i, i % 10, 1);
	n = 100000;
	do {
		memcpy(cursor, next, sizeof cursor);
		assert_int_equal(page(l, "", "client.bytes", 10000, cursor, w, next, &total), 0);
		for (int i = 0; i < 500; i++, n++)
			put(l, n, n % 10, 1); /* the oldest makes room */
	} while (*next);
	assert_true(live_evicted(l) >= 5000);
	for (uint64_t i = 0; i < n; i++)
		assert_true(i < live_evicted(l) || i >= 100000 ? w->seen[i] <= 1 : w->seen[i] == 1);
	live_free(l);
	free(w);
}

static void test_bound(void **state)
{
	(void)state;
	struct live *l = live_new(R_FLOW, 100);
	struct walk *w = calloc(1, sizeof *w);
	char next[LIVE_CURSOR];
	uint64_t total;
	for (uint64_t i = 0; i < 300; i++) {
		put(l, i, i, i);
		put(l, 0, 7, i); /* has news all the time: stays */
	}
	assert_int_equal(live_count(l), 100);
	assert_int_equal(live_evicted(l), 200);
	assert_int_equal(page(l, "", "client.bytes", 1000, "", w, next, &total), 0);
	assert_int_equal(w->n, 100);
	assert_int_equal(w->seen[0], 1);
	assert_int_equal(w->seen[299], 1);
	assert_int_equal(w->seen[200], 0);
	live_clear(l);
	assert_int_equal(live_count(l), 0);
	put(l, 5, 5, 5);
	assert_int_equal(live_count(l), 1);
	live_free(l);
	free(w);
}

/* What is read again after a snapshot fills up what the snapshot did not have, and undoes nothing of it. */
static void test_old(void **state)
{
	(void)state;
	struct live *l = live_new(R_FLOW, 2);
	struct walk *w = calloc(1, sizeof *w);
	char next[LIVE_CURSOR];
	uint64_t total;
	put_revision(l, 1, 50, 1, 5, false);
	put_revision(l, 1, 40, 1, 4, true);
	put_revision(l, 2, 60, 1, 1, true);
	put_revision(l, 3, 70, 1, 1, true);
	assert_int_equal(page(l, "", "client.bytes", 10, "", w, next, &total), 0);
	assert_int_equal(total, 2);
	assert_int_equal(w->last_value, 60);
	assert_int_equal(live_evicted(l), 0);
	put_revision(l, 1, 80, 1, 6, true);
	memset(w, 0, sizeof *w);
	assert_int_equal(page(l, "", "client.bytes", 10, "", w, next, &total), 0);
	assert_int_equal(w->last_value, 80);
	live_free(l);
	free(w);
}

static void test_refused(void **state)
{
	(void)state;
	struct live *l = live_new(R_FLOW, 100);
	struct walk *w = calloc(1, sizeof *w);
	struct live_sort s;
	char next[LIVE_CURSOR], other[LIVE_CURSOR];
	uint64_t total;
	for (uint64_t i = 0; i < 10; i++)
		put(l, i, i, i);
	assert_int_equal(page(l, "", "id", 5, "", w, next, &total), 0);
	assert_int_equal(strlen(next), LIVE_CURSOR - 1 - 6);
	memcpy(other, next, sizeof other);
	other[0] = other[0] == '0' ? '1' : '0'; /* of another question */
	static const char *const bad[] = { "x", "0000004d", "0000004d.", "0000004d.zz", "-1" };
	assert_int_equal(page(l, "", "id", 5, other, w, next, &total), -2);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(page(l, "", "id", 5, bad[i], w, next, &total), -1);
	assert_false(live_sort_parse(R_FLOW, "nothing", &s));
	assert_false(live_sort_parse(R_FLOW, "", &s));
	assert_false(live_sort_parse(R_FLOW, "-", &s));
	assert_false(live_sort_parse(R_HOST, "apps", &s)); /* a map */
	assert_true(live_sort_parse(R_HOST, "-bytes", &s));
	assert_true(live_sort_parse(R_FLOW, "hostname", &s));
	assert_true(live_sort_parse(R_FLOW, "client.ip", &s));
	assert_true(live_sort_parse(R_FLOW, "client.ip,-server.ip,bytes,last", &s));
	assert_true(live_sort_parse(R_FLOW, "hostname,sensor", &s));
	static const char *const none[] = { "bytes,", ",bytes", "bytes,nothing", "bytes, last", "hostname,sensor,bytes",
					    "bytes,last,first,score,server.port,client.port,bytes" };
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_false(live_sort_parse(R_FLOW, none[i], &s));
	live_free(l);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_pages), cmocka_unit_test(test_changes),
					    cmocka_unit_test(test_held_values), cmocka_unit_test(test_keys),
					    cmocka_unit_test(test_bound),
					    cmocka_unit_test(test_old), cmocka_unit_test(test_refused) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

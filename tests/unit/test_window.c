/* Growth within a time that moves along. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "checks/window.h"

#define SECOND 1000000000ull

static struct window_key key(unsigned n)
{
	struct window_key k = { .rule = 1 };
	memcpy(k.id, &n, sizeof n);
	return k;
}

static void test_growth(void **state)
{
	(void)state;
	struct windows *w = windows_new(10);
	struct window_key a = key(1), b = key(2);
	assert_true(windows_growth(w, &a, 100 * SECOND, 10 * SECOND, 0, 500, true) == 500);
	assert_true(windows_growth(w, &a, 104 * SECOND, 10 * SECOND, 0, 700, true) == 700);
	/* The first step is left behind, and what came in it. */
	assert_true(windows_growth(w, &a, 110 * SECOND, 10 * SECOND, 0, 800, true) == 300);
	assert_true(windows_look(w, &a, 113 * SECOND, 10 * SECOND) == 300);
	assert_true(windows_look(w, &a, 114 * SECOND, 10 * SECOND) == 100);
	assert_true(windows_look(w, &a, 1000 * SECOND, 10 * SECOND) == 0);
	/* What a counter had before it was known is not growth. */
	assert_true(windows_growth(w, &b, 100 * SECOND, 10 * SECOND, 0, 5000, false) == 0);
	assert_true(windows_growth(w, &b, 101 * SECOND, 10 * SECOND, 0, 5001, false) == 1);
	assert_true(windows_look(w, &(struct window_key){ 0 }, SECOND, SECOND) == 0);
	windows_free(w);
}

static void test_began_anew(void **state)
{
	(void)state;
	struct windows *w = windows_new(10);
	struct window_key a = key(1);
	uint64_t from;
	windows_growth(w, &a, 100 * SECOND, 10 * SECOND, 0, 500, true);
	assert_true(windows_growth(w, &a, 101 * SECOND, 10 * SECOND, 0, 30, true) == 530);
	assert_true(windows_step(w, &a, 102 * SECOND, 0, 40, true, &from) == 10);
	assert_true(windows_step(w, &a, 103 * SECOND, 0, 7, true, &from) == 7);
	windows_free(w);
}

/* Against a plain list of all events, with random times and values: never more than the window has, never less than its last nine tenths. */
static void test_random(void **state)
{
	(void)state;
	enum { N = 3000 };
	struct windows *w = windows_new(4);
	struct window_key a = key(1);
	static uint64_t time[N];
	static double grown[N];
	uint64_t t = 1000 * SECOND, length = 7 * SECOND;
	double total = 0;
	srand(7);
	for (int i = 0; i < N; i++) {
		t += (uint64_t)rand() % SECOND * (rand() % 20 == 0 ? 20 : 1);
		time[i] = t;
		grown[i] = rand() % 1000;
		total += grown[i];
		double got = windows_growth(w, &a, t, length, 0, total, true), most = 0, least = 0;
		for (int k = 0; k <= i; k++) {
			most += time[k] + length > t ? grown[k] : 0;
			least += time[k] + length / 10 * 9 > t ? grown[k] : 0;
		}
		if (got > most || got < least)
			fail_msg("at %d: %g is not in [%g, %g]", i, got, least, most);
	}
	windows_free(w);
}

/* Counters that are read now and then, not more often than half a window: what they grew by is not taken for news of this moment. */
static void test_spread(void **state)
{
	(void)state;
	struct windows *w = windows_new(4);
	struct window_key one = key(1), share = key(2), sum = key(3);
	uint64_t length = 10 * SECOND, spread = 5 * SECOND, t = 1000 * SECOND, from;
	srand(8);
	for (int i = 0; i < 1000; i++) {
		double value = 90 * (double)(t - 1000 * SECOND) / SECOND; /* ninety a second */
		double got = windows_growth(w, &one, t, length, spread, value, true);
		double step = windows_step(w, &share, t, spread, value, true, &from);
		windows_add(w, &sum, from, t, length, step);
		double all = windows_look(w, &sum, t, length);
		if (got > 900.001 || all > 900.001 || (i > 20 && (got < 809.999 || all < 809.999)))
			fail_msg("at %d: %g and %g in ten seconds", i, got, all);
		t += SECOND / 2 + (uint64_t)rand() % (spread - SECOND / 2);
	}
	/* After a silence it grew within the last five seconds: no burst is smoothed away. */
	assert_true(windows_growth(w, &one, t + 1000 * SECOND, length, spread, 1e9, true) > 9e8);
	windows_free(w);
}

static void test_since(void **state)
{
	(void)state;
	struct windows *w = windows_new(10);
	struct window_key a = key(1);
	assert_true(windows_since(w, &a, 5, true) == 5);
	assert_true(windows_since(w, &a, 9, true) == 5);
	assert_true(windows_since(w, &a, 10, false) == 0);
	assert_true(windows_since(w, &a, 11, true) == 11);
	windows_forget(w, &a);
	assert_true(windows_count(w) == 0);
	assert_true(windows_since(w, &a, 12, true) == 12);
	windows_free(w);
}

static void test_bound(void **state)
{
	(void)state;
	struct windows *w = windows_new(100);
	uint64_t from;
	for (unsigned i = 0; i < 1000; i++) {
		struct window_key k = key(i), zero = key(0);
		windows_step(w, &k, 1, 0, 1, true, &from);
		windows_step(w, &zero, 1, 0, i, true, &from); /* has news, so it stays */
	}
	struct window_key zero = key(0), old = key(500);
	assert_true(windows_count(w) == 100);
	assert_true(windows_evicted(w) == 900);
	assert_true(windows_step(w, &zero, 1, 0, 1000, true, &from) == 1);
	assert_true(windows_step(w, &old, 1, 0, 1000, true, &from) == 1000);
	windows_free(w);
}

static void test_snapshot(void **state)
{
	(void)state;
	struct windows *w = windows_new(100), *v = windows_new(100);
	struct buf one = { 0 }, two = { 0 };
	for (unsigned i = 0; i < 50; i++) {
		struct window_key k = key(i);
		for (unsigned s = 0; s < i; s++)
			windows_growth(w, &k, (1000 + s) * SECOND, 20 * SECOND, 0, s * i, true);
	}
	windows_save(w, &one);
	assert_true(windows_load(v, one.p, one.len));
	windows_save(v, &two);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.p, two.p, one.len);
	/* Rubbish is refused. */
	for (size_t n = 0; n < 40 && n < one.len; n++)
		assert_false(windows_load(v, one.p, n));
	one.p[0] ^= 1;
	assert_false(windows_load(v, one.p, one.len));
	buf_release(&one);
	buf_release(&two);
	windows_free(w);
	windows_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_growth), cmocka_unit_test(test_began_anew),
					    cmocka_unit_test(test_random), cmocka_unit_test(test_spread), cmocka_unit_test(test_since),
					    cmocka_unit_test(test_bound),  cmocka_unit_test(test_snapshot) };
	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "apid/limit.h"

#define SEC 1000000000ull

static const struct limits_conf conf = { .all = { 20, 100 }, .heavy = { 1, 3 }, .heavy_at_once = 2 };

static void test_bucket(void **state)
{
	(void)state;
	const struct bucket_size size = { 10, 5 }, none = { 0, 1 };
	struct bucket b = { 0 };
	uint64_t wait = 0;
	for (uint32_t i = 5; i-- > 0;) {
		assert_true(bucket_take(&b, &size, 7 * SEC, &wait));
		assert_int_equal(bucket_left(&b, &size, 7 * SEC), i);
	}
	assert_false(bucket_take(&b, &size, 7 * SEC, &wait));
	assert_int_equal(wait, SEC / 10);
	assert_false(bucket_take(&b, &size, 7 * SEC + wait - 1, NULL)); /* a refusal costs nothing */
	assert_true(bucket_take(&b, &size, 7 * SEC + wait, NULL));
	assert_int_equal(bucket_left(&b, &size, 8 * SEC), 5);
	for (int i = 0; i < 1000; i++)
		assert_true(bucket_take(&b, &none, 8 * SEC, NULL));
}

static void test_rate(void **state)
{
	(void)state;
	struct limits *l = limits_new(&conf);
	struct limit_state s;
	unsigned good = 0;
	s = limits_take(l, 17, SEC);
	assert_int_equal(s.wait, 0);
	assert_int_equal(s.limit, 100);
	assert_int_equal(s.remaining, 99);
	assert_int_equal(s.reset, 1);
	for (unsigned i = 0; i < 10 * 1000; i++) /* ten seconds, a thousand a second */
		good += limits_take(l, 17, SEC + i * SEC / 1000).wait == 0;
	assert_in_range(good, 99 + 10 * 20 - 1, 99 + 10 * 20);
	s = limits_take(l, 17, 11 * SEC - 1);
	assert_int_equal(s.wait, 1);
	assert_int_equal(s.remaining, 0);
	assert_in_range(s.reset, 4, 5);
	assert_int_equal(limits_take(l, 18, 11 * SEC).wait, 0); /* another one is not concerned */
	limits_free(l);
}

static void test_heavy(void **state)
{
	(void)state;
	struct limits *l = limits_new(&conf);
	assert_int_equal(limits_begin_heavy(l, 5, SEC), 0);
	assert_int_equal(limits_begin_heavy(l, 5, SEC), 0);
	assert_int_equal(limits_begin_heavy(l, 5, SEC), 1); /* two at a time */
	limits_end_heavy(l, 5);
	assert_int_equal(limits_begin_heavy(l, 5, SEC), 0);
	limits_end_heavy(l, 5);
	limits_end_heavy(l, 5);
	assert_int_equal(limits_begin_heavy(l, 5, SEC), 1); /* three, then one a second */
	assert_int_equal(limits_begin_heavy(l, 5, 2 * SEC), 0);
	limits_free(l);
}

static void test_bounded(void **state)
{
	(void)state;
	struct limits *l = limits_new(&conf);
	assert_int_equal(limits_begin_heavy(l, 512, SEC), 0);
	assert_int_equal(limits_begin_heavy(l, 512, SEC), 0);
	for (uint64_t who = 1; who < 1000000; who++) /* from everywhere: each is one that is not known */
		if (who != 512)
			assert_int_equal(limits_take(l, who, 2 * SEC + who).wait, 0);
	assert_int_equal(limits_begin_heavy(l, 512, 2 * SEC), 1); /* whoever has requests running is not forgotten */
	limits_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_heavy),
		cmocka_unit_test(test_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

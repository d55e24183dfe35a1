#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture/steady.h"

#define MS   1000000ull
#define SEC  (1000 * MS)
#define HOUR (3600 * SEC)
#define T    (500000 * HOUR) /* some wall-clock time */

static struct steady s;
static uint64_t wall, mono;

static uint64_t pass(uint64_t ns)
{
	wall += ns;
	mono += ns;
	return steady_look(&s, wall, mono);
}

static int begin(void **state)
{
	(void)state;
	wall = T;
	mono = 77 * SEC;
	steady_init(&s, wall, mono, 0);
	return 0;
}

static void test_nothing_happens(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(pass(250 * MS), 0);
		wall += i % 3 * MS; /* slewed by somebody */
		assert_int_equal(steady_now(&s), s.wall);
		assert_int_equal(steady_time(&s, wall + 5), wall + 5);
	}
}

static void test_set_back(void **state)
{
	(void)state;
	uint64_t before, steps = 0;
	pass(SEC);
	wall -= HOUR;
	assert_in_range(pass(250 * MS), HOUR - SEC, HOUR);
	assert_in_range(steady_now(&s), T + SEC, T + 2 * SEC);
	/* Stamped before and read after. */
	assert_int_equal(steady_time(&s, T + SEC), steady_now(&s));
	assert_int_equal(steady_time(&s, wall), steady_now(&s));
	assert_int_equal(steady_time(&s, wall - 20 * MS), steady_now(&s) - 20 * MS);
	for (; s.ahead; steps++) {
		before = steady_now(&s);
		assert_int_equal(pass(250 * MS), 0);
		assert_in_range(steady_now(&s) - before, 200 * MS, 250 * MS);
	}
	assert_in_range(steps * 250 * MS, 9 * HOUR, 11 * HOUR);
	assert_int_equal(steady_now(&s), wall);
}

static void test_set_forward_and_right_again(void **state)
{
	(void)state;
	wall += HOUR;
	assert_int_equal(pass(250 * MS), 0);
	assert_int_equal(steady_now(&s), wall);
	wall -= HOUR;
	pass(250 * MS);
	assert_in_range(steady_now(&s), T + HOUR, T + HOUR + SEC);
	wall += HOUR; /* what was ahead is not any more */
	pass(250 * MS);
	assert_in_range(steady_now(&s), T + HOUR, T + HOUR + SEC);
	assert_in_range(s.ahead, 0, SEC);
}

static void test_an_earlier_life(void **state)
{
	(void)state;
	steady_init(&s, T, mono, T + HOUR);
	assert_int_equal(steady_now(&s), T + HOUR);
	steady_init(&s, T, mono, T - HOUR);
	assert_int_equal(steady_now(&s), T);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing_happens, begin),
		cmocka_unit_test_setup(test_set_back, begin),
		cmocka_unit_test_setup(test_set_forward_and_right_again, begin),
		cmocka_unit_test_setup(test_an_earlier_life, begin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

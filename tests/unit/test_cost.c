/* What checks cost: one run of many is timed, and stands for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "checks/cost.h"
#include "loop.h"

static void test_one_of_many(void **state)
{
	(void)state;
	struct cost_meter m;
	unsigned due = 0;
	cost_init(&m);
	for (unsigned i = 0; i < 10 * COST_EVERY; i++)
		due += cost_due(&m);
	assert_int_equal(due, 10);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void test_stands_for_all(void **state)
{
	(void)state;
	struct cost_meter m;
	struct cost long_one = { 0 };
	cost_init(&m);
	for (int i = 0; i < 3; i++) {
		cost_begin(&m);
		uint64_t began = mono_ns();
		while (cpu_ns() - m.cpu < 1000000 + m.clock)
			;
		cost_book(&m, &long_one, began);
	}
	assert_int_equal(long_one.runs, 3 * COST_EVERY);
	assert_true(long_one.ns >= 3 * 1000000ull * COST_EVERY);
}

/* Time in which somebody else had the processor is not a check's. */
static void test_waiting_is_free(void **state)
{
	(void)state;
	struct cost_meter m;
	struct cost slept = { 0 };
	cost_init(&m);
	cost_begin(&m);
	uint64_t began = mono_ns();
	nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	cost_book(&m, &slept, began);
	assert_int_equal(slept.runs, COST_EVERY);
	assert_true(slept.ns < 25000000ull * COST_EVERY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_of_many),
		cmocka_unit_test(test_stands_for_all),
		cmocka_unit_test(test_waiting_is_free),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

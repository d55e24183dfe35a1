#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "weir/restart.c"

static void test_backoff(void **state)
{
	(void)state;
	static const unsigned waits[] = { 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000 };
	struct restart r = { 0 };
	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
		assert_int_equal(restart_after(&r, RESTART_CRASH, 0, 5, true), RESTART_AGAIN);
		assert_int_equal(r.wait_ms, waits[i]);
	}
	/* ten seconds of life are always enough, a little less is not */
	assert_int_equal(restart_after(&r, RESTART_CRASH, 0, 9999, true), RESTART_AGAIN);
	assert_int_equal(r.wait_ms, 10000);
	restart_after(&r, RESTART_CRASH, 0, 10000, true);
	assert_int_equal(r.wait_ms, 100);
}

/* After a short wait a short life is progress: kills from outside do not slow down what works. */
static void test_progress(void **state)
{
	(void)state;
	struct restart r = { 0 };
	restart_after(&r, RESTART_KILLED, 0, 50, true);
	for (int i = 0; i < 20; i++) {
		restart_after(&r, RESTART_KILLED, 0, 1000, true);
		assert_int_equal(r.wait_ms, 100);
	}
	restart_after(&r, RESTART_KILLED, 0, 999, true);
	assert_int_equal(r.wait_ms, 200);
	restart_after(&r, RESTART_KILLED, 0, 1999, true);
	assert_int_equal(r.wait_ms, 400);
	restart_after(&r, RESTART_KILLED, 0, 4000, true);
	assert_int_equal(r.wait_ms, 100);
}

static void test_start_fails(void **state)
{
	(void)state;
	struct restart r = { 0 };
	for (int i = 0; i < 4; i++)
		assert_int_equal(restart_after(&r, RESTART_EXIT, 1, 20, false), RESTART_AGAIN);
	assert_int_equal(restart_after(&r, RESTART_EXIT, 1, 20, false), RESTART_HOPELESS);
	/* five, but not in a row */
	r = (struct restart){ 0 };
	for (int i = 0; i < 4; i++)
		restart_after(&r, RESTART_EXIT, 1, 20, false);
	restart_after(&r, RESTART_KILLED, 0, 20, false);
	for (int i = 0; i < 4; i++)
		assert_int_equal(restart_after(&r, RESTART_EXIT, 1, 20, false), RESTART_AGAIN);
	/* it worked once: what is wrong now may pass (a full disk), so it is tried on */
	r = (struct restart){ 0 };
	restart_after(&r, RESTART_EXIT, 1, 20, true);
	for (int i = 0; i < 50; i++)
		assert_int_equal(restart_after(&r, RESTART_EXIT, 1, 20, false), RESTART_AGAIN);
}

static void test_limit(void **state)
{
	(void)state;
	struct restart r = { .limit = 3 };
	assert_int_equal(restart_after(&r, RESTART_CRASH, 0, 500, true), RESTART_AGAIN);
	assert_int_equal(restart_after(&r, RESTART_CRASH, 0, 500, true), RESTART_AGAIN);
	assert_int_equal(restart_after(&r, RESTART_CRASH, 0, 500, true), RESTART_HOPELESS);
	/* kills from outside do not count, a good life takes the count back */
	r = (struct restart){ .limit = 3 };
	for (int i = 0; i < 100; i++)
		assert_int_equal(restart_after(&r, RESTART_KILLED, 0, 5, true), RESTART_AGAIN);
	for (int i = 0; i < 100; i++)
		assert_int_equal(restart_after(&r, RESTART_CRASH, 0, 20000, true), RESTART_AGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_start_fails),
		cmocka_unit_test(test_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

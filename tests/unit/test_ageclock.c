#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ageclock.h"

#define MINUTE 60000000000ull
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define T      (1700000000ull * 1000000000u) /* some wall-clock time */
#define AHEAD  (5000 * DAY)

static char dir[] = "/tmp/weir-ageclock-XXXXXX", path[64], since[64];
static struct ageclock *a;
static uint64_t wall, mono;

static uint64_t pass(uint64_t ns)
{
	wall += ns;
	mono += ns;
	return ageclock_at(a, wall, mono).now;
}

static bool follows(uint64_t ns)
{
	wall += ns;
	mono += ns;
	struct ageclock_times at = ageclock_at(a, wall, mono);
	return at.now == wall && at.stamp == wall;
}

/* Another process, after some time without one; its monotonic clock may be of another boot. */
static void restart(uint64_t off)
{
	ageclock_free(a);
	wall += off;
	mono = 7 * MINUTE;
	a = ageclock_new(path, since, wall, mono);
}

static int begin(void **state)
{
	(void)state;
	wall = T;
	mono = 3 * DAY;
	unlink(path);
	unlink(since);
	a = ageclock_new(path, since, wall, mono);
	return 0;
}

static int end(void **state)
{
	(void)state;
	ageclock_free(a);
	a = NULL;
	return 0;
}

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/clock", dir);
	snprintf(since, sizeof since, "%s/since", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	unlink(since);
	return rmdir(dir);
}

static void test_follows_the_clock(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		assert_true(follows(10 * MINUTE));
	restart(20 * HOUR); /* off over night */
	assert_true(follows(MINUTE));
	assert_true(follows(9 * DAY)); /* stopped, and going on */
}

/* It starts in 1970, and asks for the time after a while: what is stored until then must not look old. */
static void test_behind_for_some_minutes(void **state)
{
	(void)state;
	for (int boots = 0; boots < 3; boots++) {
		uint64_t now = wall;
		restart(-now);
		for (int i = 0; i < 10; i++) {
			pass(MINUTE);
			struct ageclock_times at = ageclock_at(a, wall, mono);
			assert_int_equal(at.now, wall);
			assert_int_equal(at.stamp, now);
		}
		wall += now;
		assert_true(follows(20 * HOUR));
	}
}

static void test_behind_for_good(void **state)
{
	(void)state;
	uint64_t before = wall;
	wall -= 100 * DAY;
	pass(23 * HOUR);
	assert_int_equal(ageclock_at(a, wall, mono).stamp, before);
	assert_true(follows(HOUR));
	assert_true(follows(HOUR));
}

static void test_ahead_for_some_minutes(void **state)
{
	(void)state;
	uint64_t before = pass(HOUR);
	restart(AHEAD);
	for (int i = 0; i < 20; i++)
		assert_int_equal(pass(MINUTE), before);
	assert_int_equal(ageclock_at(a, wall, mono).stamp, wall);
	restart(0); /* no way around it */
	assert_int_equal(pass(MINUTE), before);
	wall -= AHEAD;
	assert_true(follows(MINUTE));
	/* What was waited is forgotten. */
	wall += AHEAD;
	before = wall - AHEAD;
	assert_int_equal(pass(23 * HOUR), before);
}

static void test_ahead_for_good(void **state)
{
	(void)state;
	uint64_t before = pass(HOUR);
	restart(AHEAD);
	for (int i = 0; i < 23; i++) { /* restarts do not begin it anew */
		assert_int_equal(pass(HOUR), before);
		restart(8 * HOUR);
	}
	assert_int_equal(pass(HOUR - MINUTE), before);
	assert_true(follows(MINUTE));
	assert_true(follows(MINUTE));
}

/* Of an earlier version: what was stored last tells. */
static void test_without_its_file(void **state)
{
	(void)state;
	FILE *f;
	ageclock_free(a);
	unlink(path);
	assert_non_null(f = fopen(path, "w")); /* cut off by a power failure */
	fclose(f);
	assert_non_null(f = fopen(since, "w"));
	fclose(f);
	a = ageclock_new(path, since, wall = 2 * T, mono);
	assert_true(pass(MINUTE) < 2 * T - DAY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_follows_the_clock, begin, end),
		cmocka_unit_test_setup_teardown(test_behind_for_some_minutes, begin, end),
		cmocka_unit_test_setup_teardown(test_behind_for_good, begin, end),
		cmocka_unit_test_setup_teardown(test_ahead_for_some_minutes, begin, end),
		cmocka_unit_test_setup_teardown(test_ahead_for_good, begin, end),
		cmocka_unit_test_setup_teardown(test_without_its_file, begin, end),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("ageclock", tests, make_dir, remove_dir);
}

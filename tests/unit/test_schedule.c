/* Times of the week. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "schedule.h"

/* 2026-11-23 is a Monday. */
static uint64_t at(int day, int hour, int minute)
{
	struct tm tm = { .tm_year = 126, .tm_mon = 10, .tm_mday = 23 + day, .tm_hour = hour, .tm_min = minute, .tm_isdst = -1 };
	return (uint64_t)mktime(&tm) * 1000000000;
}

static bool covers(const char *text, uint64_t time)
{
	struct schedule s;
	struct buf why = { 0 };
	if (!schedule_parse(text, &s, &why))
		fail_msg("%s: %s", text, buf_cstr(&why));
	return schedule_covers(&s, time);
}

static void test_spans(void **state)
{
	(void)state;
	enum { MON, TUE, WED, THU, FRI, SAT, SUN };
	static const char office[] = "mon-fri 08:00-18:00, sat 09:00-12:00", rest[] = "outside mon-fri 08:00-18:00, sat 09:00-12:00";
	static const struct {
		int day, hour, minute;
		bool in;
	} cases[] = { { MON, 8, 0, true },   { MON, 7, 59, false },  { MON, 17, 59, true },  { MON, 18, 0, false }, { FRI, 12, 0, true },
		      { SAT, 12, 0, false }, { SAT, 11, 59, true }, { SUN, 10, 0, false }, { SUN, 0, 0, false } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(covers(office, at(cases[i].day, cases[i].hour, cases[i].minute)), cases[i].in);
		assert_int_equal(covers(rest, at(cases[i].day, cases[i].hour, cases[i].minute)), !cases[i].in);
	}
	assert_true(covers("sat-mon", at(SUN, 3, 0)) && covers("sat-mon", at(MON, 23, 59)) && !covers("sat-mon", at(TUE, 0, 0)));
	assert_true(covers("22:00-06:00", at(WED, 23, 0)) && covers("22:00-06:00", at(WED, 5, 59)));
	assert_false(covers("22:00-06:00", at(WED, 6, 0)));
	/* Friday's night goes on into Saturday, Thursday's is not meant. */
	assert_true(covers("fri 22:00-06:00", at(SAT, 5, 0)));
	assert_false(covers("fri 22:00-06:00", at(FRI, 5, 0)));
	assert_true(covers("sun 20:00-24:00", at(SUN, 23, 59)));
}

static void test_zone(void **state)
{
	(void)state;
	uint64_t noon = at(0, 12, 0);
	setenv("TZ", "ABC-3", 1);
	tzset();
	assert_true(covers("mon 14:59-15:01", noon));
	setenv("TZ", "UTC", 1);
	tzset();
}

static void test_mistakes(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "outside ", "mon-", "mon-xyz", "foo", "mon 8-18", "mon 08:00", "mon 25:00-26:00",
					   "mon 08:60-09:00", "mon 08:00-08:00", "mon 08:00-09:00 tue", "mon,", "monday", "08:00-24:01" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct schedule s;
		struct buf why = { 0 };
		if (schedule_parse(bad[i], &s, &why))
			fail_msg("'%s' was taken", bad[i]);
		assert_true(why.len > 0);
		buf_release(&why);
	}
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_spans), cmocka_unit_test(test_zone), cmocka_unit_test(test_mistakes) };
	return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}

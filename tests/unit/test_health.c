#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "checks/health.h"

#define MIN 60000000000ull

static void answer(struct health_process *p, uint64_t now, uint64_t queue, double failures, double dropped, double dead)
{
	struct g_process r = { .queue = queue, .queue_max = 200 };
	health_answer(p, now, &r);
	health_metric(p, "recipient_failures", failures);
	health_metric(p, "recipient_failures", 1); /* of another recipient */
	health_metric(p, "deliveries_dropped", dropped);
	health_metric(p, "deliveries_dead", dead);
	health_metric(p, "deliveries_sent", 1000);
	health_answer_end(p);
}

static void test_report(void **state)
{
	(void)state;
	struct health_process p[2] = { { .name = "notify" }, { .name = "apid" } };
	struct engine_health out[HEALTH_KINDS];
	answer(&p[0], MIN, 150, 3, 7, 40);
	answer(&p[0], MIN, 20, 3, 9, 42);
	answer(&p[1], MIN, 20, 0, 0, 0);
	health_report(p, 2, MIN, out);
	assert_true(out[HEALTH_SILENT].value == 0);
	assert_true(out[HEALTH_FULL].value == 75); /* the largest of the minute */
	assert_string_equal(out[HEALTH_FULL].process, "notify");
	assert_true(out[HEALTH_FAILING].value == 3);
	assert_true(out[HEALTH_DROPPED].value == 2); /* not the seven from before */
	answer(&p[0], 2 * MIN, 20, 0, 9, 48);
	health_report(p, 2, 4 * MIN, out);
	assert_true(out[HEALTH_SILENT].value == 3);
	assert_string_equal(out[HEALTH_SILENT].process, "apid");
	assert_true(out[HEALTH_FULL].value == 10);
	assert_true(out[HEALTH_FAILING].value == 6); /* given up */
	assert_true(out[HEALTH_DROPPED].value == 0);
	answer(&p[0], 5 * MIN, 20, 0, 4, 12); /* it began anew and dropped four */
	health_report(p, 2, 5 * MIN, out);
	assert_true(out[HEALTH_DROPPED].value == 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_report) };
	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}

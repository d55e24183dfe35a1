#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "checks/host.h"

#define SEC 1000000000ull

static void add(struct host *h, const char *app, uint64_t packets, uint64_t at, bool first)
{
	host_add_app(h, &(struct app_growth){ .name = app, .name_len = strlen(app), .breed = "Safe", .breed_len = 4, .sent = 60 * packets,
					      .packets_sent = packets, .packets_rcvd = packets / 2, .time = at * SEC, .first = first });
}

/* Counters do not begin anew at 2^32: a busy host has so many packets within hours. */
static void test_many_packets(void **state)
{
	(void)state;
	struct host h = { 0 };
	add(&h, "TLS", 3000000000u, 10, true);
	add(&h, "TLS", 3000000000u, 20, false);
	assert_int_equal(h.n_apps, 1);
	assert_int_equal(h.apps[0].packets_sent, 6000000000u);
	assert_int_equal(h.apps[0].packets_rcvd, 3000000000u);
	assert_int_equal(h.apps[0].sent, 360000000000u);
	assert_int_equal(h.apps[0].flows, 1);
	assert_int_equal(h.apps[0].seconds, 2);
	host_release(&h);
}

/* What there is no room for is told as bytes of others. */
static void test_many_apps(void **state)
{
	(void)state;
	struct host h = { 0 };
	char name[] = "app-A";
	for (int i = 0; i < HOST_APPS + 2; i++, name[4]++)
		add(&h, name, 1, 10, true);
	assert_int_equal(h.n_apps, HOST_APPS);
	assert_int_equal(h.other_bytes, 2 * 60);
	add(&h, "app-A", 1, 10, true);
	assert_int_equal(h.apps[0].sent, 2 * 60);
	assert_int_equal(h.apps[0].flows, 2);
	assert_int_equal(h.other_bytes, 2 * 60);
	host_release(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_many_packets), cmocka_unit_test(test_many_apps) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

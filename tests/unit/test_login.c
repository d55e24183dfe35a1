#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "apid/login.h"

#define SEC 1000000000ull

static const char *offer(const struct logins *l, const char *authorization, const char *cookie, uint64_t now)
{
	static char out[512];
	return login_header(l, authorization, cookie, now, out, sizeof out) ? out : "nothing";
}

static void test_ways(void **state)
{
	static const struct {
		const char *authorization, *cookie, *want;
	} rows[] = {
		{ NULL, NULL, "nothing" },
		{ "Token abc", NULL, "Token abc" },
		{ "Bearer abc", "session=x", "Bearer abc" },
		{ "Basic YWRtaW46YTpi", NULL, "Bearer a:b" },          /* admin:a:b */
		{ "basic  YWRtaW46c2VjcmV0", NULL, "Bearer secret" },  /* admin:secret */
		{ "Basic YWRtaW4=", NULL, "Bearer " },                 /* admin */
		{ "Basic ***", NULL, "Bearer " },
		{ NULL, "user=admin; password=secret", "Bearer secret" },
		{ NULL, "password=secret", "Bearer secret" },
		{ NULL, "xpassword=secret", "nothing" },
		{ NULL, "user=admin; password=", "Bearer " },
		{ NULL, "session=0123", "Bearer -" },
		{ NULL, ";;; =;a", "nothing" },
	};
	struct logins *l = logins_new();
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_string_equal(offer(l, rows[i].authorization, rows[i].cookie, SEC), rows[i].want);
	logins_free(l);
}

static void test_sessions(void **state)
{
	struct logins *l = logins_new();
	char id[33], cookie[64], other[33];
	(void)state;
	assert_true(login_open(l, "Bearer secret", 60, SEC, id));
	assert_int_equal(strspn(id, "0123456789abcdef"), 32);
	snprintf(cookie, sizeof cookie, "tz=UTC; session=%s", id);
	assert_string_equal(offer(l, NULL, cookie, 2 * SEC), "Bearer secret");
	assert_string_equal(offer(l, NULL, cookie, 62 * SEC), "Bearer -"); /* over */
	/* The one that ends first makes room. */
	assert_true(login_open(l, "Bearer secret", 10, SEC, id));
	for (int i = 0; i < LOGIN_SESSIONS; i++)
		assert_true(login_open(l, "Bearer other", 1000, SEC, other));
	snprintf(cookie, sizeof cookie, "session=%s", id);
	assert_string_equal(offer(l, NULL, cookie, 2 * SEC), "Bearer -");
	snprintf(cookie, sizeof cookie, "session=%s", other);
	assert_string_equal(offer(l, NULL, cookie, 2 * SEC), "Bearer other");
	logins_free(l);
}

/* Longer than there is room for: cut or refused, never beyond. */
static void test_long(void **state)
{
	struct logins *l = logins_new();
	static char big[5000], small[16];
	(void)state;
	memset(big, 'A', sizeof big - 1);
	memcpy(big, "Basic ", 6);
	offer(l, big, NULL, SEC);
	memcpy(big, "password=", 9);
	assert_string_equal(offer(l, NULL, big, SEC), "nothing");
	assert_true(login_header(l, "Token 0123456789abcdef", NULL, SEC, small, sizeof small));
	assert_int_equal(strlen(small), sizeof small - 1);
	logins_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_ways), cmocka_unit_test(test_sessions), cmocka_unit_test(test_long) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

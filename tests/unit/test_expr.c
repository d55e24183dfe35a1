/* Arithmetic over fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "expr.h"

static double value(const char *text, const struct r_flow *f, const char *base)
{
	struct match_error e;
	struct expr *x = expr_parse(text, R_FLOW, &e);
	if (!x)
		fail_msg("'%s': %zu: %s", text, e.column, e.text);
	double v = expr_eval(x, f, base);
	expr_free(x);
	return v;
}

static void test_values(void **state)
{
	(void)state;
	struct r_flow f = { .key.first = 5000000000, .n.last = 7500000000, .n.client_bytes = 1000, .n.server_bytes = 3000 };
	f.key.server_port = 443;
	assert_true(value("1 + 2 * 3", &f, "") == 7);
	assert_true(value("(1 + 2) * 3 - -1", &f, "") == 10);
	assert_true(value("10 - 4 - 3", &f, "") == 3);
	assert_true(value("100 / 10 / 5", &f, "") == 2);
	assert_true(value("1.5G", &f, "") == 1.5e9);
	assert_true(value("2Ki", &f, "") == 2048);
	assert_true(value("server.port", &f, "") == 443);
	assert_true(value("bytes", &f, "") == 4000);
	assert_true(value("8 * bytes / duration", &f, "") == 12800);
	assert_true(value("first", &f, "") == 5);
	assert_true(value("1 / 0", &f, "") == 0);
	assert_true(value(" - client.bytes+server.bytes ", &f, "") == 2000);
}

static void test_members(void **state)
{
	(void)state;
	struct match_error e;
	const char *text = "TLS=500\nDNS.Google=7";
	struct r_host h = { .host.bytes_sent = 10, .host.bytes_rcvd = 20, .host.apps = { 0, (uint32_t)strlen(text) } };
	static const struct {
		const char *text;
		double want;
	} cases[] = { { "apps.TLS", 500 }, { "apps.tls", 500 }, { "apps.DNS.Google", 7 }, { "apps.SSH", 0 }, { "bytes", 30 } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct expr *x = expr_parse(cases[i].text, R_HOST, &e);
		assert_non_null(x);
		assert_true(expr_eval(x, &h, text) == cases[i].want);
		expr_free(x);
	}
}

static void test_mistakes(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t column;
		const char *says;
	} cases[] = {
		{ "", 1, "not complete" },         { "1 +", 4, "not complete" },
		{ "client.byts", 1, "client.bytes" }, { "client.ip", 1, "not a number" },
		{ "(1 + 2", 7, "')'" },            { "1 2", 3, "operator" },
		{ "1 + ?", 5, "number or a field" }, { "1 + nothing.at.all", 5, "no field" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct match_error e = { 0 };
		assert_null(expr_parse(cases[i].text, R_FLOW, &e));
		assert_int_equal(e.column, cases[i].column);
		if (!strstr(e.text, cases[i].says))
			fail_msg("'%s': %s", cases[i].text, e.text);
	}
}

static void test_bounds(void **state)
{
	(void)state;
	struct match_error e;
	char deep[200], wide[600] = "1";
	memset(deep, '(', sizeof deep - 1);
	deep[sizeof deep - 1] = '\0';
	assert_null(expr_parse(deep, R_FLOW, &e));
	while (strlen(wide) < sizeof wide - 3)
		strcat(wide, "+1");
	assert_null(expr_parse(wide, R_FLOW, &e));
}

static void test_numbers(void **state)
{
	(void)state;
	double v;
	assert_true(expr_number("3.5", &v) && v == 3.5);
	assert_true(expr_number("-2k", &v) && v == -2000);
	assert_true(expr_number("1Gi", &v) && v == 1073741824);
	assert_false(expr_number("", &v));
	assert_false(expr_number("1x", &v));
	assert_false(expr_number("nan", &v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values), cmocka_unit_test(test_members), cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_bounds), cmocka_unit_test(test_numbers),
	};
	return cmocka_run_group_tests_name("expr", tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "notify/community.h"

/* Values that other implementations give for the same flows. */
static const struct {
	const char *src, *dst;
	uint8_t proto;
	uint16_t sport, dport;
	const char *id;
} rows[] = {
	{ "128.232.110.120", "66.35.250.204", 6, 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=" },
	{ "66.35.250.204", "128.232.110.120", 6, 80, 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=" },
	{ "192.168.1.52", "8.8.8.8", 17, 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ=" },
	{ "192.168.0.89", "192.168.0.1", 1, 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=" },
	{ "192.168.0.1", "192.168.0.89", 1, 0, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=" },
};

static void test_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct addr a, b;
		char id[COMMUNITY_STRLEN];
		addr_parse(rows[i].src, strlen(rows[i].src), &a);
		addr_parse(rows[i].dst, strlen(rows[i].dst), &b);
		assert_string_equal(community_id(&a, &b, rows[i].proto, rows[i].sport, rows[i].dport, id), rows[i].id);
	}
}

/* The direction does not matter, one-way ICMP messages excepted. */
static void test_symmetric(void **state)
{
	(void)state;
	struct addr a, b;
	char x[COMMUNITY_STRLEN], y[COMMUNITY_STRLEN];
	addr_parse("2001:db8::1", 11, &a);
	addr_parse("2001:db8::2", 11, &b);
	assert_string_equal(community_id(&a, &b, 17, 1000, 53, x), community_id(&b, &a, 17, 53, 1000, y));
	assert_string_equal(community_id(&a, &b, 58, 128, 0, x), community_id(&b, &a, 58, 129, 0, y));
	assert_string_equal(community_id(&a, &b, 47, 0, 0, x), community_id(&b, &a, 47, 0, 0, y));
	assert_string_not_equal(community_id(&a, &b, 58, 1, 4, x), community_id(&b, &a, 58, 1, 4, y));
	assert_string_equal(community_id(&(struct addr){ { 0 } }, &b, 17, 1, 2, x), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_known), cmocka_unit_test(test_symmetric) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

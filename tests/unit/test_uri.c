#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apid/uri.h"

static void test_good(void **state)
{
	(void)state;
	struct uri u;
	assert_int_equal(uri_parse(&u, "/api/v1/hosts/2001:db8::1@20?a=b%20c+d&x%5Bge%5D=1&&flag&e=%2f"), 0);
	assert_string_equal(u.path, "/api/v1/hosts/2001:db8::1@20");
	assert_int_equal(u.n, 4);
	assert_string_equal(uri_param(&u, "a"), "b c d");
	assert_string_equal(uri_param(&u, "x[ge]"), "1");
	assert_string_equal(uri_param(&u, "flag"), "");
	assert_string_equal(uri_param(&u, "e"), "/");
	assert_null(uri_param(&u, "z"));
	uri_release(&u);
	assert_int_equal(uri_parse(&u, "/"), 0);
	uri_release(&u);
	assert_int_equal(uri_parse(&u, "/a%41b"), 0);
	assert_string_equal(u.path, "/aAb");
	uri_release(&u);
}

static void test_absolute(void **state)
{
	(void)state;
	static const struct {
		const char *raw, *authority, *path;
	} rows[] = {
		{ "/a", NULL, "/a" }, { "http://localhost:8470/api/v1/me?a=b", "localhost:8470", "/api/v1/me" },
		{ "HTTP://[::1]/a", "[::1]", "/a" }, { "https://weir.example//lua/x", "weir.example", "/lua/x" },
		{ "http://weir.example", "weir.example", "/" }, { "http://weir.example?a=b", "weir.example", "/" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct uri u;
		assert_int_equal(uri_parse(&u, rows[i].raw), 0);
		if (rows[i].authority)
			assert_string_equal(u.authority, rows[i].authority);
		else
			assert_null(u.authority);
		assert_string_equal(u.path, rows[i].path);
		assert_int_equal(u.n, strstr(rows[i].raw, "a=b") != NULL);
		uri_release(&u);
	}
}

static void test_bad(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"", "api", "ftp://host/api", "http:/api", "http:///api", "http://user@host/api", "http://host//a", "http://host/../a",
		"http://host#a", "*", "//", "/a//b", "/a/./b", "/a/../b", "/..", "/a/%2e%2e/b", "/%2e", "/a%2fb", "/a%5cb",
		"/a\\b", "/a%00b", "/a%0ab", "/a%", "/a%4", "/a%zz", "/a%c3", "/a%ff", "/\xff", "/a#b", "/a?x=%", "/a?x=%0", "/a?x=%00",
		"/a?=b", "/a?x=%ff", "/a?x=%0a",
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct uri u;
		if (uri_parse(&u, rows[i]) != 400 || !u.error)
			fail_msg("'%s' was taken", rows[i]);
		uri_release(&u);
	}
}

static void test_long(void **state)
{
	(void)state;
	char *s = malloc(70000);
	struct uri u;
	memset(s, 'a', 65536);
	s[0] = '/';
	s[65536] = '\0';
	assert_int_equal(uri_parse(&u, s), 414);
	uri_release(&u);
	s[4] = '?';
	assert_int_equal(uri_parse(&u, s), 414);
	uri_release(&u);
	strcpy(s, "/a?");
	for (int i = 0; i < 100; i++)
		strcat(s, "a=b&");
	assert_int_equal(uri_parse(&u, s), 400);
	assert_int_equal(u.n, URI_MAX_PARAMS);
	uri_release(&u);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_good), cmocka_unit_test(test_absolute), cmocka_unit_test(test_bad),
					    cmocka_unit_test(test_long) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

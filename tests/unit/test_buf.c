#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

static void test_empty(void **state)
{
	(void)state;
	struct buf b = { 0 };
	assert_string_equal(buf_cstr(&b), "");
	assert_int_equal(b.len, 0);
	buf_add(&b, NULL, 0);
	assert_int_equal(b.len, 0);
	buf_release(&b);
	assert_null(b.p);
	assert_int_equal(b.cap, 0);
	buf_release(&b);
}

static void test_add(void **state)
{
	(void)state;
	struct buf b = { 0 };
	buf_adds(&b, "one");
	buf_addc(&b, ' ');
	buf_add(&b, "two\0", 4);
	buf_addf(&b, "%d%s", 3, "x");
	assert_int_equal(b.len, 10);
	assert_memory_equal(buf_cstr(&b), "one two\0003x", 11);
	buf_reset(&b);
	assert_string_equal(buf_cstr(&b), "");
	buf_release(&b);
}

/* Growing byte by byte keeps what was there, at each size that a doubling passes. */
static void test_growth(void **state)
{
	(void)state;
	struct buf b = { 0 };
	for (unsigned i = 0; i < 5000; i++)
		buf_addc(&b, (char)i);
	for (unsigned i = 0; i < 5000; i++)
		assert_int_equal(b.p[i], (char)i);
	buf_release(&b);
}

/* vsnprintf needs one byte more than it says; lengths around the room that is left are where that goes wrong. */
static void test_format_edges(void **state)
{
	(void)state;
	for (unsigned before = 180; before < 270; before += 5)
		for (int n = 0; n < 200; n++) {
			struct buf b = { 0 };
			for (unsigned i = 0; i < before; i++)
				buf_addc(&b, 'a');
			buf_addf(&b, "%0*d|", n, 7);
			assert_int_equal(b.p[b.len - 1], '|');
			assert_int_equal(b.len, before + (unsigned)(n ? n : 1) + 1);
			assert_int_equal(buf_cstr(&b)[b.len], 0);
			buf_release(&b);
		}
}

static void test_reserve(void **state)
{
	(void)state;
	struct buf b = { 0 };
	buf_reserve(&b, 100000);
	char *p = b.p;
	for (unsigned i = 0; i < 100000; i++)
		buf_addc(&b, 'x');
	assert_ptr_equal(p, b.p);
	buf_release(&b);
}

static void test_strings(void **state)
{
	(void)state;
	char *a = xstrdup("abc"), *b = xstrndup("abcdef", 3), *c = xstrndup("ab", 10), *d = xasprintf("%s-%d", "x", 5);
	assert_string_equal(a, "abc");
	assert_string_equal(b, "abc");
	assert_string_equal(c, "ab");
	assert_string_equal(d, "x-5");
	free(a);
	free(b);
	free(c);
	free(d);
	unsigned char *z = xcalloc(10, 10);
	for (int i = 0; i < 100; i++)
		assert_int_equal(z[i], 0);
	z = xrealloc(z, 0);
	assert_non_null(z);
	free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),	     cmocka_unit_test(test_add),     cmocka_unit_test(test_growth),
		cmocka_unit_test(test_format_edges), cmocka_unit_test(test_reserve), cmocka_unit_test(test_strings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

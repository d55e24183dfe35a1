#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "print.h"

/* Prints by both into 'size' bytes; true if it was printed here, and then as by the C library. */
__attribute__((format(printf, 2, 3))) static bool same(size_t size, const char *fmt, ...)
{
	char a[100], b[100];
	va_list ap;
	memset(a, '#', sizeof a);
	memset(b, '#', sizeof b);
	va_start(ap, fmt);
	int n = print_short(a, size, fmt, ap);
	va_end(ap);
	if (n < 0)
		return false;
	va_start(ap, fmt);
	int want = vsnprintf(b, size, fmt, ap);
	va_end(ap);
	assert_int_equal(n, want);
	assert_string_equal(size ? a : "", size ? b : "");
	for (size_t i = size; i < sizeof a; i++)
		assert_int_equal(a[i], '#');
	return true;
}

/* Numbers at and beside the powers of ten and of two. */
static void test_numbers(void **state)
{
	(void)state;
	uint64_t decimal = 1;
	for (unsigned i = 0; i < 64; i++, decimal *= 10)
		for (unsigned k = 0; k < 6; k++) {
			uint64_t v = (k < 3 ? 1ull << i : decimal) + k % 3 - 1;
			assert_true(same(100, "%u %d %x %X %c", (unsigned)v, (int)v, (unsigned)v, (unsigned)v, (int)v));
			assert_true(same(100, "%lu %ld %zu", (unsigned long)v, (long)v, (size_t)v));
			assert_true(same(100, "%llx %llX %8lld", (unsigned long long)v, (unsigned long long)v, (long long)v));
			assert_true(same(100, "%9u %09u %1d %02x %04X", (unsigned)v, (unsigned)v, (int)v, (unsigned)v, (unsigned)v));
			assert_true(same(100, "%02d%5zu", (int)(v & INT_MAX), (size_t)v));
		}
}

static void test_texts(void **state)
{
	(void)state;
	static const char open[3] = { 'a', 'b', 'c' }; /* does not end with a NUL */
	for (size_t size = 0; size < 20; size++) {
		assert_true(same(size, "%s", "some words"));
		assert_true(same(size, "%s%s=%s", "", "key", "val"));
		assert_true(same(size, "100%% of %.*s and %.*s", 3, open, -1, "more"));
		assert_true(same(size, "%c%c%.*s%u", 'x', 'y', 0, open, 12345u));
		assert_true(same(size, "%08x%s", 0xabcu, "tail"));
	}
}

/* Numbers beside halves, where rounding is seen, and beside powers; the C library looks at all their bits. */
static void test_fractions(void **state)
{
	(void)state;
	double power = 1e-6;
	for (unsigned i = 0; i < 21; i++, power *= 10)
		for (int k = -6; k <= 6; k++) {
			double v = power * (k + 7) / 8, next = nextafter(v, k & 1 ? INFINITY : 0);
			assert_true(same(100, "%.0f %.1f %.2f %.3f", v, v, v, v) == (v < 1e15));
			assert_true(same(100, "%.0f|%.1f|%.2f|%.3f", next, next, next, next) == (next < 1e15));
			same(100, "%g %.15g %.17g", v, v, v);
			same(100, "%g %.15g %.3g %.0g", floor(v), floor(v), floor(v), floor(v));
		}
	for (unsigned i = 0; i < 200000; i++) {
		double v = ldexp((double)(i * 2654435761u), -(int)(i % 40));
		assert_true(same(100, "%.0f %.1f %.2f %.3f", v, v, v, v));
	}
	assert_true(same(100, "%.15g %g", 123456789012345.0, 999999.0));
	assert_true(same(100, "%.1f%%", 0.05));
	for (size_t size = 0; size < 8; size++)
		assert_true(same(size, "%.2f", 12.5));
	assert_false(same(100, "%.4f", 2.5));
	assert_false(same(100, "%f", 2.5));
	assert_false(same(100, "%5.1f", 2.5));
	assert_false(same(100, "%.*f", 1, 2.5));
	assert_false(same(100, "%.1f", -2.5));
	assert_false(same(100, "%.0f", -0.0));
	assert_false(same(100, "%.1f", NAN));
	assert_false(same(100, "%.1f", INFINITY));
	assert_false(same(100, "%g", 2.5));
	assert_false(same(100, "%g", 1e6));
	assert_false(same(100, "%.2g", 100.0));
}

/* What is not done here is told, wherever it comes in the format. */
static void test_others(void **state)
{
	(void)state;
	const char *volatile null = NULL;
	assert_false(same(100, "%u %.2e", 1u, 2.5));
	assert_false(same(100, "%-6s", "left"));
	assert_false(same(100, "%6s", "right"));
	assert_false(same(100, "%.3s", "abcdef"));
	assert_false(same(100, "%12u", 5u));
	assert_false(same(100, "%05d", -5));
	assert_false(same(100, "%+d", 5));
	assert_false(same(100, "%.*u", 3, 5u));
	assert_false(same(100, "%hhu", (unsigned char)5));
	assert_false(same(100, "%p", (void *)state));
	assert_false(same(100, "%s", null));
}

int __snprintf_chk(char *s, size_t size, int flag, size_t room, const char *fmt, ...);

static void test_snprintf(void **state)
{
	(void)state;
	char s[16];
	volatile size_t few = 4; /* behind the compiler's back */
	assert_int_equal(__snprintf_chk(s, sizeof s, 1, sizeof s, "%s%u", "-", 49195u), 6);
	assert_string_equal(s, "-49195");
	assert_int_equal(__snprintf_chk(s, few, 1, sizeof s, "%s%02x%.1e", "ab", 5u, 2.5), 11);
	assert_string_equal(s, "ab0");
}

#ifndef __SANITIZE_ADDRESS__ /* which has a function of its own there, that does not look at the room */
/* More than there is room for is not printed, whatever it would be. */
static void test_room(void **state)
{
	(void)state;
	char s[16];
	volatile size_t many = sizeof s + 1;
	int how;
	pid_t pid = fork();
	if (pid == 0) {
		fclose(stderr);
		signal(SIGABRT, SIG_DFL);
		__snprintf_chk(s, many, 1, sizeof s, "%u", 1u);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &how, 0), pid);
	assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_fractions),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_snprintf),
#ifndef __SANITIZE_ADDRESS__
		cmocka_unit_test(test_room),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

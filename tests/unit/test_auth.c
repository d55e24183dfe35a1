#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apid/auth.h"
#include "fault.h"
#include "scratch.h"

#define SEC 1000000000ull

static const struct token *who;
static const char token[] = "0123456789abcdef0123456789abcdef";

static struct addr from(const char *s)
{
	struct addr a;
	assert_int_equal(addr_parse(s, strlen(s), &a), 0);
	return a;
}

static void test_token(void **state)
{
	(void)state;
	struct auth *a = auth_new(token);
	struct addr x = from("192.0.2.1");
	assert_int_equal(auth_check(a, &x, NULL, SEC, &who), AUTH_NONE);
	assert_int_equal(auth_check(a, &x, "Bearer 0123456789abcdef0123456789abcdef", SEC, &who), AUTH_GOOD);
	assert_int_equal(auth_check(a, &x, "bearer  0123456789abcdef0123456789abcdef", SEC, &who), AUTH_GOOD);
	assert_int_equal(auth_check(a, &x, "Token 0123456789abcdef0123456789abcdef", SEC, &who), AUTH_GOOD);
	static const char *const bad[] = { "", "Bearer", "Bearer ", "Bearer 0123456789abcdef0123456789abcdee",
					   "Bearer 0123456789abcdef0123456789abcde", "Bearer 0123456789abcdef0123456789abcdef0",
					   "Bearer 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
					   "Basic MDEyMzQ1Njc4OWFiY2RlZg==", "0123456789abcdef0123456789abcdef" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(auth_check(a, &x, bad[i], SEC, &who), AUTH_WRONG);
	auth_free(a);
}

static void test_tries(void **state)
{
	(void)state;
	struct auth *a = auth_new(token);
	struct addr x = from("192.0.2.1"), y = from("192.0.2.2"), six = from("2001:db8::1"), near = from("2001:db8::2");
	for (int i = 0; i < AUTH_MAX_FAILURES; i++)
		assert_int_equal(auth_check(a, &x, "Bearer no", SEC, &who), AUTH_WRONG);
	assert_int_equal(auth_check(a, &x, "Bearer no", SEC, &who), AUTH_BLOCKED);
	assert_in_range(auth_wait(a, &x, 11 * SEC), 50, 51);
	assert_int_equal(auth_check(a, &x, NULL, SEC, &who), AUTH_NONE);
	assert_int_equal(auth_check(a, &x, "Bearer 0123456789abcdef0123456789abcdef", SEC, &who), AUTH_GOOD); /* who has it comes in */
	assert_int_equal(auth_check(a, &y, "Bearer no", SEC, &who), AUTH_WRONG); /* others are not concerned */
	assert_int_equal(auth_check(a, &x, "Bearer no", 62 * SEC, &who), AUTH_WRONG);
	assert_int_equal(auth_wait(a, &y, 62 * SEC), 0);
	for (int i = 0; i <= AUTH_MAX_FAILURES; i++)
		auth_check(a, &six, "Bearer no", SEC, &who);
	assert_int_equal(auth_check(a, &near, "Bearer no", SEC, &who), AUTH_BLOCKED); /* the same /64 */

	/* Many addresses: the table is bounded, and who fails all the time stays in it. */
	for (uint32_t i = 0; i < 5000; i++) {
		struct addr z;
		uint8_t four[4] = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };
		addr_from_v4(&z, four);
		assert_int_equal(auth_check(a, &z, "Bearer no", 70 * SEC + i, &who), AUTH_WRONG);
		if (i % 100 == 0)
			auth_check(a, &x, "Bearer no", 70 * SEC + i, &who);
	}
	assert_int_equal(auth_check(a, &x, "Bearer no", 71 * SEC, &who), AUTH_BLOCKED);
	auth_free(a);
}

static void test_file(void **state)
{
	(void)state;
	char dir[SCRATCH], path[64];
	struct buf err = { 0 };
	struct stat st;
	struct addr x = from("192.0.2.1");
	enum auth_token how;
	assert_non_null(scratch(dir, "auth-test"));
	snprintf(path, sizeof path, "%s/token", dir);
	struct auth *a = auth_open(path, &how, &err);
	assert_non_null(a);
	assert_int_equal(how, AUTH_MADE);
	auth_free(a);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 65); /* 256 bits in hex */

	char header[128] = "Bearer ";
	FILE *fp = fopen(path, "r");
	assert_non_null(fgets(header + 7, 100, fp));
	fclose(fp);
	header[strcspn(header, "\n")] = '\0';
	a = auth_open(path, &how, &err);
	assert_int_equal(how, AUTH_READ);
	assert_int_equal(auth_check(a, &x, header, SEC, &who), AUTH_GOOD);
	auth_free(a);

	chmod(path, 0644);
	assert_null(auth_open(path, &how, &err));
	assert_non_null(strstr(buf_cstr(&err), "everybody"));
	assert_null(strstr(err.p, header + 7));
	chmod(path, 0600);
	fp = fopen(path, "w");
	fputs("short\n", fp);
	fclose(fp);
	buf_reset(&err);
	assert_null(auth_open(path, &how, &err));
	unlink(path);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	assert_null(auth_open(path, &how, &err));
	unlink(path);
	rmdir(dir);
	buf_reset(&err);
	assert_null(auth_open(path, &how, &err));
	assert_true(err.len > 0);
	buf_release(&err);
}

/* A token for which there is no room is tried once, and written when there is some. */
static void test_no_room(void **state)
{
	(void)state;
	char dir[SCRATCH], path[64];
	struct buf err = { 0 };
	enum auth_token how;
	assert_non_null(scratch(dir, "auth-test"));
	snprintf(path, sizeof path, "%s/token", dir);
	setenv("WEIR_FAULT", "apid.token.write=enospc", 1);
	fault_init();
	struct auth *a = auth_open(path, &how, &err);
	assert_non_null(a);
	assert_int_equal(how, AUTH_UNSAVED);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(auth_save(a, path), 1);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(auth_save(a, path), 0);
	auth_free(a);
	unlink(path);
	assert_int_equal(rmdir(dir), 0); /* nothing is left beside it */
	buf_release(&err);
}

static void test_host(void **state)
{
	(void)state;
	static char *names[] = { (char *)"weir.example.org", NULL };
	static const char *const good[] = { "127.0.0.1:8470", "localhost", "LOCALHOST:1", "[::1]:8470", "192.0.2.7", "monitor:80",
					    "weir.example.org:443" };
	static const char *const bad[] = { "", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[::1", "[x]",
					   "localhost:", "localhost:x", "localhost:123456", "a@localhost", "127.0.0.1, evil", "::1",
					   "weir.example.org.", "monitor/x" };
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		if (!auth_host(good[i], "monitor", names))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (auth_host(bad[i], "monitor", names))
			fail_msg("%s", bad[i]);
	assert_false(auth_host(NULL, "monitor", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_token), cmocka_unit_test(test_tries), cmocka_unit_test(test_file),
					    cmocka_unit_test(test_no_room),
					    cmocka_unit_test(test_host) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "token.h"
#include "scratch.h"

/* FIPS 180-2, appendix B.1. */
static void test_hash(void **state)
{
	(void)state;
	static const uint8_t abc[4] = { 0xba, 0x78, 0x16, 0xbf };
	uint8_t h[TOKEN_HASH];
	token_hash("abc", 3, h);
	assert_memory_equal(h, abc, 4);
}

static void test_scopes(void **state)
{
	(void)state;
	struct token t = { 0 };
	char bad[40];
	assert_true(token_scopes("read,write:alerts", &t.scopes, bad));
	assert_true(token_may(&t, SCOPE_READ_FLOWS));
	assert_true(token_may(&t, SCOPE_WRITE_ALERTS));
	assert_false(token_may(&t, SCOPE_WRITE_CONFIG));
	assert_false(token_may(&t, SCOPE_READ_PCAP));
	assert_true(token_may(NULL, SCOPE_OPEN));
	assert_false(token_may(NULL, SCOPE_READ_STATS));
	assert_true(token_scopes("admin", &t.scopes, bad));
	assert_true(token_may(&t, SCOPE_WRITE_CONFIG));
	assert_false(token_scopes("read,all", &t.scopes, bad));
	assert_string_equal(bad, "all");
	assert_false(token_scopes("", &t.scopes, bad));
}

static void test_file(void **state)
{
	(void)state;
	char dir[SCRATCH], path[64];
	struct token one = { .name = "grafana", .scopes = 1u << SCOPE_READ_STATS, .expires = 99 }, *back;
	struct buf err = { 0 };
	struct stat st;
	size_t n;
	assert_non_null(scratch(dir, "token"));
	snprintf(path, sizeof path, "%s/api.tokens", dir);
	assert_int_equal(token_load(path, &back, &n, &err), 0);
	assert_int_equal(n, 0);
	token_hash("secret", 6, one.hash);
	assert_int_equal(token_save(path, &one, 1, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(token_load(path, &back, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(back->name, "grafana");
	assert_int_equal(back->scopes, one.scopes);
	assert_int_equal(back->expires, 99);
	assert_memory_equal(back->hash, one.hash, TOKEN_HASH);
	free(back);
	FILE *f = fopen(path, "a");
	fputs("# a comment\n\nbroken line\n", f);
	fclose(f);
	assert_int_equal(token_load(path, &back, &n, &err), -1);
	assert_non_null(strstr(buf_cstr(&err), ":4:"));
	buf_release(&err);
	unlink(path);
	rmdir(dir);
}

/* Whoever changes the file holds a lock on its directory: who must not wait for it is told so, and nothing is changed. */
static void test_busy(void **state)
{
	(void)state;
	char dir[SCRATCH], path[64];
	struct token one = { .name = "one", .scopes = 1u << SCOPE_READ_STATS }, *back;
	struct buf err = { 0 };
	size_t n;
	assert_non_null(scratch(dir, "token"));
	snprintf(path, sizeof path, "%s/api.tokens", dir);
	assert_int_equal(token_add(path, &one, false, &err), TOKEN_DONE);
	int fd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(token_remove(path, "one", false, &err), TOKEN_BUSY);
	assert_non_null(strstr(buf_cstr(&err), "somebody else"));
	close(fd);
	assert_int_equal(token_load(path, &back, &n, &err), 0);
	assert_int_equal(n, 1);
	free(back);
	assert_int_equal(token_add(path, &one, false, &err), TOKEN_EXISTS);
	assert_int_equal(token_remove(path, "two", true, &err), TOKEN_NONE);
	assert_int_equal(token_remove(path, "one", true, &err), TOKEN_DONE);
	buf_release(&err);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_hash), cmocka_unit_test(test_scopes), cmocka_unit_test(test_file),
					    cmocka_unit_test(test_busy) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apid/audit.h"
#include "scratch.h"

static const struct audit_event event = {
	.event = "write", .who = "grafana", .from = "192.0.2.1", .method = "POST", .path = "/api/v1/alerts/X/ack", .about = "",
	.request = "r-1", .status = 200, .time = 1700000000000000000ull,
};

static void test_line(void **state)
{
	(void)state;
	struct buf b = { 0 };
	struct audit_event e = event;
	audit_print(&b, &e);
	assert_string_equal(buf_cstr(&b), "{\"time\":\"2023-11-14T22:13:20.000000Z\",\"event\":\"write\",\"who\":\"grafana\","
					  "\"from\":\"192.0.2.1\",\"method\":\"POST\",\"path\":\"/api/v1/alerts/X/ack\",\"status\":200,"
					  "\"request\":\"r-1\"}\n");
	buf_reset(&b);
	e.who = "";
	e.path = "/a\"},{\"x\":\"\n\033[31m";
	e.left_out = 7;
	audit_print(&b, &e);
	assert_null(strstr(buf_cstr(&b), "who"));
	assert_non_null(strstr(buf_cstr(&b), "\"left_out\":7"));
	assert_ptr_equal(strchr(buf_cstr(&b), '\n'), b.p + b.len - 1); /* one line whatever it says */
	assert_null(strchr(buf_cstr(&b), '\033'));
	buf_release(&b);
}

static uint64_t lines_of(const char *path)
{
	FILE *fp = fopen(path, "r");
	uint64_t n = 0;
	for (int c; fp && (c = getc(fp)) != EOF;)
		n += c == '\n';
	if (fp)
		fclose(fp);
	return n;
}

static void test_bounded(void **state)
{
	(void)state;
	char dir[SCRATCH];
	struct buf err = { 0 };
	struct stat st;
	uint64_t kept = 0;
	assert_non_null(scratch(dir, "audit"));
	char *path = xasprintf("%s/audit.jsonl", dir);
	struct audit *a = audit_open(path, 4096, &err);
	assert_non_null(a);
	for (int i = 0; i < 10; i++)
		assert_int_equal(audit_write(a, &event), 0);
	audit_free(a); /* another process goes on where this one was */
	a = audit_open(path, 4096, &err);
	for (int i = 0; i < 490; i++)
		assert_int_equal(audit_write(a, &event), 0);
	for (int i = 0; i <= AUDIT_KEPT + 1; i++) {
		char *file = i ? xasprintf("%s.%d", path, i) : xstrdup(path);
		bool there = stat(file, &st) == 0;
		assert_int_equal(there, i <= AUDIT_KEPT);
		if (there) {
			assert_true(st.st_size <= 4096);
			assert_int_equal(st.st_mode & 0777, 0600);
			kept += lines_of(file);
		}
		unlink(file);
		free(file);
	}
	assert_in_range(kept, 3 * 20, 500);
	audit_free(a);
	rmdir(dir);
	a = audit_open(path, 4096, &err);
	assert_null(a); /* no such directory */
	assert_non_null(strstr(buf_cstr(&err), path));
	free(path);
	buf_release(&err);
}

static void test_full(void **state)
{
	(void)state;
	struct buf err = { 0 };
	struct audit *a = audit_open("/dev/full", 1 << 20, &err);
	assert_non_null(a);
	assert_int_equal(audit_write(a, &event), -1);
	assert_int_equal(errno, ENOSPC);
	audit_free(a);
	buf_release(&err);
}

/* Room for a line and a half: the half is taken back, and what comes later stands in a line of its own. */
static void test_no_half_line(void **state)
{
	(void)state;
	char dir[SCRATCH];
	struct buf err = { 0 }, line = { 0 };
	struct rlimit had;
	struct stat st;
	assert_non_null(scratch(dir, "audit"));
	char *path = xasprintf("%s/audit.jsonl", dir);
	struct audit *a = audit_open(path, 1 << 20, &err);
	assert_non_null(a);
	audit_print(&line, &event);
	assert_int_equal(audit_write(a, &event), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &had), 0);
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	struct rlimit small = { .rlim_cur = line.len + line.len / 2, .rlim_max = had.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int rc = audit_write(a, &event);
	setrlimit(RLIMIT_FSIZE, &had); /* before anything is asserted: a failure is written to a file, too */
	signal(SIGXFSZ, handler);
	assert_int_equal(rc, -1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, line.len);
	assert_int_equal(audit_write(a, &event), 0);
	assert_int_equal(lines_of(path), 2);
	audit_free(a);
	unlink(path);
	rmdir(dir);
	free(path);
	buf_release(&line);
	buf_release(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_line), cmocka_unit_test(test_bounded), cmocka_unit_test(test_full),
					    cmocka_unit_test(test_no_half_line) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

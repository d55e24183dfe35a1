/* Files that grow, are replaced, cut short, not there yet or no good; what is no file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/source.h"
#include "scratch.h"

static char dir[SCRATCH];
static char path[64], other[64];

static int make_dir(void **state)
{
	(void)state;
	if (!scratch(dir, "source"))
		return -1;
	snprintf(path, sizeof path, "%s/grow.pcap", dir);
	snprintf(other, sizeof other, "%s/other", dir);
	return 0;
}

static int clear(void **state)
{
	(void)state;
	unlink(path);
	unlink(other);
	return 0;
}

static int remove_dir(void **state)
{
	clear(state);
	return rmdir(dir);
}

/* Adds n packets that were seen in the seconds from first on; with the file header if that is wanted. */
static void add(const char *name, bool header, uint32_t first, unsigned n)
{
	static const uint32_t head[] = { 0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1 };
	FILE *f = fopen(name, "a");
	assert_non_null(f);
	if (header)
		fwrite(head, sizeof head, 1, f);
	for (unsigned i = 0; i < n; i++) {
		uint32_t record[] = { first + i, 0, 4, 4, 0x01020304 };
		fwrite(record, sizeof record, 1, f);
	}
	fclose(f);
}

static struct source *open_source(enum topo_source kind)
{
	char *inputs[] = { path, NULL };
	struct topo_sensor t = { .source = kind, .inputs = inputs };
	struct buf err = { 0 };
	struct source *s = source_file_open(&t, &err);
	assert_int_equal(err.len, 0);
	assert_non_null(s);
	return s;
}

/* Reads n packets, the first of them of that second. */
static void gives(struct source *s, uint32_t first, unsigned n)
{
	struct packet p[64];
	unsigned got = 0;
	assert_int_equal(s->ops->read(s, p, 64, &got), SOURCE_OK);
	assert_int_equal(got, n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(p[i].time / 1000000000ull, first + i);
}

static void answers(struct source *s, enum source_result r)
{
	struct packet p[64];
	unsigned got;
	assert_int_equal(s->ops->read(s, p, 64, &got), r);
	assert_int_equal(got, 0);
}

static void test_grows(void **state)
{
	(void)state;
	add(path, true, 100, 2);
	struct source *s = open_source(SRC_FOLLOW);
	uint64_t id = s->ops->identity(s);
	assert_true(id != 0);
	gives(s, 100, 2);
	answers(s, SOURCE_AGAIN);
	add(path, false, 102, 3);
	gives(s, 102, 3);
	answers(s, SOURCE_AGAIN);
	assert_int_equal(s->ops->identity(s), id);
	assert_int_equal(s->ops->rewind(s), 0);
	gives(s, 100, 5);
	s->ops->close(s);
	s = open_source(SRC_FOLLOW);
	assert_int_equal(s->ops->identity(s), id); /* another process, a longer file */
	s->ops->close(s);
}

/* What is left in the old one comes before the new one. */
static void test_replaced(void **state)
{
	(void)state;
	add(path, true, 100, 2);
	struct source *s = open_source(SRC_FOLLOW);
	uint64_t id = s->ops->identity(s);
	gives(s, 100, 2);
	answers(s, SOURCE_AGAIN);
	assert_int_equal(rename(path, other), 0);
	answers(s, SOURCE_AGAIN); /* no other one yet */
	add(other, false, 102, 1);
	add(path, true, 200, 0);
	gives(s, 102, 1);
	answers(s, SOURCE_AGAIN);
	answers(s, SOURCE_AGAIN); /* there is nothing in it that tells it from others */
	add(path, false, 200, 4);
	answers(s, SOURCE_ANOTHER);
	assert_true(s->ops->identity(s) != id);
	gives(s, 200, 4);
	answers(s, SOURCE_AGAIN);
	assert_int_equal(s->ops->rewind(s), 0);
	gives(s, 200, 4);
	s->ops->close(s);
}

static void test_cut(void **state)
{
	(void)state;
	add(path, true, 100, 5);
	struct source *s = open_source(SRC_FOLLOW);
	uint64_t id = s->ops->identity(s);
	gives(s, 100, 5);
	answers(s, SOURCE_AGAIN);
	assert_int_equal(truncate(path, 0), 0);
	answers(s, SOURCE_AGAIN);
	add(path, true, 300, 1);
	answers(s, SOURCE_ANOTHER);
	assert_true(s->ops->identity(s) != id);
	gives(s, 300, 1);
	s->ops->close(s);
}

static void test_not_there_yet(void **state)
{
	(void)state;
	struct source *s = open_source(SRC_FOLLOW);
	assert_int_equal(s->ops->identity(s), 0);
	answers(s, SOURCE_AGAIN);
	assert_int_equal(mkdir(path, 0700), 0); /* what is there and cannot be read is waited for as well, without an error each time */
	answers(s, SOURCE_AGAIN);
	assert_int_equal(rmdir(path), 0);
	add(path, true, 100, 1);
	answers(s, SOURCE_ANOTHER);
	gives(s, 100, 1);
	s->ops->close(s);
}

/* One message, and the next one is good. */
static void test_no_good(void **state)
{
	(void)state;
	add(path, false, 100, 3);
	struct source *s = open_source(SRC_FOLLOW);
	s->ops->identity(s);
	answers(s, SOURCE_ERROR);
	assert_non_null(strstr(s->ops->error(s), "grow.pcap: offset 0: "));
	answers(s, SOURCE_AGAIN);
	add(path, false, 103, 1);
	answers(s, SOURCE_AGAIN);
	add(other, true, 100, 2);
	assert_int_equal(rename(other, path), 0);
	answers(s, SOURCE_ANOTHER);
	gives(s, 100, 2);
	s->ops->close(s);
}

static void test_no_file(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	struct source *s = open_source(SRC_FILES);
	s->ops->identity(s); /* none of the two waits for somebody who writes */
	answers(s, SOURCE_ERROR);
	assert_non_null(strstr(s->ops->error(s), "is no regular file"));
	answers(s, SOURCE_END);
	s->ops->close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_grows, clear),	      cmocka_unit_test_teardown(test_replaced, clear),
		cmocka_unit_test_teardown(test_cut, clear),	      cmocka_unit_test_teardown(test_not_there_yet, clear),
		cmocka_unit_test_teardown(test_no_good, clear),	      cmocka_unit_test_teardown(test_no_file, clear),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

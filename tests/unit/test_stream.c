#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "stream.h"

static void fill(struct stream *s, unsigned n, size_t len)
{
	char rec[4096];
	for (unsigned i = 0; i < n; i++) {
		memset(rec, (int)stream_head(s), sizeof rec);
		assert_int_equal(stream_append(s, rec, len, NULL), 0);
	}
}

static void test_numbers(void **state)
{
	(void)state;
	struct stream *s = stream_new("x", 7, 1 << 20);
	uint64_t seq;
	assert_int_equal(stream_head(s), 1);
	assert_int_equal(stream_tail(s), 1);
	assert_int_equal(stream_append(s, "a", 1, &seq), 0);
	assert_int_equal(seq, 1);
	assert_int_equal(stream_head(s), 2);
	assert_int_equal(stream_epoch(s), 7);
	stream_free(s);
}

static void test_read_back(void **state)
{
	(void)state;
	struct stream *s = stream_new("x", 1, 64 << 20);
	fill(s, 3000, 1000);
	uint64_t at = 1;
	while (at < stream_head(s)) {
		const char *p;
		size_t len;
		uint32_t n = stream_read(s, at, 10000, &p, &len);
		assert_true(n > 0);
		assert_int_equal(len, n * 1000);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal((uint8_t)p[i * 1000], (uint8_t)(at + i));
		at += n;
	}
	const char *p;
	size_t len;
	assert_int_equal(stream_read(s, at, 10000, &p, &len), 0);
	assert_int_equal(stream_read(s, at + 5, 10000, &p, &len), 0);
	assert_int_equal(stream_read(s, 5, 10, &p, &len), 1); /* at least one, however small max is */
	stream_free(s);
}

static void test_durable_holds(void **state)
{
	(void)state;
	struct stream *s = stream_new("x", 1, 4 << 20);
	char rec[4000] = { 0 };
	stream_add_durable(s, "keeper");
	while (stream_append(s, rec, sizeof rec, NULL) == 0)
		;
	uint64_t full = stream_head(s);
	assert_int_equal(stream_tail(s), 1);
	assert_true(stream_bytes(s) <= stream_max(s));
	assert_true(stream_room(s) < sizeof rec);
	assert_int_equal(stream_append(s, rec, sizeof rec, NULL), -1);
	stream_set_durable(s, "somebody", full);
	assert_int_equal(stream_append(s, rec, sizeof rec, NULL), -1);
	stream_set_durable(s, "keeper", full / 2);
	stream_set_durable(s, "keeper", 3); /* never back */
	assert_true(stream_room(s) > (1 << 20));
	assert_int_equal(stream_append(s, rec, sizeof rec, NULL), 0);
	assert_true(stream_tail(s) > 1 && stream_tail(s) <= full / 2);
	stream_free(s);
}

static void test_without_durable_oldest_goes(void **state)
{
	(void)state;
	struct stream *s = stream_new("x", 1, 1 << 20);
	fill(s, 5000, 1000);
	assert_true(stream_bytes(s) <= stream_max(s));
	assert_true(stream_tail(s) > 1);
	assert_int_equal(stream_head(s), 5001);
	stream_free(s);
}

static void test_too_large(void **state)
{
	(void)state;
	struct stream *s = stream_new("x", 1, 1000);
	static const char rec[2000];
	assert_int_equal(stream_append(s, rec, sizeof rec, NULL), -1);
	assert_int_equal(stream_append(s, rec, 500, NULL), 0);
	stream_free(s);
}

static void test_restart_and_skip(void **state)
{
	(void)state;
	struct stream *s = stream_new("x", 1, 1 << 20);
	stream_add_durable(s, "keeper");
	fill(s, 10, 100);
	stream_set_durable(s, "keeper", 8);
	stream_restart(s, 2, 1);
	assert_int_equal(stream_head(s), 1);
	assert_int_equal(stream_durable(s), 0);
	stream_skip(s, 41);
	assert_int_equal(stream_head(s), 42);
	assert_int_equal(stream_tail(s), 42);
	fill(s, 1, 10);
	assert_int_equal(stream_tail(s), 42);
	stream_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_durable_holds),
		cmocka_unit_test(test_without_durable_oldest_goes),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_restart_and_skip),
	};
	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "alertd/sampler.h"

#define SEC 1000000000ull

static const char base[] = "\0lan";

/* What a flush says: bytes of the sensor's applications, and how many totals are to be kept and to be forgotten. */
struct told {
	uint64_t bytes;
	unsigned kept, forgotten;
};

static int on_sample(void *arg, const struct r_sample *r, const char *strs)
{
	if (str_eq(strs, r->sample.kind, "sensor,app"))
		((struct told *)arg)->bytes += r->sample.bytes;
	return 0;
}

static int on_keep(void *arg, const void *key, size_t key_len, const void *value, size_t len)
{
	struct told *t = arg;
	(void)key;
	(void)key_len;
	(void)value;
	t->kept += len != 0;
	t->forgotten += len == 0;
	return 0;
}

static struct told flush(struct sampler *s)
{
	static const struct sampler_ops ops = { on_sample, on_keep };
	struct told t = { 0 };
	assert_int_equal(sampler_flush(s, &ops, &t), 0);
	return t;
}

static void say_flow(struct sampler *s, uint64_t id, uint64_t bytes, uint8_t end_reason)
{
	struct r_flow f = { .key = { .id = { id, 1 }, .sensor = { 1, 3 } },
			    .n = { .last = SEC, .client_bytes = bytes, .client_packets = bytes, .end_reason = end_reason } };
	sampler_record(s, R_FLOW, &f, base);
}

static void test_flows_count_once(void **state)
{
	struct sampler s;
	(void)state;
	sampler_init(&s, 10);
	for (uint64_t i = 1; i <= 5; i++)
		say_flow(&s, i, 100, END_ACTIVE);
	struct told t = flush(&s);
	assert_int_equal(t.bytes, 500);
	assert_int_equal(t.kept, 5);
	for (uint64_t i = 1; i <= 5; i++)
		say_flow(&s, i, 150, END_FIN);
	t = flush(&s);
	assert_int_equal(t.bytes, 250);
	assert_int_equal(t.forgotten, 5);
	assert_int_equal(s.totals.n, 0);
	sampler_release(&s);
}

/* The last records of many flows are shed. Those that go on are never the ones to make room. */
static void test_totals_are_bounded(void **state)
{
	struct sampler s;
	unsigned forgotten = 0;
	(void)state;
	sampler_init(&s, 10);
	for (uint64_t i = 1; i <= 1000; i++) {
		for (uint64_t open = 1; open <= 9; open++)
			say_flow(&s, open, i, END_ACTIVE);
		say_flow(&s, 1000 + i, 7, END_ACTIVE);
		assert_in_range(s.totals.n, 1, 10);
		struct told t = flush(&s);
		assert_int_equal(t.bytes, 9 + 7);
		forgotten += t.forgotten;
	}
	assert_int_equal(s.evicted, 999);
	assert_int_equal(forgotten, 999);
	sampler_release(&s);
}

/* Hosts and their sensor too, and what is given back to a sampler with a smaller bound. */
static void test_what_is_given_back_is_bounded(void **state)
{
	struct sampler s;
	static const char total[200];
	(void)state;
	sampler_init(&s, 2);
	for (char key = 'a'; key <= 'z'; key++)
		sampler_restore(&s, &key, 1, total, sizeof total);
	assert_int_equal(s.totals.n, 2);
	assert_int_equal(flush(&s).forgotten, 24);
	struct r_host h = { .host = { .last = SEC, .time = SEC, .score = 5, .sensor = { 1, 3 } } };
	for (uint8_t i = 0; i < 20; i++) {
		h.host.ip.b[15] = i;
		sampler_record(&s, R_HOST, &h, base);
		assert_int_equal(s.totals.n, 2);
	}
	sampler_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flows_count_once),
		cmocka_unit_test(test_totals_are_bounded),
		cmocka_unit_test(test_what_is_given_back_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

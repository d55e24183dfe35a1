/* What stands in for a function of nDPI returns what that one returns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>

#include "classify/app_ndpi.h"

/* The one that ours stands before. */
static void *theirs(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);
	assert_non_null(f);
	return f;
}

static void test_bitmask(void **state)
{
	(void)state;
	int (*real)(NDPI_PROTOCOL_BITMASK, NDPI_PROTOCOL_BITMASK);
	NDPI_PROTOCOL_BITMASK a = { 0 }, b = { 0 };
	*(void **)&real = theirs("NDPI_BITMASK_COMPARE");
	assert_true((void *)real != (void *)NDPI_BITMASK_COMPARE);
	assert_int_equal(NDPI_BITMASK_COMPARE(a, b), 0);
	for (unsigned i = 0; i < NDPI_NUM_BITS; i++)
		for (unsigned k = 0; k < NDPI_NUM_BITS; k += 1 + k % 7) {
			NDPI_BITMASK_RESET(a);
			NDPI_BITMASK_RESET(b);
			NDPI_BITMASK_ADD(a, i);
			NDPI_BITMASK_ADD(b, k);
			assert_int_equal(NDPI_BITMASK_COMPARE(a, b), real(a, b));
			assert_int_equal(NDPI_BITMASK_COMPARE(a, a), real(a, a));
		}
}

static void test_prefix(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "U", "USER", "USER anonymous", "PASS", "user", "\xff\xfe" };
	int (*real)(const u_int8_t *, size_t, const char *, size_t);
	*(void **)&real = theirs("ndpi_match_prefix");
	for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
		for (unsigned k = 0; k < sizeof texts / sizeof *texts; k++)
			for (size_t n = 0; n <= strlen(texts[i]); n++) {
				const u_int8_t *p = (const u_int8_t *)texts[i];
				assert_int_equal(ndpi_match_prefix(p, n, texts[k], strlen(texts[k])),
						 real(p, n, texts[k], strlen(texts[k])));
			}
}

/* Networks of all sizes in two trees; each address is asked for twice, with others of the same place in between. */
static void test_networks(void **state)
{
	(void)state;
	ndpi_patricia_node_t *(*real)(ndpi_patricia_tree_t *, ndpi_prefix_t *);
	ndpi_patricia_tree_t *trees[2] = { ndpi_patricia_new(32), ndpi_patricia_new(32) };
	ndpi_prefix_t prefix;
	*(void **)&real = theirs("ndpi_patricia_search_best");
	for (uint32_t i = 0; i < 2000; i++) {
		struct in_addr net = { .s_addr = i * 2246822519u };
		ndpi_fill_prefix_v4(&prefix, &net, (int)(1 + i % 32), 32);
		ndpi_patricia_lookup(trees[i % 3 == 0], &prefix);
	}
	quick_networks();
	for (unsigned round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 6000; i++)
			for (unsigned t = 0; t < 2; t++) {
				struct in_addr host = { .s_addr = (i / 2) * 2246822519u + i % 2 };
				ndpi_fill_prefix_v4(&prefix, &host, i % 5 ? 32 : 24, 32);
				assert_ptr_equal(ndpi_patricia_search_best(trees[t], &prefix), real(trees[t], &prefix));
			}
	ndpi_patricia_destroy(trees[0], NULL);
	ndpi_patricia_destroy(trees[1], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bitmask),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_networks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

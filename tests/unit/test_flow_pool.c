#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "capture/flow_pool.h"

#define MOST  500
#define AIMED 400

/* Takes flows that all fall upon one of 1024 slots of a pool whose key is 0. */
static void aim_at(struct flow_pool *p)
{
	struct flow_tuple t = { .pb = 53, .proto = 17 };
	unsigned n = 0;
	for (uint32_t i = 0; n < AIMED; i++) {
		memcpy(t.a.b, &i, sizeof i);
		if (hash_sip13((struct hash_key){ 0 }, &t, sizeof t) % 1024)
			continue;
		uint32_t tag = flow_pool_tag(p, &t);
		struct flow *f = flow_pool_take(p, tag, &t);
		assert_non_null(f);
		assert_ptr_equal(flow_pool_find(p, tag, &t), f);
		n++;
	}
}

/* Who knows the hash but not the key cannot make a list of the table. */
static void test_aimed_collisions(void **state)
{
	struct flow_pool p;
	(void)state;
	flow_pool_init(&p, MOST);
	aim_at(&p);
	assert_in_range(flow_pool_longest_probe(&p), 0, 100); /* some 10; at random one pool in more than 10^12 has 100 */
	flow_pool_reset(&p);
	p.seed = (struct hash_key){ 0 };
	aim_at(&p);
	assert_in_range(flow_pool_longest_probe(&p), AIMED - 1, 1023); /* they were well aimed */
	flow_pool_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_aimed_collisions) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

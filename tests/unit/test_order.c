#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "order.h"

#define N 40

struct entry {
	char before[5];
	struct order_link link;
	bool in;
};

/* Against a list that is moved about whole: the same entries, in both directions, after each step. */
static void test_random(void **state)
{
	(void)state;
	struct entry e[N] = { 0 };
	struct order o = ORDER_EMPTY;
	uint32_t want[N], n = 0;
	uint64_t draw = 88172645463325252ull;
	for (unsigned step = 0; step < 5000; step++) {
		draw ^= draw << 13, draw ^= draw >> 7, draw ^= draw << 17;
		uint32_t i = (uint32_t)(draw % N);
		if (e[i].in) {
			uint32_t at = 0;
			order_remove(&o, &e->link, sizeof *e, i);
			while (want[at] != i)
				at++;
			memmove(want + at, want + at + 1, (--n - at) * sizeof *want);
		}
		e[i].in = !e[i].in || draw >> 60;
		if (e[i].in) {
			order_append(&o, &e->link, sizeof *e, i);
			want[n++] = i;
		}
		uint32_t at = 0;
		for (uint32_t x = o.first; x != ORDER_NONE; x = e[x].link.next)
			assert_int_equal(x, want[at++]);
		assert_int_equal(at, n);
		for (uint32_t x = o.last; x != ORDER_NONE; x = e[x].link.prev)
			assert_int_equal(x, want[--at]);
		assert_int_equal(at, 0);
	}
	assert_true(n > 0);
}

/* The last one that goes leaves it as it was. */
static void test_empty(void **state)
{
	(void)state;
	struct entry e[2] = { 0 };
	struct order o = ORDER_EMPTY;
	order_append(&o, &e->link, sizeof *e, 1);
	assert_int_equal(o.first, 1);
	assert_int_equal(o.last, 1);
	order_remove(&o, &e->link, sizeof *e, 1);
	assert_int_equal(o.first, ORDER_NONE);
	assert_int_equal(o.last, ORDER_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random), cmocka_unit_test(test_empty) };
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "id.h"

#define SECOND 1000000000ull

static void test_text(void **state)
{
	(void)state;
	char buf[ID_STRLEN];
	/* 26 digits of 5 bits hold 130: the first digit is 7 at most */
	assert_string_equal(id_str((struct id){ UINT64_MAX, UINT64_MAX }, buf), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
	assert_string_equal(id_str((struct id){ 0, 1 }, buf), "00000000000000000000000001");
	/* the time is the first ten digits: 1469918176385 ms is 01ARYZ6S41, as the ULID specification has it */
	assert_memory_equal(id_str((struct id){ 1469918176385ull << 16, 0 }, buf), "01ARYZ6S41", 10);
	assert_string_equal(id_str((struct id){ 0, 0 }, buf), "");
}

static void test_round_trip(void **state)
{
	(void)state;
	char buf[ID_STRLEN], lower[ID_STRLEN];
	for (uint64_t i = 1; i < 1000; i++) {
		struct id id = id_make(i * 777 * SECOND, i, &i, sizeof i), back;
		id_str(id, buf);
		assert_int_equal(id_parse(buf, strlen(buf), &back), 0);
		assert_int_equal(id_cmp(id, back), 0);
		for (int k = 0; k < ID_STRLEN; k++)
			lower[k] = buf[k] >= 'A' ? (char)(buf[k] + 32) : buf[k];
		assert_int_equal(id_parse(lower, ID_STRLEN - 1, &back), 0);
		assert_int_equal(id_cmp(id, back), 0);
	}
}

static void test_bad_text(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", "0", "80000000000000000000000000", "0000000000000000000000000", "000000000000000000000000000",
		"0000000000000000000000000I", "0000000000000000000000000U", "000000000000 0000000000000",
		"0000000000000000000000000-",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct id id = { 5, 6 };
		assert_int_equal(id_parse(bad[i], strlen(bad[i]), &id), -1);
		assert_true(id.hi == 5 && id.lo == 6);
	}
	struct id id;
	assert_int_equal(id_parse("0000000000000\0" "000000000000", 26, &id), -1);
}

/* Same input, same id; any other time, seed or content, another one. Later sorts later, as numbers and as text. */
static void test_make(void **state)
{
	(void)state;
	struct id a = id_make(5 * SECOND, 1, "flow", 4);
	assert_int_equal(id_cmp(a, id_make(5 * SECOND, 1, "flow", 4)), 0);
	assert_int_not_equal(id_cmp(a, id_make(5 * SECOND, 2, "flow", 4)), 0);
	assert_int_not_equal(id_cmp(a, id_make(5 * SECOND, 1, "flox", 4)), 0);
	assert_int_equal(id_time_ms(a), 5000);
	struct id b = id_make(5 * SECOND + 1000000, 1, "flow", 4);
	char at[ID_STRLEN], bt[ID_STRLEN];
	assert_true(id_cmp(a, b) < 0 && id_cmp(b, a) > 0);
	assert_true(strcmp(id_str(a, at), id_str(b, bt)) < 0);
	assert_true(id_is_set(a) && !id_is_set((struct id){ 0, 0 }));
}

/* Ids are kept in databases and compared between versions: they must never change. */
static void test_stable(void **state)
{
	(void)state;
	char buf[ID_STRLEN];
	id_str(id_make(1700000000ull * SECOND, 42, "10.0.0.1:1234", 13), buf);
	assert_string_equal(buf, "01HF7YAT00WG72G6D759YNGVXD");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text), cmocka_unit_test(test_round_trip), cmocka_unit_test(test_bad_text),
		cmocka_unit_test(test_make), cmocka_unit_test(test_stable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "hash.h"

static const struct hash_key zero = { 0, 0 };

/* Vectors from another implementation: CPython hashes bytes with SipHash-1-3, its key is zero when PYTHONHASHSEED=0. */
static void test_sip13(void **state)
{
	(void)state;
	unsigned char count[64];
	for (unsigned i = 0; i < sizeof count; i++)
		count[i] = (unsigned char)i;
	assert_true(hash_sip13(zero, "\x01", 1) == 0x44bc103b1f8540ed);
	assert_true(hash_sip13(zero, "abcdefgh", 8) == 0x3f7b849c0b8e35ea);
	assert_true(hash_sip13(zero, count, 15) == 0xf30eb725bb91c9ea);
	assert_true(hash_sip13(zero, count, 64) == 0x75e05fd5bbc870c6);
}

/* Every bit of key, content and length counts; alignment does not. */
static void test_sip13_inputs(void **state)
{
	(void)state;
	unsigned char room[80] = { 0 };
	uint64_t h = hash_sip13(zero, room, 40);
	for (unsigned i = 0; i < 320; i++) {
		room[i / 8] ^= (unsigned char)(1 << i % 8);
		assert_false(hash_sip13(zero, room, 40) == h);
		room[i / 8] = 0;
	}
	for (int i = 0; i < 64; i++) {
		assert_false(hash_sip13((struct hash_key){ 1ull << i, 0 }, room, 40) == h);
		assert_false(hash_sip13((struct hash_key){ 0, 1ull << i }, room, 40) == h);
	}
	assert_false(hash_sip13(zero, room, 39) == h);
	assert_true(hash_sip13(zero, room + 3, 40) == h);
	assert_false(hash_sip13(zero, room, 0) == h);
}

static void test_random_key(void **state)
{
	(void)state;
	struct hash_key a = hash_key_random(), b = hash_key_random();
	assert_false(a.k0 == b.k0 && a.k1 == b.k1);
}

/* In pieces of any size the content hash is the same as in one. */
static void test_stream(void **state)
{
	(void)state;
	unsigned char data[3000];
	for (unsigned i = 0; i < sizeof data; i++)
		data[i] = (unsigned char)(i * 31 >> 3);
	uint64_t whole = hash_content(data, sizeof data, 0);
	static const size_t steps[] = { 1, 7, 64, 255, 256, 1024, 3000 };
	for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
		struct hash_stream *h = hash_stream_new();
		for (size_t at = 0; at < sizeof data; at += steps[s]) {
			size_t n = sizeof data - at < steps[s] ? sizeof data - at : steps[s];
			hash_stream_add(h, data + at, n);
		}
		assert_true(hash_stream_end(h) == whole);
	}
	assert_true(hash_stream_end(hash_stream_new()) == hash_content("", 0, 0));
	assert_false(hash_content(data, sizeof data, 1) == whole);
}

/* The published values of XXH3 for no input: what is stored by hash must be found again by every later version. */
static void test_content(void **state)
{
	(void)state;
	uint64_t h[2], other[2];
	assert_true(hash_content("", 0, 0) == 0x2d06800538d394c2);
	hash_content128("", 0, 0, h);
	assert_true(h[0] == 0x6001c324468d497f && h[1] == 0x99aa06d3014798d8);
	hash_content128("", 0, 1, other);
	assert_false(h[0] == other[0] || h[1] == other[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sip13),  cmocka_unit_test(test_sip13_inputs), cmocka_unit_test(test_random_key),
		cmocka_unit_test(test_stream), cmocka_unit_test(test_content),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

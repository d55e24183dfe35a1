#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "classify/firstmsg.h"

static void test_iec104(void **state)
{
	(void)state;
	/* STARTDT, then two messages in one segment: a measurement (13) and a command (45) */
	static const uint8_t seg[] = { 0x68, 4, 7, 0, 0, 0, 0x68, 14, 0, 0, 0, 0, 13, 1, 3, 0, 1, 0, 0, 0, 0, 0,
				       0x68, 14, 2, 0, 0, 0, 45, 1, 6, 0, 1, 0, 0, 0, 0, 0 };
	struct numbers n = { 0 };
	iec104_types(seg, sizeof seg, &n);
	assert_int_equal(n.n, 2);
	assert_int_equal(n.v[0], 13);
	assert_int_equal(n.v[1], 45);
	for (size_t len = 0; len < sizeof seg; len++)
		iec104_types(seg, len, &n);
	n.n = 0;
	iec104_types((const uint8_t *)"\x67\x04\0\0\0\0\x0d", 7, &n);
	assert_int_equal(n.n, 0);
}

static void test_modbus(void **state)
{
	(void)state;
	static const uint8_t ask[] = { 0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1, 0, 2, 0, 0, 0, 6, 1, 90, 0, 0, 0, 1 };
	static const uint8_t no[] = { 0, 1, 0, 0, 0, 3, 1, 0x83, 2 };
	struct numbers n = { 0 };
	uint16_t exceptions = 0;
	modbus_codes(ask, sizeof ask, false, &n, &exceptions);
	modbus_codes(no, sizeof no, true, &n, &exceptions);
	assert_int_equal(n.n, 2);
	assert_int_equal(n.v[0], 3);
	assert_int_equal(n.v[1], 90);
	assert_int_equal(exceptions, 1);
	for (size_t len = 0; len < sizeof ask; len++)
		modbus_codes(ask, len, false, &n, &exceptions);
}

static void test_dhcp(void **state)
{
	(void)state;
	uint8_t m[260] = { 2 };
	struct addr a;
	char text[ADDR_STRLEN];
	memcpy(m + 16, "\x0a\0\0\x07", 4);
	memcpy(m + 236, "\x63\x82\x53\x63\0\x35\x01\x05\xff", 9);
	assert_true(dhcp_given(m, sizeof m, &a));
	assert_string_equal(addr_str(&a, text), "10.0.0.7");
	m[236 + 7] = 6; /* NAK */
	assert_false(dhcp_given(m, sizeof m, &a));
	memcpy(m + 236 + 7, "\0\x35\x01\x05\xff", 5); /* the first one counts, though there is no such type */
	assert_false(dhcp_given(m, sizeof m, &a));
	memcpy(m + 236 + 5, "\x35\x02\x06\x06\x35\x01\x05\xff", 8); /* but not if it is none */
	assert_true(dhcp_given(m, sizeof m, &a));
	m[0] = 1;
	assert_false(dhcp_given(m, sizeof m, &a));
	assert_false(dhcp_given(m, 238, &a));
}

static void test_random(void **state)
{
	(void)state;
	uint8_t noise[64];
	uint32_t x = 12345;
	for (size_t i = 0; i < sizeof noise; i++) {
		x = x * 1664525 + 1013904223;
		noise[i] = (uint8_t)(x >> 24);
	}
	assert_true(looks_random(noise, sizeof noise));
	assert_false(looks_random(noise, 10));
	memcpy(noise, "GET / ", 6); /* text at its beginning is enough */
	assert_false(looks_random(noise, sizeof noise));
	memset(noise, 0, sizeof noise);
	assert_false(looks_random(noise, sizeof noise));
}

/* The rule as it was published, byte by byte. */
static bool random_by_rule(const uint8_t *p, size_t len)
{
	size_t bits = 0, printable = 0, run = 0, longest = 0, first = 0;
	for (size_t i = 0; i < len; i++) {
		bool text = p[i] >= 0x20 && p[i] <= 0x7e;
		for (unsigned k = 0; k < 8; k++)
			bits += p[i] >> k & 1;
		run = text ? run + 1 : 0;
		longest = run > longest ? run : longest;
		printable += text;
		first += text && i < 6;
	}
	double per_byte = (double)bits / (double)len;
	return len >= 24 && per_byte > 3.4 && per_byte < 4.6 && first < 6 && printable * 2 <= len && longest < 20;
}

/* Noise and text in changing shares, with a run of text somewhere, of all lengths and at all places. */
static void test_random_rule(void **state)
{
	(void)state;
	uint8_t p[208];
	uint32_t seed = 1;
	unsigned yes = 0;
	for (unsigned i = 0; i < 60000; i++) {
		size_t len = 20 + i % 180, from = i % 8, at = seed % len, n = i % 23;
		for (size_t k = 0; k < len; k++) {
			seed = seed * 1664525u + 1013904223u;
			p[from + k] = (uint8_t)(seed >> 24);
			if (seed >> 8 & 1 && i % 3 == 0)
				p[from + k] = (uint8_t)(0x1f + (seed >> 16 & 0x7f) % 0x62);
		}
		for (size_t k = at; i % 2 && k < len && k < at + n; k++)
			p[from + k] = i & 4 ? '~' : ' ';
		assert_int_equal(looks_random(p + from, len), random_by_rule(p + from, len));
		yes += looks_random(p + from, len);
	}
	assert_in_range(yes, 10000, 50000);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_iec104), cmocka_unit_test(test_modbus),
					    cmocka_unit_test(test_dhcp), cmocka_unit_test(test_random), cmocka_unit_test(test_random_rule) };
	return cmocka_run_group_tests_name("firstmsg", tests, NULL, NULL);
}

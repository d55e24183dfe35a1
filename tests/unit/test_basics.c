#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "hash.h"
#include "id.h"

static void test_addresses(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} good[] = { { "192.0.2.1", "192.0.2.1" }, { "2001:DB8:0:0::7", "2001:db8::7" }, { "::1", "::1" } };
	static const char *const bad[] = { "", "1.2.3", "1.2.3.256", "1.2.3.4.5", "::g", "1.2.3.4 " };
	char text[ADDR_STRLEN];
	struct addr a;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_int_equal(addr_parse(good[i].in, strlen(good[i].in), &a), 0);
		assert_string_equal(addr_str(&a, text), good[i].out);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(addr_parse(bad[i], strlen(bad[i]), &a), -1);
}

static int contains(const char *net, const char *ip)
{
	struct cidr c;
	struct addr a;
	assert_int_equal(cidr_parse(net, strlen(net), &c), 0);
	assert_int_equal(addr_parse(ip, strlen(ip), &a), 0);
	return cidr_contains(&c, &a);
}

static void test_networks(void **state)
{
	(void)state;
	struct cidr c;
	char text[CIDR_STRLEN];
	assert_true(contains("10.0.0.0/8", "10.255.1.2"));
	assert_false(contains("10.0.0.0/8", "11.0.0.0"));
	assert_true(contains("192.0.2.4/30", "192.0.2.7"));
	assert_false(contains("192.0.2.4/30", "192.0.2.8"));
	assert_true(contains("0.0.0.0/0", "198.51.100.1"));
	assert_false(contains("0.0.0.0/0", "2001:db8::1"));
	assert_true(contains("2001:db8::/32", "2001:db8:1::"));
	assert_int_equal(cidr_parse("10.0.0.1/8", 10, &c), -2);
	assert_int_equal(cidr_parse("10.0.0.0/33", 11, &c), -1);
	assert_int_equal(cidr_parse("10.0.0.0/", 9, &c), -1);
	assert_int_equal(cidr_parse("10.0.0.0/8", 10, &c), 0);
	assert_string_equal(cidr_str(&c, text), "10.0.0.0/8");
}

static void test_macs(void **state)
{
	(void)state;
	struct mac m;
	char text[MAC_STRLEN];
	assert_int_equal(mac_parse("AA-bb-cc-00-11-22", 17, &m), 0);
	assert_string_equal(mac_str(&m, text), "aa:bb:cc:00:11:22");
	assert_int_equal(mac_parse("aa:bb:cc:00:11:2", 16, &m), -1);
	assert_int_equal(mac_parse("aa:bb:cc:00:11:2x", 17, &m), -1);
}

static void test_ids(void **state)
{
	(void)state;
	char a[ID_STRLEN], b[ID_STRLEN];
	struct id id = id_make(1731000412123456789, 7, "x", 1), back;
	struct id later = id_make(1731000412124456789, 7, "x", 1);
	assert_int_equal(strlen(id_str(id, a)), 26);
	assert_int_equal(id_parse(a, 26, &back), 0);
	assert_int_equal(id_cmp(id, back), 0);
	assert_true(strcmp(a, id_str(later, b)) < 0); /* sorts by time, as text too */
	assert_int_equal(id_time_ms(id), 1731000412123);
	assert_int_not_equal(id_cmp(id, id_make(1731000412123456789, 8, "x", 1)), 0);
	assert_int_equal(id_parse("8ZZZZZZZZZZZZZZZZZZZZZZZZZ", 26, &back), -1); /* more than 128 bits */
	assert_int_equal(id_parse("01E61GWB2AHNQ9G3HZNX9R1RWU", 26, &back), -1);
	assert_int_equal(id_parse("", 0, &back), -1);
}

/* Answers of the reference implementation for SipHash-1-3 would need it at hand; what must hold here is stability and spread. */
static void test_hash(void **state)
{
	(void)state;
	struct hash_key k = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 }, other = { 1, 2 };
	unsigned char data[64];
	for (int i = 0; i < 64; i++)
		data[i] = (unsigned char)i;
	for (size_t n = 0; n < 64; n++) {
		assert_int_equal(hash_sip13(k, data, n), hash_sip13(k, data, n));
		assert_int_not_equal(hash_sip13(k, data, n), hash_sip13(other, data, n));
		assert_int_not_equal(hash_sip13(k, data, n), hash_sip13(k, data, n + 1 < 64 ? n + 1 : 0));
	}
	struct hash_stream *h = hash_stream_new();
	hash_stream_add(h, data, 10);
	hash_stream_add(h, data + 10, 54);
	assert_int_equal(hash_stream_end(h), hash_content(data, 64, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_networks), cmocka_unit_test(test_macs),
		cmocka_unit_test(test_ids),       cmocka_unit_test(test_hash),
	};
	return cmocka_run_group_tests_name("basics", tests, NULL, NULL);
}

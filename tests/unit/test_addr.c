#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "addr.h"

static struct addr addr(const char *s)
{
	struct addr a;
	assert_int_equal(addr_parse(s, strlen(s), &a), 0);
	return a;
}

static struct cidr cidr(const char *s)
{
	struct cidr c;
	assert_int_equal(cidr_parse(s, strlen(s), &c), 0);
	return c;
}

static void test_text(void **state)
{
	(void)state;
	/* what is read, what is written: RFC 5952 for IPv6 */
	static const char *const cases[][2] = {
		{ "10.0.0.1", "10.0.0.1" },
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "2001:db8::0001", "2001:db8::1" },
		{ "::1", "::1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};
	char buf[ADDR_STRLEN];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct addr a = addr(cases[i][0]);
		assert_string_equal(addr_str(&a, buf), cases[i][1]);
	}
}

static void test_absent(void **state)
{
	(void)state;
	struct addr none = { { 0 } };
	char buf[ADDR_STRLEN];
	assert_false(addr_is_set(&none));
	assert_string_equal(addr_str(&none, buf), "");
	/* 0.0.0.0 was seen in a packet (DHCP): it is an address */
	struct addr any = addr("0.0.0.0");
	assert_true(addr_is_set(&any));
	assert_true(addr_is_unspecified(&any) && addr_is_unspecified(&none));
}

static void test_bad_text(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4x", " 1.2.3.4", "1.2.3.4 ", ":::",
					   "12345::", "fe80::1%eth0",
					   "0000:0000:0000:0000:0000:0000:255.255.255.2555" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct addr a = { { 7 } };
		assert_int_equal(addr_parse(bad[i], strlen(bad[i]), &a), -1);
		assert_int_equal(a.b[0], 7);
	}
	struct addr a;
	assert_int_equal(addr_parse("1.2.3.4\0", 8, &a), -1); /* a NUL inside is not an end */
	assert_int_equal(addr_parse("1.2.3.45", 7, &a), 0);   /* len bounds it */
	assert_int_equal(a.b[15], 4);
}

static void test_cidr(void **state)
{
	(void)state;
	static const struct {
		const char *net, *in, *out;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.1.2", "11.0.0.0" },
		{ "192.0.2.128/25", "192.0.2.200", "192.0.2.127" },
		{ "192.0.2.7", "192.0.2.7", "192.0.2.6" },
		{ "0.0.0.0/0", "8.8.8.8", "2001:db8::1" },
		{ "fd00::/8", "fdff::1", "fe00::1" },
		{ "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1" },
		{ "2001:db8::1", "2001:db8::1", "2001:db8::2" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct cidr c = cidr(cases[i].net);
		struct addr in = addr(cases[i].in), out = addr(cases[i].out);
		assert_true(cidr_contains(&c, &in));
		assert_false(cidr_contains(&c, &out));
	}
	struct cidr all = cidr("::/0");
	struct addr v6 = addr("2001:db8::1"), v4 = addr("8.8.8.8");
	assert_true(cidr_contains(&all, &v6) && cidr_contains(&all, &v4));
}

/* What is printed reads back as the same: the effective configuration depends on it. */
static void test_cidr_text(void **state)
{
	(void)state;
	static const char *const nets[] = { "10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "fd00::/8", "::/0", "::1/128" };
	char buf[CIDR_STRLEN];
	for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
		struct cidr c = cidr(nets[i]);
		assert_string_equal(cidr_str(&c, buf), nets[i]);
	}
}

static void test_bad_cidr(void **state)
{
	(void)state;
	static const struct {
		const char *s;
		int want;
	} bad[] = { { "10.0.0.0/33", -1 }, { "fd00::/129", -1 },  { "10.0.0.0/", -1 }, { "/8", -1 },	      { "", -1 },
		    { "10.0.0.0/-1", -1 }, { "10.0.0.0/0008", -1 }, { "10.0.0.0/8x", -1 }, { "10.0.0.1/8", -2 },
		    { "fd00::1/64", -2 } };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct cidr c = { .bits = 99 };
		assert_int_equal(cidr_parse(bad[i].s, strlen(bad[i].s), &c), bad[i].want);
		assert_int_equal(c.bits, 99);
	}
}

static void test_mac(void **state)
{
	(void)state;
	struct mac m;
	char buf[MAC_STRLEN];
	assert_int_equal(mac_parse("00:1B:21:3c:9D:f8", 17, &m), 0);
	assert_string_equal(mac_str(&m, buf), "00:1b:21:3c:9d:f8");
	assert_int_equal(mac_parse("00-1b-21-3c-9d-f8", 17, &m), 0);
	assert_int_equal(mac_parse("00:1b:21:3c:9d", 14, &m), -1);
	assert_int_equal(mac_parse("00:1b:21:3c:9d:g8", 17, &m), -1);
	assert_int_equal(mac_parse("001b.213c.9df8...", 17, &m), -1);
	struct mac none = { { 0 } };
	assert_false(mac_is_set(&none));
	assert_string_equal(mac_str(&none, buf), "");
}

enum { MULTICAST = 1, BROADCAST = 2, PRIVATE = 4, LINK_LOCAL = 8, LOOPBACK = 16, UNSPECIFIED = 32 };

static void test_kinds(void **state)
{
	(void)state;
	static const struct {
		const char *s;
		int kinds;
	} cases[] = {
		{ "8.8.8.8", 0 },		  { "223.255.255.255", 0 },	{ "224.0.0.1", MULTICAST },
		{ "239.255.255.250", MULTICAST }, { "240.0.0.1", 0 },		{ "255.255.255.255", BROADCAST },
		{ "10.1.2.3", PRIVATE },	  { "172.15.255.255", 0 },	{ "172.16.0.1", PRIVATE },
		{ "172.31.255.255", PRIVATE },	  { "172.32.0.1", 0 },		{ "192.168.0.1", PRIVATE },
		{ "192.169.0.1", 0 },		  { "169.254.1.1", LINK_LOCAL },{ "127.8.0.1", LOOPBACK },
		{ "0.0.0.0", UNSPECIFIED },	  { "2001:db8::1", 0 },		{ "ff02::1", MULTICAST },
		{ "fc00::1", PRIVATE },		  { "fdff::1", PRIVATE },	{ "fe00::1", 0 },
		{ "fe80::1", LINK_LOCAL },	  { "febf::1", LINK_LOCAL },	{ "fec0::1", 0 },
		{ "::1", LOOPBACK },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct addr a = addr(cases[i].s);
		int kinds = addr_is_multicast(&a) * MULTICAST | addr_is_broadcast(&a) * BROADCAST |
			    addr_is_private(&a) * PRIVATE | addr_is_link_local(&a) * LINK_LOCAL |
			    addr_is_loopback(&a) * LOOPBACK | addr_is_unspecified(&a) * UNSPECIFIED;
		if (kinds != cases[i].kinds)
			fail_msg("%s is %#x, not %#x", cases[i].s, (unsigned)kinds, (unsigned)cases[i].kinds);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	  cmocka_unit_test(test_absent),     cmocka_unit_test(test_bad_text),
		cmocka_unit_test(test_cidr),	  cmocka_unit_test(test_cidr_text),  cmocka_unit_test(test_bad_cidr),
		cmocka_unit_test(test_mac),	  cmocka_unit_test(test_kinds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

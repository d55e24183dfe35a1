#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "capture/arp.h"

/* A request in VLAN 7: 02:..:01 with 10.0.0.1 looks for 10.0.0.2. */
static const uint8_t frame[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x81, 0, 0, 7, 8, 6,
				 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2 };

static struct packet packet(uint64_t time)
{
	return (struct packet){ .time = time, .caplen = sizeof frame, .len = sizeof frame, .linktype = 1, .data = frame };
}

static void test_parse(void **state)
{
	(void)state;
	struct packet p = packet(5);
	struct g_arp a;
	char ip[ADDR_STRLEN], mac[MAC_STRLEN];
	assert_true(arp_parse(&p, &a));
	assert_int_equal(a.op, 1);
	assert_int_equal(a.vlan, 7);
	assert_string_equal(addr_str(&a.sender_ip, ip), "10.0.0.1");
	assert_string_equal(addr_str(&a.target_ip, ip), "10.0.0.2");
	assert_string_equal(mac_str(&a.sender_mac, mac), "02:00:00:00:00:01");
	for (p.caplen = 0; p.caplen < sizeof frame; p.caplen++)
		assert_false(arp_parse(&p, &a));
	p = packet(5);
	p.linktype = 101;
	assert_false(arp_parse(&p, &a));
}

static void test_due(void **state)
{
	(void)state;
	static struct arp_cache c;
	struct packet p = packet(1000000000);
	struct g_arp a;
	assert_true(arp_parse(&p, &a));
	assert_true(arp_due(&c, &a));
	assert_int_equal(a.packets, 1);
	for (int i = 0; i < 9; i++)
		assert_false(arp_due(&c, &a));
	a.time += 1000000000;
	assert_true(arp_due(&c, &a));
	assert_int_equal(a.packets, 10);
	a.target_ip.b[15]++; /* another one is looked for */
	assert_true(arp_due(&c, &a));
	assert_int_equal(a.packets, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse), cmocka_unit_test(test_due) };
	return cmocka_run_group_tests_name("arp", tests, NULL, NULL);
}

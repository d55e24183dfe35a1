#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "classify/dhcp.h"
#include "classify/dns.h"
#include "classify/hello.h"
#include "classify/parse.h"
#include "classify/telnet.h"

#define BYTES(s) (const uint8_t *)(s), sizeof(s) - 1

/* Calls a parser with every beginning of the bytes, each in memory of its own, so that a read beyond is seen. */
static void cut(const uint8_t *p, size_t len, void (*parse)(const uint8_t *p, size_t len))
{
	for (size_t n = 0; n <= len; n++) {
		uint8_t *copy = malloc(n ? n : 1);
		memcpy(copy, p, n);
		parse(copy, n);
		free(copy);
	}
}

static void cut_dns(const uint8_t *p, size_t len)
{
	struct dns_message m;
	dns_parse(p, len, &m);
}

static void test_dns(void **state)
{
	static const char reply[] = "\x12\x34\x81\x83\0\1\0\3\0\0\0\0\3Www\7Example\3org\0\0\1\0\1"
				    "\xc0\x0c\0\5\0\1\0\0\0\x9\0\6\3cdn\xc0\x10"
				    "\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\xc6\x33\x64\7"
				    "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc6\x33\x64\x8";
	static const char loop[] = "\0\1\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1";
	struct dns_message m;
	(void)state;
	assert_true(dns_parse(BYTES(reply), &m));
	assert_true(m.reply);
	assert_int_equal(m.rcode, 3);
	assert_int_equal(m.id, 0x1234);
	assert_string_equal(m.name, "www.example.org");
	assert_string_equal(m.answer, "cdn.example.org");
	assert_int_equal(m.n_addresses, 2);
	assert_int_equal(m.ttl, 60);
	assert_false(dns_parse(BYTES(loop), &m));
	cut(BYTES(reply), cut_dns);
}

static void cut_hello(const uint8_t *p, size_t len)
{
	struct hello h;
	hello_parse(p, len, &h);
}

static void test_hello(void **state)
{
	static const char start[] = "\x16\3\1\0\x58\1\0\0\x54\3\3" "01234567890123456789012345678901" "\0\0\2\x13\1\1\0\0\x2b"
				    "\0\0\0\x13\0\x11\0\0\x0eWww.Example.or" "\xfe\x0d\0\4\0\0\0\0" "\xff\xce\0\4\0\0\0\0";
	struct hello h;
	(void)state;
	assert_true(hello_parse(BYTES(start), &h));
	assert_string_equal(h.sni, "www.example.or");
	assert_true(h.ech);
	assert_true(h.esni);
	assert_false(hello_parse(BYTES("\x17\3\3\0\1\0"), &h));
	cut(BYTES(start), cut_hello);
}

static void feed(struct telnet *t, bool server, const char *s)
{
	telnet_feed(t, server, (const uint8_t *)s, strlen(s));
}

static void test_telnet(void **state)
{
	struct telnet t = { 0 };
	(void)state;
	telnet_feed(&t, true, BYTES("\xff\xfd\x18\xff\xfa\x18\1\xff\xf0Welcome\r\nlog"));
	feed(&t, false, "noise\r"); /* nobody asked yet */
	feed(&t, true, "in: ");
	feed(&t, false, "ernX\b");
	feed(&t, true, "ern");
	feed(&t, false, "i");
	assert_false(t.done);
	telnet_feed(&t, false, BYTES("e\r\0secret"));
	assert_true(t.done);
	assert_string_equal(t.user, "ernie");
	feed(&t, true, "Password:");
	feed(&t, false, "secret\r");
	assert_string_equal(t.user, "ernie");
	assert_false(t.failed);
	feed(&t, true, "\r\nLogin incorrect");
	assert_true(t.failed);
}

/* At a prompt for a password alone nothing is taken. */
static void test_telnet_password(void **state)
{
	struct telnet t = { 0 };
	char longest[2000];
	(void)state;
	feed(&t, true, "User Access Verification\r\n\r\nPassword: ");
	feed(&t, false, "secret\r\n");
	assert_false(t.done);
	assert_string_equal(t.user, "");
	feed(&t, true, "Username: ");
	memset(longest, 'x', sizeof longest);
	telnet_feed(&t, false, (uint8_t *)longest, sizeof longest);
	feed(&t, false, "\r");
	assert_true(t.done);
	assert_int_equal(strlen(t.user), TELNET_MAX_USER - 1);
}

static void cut_dhcp(const uint8_t *p, size_t len)
{
	struct dhcp_message m;
	dhcp_parse(p, len, &m);
	if (m.n_wanted && (m.wanted < p || m.wanted + m.n_wanted > p + len))
		fail();
}

static void test_dhcp(void **state)
{
	static const char options[] = "\x35\1\1\0\0\x0c\3pc1\x3c\4MSFT\x37\3\1\3\x0f\xff\x0c\1x";
	uint8_t p[240 + sizeof options] = { 1 };
	struct dhcp_message m;
	(void)state;
	memcpy(p + 236, "\x63\x82\x53\x63", 4);
	memcpy(p + 240, options, sizeof options);
	assert_true(dhcp_parse(p, sizeof p, &m));
	assert_true(m.request);
	assert_int_equal(m.n_wanted, 3);
	assert_memory_equal(m.wanted, "\1\3\x0f", 3);
	assert_int_equal(m.n_name, 3);
	assert_memory_equal(m.name, "pc1", 3);
	assert_memory_equal(m.class, "MSFT", 4);
	p[238] = 0;
	assert_false(dhcp_parse(p, sizeof p, &m));
	p[238] = 0x53;
	cut(p, sizeof p, cut_dhcp);
}

static void test_payload(void **state)
{
	static const uint8_t tcp[60] = { 0x45, 0, 0, 45, 0, 0, 0, 0, 64, 6, [20] = 0, 80, 0, 81, 0, 0, 0, 9, [32] = 0x50,
					 [40] = 'h', 'e', 'l', 'l', 'o', 'p', 'a', 'd' };
	static const uint8_t ext[80] = { 0x60, 0, 0, 0, 0, 20, 0, [40] = 17, 0, [48] = 0, 1, 0, 2, 0, 12, 0, 0, 'a', 'b', 'c', 'd' };
	struct payload l4;
	(void)state;
	assert_true(parse_payload(tcp, sizeof tcp, 6, &l4));
	assert_int_equal(l4.len, 5); /* what fills up the frame is no payload */
	assert_int_equal(l4.seq, 9);
	assert_memory_equal(l4.p, "hello", 5);
	assert_false(parse_payload(tcp, 40, 6, &l4));
	assert_true(parse_payload(ext, sizeof ext, 17, &l4)); /* behind a hop-by-hop header */
	assert_int_equal(l4.len, 4);
	assert_memory_equal(l4.p, "abcd", 4);
}

static void test_header(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nServer-Timing: x\r\nsErVer:\t nginx \r\n\r\nServer: body";
	const char *v;
	(void)state;
	assert_int_equal(parse_header(BYTES(text), "Server", &v), 5);
	assert_memory_equal(v, "nginx", 5);
	assert_int_equal(parse_header(BYTES(text), "Host", &v), 0);
	assert_int_equal(parse_header(BYTES("A: b"), "A", &v), 1);
}

static void test_small(void **state)
{
	static const char stun[] = "\0\1\0\x10\x21\x12\xa4\x42" "abcdefghijkl" "\x80\x22\0\3abc\0" "\x80\x55\0\4\0\1\0\0";
	char v[QUIC_VERSION_LEN];
	(void)state;
	assert_int_equal(parse_snmp_version(BYTES("\x30\x05\x02\x01\x00\x04\x00")), 1);
	assert_int_equal(parse_snmp_version(BYTES("\x30\x82\x00\x05\x02\x01\x03\x30\x00")), 3);
	assert_int_equal(parse_snmp_version(BYTES("\x30\x05\x02\x01\x07\x04\x00")), 0);
	assert_true(parse_quic_version(BYTES("\xc0\0\0\0\1\0\0"), v));
	assert_string_equal(v, "1");
	assert_true(parse_quic_version(BYTES("\xc0\xff\0\0\x1d\0\0"), v));
	assert_string_equal(v, "draft-29");
	assert_true(parse_quic_version(BYTES("\xc3Q046\0\0"), v));
	assert_string_equal(v, "Q046");
	assert_false(parse_quic_version(BYTES("\xc0\0\0\0\0\0\0"), v)); /* version negotiation */
	assert_string_equal(parse_rtp_kind(BYTES("\x80\0\0\1\0\0\0\1\0\0\0\1")), "audio");
	assert_string_equal(parse_rtp_kind(BYTES("\x80\x22\0\1\0\0\0\1\0\0\0\1")), "video");
	assert_null(parse_rtp_kind(BYTES("\x80\x60\0\1\0\0\0\1\0\0\0\1")));
	assert_string_equal(parse_stun_kind(BYTES(stun)), "audio");
	assert_null(parse_stun_kind(BYTES("\0\1\0\x8\x21\x12\xa4\x42" "abcdefghijkl" "\x80\x55\0\4\0\x9\0\0")));
	for (size_t n = 0; n < sizeof stun - 1; n++)
		assert_null(parse_stun_kind((const uint8_t *)stun, n));
	assert_int_equal(parse_tls_alert(BYTES("\x16\3\3\0\1\0\x15\3\3\0\2\2\x28")), 40);
	assert_int_equal(parse_tls_alert(BYTES("\x15\3\3\0\2\1\0")), -1); /* a warning */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_telnet),
		cmocka_unit_test(test_telnet_password),
		cmocka_unit_test(test_dhcp),
		cmocka_unit_test(test_payload),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_small),
	};
	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}

/* Any bytes to the small parsers of classify. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "classify/dhcp.h"
#include "classify/dns.h"
#include "classify/hello.h"
#include "classify/mail.h"
#include "classify/parse.h"
#include "classify/telnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_dns(const uint8_t *p, size_t len)
{
	struct dns_message m;
	if (!dns_parse(p, len, &m))
		return;
	if (strlen(m.name) >= DNS_MAX_NAME || strlen(m.answer) >= DNS_MAX_NAME || m.n_addresses > DNS_MAX_ADDRESSES)
		abort();
}

static void try_hello(const uint8_t *p, size_t len)
{
	struct hello h;
	if (hello_parse(p, len, &h) && strlen(h.sni) >= HELLO_MAX_NAME)
		abort();
}

/* What is found must lie inside the packet. */
static void try_payload(const uint8_t *p, size_t len, uint8_t proto)
{
	struct payload found;
	if (parse_payload(p, len, proto, &found) && (found.p < p || found.len == 0 || found.p + found.len > p + len))
		abort();
}

/* What is found must lie inside the message. */
static void try_dhcp(const uint8_t *p, size_t len)
{
	struct dhcp_message m;
	if (!dhcp_parse(p, len, &m))
		return;
	if (m.type && m.type >= p + len)
		abort();
	if ((m.n_wanted && m.wanted + m.n_wanted > p + len) || (m.n_name && (const uint8_t *)m.name + m.n_name > p + len))
		abort();
}

/* In segments of up to 31 bytes, whose first byte says who sent them and how long they are. */
static void try_telnet(const uint8_t *p, size_t len)
{
	struct telnet t = { 0 };
	while (len > 1) {
		size_t n = (p[0] & 31u) < len - 1 ? (p[0] & 31u) : len - 1;
		telnet_feed(&t, p[0] & 32, p + 1, n);
		p += 1 + n;
		len -= 1 + n;
	}
	if (strlen(t.user) != t.n_user || t.n_prompt > TELNET_PROMPT)
		abort();
}

static void try_mail(const uint8_t *p, size_t len)
{
	for (enum mail_kind kind = MAIL_POP; kind <= MAIL_SMTP; kind++) {
		struct mail m = { .kind = kind };
		mail_feed(&m, false, p, len / 2);
		mail_feed(&m, true, p + len / 2, len - len / 2);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char version[QUIC_VERSION_LEN];
	const char *v;
	uint8_t *copy = malloc(size ? size : 1);
	memcpy(copy, data, size);
	try_dns(copy, size);
	try_hello(copy, size);
	try_dhcp(copy, size);
	try_telnet(copy, size);
	try_mail(copy, size);
	try_payload(copy, size, 6);
	try_payload(copy, size, 17);
	parse_header(copy, size, "Server", &v);
	parse_snmp_version(copy, size);
	parse_quic_version(copy, size, version);
	parse_rtp_kind(copy, size);
	parse_stun_kind(copy, size);
	parse_tls_alert(copy, size);
	free(copy);
	return 0;
}

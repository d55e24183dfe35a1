/* Any bytes to the small parsers of classify. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "classify/dns.h"
#include "classify/hello.h"
#include "classify/parse.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char version[QUIC_VERSION_LEN];
	const char *v;
	uint8_t *copy = malloc(size ? size : 1);
	memcpy(copy, data, size);
	try_dns(copy, size);
	try_hello(copy, size);
	try_payload(copy, size, 6);
	try_payload(copy, size, 17);
	parse_header(copy, size, "Server", &v);
	parse_snmp_version(copy, size);
	parse_quic_version(copy, size, version);
	parse_rtp_kind(copy, size);
	parse_tls_alert(copy, size);
	free(copy);
	return 0;
}

/* Any bytes to the small parsers of classify. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "classify/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_message m;
	const char *v;
	size_t n;
	uint8_t *copy = malloc(size ? size : 1);
	memcpy(copy, data, size);
	parse_dns(copy, size, &m);
	if (strlen(m.name) >= DNS_MAX_NAME || strlen(m.answer) >= DNS_MAX_NAME || m.n_addresses > DNS_MAX_ADDRESSES)
		abort();
	parse_header(copy, size, "Server", &v);
	parse_snmp_version(copy, size);
	parse_payload(copy, size, 6, &n);
	parse_payload(copy, size, 17, &n);
	free(copy);
	return 0;
}

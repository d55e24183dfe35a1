/* DNS messages (RFC 1035), as mDNS and LLMNR use them too. Pure; any bytes may come. */
#ifndef WEIR_DNS_H
#define WEIR_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define DNS_MAX_ADDRESSES 8
#define DNS_MAX_NAME      256

struct dns_message {
	bool reply;
	uint8_t rcode;
	uint16_t id;
	uint16_t type;             /* of the first question */
	char name[DNS_MAX_NAME];   /* of the first question, else of the first answer; lower case (RFC 4343) */
	char answer[DNS_MAX_NAME]; /* name in the first PTR, CNAME or SRV answer */
	struct addr addresses[DNS_MAX_ADDRESSES];
	unsigned n_addresses;
	uint32_t ttl;              /* smallest of all addresses', seconds */
};

/*
 * Reads a message without its TCP length prefix. False if it is not one; a message that is cut off among its answers
 * counts with what came before.
 */
bool dns_parse(const uint8_t *p, size_t len, struct dns_message *m);

#endif

/* Small parsers for what nDPI 4.2 does not hand out but the first packets contain. Pure; any bytes may come. */
#ifndef WEIR_PARSE_H
#define WEIR_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

/* Bytes above the transport header of an IP packet; NULL if there are none. proto: IP protocol. */
const uint8_t *parse_payload(const uint8_t *ip, size_t len, uint8_t proto, size_t *ret_len);

#define DNS_MAX_ADDRESSES 8
#define DNS_MAX_NAME      256

struct dns_message {
	bool reply;
	uint8_t rcode;
	uint16_t type;              /* of the first question */
	char name[DNS_MAX_NAME];    /* of the first question, else of the first answer */
	char answer[DNS_MAX_NAME];  /* name in the first PTR, SRV or CNAME answer */
	struct addr addresses[DNS_MAX_ADDRESSES];
	unsigned n_addresses;
	uint32_t ttl;               /* smallest of the addresses' */
};

/* A DNS message (RFC 1035). Returns false if it is not one. */
bool parse_dns(const uint8_t *p, size_t len, struct dns_message *m);

/*
 * Value of a header line 'Name: value' in the text at p, up to the empty line. Returns its length (0 if there is none) and
 * where it is.
 */
size_t parse_header(const uint8_t *p, size_t len, const char *name, const char **ret);

/* SNMP version of a message (RFC 1157, 3416): 1, 2 or 3; 0 if it is not SNMP. */
unsigned parse_snmp_version(const uint8_t *p, size_t len);

#endif

/* What a DHCP client says of itself, and the kind of a message (RFC 2131, 2132). Pure; any bytes may come. */
#ifndef WEIR_DHCP_H
#define WEIR_DHCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Options of a message, as they are in it; NULL and 0 if they are not. */
struct dhcp_message {
	bool request, reply;    /* from a client, from a server */
	const uint8_t *type;    /* 53, one byte; the first one if there are more */
	const uint8_t *wanted;  /* 55: options asked for, in this order: a fingerprint of the client */
	const char *class, *name; /* 60: vendor class, 12: host name */
	uint8_t n_wanted, n_class, n_name;
};

/* False if it is not DHCP. */
bool dhcp_parse(const uint8_t *p, size_t len, struct dhcp_message *m);

#endif

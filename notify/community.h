/* Community ID version 1 of a flow: the same short text that Zeek, Suricata and others give it. */
#ifndef WEIR_COMMUNITY_H
#define WEIR_COMMUNITY_H

#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define COMMUNITY_STRLEN 31

/*
 * For ICMP sport and dport are the message's type and code. ret holds COMMUNITY_STRLEN bytes; "" for protocols that the
 * specification gives no id. Returns ret.
 */
const char *community_id(const struct addr *src, const struct addr *dst, uint8_t proto, uint16_t sport, uint16_t dport,
			 char *ret);

#endif

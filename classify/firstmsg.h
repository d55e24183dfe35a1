/*
 * What checks need to know of a flow's first messages and nDPI 4.2 does not tell: the order of industrial protocols' messages,
 * the address that DHCP gives, whether the first bytes look random. Pure; any bytes may come.
 */
#ifndef WEIR_FIRSTMSG_H
#define WEIR_FIRSTMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "record.h"

/* Numbers kept of a flow's messages: more do not fit into a HEAD. */
#define FIRSTMSG_MAX 128

struct numbers {
	uint16_t n;
	uint8_t v[FIRSTMSG_MAX];
};

/* Adds the type identifications of the IEC 60870-5-104 messages (APDUs) in a segment. */
void iec104_types(const uint8_t *p, size_t len, struct numbers *types);
/*
 * Adds the function codes of the Modbus/TCP requests in a segment (MODBUS Messaging on TCP/IP, 3.1), or counts the exceptions
 * among replies.
 */
void modbus_codes(const uint8_t *p, size_t len, bool reply, struct numbers *codes, uint16_t *exceptions);
/* The address in a DHCP offer or acknowledgement (RFC 2131); false if it is none. */
bool dhcp_given(const uint8_t *p, size_t len, struct addr *ret);
/*
 * Fully encrypted from the first byte on, by the rule that Wu et al. found in use (USENIX Security 2023): neither few nor many
 * bits are set, and there is hardly any text.
 */
bool looks_random(const uint8_t *p, size_t len);

/* Fills the fields from the packets of a HEAD. Lists go into arena. */
void firstmsg_fill(const struct g_flow_key *key, const void *data, uint32_t len, struct g_flow_app *out, struct buf *arena);

#endif

/* Small parsers for what nDPI 4.2 does not hand out but the first packets contain. Pure; any bytes may come. */
#ifndef WEIR_PARSE_H
#define WEIR_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "headpkt.h"

/* Bytes above the transport header, not empty. */
struct payload {
	const uint8_t *p;
	size_t len;
	uint32_t seq; /* TCP: sequence number of the first byte */
};

/* The payload of an IP packet of this protocol; false if there is none. */
bool parse_payload(const uint8_t *ip, size_t len, uint8_t proto, struct payload *ret);

/* Where a walk over a HEAD's packets with payload is. Zeroed memory begins. */
struct payload_walk {
	uint32_t pos;
	struct headpkt h;
	struct payload l4;
};

/* The next packet with payload, in w->h and w->l4; false at the end. */
bool payload_next(const void *head, uint32_t len, uint8_t proto, struct payload_walk *w);

/*
 * Value of a header line 'Name: value' in the text at p, up to the empty line. Returns its length (0 if there is none) and
 * where it is.
 */
size_t parse_header(const uint8_t *p, size_t len, const char *name, const char **ret);

/* SNMP version of a message (RFC 1157, 3416): 1, 2 or 3; 0 if it is not SNMP. */
unsigned parse_snmp_version(const uint8_t *p, size_t len);

/*
 * Version named in the long header of a QUIC packet: "1", "2" (RFC 9369), "draft-29", "Q046", else hexadecimal. False if
 * the packet names none.
 */
#define QUIC_VERSION_LEN 16
bool parse_quic_version(const uint8_t *p, size_t len, char ret[static QUIC_VERSION_LEN]);

/* "audio" or "video" for an RTP packet with one of the static payload types (RFC 3551 section 6), else NULL. */
const char *parse_rtp_kind(const uint8_t *p, size_t len);

/*
 * What a STUN message (RFC 8489) says its session is for, by Microsoft's attribute MS-SERVICE-QUALITY:
 * "audio", "video" or "data"; NULL if it says nothing.
 */
const char *parse_stun_kind(const uint8_t *p, size_t len);

/* Code of the fatal alert among the TLS records at p (RFC 8446 section 6), -1 if there is none. */
int parse_tls_alert(const uint8_t *p, size_t len);

#endif

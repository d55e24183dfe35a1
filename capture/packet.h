/* A packet as a source hands it over, and what decoding found in it. */
#ifndef WEIR_PACKET_H
#define WEIR_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "record.h"

struct packet {
	uint64_t time;       /* ns since 1970 */
	uint32_t caplen;     /* bytes at data */
	uint32_t len;        /* bytes on the wire */
	uint16_t linktype;   /* LINKTYPE_ value (tcpdump.org/linktypes.html), the same in files and live */
	const uint8_t *data; /* valid until the source is asked for more */
};

/* Why a packet is in no flow. Names in undecoded_names; the order is that of the counters. */
enum undecoded {
	UD_NONE, /* decoded */
	UD_LINKTYPE,    /* link type not known */
	UD_TRUNCATED,   /* captured bytes end inside a header */
	UD_NOT_IP,      /* ARP, LLDP, spanning tree ... */
	UD_MALFORMED,   /* header contradicts itself */
	UD_FRAGMENT,    /* later fragment whose first one was not seen */
	UD_DEPTH,       /* more nested headers than are opened */
	UD_CONTROL,     /* 802.11 or tunnel frame without data */
	UD_TABLE_FULL,  /* no room for another flow */
	UD_COUNT
};
extern const char *const undecoded_names[UD_COUNT];

enum frag { FRAG_NONE, FRAG_FIRST, FRAG_LATER };

struct decoded {
	uint16_t sport, dport;    /* 0 if the protocol has none, or for later fragments until resolved */
	uint8_t proto, ip_version;
	uint8_t ttl, tos;
	uint16_t vlan, outer_vlan;
	struct mac src_mac, dst_mac;
	bool has_mac;

	enum frag frag;
	uint32_t frag_id;         /* IPv4 or IPv6 identification */

	uint8_t tcp_flags;
	uint32_t tcp_seq;
	uint16_t tcp_window;
	uint8_t icmp_type, icmp_code;

	uint8_t tunnel;           /* outermost, enum tunnel */
	uint8_t tunnel_depth;
	uint32_t tunnel_id;

	const uint8_t *payload;   /* above the transport header; NULL if none captured */
	uint32_t payload_caplen;
	uint32_t payload_len;     /* by the headers, may be more than was captured */

	/* What is above is cleared before a packet is decoded. What is below comes with the IP header, and with a tunnel_depth. */
	struct addr src, dst;     /* innermost */
	const uint8_t *l3;        /* innermost IP header */
	uint32_t l3_caplen;       /* bytes captured from there, without link-layer padding */
	uint32_t l3_len;          /* length the IP header claims (0 = segmentation offload: taken from the frame) */
	struct addr tunnel_src, tunnel_dst;
};

#endif

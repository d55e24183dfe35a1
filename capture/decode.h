/*
 * Bytes to headers: link layer, VLAN, MPLS, PPPoE, IPv4, IPv6 with extension headers, tunnels, TCP, UDP, SCTP, ICMP.
 * Pure; reads only inside [data, data + caplen).
 */
#ifndef WEIR_DECODE_H
#define WEIR_DECODE_H

#include "packet.h"

struct decode_opts {
	bool tunnels; /* open GRE, ERSPAN, VXLAN, Geneve, GTP-U, IP in IP, 6in4, Teredo, L2TP, CAPWAP; else the outer packet is the flow */
};

/* Link types that are decoded. */
#define DECODE_LINKTYPES 17
extern const uint16_t decode_linktypes[DECODE_LINKTYPES];

/* Headers opened below one another before a packet is given up as UD_DEPTH. */
#define DECODE_MAX_DEPTH 16

/* Decodes. UD_NONE: *d is complete. Else the reason; *d may be partly filled. */
enum undecoded decode(const struct decode_opts *o, const struct packet *p, struct decoded *d);

#endif

/* What the files of the decoder share: a cursor over the bytes of one packet, and the layers. */
#ifndef WEIR_DECODE_PRIV_H
#define WEIR_DECODE_PRIV_H

#include "bytes.h"
#include "decode.h"

struct cursor {
	const struct decode_opts *o;
	struct decoded *d;
	const uint8_t *p;   /* next byte */
	uint32_t left;      /* captured bytes from there */
	unsigned depth;     /* headers opened; keeps apart what compilers take for one vector, which then waits for both halves */
	uint32_t wire;      /* bytes from there that the frame had on the wire */
};

static inline void skip(struct cursor *c, uint32_t n)
{
	c->p += n;
	c->left -= n;
	c->wire -= n < c->wire ? n : c->wire;
}

/* Layers. Each returns UD_NONE when the packet is decoded to its end. */
enum undecoded decode_linktype(struct cursor *c, uint16_t linktype);
enum undecoded decode_ethertype(struct cursor *c, uint16_t type);
enum undecoded decode_ethernet(struct cursor *c);
enum undecoded decode_ppp(struct cursor *c);
enum undecoded decode_capwap_80211(struct cursor *c); /* as access points send it to their controller */
enum undecoded decode_ip(struct cursor *c); /* by the version nibble */

/*
 * Tunnels. UD_NONE: the inner packet is decoded. UD_COUNT: not a tunnel after all, the packet is what it seems.
 */
enum undecoded decode_gre(struct cursor *c);
enum undecoded decode_udp_tunnel(struct cursor *c, uint16_t sport, uint16_t dport);
enum undecoded decode_inner_ip(struct cursor *c, enum tunnel kind);

#endif

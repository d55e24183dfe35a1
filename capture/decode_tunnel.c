/* Tunnels: from an outer packet to the one inside. */
#include "decode_priv.h"

#define PORT_VXLAN  4789 /* RFC 7348 */
#define PORT_GENEVE 6081 /* RFC 8926 */
#define PORT_GTPU   2152 /* 3GPP TS 29.281 */
#define PORT_TEREDO 3544 /* RFC 4380 */
#define PORT_L2TP   1701 /* RFC 2661 */
#define PORT_CAPWAP 5247 /* RFC 5415: data */

/* The outermost tunnel is what a flow tells of; the innermost addresses are its key. */
static void enter(struct cursor *c, enum tunnel kind, uint32_t id)
{
	struct decoded *d = c->d;
	if (d->tunnel_depth == 0) {
		d->tunnel = kind;
		d->tunnel_id = id;
		d->tunnel_src = d->src;
		d->tunnel_dst = d->dst;
	}
	d->tunnel_depth++;
}

/* Does an IP packet begin here, as far as its first bytes tell? */
static bool looks_like_ip(const struct cursor *c)
{
	if (c->left < 20)
		return false;
	uint8_t version = c->p[0] >> 4;
	if (version == 4)
		return (c->p[0] & 15) >= 5 && get16(c->p + 2) >= 20;
	return version == 6 && c->left >= 40;
}

/*
 * Decodes the inner packet in a copy, so that a tunnel that turns out to be none, or one that holds no IP, leaves the
 * outer packet as it was: then that is the flow.
 */
static enum undecoded try_inner(struct cursor *c, enum tunnel kind, uint32_t id, uint32_t header,
				enum undecoded (*inner)(struct cursor *c))
{
	struct decoded copy = *c->d;
	struct cursor in = *c;
	in.d = &copy;
	skip(&in, header);
	enter(&in, kind, id);
	if (++in.depth > DECODE_MAX_DEPTH)
		return UD_DEPTH;
	/* Values of the outer transport and fragment must not show through. */
	copy.sport = copy.dport = 0;
	copy.frag = FRAG_NONE;
	copy.tcp_flags = 0;
	enum undecoded ud = inner(&in);
	if (ud == UD_NONE || ud == UD_DEPTH) {
		*c->d = copy;
		return ud;
	}
	return UD_COUNT;
}

enum undecoded decode_inner_ip(struct cursor *c, enum tunnel kind)
{
	return looks_like_ip(c) ? try_inner(c, kind, 0, 0, decode_ip) : UD_COUNT;
}

/* ERSPAN type II and III (draft-foschiano-erspan): Ethernet behind 8 or 12 (+8) bytes. */
static enum undecoded decode_erspan(struct cursor *c, uint32_t gre, bool type3)
{
	uint32_t len = type3 ? 12 : 8;
	if (c->left < gre + len)
		return UD_COUNT;
	const uint8_t *p = c->p + gre;
	if (type3 && (p[11] & 1))
		len += 8;
	if (c->left < gre + len)
		return UD_COUNT;
	return try_inner(c, TUN_ERSPAN, get16(p + 2) & 0x3ff, gre + len, decode_ethernet);
}

static enum undecoded inner_ppp(struct cursor *c)
{
	return decode_ppp(c);
}

static enum undecoded inner_mpls(struct cursor *c)
{
	return decode_ethertype(c, 0x8847);
}

/* RFC 2784, 2890; version 1 is PPTP's (RFC 2637). */
enum undecoded decode_gre(struct cursor *c)
{
	if (c->left < 4)
		return UD_COUNT;
	uint16_t flags = get16(c->p), type = get16(c->p + 2);
	unsigned version = flags & 7;
	uint32_t len = 4, key = 0;
	bool has_key = flags & 0x2000, has_seq = flags & 0x1000;
	if (version == 1) {
		if (type != 0x880b || !has_key)
			return UD_COUNT;
		len = 8 + (has_seq ? 4 : 0) + (flags & 0x0080 ? 4 : 0);
		if (!has_seq || c->left < len)
			return UD_COUNT; /* an acknowledgement alone */
		return try_inner(c, TUN_GRE, get16(c->p + 6), len, inner_ppp);
	}
	if (version != 0 || (flags & 0x4000)) /* source routing was never used */
		return UD_COUNT;
	if (flags & 0x8000)
		len += 4;
	if (has_key) {
		if (c->left < len + 4)
			return UD_COUNT;
		key = get32(c->p + len);
		len += 4;
	}
	if (has_seq)
		len += 4;
	if (c->left < len)
		return UD_COUNT;
	switch (type) {
	case 0x0800:
	case 0x86dd:
		return try_inner(c, TUN_GRE, key, len, decode_ip);
	case 0x6558:
		return try_inner(c, TUN_GRE, key, len, decode_ethernet);
	case 0x8847:
		return try_inner(c, TUN_GRE, key, len, inner_mpls);
	case 0x880b:
		return try_inner(c, TUN_GRE, key, len, inner_ppp);
	case 0x88be:
		/* Type I has no header of its own and no sequence number. */
		return has_seq ? decode_erspan(c, len, false) : try_inner(c, TUN_ERSPAN, 0, len, decode_ethernet);
	case 0x22eb:
		return decode_erspan(c, len, true);
	default:
		return UD_COUNT;
	}
}

static enum undecoded decode_vxlan(struct cursor *c)
{
	if (c->left < 8 + 14 || !(c->p[0] & 0x08) || c->p[7] != 0)
		return UD_COUNT;
	return try_inner(c, TUN_VXLAN, get24(c->p + 4), 8, decode_ethernet);
}

static enum undecoded decode_geneve(struct cursor *c)
{
	if (c->left < 8 || c->p[0] >> 6 != 0)
		return UD_COUNT;
	uint32_t len = 8 + 4u * (c->p[0] & 0x3f);
	uint16_t type = get16(c->p + 2);
	if (c->left < len)
		return UD_COUNT;
	if (type == 0x6558)
		return try_inner(c, TUN_GENEVE, get24(c->p + 4), len, decode_ethernet);
	if (type == 0x0800 || type == 0x86dd)
		return try_inner(c, TUN_GENEVE, get24(c->p + 4), len, decode_ip);
	return UD_COUNT;
}

/* G-PDU of version 1; extension headers are chained by type, each with its length in units of 4 bytes. */
static enum undecoded decode_gtpu(struct cursor *c)
{
	if (c->left < 8 || (c->p[0] & 0xf0) != 0x30 || c->p[1] != 0xff)
		return UD_COUNT;
	uint32_t len = 8, teid = get32(c->p + 4);
	if (c->p[0] & 0x07) {
		if (c->left < 12)
			return UD_COUNT;
		uint8_t ext = c->p[0] & 0x04 ? c->p[11] : 0;
		len = 12;
		for (unsigned i = 0; ext && i < 8; i++) {
			if (c->left < len + 4 || c->p[len] == 0)
				return UD_COUNT;
			uint32_t n = 4u * c->p[len];
			if (c->left < len + n)
				return UD_COUNT;
			ext = c->p[len + n - 1];
			len += n;
		}
	}
	struct cursor at = *c;
	if (c->left < len)
		return UD_COUNT;
	skip(&at, len);
	return looks_like_ip(&at) ? try_inner(c, TUN_GTPU, teid, len, decode_ip) : UD_COUNT;
}

/* RFC 4380 section 5.1.1: authentication and origin indications may come before the IPv6 packet. */
static enum undecoded decode_teredo(struct cursor *c)
{
	uint32_t at = 0;
	if (c->left >= 13 && get16(c->p) == 0x0001)
		at = 13u + c->p[2] + c->p[3];
	if (c->left >= at + 8 && get16(c->p + at) == 0x0000)
		at += 8;
	if (c->left < at + 40 || c->p[at] >> 4 != 6)
		return UD_COUNT;
	if (get16(c->p + at + 4) + 40u > c->wire - at)
		return UD_COUNT;
	return try_inner(c, TUN_TEREDO, 0, at, decode_ip);
}

/*
 * RFC 2661 section 3.1: what comes before the numbers of tunnel and session, and behind them, is told by flags. What version 3
 * (RFC 3931) carries was agreed upon elsewhere.
 */
static enum undecoded decode_l2tp(struct cursor *c)
{
	enum { CONTROL = 0x8000, LENGTH = 0x4000, SEQUENCE = 0x0800, OFFSET = 0x0200, VERSION = 0x000f };
	if (c->left < 2)
		return UD_COUNT;
	uint16_t flags = get16(c->p);
	uint32_t ids = flags & LENGTH ? 4 : 2, len = ids + 4 + (flags & SEQUENCE ? 4 : 0);
	if (flags & CONTROL || (flags & VERSION) != 2 || c->left < len + 2)
		return UD_COUNT;
	if (flags & OFFSET)
		len += 2u + get16(c->p + len);
	if (c->left < len)
		return UD_COUNT;
	return try_inner(c, TUN_L2TP, get32(c->p + ids), len, inner_ppp);
}

/* RFC 5415 section 4.3: between an access point and its controller. A packet in several fragments stays what it is. */
static enum undecoded decode_capwap(struct cursor *c)
{
	enum { NATIVE = 0x100, FRAGMENT = 0x80, KEEP_ALIVE = 0x08, BINDING_80211 = 1 };
	if (c->left < 8 || c->p[0] != 0) /* version, and 1 for DTLS */
		return UD_COUNT;
	uint32_t word = get32(c->p), len = 4 * (word >> 19 & 31);
	if (len < 8 || c->left < len || word & (FRAGMENT | KEEP_ALIVE))
		return UD_COUNT;
	if (!(word & NATIVE))
		return try_inner(c, TUN_CAPWAP, 0, len, decode_ethernet);
	return (word >> 9 & 31) == BINDING_80211 ? try_inner(c, TUN_CAPWAP, 0, len, decode_capwap_80211) : UD_COUNT;
}

enum undecoded decode_udp_tunnel(struct cursor *c, uint16_t sport, uint16_t dport)
{
	if (dport == PORT_VXLAN)
		return decode_vxlan(c);
	if (dport == PORT_GENEVE)
		return decode_geneve(c);
	if (dport == PORT_GTPU || sport == PORT_GTPU)
		return decode_gtpu(c);
	if (dport == PORT_TEREDO || sport == PORT_TEREDO)
		return decode_teredo(c);
	if (dport == PORT_L2TP || sport == PORT_L2TP)
		return decode_l2tp(c);
	if (dport == PORT_CAPWAP || sport == PORT_CAPWAP)
		return decode_capwap(c);
	return UD_COUNT;
}

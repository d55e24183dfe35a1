/* Link layers down to an IP packet. */
#include "decode_priv.h"

/* LINKTYPE_ values, https://www.tcpdump.org/linktypes.html */
enum {
	LT_NULL = 0,
	LT_ETHERNET = 1,
	LT_PPP = 9,
	LT_RAW_BSD = 12,
	LT_RAW_OPENBSD = 14,
	LT_PPP_HDLC = 50,
	LT_PPP_ETHER = 51,
	LT_RAW = 101,
	LT_C_HDLC = 104,
	LT_80211 = 105,
	LT_LOOP = 108,
	LT_LINUX_SLL = 113,
	LT_PRISM = 119,
	LT_80211_RADIO = 127,
	LT_IPV4 = 228,
	LT_IPV6 = 229,
	LT_LINUX_SLL2 = 276,
};

const uint16_t decode_linktypes[DECODE_LINKTYPES] = {
	LT_NULL, LT_ETHERNET, LT_PPP, LT_RAW_BSD, LT_RAW_OPENBSD, LT_PPP_HDLC, LT_PPP_ETHER, LT_RAW, LT_C_HDLC,
	LT_80211, LT_LOOP, LT_LINUX_SLL, LT_PRISM, LT_80211_RADIO, LT_IPV4, LT_IPV6, LT_LINUX_SLL2,
};

enum {
	ET_IPV4 = 0x0800,
	ET_ARP = 0x0806,
	ET_TEB = 0x6558,
	ET_VLAN = 0x8100,
	ET_IPV6 = 0x86dd,
	ET_PPP = 0x880b,
	ET_MPLS = 0x8847,
	ET_MPLS_MC = 0x8848,
	ET_PPPOE_SESSION = 0x8864,
	ET_QINQ = 0x88a8,
	ET_FABRICPATH = 0x8903, /* Cisco: a tag of two bytes, then the frame it carries */
	ET_QINQ_OLD = 0x9100,
};

static void set_macs(struct decoded *d, const uint8_t *dst, const uint8_t *src)
{
	memcpy(d->dst_mac.b, dst, 6);
	memcpy(d->src_mac.b, src, 6);
	d->has_mac = true;
}

/* 802.2 LLC, maybe with SNAP. */
static enum undecoded decode_llc(struct cursor *c)
{
	if (c->left < 3)
		return UD_TRUNCATED;
	if (c->p[0] == 0xaa && c->p[1] == 0xaa) {
		if (c->left < 8)
			return UD_TRUNCATED;
		uint16_t type = get16(c->p + 6);
		skip(c, 8);
		return decode_ethertype(c, type);
	}
	if (c->p[0] == 0x06 && c->p[1] == 0x06) { /* IP by its LSAP */
		skip(c, 3);
		return decode_ip(c);
	}
	return UD_NOT_IP;
}

enum undecoded decode_ethernet(struct cursor *c)
{
	if (c->left < 14)
		return UD_TRUNCATED;
	if (!c->d->has_mac)
		set_macs(c->d, c->p, c->p + 6);
	uint16_t type = get16(c->p + 12);
	skip(c, 14);
	return decode_ethertype(c, type);
}

/* Is what stands at the place of an EtherType, if a frame begins there, one that is met? */
static bool is_frame(const struct cursor *c, uint32_t at)
{
	uint16_t type = get16(c->p + at + 12);
	return type == ET_IPV4 || type == ET_IPV6 || type == ET_ARP || type == ET_VLAN || type == ET_QINQ;
}

/* RFC 3032: labels until the bottom-of-stack bit; what is below shows in its first nibble. */
static enum undecoded decode_mpls(struct cursor *c)
{
	for (unsigned i = 0; i < DECODE_MAX_DEPTH; i++) {
		if (c->left < 4)
			return UD_TRUNCATED;
		uint32_t label = get32(c->p);
		skip(c, 4);
		if (!(label & 0x100))
			continue;
		if (c->d->tunnel == TUN_NONE) {
			c->d->tunnel = TUN_MPLS;
			c->d->tunnel_id = label >> 12;
		}
		if (c->left < 1)
			return UD_TRUNCATED;
		uint8_t nibble = c->p[0] >> 4;
		if (nibble == 4 || nibble == 6)
			return decode_ip(c);
		if (nibble == 0 && c->left >= 18 && !(is_frame(c, 0) && !is_frame(c, 4)))
			skip(c, 4); /* a pseudowire's control word, RFC 4448, which need not be there: addresses begin with 0 too */
		return c->left >= 14 ? decode_ethernet(c) : UD_NOT_IP;
	}
	return UD_DEPTH;
}

static enum undecoded decode_vlan(struct cursor *c, uint16_t *ret_type)
{
	if (c->left < 4)
		return UD_TRUNCATED;
	uint16_t id = get16(c->p) & 0x0fff;
	if (c->d->vlan && !c->d->outer_vlan)
		c->d->outer_vlan = c->d->vlan;
	c->d->vlan = id;
	*ret_type = get16(c->p + 2);
	skip(c, 4);
	return UD_NONE;
}

/* RFC 2516: session stage only. */
static enum undecoded decode_pppoe(struct cursor *c)
{
	if (c->left < 6)
		return UD_TRUNCATED;
	if (c->p[0] != 0x11 || c->p[1] != 0)
		return UD_CONTROL;
	if (c->d->tunnel == TUN_NONE) {
		c->d->tunnel = TUN_PPPOE;
		c->d->tunnel_id = get16(c->p + 2);
	}
	skip(c, 6);
	return decode_ppp(c);
}

enum undecoded decode_ethertype(struct cursor *c, uint16_t type)
{
	enum undecoded ud;
	for (;;) {
		if (++c->depth > DECODE_MAX_DEPTH)
			return UD_DEPTH;
		switch (type) {
		case ET_IPV4:
		case ET_IPV6:
			return decode_ip(c);
		case ET_VLAN:
		case ET_QINQ:
		case ET_QINQ_OLD:
			ud = decode_vlan(c, &type);
			if (ud != UD_NONE)
				return ud;
			continue;
		case ET_MPLS:
		case ET_MPLS_MC:
			return decode_mpls(c);
		case ET_PPPOE_SESSION:
			return decode_pppoe(c);
		case ET_PPP:
			return decode_ppp(c);
		case ET_FABRICPATH:
			if (c->left < 2)
				return UD_TRUNCATED;
			skip(c, 2);
			return decode_ethernet(c);
		case ET_TEB:
			return decode_ethernet(c);
		default:
			return type < 0x0600 ? decode_llc(c) : UD_NOT_IP; /* IEEE 802.3 length */
		}
	}
}

/* RFC 1661, 1662: address and control may be there or compressed away, as may the protocol's first byte. */
enum undecoded decode_ppp(struct cursor *c)
{
	if (c->left >= 2 && c->p[0] == 0xff && c->p[1] == 0x03)
		skip(c, 2);
	if (c->left < 2)
		return UD_TRUNCATED;
	uint16_t proto = c->p[0];
	if (proto & 1) {
		skip(c, 1);
	} else {
		proto = get16(c->p);
		skip(c, 2);
	}
	switch (proto) {
	case 0x0021:
	case 0x0057:
		return decode_ip(c);
	case 0x0281:
	case 0x0283:
		return decode_mpls(c);
	default:
		return proto >= 0x8000 ? UD_CONTROL : UD_NOT_IP;
	}
}

/* A family word in the byte order of whoever captured; 2 is IPv4 everywhere, IPv6 is 10, 24, 28 or 30. */
static enum undecoded decode_null(struct cursor *c)
{
	if (c->left < 4)
		return UD_TRUNCATED;
	uint32_t family = get32(c->p);
	if (family > 0xffff)
		family = (uint32_t)c->p[0] | (uint32_t)c->p[1] << 8;
	skip(c, 4);
	if (family == 2 || family == 10 || family == 24 || family == 28 || family == 30)
		return decode_ip(c);
	return UD_NOT_IP;
}

static enum undecoded decode_sll(struct cursor *c)
{
	if (c->left < 16)
		return UD_TRUNCATED;
	uint16_t type = get16(c->p + 14);
	if (get16(c->p + 4) == 6) {
		memcpy(c->d->src_mac.b, c->p + 6, 6);
		c->d->has_mac = true;
	}
	skip(c, 16);
	return decode_ethertype(c, type);
}

static enum undecoded decode_sll2(struct cursor *c)
{
	if (c->left < 20)
		return UD_TRUNCATED;
	uint16_t type = get16(c->p);
	if (c->p[11] == 6) {
		memcpy(c->d->src_mac.b, c->p + 12, 6);
		c->d->has_mac = true;
	}
	skip(c, 20);
	return decode_ethertype(c, type);
}

static enum undecoded decode_chdlc(struct cursor *c)
{
	if (c->left < 4)
		return UD_TRUNCATED;
	uint16_t type = get16(c->p + 2);
	skip(c, 4);
	return decode_ethertype(c, type);
}

/* IEEE 802.11 section 9: data frames only; addresses by the two DS bits. swapped: the first two bytes are. */
static enum undecoded decode_80211(struct cursor *c, bool padded, bool swapped)
{
	if (c->left < 24)
		return UD_TRUNCATED;
	uint8_t type = c->p[swapped] >> 2 & 3, subtype = c->p[swapped] >> 4, flags = c->p[!swapped];
	if (type != 2 || subtype & 4) /* management, control, or data without data */
		return UD_CONTROL;
	if (flags & 0x40) /* encrypted */
		return UD_CONTROL;
	uint32_t len = 24;
	bool aggregate = false; /* several frames of the same receiver in one: the first one tells */
	bool to_ds = flags & 1, from_ds = flags & 2;
	if (to_ds && from_ds)
		len += 6;
	if (subtype & 8) {
		aggregate = c->left > len && c->p[len] & 0x80;
		len += 2; /* QoS */
		if (flags & 0x80)
			len += 4; /* HT control */
	}
	if (padded)
		len = (len + 3) & ~3u;
	if (c->left < len + (aggregate ? 14 : 0))
		return UD_TRUNCATED;
	const uint8_t *dst = to_ds ? c->p + 16 : c->p + 4;
	const uint8_t *src = from_ds ? (to_ds ? c->p + 24 : c->p + 16) : c->p + 10;
	if (aggregate) {
		dst = c->p + len;
		src = c->p + len + 6;
		len += 14;
	}
	set_macs(c->d, dst, src);
	skip(c, len);
	return decode_llc(c);
}

/* Many access points swap the two bytes: only of a data frame of version 0 the first one is x8. */
enum undecoded decode_capwap_80211(struct cursor *c)
{
	bool swapped = c->left >= 2 && (c->p[0] & 15) != 8 && (c->p[1] & 15) == 8;
	return decode_80211(c, false, swapped);
}

/*
 * www.radiotap.org: a header with its own length and a bitmap of its fields, little-endian. Only one field matters here, the
 * second: whether the frame ends with a checksum and whether its header is padded to a multiple of four.
 */
static uint8_t radiotap_flags(const uint8_t *p, uint32_t len)
{
	uint32_t at = 4, first = (uint32_t)p[4] | (uint32_t)p[7] << 24;
	uint32_t more;
	do { /* bit 31: another bitmap follows */
		if (at + 4 > len)
			return 0;
		more = p[at + 3] & 0x80;
		at += 4;
	} while (more);
	if (!(first & 2))
		return 0;
	if (first & 1)
		at = ((at + 7) & ~7u) + 8; /* behind the 64-bit TSFT, which is aligned */
	return at < len ? p[at] : 0;
}

static enum undecoded decode_radiotap(struct cursor *c)
{
	enum { FCS = 0x10, PADDED = 0x20 };
	if (c->left < 8)
		return UD_TRUNCATED;
	uint32_t len = (uint32_t)(c->p[2] | c->p[3] << 8);
	if (len < 8 || len > c->left)
		return UD_MALFORMED;
	uint8_t flags = radiotap_flags(c->p, len);
	skip(c, len);
	if (flags & FCS && c->wire >= 4) {
		c->wire -= 4;
		if (c->left > c->wire)
			c->left = c->wire;
	}
	return decode_80211(c, flags & PADDED, false);
}

static enum undecoded decode_prism(struct cursor *c)
{
	if (c->left < 144)
		return UD_TRUNCATED;
	skip(c, 144);
	return decode_80211(c, false, false);
}

enum undecoded decode_linktype(struct cursor *c, uint16_t linktype)
{
	switch (linktype) {
	case LT_ETHERNET:
		return decode_ethernet(c);
	case LT_RAW_BSD:
	case LT_RAW_OPENBSD:
	case LT_RAW:
	case LT_IPV4:
	case LT_IPV6:
		return decode_ip(c);
	case LT_LINUX_SLL:
		return decode_sll(c);
	case LT_LINUX_SLL2:
		return decode_sll2(c);
	case LT_NULL:
	case LT_LOOP:
		return decode_null(c);
	case LT_PPP:
	case LT_PPP_HDLC:
		if (c->left >= 4 && (c->p[0] == 0x0f || c->p[0] == 0x8f) && c->p[1] == 0) /* Cisco HDLC in a serial capture */
			return decode_chdlc(c);
		return decode_ppp(c);
	case LT_PPP_ETHER:
		return decode_pppoe(c);
	case LT_C_HDLC:
		return decode_chdlc(c);
	case LT_80211:
		return decode_80211(c, false, false);
	case LT_80211_RADIO:
		return decode_radiotap(c);
	case LT_PRISM:
		return decode_prism(c);
	default:
		return UD_LINKTYPE;
	}
}

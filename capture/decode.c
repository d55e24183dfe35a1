/* IP and transport headers. */
#include "decode_priv.h"

const char *const undecoded_names[UD_COUNT] = {
	[UD_NONE] = "none",
	[UD_LINKTYPE] = "linktype",
	[UD_TRUNCATED] = "truncated",
	[UD_NOT_IP] = "not_ip",
	[UD_MALFORMED] = "malformed",
	[UD_FRAGMENT] = "fragment",
	[UD_DEPTH] = "depth",
	[UD_CONTROL] = "control",
	[UD_TABLE_FULL] = "table_full",
};

enum {
	P_HOPOPT = 0,
	P_ICMP = 1,
	P_IPIP = 4,
	P_TCP = 6,
	P_UDP = 17,
	P_IPV6 = 41,
	P_ROUTING = 43,
	P_FRAGMENT = 44,
	P_GRE = 47,
	P_AH = 51,
	P_ICMPV6 = 58,
	P_DSTOPT = 60,
	P_SCTP = 132,
	P_MOBILITY = 135,
	P_UDPLITE = 136,
	P_HIP = 139,
	P_SHIM6 = 140,
};

/* What the captured bytes and the IP header say is above a transport header of hdr bytes. */
static void set_payload(struct cursor *c, uint32_t hdr)
{
	struct decoded *d = c->d;
	d->payload_len = c->wire > hdr ? c->wire - hdr : 0;
	d->payload_caplen = c->left > hdr ? c->left - hdr : 0;
	if (d->payload_caplen > d->payload_len)
		d->payload_caplen = d->payload_len;
	d->payload = d->payload_caplen ? c->p + hdr : NULL;
}

static enum undecoded decode_tcp(struct cursor *c)
{
	struct decoded *d = c->d;
	if (c->left < 4)
		return UD_TRUNCATED;
	d->sport = get16(c->p);
	d->dport = get16(c->p + 2);
	if (c->left < 20) { /* ports are enough for a flow */
		set_payload(c, c->left);
		d->payload_len = 0;
		return UD_NONE;
	}
	uint32_t hdr = (uint32_t)(c->p[12] >> 4) * 4;
	d->tcp_seq = get32(c->p + 4);
	d->tcp_flags = c->p[13];
	d->tcp_window = get16(c->p + 14);
	if (hdr < 20 || hdr > c->wire)
		hdr = c->wire; /* a lie: nothing above it can be trusted */
	set_payload(c, hdr);
	return UD_NONE;
}

static enum undecoded decode_udp(struct cursor *c)
{
	struct decoded *d = c->d;
	if (c->left < 4)
		return UD_TRUNCATED;
	d->sport = get16(c->p);
	d->dport = get16(c->p + 2);
	set_payload(c, 8);
	if (!c->o->tunnels || c->left <= 8)
		return UD_NONE;
	struct cursor in = *c;
	skip(&in, 8);
	enum undecoded ud = decode_udp_tunnel(&in, d->sport, d->dport);
	return ud == UD_COUNT ? UD_NONE : ud;
}

static enum undecoded decode_transport(struct cursor *c)
{
	struct decoded *d = c->d;
	enum undecoded ud = UD_COUNT;
	if (d->frag == FRAG_LATER) {
		set_payload(c, 0);
		return UD_NONE;
	}
	switch (d->proto) {
	case P_TCP:
		return decode_tcp(c);
	case P_UDP:
	case P_UDPLITE:
		return decode_udp(c);
	case P_SCTP:
		if (c->left < 4)
			return UD_TRUNCATED;
		d->sport = get16(c->p);
		d->dport = get16(c->p + 2);
		set_payload(c, 12);
		return UD_NONE;
	case P_ICMP:
	case P_ICMPV6:
		if (c->left < 2)
			return UD_TRUNCATED;
		d->icmp_type = c->p[0];
		d->icmp_code = c->p[1];
		set_payload(c, 8);
		return UD_NONE;
	case P_GRE:
		if (c->o->tunnels)
			ud = decode_gre(c);
		break;
	case P_IPIP:
		if (c->o->tunnels)
			ud = decode_inner_ip(c, TUN_IPIP);
		break;
	case P_IPV6:
		if (c->o->tunnels)
			ud = decode_inner_ip(c, d->ip_version == 4 ? TUN_6IN4 : TUN_IPIP);
		break;
	}
	if (ud != UD_COUNT)
		return ud;
	set_payload(c, 0);
	return UD_NONE;
}

/* Narrows the cursor to the IP packet: Ethernet pads short frames. */
static void limit(struct cursor *c, uint32_t len)
{
	if (len < c->wire)
		c->wire = len;
	if (len < c->left)
		c->left = len;
	c->d->l3 = c->p;
	c->d->l3_caplen = c->left;
	c->d->l3_len = c->wire;
}

static enum undecoded decode_ipv4(struct cursor *c)
{
	struct decoded *d = c->d;
	if (c->left < 20)
		return UD_TRUNCATED;
	uint32_t hdr = (uint32_t)(c->p[0] & 15) * 4, total = get16(c->p + 2);
	if (hdr < 20)
		return UD_MALFORMED;
	if (total == 0) /* segmentation offload: the card would have filled it in */
		total = c->wire;
	if (total < hdr)
		return UD_MALFORMED;
	if (c->left < hdr)
		return UD_TRUNCATED;
	limit(c, total);
	d->ip_version = 4;
	d->tos = c->p[1];
	d->ttl = c->p[8];
	d->proto = c->p[9];
	addr_from_v4(&d->src, c->p + 12);
	addr_from_v4(&d->dst, c->p + 16);
	uint16_t frag = get16(c->p + 6);
	d->frag_id = get16(c->p + 4);
	d->frag = frag & 0x1fff ? FRAG_LATER : frag & 0x2000 ? FRAG_FIRST : FRAG_NONE;
	skip(c, hdr);
	while (d->proto == P_AH && d->frag != FRAG_LATER) { /* RFC 4302 */
		uint32_t len = c->left >= 2 ? ((uint32_t)c->p[1] + 2) * 4 : 0;
		if (!len || c->left < len || ++c->depth > DECODE_MAX_DEPTH)
			break; /* the flow is AH's own */
		d->proto = c->p[0];
		skip(c, len);
	}
	return decode_transport(c);
}

/* RFC 8200 section 4: headers that may stand before the transport. 0 = not one of them. */
static uint32_t ext_len(const struct cursor *c, uint8_t next)
{
	switch (next) {
	case P_HOPOPT:
	case P_ROUTING:
	case P_DSTOPT:
	case P_MOBILITY:
	case P_HIP:
	case P_SHIM6:
		return c->left >= 2 ? ((uint32_t)c->p[1] + 1) * 8 : UINT32_MAX;
	case P_AH:
		return c->left >= 2 ? ((uint32_t)c->p[1] + 2) * 4 : UINT32_MAX;
	case P_FRAGMENT:
		return 8;
	default:
		return 0;
	}
}

static enum undecoded decode_ipv6(struct cursor *c)
{
	struct decoded *d = c->d;
	uint32_t len;
	if (c->left < 40)
		return UD_TRUNCATED;
	uint32_t total = get16(c->p + 4) + 40u;
	limit(c, total == 40 ? c->wire : total); /* 0: jumbogram or offload */
	d->ip_version = 6;
	d->tos = (uint8_t)(get16(c->p) >> 4);
	d->ttl = c->p[7];
	addr_from_v6(&d->src, c->p + 8);
	addr_from_v6(&d->dst, c->p + 24);
	uint8_t next = c->p[6];
	d->frag = FRAG_NONE;
	skip(c, 40);
	while (d->frag != FRAG_LATER && (len = ext_len(c, next)) != 0) {
		if (c->left < len)
			return UD_TRUNCATED;
		if (++c->depth > DECODE_MAX_DEPTH)
			return UD_DEPTH;
		if (next == P_FRAGMENT) {
			uint16_t frag = get16(c->p + 2);
			d->frag_id = get32(c->p + 4);
			d->frag = frag & 0xfff8 ? FRAG_LATER : frag & 1 ? FRAG_FIRST : FRAG_NONE;
		}
		next = c->p[0];
		skip(c, len);
	}
	d->proto = next;
	return decode_transport(c);
}

enum undecoded decode_ip(struct cursor *c)
{
	if (c->left < 1)
		return UD_TRUNCATED;
	switch (c->p[0] >> 4) {
	case 4:
		return decode_ipv4(c);
	case 6:
		return decode_ipv6(c);
	default:
		return UD_MALFORMED;
	}
}

enum undecoded decode(const struct decode_opts *o, const struct packet *p, struct decoded *d)
{
	memset(d, 0, offsetof(struct decoded, src));
	struct cursor c = { .o = o, .d = d, .p = p->data, .left = p->caplen,
			    .wire = p->len > p->caplen ? p->len : p->caplen };
	return decode_linktype(&c, p->linktype);
}

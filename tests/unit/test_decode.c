/* Packets built here, layer by layer, and what the decoder makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "capture/decode.h"

struct frame {
	uint8_t b[512];
	uint32_t n;
};

static void add(struct frame *f, const void *p, size_t n)
{
	assert_true(f->n + n <= sizeof f->b);
	memcpy(f->b + f->n, p, n);
	f->n += (uint32_t)n;
}
#define ADD(f, ...) add(f, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void ethernet(struct frame *f, uint16_t type)
{
	ADD(f, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, (uint8_t)(type >> 8), (uint8_t)type);
}

/* 10.0.0.<src> to 10.0.0.<dst>; frag: the 16 bits of flags and offset. */
static void ipv4(struct frame *f, uint8_t proto, uint16_t frag, uint16_t payload, uint8_t src, uint8_t dst)
{
	uint16_t len = (uint16_t)(20 + payload);
	ADD(f, 0x45, 0x10, (uint8_t)(len >> 8), (uint8_t)len, 0, 7, (uint8_t)(frag >> 8), (uint8_t)frag, 63, proto, 0, 0);
	ADD(f, 10, 0, 0, src, 10, 0, 0, dst);
}

static void ipv6(struct frame *f, uint8_t next, uint16_t payload)
{
	ADD(f, 0x60, 0, 0, 0, (uint8_t)(payload >> 8), (uint8_t)payload, next, 61);
	ADD(f, 0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
	ADD(f, 0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
}

static void udp(struct frame *f, uint16_t sport, uint16_t dport, uint16_t payload)
{
	uint16_t len = (uint16_t)(8 + payload);
	ADD(f, (uint8_t)(sport >> 8), (uint8_t)sport, (uint8_t)(dport >> 8), (uint8_t)dport, (uint8_t)(len >> 8),
	    (uint8_t)len, 0, 0);
}

/* The packet that most tests look for: UDP 10.0.0.1:1000 to 10.0.0.2:53 with five bytes, 33 in all. */
#define INNER 33
static void inner(struct frame *f)
{
	ipv4(f, 17, 0, 13, 1, 2);
	udp(f, 1000, 53, 5);
	ADD(f, 'h', 'e', 'l', 'l', 'o');
}

static enum undecoded decoded_as(const struct frame *f, uint16_t linktype, bool tunnels, struct decoded *d)
{
	struct decode_opts o = { .tunnels = tunnels };
	uint8_t *copy = malloc(f->n ? f->n : 1); /* exact, so that the sanitizer sees a read too far */
	memcpy(copy, f->b, f->n);
	struct packet p = { .caplen = f->n, .len = f->n, .linktype = linktype, .data = copy };
	enum undecoded ud = decode(&o, &p, d);
	free(copy);
	return ud;
}

static void is_inner(const struct frame *f, uint16_t linktype, enum tunnel tunnel, uint32_t id)
{
	struct decoded d;
	assert_int_equal(decoded_as(f, linktype, true, &d), UD_NONE);
	assert_int_equal(d.src.b[15], 1);
	assert_int_equal(d.dst.b[15], 2);
	assert_int_equal(d.proto, 17);
	assert_int_equal(d.sport, 1000);
	assert_int_equal(d.dport, 53);
	assert_int_equal(d.payload_len, 5);
	assert_int_equal(d.l3_len, INNER);
	assert_int_equal(d.tunnel, tunnel);
	assert_int_equal(d.tunnel_id, id);
	/* Cut off anywhere: never a crash, never another verdict than these. */
	struct frame cut = *f;
	while (cut.n--) {
		enum undecoded ud = decoded_as(&cut, linktype, true, &d);
		assert_true(ud == UD_NONE || ud == UD_TRUNCATED || ud == UD_NOT_IP || ud == UD_MALFORMED || ud == UD_CONTROL);
	}
}

static void test_link_types(void **state)
{
	(void)state;
	static const struct {
		uint16_t linktype;
		uint8_t n, head[48];
	} links[] = {
		{ 0, 4, { 2, 0, 0, 0 } },     /* loopback, either byte order */
		{ 0, 4, { 0, 0, 0, 2 } },
		{ 108, 4, { 0, 0, 0, 2 } },
		{ 1, 14, { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0 } },
		{ 1, 22, { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0, 41, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0 } }, /* 802.3, SNAP */
		{ 9, 4, { 0xff, 3, 0, 0x21 } }, /* PPP */
		{ 9, 2, { 0, 0x21 } },          /* address and control left out */
		{ 9, 1, { 0x21 } },             /* and the protocol shortened */
		{ 50, 4, { 0x0f, 0, 8, 0 } },   /* Cisco HDLC in a serial capture */
		{ 50, 4, { 0x8f, 0, 8, 0 } },
		{ 12, 0, { 0 } },
		{ 101, 0, { 0 } },
		{ 228, 0, { 0 } },
		{ 104, 4, { 0x0f, 0, 8, 0 } },
		{ 113, 16, { 0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0 } },
		{ 276, 20, { 8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0 } },
		{ 105, 32, { 8, 1, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 0, 0, 0xaa, 0xaa, 3, 0, 0, 0,
			     8, 0 } },
		/* Radiotap with TSFT and flags that say: padded to four; QoS data makes 26 bytes of header and two of padding. */
		{ 127, 45, { 0, 0, 17, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0x88, 1, 0, 0, 1, 1, 1, 1,
			     1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 0, 0, 0, 0, 0, 0 } },
	};
	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		struct frame f = { 0 };
		add(&f, links[i].head, links[i].n);
		if (links[i].linktype == 127)
			ADD(&f, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0);
		inner(&f);
		if (links[i].linktype == 1)
			ADD(&f, 0, 0, 0, 0, 0, 0, 0, 0); /* padding does not count as payload */
		is_inner(&f, links[i].linktype, TUN_NONE, 0);
	}
	struct frame f = { 0 };
	struct decoded d;
	inner(&f);
	assert_int_equal(decoded_as(&f, 4711, true, &d), UD_LINKTYPE);
}

static void test_wireless(void **state)
{
	(void)state;
	struct decoded d;
	struct frame f = { 0 };
	ADD(&f, 0x88, 2, 0, 0, 1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 0, 0, 0x80, 0); /* A-MSDU */
	ADD(&f, 9, 9, 9, 9, 9, 9, 8, 8, 8, 8, 8, 8, 0, 41, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0);
	inner(&f);
	assert_int_equal(decoded_as(&f, 105, true, &d), UD_NONE);
	assert_int_equal(d.dst_mac.b[0], 9);
	assert_int_equal(d.src_mac.b[0], 8);
	f.b[1] |= 0x40;
	assert_int_equal(decoded_as(&f, 105, true, &d), UD_CONTROL); /* encrypted */
	f.b[0] = 0x80;
	assert_int_equal(decoded_as(&f, 105, true, &d), UD_CONTROL); /* a beacon */
}

static void test_tags(void **state)
{
	(void)state;
	struct decoded d;
	struct frame f = { 0 };
	ethernet(&f, 0x88a8);
	ADD(&f, 0, 100, 0x81, 0, 0x20, 7, 8, 0); /* QinQ */
	inner(&f);
	is_inner(&f, 1, TUN_NONE, 0);
	decoded_as(&f, 1, true, &d);
	assert_int_equal(d.vlan, 7);
	assert_int_equal(d.outer_vlan, 100);
	f.n = 0;
	ethernet(&f, 0x8847);
	ADD(&f, 0, 1, 0, 63, 0, 2, 1, 63); /* labels 16 and 32, the second at the bottom */
	inner(&f);
	is_inner(&f, 1, TUN_MPLS, 32);
	for (unsigned with = 0; with < 2; with++) { /* a frame whose address begins with 0, behind a control word or not */
		f.n = 0;
		ethernet(&f, 0x8847);
		ADD(&f, 0, 2, 1, 63);
		if (with)
			ADD(&f, 0, 0, 0, 0);
		ethernet(&f, 0x0800);
		inner(&f);
		is_inner(&f, 1, TUN_MPLS, 32);
	}
	f.n = 0;
	ethernet(&f, 0x8864);
	ADD(&f, 0x11, 0, 0, 9, 0, INNER + 2, 0, 0x21);
	inner(&f);
	is_inner(&f, 1, TUN_PPPOE, 9);
	f.n = 0;
	ethernet(&f, 0x8903);
	ADD(&f, 0, 1);
	ethernet(&f, 0x0800);
	inner(&f);
	is_inner(&f, 1, TUN_NONE, 0);
	f.n = 0;
	ethernet(&f, 0x0806);
	ADD(&f, 0, 1, 8, 0);
	assert_int_equal(decoded_as(&f, 1, true, &d), UD_NOT_IP);
}

static void test_tunnels(void **state)
{
	(void)state;
	static const struct {
		enum tunnel kind;
		uint32_t id;
		uint16_t port; /* UDP, 0 = IP protocol */
		uint8_t proto, n, head[28];
		bool frame; /* an Ethernet frame is inside */
	} kinds[] = {
		{ TUN_GRE, 0, 0, 47, 4, { 0, 0, 8, 0 }, false },
		{ TUN_GRE, 77, 0, 47, 16, { 0xb0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 77, 0, 0, 0, 1 }, false },
		{ TUN_GRE, 0, 0, 47, 4, { 0, 0, 0x65, 0x58 }, true },
		{ TUN_GRE, 5, 0, 47, 16, { 0x30, 1, 0x88, 0x0b, 0, 35, 0, 5, 0, 0, 0, 1, 0xff, 3, 0, 0x21 }, false }, /* PPTP */
		{ TUN_ERSPAN, 3, 0, 47, 16, { 0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 3, 0, 0, 0, 0 }, true },
		{ TUN_GRE, 0, 0, 47, 8, { 0x80, 0, 8, 0, 1, 2, 0, 0 }, false },                 /* with a checksum */
		{ TUN_GRE, 0, 0, 47, 8, { 0, 0, 0x88, 0x47, 0, 2, 1, 64 }, false },              /* MPLS inside */
		{ TUN_ERSPAN, 0, 0, 47, 4, { 0, 0, 0x88, 0xbe }, true },                        /* type I */
		{ TUN_ERSPAN, 3, 0, 47, 20, { 0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 3 }, true }, /* type III */
		{ TUN_ERSPAN, 3, 0, 47, 28, { 0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1 }, true },
		{ TUN_IPIP, 0, 0, 4, 0, { 0 }, false },
		{ TUN_VXLAN, 66, 4789, 17, 8, { 8, 0, 0, 0, 0, 0, 66, 0 }, true },
		{ TUN_GENEVE, 67, 6081, 17, 12, { 1, 0, 0x65, 0x58, 0, 0, 67, 0, 1, 2, 0, 0 }, true },
		{ TUN_GENEVE, 67, 6081, 17, 8, { 0, 0, 8, 0, 0, 0, 67, 0 }, false },
		{ TUN_GTPU, 68, 2152, 17, 8, { 0x30, 0xff, 0, INNER, 0, 0, 0, 68 }, false },
		{ TUN_GTPU, 68, 2152, 17, 16, { 0x34, 0xff, 0, INNER + 8, 0, 0, 0, 68, 0, 0, 0, 0x85, 1, 0, 9, 0 }, false },
		{ TUN_L2TP, 0x70008, 1701, 17, 10, { 0, 2, 0, 7, 0, 8, 0xff, 3, 0, 0x21 }, false },
		{ TUN_L2TP, 0x70008, 1701, 17, 18, { 0x4a, 2, 0, 18 + INNER, 0, 7, 0, 8, 0, 1, 0, 2, 0, 2, 9, 9, 0, 0x21 }, false },
		{ TUN_CAPWAP, 0, 5247, 17, 8, { 0, 0x10, 0, 0 }, true },
		{ TUN_CAPWAP, 0, 5247, 17, 16, { 0, 0x20, 2, 0x20, 0, 0, 0, 0, 4, 9, 9, 9, 9 }, true },
	};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct frame f = { 0 };
		struct decoded d;
		uint16_t inside = (uint16_t)(kinds[i].n + INNER + (kinds[i].frame ? 14 : 0));
		ethernet(&f, 0x0800);
		ipv4(&f, kinds[i].proto, 0, (uint16_t)(inside + (kinds[i].port ? 8 : 0)), 11, 12);
		if (kinds[i].port)
			udp(&f, 40000, kinds[i].port, inside);
		add(&f, kinds[i].head, kinds[i].n);
		if (kinds[i].frame)
			ethernet(&f, 0x0800);
		inner(&f);
		is_inner(&f, 1, kinds[i].kind, kinds[i].id);
		decoded_as(&f, 1, true, &d);
		assert_int_equal(d.tunnel_src.b[15], 11);
		assert_int_equal(d.tunnel_depth, 1);
		assert_int_equal(decoded_as(&f, 1, false, &d), UD_NONE); /* when tunnels stay closed */
		assert_int_equal(d.src.b[15], 11);
		assert_int_equal(d.proto, kinds[i].proto);
	}
}

/* What only looks like one, or is none of the packets that carry others. */
static void test_no_tunnels(void **state)
{
	(void)state;
	static const struct {
		uint16_t port;
		uint8_t n, head[24];
		bool frame;
	} kinds[] = {
		{ 4789, 8, { 0, 0, 0, 0, 0, 0, 66, 0 }, true },                         /* without a number */
		{ 6081, 8, { 0x40, 0, 0x65, 0x58, 0, 0, 67, 0 }, true },                /* another version */
		{ 2152, 8, { 0x30, 1, 0, INNER, 0, 0, 0, 68 }, false },                 /* an echo */
		{ 3544, 0, { 0 }, false },                                              /* IPv4 is not in these */
		{ 1701, 10, { 0x80, 2, 0, 7, 0, 8, 0xff, 3, 0, 0x21 }, false },         /* control */
		{ 1701, 10, { 0, 3, 0, 7, 0, 8, 0xff, 3, 0, 0x21 }, false },            /* version 3 */
		{ 1701, 10, { 0, 2, 0, 7, 0, 8, 0xff, 3, 0xc0, 0x21 }, false },         /* PPP's own */
		{ 1701, 10, { 2, 2, 0, 7, 0, 8, 0xff, 0xff, 0, 0x21 }, false },         /* an offset behind its end */
		{ 5247, 8, { 1, 0x10, 0, 0 }, true },                                   /* DTLS */
		{ 5247, 8, { 0, 0x10, 0, 0x80 }, true },                                /* a fragment */
		{ 5247, 8, { 0, 0x10, 0, 0x08 }, true },                                /* keep-alive */
		{ 5247, 8, { 0, 0xf8, 0, 0 }, true },                                   /* longer than the packet */
		{ 5247, 8, { 0, 0x10, 5, 0 }, true },                                   /* another radio's frame */
	};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct frame f = { 0 };
		struct decoded d;
		uint16_t inside = (uint16_t)(kinds[i].n + INNER + (kinds[i].frame ? 14 : 0));
		ethernet(&f, 0x0800);
		ipv4(&f, 17, 0, (uint16_t)(inside + 8), 11, 12);
		udp(&f, 40000, kinds[i].port, inside);
		add(&f, kinds[i].head, kinds[i].n);
		if (kinds[i].frame)
			ethernet(&f, 0x0800);
		inner(&f);
		assert_int_equal(decoded_as(&f, 1, true, &d), UD_NONE);
		assert_int_equal(d.src.b[15], 11);
		assert_int_equal(d.dport, kinds[i].port);
		assert_int_equal(d.tunnel, TUN_NONE);
	}
}

/* 802.11 between an access point and its controller, the control field as in the standard and swapped. */
static void test_wireless_in_capwap(void **state)
{
	(void)state;
	for (int swapped = 0; swapped <= 1; swapped++) {
		struct frame f = { 0 };
		uint16_t inside = 8 + 24 + 8 + INNER;
		ethernet(&f, 0x0800);
		ipv4(&f, 17, 0, (uint16_t)(inside + 8), 11, 12);
		udp(&f, 5247, 40000, inside);
		ADD(&f, 0, 0x10, 3, 0, 0, 0, 0, 0);
		if (swapped)
			ADD(&f, 1, 8);
		else
			ADD(&f, 8, 1);
		ADD(&f, 0, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 3, 0, 0);
		ADD(&f, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0);
		inner(&f);
		is_inner(&f, 1, TUN_CAPWAP, 0);
	}
}

static void test_tunnels_of_ipv6(void **state)
{
	(void)state;
	struct decoded d;
	struct frame f = { 0 };
	ethernet(&f, 0x0800);
	ipv4(&f, 41, 0, 40 + 8, 11, 12);
	ipv6(&f, 17, 8);
	udp(&f, 1, 2, 0);
	assert_int_equal(decoded_as(&f, 1, true, &d), UD_NONE);
	assert_int_equal(d.ip_version, 6);
	assert_int_equal(d.tunnel, TUN_6IN4);
	f.n = 0;
	ethernet(&f, 0x0800);
	ipv4(&f, 17, 0, 8 + 8 + 40 + 8, 11, 12);
	udp(&f, 40000, 3544, 8 + 40 + 8);
	ADD(&f, 0, 0, 1, 2, 3, 4, 5, 6); /* origin indication */
	ipv6(&f, 17, 8);
	udp(&f, 1, 2, 0);
	assert_int_equal(decoded_as(&f, 1, true, &d), UD_NONE);
	assert_int_equal(d.tunnel, TUN_TEREDO);
	assert_int_equal(d.dport, 2);
	f.n = 0;
	ethernet(&f, 0x0800);
	ipv4(&f, 17, 0, 8 + 15 + 40 + 8, 11, 12);
	udp(&f, 3544, 40000, 15 + 40 + 8);
	ADD(&f, 0, 1, 1, 1, 'i', 'k', 0, 0, 0, 0, 0, 0, 0, 0, 0); /* authentication: of client and key, a byte each */
	ipv6(&f, 17, 8);
	udp(&f, 1, 2, 0);
	assert_int_equal(decoded_as(&f, 1, true, &d), UD_NONE);
	assert_int_equal(d.tunnel, TUN_TEREDO);
	/* Over IPv6 too. */
	f.n = 0;
	ethernet(&f, 0x86dd);
	ipv6(&f, 4, INNER);
	inner(&f);
	is_inner(&f, 1, TUN_IPIP, 0);
	f.n = 0;
	ethernet(&f, 0x86dd);
	ipv6(&f, 17, 8 + 10 + INNER);
	udp(&f, 1701, 1701, 10 + INNER);
	ADD(&f, 0, 2, 0, 7, 0, 8, 0xff, 3, 0, 0x21);
	inner(&f);
	is_inner(&f, 1, TUN_L2TP, 0x70008);
}

static void test_extension_headers(void **state)
{
	(void)state;
	struct decoded d;
	struct frame f = { 0 };
	ethernet(&f, 0x86dd);
	ipv6(&f, 0, 8 + 16 + 8 + 12 + 8);
	ADD(&f, 43, 0, 1, 4, 0, 0, 0, 0);                                 /* hop by hop */
	ADD(&f, 44, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);         /* routing */
	ADD(&f, 51, 0, 0, 1, 0, 0, 0, 99);                                /* first fragment */
	ADD(&f, 17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);                     /* AH of 12 bytes */
	udp(&f, 1000, 53, 0);
	assert_int_equal(decoded_as(&f, 1, true, &d), UD_NONE);
	assert_int_equal(d.dport, 53);
	assert_int_equal(d.frag, FRAG_FIRST);
	assert_int_equal(d.frag_id, 99);
	f.n = 0;
	ethernet(&f, 0x86dd);
	ipv6(&f, 60, 8 * 20);
	for (int i = 0; i < 20; i++)
		ADD(&f, 60, 0, 0, 0, 0, 0, 0, 0);
	assert_int_equal(decoded_as(&f, 1, true, &d), UD_DEPTH);
}

static void test_fragments(void **state)
{
	(void)state;
	struct decoded d;
	struct frame f = { 0 };
	ethernet(&f, 0x0800);
	ipv4(&f, 17, 0x2000, 8, 1, 2);
	udp(&f, 1000, 53, 1400);
	assert_int_equal(decoded_as(&f, 1, true, &d), UD_NONE);
	assert_int_equal(d.frag, FRAG_FIRST);
	assert_int_equal(d.frag_id, 7);
	assert_int_equal(d.sport, 1000);
	f.n = 0;
	ethernet(&f, 0x0800);
	ipv4(&f, 17, 185, 8, 1, 2);
	udp(&f, 4, 5, 0); /* bytes in the middle of a datagram are no ports */
	assert_int_equal(decoded_as(&f, 1, true, &d), UD_NONE);
	assert_int_equal(d.frag, FRAG_LATER);
	assert_int_equal(d.sport, 0);
	assert_int_equal(d.payload_len, 8);
}

static void test_lies(void **state)
{
	(void)state;
	struct decoded d;
	struct frame f = { 0 };
	ethernet(&f, 0x0800);
	ipv4(&f, 6, 0, 20, 1, 2);
	ADD(&f, 0, 80, 0, 81, 0, 0, 0, 1, 0, 0, 0, 2, 0xf0, 0x12, 1, 0, 0, 0, 0, 0); /* a header of 60 bytes in 20 */
	assert_int_equal(decoded_as(&f, 1, true, &d), UD_NONE);
	assert_int_equal(d.sport, 80);
	assert_int_equal(d.tcp_flags, 0x12);
	assert_int_equal(d.payload_len, 0);
	f.b[14] = 0x44;
	assert_int_equal(decoded_as(&f, 1, true, &d), UD_MALFORMED);
	f.b[14] = 0x95;
	assert_int_equal(decoded_as(&f, 1, true, &d), UD_MALFORMED);
	f.b[14] = 0x45;
	f.b[16] = f.b[17] = 0; /* length 0: segmentation offload */
	assert_int_equal(decoded_as(&f, 1, true, &d), UD_NONE);
	assert_int_equal(d.l3_len, 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_types), cmocka_unit_test(test_wireless),
		cmocka_unit_test(test_tags),       cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_no_tunnels), cmocka_unit_test(test_wireless_in_capwap),
		cmocka_unit_test(test_tunnels_of_ipv6), cmocka_unit_test(test_extension_headers),
		cmocka_unit_test(test_fragments),  cmocka_unit_test(test_lies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

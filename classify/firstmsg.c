#include "firstmsg.h"

#include <endian.h>
#include <netinet/in.h>

#include "dhcp.h"
#include "parse.h"

enum { PORT_DHCP = 67, PORT_MODBUS = 502, PORT_IEC104 = 2404 };

static void add(struct numbers *s, uint8_t v)
{
	if (s->n < FIRSTMSG_MAX)
		s->v[s->n++] = v;
}

/* APCI: 0x68, length of what follows, four control octets; an ASDU is in it when the first of them is even. */
void iec104_types(const uint8_t *p, size_t len, struct numbers *types)
{
	while (len >= 6 && p[0] == 0x68 && p[1] >= 4) {
		size_t size = 2u + p[1];
		if (!(p[2] & 1) && size > 6 && len > 6)
			add(types, p[6]);
		if (size > len)
			return;
		p += size;
		len -= size;
	}
}

/* MBAP header: transaction, protocol 0, length of what follows, unit; then the function code. */
void modbus_codes(const uint8_t *p, size_t len, bool reply, struct numbers *codes, uint16_t *exceptions)
{
	while (len >= 8 && p[2] == 0 && p[3] == 0) {
		size_t size = 6u + (size_t)(p[4] << 8 | p[5]);
		if (size < 8)
			return;
		if (!reply)
			add(codes, p[7]);
		else
			*exceptions += p[7] >> 7;
		if (size > len)
			return;
		p += size;
		len -= size;
	}
}

bool dhcp_given(const uint8_t *p, size_t len, struct addr *ret)
{
	enum { YIADDR = 16, OFFER = 2, ACK = 5 };
	struct dhcp_message m;
	if (!dhcp_parse(p, len, &m) || !m.reply || !m.type || (*m.type != OFFER && *m.type != ACK))
		return false;
	addr_from_v4(ret, p + YIADDR);
	return !addr_is_unspecified(ret);
}

/* Eight bytes, the first lowest; fewer are filled up with zeros. */
static inline uint64_t load8(const uint8_t *p, size_t n)
{
	uint64_t w = 0;
	if (n < sizeof w)
		memcpy(&w, p, n);
	else
		memcpy(&w, p, sizeof w);
	return le64toh(w);
}

#define ONES 0x0101010101010101u
#define TOPS (0x80 * ONES)

/* Without a call of the compiler's library, which is what its own function is where no such instruction can be taken for granted. */
static inline unsigned bits_of(uint64_t w)
{
	uint64_t pairs = w - (w >> 1 & 0x55 * ONES), fours = (pairs & 0x33 * ONES) + (pairs >> 2 & 0x33 * ONES);
	return (unsigned)(((fours + (fours >> 4)) & 0x0f * ONES) * ONES >> 56);
}

/* The top bit of each byte that is not printable ASCII. */
static inline uint64_t unprintable(uint64_t w)
{
	uint64_t low = w & ~TOPS, from_space = low + 0x60 * ONES, del = low + ONES;
	return (w | ~from_space | del) & TOPS;
}

bool looks_random(const uint8_t *p, size_t len)
{
	enum { ENOUGH = 24, BEGINNING = 6, RUN = 20 };
	size_t bits = 0, printable = 0, run = 0;
	if (len < ENOUGH || !(unprintable(load8(p, 8)) << 8 * (8 - BEGINNING)))
		return false;
	for (size_t i = 0; i < len; i += 8) {
		uint64_t w = load8(p + i, len - i), breaks = unprintable(w);
		bits += bits_of(w);
		printable += 8 - bits_of(breaks);
		run += breaks ? (size_t)__builtin_ctzll(breaks) / 8 : 8;
		if (run >= RUN)
			return false;
		if (breaks)
			run = (size_t)__builtin_clzll(breaks) / 8;
	}
	double per_byte = (double)bits / (double)len;
	return per_byte > 3.4 && per_byte < 4.6 && printable * 2 <= len;
}

static struct str put_numbers(struct buf *arena, const struct numbers *s)
{
	struct str r = { (uint32_t)arena->len, 0 };
	for (unsigned i = 0; i < s->n; i++)
		buf_addf(arena, "%s%u", i ? "\n" : "", s->v[i]);
	r.len = (uint32_t)arena->len - r.off;
	return r;
}

void firstmsg_fill(const struct g_flow_key *key, const void *data, uint32_t len, struct g_flow_app *out, struct buf *arena)
{
	struct numbers types = { 0 }, codes = { 0 };
	struct payload_walk w = { 0 };
	bool first = true, iec = key->proto == IPPROTO_TCP && key->server_port == PORT_IEC104;
	bool modbus = key->proto == IPPROTO_TCP && key->server_port == PORT_MODBUS;
	bool dhcp = key->proto == IPPROTO_UDP && (key->server_port == PORT_DHCP || key->client_port == PORT_DHCP);
	while (payload_next(data, len, key->proto, &w)) {
		if (first && key->proto == IPPROTO_TCP && !key->midstream)
			out->looks_random = looks_random(w.l4.p, w.l4.len);
		first = false;
		if (iec)
			iec104_types(w.l4.p, w.l4.len, &types);
		else if (modbus)
			modbus_codes(w.l4.p, w.l4.len, w.h.dir == 1, &codes, &out->modbus_errors);
		else if (dhcp)
			dhcp_given(w.l4.p, w.l4.len, &out->dhcp_address);
		else
			break; /* nothing but the first one is looked at */
	}
	out->iec_types = put_numbers(arena, &types);
	out->modbus_codes = put_numbers(arena, &codes);
}

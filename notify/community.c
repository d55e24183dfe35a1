#include "community.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

static uint32_t rol(uint32_t v, int n)
{
	return v << n | v >> (32 - n);
}

static void sha1_block(uint32_t h[5], const uint8_t *p)
{
	uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
	for (int i = 16; i < 80; i++)
		w[i] = rol(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	for (int i = 0; i < 80; i++) {
		uint32_t f, k;
		if (i < 20)
			f = (b & c) | (~b & d), k = 0x5a827999;
		else if (i < 40)
			f = b ^ c ^ d, k = 0x6ed9eba1;
		else if (i < 60)
			f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
		else
			f = b ^ c ^ d, k = 0xca62c1d6;
		uint32_t t = rol(a, 5) + f + e + k + w[i];
		e = d, d = c, c = rol(b, 30), b = a, a = t;
	}
	h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

/* SHA-1 (FIPS 180-4) of at most 55 bytes: one block. */
static void sha1_short(const uint8_t *p, size_t len, uint8_t out[20])
{
	uint32_t h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
	uint8_t block[64] = { 0 };
	memcpy(block, p, len);
	block[len] = 0x80;
	block[63] = (uint8_t)(len * 8);
	block[62] = (uint8_t)(len * 8 >> 8);
	sha1_block(h, block);
	for (int i = 0; i < 20; i++)
		out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64_20(const uint8_t in[20], char *out)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (int i = 0; i < 21; i += 3) {
		uint32_t v = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | (i + 2 < 20 ? in[i + 2] : 0);
		for (int k = 0; k < 4; k++)
			*out++ = digit[v >> (18 - 6 * k) & 63];
	}
	out[-1] = '=';
	*out = '\0';
}

/* The type that answers an ICMP type, -1 if messages of the type are one-way. */
static int icmp_counterpart(uint8_t proto, unsigned type)
{
	static const uint8_t pairs4[][2] = { { 8, 0 }, { 13, 14 }, { 15, 16 }, { 17, 18 }, { 10, 9 } };
	static const uint8_t pairs6[][2] = { { 128, 129 }, { 133, 134 }, { 135, 136 }, { 130, 131 }, { 139, 140 }, { 144, 145 } };
	const uint8_t(*p)[2] = proto == IPPROTO_ICMP ? pairs4 : pairs6;
	size_t n = proto == IPPROTO_ICMP ? sizeof pairs4 / 2 : sizeof pairs6 / 2;
	for (size_t i = 0; i < n; i++) {
		if (p[i][0] == type)
			return p[i][1];
		if (p[i][1] == type)
			return p[i][0];
	}
	return -1;
}

static size_t put_addr(uint8_t *p, const struct addr *a)
{
	size_t skip = addr_is_v4(a) ? 12 : 0;
	memcpy(p, a->b + skip, 16 - skip);
	return 16 - skip;
}

const char *community_id(const struct addr *src, const struct addr *dst, uint8_t proto, uint16_t sport, uint16_t dport,
			 char *ret)
{
	uint8_t data[40] = { 0, 0 }, digest[20]; /* begins with the seed, 0 */
	bool one_way = false, ports = proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;
	*ret = '\0';
	if (!addr_is_set(src) || !addr_is_set(dst))
		return ret;
	if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6) {
		int other = icmp_counterpart(proto, sport);
		one_way = other < 0;
		if (!one_way)
			dport = (uint16_t)other;
		ports = true;
	}
	int order = addr_cmp(src, dst);
	if (!one_way && (order > 0 || (order == 0 && ports && sport > dport))) {
		const struct addr *a = src;
		uint16_t p = sport;
		src = dst, dst = a;
		sport = dport, dport = p;
	}
	size_t n = 2;
	n += put_addr(data + n, src);
	n += put_addr(data + n, dst);
	data[n++] = proto;
	data[n++] = 0;
	if (ports) {
		data[n++] = (uint8_t)(sport >> 8);
		data[n++] = (uint8_t)sport;
		data[n++] = (uint8_t)(dport >> 8);
		data[n++] = (uint8_t)dport;
	}
	sha1_short(data, n, digest);
	memcpy(ret, "1:", 2);
	base64_20(digest, ret + 2);
	return ret;
}

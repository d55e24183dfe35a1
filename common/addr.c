#include "addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

/* inet_ntop prints by sprintf, which is most of what printing a flow costs. */
static void v4_str(const uint8_t *b, char *out)
{
	for (int i = 0; i < 4; i++) {
		unsigned v = b[i];
		if (v >= 100)
			*out++ = (char)('0' + v / 100);
		if (v >= 10)
			*out++ = (char)('0' + v / 10 % 10);
		*out++ = (char)('0' + v % 10);
		*out++ = i < 3 ? '.' : '\0';
	}
}

const char *addr_str(const struct addr *a, char *buf)
{
	if (!addr_is_set(a))
		buf[0] = '\0';
	else if (addr_is_v4(a))
		v4_str(a->b + 12, buf);
	else
		inet_ntop(AF_INET6, a->b, buf, ADDR_STRLEN);
	return buf;
}

int addr_parse(const char *s, size_t len, struct addr *ret)
{
	char text[ADDR_STRLEN];
	unsigned char raw[16];
	if (len == 0 || len >= sizeof text || memchr(s, '\0', len))
		return -1;
	memcpy(text, s, len);
	text[len] = '\0';
	if (inet_pton(AF_INET, text, raw) == 1)
		addr_from_v4(ret, raw);
	else if (inet_pton(AF_INET6, text, raw) == 1)
		addr_from_v6(ret, raw);
	else
		return -1;
	return 0;
}

const char *cidr_str(const struct cidr *c, char *buf)
{
	char a[ADDR_STRLEN] = "::"; /* of ::/0 the address is the one that counts as absent */
	unsigned skip = addr_is_v4(&c->addr) && c->bits >= 96 ? 96 : 0;
	if (addr_is_set(&c->addr))
		addr_str(&c->addr, a);
	snprintf(buf, CIDR_STRLEN, "%s/%u", a, c->bits - skip);
	return buf;
}

static bool bits_are_clear(const struct addr *a, unsigned from)
{
	for (unsigned i = from; i < 128; i++)
		if (a->b[i / 8] & (0x80 >> (i % 8)))
			return false;
	return true;
}

int cidr_parse(const char *s, size_t len, struct cidr *ret)
{
	const char *slash = memchr(s, '/', len);
	size_t alen = slash ? (size_t)(slash - s) : len;
	struct addr a;
	if (addr_parse(s, alen, &a) < 0)
		return -1;
	unsigned width = addr_is_v4(&a) ? 32 : 128, bits = width;
	if (slash) {
		const char *p = slash + 1, *end = s + len;
		if (p == end || end - p > 3)
			return -1;
		for (bits = 0; p < end; p++) {
			if (*p < '0' || *p > '9')
				return -1;
			bits = bits * 10 + (unsigned)(*p - '0');
		}
		if (bits > width)
			return -1;
	}
	bits += 128 - width;
	if (!bits_are_clear(&a, bits))
		return -2;
	*ret = (struct cidr){ a, (uint8_t)bits };
	return 0;
}

bool cidr_contains(const struct cidr *c, const struct addr *a)
{
	unsigned whole = c->bits / 8, rest = c->bits % 8;
	if (memcmp(c->addr.b, a->b, whole) != 0)
		return false;
	return rest == 0 || ((c->addr.b[whole] ^ a->b[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

const char *mac_str(const struct mac *m, char *buf)
{
	static const char digit[] = "0123456789abcdef";
	char *p = buf;
	for (int i = 0; i < 6 && mac_is_set(m); i++) {
		if (i)
			*p++ = ':';
		*p++ = digit[m->b[i] >> 4];
		*p++ = digit[m->b[i] & 15];
	}
	*p = '\0';
	return buf;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int mac_parse(const char *s, size_t len, struct mac *ret)
{
	struct mac m;
	if (len != MAC_STRLEN - 1)
		return -1;
	for (int i = 0; i < 6; i++, s += 3) {
		if (hex(s[0]) < 0 || hex(s[1]) < 0 || (i < 5 && s[2] != ':' && s[2] != '-'))
			return -1;
		m.b[i] = (uint8_t)(hex(s[0]) << 4 | hex(s[1]));
	}
	*ret = m;
	return 0;
}

bool addr_is_multicast(const struct addr *a)
{
	return addr_is_v4(a) ? (a->b[12] & 0xf0) == 0xe0 : a->b[0] == 0xff;
}

bool addr_is_broadcast(const struct addr *a)
{
	return addr_is_v4(a) && memcmp(a->b + 12, "\xff\xff\xff\xff", 4) == 0;
}

bool addr_is_private(const struct addr *a)
{
	const uint8_t *v4 = a->b + 12;
	if (addr_is_v4(a))
		return v4[0] == 10 || (v4[0] == 172 && (v4[1] & 0xf0) == 16) || (v4[0] == 192 && v4[1] == 168);
	return (a->b[0] & 0xfe) == 0xfc;
}

bool addr_is_link_local(const struct addr *a)
{
	if (addr_is_v4(a))
		return a->b[12] == 169 && a->b[13] == 254;
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool addr_is_loopback(const struct addr *a)
{
	static const struct addr one = { { [15] = 1 } };
	return addr_is_v4(a) ? a->b[12] == 127 : addr_cmp(a, &one) == 0;
}

bool addr_is_unspecified(const struct addr *a)
{
	return !addr_is_set(a) || (addr_is_v4(a) && memcmp(a->b + 12, "\0\0\0\0", 4) == 0);
}

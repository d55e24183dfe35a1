/*
 * Network addresses: one 16-byte form for IPv4 (as ::ffff:a.b.c.d, RFC 4291 section 2.5.5.2) and IPv6. All zero
 * = absent.
 */
#ifndef WEIR_ADDR_H
#define WEIR_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct addr {
	uint8_t b[16];
};

struct mac {
	uint8_t b[6];
};

/* A network: the first bits of addr, counted in the 16-byte form (IPv4 /8 is 104). */
struct cidr {
	struct addr addr;
	uint8_t bits;
};

#define ADDR_STRLEN 46
#define CIDR_STRLEN 50
#define MAC_STRLEN  18

static inline bool addr_is_v4(const struct addr *a)
{
	static const uint8_t prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	return memcmp(a->b, prefix, 12) == 0;
}

static inline void addr_from_v4(struct addr *a, const void *four)
{
	memset(a->b, 0, 10);
	a->b[10] = a->b[11] = 0xff;
	memcpy(a->b + 12, four, 4);
}

static inline void addr_from_v6(struct addr *a, const void *sixteen)
{
	memcpy(a->b, sixteen, 16);
}

static inline bool addr_is_set(const struct addr *a)
{
	static const struct addr none;
	return memcmp(a, &none, sizeof none) != 0;
}

static inline int addr_cmp(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, 16);
}

static inline bool mac_is_set(const struct mac *m)
{
	static const struct mac none;
	return memcmp(m, &none, sizeof none) != 0;
}

/* Dotted quad or RFC 5952 text; "" if absent. buf holds ADDR_STRLEN. Returns buf. */
const char *addr_str(const struct addr *a, char *buf);
/* Parses IPv4 or IPv6 text of len bytes. Returns 0, or -1 and leaves *ret alone. */
int addr_parse(const char *s, size_t len, struct addr *ret);

/* "10.0.0.0/8", "fd00::/8"; buf holds CIDR_STRLEN. Returns buf. */
const char *cidr_str(const struct cidr *c, char *buf);
/*
 * Parses 'address/bits' or an address alone (all bits). Bits set beyond the prefix are an error (-2), so that
 * 10.0.0.1/8 is not silently something else; -1 for anything else that is wrong.
 */
int cidr_parse(const char *s, size_t len, struct cidr *ret);
bool cidr_contains(const struct cidr *c, const struct addr *a);

/* Lower-case colon form; "" if absent. buf holds MAC_STRLEN. Returns buf. */
const char *mac_str(const struct mac *m, char *buf);
int mac_parse(const char *s, size_t len, struct mac *ret);

bool addr_is_multicast(const struct addr *a); /* 224/4, ff00::/8 */
bool addr_is_broadcast(const struct addr *a); /* 255.255.255.255 */
bool addr_is_private(const struct addr *a);   /* RFC 1918, RFC 4193 */
bool addr_is_link_local(const struct addr *a);/* 169.254/16, fe80::/10 */
bool addr_is_loopback(const struct addr *a);
bool addr_is_unspecified(const struct addr *a); /* 0.0.0.0 or :: */

#endif

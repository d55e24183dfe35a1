#include "id.h"

#include <string.h>

#include "hash.h"

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford: no I, L, O, U */

struct id id_make(uint64_t time_ns, uint64_t seed, const void *data, size_t len)
{
	uint64_t h[2];
	hash_content128(data, len, seed, h);
	return (struct id){ (time_ns / 1000000 & 0xffffffffffff) << 16 | (h[1] & 0xffff), h[0] };
}

/* 128 bits are 26 digits of 5 bits; the first has only 3. */
struct id id_random(uint64_t time_ns)
{
	struct hash_key random = hash_key_random();
	return id_make(time_ns, random.k0, &random, sizeof random);
}

const char *id_str(struct id id, char *buf)
{
	if (!id_is_set(id)) {
		buf[0] = '\0';
		return buf;
	}
	unsigned __int128 v = (unsigned __int128)id.hi << 64 | id.lo;
	for (int i = ID_STRLEN - 2; i >= 0; i--, v >>= 5)
		buf[i] = digits[v & 31];
	buf[ID_STRLEN - 1] = '\0';
	return buf;
}

static int digit_value(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	const char *p = c ? strchr(digits, c) : NULL;
	return p ? (int)(p - digits) : -1;
}

int id_parse(const char *s, size_t len, struct id *ret)
{
	unsigned __int128 v = 0;
	if (len != ID_STRLEN - 1 || digit_value(s[0]) > 7)
		return -1;
	for (size_t i = 0; i < len; i++) {
		int d = digit_value(s[i]);
		if (d < 0)
			return -1;
		v = v << 5 | (unsigned)d;
	}
	*ret = (struct id){ (uint64_t)(v >> 64), (uint64_t)v };
	return 0;
}

#include "hash.h"

#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#include "log.h"

struct hash_key hash_key_random(void)
{
	struct hash_key k;
	if (getrandom(&k, sizeof k, 0) != sizeof k)
		fatal("getrandom");
	return k;
}

static inline uint64_t rotl(uint64_t v, int n)
{
	return v << n | v >> (64 - n);
}

#define SIPROUND                                                                                   \
	do {                                                                                       \
		v0 += v1, v1 = rotl(v1, 13) ^ v0, v0 = rotl(v0, 32);                               \
		v2 += v3, v3 = rotl(v3, 16) ^ v2;                                                  \
		v0 += v3, v3 = rotl(v3, 21) ^ v0;                                                  \
		v2 += v1, v1 = rotl(v1, 17) ^ v2, v2 = rotl(v2, 32);                               \
	} while (0)

uint64_t hash_sip13(struct hash_key k, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t v0 = k.k0 ^ 0x736f6d6570736575, v1 = k.k1 ^ 0x646f72616e646f6d;
	uint64_t v2 = k.k0 ^ 0x6c7967656e657261, v3 = k.k1 ^ 0x7465646279746573;
	uint64_t m, last = (uint64_t)len << 56;
	for (; len >= 8; len -= 8, p += 8) {
		memcpy(&m, p, 8);
		v3 ^= m;
		SIPROUND;
		v0 ^= m;
	}
	for (size_t i = 0; i < len; i++)
		last |= (uint64_t)p[i] << (8 * i);
	v3 ^= last;
	SIPROUND;
	v0 ^= last;
	v2 ^= 0xff;
	SIPROUND;
	SIPROUND;
	SIPROUND;
	return v0 ^ v1 ^ v2 ^ v3;
}

uint64_t hash_content(const void *p, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(p, len, seed);
}

void hash_content128(const void *p, size_t len, uint64_t seed, uint64_t ret[2])
{
	XXH128_hash_t h = XXH3_128bits_withSeed(p, len, seed);
	ret[0] = h.low64;
	ret[1] = h.high64;
}

struct hash_stream *hash_stream_new(void)
{
	XXH3_state_t *s = XXH3_createState();
	if (!s)
		fatalx("no memory");
	XXH3_64bits_reset(s);
	return (struct hash_stream *)s;
}

void hash_stream_add(struct hash_stream *h, const void *p, size_t len)
{
	XXH3_64bits_update((XXH3_state_t *)h, p, len);
}

uint64_t hash_stream_end(struct hash_stream *h)
{
	uint64_t v = XXH3_64bits_digest((XXH3_state_t *)h);
	XXH3_freeState((XXH3_state_t *)h);
	return v;
}

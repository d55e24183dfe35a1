/* Hashes: one that an attacker cannot aim at (tables), one that names content (ids, epochs, configuration). */
#ifndef WEIR_HASH_H
#define WEIR_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t k0, k1;
};

/* Random, from getrandom(2): one per table. */
struct hash_key hash_key_random(void);
/* SipHash-1-3 (Aumasson, Bernstein): for tables that see chosen keys. */
uint64_t hash_sip13(struct hash_key k, const void *p, size_t len);
/* XXH3, 64 and 128 bit, unkeyed: the same everywhere, for content. */
uint64_t hash_content(const void *p, size_t len, uint64_t seed);
void hash_content128(const void *p, size_t len, uint64_t seed, uint64_t ret[2]);

/* The same for content that comes in pieces. */
struct hash_stream;
struct hash_stream *hash_stream_new(void);
void hash_stream_add(struct hash_stream *h, const void *p, size_t len);
uint64_t hash_stream_end(struct hash_stream *h); /* frees */

#endif

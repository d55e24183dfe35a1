/*
 * How often somebody may ask: a bucket of tokens that fills at a rate (GCRA, ITU-T I.371 annex A), one for all requests and
 * one for those that are heavy, of which there is also a bound at one time. In a table of fixed size: who has not asked for
 * longest makes room. Pure: time is an argument (monotonic, ns).
 */
#ifndef WEIR_LIMIT_H
#define WEIR_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIMITS_MAX 4096 /* askers in the table */

/* A bucket: when it will be full again. Zero: it is full. */
struct bucket {
	uint64_t full_at;
};
struct bucket_size {
	uint32_t rate;  /* tokens a second, 0 = no bound */
	uint32_t burst; /* tokens that it holds, at least 1 */
};
/* Takes a token; false, and *ret_wait (may be NULL) ns until there is one, if there is none. */
bool bucket_take(struct bucket *b, const struct bucket_size *size, uint64_t now, uint64_t *ret_wait);
uint32_t bucket_left(const struct bucket *b, const struct bucket_size *size, uint64_t now);

struct limits_conf {
	struct bucket_size all, heavy;
	uint32_t heavy_at_once; /* 0 = no bound */
};
struct limits;
struct limits *limits_new(const struct limits_conf *conf);
void limits_free(struct limits *l);

/* What the headers RateLimit-* and Retry-After say. */
struct limit_state {
	uint32_t limit;     /* tokens of the full bucket, 0 = no bound */
	uint32_t remaining; /* tokens in it */
	uint32_t reset;     /* s until it is full */
	uint32_t wait;      /* 0: the request is good; else s until one will be */
};
/* A request of whoever this number names: hash of a token's name or of an address. */
struct limit_state limits_take(struct limits *l, uint64_t who, uint64_t now);
/* It is a heavy one. 0: limits_end_heavy must follow; else s until it may be tried again. */
uint32_t limits_begin_heavy(struct limits *l, uint64_t who, uint64_t now);
void limits_end_heavy(struct limits *l, uint64_t who);

#endif

/*
 * Ids of flows, alerts and deliveries: 48 bits of time in milliseconds and 80 bits of a hash, printed as a ULID
 * (26 characters of Crockford's base 32, github.com/ulid/spec), so that they sort by time and are the same in every run.
 */
#ifndef WEIR_ID_H
#define WEIR_ID_H

#include <stddef.h>
#include <stdint.h>

struct id {
	uint64_t hi;
	uint64_t lo;
};

#define ID_STRLEN 27

/* Makes an id from a time (ns) and the bytes that name the thing; seed separates kinds and epochs. */
struct id id_make(uint64_t time_ns, uint64_t seed, const void *data, size_t len);
/* An id that nothing else has, for what people make: time and random bits. */
struct id id_random(uint64_t time_ns);
/* Prints; buf holds ID_STRLEN. "" for the absent id. Returns buf. */
const char *id_str(struct id id, char *buf);
/* Parses a ULID in either case. Returns 0, or -1 and leaves *ret alone. */
int id_parse(const char *s, size_t len, struct id *ret);

static inline int id_cmp(struct id a, struct id b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return a.lo < b.lo ? -1 : a.lo > b.lo;
}

static inline int id_is_set(struct id a)
{
	return (a.hi | a.lo) != 0;
}

static inline uint64_t id_time_ms(struct id a)
{
	return a.hi >> 16;
}

#endif

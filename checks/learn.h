/*
 * What was seen before: a set of keys with a value each, of a fixed size. It is a table of rows of eight; when a row is full,
 * what was not seen for longest in it makes room and is counted. Pure.
 */
#ifndef WEIR_LEARN_H
#define WEIR_LEARN_H

#include <stdbool.h>
#include <stdint.h>

/* No pointers: an array of them can be written out and read back. */
struct learned {
	uint64_t key;         /* a hash of content, 0 = free */
	uint64_t value;       /* of the caller's own */
	uint32_t first, last; /* seconds since 1970 */
};

struct learn_set {
	struct learned *slots; /* n of them; the only pointer */
	uint32_t n;
	uint64_t count, evicted;
};

/* n: a power of two, at least 8. */
void learn_init(struct learn_set *s, uint32_t n);
void learn_release(struct learn_set *s);
/* NULL if it was not seen. */
struct learned *learn_find(const struct learn_set *s, uint64_t key);
/* Found or made, and marked as seen. */
struct learned *learn_get(struct learn_set *s, uint64_t key, uint64_t time, bool *ret_made);

#endif

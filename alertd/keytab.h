/*
 * A table from byte strings to values of one size, in the order in which they were put or touched. Hashed with a random key: peers
 * choose what is put here.
 */
#ifndef WEIR_KEYTAB_H
#define WEIR_KEYTAB_H

#include <stddef.h>
#include <stdint.h>

#include "hash.h"

struct keytab_node;
struct keytab {
	struct keytab_node **bucket, *first, *last;
	size_t n, n_buckets, value_size;
	struct hash_key key;
};

void keytab_init(struct keytab *t, size_t value_size);
/* The table is as after keytab_init. */
void keytab_clear(struct keytab *t);
/* The value, which stays where it is until it is removed; NULL if there is none. */
void *keytab_find(const struct keytab *t, const void *key, size_t len);
/* The same; made and zeroed if there is none. */
void *keytab_put(struct keytab *t, const void *key, size_t len);
void keytab_remove(struct keytab *t, void *value);
/* It is the last in order now. */
void keytab_touch(struct keytab *t, void *value);
/* The next value in order; NULL after the last, or for the first. */
void *keytab_next(const struct keytab *t, void *value);
const void *keytab_key(const void *value, size_t *ret_len);

#endif

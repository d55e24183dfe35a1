#include "keytab.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"

#define MIN_BUCKETS 64

/* The value follows, then the key. */
struct keytab_node {
	struct keytab_node *chain, *prev, *next;
	uint64_t hash;
	uint32_t key_at, key_len; /* place of the key, from the value on */
	max_align_t value[];
};

static struct keytab_node *node_of(const void *value)
{
	return (struct keytab_node *)((char *)(uintptr_t)value - offsetof(struct keytab_node, value));
}

static const char *key_of(const struct keytab_node *n)
{
	return (const char *)n->value + n->key_at;
}

void keytab_init(struct keytab *t, size_t value_size)
{
	*t = (struct keytab){ .value_size = value_size, .key = hash_key_random() };
}

void keytab_clear(struct keytab *t)
{
	for (struct keytab_node *n = t->first, *next; n; n = next) {
		next = n->next;
		free(n);
	}
	free(t->bucket);
	*t = (struct keytab){ .value_size = t->value_size, .key = t->key };
}

static struct keytab_node **bucket_of(const struct keytab *t, uint64_t hash)
{
	return &t->bucket[hash & (t->n_buckets - 1)];
}

static void grow(struct keytab *t)
{
	t->n_buckets = t->n_buckets ? 2 * t->n_buckets : MIN_BUCKETS;
	free(t->bucket);
	t->bucket = xcalloc(t->n_buckets, sizeof *t->bucket);
	for (struct keytab_node *n = t->first; n; n = n->next) {
		struct keytab_node **b = bucket_of(t, n->hash);
		n->chain = *b;
		*b = n;
	}
}

static struct keytab_node *find(const struct keytab *t, uint64_t hash, const void *key, size_t len)
{
	struct keytab_node *n = t->n_buckets ? *bucket_of(t, hash) : NULL;
	while (n && (n->hash != hash || n->key_len != len || memcmp(key_of(n), key, len) != 0))
		n = n->chain;
	return n;
}

void *keytab_find(const struct keytab *t, const void *key, size_t len)
{
	struct keytab_node *n = find(t, hash_sip13(t->key, key, len), key, len);
	return n ? n->value : NULL;
}

/* At the end of the order. */
static void append(struct keytab *t, struct keytab_node *n)
{
	n->prev = t->last;
	n->next = NULL;
	*(t->last ? &t->last->next : &t->first) = n;
	t->last = n;
}

static void take_out(struct keytab *t, struct keytab_node *n)
{
	*(n->prev ? &n->prev->next : &t->first) = n->next;
	*(n->next ? &n->next->prev : &t->last) = n->prev;
}

void *keytab_put(struct keytab *t, const void *key, size_t len)
{
	uint64_t hash = hash_sip13(t->key, key, len);
	struct keytab_node *n = find(t, hash, key, len);
	if (n)
		return n->value;
	if (t->n == t->n_buckets)
		grow(t);
	n = xmalloc(sizeof *n + t->value_size + len);
	*n = (struct keytab_node){ .chain = *bucket_of(t, hash), .hash = hash, .key_at = (uint32_t)t->value_size,
				   .key_len = (uint32_t)len };
	memset(n->value, 0, t->value_size);
	memcpy((char *)n->value + t->value_size, key, len);
	*bucket_of(t, hash) = n;
	append(t, n);
	t->n++;
	return n->value;
}

void keytab_remove(struct keytab *t, void *value)
{
	struct keytab_node *n = node_of(value), **at = bucket_of(t, n->hash);
	while (*at != n)
		at = &(*at)->chain;
	*at = n->chain;
	take_out(t, n);
	t->n--;
	free(n);
}

void keytab_touch(struct keytab *t, void *value)
{
	struct keytab_node *n = node_of(value);
	if (n == t->last)
		return;
	take_out(t, n);
	append(t, n);
}

void *keytab_next(const struct keytab *t, void *value)
{
	struct keytab_node *n = value ? node_of(value)->next : t->first;
	return n ? n->value : NULL;
}

const void *keytab_key(const void *value, size_t *ret_len)
{
	const struct keytab_node *n = node_of(value);
	*ret_len = n->key_len;
	return key_of(n);
}

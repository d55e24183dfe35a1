/*
 * A bounded table of entries in the order of their last activity: when it is full, the one silent longest makes room. A copy
 * can be taken while it goes on changing. What the tables of hosts and of open flows share; they know what a key is. Pure.
 */
#ifndef WEIR_AGED_H
#define WEIR_AGED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "order.h"

#define AGED_NONE ORDER_NONE

/* First member of an entry. */
struct aged {
	struct order_link age;
	uint32_t hash_next; /* index, AGED_NONE ends */
	uint32_t copied;    /* by the copy of this number, or did not exist when it began */
	uint64_t touched;   /* counts up: the order of activity */
	bool used;
};

struct aged_ops {
	const char *what; /* the table, for messages */
	uint32_t (*hash)(const void *owner, const struct aged *a);
	void (*evict)(void *owner, struct aged *a); /* it is going to make room */
	void (*release)(struct aged *a);            /* frees what it owns */
	void (*copy)(void *owner, struct aged *a);
};

/* Members are aged.c's and those of the functions below. */
struct aged_table {
	const struct aged_ops *ops;
	void *owner;
	char *pool;
	size_t size; /* of an entry */
	uint32_t *buckets, *free;
	uint32_t mask, n_used, n_free;
	struct order by_age; /* the one silent longest first */
	uint64_t max, count, evicted, removed, touches;
	bool copying;
	uint32_t copies, copy_at, copy_end;
};

/* For max entries of a size, 64 at least; ops and owner outlive it. Memory is taken as entries come. */
void aged_init(struct aged_table *t, uint64_t max, size_t size, const struct aged_ops *ops, void *owner);
/* Releases all entries. */
void aged_done(struct aged_table *t);

static inline struct aged *aged_at(const struct aged_table *t, uint32_t i)
{
	return i == AGED_NONE ? NULL : (void *)(t->pool + i * t->size);
}

/* Entries whose hash shares a bucket with this one; NULL ends. */
static inline struct aged *aged_first(const struct aged_table *t, uint32_t hash)
{
	return aged_at(t, t->buckets[hash & t->mask]);
}
static inline struct aged *aged_next(const struct aged_table *t, const struct aged *a)
{
	return aged_at(t, a->hash_next);
}

/* A new entry, the newest, all else zero: the caller gives it the key that has this hash. */
struct aged *aged_add(struct aged_table *t, uint32_t hash);
void aged_remove(struct aged_table *t, struct aged *a);
/* Makes it the newest. */
void aged_touch(struct aged_table *t, struct aged *a);

/* In the order of last activity. NULL ends. */
static inline struct aged *aged_oldest(const struct aged_table *t)
{
	return aged_at(t, t->by_age.first);
}
static inline struct aged *aged_newer(const struct aged_table *t, const struct aged *a)
{
	return aged_at(t, a->age.next);
}

/*
 * A copy of the table while it goes on changing: ops->copy is called for each entry as it was when the copy began, by
 * aged_copy_step for about n of them, or earlier when one is about to change. It must not change anything. aged_copy_step
 * returns false when all are done.
 */
void aged_copy_begin(struct aged_table *t);
bool aged_copy_step(struct aged_table *t, unsigned n);
/* Whoever changes an entry says so first. */
void aged_will_change(struct aged_table *t, struct aged *a);

/* Puts back the order of activity, by 'touched', after entries were made from a copy, and what the table counted. */
void aged_restored(struct aged_table *t, uint64_t evicted);

#endif

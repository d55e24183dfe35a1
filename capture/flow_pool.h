/*
 * Where the flows of a table are: a bounded pool, an index by tuple, and lists by what a flow waits for. It knows where a flow
 * is and not what it is. Flows do not move while they are in the pool.
 */
#ifndef WEIR_FLOW_POOL_H
#define WEIR_FLOW_POOL_H

#include "flow.h"
#include "hash.h"

struct flow_pool {
	struct hash_key seed;
	uint64_t *slots; /* tag << 32 | index + 1; 0 = free; linear probing */
	uint32_t mask;
	struct flow *flows;
	uint32_t *free; /* stack of indexes given back */
	uint64_t max;
	uint32_t n_free, n_used;
	struct order lists[LIST_COUNT];
};

/* max: of flows. The memory is reserved here, and taken from the system as flows come. */
void flow_pool_init(struct flow_pool *p, uint64_t max);
void flow_pool_release(struct flow_pool *p);
/* Empties it. */
void flow_pool_reset(struct flow_pool *p);
/* Upper bound in bytes, without what flows own. */
uint64_t flow_pool_memory(uint64_t max);

/* The hash of a tuple, by a key of this pool alone. What every address of IPv4 begins with is left out of the first. */
static inline uint32_t flow_pool_tag(const struct flow_pool *p, const struct flow_tuple *t)
{
	size_t same = addr_is_v4(&t->a) ? sizeof t->a - 4 : 0;
	return (uint32_t)hash_sip13(p->seed, (const char *)t + same, sizeof *t - same);
}

/* NULL if there is none. */
struct flow *flow_pool_find(const struct flow_pool *p, uint32_t tag, const struct flow_tuple *t);
/* The most slots that one of the flows is behind its first: what finding it costs. */
uint32_t flow_pool_longest_probe(const struct flow_pool *p);
/* A new flow, all zero but its tuple and tag, and in no list. NULL if there is no room. */
struct flow *flow_pool_take(struct flow_pool *p, uint32_t tag, const struct flow_tuple *t);
/* Gives a flow back, out of its lists. What it owns has been freed. */
void flow_pool_give(struct flow_pool *p, struct flow *f);

/* To the end of a list, out of the one of its kind (states, timers) that it is in. */
void flow_pool_list(struct flow_pool *p, struct flow *f, enum flow_list which);
/* Out of the list of a kind; nothing happens if it is in none. */
void flow_pool_unlist(struct flow_pool *p, struct flow *f, enum flow_kind kind);
/* NULL if the list is empty. */
static inline struct flow *flow_pool_first(const struct flow_pool *p, enum flow_list which)
{
	uint32_t i = p->lists[which].first;
	return i == ORDER_NONE ? NULL : &p->flows[i];
}

/*
 * Fetch ahead what finding a flow will read: the pool is larger than any cache, so the misses of a batch should overlap.
 * First the slots of all, then the flows. Inlined always: GCC 12 drops calls of a function that does nothing but this.
 */
#define PREFETCH static inline __attribute__((always_inline)) void

PREFETCH flow_pool_prefetch(const struct flow_pool *p, uint32_t index)
{
	const char *f = (const char *)&p->flows[index];
	for (size_t line = 0; line < sizeof(struct flow); line += 64)
		__builtin_prefetch(f + line);
}

PREFETCH flow_pool_prefetch_slot(const struct flow_pool *p, uint32_t tag)
{
	__builtin_prefetch(&p->slots[tag & p->mask]);
}

PREFETCH flow_pool_prefetch_flow(const struct flow_pool *p, uint32_t tag)
{
	uint64_t s = p->slots[tag & p->mask];
	if ((uint32_t)(s >> 32) == tag)
		flow_pool_prefetch(p, (uint32_t)s - 1);
}

/* Flows end in the order of their lists: what the end of the one after this will look up, and the one after that. */
PREFETCH flow_pool_prefetch_next(const struct flow_pool *p, const struct flow *f)
{
	uint32_t i = f->at[OF_STATE].next;
	if (i == ORDER_NONE)
		return;
	const struct flow *next = &p->flows[i];
	flow_pool_prefetch_slot(p, next->tag);
	__builtin_prefetch(next->head.data);
	if (next->at[OF_STATE].next != ORDER_NONE)
		flow_pool_prefetch(p, next->at[OF_STATE].next);
}

#endif

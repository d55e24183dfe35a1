#include "flow_pool.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "buf.h"
#include "log.h"

static void *map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		fatal("flow table of %zu bytes", size);
	madvise(p, size, MADV_HUGEPAGE); /* a wish: fewer TLB misses */
	return p;
}

static uint32_t slots_for(uint64_t max)
{
	uint32_t n = 1024;
	while (n < 2 * max && n < 1u << 31)
		n *= 2;
	return n;
}

static size_t slots_size(const struct flow_pool *p)
{
	return ((size_t)p->mask + 1) * sizeof *p->slots;
}

static size_t flows_size(const struct flow_pool *p)
{
	return p->max * sizeof *p->flows;
}

uint64_t flow_pool_memory(uint64_t max)
{
	return slots_for(max) * sizeof(uint64_t) + max * (sizeof(struct flow) + sizeof(uint32_t));
}

static void empty_lists(struct flow_pool *p)
{
	for (int i = 0; i < LIST_COUNT; i++)
		p->lists[i] = ORDER_EMPTY;
}

void flow_pool_init(struct flow_pool *p, uint64_t max)
{
	*p = (struct flow_pool){ .seed = hash_key_random(), .mask = slots_for(max) - 1, .max = max };
	p->slots = map(slots_size(p));
	p->flows = map(flows_size(p));
	p->free = xmalloc(max * sizeof *p->free);
	empty_lists(p);
}

/* Flows that were given back own nothing. */
static void free_owned(struct flow_pool *p)
{
	for (uint32_t i = 0; i < p->n_used; i++) {
		free(p->flows[i].head.data);
		flow_extra_free(&p->flows[i]);
	}
}

void flow_pool_release(struct flow_pool *p)
{
	free_owned(p);
	munmap(p->slots, slots_size(p));
	munmap(p->flows, flows_size(p));
	free(p->free);
}

void flow_pool_reset(struct flow_pool *p)
{
	free_owned(p);
	memset(p->slots, 0, slots_size(p));
	madvise(p->flows, flows_size(p), MADV_DONTNEED);
	p->n_free = p->n_used = 0;
	empty_lists(p);
}

/* -- by tuple -- */

struct flow *flow_pool_find(const struct flow_pool *p, uint32_t tag, const struct flow_tuple *t)
{
	for (uint32_t i = tag & p->mask; p->slots[i]; i = (i + 1) & p->mask)
		if ((uint32_t)(p->slots[i] >> 32) == tag) {
			struct flow *f = &p->flows[(uint32_t)p->slots[i] - 1];
			if (memcmp(&f->tuple, t, sizeof *t) == 0)
				return f;
		}
	return NULL;
}

uint32_t flow_pool_longest_probe(const struct flow_pool *p)
{
	uint32_t longest = 0;
	for (uint32_t i = 0; i <= p->mask; i++) {
		uint32_t probe = (i - (uint32_t)(p->slots[i] >> 32)) & p->mask;
		if (p->slots[i] && probe > longest)
			longest = probe;
	}
	return longest;
}

static void slot_insert(struct flow_pool *p, uint32_t tag, uint32_t index)
{
	uint32_t i = tag & p->mask;
	while (p->slots[i])
		i = (i + 1) & p->mask;
	p->slots[i] = (uint64_t)tag << 32 | (index + 1);
}

/* Takes a slot out and moves those behind it up, so that no markers are left. */
static void slot_remove(struct flow_pool *p, uint32_t tag, uint32_t index)
{
	uint64_t want = (uint64_t)tag << 32 | (index + 1);
	uint32_t i = tag & p->mask;
	while (p->slots[i] != want)
		i = (i + 1) & p->mask;
	for (uint32_t j = (i + 1) & p->mask; p->slots[j]; j = (j + 1) & p->mask) {
		uint32_t home = (uint32_t)(p->slots[j] >> 32) & p->mask;
		if (((j - home) & p->mask) >= ((j - i) & p->mask)) {
			p->slots[i] = p->slots[j];
			i = j;
		}
	}
	p->slots[i] = 0;
}

static uint32_t index_of(const struct flow_pool *p, const struct flow *f)
{
	return (uint32_t)(f - p->flows);
}

struct flow *flow_pool_take(struct flow_pool *p, uint32_t tag, const struct flow_tuple *t)
{
	if (!p->n_free && p->n_used == p->max)
		return NULL;
	uint32_t index = p->n_free ? p->free[--p->n_free] : p->n_used++;
	struct flow *f = &p->flows[index];
	memset(f, 0, sizeof *f);
	f->tuple = *t;
	f->tag = tag;
	f->list[OF_STATE] = f->list[OF_TIMER] = LIST_NONE;
	slot_insert(p, tag, index);
	return f;
}

void flow_pool_give(struct flow_pool *p, struct flow *f)
{
	uint32_t index = index_of(p, f);
	flow_pool_unlist(p, f, OF_TIMER);
	flow_pool_unlist(p, f, OF_STATE);
	slot_remove(p, f->tag, index);
	p->free[p->n_free++] = index;
}

/* -- lists -- */

static enum flow_kind kind_of(unsigned list)
{
	return list < LIST_STATES ? OF_STATE : OF_TIMER;
}

void flow_pool_unlist(struct flow_pool *p, struct flow *f, enum flow_kind kind)
{
	if (f->list[kind] == LIST_NONE)
		return;
	order_remove(&p->lists[f->list[kind]], &p->flows->at[kind], sizeof *f, index_of(p, f));
	f->list[kind] = LIST_NONE;
}

void flow_pool_list(struct flow_pool *p, struct flow *f, enum flow_list which)
{
	enum flow_kind kind = kind_of(which);
	flow_pool_unlist(p, f, kind);
	order_append(&p->lists[which], &p->flows->at[kind], sizeof *f, index_of(p, f));
	f->list[kind] = (uint8_t)which;
}

#include "aged.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "buf.h"
#include "log.h"

void aged_init(struct aged_table *t, uint64_t max, size_t size, const struct aged_ops *ops, void *owner)
{
	uint32_t n = 1024;
	*t = (struct aged_table){ .ops = ops, .owner = owner, .size = size, .max = max < 64 ? 64 : max };
	while (n < t->max && n < 1u << 28)
		n *= 2;
	t->mask = n - 1;
	t->buckets = xmalloc(n * sizeof *t->buckets);
	t->free = xmalloc(t->max * sizeof *t->free);
	t->pool = mmap(NULL, t->max * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->pool == MAP_FAILED)
		fatal("%s", ops->what);
	madvise(t->pool, t->max * size, MADV_HUGEPAGE); /* a wish: entries are used from the first on, and fewer faults */
	memset(t->buckets, 0xff, n * sizeof *t->buckets);
	t->by_age = ORDER_EMPTY;
}

void aged_done(struct aged_table *t)
{
	for (uint32_t i = 0; i < t->n_used; i++)
		if (aged_at(t, i)->used)
			t->ops->release(aged_at(t, i));
	munmap(t->pool, t->max * t->size);
	free(t->buckets);
	free(t->free);
}

static uint32_t index_of(const struct aged_table *t, const struct aged *a)
{
	return (uint32_t)((size_t)((const char *)a - t->pool) / t->size);
}

static struct order_link *links(const struct aged_table *t)
{
	return &aged_at(t, 0)->age;
}

static void link_newest(struct aged_table *t, uint32_t i)
{
	order_append(&t->by_age, links(t), t->size, i);
	aged_at(t, i)->touched = ++t->touches;
}

void aged_touch(struct aged_table *t, struct aged *a)
{
	uint32_t i = index_of(t, a);
	order_remove(&t->by_age, links(t), t->size, i);
	link_newest(t, i);
}

void aged_remove(struct aged_table *t, struct aged *a)
{
	uint32_t i = index_of(t, a), *p = &t->buckets[t->ops->hash(t->owner, a) & t->mask];
	aged_will_change(t, a);
	while (*p != i)
		p = &aged_at(t, *p)->hash_next;
	*p = a->hash_next;
	order_remove(&t->by_age, links(t), t->size, i);
	t->ops->release(a);
	a->used = false;
	t->free[t->n_free++] = i;
	t->removed++;
	t->count--;
}

struct aged *aged_add(struct aged_table *t, uint32_t hash)
{
	if (!t->n_free && t->n_used == t->max) {
		struct aged *old = aged_oldest(t);
		t->evicted++;
		aged_will_change(t, old);
		t->ops->evict(t->owner, old);
		aged_remove(t, old);
	}
	bool again = t->n_free > 0;
	uint32_t i = again ? t->free[--t->n_free] : t->n_used++, *bucket = &t->buckets[hash & t->mask];
	struct aged *a = aged_at(t, i);
	if (again) /* a page that was never used is zero */
		memset(a, 0, t->size);
	a->used = true;
	a->copied = t->copies;
	a->hash_next = *bucket;
	*bucket = i;
	link_newest(t, i);
	t->count++;
	return a;
}

/* -- a copy -- */

void aged_will_change(struct aged_table *t, struct aged *a)
{
	if (!t->copying || a->copied == t->copies)
		return;
	a->copied = t->copies;
	t->ops->copy(t->owner, a);
}

void aged_copy_begin(struct aged_table *t)
{
	t->copying = true;
	t->copies++;
	t->copy_at = 0;
	t->copy_end = t->n_used;
}

bool aged_copy_step(struct aged_table *t, unsigned n)
{
	for (; n && t->copy_at < t->copy_end; t->copy_at++) {
		struct aged *a = aged_at(t, t->copy_at);
		if (a->used && a->copied != t->copies) {
			aged_will_change(t, a);
			n--;
		}
	}
	t->copying = t->copy_at < t->copy_end;
	return t->copying;
}

static int by_touch(const void *a, const void *b)
{
	const struct aged *x = *(struct aged *const *)a, *y = *(struct aged *const *)b;
	return x->touched < y->touched ? -1 : x->touched > y->touched;
}

void aged_restored(struct aged_table *t, uint64_t evicted)
{
	struct aged **all = xmalloc((t->n_used + 1ull) * sizeof *all);
	uint32_t n = 0;
	for (uint32_t i = 0; i < t->n_used; i++)
		if (aged_at(t, i)->used)
			all[n++] = aged_at(t, i);
	qsort(all, n, sizeof *all, by_touch);
	t->by_age = ORDER_EMPTY;
	t->touches = 0;
	for (uint32_t i = 0; i < n; i++)
		link_newest(t, index_of(t, all[i]));
	free(all);
	t->evicted = evicted;
}

#include "flowstate.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "buf.h"
#include "log.h"

#define NONE UINT32_MAX

struct flow_table {
	struct openflow *pool;
	uint32_t *buckets, *free;
	uint32_t mask, n_used, n_free, oldest, newest;
	uint64_t max, count, evicted;
	void (*evict)(void *arg, struct openflow *f);
	void *arg;
	uint64_t touches;
	/* a copy under way */
	void (*copy)(void *arg, struct openflow *f); /* NULL = none */
	uint32_t copies, copy_at, copy_end;
};

struct flow_table *flow_table_new(uint64_t max, void (*evict)(void *arg, struct openflow *f), void *arg)
{
	struct flow_table *t = xcalloc(1, sizeof *t);
	uint32_t n = 1024;
	t->max = max < 64 ? 64 : max;
	while (n < t->max && n < 1u << 28)
		n *= 2;
	t->mask = n - 1;
	t->buckets = xmalloc(n * sizeof *t->buckets);
	t->free = xmalloc(t->max * sizeof *t->free);
	t->pool = mmap(NULL, t->max * sizeof *t->pool, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);
	if (t->pool == MAP_FAILED)
		fatal("table of open flows");
	memset(t->buckets, 0xff, n * sizeof *t->buckets);
	t->oldest = t->newest = NONE;
	t->evict = evict;
	t->arg = arg;
	return t;
}

static void release(struct openflow *f)
{
	free(f->verdict);
	free(f->lua_alerts);
	free(f->predominant);
	free(f->why);
	free(f->lists);
	free(f->excluded);
	f->verdict = f->lua_alerts = f->predominant = f->why = f->lists = f->excluded = NULL;
}

void flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->n_used; i++)
		release(&t->pool[i]);
	munmap(t->pool, t->max * sizeof *t->pool);
	free(t->buckets);
	free(t->free);
	free(t);
}

static void lru_remove(struct flow_table *t, struct openflow *f)
{
	if (f->lru_prev != NONE)
		t->pool[f->lru_prev].lru_next = f->lru_next;
	else
		t->oldest = f->lru_next;
	if (f->lru_next != NONE)
		t->pool[f->lru_next].lru_prev = f->lru_prev;
	else
		t->newest = f->lru_prev;
}

static void lru_append(struct flow_table *t, struct openflow *f)
{
	uint32_t i = (uint32_t)(f - t->pool);
	f->lru_prev = t->newest;
	f->lru_next = NONE;
	if (t->newest != NONE)
		t->pool[t->newest].lru_next = i;
	else
		t->oldest = i;
	t->newest = i;
	f->touched = ++t->touches;
}

void flow_will_change(struct flow_table *t, struct openflow *f)
{
	if (!t->copy || f->copied == t->copies)
		return;
	f->copied = t->copies;
	t->copy(t->arg, f);
}

void flow_copy_begin(struct flow_table *t, void (*copy)(void *arg, struct openflow *f))
{
	t->copy = copy;
	t->copies++;
	t->copy_at = 0;
	t->copy_end = t->n_used;
}

bool flow_copy_step(struct flow_table *t, unsigned n)
{
	for (; n && t->copy_at < t->copy_end; t->copy_at++)
		if (t->pool[t->copy_at].used && t->pool[t->copy_at].copied != t->copies) {
			flow_will_change(t, &t->pool[t->copy_at]);
			n--;
		}
	if (t->copy_at < t->copy_end)
		return true;
	t->copy = NULL;
	return false;
}

/* The lower half of an id is a hash already. */
static uint32_t *bucket_of(const struct flow_table *t, struct id id)
{
	return &t->buckets[id.lo & t->mask];
}

void flow_remove(struct flow_table *t, struct openflow *f)
{
	uint32_t i = (uint32_t)(f - t->pool), *p = bucket_of(t, f->id);
	flow_will_change(t, f);
	while (*p != i)
		p = &t->pool[*p].hash_next;
	*p = f->hash_next;
	lru_remove(t, f);
	release(f);
	f->used = false;
	t->free[t->n_free++] = i;
	t->count--;
}

struct openflow *flow_get(struct flow_table *t, struct id id, bool *ret_new)
{
	uint32_t *b = bucket_of(t, id);
	*ret_new = false;
	for (uint32_t i = *b; i != NONE; i = t->pool[i].hash_next)
		if (id_cmp(t->pool[i].id, id) == 0) {
			flow_will_change(t, &t->pool[i]);
			return &t->pool[i];
		}
	if (!t->n_free && t->n_used == t->max) {
		struct openflow *old = &t->pool[t->oldest];
		t->evicted++;
		flow_will_change(t, old);
		t->evict(t->arg, old);
		flow_remove(t, old);
	}
	uint32_t i = t->n_free ? t->free[--t->n_free] : t->n_used++;
	struct openflow *f = &t->pool[i];
	memset(f, 0, sizeof *f);
	f->used = true;
	f->id = id;
	f->copied = t->copies;
	f->hash_next = *b;
	*b = i;
	lru_append(t, f);
	t->count++;
	*ret_new = true;
	return f;
}

void flow_touch(struct flow_table *t, struct openflow *f)
{
	lru_remove(t, f);
	lru_append(t, f);
}

bool flow_full(const struct flow_table *t)
{
	return t->count == t->max;
}

struct openflow *flow_oldest(const struct flow_table *t)
{
	return t->oldest == NONE ? NULL : &t->pool[t->oldest];
}

struct openflow *flow_newer(const struct flow_table *t, const struct openflow *f)
{
	return f->lru_next == NONE ? NULL : &t->pool[f->lru_next];
}

static int by_touch(const void *a, const void *b)
{
	const struct openflow *x = *(struct openflow *const *)a, *y = *(struct openflow *const *)b;
	return x->touched < y->touched ? -1 : x->touched > y->touched;
}

void flow_table_restored(struct flow_table *t, uint64_t evicted)
{
	struct openflow **all = xmalloc((t->n_used + 1ull) * sizeof *all);
	uint32_t n = 0;
	for (uint32_t i = 0; i < t->n_used; i++)
		if (t->pool[i].used)
			all[n++] = &t->pool[i];
	qsort(all, n, sizeof *all, by_touch);
	t->oldest = t->newest = NONE;
	t->touches = 0;
	for (uint32_t i = 0; i < n; i++)
		lru_append(t, all[i]);
	free(all);
	t->evicted = evicted;
}

uint64_t flow_count(const struct flow_table *t)
{
	return t->count;
}

uint64_t flow_evicted(const struct flow_table *t)
{
	return t->evicted;
}

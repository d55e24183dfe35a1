#include "flowstate.h"

#include <stdlib.h>

#include "buf.h"

struct flow_table {
	struct aged_table all;
	void (*evict)(void *arg, struct openflow *f);
	void (*copy)(void *arg, struct openflow *f);
	void *arg;
};

/* The lower half of an id is a hash already. */
static uint32_t hash_of(const void *owner, const struct aged *a)
{
	(void)owner;
	return (uint32_t)((const struct openflow *)a)->id.lo;
}

static void evict(void *owner, struct aged *a)
{
	struct flow_table *t = owner;
	t->evict(t->arg, (struct openflow *)a);
}

static void copy(void *owner, struct aged *a)
{
	struct flow_table *t = owner;
	t->copy(t->arg, (struct openflow *)a);
}

static void release(struct aged *a)
{
	struct openflow *f = (struct openflow *)a;
	free(f->app);
	free(f->lua_alerts);
	free(f->lua_top);
	free(f->why);
	free(f->lists);
	free(f->excluded);
}

static const struct aged_ops ops = { "table of open flows", hash_of, evict, release, copy };

struct flow_table *flow_table_new(uint64_t max, void (*on_evict)(void *arg, struct openflow *f), void *arg)
{
	struct flow_table *t = xcalloc(1, sizeof *t);
	aged_init(&t->all, max, sizeof(struct openflow), &ops, t);
	t->evict = on_evict;
	t->arg = arg;
	return t;
}

void flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	aged_done(&t->all);
	free(t);
}

struct openflow *flow_get(struct flow_table *t, struct id id, bool *ret_new)
{
	struct openflow *f;
	for (struct aged *a = aged_first(&t->all, (uint32_t)id.lo); a; a = aged_next(&t->all, a)) {
		f = (struct openflow *)a;
		if (id_cmp(f->id, id) == 0) {
			aged_will_change(&t->all, a);
			*ret_new = false;
			return f;
		}
	}
	f = (struct openflow *)aged_add(&t->all, (uint32_t)id.lo);
	f->id = id;
	*ret_new = true;
	return f;
}

void flow_touch(struct flow_table *t, struct openflow *f)
{
	aged_touch(&t->all, &f->age);
}

void flow_remove(struct flow_table *t, struct openflow *f)
{
	aged_remove(&t->all, &f->age);
}

bool flow_full(const struct flow_table *t)
{
	return t->all.count == t->all.max;
}

struct openflow *flow_oldest(const struct flow_table *t)
{
	return (struct openflow *)aged_oldest(&t->all);
}

struct openflow *flow_newer(const struct flow_table *t, const struct openflow *f)
{
	return (struct openflow *)aged_newer(&t->all, &f->age);
}

void flow_copy_begin(struct flow_table *t, void (*on_copy)(void *arg, struct openflow *f))
{
	t->copy = on_copy;
	aged_copy_begin(&t->all);
}

bool flow_copy_step(struct flow_table *t, unsigned n)
{
	return aged_copy_step(&t->all, n);
}

void flow_will_change(struct flow_table *t, struct openflow *f)
{
	aged_will_change(&t->all, &f->age);
}

void flow_table_restored(struct flow_table *t, uint64_t evicted)
{
	aged_restored(&t->all, evicted);
}

uint64_t flow_count(const struct flow_table *t)
{
	return t->all.count;
}

uint64_t flow_evicted(const struct flow_table *t)
{
	return t->all.evicted;
}

#include "learn.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"

#define ROW 8

void learn_init(struct learn_set *s, uint32_t n)
{
	*s = (struct learn_set){ .slots = xcalloc(n, sizeof *s->slots), .n = n };
}

void learn_release(struct learn_set *s)
{
	free(s->slots);
	s->slots = NULL;
}

static struct learned *row_of(const struct learn_set *s, uint64_t key)
{
	return &s->slots[(key & (s->n / ROW - 1)) * ROW];
}

/* 0 marks what is free. */
static uint64_t sound(uint64_t key)
{
	return key ? key : 1;
}

struct learned *learn_find(const struct learn_set *s, uint64_t key)
{
	key = sound(key);
	struct learned *row = row_of(s, key);
	for (int i = 0; i < ROW; i++)
		if (row[i].key == key)
			return &row[i];
	return NULL;
}

struct learned *learn_get(struct learn_set *s, uint64_t key, uint64_t time, bool *ret_made)
{
	uint32_t now = (uint32_t)(time / 1000000000u);
	key = sound(key);
	struct learned *l = learn_find(s, key), *row = row_of(s, key);
	*ret_made = !l;
	if (!l) {
		l = row;
		for (int i = 1; i < ROW && l->key; i++)
			if (!row[i].key || row[i].last < l->last)
				l = &row[i];
		s->evicted += l->key != 0;
		s->count += l->key == 0;
		*l = (struct learned){ .key = key, .first = now };
	}
	if (now > l->last)
		l->last = now;
	return l;
}

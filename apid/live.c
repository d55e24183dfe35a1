#include "live.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "hash.h"

#define NONE UINT32_MAX

/* A flow's id and part, or a host's address and VLAN. */
struct key {
	uint8_t b[24];
};

struct entry {
	struct key key;
	char *raw;
	uint32_t len, hash_next, prev, next;
};

struct live {
	enum rtype type;
	struct entry *pool;
	uint32_t *buckets, *free;
	uint32_t mask, n_used, n_free, oldest, newest;
	uint64_t max, count;
	struct hash_key seed;
};

struct live *live_new(enum rtype type, uint64_t max)
{
	struct live *l = xcalloc(1, sizeof *l);
	uint32_t n = 1024;
	while (n < max)
		n *= 2;
	l->type = type;
	l->max = max;
	l->mask = n - 1;
	l->pool = xcalloc(max, sizeof *l->pool);
	l->buckets = xmalloc(n * sizeof *l->buckets);
	l->free = xmalloc(max * sizeof *l->free);
	l->seed = hash_key_random();
	memset(l->buckets, 0xff, n * sizeof *l->buckets);
	l->oldest = l->newest = NONE;
	return l;
}

void live_clear(struct live *l)
{
	for (uint32_t i = 0; i < l->n_used; i++) {
		free(l->pool[i].raw);
		l->pool[i].raw = NULL;
	}
	memset(l->buckets, 0xff, (l->mask + 1ull) * sizeof *l->buckets);
	l->n_used = l->n_free = 0;
	l->count = 0;
	l->oldest = l->newest = NONE;
}

void live_free(struct live *l)
{
	if (!l)
		return;
	live_clear(l);
	free(l->pool);
	free(l->buckets);
	free(l->free);
	free(l);
}

static struct key key_of(const struct live *l, const void *rec)
{
	struct key k = { { 0 } };
	if (l->type == R_FLOW) {
		const struct r_flow *f = rec;
		memcpy(k.b, &f->key.id, 16);
		memcpy(k.b + 16, &f->n.part, 4);
	} else {
		const struct r_host *h = rec;
		memcpy(k.b, &h->host.ip, 16);
		memcpy(k.b + 16, &h->host.vlan, 2);
	}
	return k;
}

static uint32_t *bucket_of(const struct live *l, const struct key *k)
{
	return &l->buckets[hash_sip13(l->seed, k, sizeof *k) & l->mask];
}

static void unlink_entry(struct live *l, struct entry *e)
{
	if (e->prev != NONE)
		l->pool[e->prev].next = e->next;
	else
		l->oldest = e->next;
	if (e->next != NONE)
		l->pool[e->next].prev = e->prev;
	else
		l->newest = e->prev;
}

static void append_entry(struct live *l, uint32_t i)
{
	struct entry *e = &l->pool[i];
	e->prev = l->newest;
	e->next = NONE;
	if (l->newest != NONE)
		l->pool[l->newest].next = i;
	else
		l->oldest = i;
	l->newest = i;
}

static void remove_entry(struct live *l, uint32_t i)
{
	struct entry *e = &l->pool[i];
	uint32_t *p = bucket_of(l, &e->key);
	while (*p != i)
		p = &l->pool[*p].hash_next;
	*p = e->hash_next;
	unlink_entry(l, e);
	free(e->raw);
	e->raw = NULL;
	l->free[l->n_free++] = i;
	l->count--;
}

void live_put(struct live *l, const void *rec, const char *raw, size_t len)
{
	struct key k = key_of(l, rec);
	uint32_t *b = bucket_of(l, &k), i = *b;
	while (i != NONE && memcmp(&l->pool[i].key, &k, sizeof k) != 0)
		i = l->pool[i].hash_next;
	if (i == NONE) {
		if (!l->n_free && l->n_used == l->max)
			remove_entry(l, l->oldest);
		i = l->n_free ? l->free[--l->n_free] : l->n_used++;
		l->pool[i] = (struct entry){ .key = k, .hash_next = *b };
		*b = i;
		append_entry(l, i);
		l->count++;
	} else {
		unlink_entry(l, &l->pool[i]);
		append_entry(l, i);
	}
	struct entry *e = &l->pool[i];
	e->raw = xrealloc(e->raw, len);
	memcpy(e->raw, raw, len);
	e->len = (uint32_t)len;
}

uint64_t live_count(const struct live *l)
{
	return l->count;
}

/* -- pages -- */

struct hit {
	int64_t value;
	uint64_t tie; /* hash of the key: the same whatever comes and goes */
	uint32_t index;
};

static int64_t sort_value(const struct live_query *q, const void *rec)
{
	const char *v = (const char *)rec + q->sort_off;
	switch (q->sort->type) {
	case FT_U16:
		return *(const uint16_t *)v;
	case FT_U32:
		return *(const uint32_t *)v;
	case FT_U64:
	case FT_TIME:
	case FT_DUR:
		return (int64_t)*(const uint64_t *)v;
	default:
		return *(const uint8_t *)v;
	}
}

static int ascending(const void *x, const void *y)
{
	const struct hit *a = x, *b = y;
	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return a->tie < b->tie ? -1 : a->tie > b->tie;
}

static int descending(const void *x, const void *y)
{
	return ascending(y, x);
}

union any {
	struct r_flow flow;
	struct r_host host;
};

static bool decode(const struct live *l, uint32_t i, union any *rec)
{
	struct codec_reader r = { .base = l->pool[i].raw, .len = l->pool[i].len };
	return codec_read(&r, rec) == 1;
}

int live_page(const struct live *l, const struct live_query *q, void (*cb)(void *arg, const void *rec, const char *base),
	      void *arg, char next[64], uint64_t *total)
{
	static union any rec;
	struct hit *hits = xmalloc((l->count + 1) * sizeof *hits), at = { 0, 0, 0 };
	size_t n = 0, from = 0;
	*next = '\0';
	if (q->cursor && sscanf(q->cursor, "%" SCNd64 ".%" SCNx64, &at.value, &at.tie) != 2) {
		free(hits);
		return -1;
	}
	for (uint32_t i = l->newest; i != NONE; i = l->pool[i].prev) {
		if (!decode(l, i, &rec) || !match_eval(q->match, &rec, l->pool[i].raw))
			continue;
		hits[n++] = (struct hit){ sort_value(q, &rec), hash_content(&l->pool[i].key, sizeof(struct key), 0), i };
	}
	*total = n;
	qsort(hits, n, sizeof *hits, q->desc ? descending : ascending);
	while (q->cursor && from < n && (q->desc ? descending : ascending)(&hits[from], &at) <= 0)
		from++;
	for (size_t k = from; k < n && k < from + q->limit; k++) {
		if (decode(l, hits[k].index, &rec))
			cb(arg, &rec, l->pool[hits[k].index].raw);
		if (k + 1 == from + q->limit && k + 1 < n)
			snprintf(next, 64, "%" PRId64 ".%016" PRIx64, hits[k].value, hits[k].tie);
	}
	free(hits);
	return 0;
}

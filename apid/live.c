#include "live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "hash.h"
#include "order.h"

#define NONE UINT32_MAX

/* A flow's id and part, or a host's address and VLAN. */
struct key {
	uint8_t b[24];
};

struct entry {
	struct key key;
	char *raw;
	uint64_t version; /* grows with each record of the same thing */
	struct order_link age;
	uint32_t len, hash_next;
};

#define N_SORTS 3

struct live {
	enum rtype type;
	struct entry *pool;
	uint32_t *buckets, *free;
	uint32_t mask, n_used, n_free;
	struct order by_age; /* the one changed longest ago first */
	uint64_t max, count, evicted;
	struct hash_key seed;
	/* What lists are mostly sorted by, for each place of the pool: a page of all records needs not read them. */
	struct live_key sorts[N_SORTS];
	uint64_t *values[N_SORTS];
	bool *used;
	void (*watch)(void *arg, const struct live_change *c);
	void *watch_arg;
};

union any {
	struct r_flow flow;
	struct r_host host;
	struct r_tally tally;
	struct r_check check;
	struct r_interface interface;
};

static bool decode(const struct live *l, uint32_t i, union any *rec)
{
	struct codec_reader r = { .base = l->pool[i].raw, .len = l->pool[i].len };
	return codec_read(&r, rec) == 1;
}

/* A field, or the sum of both ways; '-' before it: descending. */
static bool parse_key(enum rtype type, const char *text, size_t len, struct live_key *ret)
{
	const struct rdesc *rd = rdesc_get(type);
	char name[64], part[72];
	bool sum = false;
	*ret = (struct live_key){ .desc = len && *text == '-' };
	snprintf(name, sizeof name, "%.*s", (int)(len - ret->desc), text + ret->desc);
	ret->field = len < sizeof name ? rdesc_field(rd, name, &ret->off) : NULL;
	if (!ret->field && (strcmp(name, "bytes") == 0 || strcmp(name, "packets") == 0)) {
		sum = true;
		snprintf(part, sizeof part, type == R_FLOW ? "client.%s" : "%s_sent", name);
		ret->field = rdesc_field(rd, part, &ret->off);
		snprintf(part, sizeof part, type == R_FLOW ? "server.%s" : "%s_rcvd", name);
		if (!rdesc_field(rd, part, &ret->off2))
			return false;
	}
	return ret->field && (sum || (ret->field->type != FT_F64 && ret->field->type != FT_MAP && ret->field->type != FT_BIN));
}

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
	l->used = xcalloc(max, sizeof *l->used);
	for (int i = 0; i < N_SORTS; i++) {
		static const char *const names[N_SORTS] = { "last", "bytes", "score" };
		parse_key(type, names[i], strlen(names[i]), &l->sorts[i]);
		l->values[i] = xcalloc(max, sizeof *l->values[i]);
	}
	l->seed = hash_key_random();
	memset(l->buckets, 0xff, n * sizeof *l->buckets);
	l->by_age = ORDER_EMPTY;
	return l;
}

void live_clear(struct live *l)
{
	for (uint32_t i = 0; i < l->n_used; i++) {
		free(l->pool[i].raw);
		l->pool[i].raw = NULL;
		l->used[i] = false;
	}
	memset(l->buckets, 0xff, (l->mask + 1ull) * sizeof *l->buckets);
	l->n_used = l->n_free = 0;
	l->count = 0;
	l->by_age = ORDER_EMPTY;
}

void live_free(struct live *l)
{
	if (!l)
		return;
	live_clear(l);
	free(l->pool);
	free(l->buckets);
	free(l->free);
	for (int i = 0; i < N_SORTS; i++)
		free(l->values[i]);
	free(l->used);
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

static void remove_entry(struct live *l, uint32_t i)
{
	struct entry *e = &l->pool[i];
	uint32_t *p = bucket_of(l, &e->key);
	while (*p != i)
		p = &l->pool[*p].hash_next;
	*p = e->hash_next;
	order_remove(&l->by_age, &l->pool->age, sizeof *l->pool, i);
	free(e->raw);
	e->raw = NULL;
	l->used[i] = false;
	l->free[l->n_free++] = i;
	l->count--;
}

static uint64_t number_at(const struct field *f, const char *v)
{
	switch (f->type) {
	case FT_U16:
		return *(const uint16_t *)(const void *)v;
	case FT_U32:
		return *(const uint32_t *)(const void *)v;
	case FT_U64:
	case FT_TIME:
	case FT_DUR:
		return *(const uint64_t *)(const void *)v;
	default:
		return *(const uint8_t *)v;
	}
}

static uint64_t sort_number(const struct live_key *k, const char *rec)
{
	return number_at(k->field, rec + k->off) + (k->off2 ? number_at(k->field, rec + k->off2) : 0);
}

/* i: the entry that changes, NONE = a new one; now: NULL = it goes. */
static void tell(struct live *l, uint32_t i, const void *now, const char *now_base)
{
	union any before;
	struct live_change c = { .now = now, .now_base = now_base };
	if (!l->watch)
		return;
	if (i != NONE && decode(l, i, &before)) {
		c.before = &before;
		c.before_base = l->pool[i].raw;
	}
	l->watch(l->watch_arg, &c);
}

static void evict(struct live *l)
{
	tell(l, l->by_age.first, NULL, NULL);
	remove_entry(l, l->by_age.first);
	l->evicted++;
}

uint64_t live_evicted(const struct live *l)
{
	return l->evicted;
}

static uint64_t version_of(const struct live *l, const void *rec)
{
	return l->type == R_FLOW ? ((const struct r_flow *)rec)->judge.revision : ((const struct r_host *)rec)->host.time;
}

void live_watch(struct live *l, void (*cb)(void *arg, const struct live_change *c), void *arg)
{
	l->watch = cb;
	l->watch_arg = arg;
}

static void put(struct live *l, const struct key *k, uint64_t version, const void *rec, const char *base, const char *raw,
		size_t len, bool old)
{
	uint32_t *b = bucket_of(l, k), i = *b;
	while (i != NONE && memcmp(&l->pool[i].key, k, sizeof *k) != 0)
		i = l->pool[i].hash_next;
	if (i == NONE) {
		bool full = !l->n_free && l->n_used == l->max;
		if (full && old)
			return;
		if (full)
			evict(l);
		tell(l, NONE, rec, base);
		i = l->n_free ? l->free[--l->n_free] : l->n_used++;
		l->pool[i] = (struct entry){ .key = *k, .hash_next = *b };
		*b = i;
		order_append(&l->by_age, &l->pool->age, sizeof *l->pool, i);
		l->count++;
	} else if (old && version < l->pool[i].version) {
		return;
	} else {
		tell(l, i, rec, base);
		order_remove(&l->by_age, &l->pool->age, sizeof *l->pool, i);
		order_append(&l->by_age, &l->pool->age, sizeof *l->pool, i);
	}
	struct entry *e = &l->pool[i];
	e->raw = xrealloc(e->raw, len);
	memcpy(e->raw, raw, len);
	e->len = (uint32_t)len;
	e->version = version;
	l->used[i] = true;
	for (int v = 0; v < N_SORTS; v++)
		l->values[v][i] = l->sorts[v].field ? sort_number(&l->sorts[v], rec) : 0; /* not all types have it */
}

void live_put(struct live *l, const void *rec, const char *base, const char *raw, size_t len)
{
	struct key k = key_of(l, rec);
	put(l, &k, version_of(l, rec), rec, base, raw, len, false);
}

void live_put_old(struct live *l, const void *rec, const char *base, const char *raw, size_t len)
{
	struct key k = key_of(l, rec);
	put(l, &k, version_of(l, rec), rec, base, raw, len, true);
}

void live_put_named(struct live *l, const char *name, size_t name_len, const void *rec, const char *base)
{
	struct key k = { { 0 } };
	struct buf raw = { 0 };
	uint64_t hash[2];
	hash_content128(name, name_len, 0, hash);
	memcpy(k.b, hash, sizeof hash);
	codec_pack(&raw, l->type, rec, base);
	put(l, &k, 0, rec, base, raw.p, raw.len, false);
	buf_release(&raw);
}

uint64_t live_max(const struct live *l)
{
	return l->max;
}

bool live_find(const struct live *l, const void *like, void (*cb)(void *arg, const void *rec, const char *base), void *arg)
{
	union any rec;
	struct key k = key_of(l, like);
	uint32_t i = *bucket_of(l, &k);
	while (i != NONE && memcmp(&l->pool[i].key, &k, sizeof k) != 0)
		i = l->pool[i].hash_next;
	if (i == NONE || !decode(l, i, &rec))
		return false;
	if (cb)
		cb(arg, &rec, l->pool[i].raw);
	return true;
}

uint64_t live_count(const struct live *l)
{
	return l->count;
}

/* -- pages -- */

#define KEY_BYTES  48 /* of all that is sorted by */
#define TEXT_BYTES 24 /* of a text */

/*
 * Where a record stands in a list: bytes that sort as the values do (inverted when descending), one after the other, then a hash of
 * what the record is about, which is the same whatever comes and goes. A cursor is the place of the last record given out.
 */
struct hit {
	uint8_t place[KEY_BYTES + 8];
	uint32_t index;
};

static void put_number(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

static uint64_t get_number(const uint8_t *p)
{
	uint64_t v = 0;
	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static unsigned width_of(const struct field *f)
{
	switch (f->type) {
	case FT_ADDR:
	case FT_ID:
		return 16;
	case FT_MAC:
		return 6;
	case FT_STR:
	case FT_LIST:
		return TEXT_BYTES;
	default:
		return 8;
	}
}

static void put_value(uint8_t *p, const struct live_key *k, const char *rec, const char *base)
{
	const char *v = rec + k->off;
	const struct str *str = (const void *)v;
	const struct id *id = (const void *)v;
	switch (k->field->type) {
	case FT_ADDR:
		memcpy(p, v, 16);
		break;
	case FT_MAC:
		memcpy(p, v, 6);
		break;
	case FT_ID:
		put_number(p, id->hi);
		put_number(p + 8, id->lo);
		break;
	case FT_STR:
	case FT_LIST:
		memcpy(p, base + str->off, str->len < TEXT_BYTES ? str->len : TEXT_BYTES);
		break;
	default:
		put_number(p, sort_number(k, rec));
	}
}

/* The end of a place whose first bytes are the values. */
static void end_place(const struct live *l, uint32_t i, struct hit *h)
{
	h->index = i;
	put_number(h->place + KEY_BYTES, hash_content(&l->pool[i].key, sizeof(struct key), 0));
}

static void place_of(const struct live *l, const struct live_sort *sort, uint32_t i, const void *rec, struct hit *h)
{
	uint8_t *p = h->place;
	memset(p, 0, KEY_BYTES);
	for (unsigned n = 0; n < sort->n; n++) {
		const struct live_key *k = &sort->key[n];
		unsigned width = width_of(k->field);
		put_value(p, k, rec, l->pool[i].raw);
		for (unsigned b = 0; b < width && k->desc; b++)
			p[b] = (uint8_t)~p[b];
		p += width;
	}
	end_place(l, i, h);
}

/* The same of an order by one number; it is inverted already when it descends. */
static void put_place(const struct live *l, uint32_t i, uint64_t number, struct hit *h)
{
	memset(h->place, 0, KEY_BYTES);
	put_number(h->place, number);
	end_place(l, i, h);
}

static int compare(const void *x, const void *y)
{
	return memcmp(((const struct hit *)x)->place, ((const struct hit *)y)->place, KEY_BYTES + 8);
}

/* A heap of the best n, the worst of them on top. */
struct best {
	struct hit *hits;
	size_t n, max;
};

static void sink_down(struct best *b, size_t i)
{
	for (;;) {
		size_t worst = i;
		for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < b->n; c++)
			if (compare(&b->hits[c], &b->hits[worst]) > 0)
				worst = c;
		if (worst == i)
			return;
		struct hit h = b->hits[i];
		b->hits[i] = b->hits[worst];
		b->hits[worst] = h;
		i = worst;
	}
}

static void add_best(struct best *b, const struct hit *h)
{
	if (b->n < b->max) {
		b->hits[b->n++] = *h;
		if (b->n == b->max)
			for (size_t i = b->n / 2; i-- > 0;)
				sink_down(b, i);
		return;
	}
	if (compare(h, &b->hits[0]) >= 0)
		return;
	b->hits[0] = *h;
	sink_down(b, 0);
}

void live_each(const struct live *l, const struct match *m, bool (*cb)(void *arg, const void *rec, const char *base), void *arg)
{
	union any rec; /* of this walk: cb may begin another one */
	for (uint32_t i = l->by_age.last; i != ORDER_NONE; i = l->pool[i].age.prev)
		if (decode(l, i, &rec) && (!m || match_eval(m, &rec, l->pool[i].raw)) && !cb(arg, &rec, l->pool[i].raw))
			return;
}

bool live_sort_parse(enum rtype type, const char *text, struct live_sort *ret)
{
	unsigned width = 0;
	*ret = (struct live_sort){ 0 };
	do {
		size_t len = strcspn(text, ",");
		if (ret->n == LIVE_KEYS || !parse_key(type, text, len, &ret->key[ret->n]))
			return false;
		width += width_of(ret->key[ret->n++].field);
		text += len;
	} while (*text++);
	return width <= KEY_BYTES;
}

/* -- cursors: "<hash of the question>.<place>" in hex -- */

/* 0, or what live_page returns. */
static int read_cursor(const struct live_query *q, uint8_t *place)
{
	const char *s = q->cursor;
	char question[9];
	snprintf(question, sizeof question, "%08x", q->question);
	if (strlen(s) != 9 + 2 * (KEY_BYTES + 8) || s[8] != '.')
		return -1;
	if (strncmp(s, question, 8) != 0)
		return -2;
	for (int i = 0; i < KEY_BYTES + 8; i++) {
		unsigned v;
		if (strspn(s + 9 + 2 * i, "0123456789abcdef") < 2 || sscanf(s + 9 + 2 * i, "%2x", &v) != 1)
			return -1;
		place[i] = (uint8_t)v;
	}
	return 0;
}

static void write_cursor(const struct live_query *q, const uint8_t *place, char out[static LIVE_CURSOR])
{
	int n = snprintf(out, LIVE_CURSOR, "%08x.", q->question);
	for (int i = 0; i < KEY_BYTES + 8; i++)
		n += snprintf(out + n, LIVE_CURSOR - (size_t)n, "%02x", place[i]);
}

/* A page being looked for. */
struct search {
	const struct live_query *q;
	struct hit from;  /* where the cursor is */
	struct best best;
	uint64_t total, after; /* all that match; those behind the cursor */
};

static void take_hit(struct search *s, const struct hit *h)
{
	s->total++;
	if (s->q->cursor && compare(h, &s->from) <= 0)
		return;
	s->after++;
	add_best(&s->best, h);
}

static void search_records(const struct live *l, struct search *s)
{
	union any rec;
	struct hit h;
	for (uint32_t i = l->by_age.last; i != ORDER_NONE; i = l->pool[i].age.prev) {
		if (!decode(l, i, &rec) || (s->q->match && !match_eval(s->q->match, &rec, l->pool[i].raw)))
			continue;
		place_of(l, &s->q->sort, i, &rec, &h);
		take_hit(s, &h);
	}
}

/* The values that are held for this order; NULL if there are none. */
static const uint64_t *values_of(const struct live *l, const struct live_sort *sort)
{
	const struct live_key *k = sort->key;
	for (int i = 0; i < N_SORTS && sort->n == 1; i++)
		if (l->sorts[i].field == k->field && l->sorts[i].off == k->off && l->sorts[i].off2 == k->off2)
			return l->values[i];
	return NULL;
}

/*
 * The same for all records and an order whose values are held: what cannot get into the page is not touched. What came last is
 * looked at first: lists begin with the latest mostly, and then few get into the page just to be driven out again.
 */
static void search_values(const struct live *l, struct search *s, const uint64_t *values)
{
	uint64_t flip = s->q->sort.key[0].desc ? UINT64_MAX : 0, from = s->q->cursor ? get_number(s->from.place) : 0;
	struct hit h = { { 0 }, 0 };
	for (uint32_t i = l->n_used; i-- > 0;) {
		uint64_t place = values[i] ^ flip;
		bool behind = place > from, full = s->best.n == s->best.max;
		if (!l->used[i])
			continue;
		if (behind && full && place > get_number(s->best.hits[0].place)) {
			s->total++;
			s->after++;
			continue;
		}
		put_place(l, i, place, &h);
		take_hit(s, &h);
	}
}

int live_page(const struct live *l, const struct live_query *q, void (*cb)(void *arg, const void *rec, const char *base),
	      void *arg, char next[static LIVE_CURSOR], uint64_t *total)
{
	struct search s = { .q = q };
	*next = '\0';
	*total = 0;
	int rc = q->cursor ? read_cursor(q, s.from.place) : 0;
	if (rc < 0)
		return rc;
	s.best = (struct best){ xmalloc((q->limit + 1) * sizeof *s.best.hits), 0, q->limit };
	const uint64_t *values = q->match ? NULL : values_of(l, &q->sort);
	if (values)
		search_values(l, &s, values);
	else
		search_records(l, &s);
	qsort(s.best.hits, s.best.n, sizeof *s.best.hits, compare);
	for (size_t k = 0; k < s.best.n; k++) {
		union any rec;
		if (decode(l, s.best.hits[k].index, &rec))
			cb(arg, &rec, l->pool[s.best.hits[k].index].raw);
	}
	if (s.after > s.best.n && s.best.n)
		write_cursor(q, s.best.hits[s.best.n - 1].place, next);
	free(s.best.hits);
	*total = s.total;
	return 0;
}

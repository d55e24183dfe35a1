#include "window.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "order.h"

#define STEPS 10
#define NONE  UINT32_MAX
#define MAGIC 0x316e6977u /* "win1": changes with struct entry */

/* Value of the counter when a step of the window began. */
struct step {
	uint64_t number; /* time / width */
	double value;
};

/* What is kept of a key; written to snapshots as it is. */
struct kept {
	struct window_key key;
	double last;
	uint64_t since; /* a condition holds, or the counter was last seen */
	uint32_t n;
	uint32_t spare;
	struct step step[STEPS]; /* oldest first */
};

struct entry {
	struct kept k;
	struct order_link age;
	uint32_t hash_next;
};

struct windows {
	struct entry *e;
	uint32_t *buckets;
	uint32_t mask, n_used, free;
	struct order by_age; /* the one that moved longest ago first */
	uint64_t max, cap, count, evicted;
	struct hash_key seed;
};

struct windows *windows_new(uint64_t max)
{
	struct windows *w = xcalloc(1, sizeof *w);
	uint32_t n = 64;
	w->max = max < 1 ? 1 : max < NONE ? max : NONE - 1;
	while (n < w->max && n < 1u << 24)
		n *= 2;
	w->mask = n - 1;
	w->buckets = xmalloc(n * sizeof *w->buckets);
	memset(w->buckets, 0xff, n * sizeof *w->buckets);
	w->free = NONE;
	w->by_age = ORDER_EMPTY;
	w->seed = hash_key_random();
	return w;
}

void windows_free(struct windows *w)
{
	if (!w)
		return;
	free(w->e);
	free(w->buckets);
	free(w);
}

static uint32_t *bucket_of(struct windows *w, const struct window_key *key)
{
	return &w->buckets[hash_sip13(w->seed, key, sizeof *key) & w->mask];
}

static struct entry *find(struct windows *w, const struct window_key *key)
{
	for (uint32_t i = *bucket_of(w, key); i != NONE; i = w->e[i].hash_next)
		if (memcmp(&w->e[i].k.key, key, sizeof *key) == 0)
			return &w->e[i];
	return NULL;
}

static void drop(struct windows *w, uint32_t i)
{
	struct entry *e = &w->e[i];
	uint32_t *p = bucket_of(w, &e->k.key);
	while (*p != i)
		p = &w->e[*p].hash_next;
	*p = e->hash_next;
	order_remove(&w->by_age, &w->e->age, sizeof *w->e, i);
	e->hash_next = w->free;
	w->free = i;
	w->count--;
}

static uint32_t take_slot(struct windows *w)
{
	if (w->count == w->max) {
		w->evicted++;
		drop(w, w->by_age.first);
	}
	if (w->free != NONE) {
		uint32_t i = w->free;
		w->free = w->e[i].hash_next;
		return i;
	}
	if (w->n_used == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 64;
		if (w->cap > w->max)
			w->cap = w->max;
		w->e = xrealloc(w->e, w->cap * sizeof *w->e);
	}
	return w->n_used++;
}

/* Finds or makes, and marks as the newest. */
static struct entry *get(struct windows *w, const struct window_key *key, bool *ret_new)
{
	struct entry *e = find(w, key);
	*ret_new = !e;
	if (e) {
		uint32_t at = (uint32_t)(e - w->e);
		order_remove(&w->by_age, &w->e->age, sizeof *w->e, at);
		order_append(&w->by_age, &w->e->age, sizeof *w->e, at);
		return e;
	}
	uint32_t i = take_slot(w), *bucket = bucket_of(w, key);
	e = &w->e[i];
	memset(e, 0, sizeof *e);
	e->k.key = *key;
	e->hash_next = *bucket;
	*bucket = i;
	order_append(&w->by_age, &w->e->age, sizeof *w->e, i);
	w->count++;
	return e;
}

/* -- windows -- */

static uint64_t width_of(uint64_t length)
{
	return length >= STEPS ? length / STEPS : 1;
}

/* Steps that the window has left behind go. */
static void age(struct kept *k, uint64_t now)
{
	uint32_t gone = 0;
	while (gone < k->n && k->step[gone].number + STEPS <= now)
		gone++;
	k->n -= gone;
	memmove(k->step, k->step + gone, k->n * sizeof *k->step);
}

/* The counter when a step began, if nothing was noted then: what it was when the next one did. */
static void make_step(struct kept *k, uint64_t number)
{
	uint32_t i = k->n;
	while (i > 0 && k->step[i - 1].number > number)
		i--;
	if (i > 0 && k->step[i - 1].number == number)
		return;
	double value = i < k->n ? k->step[i].value : k->last;
	memmove(k->step + i + 1, k->step + i, (k->n - i) * sizeof *k->step);
	k->step[i] = (struct step){ number, value };
	k->n++;
}

/* The counter grew evenly from one time to another; what is before the window is left out. */
static double grow(struct kept *k, uint64_t from, uint64_t time, uint64_t length, double growth)
{
	uint64_t width = width_of(length), now = time / width, first = from / width;
	if (k->n && k->step[k->n - 1].number > now) /* time that goes back counts in the step at hand */
		first = now = k->step[k->n - 1].number;
	age(k, now);
	if (first + STEPS <= now)
		first = now + 1 - STEPS;
	for (uint64_t number = first; number <= now; number++)
		make_step(k, number);
	for (uint32_t i = 0; i < k->n; i++) {
		uint64_t begin = k->step[i].number * width;
		if (begin > from && begin < time)
			k->step[i].value += growth * ((double)(begin - from) / (double)(time - from));
	}
	k->last += growth;
	return k->last - k->step[0].value;
}

/* Since when the growth at hand may have come: since the counter was last seen, and not longer ago than spread. */
static uint64_t grew_from(struct kept *k, uint64_t time, uint64_t spread)
{
	uint64_t from = time > spread ? time - spread : 0;
	if (k->since > from)
		from = k->since < time ? k->since : time;
	k->since = time;
	return from;
}

double windows_growth(struct windows *w, const struct window_key *key, uint64_t time, uint64_t length, uint64_t spread, double value,
		      bool fresh)
{
	bool is_new;
	struct kept *k = &get(w, key, &is_new)->k;
	if (is_new)
		k->last = fresh ? 0 : value;
	if (value < k->last) { /* began anew: all of it is growth, and comes on top */
		for (uint32_t i = 0; i < k->n; i++)
			k->step[i].value -= k->last;
		k->last = 0;
	}
	return grow(k, grew_from(k, time, spread), time, length, value - k->last);
}

void windows_add(struct windows *w, const struct window_key *key, uint64_t from, uint64_t time, uint64_t length, double growth)
{
	bool is_new;
	grow(&get(w, key, &is_new)->k, from, time, length, growth);
}

double windows_look(struct windows *w, const struct window_key *key, uint64_t time, uint64_t length)
{
	struct entry *e = find(w, key);
	if (!e)
		return 0;
	age(&e->k, time / width_of(length));
	return e->k.n ? e->k.last - e->k.step[0].value : 0;
}

double windows_step(struct windows *w, const struct window_key *key, uint64_t time, uint64_t spread, double value, bool fresh,
		    uint64_t *ret_from)
{
	bool is_new;
	struct kept *k = &get(w, key, &is_new)->k;
	double before = is_new ? fresh ? 0 : value : k->last;
	*ret_from = grew_from(k, time, spread);
	k->last = value;
	return value >= before ? value - before : value;
}

double windows_peak(struct windows *w, const struct window_key *key, uint64_t time, uint64_t keep, double value)
{
	bool is_new;
	struct kept *k = &get(w, key, &is_new)->k;
	if (is_new || value >= k->last - 1e-9 * k->last || k->since + keep < time) { /* sums of fractions are not exact */
		k->last = value;
		k->since = time;
	}
	return k->last;
}

uint64_t windows_since(struct windows *w, const struct window_key *key, uint64_t time, bool holds)
{
	bool is_new;
	struct kept *k = &get(w, key, &is_new)->k;
	if (!holds)
		k->since = 0;
	else if (!k->since)
		k->since = time;
	return k->since;
}

void windows_forget(struct windows *w, const struct window_key *key)
{
	struct entry *e = find(w, key);
	if (e)
		drop(w, (uint32_t)(e - w->e));
}

uint64_t windows_count(const struct windows *w)
{
	return w->count;
}

uint64_t windows_evicted(const struct windows *w)
{
	return w->evicted;
}

/* -- snapshots: what is kept, the oldest first -- */

void windows_save(const struct windows *w, struct buf *out)
{
	uint64_t head[2] = { MAGIC, w->count };
	buf_add(out, head, sizeof head);
	for (uint32_t i = w->by_age.first; i != ORDER_NONE; i = w->e[i].age.next)
		buf_add(out, &w->e[i].k, sizeof w->e[i].k);
}

static bool is_sound(const struct kept *k)
{
	for (uint32_t i = 1; i < k->n && i < STEPS; i++)
		if (k->step[i - 1].number >= k->step[i].number)
			return false;
	return k->n <= STEPS;
}

bool windows_load(struct windows *w, const char *p, size_t len)
{
	uint64_t head[2];
	struct kept k;
	if (len < sizeof head)
		return false;
	memcpy(head, p, sizeof head);
	if (head[0] != MAGIC || head[1] != (len - sizeof head) / sizeof k || (len - sizeof head) % sizeof k)
		return false;
	while (w->by_age.first != ORDER_NONE)
		drop(w, w->by_age.first);
	for (uint64_t i = 0; i < head[1]; i++) {
		bool is_new;
		memcpy(&k, p + sizeof head + i * sizeof k, sizeof k);
		if (!is_sound(&k))
			return false;
		get(w, &k.key, &is_new)->k = k;
	}
	return true;
}

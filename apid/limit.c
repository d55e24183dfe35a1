#include "limit.h"

#include <stdlib.h>

#include "buf.h"

#define SEC    1000000000ull
#define N_WAYS 8
#define N_SETS (LIMITS_MAX / N_WAYS)

struct asker {
	uint64_t who; /* 0: free */
	uint64_t last;
	struct bucket all, heavy;
	uint32_t running; /* heavy requests */
};

struct limits {
	struct limits_conf conf;
	struct asker sets[N_SETS][N_WAYS];
};

/* -- one bucket -- */

static uint64_t interval(const struct bucket_size *size)
{
	return SEC / size->rate;
}

/* Time that filling it up takes now. */
static uint64_t debt(const struct bucket *b, uint64_t now)
{
	return b->full_at > now ? b->full_at - now : 0;
}

bool bucket_take(struct bucket *b, const struct bucket_size *size, uint64_t now, uint64_t *ret_wait)
{
	if (!size->rate)
		return true;
	uint64_t after = debt(b, now) + interval(size), full = interval(size) * size->burst;
	if (after > full) {
		if (ret_wait)
			*ret_wait = after - full;
		return false;
	}
	b->full_at = now + after;
	return true;
}

uint32_t bucket_left(const struct bucket *b, const struct bucket_size *size, uint64_t now)
{
	uint64_t used = size->rate ? (debt(b, now) + interval(size) - 1) / interval(size) : 0;
	return used < size->burst ? (uint32_t)(size->burst - used) : 0;
}

/* -- who asks -- */

struct limits *limits_new(const struct limits_conf *conf)
{
	struct limits *l = xcalloc(1, sizeof *l);
	l->conf = *conf;
	return l;
}

void limits_free(struct limits *l)
{
	free(l);
}

/* Whose place it is, or one to take; NULL if everybody there has heavy requests running. */
static struct asker *find(struct limits *l, uint64_t who)
{
	struct asker *set = l->sets[who % N_SETS], *oldest = NULL;
	who = who ? who : 1;
	for (struct asker *a = set; a < set + N_WAYS; a++) {
		if (a->who == who)
			return a;
		if (!a->running && (!oldest || a->last < oldest->last))
			oldest = a;
	}
	if (oldest)
		*oldest = (struct asker){ .who = who };
	return oldest;
}

static uint32_t seconds_up(uint64_t ns)
{
	return (uint32_t)((ns + SEC - 1) / SEC);
}

struct limit_state limits_take(struct limits *l, uint64_t who, uint64_t now)
{
	const struct bucket_size *size = &l->conf.all;
	struct limit_state s = { .limit = size->rate ? size->burst : 0 };
	struct asker *a = find(l, who);
	uint64_t wait = SEC;
	if (!s.limit)
		return s;
	if (!a || !bucket_take(&a->all, size, now, &wait))
		s.wait = seconds_up(wait);
	if (!a)
		return s;
	a->last = now;
	s.remaining = bucket_left(&a->all, size, now);
	s.reset = seconds_up(debt(&a->all, now));
	return s;
}

uint32_t limits_begin_heavy(struct limits *l, uint64_t who, uint64_t now)
{
	struct asker *a = find(l, who);
	uint64_t wait;
	if (!a || (l->conf.heavy_at_once && a->running >= l->conf.heavy_at_once))
		return 1;
	a->last = now;
	if (!bucket_take(&a->heavy, &l->conf.heavy, now, &wait))
		return seconds_up(wait);
	a->running++;
	return 0;
}

void limits_end_heavy(struct limits *l, uint64_t who)
{
	struct asker *a = find(l, who);
	if (a && a->running)
		a->running--;
}

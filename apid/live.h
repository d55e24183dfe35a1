/*
 * What is going on now: the last record of each flow and host, bounded. Built from a snapshot and the stream of checks; can be
 * thrown away and built again at any time. Pure.
 */
#ifndef WEIR_LIVE_H
#define WEIR_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "match.h"
#include "record.h"

struct live;

/* A table of FLOW or HOST records; the one without news for longest makes room. */
struct live *live_new(enum rtype type, uint64_t max);
void live_free(struct live *l);
void live_clear(struct live *l);
/* Takes over a packed record; rec is its struct. A final HOST leaves the table, an ended flow stays until it makes room. */
void live_put(struct live *l, const void *rec, const char *raw, size_t len);
uint64_t live_count(const struct live *l);

struct live_query {
	const struct match *match;
	const struct field *sort; /* a number, time or enumeration */
	unsigned sort_off;
	bool desc;
	uint32_t limit;
	const char *cursor;       /* as given out before, or NULL */
};
/*
 * Calls cb for each record of a page, in order. next gets the cursor of the following page, "" if there is none; *total the
 * number that match. -1 if the cursor is not one that was given out.
 */
int live_page(const struct live *l, const struct live_query *q, void (*cb)(void *arg, const void *rec, const char *base),
	      void *arg, char next[64], uint64_t *total);

#endif

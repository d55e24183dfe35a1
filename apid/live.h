/*
 * What is going on now: the last record of each flow and host, bounded. Built from a snapshot and the stream of checks; can be
 * thrown away and built again at any time. Pure.
 */
#ifndef WEIR_LIVE_H
#define WEIR_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "match.h"
#include "record.h"

struct live;

/* A table of FLOW or HOST records, or of others (live_put_named); the one without news for longest makes room. */
struct live *live_new(enum rtype type, uint64_t max);
void live_free(struct live *l);
void live_clear(struct live *l);
/* Copies a packed record that stands alone; rec is its struct, base what its texts are in. An ended flow stays until it makes room. */
void live_put(struct live *l, const void *rec, const char *base, const char *raw, size_t len);
/* The same for a record that may be older than what is here: it replaces nothing newer and makes no room. */
void live_put_old(struct live *l, const void *rec, const char *base, const char *raw, size_t len);
/*
 * cb hears of each change: a record that comes (before is NULL), that takes another's place, that makes room (now is NULL).
 * live_clear is for whoever calls it to know.
 */
struct live_change {
	const void *before, *now;
	const char *before_base, *now_base;
};
void live_watch(struct live *l, void (*cb)(void *arg, const struct live_change *c), void *arg);
/*
 * The same for records of other types, TALLY, CHECK or INTERFACE, in tables that are made for one answer: each is known by a
 * name. base: of its texts.
 */
void live_put_named(struct live *l, const char *name, size_t name_len, const void *rec, const char *base);
/* Calls cb for each record that matches, the one with the latest news first, until it returns false. */
void live_each(const struct live *l, const struct match *m, bool (*cb)(void *arg, const void *rec, const char *base), void *arg);
uint64_t live_max(const struct live *l);
/* Calls cb for the record with the key of this one: id and part of a flow, address and VLAN of a host. False: there is none. cb may be NULL. */
bool live_find(const struct live *l, const void *like, void (*cb)(void *arg, const void *rec, const char *base), void *arg);
uint64_t live_count(const struct live *l);
uint64_t live_evicted(const struct live *l); /* made room */

#define LIVE_KEYS 6

/* What a list is sorted by: fields, or the sum of two. What is equal in the first is in the order of the second, and so on. */
struct live_sort {
	struct live_key {
		const struct field *field;
		unsigned off, off2;
		bool desc;
	} key[LIVE_KEYS];
	unsigned n;
};
/*
 * "last", "-bytes,ip" ...; false if records of this type cannot be sorted by it, or the values take more than 48 bytes: a number 8,
 * a MAC address 6, an IP address or an id 16, a text its first 24.
 */
bool live_sort_parse(enum rtype type, const char *text, struct live_sort *ret);

#define LIVE_CURSOR 128

struct live_query {
	const struct match *match; /* NULL: all */
	struct live_sort sort;
	uint32_t limit;
	uint32_t question;  /* hash of filter and sort: a cursor fits its own question only */
	const char *cursor; /* as given out before, or NULL */
};
/*
 * Calls cb for each record of a page, in order. next gets the cursor of the following page, "" if there is none; *total the
 * number that match. -1 if the cursor is none that was given out, -2 if it was for another question. Walking on with the cursor gives
 * every record that was there all the time once, whatever comes, goes and changes meanwhile.
 */
int live_page(const struct live *l, const struct live_query *q, void (*cb)(void *arg, const void *rec, const char *base),
	      void *arg, char next[static LIVE_CURSOR], uint64_t *total);

#endif

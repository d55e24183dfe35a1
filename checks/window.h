/*
 * Growth of counters within a time that moves along, for many keys. A window is kept as at most ten steps, so its start is
 * exact to a tenth of its length, and never longer than asked for. Bounded: the key without news for longest makes room, and
 * that is counted. Pure: time is that of the records.
 */
#ifndef WEIR_WINDOW_H
#define WEIR_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* What a window belongs to: all bytes count. */
struct window_key {
	uint16_t rule, kind, vlan, spare;
	uint8_t id[16];
};

struct windows;

struct windows *windows_new(uint64_t max);
void windows_free(struct windows *w);
/*
 * The counter of key stands at value at this time. Returns what it grew by within the last 'length' ns. It grew evenly since it
 * was last seen, but in no more than the last 'spread' ns. fresh: the counter began with 0 if the key is new; else what it had
 * before is not known and counts as before the window. A counter that falls began anew.
 */
double windows_growth(struct windows *w, const struct window_key *key, uint64_t time, uint64_t length, uint64_t spread, double value,
		      bool fresh);
/* The counter of key grows by this, evenly from one time to another. */
void windows_add(struct windows *w, const struct window_key *key, uint64_t from, uint64_t time, uint64_t length, double growth);
/* The same without a step forward: what it grew by as seen at this time. 0 if the key is unknown. */
double windows_look(struct windows *w, const struct window_key *key, uint64_t time, uint64_t length);
/* What the counter grew by since the last call, and, as above, since when. */
double windows_step(struct windows *w, const struct window_key *key, uint64_t time, uint64_t spread, double value, bool fresh,
		    uint64_t *ret_from);
/* The value at this time, or a larger one that is not older than keep ns. */
double windows_peak(struct windows *w, const struct window_key *key, uint64_t time, uint64_t keep, double value);
/* A condition holds or not: since when it has held without a break, as of now; 0 if it does not. */
uint64_t windows_since(struct windows *w, const struct window_key *key, uint64_t time, bool holds);
void windows_forget(struct windows *w, const struct window_key *key);
uint64_t windows_count(const struct windows *w);
uint64_t windows_evicted(const struct windows *w);
/* All of it, for a snapshot. load replaces what is there; false if the bytes are no such thing. */
void windows_save(const struct windows *w, struct buf *out);
bool windows_load(struct windows *w, const char *p, size_t len);

#endif

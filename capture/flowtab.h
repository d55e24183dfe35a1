/*
 * The flow table: packets to flows. Bounded, seeded, driven by packet time only; the same packets give the same outputs in
 * the same order whatever the seed. Pure.
 */
#ifndef WEIR_FLOWTAB_H
#define WEIR_FLOWTAB_H

#include <stdbool.h>
#include <stdint.h>

#include "packet.h"
#include "record.h"

#define FLOWTAB_FRAGMENTS 8192  /* fragmented packets under way at once; a newer one with the same slot takes it over */
#define FLOWTAB_MEDIA     65536 /* flows whose media is measured at once: 44 MB */

struct flowtab;

/* All times in ns of packet time. */
struct flowtab_conf {
	uint64_t max_flows;
	uint64_t idle_tcp, idle_other, idle_syn;
	uint64_t active;   /* 0 = never */
	uint64_t update;
	uint64_t linger;
	uint32_t head_packets;
	uint64_t head_first, head_second;
	uint64_t max_jump;
	uint64_t max_head_bytes; /* bound of the packets held for HEADs; beyond it they are sent early */
	bool fragments;
	uint64_t tick;           /* time between ticks; 0 = a second */
	uint64_t epoch;          /* goes into flow ids */
	const char *sensor;
};

/* What UPDATEs have told of a flow since it, or this part of it, began: update() keeps it, the table does not look at it. */
struct flowtab_told {
	uint64_t packets, bytes;
};

/*
 * What comes out, in order. Records are valid during the call; strings refer to base, but the packets of a HEAD to data.
 * tick: time has passed to, and all that was due until then has been put out.
 */
struct flowtab_ops {
	void (*head)(void *arg, const struct r_head *r, const char *base, const char *data);
	void (*update)(void *arg, const struct r_update *r, struct flowtab_told *told, const char *base);
	void (*end)(void *arg, const struct r_end *r, const struct flowtab_told *told, const char *base);
	void (*tick)(void *arg, uint64_t from, uint64_t to);
};

/* packets = in_flows + the sum of undecoded, always. */
struct flowtab_stats {
	uint64_t packets, bytes;
	uint64_t in_flows; /* packets counted in a flow */
	uint64_t flow_bytes; /* of those */
	uint64_t undecoded[UD_COUNT];
	uint64_t flows_opened, flows_ended, flows_active, flows_evicted;
	uint64_t time_regress, time_jump;
	uint64_t heads_early; /* HEADs sent early for lack of room */
	uint64_t head_bytes;
};

struct flowtab *flowtab_new(const struct flowtab_conf *conf, const struct flowtab_ops *ops, void *arg);
void flowtab_free(struct flowtab *ft);
/* Forgets everything, statistics too, for another run, which may be over the same input. */
void flowtab_reset(struct flowtab *ft, uint64_t epoch);
/* Counts on from the totals of an earlier life. Before the first packet. */
void flowtab_carry(struct flowtab *ft, const struct flowtab_stats *st);

#define FLOWTAB_BATCH 64
/*
 * Counts n packets (at most FLOWTAB_BATCH) in their flows. d[i] is what decoding found, ud[i] why it did not.
 * Ports of later fragments are filled in.
 */
void flowtab_packets(struct flowtab *ft, const struct packet *p, struct decoded *d, const enum undecoded *ud,
		     unsigned n);
/* Time passed without packets (an idle live interface). */
void flowtab_advance(struct flowtab *ft, uint64_t now);
/* Ends all flows; or n of them at most, and says whether that were all: there may be millions. */
void flowtab_flush(struct flowtab *ft, enum endreason why);
bool flowtab_flush_some(struct flowtab *ft, enum endreason why, unsigned n);
uint64_t flowtab_clock(const struct flowtab *ft);
const struct flowtab_stats *flowtab_stats(const struct flowtab *ft);
/* The sum of what open flows count, of what no END has told yet: not made from the statistics, which it must agree with. */
uint64_t flowtab_open_packets(const struct flowtab *ft);
/* Upper bound of the memory it may use, bytes. */
uint64_t flowtab_memory(const struct flowtab_conf *conf);

#endif

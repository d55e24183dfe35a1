/* What the wiring of capture (capture.c) and what it puts out (capture_out.c) share. */
#ifndef WEIR_CAPTURE_PRIV_H
#define WEIR_CAPTURE_PRIV_H

#include "arp.h"
#include "decode.h"
#include "flowtab.h"
#include "ledger.h"
#include "log.h"
#include "proc.h"
#include "source.h"
#include "steady.h"

struct capture {
	struct proc_ctx *c;
	const struct topo_sensor *sensor;
	struct source *source;
	bool live, started, ended, stopping;
	void (*ending)(struct capture *k); /* flows are being ended, then this; or NULL */
	bool renewing;                   /* a growing file was replaced: the next one is read when the first is safe */
	struct decode_opts decode;
	struct flowtab *table;
	struct stream *stream;
	uint64_t epoch, skip_to; /* skip_to: records below are numbered, not held */
	struct loop_idle *idle;
	struct loop_fd *fd;
	struct loop_timer *pace, *clock, *reopen;
	uint64_t pace_packet, pace_mono; /* packet time and monotonic time that belong together */
	uint64_t last_wall;              /* live: when the last packet came, monotonic */
	uint64_t last_packet;            /* its packet time */
	struct steady time;              /* live */
	struct packet packets[FLOWTAB_BATCH];
	unsigned n_packets, at;          /* read and not yet counted */
	struct g_sensor_count n;
	struct ledger ledger;
	uint64_t shed_bytes, lost_bytes;
	uint64_t if_base, if_base_seen, if_last; /* see ledger.h */
	struct ledger_loss loss;                 /* what an earlier life left, until it is told */
	bool resumed;
	uint64_t drops_before, if_drops_before;  /* by sockets that are closed */
	uint64_t packets_by_shed_gap, flows_by_shed_gap;
	struct arp_cache arp;
	uint64_t errors;                 /* inputs that could not be read to their end */
	uint64_t reported_drops, drop_since, shed_reported;
	struct buf out, strs;
	struct buf overflow;             /* records that found no room, each with its length before it */
	size_t drained;                  /* bytes of it that are in the stream */
	struct log_limit shed_limit;
	uint64_t rate_packets, rate_mono; /* for the state line */
};

/* The callbacks of the flow table; arg is struct capture. */
extern const struct flowtab_ops out_ops;

/* Puts what found no room into the stream. False: there is still something to wait for. */
bool out_drain(struct capture *k);
/* Brings k->n up to date; its text is in k->strs. */
void out_count(struct capture *k);
void out_tick(struct capture *k, enum rtype type, uint64_t from, uint64_t to);
void out_gap(struct capture *k, struct g_gap gap);
/* Loss since the last look. */
struct g_gap out_loss(const struct capture *k, enum gapcause cause);
/* Our earlier life: flows that were open then will never end, and nobody looked at what came since. */
void out_restart_gap(struct capture *k);
void out_config(struct capture *k);
void out_arp(struct capture *k, struct r_arp *r);
void out_ledger(struct capture *k);

#endif

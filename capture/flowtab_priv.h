/* The flow table for its own files. */
#ifndef WEIR_FLOWTAB_PRIV_H
#define WEIR_FLOWTAB_PRIV_H

#include "buf.h"
#include "flow_pool.h"

/* A packet whose time waits for the next one to confirm it. */
struct held {
	bool is;
	struct packet p;
	struct decoded d;
	enum undecoded ud;
	struct buf l3;
};

struct flowtab {
	struct flowtab_conf conf;
	struct flowtab_ops ops;
	void *arg;
	struct flow_pool pool;
	struct flow_clock clock;
	struct held held;
	struct flow_frags *frags;
	uint32_t n_rtp;      /* flows whose media is measured */
	uint64_t ticked;     /* time of the last tick */
	uint64_t next_event; /* nothing is due before */
	uint64_t open_packets;
	struct flowtab_stats stats;
	struct buf arena;    /* the sensor's name */
	struct str sensor;
};

/* flow_head.c: the first packets of a flow, kept and sent as HEADs until that is done. */
void flow_head_packet(struct flowtab *ft, struct flow *f, const struct decoded *d, unsigned dir, uint64_t time);
/* Sends what is due by a time. */
void flow_head_run(struct flowtab *ft, uint64_t now);
/* When the next one is due; UINT64_MAX = none is. */
uint64_t flow_head_next(const struct flowtab *ft);
/* Sends what has not been sent, at the end of a flow, and frees it. */
void flow_head_end(struct flowtab *ft, struct flow *f);

#endif

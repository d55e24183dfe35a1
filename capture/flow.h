/* A flow in the table, and the modules that each look after a part of it. Private to the flow table. */
#ifndef WEIR_FLOW_H
#define WEIR_FLOW_H

#include "flowtab.h"
#include "order.h"
#include "rtp.h"

/* Direction-less: the smaller (address, port) comes first. Hashed as bytes, so no padding may be left unset. */
struct flow_tuple {
	struct addr a, b;
	uint16_t pa, pb;
	uint32_t tunnel_id;
	uint16_t vlan;
	uint8_t proto;
	uint8_t tunnel;
	uint32_t zero;
};
_Static_assert(sizeof(struct flow_tuple) == 48, "no padding");

/* One direction of a TCP connection. */
struct flow_tcp {
	uint32_t next;             /* sequence number after the highest byte seen */
	uint32_t hole_lo, hole_hi; /* the last hole, [lo, hi) */
	uint16_t max_len;          /* longest segment */
	bool seen, has_hole;
};

/* What is kept for the HEADs of a flow. */
struct flow_head {
	char *data;
	uint32_t len, cap;
	uint64_t due;       /* of the next look */
	uint64_t first_payload;
	uint8_t packets, payloads;
	uint8_t sent;       /* HEADs */
	uint8_t last_dir;
	bool last_payload;  /* of the last packet kept */
	bool added;         /* since the last HEAD */
	bool done;          /* the final HEAD is out */
};

/*
 * A flow is in a list by its state, the first four: the later the state, the later it makes room for another. While a HEAD
 * waits for its time it is in one of the others too.
 */
enum flow_list {
	LIST_LINGER, /* closed; what comes late still belongs to it */
	LIST_SYN,    /* half open */
	LIST_OTHER,  /* not TCP */
	LIST_TCP,
	LIST_HEAD1,
	LIST_HEAD2,
	LIST_COUNT,
	LIST_STATES = LIST_HEAD1,
	LIST_NONE = 255
};

/* Its place in a list. */
struct flow_link {
	struct order_link at;
	uint8_t list; /* enum flow_list */
};

struct flow {
	struct flow_tuple tuple;
	uint32_t tag;           /* hash of the tuple */
	struct flow_link state; /* in the list of its state */
	struct flow_link timer; /* of its HEADs; LIST_NONE = none runs */
	uint8_t ordinal;        /* of the flows with this tuple, that each began where the last one ended */
	bool got_syn, got_synack, rtt_done;
	uint8_t fins;           /* bit 0 client, bit 1 server */
	uint64_t listed;        /* clock when it went to the end of the list of its state */
	uint64_t updated;       /* time of the last UPDATE */
	uint64_t syn_time, synack_time, request_time;
	struct flow_tcp tcp[2];
	struct g_flow_key key;
	struct g_flow_count n;
	struct flowtab_told told;
	struct flow_head head;
	struct rtp *rtp;        /* once a packet looked like it; NULL = none */
	bool no_rtp;            /* looked for it in vain */
};

/* flow_key.c: which flow a packet is of, and who the client is. */
void flow_tuple_of(struct flow_tuple *t, const struct decoded *d);
/* Fills the key from the first packet; the flow has its tuple and ordinal. */
void flow_key_init(struct flow *f, const struct decoded *d, uint64_t time, uint64_t epoch, struct str sensor);
/* 0 = from the client, 1 = from the server. */
static inline unsigned flow_direction(const struct flow *f, const struct decoded *d)
{
	return addr_cmp(&d->src, &f->key.client) != 0 || d->sport != f->key.client_port;
}

/* flow_count.c: counters of a flow. */
void flow_count_packet(struct flow *f, const struct packet *p, const struct decoded *d, unsigned dir, uint64_t time);
static inline uint64_t flow_count_packets(const struct flow *f)
{
	return f->n.client_packets + f->n.server_packets;
}
/* As they are told in a record. */
struct g_flow_count flow_count_told(const struct flow *f);
/* The next part of a flow that an active timeout cut: same flow, new counters. */
void flow_count_next_part(struct flow *f, uint64_t time);

/* flow_media.c: RTP in a flow of UDP. measured: how many flows have it, which is bounded. */
void flow_media_packet(struct flow *f, const struct decoded *d, unsigned dir, uint64_t time, uint32_t *measured);
void flow_media_free(struct flow *f, uint32_t *measured);

/* flow_tcp.c: sequence numbers, state, round trips. */
void flow_tcp_packet(struct flow *f, const struct decoded *d, unsigned dir, uint64_t time);
/* Is this SYN the start of another connection with the same ports? */
bool flow_tcp_reused(const struct flow *f, const struct decoded *d, unsigned dir);

/* flow_frag.c: ports of fragmented packets, for their later fragments. */
struct flow_frags;
struct flow_frags *flow_frags_new(void);
size_t flow_frags_memory(void);
void flow_frags_free(struct flow_frags *t);
void flow_frags_reset(struct flow_frags *t);
void flow_frags_put(struct flow_frags *t, const struct decoded *d, uint64_t time);
bool flow_frags_get(struct flow_frags *t, struct decoded *d, uint64_t time);

/*
 * flow_clock.c: the largest time seen, with sense. A lone packet far ahead of all others (a broken clock, 2106) must not end
 * every flow, so it is believed only if the packet after it agrees.
 */
struct flow_clock {
	uint64_t now, max_jump;
	uint64_t regress, jumps; /* packets more than a second behind, or far ahead */
};
/* Is this time further ahead than one packet can be believed? */
bool flow_clock_far(const struct flow_clock *c, uint64_t time);
/* Are these two times of the same part of the capture? */
bool flow_clock_agree(const struct flow_clock *c, uint64_t a, uint64_t b);
/* Takes a packet's time and returns the time to book it under, never later than the clock. believe: its neighbour agreed. */
uint64_t flow_clock_packet(struct flow_clock *c, uint64_t time, bool believe);

#endif

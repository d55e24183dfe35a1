/* A flow in the table, and the modules that each look after a part of it. Private to the flow table. */
#ifndef WEIR_FLOW_H
#define WEIR_FLOW_H

#include "flowtab.h"
#include "order.h"
#include "rtp.h"

/* Direction-less: the smaller (address, port) comes first. Hashed as bytes, so there is no padding. */
struct flow_tuple {
	struct addr a, b;
	uint16_t pa, pb;
	uint32_t tunnel_id;
	uint16_t vlan;
	uint8_t proto;
	uint8_t tunnel;
};
_Static_assert(sizeof(struct flow_tuple) == 44, "no padding");

/* One direction. Its counters are of the part of the flow that is under way. */
struct flow_side {
	uint64_t packets, bytes, payload;
	uint32_t rsts;
	uint8_t ttl_min, ttl_max, tos_min, tos_max;
	uint8_t tcp_flags;
	struct mac mac;
	bool tcp_seen;        /* a segment; what follows is known then */
	uint16_t tcp_longest; /* segment */
	uint32_t tcp_next;    /* sequence number after the highest byte seen */
};

/* What is kept for the HEADs of a flow. */
struct flow_head {
	char *data;
	uint64_t first_payload; /* time of it */
	uint32_t len;
	uint8_t packets, payloads;
	unsigned sent : 3;         /* HEADs: at two times, and the final one */
	unsigned last_dir : 1;     /* of the last packet kept */
	unsigned last_payload : 1; /* it had some */
	unsigned added : 1;        /* since the last HEAD */
	unsigned done : 1;         /* the final HEAD is out */
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
enum flow_kind { OF_STATE, OF_TIMER, FLOW_KINDS }; /* of list */

/* What only some flows have: allocated when there is something of it. */
struct flow_extra {
	struct flow_loss {
		uint32_t retrans, ooo, lost, zwin, frags;
		uint32_t hole_lo, hole_hi; /* the last hole in the sequence, [lo, hi) */
	} loss[2];
	uint32_t part;
	uint64_t start;   /* of this part */
	uint64_t updated; /* time of the last UPDATE, or start */
	struct flowtab_told told;
	struct rtp *rtp;  /* once a packet looked like it; NULL = none */
	struct addr tunnel_src, tunnel_dst;
	uint32_t tunnel_id;
	uint8_t tunnel, tunnel_depth;
};

/*
 * There are millions, and none is cheaper than the memory it is in: what few have is in extra, and what follows from the rest is
 * made when it is told in a record.
 */
struct flow {
	struct flow_tuple tuple;
	uint32_t tag;            /* hash of the tuple */
	uint64_t first, last;    /* times of packets */
	struct flow_side side[2]; /* 0 the client */
	uint64_t listed;         /* clock when it went to the end of the list of its state */
	struct flow_extra *extra; /* NULL = none */
	uint32_t syns;           /* without ACK, from the client */
	uint16_t ordinal;        /* of the flows with this tuple, that each began where the last one ended */
	unsigned client_is_b : 1;
	unsigned midstream : 1;
	unsigned got_syn : 1, got_synack : 1, rtt_done : 1, has_latency : 1;
	unsigned fins : 2;       /* bit 0 client, bit 1 server */
	unsigned no_rtp : 1;     /* looked for it in vain */
	uint8_t list[FLOW_KINDS]; /* enum flow_list, which it is in */
	uint8_t icmp_type, icmp_code;
	uint16_t outer_vlan;
	uint8_t ip_version;
	uint8_t tcp_state;       /* enum tcpstate */
	struct flow_head head;
	/* What is waited for: since when, and once it is there how long it took. 0 = not known. */
	uint64_t rtt_server; /* a SYN-ACK, got_synack */
	uint64_t rtt_client; /* the ACK after it, rtt_done */
	uint64_t latency;    /* the server's first payload after the client's, has_latency */
	struct order_link at[FLOW_KINDS];
};
_Static_assert(sizeof(struct flow) <= 256, "four cache lines");

/* flow_extra.c */
struct flow_extra *flow_extra(struct flow *f); /* makes it if there is none */
void flow_extra_free(struct flow *f);
/* To read what is counted in it: nothing where there is none. */
extern const struct flow_extra flow_extra_none;
static inline const struct flow_extra *flow_extra_or_none(const struct flow *f)
{
	return f->extra ? f->extra : &flow_extra_none;
}
static inline uint64_t flow_start(const struct flow *f)
{
	return f->extra ? f->extra->start : f->first;
}
static inline uint64_t flow_updated(const struct flow *f)
{
	return f->extra ? f->extra->updated : f->first;
}

/* flow_key.c: which flow a packet is of, and who the client is. */
/* Returns whether b is the sender. */
bool flow_tuple_of(struct flow_tuple *t, const struct decoded *d);
/* Fills what the key is made of from the first packet; the flow has its tuple. */
void flow_key_init(struct flow *f, const struct decoded *d, bool from_b, uint64_t time);
/* As it is told in a record. */
void flow_key_told(const struct flow *f, uint64_t epoch, struct str sensor, struct g_flow_key *k);
/* 0 = from the client, 1 = from the server. */
static inline unsigned flow_direction(const struct flow *f, bool from_b)
{
	return from_b != f->client_is_b;
}

/* flow_count.c: counters of a flow. */
void flow_count_packet(struct flow *f, const struct packet *p, const struct decoded *d, unsigned dir, uint64_t time);
static inline uint64_t flow_count_packets(const struct flow *f)
{
	return f->side[0].packets + f->side[1].packets;
}
/* As they are told in a record. */
void flow_count_told(const struct flow *f, struct g_flow_count *n);
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
	uint64_t behind; /* how far packets were that are far behind; 0 = none was */
	uint64_t regress, jumps; /* packets more than a second behind, or far ahead */
};
/* Is this time further ahead than one packet can be believed? */
static inline bool flow_clock_far(const struct flow_clock *c, uint64_t time)
{
	return c->now && time > c->now && time - c->now > c->max_jump;
}
/* Are these two times of the same part of the capture? */
bool flow_clock_agree(const struct flow_clock *c, uint64_t a, uint64_t b);
/* Takes a packet's time and returns the time to book it under, never later than the clock. believe: its neighbour agreed. */
uint64_t flow_clock_packet(struct flow_clock *c, uint64_t time, bool believe);

#endif

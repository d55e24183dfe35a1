/*
 * RTP (RFC 3550) without signalling: found by its shape, also behind the header that Zoom puts before media, and measured:
 * packets, loss, jitter, and an estimate of what listeners would say. Pure; any bytes may come.
 *
 * Zoom's headers are those of Michel et al., "Enabling Passive Measurement of Zoom Performance in Production Networks" (IMC
 * 2022): 8 bytes of type 5 between client and server, none between two clients; then a media header whose length goes by its
 * first byte.
 */
#ifndef WEIR_RTP_H
#define WEIR_RTP_H

#include <stdbool.h>
#include <stdint.h>

#include "record.h"

#define RTP_STREAMS 4 /* sources (SSRC) kept of one direction: audio, video, repair ... */

struct rtp_stream {
	uint32_t ssrc;
	uint32_t clock;        /* Hz; 0 = not known yet */
	uint32_t first_ts, last_ts;
	uint32_t packets, lost; /* of the runs of numbers that are over */
	uint32_t base, highest; /* of the run at hand, extended (RFC 3550 appendix A.1) */
	uint32_t got;           /* packets of it */
	uint64_t first_time, last_time; /* last_time, last_ts: of the last packet of the main type */
	double jitter;         /* seconds (RFC 3550 section 6.4.1) */
	uint8_t run;           /* packets in a row that fitted */
	uint8_t type;          /* payload type of the media; events and comfort noise have others */
	uint8_t others;        /* packets of another type in a row */
	bool is_rtp;
};

struct rtp_dir {
	struct rtp_stream stream[RTP_STREAMS];
	uint8_t n;
};

/* Both directions of a flow, 0 from the client. */
struct rtp {
	struct rtp_dir dir[2];
	uint8_t misses; /* packets before anything was believed */
	bool zoom;
};

/* Could this be RTP? Cheap, for the decision to look closer. payload: of a UDP packet, len bytes of it captured. */
bool rtp_plausible(const uint8_t *payload, uint32_t len);
/* A packet. False when it is time to give up: many packets came and none of them fitted. */
bool rtp_packet(struct rtp *r, unsigned dir, const uint8_t *payload, uint32_t len, uint64_t time);
/* Has it been found to be RTP? */
bool rtp_found(const struct rtp *r);
/* Puts the measures into the record of the flow. */
void rtp_fill(const struct rtp *r, struct g_flow_count *n);
/* Counters begin anew; what was learned stays. */
void rtp_next_part(struct rtp *r);
/*
 * Mean opinion score, 1 to 4.5, by the E-model (ITU-T G.107) with the values of G.711 with loss concealment (G.113 appendix I):
 * an estimate, as neither codec nor delay is known. loss: 0 to 1, jitter: seconds, which a receiver's buffer turns into delay.
 */
double rtp_mos(double loss, double jitter);

#endif

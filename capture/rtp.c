#include "rtp.h"

#include <string.h>

#include "bytes.h"

#define HEADER      12
#define BELIEVE     4    /* packets in a row of one source */
#define GIVE_UP     32   /* packets without any source that fits */
#define MAX_DROPOUT 3000 /* RFC 3550 appendix A.1 */
#define MAX_MISORDER 100
#define OTHERS       50   /* packets of another type that make it the main one: the codec changed */
#define ESTIMATE_NS 1000000000ull /* time that the clock is estimated over */

/* What RTP's header says. */
struct header {
	uint8_t type;
	uint16_t seq;
	uint32_t ts, ssrc;
};

static bool read_header(const uint8_t *p, uint32_t len, struct header *h)
{
	if (len < HEADER || p[0] >> 6 != 2)
		return false;
	uint32_t need = HEADER + 4u * (p[0] & 15);
	h->type = p[1] & 0x7f;
	/* 72 to 76 would be RTCP's types (RFC 5761 section 4); 35 to 71 and 77 to 95 are not assigned. */
	if (len < need || (h->type > 34 && h->type < 96))
		return false;
	h->seq = get16(p + 2);
	h->ts = get32(p + 4);
	h->ssrc = get32(p + 8);
	return h->ssrc != 0;
}

/* Length of Zoom's headers, 0 if there are none. */
static uint32_t zoom_header(const uint8_t *p, uint32_t len)
{
	uint32_t outer = len > 8 && p[0] == 5 ? 8 : 0;
	if (len <= outer)
		return 0;
	switch (p[outer]) {
	case 13: /* screen */
		return outer + 27;
	case 15: /* audio */
		return outer + 19;
	case 16: /* video */
		return outer + 24;
	default:
		return 0;
	}
}

static bool find_header(const uint8_t *p, uint32_t len, struct header *h, bool *ret_zoom)
{
	*ret_zoom = false;
	if (read_header(p, len, h))
		return true;
	uint32_t skip = zoom_header(p, len);
	*ret_zoom = skip != 0;
	return skip && skip < len && read_header(p + skip, len - skip, h);
}

bool rtp_plausible(const uint8_t *payload, uint32_t len)
{
	struct header h;
	bool zoom;
	return find_header(payload, len, &h, &zoom);
}

/* -- clocks -- */

/* Static payload types (RFC 3551 section 6). 0: not assigned, or not told. */
static uint32_t static_clock(uint8_t type)
{
	switch (type) {
	case 6:
		return 16000;
	case 10:
	case 11:
		return 44100;
	case 14:
	case 25:
	case 26:
	case 28:
	case 31:
	case 32:
	case 33:
	case 34:
		return 90000;
	case 16:
		return 11025;
	case 17:
		return 22050;
	default:
		return type < 19 ? 8000 : 0;
	}
}

/* The usual clock that is nearest to what was measured, if one is near: clocks and networks are not exact. */
static uint32_t nearest_clock(double hz)
{
	static const uint32_t usual[] = { 8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 90000 };
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (hz > 0.92 * usual[i] && hz < 1.08 * usual[i])
			return usual[i];
	return 0;
}

static void estimate_clock(struct rtp_stream *s, const struct header *h, uint64_t time)
{
	uint32_t ticks = h->ts - s->first_ts;
	if (s->clock || time <= s->first_time || time - s->first_time < ESTIMATE_NS)
		return;
	s->clock = ticks < 0x80000000u ? nearest_clock(ticks / ((double)(time - s->first_time) / 1e9)) : 0;
	if (!s->clock) { /* it stood still, or jumped: from here on once more */
		s->first_ts = h->ts;
		s->first_time = time;
	}
}

/* -- sources -- */

static struct rtp_stream *find_stream(struct rtp_dir *d, uint32_t ssrc)
{
	for (unsigned i = 0; i < d->n; i++)
		if (d->stream[i].ssrc == ssrc)
			return &d->stream[i];
	return NULL;
}

/* A place for a new source: a free one, else that of one which was never believed. NULL if there is none. */
static struct rtp_stream *take_stream(struct rtp_dir *d)
{
	if (d->n < RTP_STREAMS)
		return &d->stream[d->n++];
	for (unsigned i = 0; i < RTP_STREAMS; i++)
		if (!d->stream[i].is_rtp)
			return &d->stream[i];
	return NULL;
}

static void begin(struct rtp_stream *s, const struct header *h, uint64_t time)
{
	*s = (struct rtp_stream){ .ssrc = h->ssrc, .type = h->type, .clock = static_clock(h->type), .first_ts = h->ts,
				  .last_ts = h->ts, .first_time = time, .last_time = time, .base = h->seq, .highest = h->seq,
				  .run = 1 };
}

/* RFC 3550 appendix A.8, in seconds. */
static void measure_jitter(struct rtp_stream *s, const struct header *h, uint64_t time)
{
	double arrived = (double)(time - s->last_time) / 1e9;
	double sent = (double)(int32_t)(h->ts - s->last_ts) / s->clock;
	double d = arrived - sent;
	s->jitter += ((d < 0 ? -d : d) - s->jitter) / 16;
}

/* Packets of the run at hand that were never seen. */
static uint32_t lost_now(const struct rtp_stream *s)
{
	uint32_t expected = s->highest - s->base + 1;
	return expected > s->got ? expected - s->got : 0;
}

/* Time is measured on the media: the timestamps of events (RFC 4733) and of comfort noise stand still or jump. */
static bool is_media(struct rtp_stream *s, const struct header *h, uint64_t time)
{
	if (h->type == s->type) {
		s->others = 0;
		return true;
	}
	if (++s->others < OTHERS)
		return false;
	s->type = h->type;
	s->others = 0;
	s->clock = static_clock(h->type);
	s->first_ts = s->last_ts = h->ts;
	s->first_time = s->last_time = time;
	return true;
}

static void believed(struct rtp_stream *s, const struct header *h, uint64_t time, int16_t step)
{
	s->got++;
	if (step > 0)
		s->highest += (uint32_t)step;
	if (!is_media(s, h, time))
		return;
	estimate_clock(s, h, time);
	/* A pause (no speech, no picture) is no jitter: RTP's clock goes on over it, but senders differ in how. */
	if (s->clock && step > 0 && time > s->last_time && time - s->last_time < ESTIMATE_NS)
		measure_jitter(s, h, time);
	s->last_ts = h->ts;
	s->last_time = time;
}

/* True if the packet fits the source. */
static bool stream_packet(struct rtp_stream *s, const struct header *h, uint64_t time)
{
	int16_t step = (int16_t)(uint16_t)(h->seq - (uint16_t)s->highest);
	bool fits = step > -MAX_MISORDER && step < MAX_DROPOUT;
	if (s->is_rtp && fits) {
		believed(s, h, time, step);
	} else if (!s->is_rtp && step == 1) {
		s->highest++;
		s->type = h->type;
		s->last_ts = h->ts;
		s->last_time = time;
		if (++s->run >= BELIEVE) {
			s->is_rtp = true;
			s->got = s->run;
			estimate_clock(s, h, time);
		}
	} else {
		/* Another sender under the same number, numbers that began anew, or chance. */
		struct rtp_stream was = *s;
		begin(s, h, time);
		if (was.is_rtp) {
			s->is_rtp = true;
			s->packets = was.packets + was.got;
			s->lost = was.lost + lost_now(&was);
			s->got = 1;
		}
		return was.is_rtp;
	}
	return true;
}

bool rtp_found(const struct rtp *r)
{
	for (unsigned d = 0; d < 2; d++)
		for (unsigned i = 0; i < r->dir[d].n; i++)
			if (r->dir[d].stream[i].is_rtp)
				return true;
	return false;
}

bool rtp_packet(struct rtp *r, unsigned dir, const uint8_t *payload, uint32_t len, uint64_t time)
{
	struct header h;
	bool zoom, fits = false;
	if (find_header(payload, len, &h, &zoom)) {
		struct rtp_stream *s = find_stream(&r->dir[dir], h.ssrc);
		if (s) {
			fits = stream_packet(s, &h, time);
			r->zoom |= zoom && s->is_rtp;
		} else if ((s = take_stream(&r->dir[dir])) != NULL) {
			begin(s, &h, time);
		}
	}
	if (fits)
		r->misses = 0;
	else if (r->misses < UINT8_MAX)
		r->misses++;
	return r->misses < GIVE_UP || rtp_found(r);
}

/* -- measures -- */

double rtp_mos(double loss, double jitter)
{
	/* A receiver holds packets back for about twice the jitter; 20 ms is a packet of speech. */
	double delay = 2000 * jitter + 20, percent = 100 * loss;
	double id = 0.024 * delay + (delay > 177.3 ? 0.11 * (delay - 177.3) : 0);
	double ie = 95 * percent / (percent + 25.1);
	double r = 93.2 - id - ie;
	if (r <= 0)
		return 1;
	double mos = 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
	return mos < 1 ? 1 : mos; /* the polynomial dips below it for the smallest r */
}

struct measure {
	uint32_t packets, lost, clock;
	double jitter, mos;
};

/* Of a direction: packets and loss of all sources, jitter and clock of the one with most packets. */
static void measure(const struct rtp_dir *d, struct measure *m)
{
	uint32_t most = 0;
	*m = (struct measure){ 0 };
	for (unsigned i = 0; i < d->n; i++) {
		const struct rtp_stream *s = &d->stream[i];
		uint32_t packets = s->packets + s->got;
		if (!s->is_rtp || !packets)
			continue;
		m->packets += packets;
		m->lost += s->lost + lost_now(s);
		if (packets > most) {
			most = packets;
			m->jitter = s->jitter;
			m->clock = s->clock;
		}
	}
	if (m->packets)
		m->mos = rtp_mos((double)m->lost / ((double)m->packets + m->lost), m->jitter);
}

void rtp_fill(const struct rtp *r, struct g_flow_count *n)
{
	struct measure m[2];
	for (unsigned i = 0; i < 2; i++)
		measure(&r->dir[i], &m[i]);
	n->client_rtp_packets = m[0].packets;
	n->server_rtp_packets = m[1].packets;
	n->client_rtp_lost = m[0].lost;
	n->server_rtp_lost = m[1].lost;
	n->client_rtp_jitter = (uint64_t)(m[0].jitter * 1e9);
	n->server_rtp_jitter = (uint64_t)(m[1].jitter * 1e9);
	n->rtp_clock = m[0].packets >= m[1].packets ? m[0].clock : m[1].clock;
	n->rtp_zoom = r->zoom;
	n->client_rtp_mos = m[0].mos;
	n->server_rtp_mos = m[1].mos;
	n->rtp_mos = m[0].mos && (!m[1].mos || m[0].mos < m[1].mos) ? m[0].mos : m[1].mos;
}

void rtp_next_part(struct rtp *r)
{
	for (unsigned d = 0; d < 2; d++)
		for (unsigned i = 0; i < r->dir[d].n; i++) {
			struct rtp_stream *s = &r->dir[d].stream[i];
			s->base = s->highest + 1;
			s->packets = s->lost = s->got = 0;
		}
}

/* TCP as seen from outside: RFC 9293. */
#include <netinet/tcp.h>

#include "flow.h"

#define NEW_CONNECTION_GAP (1u << 20) /* a SYN this far from the sequence at hand is not a stray repeat */

/* Sequence numbers wrap: a is before b if the distance is less than half the space. */
static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* How many segments fit a hole, going by the longest seen. */
static uint32_t segments(const struct flow_side *s, uint32_t bytes)
{
	uint32_t len = s->tcp_longest ? s->tcp_longest : 1;
	return (bytes + len - 1) / len;
}

static void late_segment(struct flow_loss *l, uint32_t seq, uint32_t len)
{
	bool fills = before(l->hole_lo, l->hole_hi) && !before(seq, l->hole_lo) && before(seq, l->hole_hi);
	if (!fills) {
		l->retrans++;
		return;
	}
	l->ooo++;
	if (l->lost)
		l->lost--;
	if (seq == l->hole_lo)
		l->hole_lo = seq + len;
	else
		l->hole_hi = seq;
}

static void track_sequence(struct flow *f, const struct decoded *d, unsigned dir)
{
	struct flow_side *s = &f->side[dir];
	uint32_t seq = d->tcp_seq, data = d->payload_len;
	uint32_t len = data + ((d->tcp_flags & TH_SYN) != 0) + ((d->tcp_flags & TH_FIN) != 0);
	if (data > s->tcp_longest)
		s->tcp_longest = data > UINT16_MAX ? UINT16_MAX : (uint16_t)data;
	if (len == 0 || d->tcp_flags & TH_RST)
		return;
	if (!s->tcp_seen || seq == s->tcp_next) {
		s->tcp_seen = true;
		s->tcp_next = seq + len;
	} else if (before(s->tcp_next, seq)) {
		struct flow_loss *l = &flow_extra(f)->loss[dir];
		l->lost += segments(s, seq - s->tcp_next);
		l->hole_lo = s->tcp_next;
		l->hole_hi = seq;
		s->tcp_next = seq + len;
	} else if (data <= 1 && seq + 1 == s->tcp_next) {
		return; /* keep-alive, RFC 9293 section 3.8.4 */
	} else {
		late_segment(&flow_extra(f)->loss[dir], seq, len);
		if (before(s->tcp_next, seq + len))
			s->tcp_next = seq + len;
	}
}

/* How long it took since a time; 0 = not known. */
static uint64_t took(uint64_t since, uint64_t time)
{
	return since && time >= since ? time - since : 0;
}

/* Of what was sent twice nobody knows which one was answered. */
static void track_rtt(struct flow *f, const struct decoded *d, unsigned dir, uint64_t time)
{
	uint8_t fl = d->tcp_flags & (TH_SYN | TH_ACK);
	if (dir == 0 && fl == TH_SYN) {
		f->syns++;
		if (!f->got_synack)
			f->rtt_server = f->got_syn ? 0 : time;
		f->got_syn = true;
	} else if (dir == 1 && fl == (TH_SYN | TH_ACK)) {
		if (!f->got_synack)
			f->rtt_server = took(f->rtt_server, time);
		if (!f->rtt_done)
			f->rtt_client = f->got_synack ? 0 : time;
		f->got_synack = true;
	} else if (dir == 0 && f->got_synack && !f->rtt_done && fl & TH_ACK) {
		f->rtt_client = took(f->rtt_client, time);
		f->rtt_done = true;
	}
}

static void track_state(struct flow *f, const struct decoded *d, unsigned dir)
{
	uint8_t fl = d->tcp_flags;
	if (fl & TH_RST) {
		f->tcp_state = TS_RESET;
		return;
	}
	if (f->tcp_state == TS_RESET || f->tcp_state == TS_CLOSED)
		return;
	if (fl & TH_FIN)
		f->fins |= 1u << dir;
	if (f->fins == 3)
		f->tcp_state = TS_CLOSED;
	else if (f->fins)
		f->tcp_state = TS_HALF_CLOSED;
	else if (fl & TH_SYN && f->tcp_state <= TS_SYN_ACK) /* a late repeat of it changes nothing */
		f->tcp_state = fl & TH_ACK || f->tcp_state == TS_SYN_ACK ? TS_SYN_ACK : TS_SYN;
	else if (f->tcp_state == TS_SYN_ACK && dir == 0)
		f->tcp_state = TS_ESTABLISHED;
	else if (f->tcp_state == TS_SYN && dir == 1)
		f->tcp_state = TS_ESTABLISHED; /* the SYN-ACK was not seen */
	else if (f->tcp_state == TS_NONE)
		f->tcp_state = TS_MIDSTREAM;
}

void flow_tcp_packet(struct flow *f, const struct decoded *d, unsigned dir, uint64_t time)
{
	struct flow_side *s = &f->side[dir];
	s->tcp_flags |= d->tcp_flags;
	if (d->tcp_flags & TH_RST)
		s->rsts++;
	else if (d->tcp_window == 0 && !(d->tcp_flags & TH_SYN))
		flow_extra(f)->loss[dir].zwin++;
	track_rtt(f, d, dir, time);
	track_sequence(f, d, dir);
	track_state(f, d, dir);
}

bool flow_tcp_reused(const struct flow *f, const struct decoded *d, unsigned dir)
{
	if ((d->tcp_flags & (TH_SYN | TH_ACK | TH_RST)) != TH_SYN)
		return false;
	const struct flow_side *s = &f->side[dir];
	uint32_t gap = s->tcp_seen ? d->tcp_seq - s->tcp_next : 0;
	bool same_syn = s->tcp_seen && d->tcp_seq + 1 + d->payload_len == s->tcp_next;
	if (f->tcp_state == TS_CLOSED || f->tcp_state == TS_RESET)
		return !same_syn;
	return s->tcp_seen && f->tcp_state != TS_SYN && gap > NEW_CONNECTION_GAP && -gap > NEW_CONNECTION_GAP;
}

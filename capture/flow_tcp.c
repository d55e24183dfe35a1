/* TCP as seen from outside: RFC 9293. */
#include <netinet/tcp.h>

#include "flow.h"

#define NEW_CONNECTION_GAP (1u << 20) /* a SYN this far from the sequence at hand is not a stray repeat */

/* Sequence numbers wrap: a is before b if the distance is less than half the space. */
static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

struct counters {
	uint32_t *retrans, *ooo, *lost, *zwin, *rsts;
};

static struct counters counters_of(struct flow *f, unsigned dir)
{
	struct g_flow_count *n = &f->n;
	if (dir == 0)
		return (struct counters){ &n->client_retrans, &n->client_ooo, &n->client_lost, &n->client_zwin,
					  &n->client_rsts };
	return (struct counters){ &n->server_retrans, &n->server_ooo, &n->server_lost, &n->server_zwin,
				  &n->server_rsts };
}

/* How many segments fit a hole, going by the longest seen. */
static uint32_t segments(const struct flow_tcp *t, uint32_t bytes)
{
	uint32_t len = t->max_len ? t->max_len : 1;
	return (bytes + len - 1) / len;
}

static void late_segment(struct flow_tcp *t, const struct counters *c, uint32_t seq, uint32_t len)
{
	bool fills = t->has_hole && !before(seq, t->hole_lo) && before(seq, t->hole_hi);
	if (!fills) {
		(*c->retrans)++;
		return;
	}
	(*c->ooo)++;
	if (*c->lost)
		(*c->lost)--;
	if (seq == t->hole_lo)
		t->hole_lo = seq + len;
	else
		t->hole_hi = seq;
	t->has_hole = before(t->hole_lo, t->hole_hi);
}

static void track_sequence(struct flow *f, const struct decoded *d, unsigned dir)
{
	struct flow_tcp *t = &f->tcp[dir];
	struct counters c = counters_of(f, dir);
	uint32_t seq = d->tcp_seq, data = d->payload_len;
	uint32_t len = data + ((d->tcp_flags & TH_SYN) != 0) + ((d->tcp_flags & TH_FIN) != 0);
	if (data > t->max_len)
		t->max_len = data > UINT16_MAX ? UINT16_MAX : (uint16_t)data;
	if (len == 0 || d->tcp_flags & TH_RST)
		return;
	if (!t->seen) {
		t->seen = true;
		t->next = seq + len;
		return;
	}
	if (seq == t->next) {
		t->next = seq + len;
	} else if (before(t->next, seq)) {
		*c.lost += segments(t, seq - t->next);
		t->has_hole = true;
		t->hole_lo = t->next;
		t->hole_hi = seq;
		t->next = seq + len;
	} else if (data <= 1 && seq + 1 == t->next) {
		return; /* keep-alive, RFC 9293 section 3.8.4 */
	} else {
		late_segment(t, &c, seq, len);
		if (before(t->next, seq + len))
			t->next = seq + len;
	}
}

static void track_rtt(struct flow *f, const struct decoded *d, unsigned dir, uint64_t time)
{
	uint8_t fl = d->tcp_flags;
	if (dir == 0 && (fl & (TH_SYN | TH_ACK)) == TH_SYN) {
		f->n.client_syns++;
		f->syn_time = f->got_syn ? 0 : time; /* a repeated SYN: nobody knows which one was answered */
		f->got_syn = true;
	} else if (dir == 1 && (fl & (TH_SYN | TH_ACK)) == (TH_SYN | TH_ACK)) {
		if (!f->got_synack && f->syn_time && time >= f->syn_time)
			f->n.rtt_server = time - f->syn_time;
		f->synack_time = f->got_synack ? 0 : time;
		f->got_synack = true;
	} else if (dir == 0 && f->got_synack && !f->rtt_done && (fl & TH_ACK)) {
		if (f->synack_time && time >= f->synack_time)
			f->n.rtt_client = time - f->synack_time;
		f->rtt_done = true;
	}
}

static void track_state(struct flow *f, const struct decoded *d, unsigned dir)
{
	uint8_t fl = d->tcp_flags;
	if (fl & TH_RST) {
		f->n.tcp_state = TS_RESET;
		return;
	}
	if (f->n.tcp_state == TS_RESET || f->n.tcp_state == TS_CLOSED)
		return;
	if (fl & TH_FIN)
		f->fins |= (uint8_t)(1u << dir);
	if (f->fins == 3)
		f->n.tcp_state = TS_CLOSED;
	else if (f->fins)
		f->n.tcp_state = TS_HALF_CLOSED;
	else if (fl & TH_SYN && f->n.tcp_state <= TS_SYN_ACK) /* a late repeat of it changes nothing */
		f->n.tcp_state = fl & TH_ACK || f->n.tcp_state == TS_SYN_ACK ? TS_SYN_ACK : TS_SYN;
	else if (f->n.tcp_state == TS_SYN_ACK && dir == 0)
		f->n.tcp_state = TS_ESTABLISHED;
	else if (f->n.tcp_state == TS_SYN && dir == 1)
		f->n.tcp_state = TS_ESTABLISHED; /* the SYN-ACK was not seen */
	else if (f->n.tcp_state == TS_NONE)
		f->n.tcp_state = TS_MIDSTREAM;
}

void flow_tcp_packet(struct flow *f, const struct decoded *d, unsigned dir, uint64_t time)
{
	struct counters c = counters_of(f, dir);
	if (dir == 0)
		f->n.client_flags |= d->tcp_flags;
	else
		f->n.server_flags |= d->tcp_flags;
	if (d->tcp_flags & TH_RST)
		(*c.rsts)++;
	else if (d->tcp_window == 0 && !(d->tcp_flags & TH_SYN))
		(*c.zwin)++;
	track_rtt(f, d, dir, time);
	track_sequence(f, d, dir);
	track_state(f, d, dir);
}

bool flow_tcp_reused(const struct flow *f, const struct decoded *d, unsigned dir)
{
	if ((d->tcp_flags & (TH_SYN | TH_ACK | TH_RST)) != TH_SYN)
		return false;
	const struct flow_tcp *t = &f->tcp[dir];
	uint32_t gap = t->seen ? d->tcp_seq - t->next : 0;
	bool same_syn = t->seen && d->tcp_seq + 1 + d->payload_len == t->next;
	if (f->n.tcp_state == TS_CLOSED || f->n.tcp_state == TS_RESET)
		return !same_syn;
	return t->seen && f->n.tcp_state != TS_SYN && gap > NEW_CONNECTION_GAP && -gap > NEW_CONNECTION_GAP;
}

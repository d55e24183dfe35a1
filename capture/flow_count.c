#include "flow.h"

static void widen(uint8_t v, uint8_t *min, uint8_t *max)
{
	if (v < *min)
		*min = v;
	else if (v > *max)
		*max = v;
}

/* The first packet of a direction in this part. */
static void begin_side(struct flow_side *s, const struct decoded *d, unsigned dir)
{
	s->ttl_min = s->ttl_max = d->ttl;
	s->tos_min = s->tos_max = d->tos;
	if (dir == 1 && d->has_mac && mac_is_set(&d->src_mac))
		s->mac = d->src_mac; /* what it sends from, not what was asked for */
}

static void count_latency(struct flow *f, unsigned dir, uint64_t time)
{
	if (f->has_latency)
		return;
	if (dir == 0 && !f->latency) {
		f->latency = time;
	} else if (dir == 1 && f->latency && time > f->latency && !(f->extra && f->extra->part)) {
		f->latency = time - f->latency;
		f->has_latency = true;
	}
}

void flow_count_packet(struct flow *f, const struct packet *p, const struct decoded *d, unsigned dir, uint64_t time)
{
	struct flow_side *s = &f->side[dir];
	if (time > f->last)
		f->last = time;
	if (s->packets++ == 0) {
		begin_side(s, d, dir);
	} else {
		widen(d->ttl, &s->ttl_min, &s->ttl_max);
		widen(d->tos, &s->tos_min, &s->tos_max);
	}
	s->bytes += p->len;
	s->payload += d->payload_len;
	if (d->frag != FRAG_NONE)
		flow_extra(f)->loss[dir].frags++;
	if (d->payload_len)
		count_latency(f, dir, time);
	if (dir == 0 && d->has_mac && !mac_is_set(&s->mac))
		s->mac = d->src_mac;
}

void flow_count_told(const struct flow *f, struct g_flow_count *n)
{
	const struct flow_side *c = &f->side[0], *s = &f->side[1];
	const struct flow_extra *x = flow_extra_or_none(f);
	const struct flow_loss *cl = &x->loss[0], *sl = &x->loss[1];
	*n = (struct g_flow_count){
		.start = flow_start(f), .last = f->last, .part = x->part, .tcp_state = f->tcp_state,
		.client_packets = c->packets, .client_bytes = c->bytes, .client_payload = c->payload,
		.server_packets = s->packets, .server_bytes = s->bytes, .server_payload = s->payload,
		.client_flags = c->tcp_flags, .client_syns = f->syns, .client_rsts = c->rsts,
		.server_flags = s->tcp_flags, .server_rsts = s->rsts,
		.rtt_client = f->rtt_done ? f->rtt_client : 0,
		.rtt_server = f->got_synack ? f->rtt_server : 0,
		.app_latency = f->has_latency ? f->latency : 0,
		.client_ttl_min = c->ttl_min, .client_ttl_max = c->ttl_max,
		.server_ttl_min = s->ttl_min, .server_ttl_max = s->ttl_max,
		.client_tos_min = c->tos_min, .client_tos_max = c->tos_max,
		.server_tos_min = s->tos_min, .server_tos_max = s->tos_max,
		.client_retrans = cl->retrans, .client_ooo = cl->ooo, .client_lost = cl->lost,
		.server_retrans = sl->retrans, .server_ooo = sl->ooo, .server_lost = sl->lost,
		.client_zwin = cl->zwin, .client_frags = cl->frags,
		.server_zwin = sl->zwin, .server_frags = sl->frags,
	};
	if (x->rtp && rtp_found(x->rtp))
		rtp_fill(x->rtp, n);
}

/* What was measured has been told; what is waited for goes on. */
static void next_times(struct flow *f)
{
	if (f->got_synack)
		f->rtt_server = 0;
	if (f->rtt_done)
		f->rtt_client = 0;
	if (f->has_latency)
		f->latency = 0;
	f->has_latency = false;
}

void flow_count_next_part(struct flow *f, uint64_t time)
{
	struct flow_extra *x = flow_extra(f);
	x->part++;
	x->start = x->updated = f->last = time;
	x->told = (struct flowtab_told){ 0 };
	if (x->rtp)
		rtp_next_part(x->rtp);
	for (unsigned dir = 0; dir < 2; dir++) {
		struct flow_side *s = &f->side[dir];
		*s = (struct flow_side){ .mac = s->mac, .tcp_seen = s->tcp_seen, .tcp_longest = s->tcp_longest,
					 .tcp_next = s->tcp_next };
		struct flow_loss *l = &x->loss[dir];
		*l = (struct flow_loss){ .hole_lo = l->hole_lo, .hole_hi = l->hole_hi };
	}
	f->syns = 0;
	next_times(f);
}

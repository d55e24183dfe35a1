#include "flow.h"

static void min_max(uint8_t v, bool first, uint8_t *min, uint8_t *max)
{
	if (first || v < *min)
		*min = v;
	if (first || v > *max)
		*max = v;
}

void flow_count_packet(struct flow *f, const struct packet *p, const struct decoded *d, unsigned dir, uint64_t time)
{
	struct g_flow_count *n = &f->n;
	if (time > n->last)
		n->last = time;
	if (dir == 0) {
		bool first = n->client_packets++ == 0;
		n->client_bytes += p->len;
		n->client_payload += d->payload_len;
		n->client_frags += d->frag != FRAG_NONE;
		min_max(d->ttl, first, &n->client_ttl_min, &n->client_ttl_max);
		min_max(d->tos, first, &n->client_tos_min, &n->client_tos_max);
		if (d->payload_len && !f->request_time)
			f->request_time = time;
		if (!mac_is_set(&f->key.client_mac) && d->has_mac)
			f->key.client_mac = d->src_mac;
	} else {
		bool first = n->server_packets++ == 0;
		n->server_bytes += p->len;
		n->server_payload += d->payload_len;
		n->server_frags += d->frag != FRAG_NONE;
		min_max(d->ttl, first, &n->server_ttl_min, &n->server_ttl_max);
		min_max(d->tos, first, &n->server_tos_min, &n->server_tos_max);
		if (d->payload_len && f->request_time && !n->app_latency && time > f->request_time && !n->part)
			n->app_latency = time - f->request_time;
		if (first && d->has_mac && mac_is_set(&d->src_mac))
			f->key.server_mac = d->src_mac; /* what it sends from, not what was asked for */
	}
}

struct g_flow_count flow_count_told(const struct flow *f)
{
	struct g_flow_count n = f->n;
	if (f->rtp && rtp_found(f->rtp))
		rtp_fill(f->rtp, &n);
	return n;
}

void flow_count_next_part(struct flow *f, uint64_t time)
{
	struct g_flow_count n = { .start = time, .last = time, .part = f->n.part + 1, .tcp_state = f->n.tcp_state };
	if (f->rtp)
		rtp_next_part(f->rtp);
	f->n = n;
	f->told = (struct flowtab_told){ 0 };
	f->updated = time;
}

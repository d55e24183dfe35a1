#include <netinet/in.h>
#include <stdlib.h>

#include "flowtab_priv.h"
#include "headpkt.h"

#define HEAD_MIN 512
/* A dialogue of short lines (telnet sends each key by itself) goes on for longer: to this many bytes or packets. */
#define HEAD_TALK_BYTES   4096
#define HEAD_TALK_PACKETS 80

/*
 * Timers of one list are all as long as each other, so the list is in the order they fall due, but for a packet older
 * than the clock: then the later ones wait for it, by no more than it was late.
 */
static void timer_set(struct flowtab *ft, struct flow *f, enum flow_list which, uint64_t due)
{
	f->head.due = due;
	flow_pool_list(&ft->pool, f, which);
	if (due < ft->next_event)
		ft->next_event = due;
}

static void head_free(struct flowtab *ft, struct flow *f)
{
	ft->stats.head_bytes -= f->head.cap;
	free(f->head.data);
	f->head.data = NULL;
	f->head.len = f->head.cap = 0;
}

static void head_send(struct flowtab *ft, struct flow *f, bool final)
{
	struct flow_head *h = &f->head;
	if (h->sent == UINT8_MAX)
		return;
	h->sent++;
	h->added = false;
	struct r_head r = { .key = f->key, .n = flow_count_told(f) };
	r.head.n = h->sent;
	r.head.final = final;
	r.head.packets = h->packets;
	ft->arena.len = ft->sensor.len;
	r.head.data.len = h->len;
	ft->ops.head(ft->arg, &r, ft->arena.p, h->data);
	if (final) {
		h->done = true;
		flow_pool_unlist(&ft->pool, f, &f->timer);
		head_free(ft, f);
	}
}

static void head_append(struct flowtab *ft, struct flow *f, const struct decoded *d, unsigned dir, uint64_t time)
{
	struct flow_head *h = &f->head;
	struct headpkt hp = { .time = time, .caplen = d->l3_caplen, .len = d->l3_len, .dir = (uint8_t)dir };
	uint32_t need = h->len + (uint32_t)sizeof hp + hp.caplen;
	if (need > h->cap) {
		uint32_t cap = h->cap ? h->cap : HEAD_MIN;
		while (cap < need)
			cap *= 2;
		h->data = xrealloc(h->data, cap);
		ft->stats.head_bytes += cap - h->cap;
		h->cap = cap;
	}
	memcpy(h->data + h->len, &hp, sizeof hp);
	memcpy(h->data + h->len + sizeof hp, d->l3, hp.caplen);
	h->len = need;
	h->packets++;
	h->added = true;
	h->last_dir = (uint8_t)dir;
	h->last_payload = d->payload_len != 0;
}

/*
 * The first packet, those with payload, and an empty TCP packet after payload from the other side: without that
 * acknowledgement nDPI 4.2 does not read the reply's content type.
 */
static bool head_wants(const struct flow_head *h, const struct decoded *d, unsigned dir)
{
	if (h->packets == 0 || d->payload_len)
		return true;
	return d->proto == IPPROTO_TCP && h->last_payload && h->last_dir != dir;
}

static bool head_full(const struct flowtab *ft, const struct flow *f)
{
	const struct flow_head *h = &f->head;
	if (h->payloads < ft->conf.head_packets)
		return false;
	return f->key.proto != IPPROTO_TCP || h->len >= HEAD_TALK_BYTES || h->packets >= HEAD_TALK_PACKETS;
}

void flow_head_packet(struct flowtab *ft, struct flow *f, const struct decoded *d, unsigned dir, uint64_t time)
{
	struct flow_head *h = &f->head;
	if (d->frag == FRAG_LATER || !head_wants(h, d, dir) || h->packets == UINT8_MAX)
		return;
	head_append(ft, f, d, dir, time);
	if (d->payload_len && h->payloads++ == 0) {
		h->first_payload = time;
		timer_set(ft, f, LIST_HEAD1, time + ft->conf.head_first);
	}
	if (head_full(ft, f)) {
		head_send(ft, f, true);
	} else if (ft->stats.head_bytes > ft->conf.max_head_bytes) {
		ft->stats.heads_early++;
		head_send(ft, f, true);
	}
}

static void head_due(struct flowtab *ft, struct flow *f)
{
	struct flow_head *h = &f->head;
	bool first = f->timer.list == LIST_HEAD1;
	flow_pool_unlist(&ft->pool, f, &f->timer);
	if (h->added)
		head_send(ft, f, false);
	if (first)
		timer_set(ft, f, LIST_HEAD2, h->first_payload + ft->conf.head_second);
}

void flow_head_run(struct flowtab *ft, uint64_t now)
{
	struct flow *f;
	for (int i = LIST_HEAD1; i <= LIST_HEAD2; i++)
		while ((f = flow_pool_first(&ft->pool, (enum flow_list)i)) && f->head.due <= now)
			head_due(ft, f);
}

uint64_t flow_head_next(const struct flowtab *ft)
{
	uint64_t next = UINT64_MAX;
	for (int i = LIST_HEAD1; i <= LIST_HEAD2; i++) {
		const struct flow *f = flow_pool_first(&ft->pool, (enum flow_list)i);
		if (f && f->head.due < next)
			next = f->head.due;
	}
	return next;
}

void flow_head_end(struct flowtab *ft, struct flow *f)
{
	if (!f->head.done && f->head.added)
		head_send(ft, f, true);
	head_free(ft, f);
}

#include <netinet/in.h>
#include <stdlib.h>

#include "codec.h"
#include "flowtab_priv.h"
#include "headpkt.h"

#define HEAD_MIN 512
/* A dialogue of short lines (telnet sends each key by itself) goes on for longer: to this many bytes or packets. */
#define HEAD_TALK_BYTES   4096
#define HEAD_TALK_PACKETS 80
#define HEAD_PACKET_MAX   UINT16_MAX /* bytes of one, as nDPI counts them; more come of segments that the card merged */
#define HEAD_MAX          (CODEC_MAX_RECORD - 2 * HEAD_PACKET_MAX) /* bytes with which another may not fit into the record */

/* When the timer that runs is due. */
static uint64_t due_of(const struct flowtab *ft, const struct flow *f)
{
	return f->head.first_payload + (f->list[OF_TIMER] == LIST_HEAD1 ? ft->conf.head_first : ft->conf.head_second);
}

/*
 * Timers of one list are all as long as each other, so the list is in the order they fall due, but for a packet older
 * than the clock: then the later ones wait for it, by no more than it was late.
 */
static void timer_set(struct flowtab *ft, struct flow *f, enum flow_list which)
{
	flow_pool_list(&ft->pool, f, which);
	uint64_t due = due_of(ft, f);
	if (due < ft->next_event)
		ft->next_event = due;
}

/* Bytes that are allocated for so many: a power of two. */
static uint32_t room_for(uint32_t len)
{
	if (len <= HEAD_MIN)
		return len ? HEAD_MIN : 0;
	return 1u << (32 - __builtin_clz(len - 1));
}

static void head_free(struct flowtab *ft, struct flow *f)
{
	ft->stats.head_bytes -= room_for(f->head.len);
	free(f->head.data);
	f->head.data = NULL;
	f->head.len = 0;
}

static void head_send(struct flowtab *ft, struct flow *f, bool final)
{
	struct flow_head *h = &f->head;
	h->sent++;
	h->added = false;
	struct r_head r;
	r.head = (struct g_head){ .n = h->sent, .final = final, .packets = h->packets, .data = { 0, h->len } };
	flow_key_told(f, ft->conf.epoch, ft->sensor, &r.key);
	flow_count_told(f, &r.n);
	ft->ops.head(ft->arg, &r, ft->arena.p, h->data);
	if (final) {
		h->done = true;
		flow_pool_unlist(&ft->pool, f, OF_TIMER);
		head_free(ft, f);
	}
}

static void head_append(struct flowtab *ft, struct flow *f, const struct decoded *d, unsigned dir, uint64_t time)
{
	struct flow_head *h = &f->head;
	struct headpkt hp = { .time = time, .caplen = d->l3_caplen, .len = d->l3_len, .dir = (uint8_t)dir };
	if (hp.caplen > HEAD_PACKET_MAX)
		hp.caplen = HEAD_PACKET_MAX;
	uint32_t need = h->len + (uint32_t)sizeof hp + hp.caplen;
	uint32_t before = room_for(h->len), after = room_for(need);
	if (after > before) {
		h->data = xrealloc(h->data, after);
		ft->stats.head_bytes += after - before;
	}
	memcpy(h->data + h->len, &hp, sizeof hp);
	memcpy(h->data + h->len + sizeof hp, d->l3, hp.caplen);
	h->len = need;
	h->packets++;
	h->added = true;
	h->last_dir = dir & 1;
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
	if (h->len > HEAD_MAX)
		return true;
	if (h->payloads < ft->conf.head_packets)
		return false;
	return f->tuple.proto != IPPROTO_TCP || h->len >= HEAD_TALK_BYTES || h->packets >= HEAD_TALK_PACKETS;
}

void flow_head_packet(struct flowtab *ft, struct flow *f, const struct decoded *d, unsigned dir, uint64_t time)
{
	struct flow_head *h = &f->head;
	if (d->frag == FRAG_LATER || !head_wants(h, d, dir) || h->packets == UINT8_MAX)
		return;
	head_append(ft, f, d, dir, time);
	if (d->payload_len && h->payloads++ == 0) {
		h->first_payload = time;
		timer_set(ft, f, LIST_HEAD1);
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
	bool first = f->list[OF_TIMER] == LIST_HEAD1;
	flow_pool_unlist(&ft->pool, f, OF_TIMER);
	if (h->added)
		head_send(ft, f, false);
	if (first)
		timer_set(ft, f, LIST_HEAD2);
}

void flow_head_run(struct flowtab *ft, uint64_t now)
{
	struct flow *f;
	for (int i = LIST_HEAD1; i <= LIST_HEAD2; i++)
		while ((f = flow_pool_first(&ft->pool, (enum flow_list)i)) && due_of(ft, f) <= now)
			head_due(ft, f);
}

uint64_t flow_head_next(const struct flowtab *ft)
{
	uint64_t next = UINT64_MAX;
	for (int i = LIST_HEAD1; i <= LIST_HEAD2; i++) {
		const struct flow *f = flow_pool_first(&ft->pool, (enum flow_list)i);
		if (f && due_of(ft, f) < next)
			next = due_of(ft, f);
	}
	return next;
}

void flow_head_end(struct flowtab *ft, struct flow *f)
{
	if (!f->head.done && f->head.added)
		head_send(ft, f, true);
	head_free(ft, f);
}

#include "flowtab.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "buf.h"
#include "flow.h"
#include "hash.h"
#include "headpkt.h"
#include "id.h"
#include "log.h"

#define NONE    UINT32_MAX
#define SECOND  1000000000ull
#define HEAD_MIN 512
/* A dialogue of short lines (telnet sends each key by itself) goes on for longer: to this many bytes or packets. */
#define HEAD_TALK_BYTES   4096
#define HEAD_TALK_PACKETS 80

enum { TCP = 6, UDP = 17, SCTP = 132, UDPLITE = 136 };
enum { SYN = 2, ACK = 16 };

struct list {
	uint32_t first, last;
};

/* A packet whose time waits for the next one to confirm it. */
struct held {
	bool is;
	struct packet p;
	struct decoded d;
	enum undecoded ud;
	struct buf l3;
};

struct flowtab {
	struct flowtab_conf conf;
	struct flowtab_ops ops;
	void *arg;
	struct hash_key seed;
	uint64_t *slots; /* tag << 32 | index + 1; 0 = free; linear probing */
	uint32_t mask;
	size_t slots_size, pool_size;
	struct flow *pool;
	uint32_t *free; /* stack of indexes given back */
	uint32_t n_free, n_used;
	struct list lists[LIST_COUNT];
	struct flow_clock clock;
	struct held held;
	struct flow_frags *frags;
	uint32_t n_rtp;      /* flows whose media is measured */
	uint64_t ticked;     /* time of the last tick */
	uint64_t next_event; /* nothing is due before */
	uint64_t open_packets;
	struct flowtab_stats stats;
	struct buf arena;    /* the sensor's name, then the packets of a HEAD */
	struct str sensor;
};

/* -- memory -- */

static void *map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		fatal("flow table of %zu bytes", size);
	madvise(p, size, MADV_HUGEPAGE); /* a wish: fewer TLB misses */
	return p;
}

static uint32_t slots_for(uint64_t max_flows)
{
	uint32_t n = 1024;
	while (n < 2 * max_flows && n < 1u << 31)
		n *= 2;
	return n;
}

uint64_t flowtab_memory(const struct flowtab_conf *conf)
{
	uint64_t media = conf->max_flows < FLOWTAB_MEDIA ? conf->max_flows : FLOWTAB_MEDIA;
	return slots_for(conf->max_flows) * sizeof(uint64_t) + conf->max_flows * (sizeof(struct flow) + 4) +
	       conf->max_head_bytes + media * sizeof(struct rtp) + flow_frags_memory();
}

static void init_lists(struct flowtab *ft)
{
	for (int i = 0; i < LIST_COUNT; i++)
		ft->lists[i] = (struct list){ NONE, NONE };
}

struct flowtab *flowtab_new(const struct flowtab_conf *conf, const struct flowtab_ops *ops, void *arg)
{
	struct flowtab *ft = xcalloc(1, sizeof *ft);
	ft->conf = *conf;
	if (ft->conf.max_flows < 16)
		ft->conf.max_flows = 16;
	if (!ft->conf.tick)
		ft->conf.tick = SECOND;
	ft->ops = *ops;
	ft->arg = arg;
	ft->seed = hash_key_random();
	uint32_t n = slots_for(ft->conf.max_flows);
	ft->mask = n - 1;
	ft->slots_size = n * sizeof *ft->slots;
	ft->pool_size = ft->conf.max_flows * sizeof *ft->pool;
	ft->slots = map(ft->slots_size);
	ft->pool = map(ft->pool_size);
	ft->free = xmalloc(ft->conf.max_flows * sizeof *ft->free);
	ft->frags = flow_frags_new();
	ft->clock.max_jump = conf->max_jump;
	init_lists(ft);
	buf_adds(&ft->arena, conf->sensor);
	ft->sensor = (struct str){ 0, (uint32_t)ft->arena.len };
	return ft;
}

void flowtab_free(struct flowtab *ft)
{
	if (!ft)
		return;
	for (uint32_t i = 0; i < ft->n_used; i++) {
		free(ft->pool[i].head.data);
		free(ft->pool[i].rtp);
	}
	munmap(ft->slots, ft->slots_size);
	munmap(ft->pool, ft->pool_size);
	flow_frags_free(ft->frags);
	free(ft->free);
	buf_release(&ft->held.l3);
	buf_release(&ft->arena);
	free(ft);
}

void flowtab_carry(struct flowtab *ft, const struct flowtab_stats *st)
{
	ft->stats = *st;
	ft->clock.regress = st->time_regress;
	ft->clock.jumps = st->time_jump;
}

void flowtab_reset(struct flowtab *ft, uint64_t epoch)
{
	ft->conf.epoch = epoch;
	for (uint32_t i = 0; i < ft->n_used; i++) {
		free(ft->pool[i].head.data);
		free(ft->pool[i].rtp);
	}
	memset(ft->slots, 0, ft->slots_size);
	madvise(ft->pool, ft->pool_size, MADV_DONTNEED);
	ft->n_free = ft->n_used = ft->n_rtp = 0;
	ft->open_packets = 0;
	init_lists(ft);
	flow_frags_reset(ft->frags);
	ft->clock = (struct flow_clock){ .max_jump = ft->conf.max_jump };
	ft->held.is = false;
	ft->stats = (struct flowtab_stats){ 0 };
	ft->ticked = ft->next_event = 0;
}

/* -- lists of flows, by index -- */

static uint32_t index_of(const struct flowtab *ft, const struct flow *f)
{
	return (uint32_t)(f - ft->pool);
}

static void list_remove(struct flowtab *ft, struct flow *f)
{
	struct list *l = &ft->lists[f->list];
	if (f->prev != NONE)
		ft->pool[f->prev].next = f->next;
	else
		l->first = f->next;
	if (f->next != NONE)
		ft->pool[f->next].prev = f->prev;
	else
		l->last = f->prev;
}

static void list_append(struct flowtab *ft, struct flow *f, enum flow_list which)
{
	struct list *l = &ft->lists[which];
	f->list = (uint8_t)which;
	f->prev = l->last;
	f->next = NONE;
	if (l->last != NONE)
		ft->pool[l->last].next = index_of(ft, f);
	else
		l->first = index_of(ft, f);
	l->last = index_of(ft, f);
	f->listed = ft->clock.now;
}

static void timer_remove(struct flowtab *ft, struct flow *f)
{
	struct flow_head *h = &f->head;
	if (h->list == LIST_NONE)
		return;
	struct list *l = &ft->lists[h->list];
	if (h->prev != NONE)
		ft->pool[h->prev].head.next = h->next;
	else
		l->first = h->next;
	if (h->next != NONE)
		ft->pool[h->next].head.prev = h->prev;
	else
		l->last = h->prev;
	h->list = LIST_NONE;
}

/*
 * Timers of one list are all as long as each other, so the list is in the order they fall due, but for a packet older
 * than the clock: then the later ones wait for it, by no more than it was late.
 */
static void timer_set(struct flowtab *ft, struct flow *f, enum flow_list which, uint64_t due)
{
	struct flow_head *h = &f->head;
	struct list *l = &ft->lists[which];
	timer_remove(ft, f);
	h->list = (uint8_t)which;
	h->due = due;
	h->prev = l->last;
	h->next = NONE;
	if (l->last != NONE)
		ft->pool[l->last].head.next = index_of(ft, f);
	else
		l->first = index_of(ft, f);
	l->last = index_of(ft, f);
	if (due < ft->next_event)
		ft->next_event = due;
}

/* -- slots -- */

static struct flow *slot_find(const struct flowtab *ft, uint32_t tag, const struct flow_tuple *t)
{
	for (uint32_t i = tag & ft->mask; ft->slots[i]; i = (i + 1) & ft->mask)
		if ((uint32_t)(ft->slots[i] >> 32) == tag) {
			struct flow *f = &ft->pool[(uint32_t)ft->slots[i] - 1];
			if (memcmp(&f->tuple, t, sizeof *t) == 0)
				return f;
		}
	return NULL;
}

static void slot_insert(struct flowtab *ft, uint32_t tag, uint32_t index)
{
	uint32_t i = tag & ft->mask;
	while (ft->slots[i])
		i = (i + 1) & ft->mask;
	ft->slots[i] = (uint64_t)tag << 32 | (index + 1);
}

/* Takes a slot out and moves those behind it up, so that no markers are left. */
static void slot_remove(struct flowtab *ft, uint32_t tag, uint32_t index)
{
	uint64_t want = (uint64_t)tag << 32 | (index + 1);
	uint32_t i = tag & ft->mask;
	while (ft->slots[i] != want)
		i = (i + 1) & ft->mask;
	for (uint32_t j = (i + 1) & ft->mask; ft->slots[j]; j = (j + 1) & ft->mask) {
		uint32_t home = (uint32_t)(ft->slots[j] >> 32) & ft->mask;
		if (((j - home) & ft->mask) >= ((j - i) & ft->mask)) {
			ft->slots[i] = ft->slots[j];
			i = j;
		}
	}
	ft->slots[i] = 0;
}

/* -- media -- */

static void rtp_free(struct flowtab *ft, struct flow *f)
{
	if (!f->rtp)
		return;
	free(f->rtp);
	f->rtp = NULL;
	ft->n_rtp--;
}

static void media_packet(struct flowtab *ft, struct flow *f, const struct decoded *d, unsigned dir, uint64_t time)
{
	if (f->no_rtp || !d->payload || d->frag == FRAG_LATER)
		return;
	if (!f->rtp) {
		if (ft->n_rtp == FLOWTAB_MEDIA || !rtp_plausible(d->payload, d->payload_caplen))
			return;
		f->rtp = xcalloc(1, sizeof *f->rtp);
		ft->n_rtp++;
	}
	if (!rtp_packet(f->rtp, dir, d->payload, d->payload_caplen, time)) {
		rtp_free(ft, f);
		f->no_rtp = true;
	}
}

/* The counters as they are to be told. */
static struct g_flow_count counters(const struct flow *f)
{
	struct g_flow_count n = f->n;
	if (f->rtp && rtp_found(f->rtp))
		rtp_fill(f->rtp, &n);
	return n;
}

/* -- HEAD -- */

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
	struct r_head r = { .key = f->key, .n = counters(f) };
	r.head.n = h->sent;
	r.head.final = final;
	r.head.packets = h->packets;
	ft->arena.len = ft->sensor.len;
	r.head.data = (struct str){ (uint32_t)ft->arena.len, h->len };
	buf_add(&ft->arena, h->data, h->len);
	ft->ops.head(ft->arg, &r, ft->arena.p);
	if (final) {
		h->done = true;
		timer_remove(ft, f);
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
	return d->proto == TCP && h->last_payload && h->last_dir != dir;
}

static bool head_full(const struct flowtab *ft, const struct flow *f)
{
	const struct flow_head *h = &f->head;
	if (h->payloads < ft->conf.head_packets)
		return false;
	return f->key.proto != TCP || h->len >= HEAD_TALK_BYTES || h->packets >= HEAD_TALK_PACKETS;
}

static void head_packet(struct flowtab *ft, struct flow *f, const struct decoded *d, unsigned dir, uint64_t time)
{
	struct flow_head *h = &f->head;
	if (h->done || d->frag == FRAG_LATER || !head_wants(h, d, dir) || h->packets == UINT8_MAX)
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
	bool first = h->list == LIST_HEAD1;
	timer_remove(ft, f);
	if (h->added)
		head_send(ft, f, false);
	if (first)
		timer_set(ft, f, LIST_HEAD2, h->first_payload + ft->conf.head_second);
}

/* -- end of a flow -- */

static uint64_t packets_of(const struct flow *f)
{
	return f->n.client_packets + f->n.server_packets;
}

static void emit_end(struct flowtab *ft, struct flow *f, enum endreason why)
{
	struct r_end r = { .key = f->key, .n = counters(f) };
	r.n.end_reason = (uint8_t)why;
	ft->ops.end(ft->arg, &r, &f->told, ft->arena.p);
}

static void flow_end(struct flowtab *ft, struct flow *f, enum endreason why)
{
	uint32_t index = index_of(ft, f);
	if (!f->head.done && f->head.added)
		head_send(ft, f, true);
	timer_remove(ft, f);
	head_free(ft, f);
	emit_end(ft, f, why);
	ft->open_packets -= packets_of(f);
	rtp_free(ft, f);
	list_remove(ft, f);
	slot_remove(ft, f->tag, index);
	ft->free[ft->n_free++] = index;
	ft->stats.flows_ended++;
	ft->stats.flows_active--;
}

static enum endreason closed_reason(const struct flow *f)
{
	return f->n.tcp_state == TS_RESET ? END_RST : END_FIN;
}

/* The next part of a flow that an active timeout cut: same flow, new counters. */
static void next_part(struct flowtab *ft, struct flow *f, uint64_t time)
{
	struct g_flow_count n = { .start = time, .last = time, .part = f->n.part + 1, .tcp_state = f->n.tcp_state };
	emit_end(ft, f, END_TIMEOUT);
	ft->open_packets -= packets_of(f);
	if (f->rtp)
		rtp_next_part(f->rtp);
	f->n = n;
	f->told = (struct flowtab_told){ 0 };
	f->updated = time;
}

/* -- time -- */

static uint64_t idle_of(const struct flowtab *ft, unsigned list)
{
	const uint64_t idle[] = { ft->conf.linger, ft->conf.idle_syn, ft->conf.idle_other, ft->conf.idle_tcp };
	return idle[list];
}

static void expire(struct flowtab *ft, enum flow_list which, uint64_t now)
{
	struct list *l = &ft->lists[which];
	uint64_t idle = idle_of(ft, which);
	while (l->first != NONE) {
		struct flow *f = &ft->pool[l->first];
		if (f->listed + idle > now)
			return;
		if (f->n.last + idle > now) { /* there were packets since it was listed */
			list_remove(ft, f);
			list_append(ft, f, which);
			f->listed = f->n.last;
			if (f->listed + idle <= now)
				f->listed = now - idle + 1;
			continue;
		}
		flow_end(ft, f, which == LIST_LINGER ? closed_reason(f) : END_IDLE);
	}
}

static void run_heads(struct flowtab *ft, enum flow_list which, uint64_t now)
{
	struct list *l = &ft->lists[which];
	while (l->first != NONE && ft->pool[l->first].head.due <= now)
		head_due(ft, &ft->pool[l->first]);
}

static void earliest(struct flowtab *ft, enum flow_list which)
{
	uint32_t i = ft->lists[which].first;
	if (i != NONE && ft->pool[i].head.due < ft->next_event)
		ft->next_event = ft->pool[i].head.due;
}

/* All that is due at a time, then a tick if its time has come. */
static void run_due(struct flowtab *ft, uint64_t now)
{
	run_heads(ft, LIST_HEAD1, now);
	run_heads(ft, LIST_HEAD2, now);
	uint64_t second = now - now % ft->conf.tick;
	if (ft->ticked == 0)
		ft->ticked = second;
	if (second > ft->ticked) {
		for (int i = 0; i <= LIST_TCP; i++)
			expire(ft, (enum flow_list)i, now);
		uint64_t from = ft->ticked;
		ft->ticked = second;
		ft->ops.tick(ft->arg, from, second);
	}
	ft->next_event = ft->ticked + ft->conf.tick;
	earliest(ft, LIST_HEAD1);
	earliest(ft, LIST_HEAD2);
}

/* -- a packet -- */

static void make_tuple(struct flow_tuple *t, const struct decoded *d)
{
	int c = addr_cmp(&d->src, &d->dst);
	bool swap = c > 0 || (c == 0 && d->sport > d->dport);
	memset(t, 0, sizeof *t);
	t->a = swap ? d->dst : d->src;
	t->b = swap ? d->src : d->dst;
	t->pa = swap ? d->dport : d->sport;
	t->pb = swap ? d->sport : d->dport;
	t->proto = d->proto;
	t->vlan = d->vlan;
	if (d->tunnel_depth) {
		t->tunnel = d->tunnel;
		/* The keys of these differ by direction; they say nothing about which flow it is. */
		bool by_direction = d->tunnel == TUN_GTPU || d->tunnel == TUN_GRE || d->tunnel == TUN_L2TP;
		t->tunnel_id = by_direction ? 0 : d->tunnel_id;
	}
}

static uint32_t tag_of(const struct flowtab *ft, struct flow_tuple *t, const struct decoded *d)
{
	make_tuple(t, d);
	return (uint32_t)hash_sip13(ft->seed, t, sizeof *t);
}

/* Is the sender of the first packet the server? */
static bool first_is_server(const struct decoded *d)
{
	if (d->proto == TCP && (d->tcp_flags & SYN))
		return d->tcp_flags & ACK;
	if (d->proto == TCP) /* met midway: the ports tell */
		return d->sport < d->dport && (d->sport < 1024 || d->dport >= 32768);
	/* An answer whose question was not seen comes from a well-known port. */
	return d->sport && d->sport < 1024 && d->dport >= 1024;
}

static void init_key(struct flowtab *ft, struct flow *f, const struct decoded *d, uint64_t time)
{
	struct g_flow_key *k = &f->key;
	bool server = first_is_server(d);
	struct {
		struct flow_tuple tuple;
		uint64_t first, ordinal;
	} name = { f->tuple, time, f->ordinal };
	k->id = id_make(time, ft->conf.epoch, &name, sizeof name);
	k->first = time;
	k->client = server ? d->dst : d->src;
	k->server = server ? d->src : d->dst;
	k->client_port = server ? d->dport : d->sport;
	k->server_port = server ? d->sport : d->dport;
	if (d->has_mac) {
		k->client_mac = server ? d->dst_mac : d->src_mac;
		k->server_mac = server ? d->src_mac : d->dst_mac;
	}
	k->proto = d->proto;
	k->ip_version = d->ip_version;
	k->vlan = d->vlan;
	k->outer_vlan = d->outer_vlan;
	k->sensor = ft->sensor;
	k->midstream = d->proto == TCP && !(d->tcp_flags & SYN);
	k->icmp_type = d->icmp_type;
	k->icmp_code = d->icmp_code;
	k->tunnel = d->tunnel;
	k->tunnel_id = d->tunnel_id;
	k->tunnel_depth = d->tunnel_depth;
	k->tunnel_src = d->tunnel_src;
	k->tunnel_dst = d->tunnel_dst;
	f->n.start = f->n.last = f->updated = time;
}

static void make_room(struct flowtab *ft)
{
	/* Those that are over first, then half-open ones: a flood of SYNs must not push out what is established. */
	static const enum flow_list order[] = { LIST_LINGER, LIST_SYN, LIST_OTHER, LIST_TCP };
	for (int i = 0; i < 4; i++)
		if (ft->lists[order[i]].first != NONE) {
			struct flow *f = &ft->pool[ft->lists[order[i]].first];
			ft->stats.flows_evicted++;
			flow_end(ft, f, order[i] == LIST_LINGER ? closed_reason(f) : END_EVICTED);
			return;
		}
}

static struct flow *flow_new(struct flowtab *ft, uint32_t tag, const struct flow_tuple *t, const struct decoded *d,
			     uint64_t time, uint8_t ordinal)
{
	if (!ft->n_free && ft->n_used == ft->conf.max_flows)
		make_room(ft);
	uint32_t index = ft->n_free ? ft->free[--ft->n_free] : ft->n_used++;
	struct flow *f = &ft->pool[index];
	memset(f, 0, sizeof *f);
	f->tuple = *t;
	f->tag = tag;
	f->ordinal = ordinal;
	f->head.list = LIST_NONE;
	init_key(ft, f, d, time);
	slot_insert(ft, tag, index);
	list_append(ft, f, d->proto == TCP ? LIST_SYN : LIST_OTHER);
	ft->stats.flows_opened++;
	ft->stats.flows_active++;
	return f;
}

static unsigned direction(const struct flow *f, const struct decoded *d)
{
	const struct g_flow_key *k = &f->key;
	return addr_cmp(&d->src, &k->client) != 0 || d->sport != k->client_port;
}

static void min_max(uint8_t v, bool first, uint8_t *min, uint8_t *max)
{
	if (first || v < *min)
		*min = v;
	if (first || v > *max)
		*max = v;
}

static void count(struct flow *f, const struct packet *p, const struct decoded *d, unsigned dir, uint64_t time)
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

/* Puts the flow into the list of its state, at the end if it has not been there lately. */
static void relist(struct flowtab *ft, struct flow *f)
{
	enum flow_list want = LIST_OTHER;
	if (f->key.proto == TCP) {
		switch (f->n.tcp_state) {
		case TS_SYN:
		case TS_SYN_ACK:
		case TS_NONE:
			want = LIST_SYN;
			break;
		case TS_CLOSED:
		case TS_RESET:
			want = LIST_LINGER;
			break;
		default:
			want = LIST_TCP;
		}
	}
	/* Moving touches the neighbours' memory, so it is done once a second at most. */
	if (f->list == want && ft->clock.now - f->listed < SECOND)
		return;
	list_remove(ft, f);
	list_append(ft, f, want);
}

static void emit_update(struct flowtab *ft, struct flow *f, uint64_t time)
{
	struct r_update r = { .key = f->key, .n = counters(f) };
	f->updated = time;
	ft->ops.update(ft->arg, &r, &f->told, ft->arena.p);
}

/* The flow of a packet: an open one, or a new one when there is none, it has been silent too long, or its ports are
 * used again. */
static struct flow *find_flow(struct flowtab *ft, uint32_t tag, const struct flow_tuple *t, const struct decoded *d,
			      uint64_t time)
{
	struct flow *f = slot_find(ft, tag, t);
	uint8_t ordinal = 0;
	if (f) {
		bool reused = d->proto == TCP && flow_tcp_reused(f, d, direction(f, d));
		bool idle = time > f->n.last && time - f->n.last > idle_of(ft, f->list);
		if (!reused && !idle)
			return f;
		ordinal = (uint8_t)(f->ordinal + 1);
		flow_end(ft, f, reused ? (f->list == LIST_LINGER ? closed_reason(f) : END_REUSED)
			 : f->list == LIST_LINGER ? closed_reason(f) : END_IDLE);
	}
	return flow_new(ft, tag, t, d, time, ordinal);
}

static void one_packet(struct flowtab *ft, const struct packet *p, const struct decoded *d, uint32_t tag,
		       const struct flow_tuple *t, uint64_t time)
{
	struct flow *f = find_flow(ft, tag, t, d, time);
	unsigned dir = direction(f, d);
	if (ft->conf.active && time > f->n.start && time - f->n.start >= ft->conf.active)
		next_part(ft, f, time);
	uint64_t before = packets_of(f);
	count(f, p, d, dir, time);
	ft->open_packets += packets_of(f) - before;
	if (d->proto == TCP && d->frag != FRAG_LATER)
		flow_tcp_packet(f, d, dir, time);
	else if (d->proto == UDP)
		media_packet(ft, f, d, dir, time);
	head_packet(ft, f, d, dir, time);
	relist(ft, f);
	if (time > f->updated && time - f->updated >= ft->conf.update)
		emit_update(ft, f, time);
	ft->stats.in_flows++;
	ft->stats.flow_bytes += p->len;
}

static bool has_ports(uint8_t proto)
{
	return proto == TCP || proto == UDP || proto == SCTP || proto == UDPLITE;
}

/* Counts a packet under a time. Its tuple and tag are made if it is a later fragment, whose ports are found out here. */
static void book(struct flowtab *ft, const struct packet *p, struct decoded *d, enum undecoded ud, struct flow_tuple *t,
		 uint32_t tag, uint64_t time)
{
	if (ft->clock.now >= ft->next_event)
		run_due(ft, ft->clock.now);
	ft->stats.packets++;
	ft->stats.bytes += p->len;
	ft->stats.time_regress = ft->clock.regress;
	ft->stats.time_jump = ft->clock.jumps;
	if (ud != UD_NONE) {
		ft->stats.undecoded[ud]++;
		return;
	}
	if (d->frag == FRAG_LATER) {
		bool ports = has_ports(d->proto);
		if (!ft->conf.fragments || (ports && !flow_frags_get(ft->frags, d, time))) {
			ft->stats.undecoded[UD_FRAGMENT]++;
			return;
		}
		tag = tag_of(ft, t, d);
	} else if (d->frag == FRAG_FIRST && ft->conf.fragments) {
		flow_frags_put(ft->frags, d, time);
	}
	one_packet(ft, p, d, tag, t, time);
}

static void hold(struct flowtab *ft, const struct packet *p, const struct decoded *d, enum undecoded ud)
{
	struct held *h = &ft->held;
	h->is = true;
	h->p = *p;
	h->d = *d;
	h->ud = ud;
	h->p.data = h->d.payload = NULL;
	buf_reset(&h->l3);
	if (ud == UD_NONE)
		buf_add(&h->l3, d->l3, d->l3_caplen);
	h->d.l3 = (const uint8_t *)h->l3.p;
}

static void settle(struct flowtab *ft, bool believe)
{
	struct held *h = &ft->held;
	struct flow_tuple t;
	if (!h->is)
		return;
	h->is = false;
	uint64_t time = flow_clock_packet(&ft->clock, h->p.time, believe);
	uint32_t tag = h->ud == UD_NONE ? tag_of(ft, &t, &h->d) : 0;
	book(ft, &h->p, &h->d, h->ud, &t, tag, time);
}

void flowtab_advance(struct flowtab *ft, uint64_t now)
{
	settle(ft, flow_clock_agree(&ft->clock, ft->held.p.time, now));
	if (now <= ft->clock.now)
		return;
	ft->clock.now = now;
	if (now >= ft->next_event)
		run_due(ft, now);
}

/* Hashes and fetches ahead: the table is larger than any cache, so the misses of a batch should overlap. */
static void prefetch(struct flowtab *ft, const struct decoded *d, const enum undecoded *ud, unsigned n,
		     struct flow_tuple *t, uint32_t *tag)
{
	for (unsigned i = 0; i < n; i++) {
		if (ud[i] != UD_NONE || d[i].frag == FRAG_LATER)
			continue;
		tag[i] = tag_of(ft, &t[i], &d[i]);
		__builtin_prefetch(&ft->slots[tag[i] & ft->mask]);
	}
	for (unsigned i = 0; i < n; i++) {
		if (ud[i] != UD_NONE || d[i].frag == FRAG_LATER)
			continue;
		uint64_t s = ft->slots[tag[i] & ft->mask];
		if ((uint32_t)(s >> 32) != tag[i])
			continue;
		const char *f = (const char *)&ft->pool[(uint32_t)s - 1];
		for (size_t line = 0; line < sizeof(struct flow); line += 64)
			__builtin_prefetch(f + line);
	}
}

void flowtab_packets(struct flowtab *ft, const struct packet *p, struct decoded *d, const enum undecoded *ud,
		     unsigned n)
{
	struct flow_tuple t[FLOWTAB_BATCH];
	uint32_t tag[FLOWTAB_BATCH] = { 0 };
	prefetch(ft, d, ud, n, t, tag);
	for (unsigned i = 0; i < n; i++) {
		settle(ft, flow_clock_agree(&ft->clock, ft->held.p.time, p[i].time));
		if (flow_clock_far(&ft->clock, p[i].time)) {
			hold(ft, &p[i], &d[i], ud[i]);
			continue;
		}
		uint64_t time = flow_clock_packet(&ft->clock, p[i].time, false);
		book(ft, &p[i], &d[i], ud[i], &t[i], tag[i], time);
	}
}

void flowtab_flush(struct flowtab *ft, enum endreason why)
{
	static const enum flow_list order[] = { LIST_LINGER, LIST_SYN, LIST_OTHER, LIST_TCP };
	settle(ft, false);
	for (int i = 0; i < 4; i++) {
		struct list *l = &ft->lists[order[i]];
		while (l->first != NONE) {
			struct flow *f = &ft->pool[l->first];
			flow_end(ft, f, order[i] == LIST_LINGER ? closed_reason(f) : why);
		}
	}
}

uint64_t flowtab_clock(const struct flowtab *ft)
{
	return ft->clock.now;
}

const struct flowtab_stats *flowtab_stats(const struct flowtab *ft)
{
	return &ft->stats;
}

uint64_t flowtab_open_packets(const struct flowtab *ft)
{
	return ft->open_packets;
}

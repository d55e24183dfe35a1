#include "flowtab.h"

#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "flowtab_priv.h"

/* -- memory -- */

uint64_t flowtab_memory(const struct flowtab_conf *conf)
{
	uint64_t media = conf->max_flows < FLOWTAB_MEDIA ? conf->max_flows : FLOWTAB_MEDIA;
	return flow_pool_memory(conf->max_flows) + conf->max_flows * sizeof(struct flow_extra) + conf->max_head_bytes +
	       media * sizeof(struct rtp) + flow_frags_memory();
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
	flow_pool_init(&ft->pool, ft->conf.max_flows);
	ft->frags = flow_frags_new();
	ft->clock.max_jump = conf->max_jump;
	buf_adds(&ft->arena, conf->sensor);
	ft->sensor = (struct str){ 0, (uint32_t)ft->arena.len };
	return ft;
}

void flowtab_free(struct flowtab *ft)
{
	if (!ft)
		return;
	flow_pool_release(&ft->pool);
	flow_frags_free(ft->frags);
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
	flow_pool_reset(&ft->pool);
	ft->n_rtp = 0;
	ft->open_packets = 0;
	flow_frags_reset(ft->frags);
	ft->clock = (struct flow_clock){ .max_jump = ft->conf.max_jump };
	ft->held.is = false;
	ft->stats = (struct flowtab_stats){ 0 };
	ft->ticked = ft->next_event = 0;
}

/* -- end of a flow -- */

static void emit_end(struct flowtab *ft, struct flow *f, enum endreason why)
{
	struct r_end r;
	flow_key_told(f, ft->conf.epoch, ft->sensor, &r.key);
	flow_count_told(f, &r.n);
	r.n.end_reason = (uint8_t)why;
	ft->ops.end(ft->arg, &r, &flow_extra_or_none(f)->told, ft->arena.p);
	ft->open_packets -= flow_count_packets(f);
}

/* why: unless it was closed before. */
static void flow_end(struct flowtab *ft, struct flow *f, enum endreason why)
{
	if (f->list[OF_STATE] == LIST_LINGER)
		why = f->tcp_state == TS_RESET ? END_RST : END_FIN;
	flow_pool_prefetch_next(&ft->pool, f);
	flow_head_end(ft, f);
	emit_end(ft, f, why);
	flow_media_free(f, &ft->n_rtp);
	flow_extra_free(f);
	flow_pool_give(&ft->pool, f);
	ft->stats.flows_ended++;
	ft->stats.flows_active--;
}

/* -- time -- */

static uint64_t idle_of(const struct flowtab *ft, unsigned list)
{
	const uint64_t idle[] = { ft->conf.linger, ft->conf.idle_syn, ft->conf.idle_other, ft->conf.idle_tcp };
	return idle[list];
}

static void expire(struct flowtab *ft, enum flow_list which, uint64_t now)
{
	uint64_t idle = idle_of(ft, which);
	struct flow *f;
	while ((f = flow_pool_first(&ft->pool, which)) && f->listed + idle <= now) {
		if (f->last + idle > now) { /* there were packets since it was listed */
			flow_pool_list(&ft->pool, f, which);
			f->listed = f->last;
			if (f->listed + idle <= now)
				f->listed = now - idle + 1;
			continue;
		}
		flow_end(ft, f, END_IDLE);
	}
}

/* All that is due at a time, then a tick if its time has come. */
static void run_due(struct flowtab *ft, uint64_t now)
{
	flow_head_run(ft, now);
	uint64_t second = now - now % ft->conf.tick;
	if (ft->ticked == 0)
		ft->ticked = second;
	if (second > ft->ticked) {
		for (int i = 0; i < LIST_STATES; i++)
			expire(ft, (enum flow_list)i, now);
		uint64_t from = ft->ticked;
		ft->ticked = second;
		ft->ops.tick(ft->arg, from, second);
	}
	uint64_t head = flow_head_next(ft), tick = ft->ticked + ft->conf.tick;
	ft->next_event = head < tick ? head : tick;
}

/* -- a packet -- */

/* Which flow a packet is of, and which end of it is the sender. */
struct flow_ref {
	struct flow_tuple tuple;
	uint32_t tag;
	bool from_b;
};

/* before: of the packet before it, or NULL. Packets of a flow come in trains, and a comparison costs less than the hash. */
static void flow_ref_tag(const struct flowtab *ft, struct flow_ref *r, const struct flow_ref *before)
{
	bool same = before && memcmp(&before->tuple, &r->tuple, sizeof r->tuple) == 0;
	r->tag = same ? before->tag : flow_pool_tag(&ft->pool, &r->tuple);
}

static void flow_ref_of(const struct flowtab *ft, struct flow_ref *r, const struct decoded *d)
{
	r->from_b = flow_tuple_of(&r->tuple, d);
	flow_ref_tag(ft, r, NULL);
}

static void list(struct flowtab *ft, struct flow *f, enum flow_list which)
{
	flow_pool_list(&ft->pool, f, which);
	f->listed = ft->clock.now;
}

/* Those that are over first, then half-open ones: a flood of SYNs must not push out what is established. */
static void make_room(struct flowtab *ft)
{
	struct flow *f = NULL;
	for (int i = 0; i < LIST_STATES && !f; i++)
		f = flow_pool_first(&ft->pool, (enum flow_list)i);
	ft->stats.flows_evicted++;
	flow_end(ft, f, END_EVICTED);
}

static struct flow *flow_new(struct flowtab *ft, const struct flow_ref *r, const struct decoded *d, uint64_t time,
			     uint16_t ordinal)
{
	struct flow *f = flow_pool_take(&ft->pool, r->tag, &r->tuple);
	if (!f) {
		make_room(ft);
		f = flow_pool_take(&ft->pool, r->tag, &r->tuple);
	}
	f->ordinal = ordinal;
	flow_key_init(f, d, r->from_b, time);
	list(ft, f, d->proto == IPPROTO_TCP ? LIST_SYN : LIST_OTHER);
	ft->stats.flows_opened++;
	ft->stats.flows_active++;
	return f;
}

/* Puts the flow into the list of its state, at the end if it has not been there lately. */
static void relist(struct flowtab *ft, struct flow *f)
{
	enum flow_list want = LIST_OTHER;
	if (f->tuple.proto == IPPROTO_TCP) {
		switch (f->tcp_state) {
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
	if (f->list[OF_STATE] == want && ft->clock.now - f->listed < SECOND)
		return;
	list(ft, f, want);
}

static void emit_update(struct flowtab *ft, struct flow *f, uint64_t time)
{
	struct r_update r;
	struct flow_extra *x = flow_extra(f);
	flow_key_told(f, ft->conf.epoch, ft->sensor, &r.key);
	flow_count_told(f, &r.n);
	x->updated = time;
	ft->ops.update(ft->arg, &r, &x->told, ft->arena.p);
}

/* The flow of a packet: an open one, or a new one when there is none, it has been silent too long, or its ports are
 * used again. */
static struct flow *find_flow(struct flowtab *ft, const struct flow_ref *r, const struct decoded *d, uint64_t time)
{
	struct flow *f = flow_pool_find(&ft->pool, r->tag, &r->tuple);
	uint16_t ordinal = 0;
	if (f) {
		bool reused = d->proto == IPPROTO_TCP && flow_tcp_reused(f, d, flow_direction(f, r->from_b));
		bool idle = time > f->last && time - f->last > idle_of(ft, f->list[OF_STATE]);
		if (!reused && !idle)
			return f;
		ordinal = (uint16_t)(f->ordinal + 1);
		flow_end(ft, f, reused ? END_REUSED : END_IDLE);
	}
	return flow_new(ft, r, d, time, ordinal);
}

static void one_packet(struct flowtab *ft, const struct packet *p, const struct decoded *d, const struct flow_ref *r,
		       uint64_t time)
{
	struct flow *f = find_flow(ft, r, d, time);
	unsigned dir = flow_direction(f, r->from_b);
	uint64_t start = flow_start(f);
	if (ft->conf.active && time > start && time - start >= ft->conf.active) {
		emit_end(ft, f, END_TIMEOUT);
		flow_count_next_part(f, time);
	}
	uint64_t before = flow_count_packets(f);
	flow_count_packet(f, p, d, dir, time);
	ft->open_packets += flow_count_packets(f) - before;
	if (d->proto == IPPROTO_TCP && d->frag != FRAG_LATER)
		flow_tcp_packet(f, d, dir, time);
	else if (d->proto == IPPROTO_UDP)
		flow_media_packet(f, d, dir, time, &ft->n_rtp);
	if (!f->head.done)
		flow_head_packet(ft, f, d, dir, time);
	relist(ft, f);
	uint64_t updated = flow_updated(f);
	if (time > updated && time - updated >= ft->conf.update)
		emit_update(ft, f, time);
	ft->stats.in_flows++;
	ft->stats.flow_bytes += p->len;
}

static bool has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP || proto == IPPROTO_UDPLITE;
}

/* Counts a packet under a time. A later fragment: its ports are found out here, and so which flow it is of. */
static void book(struct flowtab *ft, const struct packet *p, struct decoded *d, enum undecoded ud, struct flow_ref *r, uint64_t time)
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
		flow_ref_of(ft, r, d);
	} else if (d->frag == FRAG_FIRST && ft->conf.fragments) {
		flow_frags_put(ft->frags, d, time);
	}
	one_packet(ft, p, d, r, time);
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
	struct flow_ref ref;
	if (!h->is)
		return;
	h->is = false;
	uint64_t time = flow_clock_packet(&ft->clock, h->p.time, believe);
	if (h->ud == UD_NONE)
		flow_ref_of(ft, &ref, &h->d);
	book(ft, &h->p, &h->d, h->ud, &ref, time);
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

static bool has_ref(const struct decoded *d, enum undecoded ud)
{
	return ud == UD_NONE && d->frag != FRAG_LATER; /* later fragments wait until their ports are found */
}

/*
 * Which flows they are of, and fetches those ahead. In rounds: what one has just written, or asked memory for, the next one does not
 * wait for.
 */
static void prefetch(struct flowtab *ft, const struct decoded *d, const enum undecoded *ud, unsigned n, struct flow_ref *r)
{
	const struct flow_ref *before = NULL;
	for (unsigned i = 0; i < n; i++)
		if (has_ref(&d[i], ud[i]))
			r[i].from_b = flow_tuple_of(&r[i].tuple, &d[i]);
	for (unsigned i = 0; i < n; i++) {
		if (!has_ref(&d[i], ud[i]))
			continue;
		flow_ref_tag(ft, &r[i], before);
		flow_pool_prefetch_slot(&ft->pool, r[i].tag);
		before = &r[i];
	}
	for (unsigned i = 0; i < n; i++)
		if (has_ref(&d[i], ud[i]))
			flow_pool_prefetch_flow(&ft->pool, r[i].tag);
}

void flowtab_packets(struct flowtab *ft, const struct packet *p, struct decoded *d, const enum undecoded *ud,
		     unsigned n)
{
	struct flow_ref r[FLOWTAB_BATCH];
	prefetch(ft, d, ud, n, r);
	for (unsigned i = 0; i < n; i++) {
		if (ft->held.is)
			settle(ft, flow_clock_agree(&ft->clock, ft->held.p.time, p[i].time));
		if (flow_clock_far(&ft->clock, p[i].time)) {
			hold(ft, &p[i], &d[i], ud[i]);
			continue;
		}
		uint64_t time = flow_clock_packet(&ft->clock, p[i].time, true);
		book(ft, &p[i], &d[i], ud[i], &r[i], time);
	}
}

bool flowtab_flush_some(struct flowtab *ft, enum endreason why, unsigned n)
{
	struct flow *f;
	settle(ft, false);
	for (int i = 0; i < LIST_STATES; i++)
		while ((f = flow_pool_first(&ft->pool, (enum flow_list)i))) {
			if (n-- == 0)
				return false;
			flow_end(ft, f, why);
		}
	return true;
}

void flowtab_flush(struct flowtab *ft, enum endreason why)
{
	flowtab_flush_some(ft, why, UINT_MAX);
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

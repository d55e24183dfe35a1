/* What capture puts into its stream: records, what is shed when there is no room for them, and what was lost. */
#include "capture_priv.h"

#include <stdio.h>

#include "codec.h"
#include "fault.h"
#include "source_live.h"

/*
 * The order in which a live sensor sheds when its stream fills up: room in MiB that must be left for a record to be taken. The
 * last MiB is for what is never shed: GAP, TICK, CONFIG.
 */
enum keep { KEEP_ALWAYS = 0, KEEP_END, KEEP_SMALL_END, KEEP_UPDATE, KEEP_HEAD };
#define SMALL_END_PACKETS 10

/* -- records -- */

/*
 * A file waits for room before it is read on, but one packet after a silence may end every flow there is: what does not fit
 * then is kept here, in order, until there is room. The flow table's bounds are its bounds.
 */
static bool append(struct capture *k, const char *rec, size_t len)
{
	uint32_t n = (uint32_t)len;
	if (!k->overflow.len && stream_append(k->stream, rec, len, NULL) == 0)
		return true;
	if (k->live)
		return false;
	buf_add(&k->overflow, &n, sizeof n);
	buf_add(&k->overflow, rec, len);
	return true;
}

bool out_drain(struct capture *k)
{
	while (k->drained < k->overflow.len) {
		uint32_t n;
		memcpy(&n, k->overflow.p + k->drained, sizeof n);
		if (stream_append(k->stream, k->overflow.p + k->drained + sizeof n, n, NULL) < 0)
			return false;
		k->drained += sizeof n + n;
	}
	buf_release(&k->overflow);
	k->drained = 0;
	return true;
}

/* Before a record is packed into k->out. False: it is numbered and no more. */
static bool begin_put(struct capture *k)
{
	if (stream_head(k->stream) < k->skip_to) {
		stream_skip(k->stream, 1);
		return false;
	}
	FAULT("capture.publish.before");
	buf_reset(&k->out);
	return true;
}

/* Puts what was packed into the stream; a file waits for room, so nothing of it is shed. */
static bool end_put(struct capture *k, enum keep keep)
{
	if (k->live && keep && !stream_has_room(k->stream, k->out.len + ((size_t)keep << 20)))
		return false;
	return append(k, k->out.p, k->out.len);
}

static bool put(struct capture *k, enum rtype type, const void *rec, const char *base, enum keep keep)
{
	if (!begin_put(k))
		return true;
	codec_pack(&k->out, type, rec, base);
	return end_put(k, keep);
}

static struct str put_text(struct capture *k, const char *s)
{
	return str_put(&k->strs, s, strlen(s), 256);
}

void out_count(struct capture *k)
{
	const struct flowtab_stats *st = flowtab_stats(k->table);
	struct g_sensor_count *n = &k->n;
	n->packets = st->packets;
	n->bytes = st->bytes;
	n->in_flows = st->in_flows;
	n->flows_opened = st->flows_opened;
	n->flows_ended = st->flows_ended;
	n->flows_active = st->flows_active;
	n->flows_evicted = st->flows_evicted;
	n->time_regress = st->time_regress;
	n->time_jump = st->time_jump;
	n->input_errors = k->errors;
	n->emitted_packets = ledger_emitted(&k->ledger)->packets;
	n->emitted_flows = ledger_emitted(&k->ledger)->flows;
	n->active_packets = flowtab_open_packets(k->table);
	n->undecoded = 0;
	n->undecoded_by = (struct str){ (uint32_t)k->strs.len, 0 };
	for (int i = 1; i < UD_COUNT; i++) {
		n->undecoded += st->undecoded[i];
		if (!st->undecoded[i])
			continue;
		buf_addf(&k->strs, "%s%s=%llu", k->strs.len > n->undecoded_by.off ? "\n" : "", undecoded_names[i],
			 (unsigned long long)st->undecoded[i]);
	}
	n->undecoded_by.len = (uint32_t)k->strs.len - n->undecoded_by.off;
}

void out_tick(struct capture *k, enum rtype type, uint64_t from, uint64_t to)
{
	struct r_eos r = { .tick = { .from = from, .to = to, .live = k->live } }; /* a TICK with more behind it, which checks fills */
	buf_reset(&k->strs);
	r.tick.sensor = put_text(k, k->sensor->name);
	out_count(k);
	r.n = k->n;
	put(k, type, &r, k->strs.p, KEEP_ALWAYS);
	stream_set_clock(k->stream, to);
	k->c->self->clock = to;
}

void out_gap(struct capture *k, struct g_gap gap)
{
	struct r_gap r = { .gap = gap };
	buf_reset(&k->strs);
	r.gap.sensor = put_text(k, k->sensor->name);
	put(k, R_GAP, &r, k->strs.p, KEEP_ALWAYS);
	k->drop_since = r.gap.to;
}

struct g_gap out_loss(const struct capture *k, enum gapcause cause)
{
	return (struct g_gap){ .cause = (uint8_t)cause, .from = k->drop_since, .to = flowtab_clock(k->table) };
}

void out_restart_gap(struct capture *k)
{
	const struct ledger_loss *l = &k->loss;
	out_gap(k, (struct g_gap){ .cause = GAP_RESTART, .from = l->from, .to = steady_now(&k->time), .packets = l->packets + l->missed,
				   .bytes = l->bytes, .flows = l->flows });
	log_warn("going on after a restart: %llu packets of %llu open flows lost, %llu packets missed",
		 (unsigned long long)l->packets, (unsigned long long)l->flows, (unsigned long long)l->missed);
}

void out_ledger(struct capture *k)
{
	ledger_write(&k->ledger, &(struct ledger_totals){ .table = *flowtab_stats(k->table), .n = k->n,
							  .shed_bytes = k->shed_bytes, .lost_bytes = k->lost_bytes,
							  .clock = flowtab_clock(k->table), .if_base = k->if_base,
							  .if_base_seen = k->if_base_seen, .if_last = k->if_last });
}

void out_config(struct capture *k)
{
	struct r_config r = { .config = { .live = k->live } };
	char hash[20];
	buf_reset(&k->strs);
	r.config.sensor = put_text(k, k->sensor->name);
	r.config.input = put_text(k, k->sensor->inputs[0]);
	snprintf(hash, sizeof hash, "%016llx", (unsigned long long)k->epoch);
	r.config.hash = put_text(k, hash);
	if (k->live) {
		struct cidr nets[32];
		int n = source_live_networks(k->sensor->inputs[0], nets, 32);
		r.config.networks.off = (uint32_t)k->strs.len;
		for (int i = 0; i < n; i++) {
			char text[CIDR_STRLEN];
			buf_addf(&k->strs, "%s%s", i ? "\n" : "", cidr_str(&nets[i], text));
		}
		r.config.networks.len = (uint32_t)k->strs.len - r.config.networks.off;
	}
	put(k, R_CONFIG, &r, k->strs.p, KEEP_ALWAYS);
}

/* -- out of the flow table -- */

static bool put_head(struct capture *k, const struct r_head *r, const char *base, const char *data)
{
	const struct codec_part part[] = { { .p = &r->key, .base = base }, { .p = &r->head, .base = data }, { .p = &r->n } };
	if (!begin_put(k))
		return true;
	codec_pack_parts(&k->out, R_HEAD, part);
	return end_put(k, KEEP_HEAD);
}

static void on_head(void *arg, const struct r_head *r, const char *base, const char *data)
{
	struct capture *k = arg;
	if (put_head(k, r, base, data))
		return;
	struct r_head bare = *r;
	bare.head.data.len = 0;
	bare.head.packets = 0;
	k->n.shed_heads++;
	put(k, R_HEAD, &bare, base, KEEP_END);
}

static void on_update(void *arg, const struct r_update *r, struct flowtab_told *told, const char *base)
{
	struct capture *k = arg;
	uint64_t packets = r->n.client_packets + r->n.server_packets, bytes = r->n.client_bytes + r->n.server_bytes;
	ledger_intend(&k->ledger, stream_head(k->stream),
		      &(struct ledger_emitted){ .open_packets = packets - told->packets, .open_bytes = bytes - told->bytes });
	bool done = put(k, R_UPDATE, r, base, KEEP_UPDATE);
	ledger_settle(&k->ledger, done);
	if (done)
		*told = (struct flowtab_told){ packets, bytes };
	else
		k->n.shed_updates++;
}

static void on_end(void *arg, const struct r_end *r, const struct flowtab_told *told, const char *base)
{
	struct capture *k = arg;
	uint64_t packets = r->n.client_packets + r->n.server_packets, bytes = r->n.client_bytes + r->n.server_bytes;
	bool last = r->n.end_reason != END_TIMEOUT;
	struct ledger_emitted change = { .open_packets = -told->packets, .open_bytes = -told->bytes };
	struct ledger_emitted emitted = change;
	emitted.packets = packets;
	emitted.bytes = bytes;
	emitted.flows = last;
	ledger_intend(&k->ledger, stream_head(k->stream), &emitted);
	bool done = put(k, R_END, r, base, packets < SMALL_END_PACKETS ? KEEP_SMALL_END : KEEP_END);
	ledger_settle(&k->ledger, done);
	if (done)
		return;
	ledger_change(&k->ledger, stream_head(k->stream), &change);
	k->n.shed_flows += last;
	k->n.shed_packets += packets;
	k->shed_bytes += bytes;
}

static void report_loss(struct capture *k)
{
	struct source_stats st;
	uint64_t shed = k->n.shed_heads + k->n.shed_updates + k->n.shed_flows;
	if (!k->live)
		return;
	if (k->source) {
		k->source->ops->stats(k->source, &st);
		k->n.kernel_drops = k->drops_before + st.kernel_drops;
		k->n.if_drops = k->if_drops_before + st.if_drops;
		k->if_last = source_live_counter(k->sensor->inputs[0]);
	}
	if (k->n.kernel_drops > k->reported_drops) {
		log_limited(&k->shed_limit, "the kernel dropped %llu packets for lack of buffer",
			    (unsigned long long)(k->n.kernel_drops - k->reported_drops));
		struct g_gap gap = out_loss(k, GAP_KERNEL_DROPS);
		gap.packets = k->n.kernel_drops - k->reported_drops;
		out_gap(k, gap);
		k->reported_drops = k->n.kernel_drops;
	}
	if (shed > k->shed_reported) {
		log_limited(&k->shed_limit, "consumers are too slow: %llu records shed",
			    (unsigned long long)(shed - k->shed_reported));
		struct g_gap gap = out_loss(k, GAP_SHED);
		gap.packets = k->n.shed_packets - k->packets_by_shed_gap;
		gap.flows = k->n.shed_flows - k->flows_by_shed_gap;
		out_gap(k, gap);
		k->packets_by_shed_gap = k->n.shed_packets;
		k->flows_by_shed_gap = k->n.shed_flows;
		k->shed_reported = shed;
	}
	k->drop_since = flowtab_clock(k->table);
}

static void on_tick(void *arg, uint64_t from, uint64_t to)
{
	struct capture *k = arg;
	report_loss(k);
	out_tick(k, R_TICK, from, to);
}

void out_arp(struct capture *k, struct r_arp *r)
{
	buf_reset(&k->strs);
	r->arp.sensor = put_text(k, k->sensor->name);
	if (!put(k, R_ARP, r, k->strs.p, KEEP_UPDATE))
		k->n.shed_updates++;
}

const struct flowtab_ops out_ops = { on_head, on_update, on_end, on_tick };

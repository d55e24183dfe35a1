#include "flow.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "id.h"

bool flow_tuple_of(struct flow_tuple *t, const struct decoded *d)
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
	return swap;
}

/* Is the sender of the first packet the server? */
static bool first_is_server(const struct decoded *d)
{
	if (d->proto == IPPROTO_TCP && (d->tcp_flags & TH_SYN))
		return d->tcp_flags & TH_ACK;
	if (d->proto == IPPROTO_TCP) /* met midway: the ports tell */
		return d->sport < d->dport && (d->sport < 1024 || d->dport >= 32768);
	/* An answer whose question was not seen comes from a well-known port. */
	return d->sport && d->sport < 1024 && d->dport >= 1024;
}

static void keep_tunnel(struct flow_extra *x, const struct decoded *d)
{
	x->tunnel = d->tunnel;
	x->tunnel_id = d->tunnel_id;
	x->tunnel_depth = d->tunnel_depth;
	if (!d->tunnel_depth)
		return;
	x->tunnel_src = d->tunnel_src;
	x->tunnel_dst = d->tunnel_dst;
}

void flow_key_init(struct flow *f, const struct decoded *d, bool from_b, uint64_t time)
{
	bool server = first_is_server(d);
	bool one_end = f->tuple.pa == f->tuple.pb && addr_cmp(&f->tuple.a, &f->tuple.b) == 0;
	f->first = f->last = time;
	f->client_is_b = !one_end && from_b != server;
	if (d->has_mac) {
		f->side[0].mac = server ? d->dst_mac : d->src_mac;
		f->side[1].mac = server ? d->src_mac : d->dst_mac;
	}
	f->ip_version = d->ip_version;
	f->outer_vlan = d->outer_vlan;
	f->midstream = d->proto == IPPROTO_TCP && !(d->tcp_flags & TH_SYN);
	f->icmp_type = d->icmp_type;
	f->icmp_code = d->icmp_code;
	if (d->tunnel)
		keep_tunnel(flow_extra(f), d);
}

static struct id id_of(const struct flow *f, uint64_t epoch)
{
	struct {
		struct flow_tuple tuple;
		uint32_t zero;
		uint64_t first, ordinal;
	} name = { f->tuple, 0, f->first, f->ordinal };
	_Static_assert(sizeof name == 64, "no padding");
	return id_make(f->first, epoch, &name, sizeof name);
}

void flow_key_told(const struct flow *f, uint64_t epoch, struct str sensor, struct g_flow_key *k)
{
	const struct flow_tuple *t = &f->tuple;
	const struct flow_extra *x = flow_extra_or_none(f);
	bool b = f->client_is_b;
	*k = (struct g_flow_key){
		.id = id_of(f, epoch), .first = f->first, .sensor = sensor,
		.client = b ? t->b : t->a, .client_port = b ? t->pb : t->pa, .client_mac = f->side[0].mac,
		.server = b ? t->a : t->b, .server_port = b ? t->pa : t->pb, .server_mac = f->side[1].mac,
		.proto = t->proto, .ip_version = f->ip_version, .vlan = t->vlan, .outer_vlan = f->outer_vlan,
		.midstream = f->midstream, .icmp_type = f->icmp_type, .icmp_code = f->icmp_code,
		.tunnel = x->tunnel, .tunnel_id = x->tunnel_id, .tunnel_depth = x->tunnel_depth,
		.tunnel_src = x->tunnel_src, .tunnel_dst = x->tunnel_dst,
	};
}

#include "flow.h"

#include <endian.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "id.h"

/* As a number, which sorts as addr_cmp() does. */
static inline unsigned __int128 number_of(const struct addr *a)
{
	uint64_t half[2];
	memcpy(half, a->b, sizeof half);
	return (unsigned __int128)be64toh(half[0]) << 64 | be64toh(half[1]);
}

/* The keys of these differ by direction; they say nothing about which flow it is. */
static bool keyed_by_direction(uint8_t tunnel)
{
	return tunnel == TUN_GTPU || tunnel == TUN_GRE || tunnel == TUN_L2TP;
}

bool flow_tuple_of(struct flow_tuple *t, const struct decoded *d)
{
	unsigned __int128 src = number_of(&d->src), dst = number_of(&d->dst);
	bool swap = (src > dst) | ((src == dst) & (d->sport > d->dport));
	const struct addr *a = swap ? &d->dst : &d->src, *b = swap ? &d->src : &d->dst;
	*t = (struct flow_tuple){
		.a = *a, .pa = swap ? d->dport : d->sport,
		.b = *b, .pb = swap ? d->sport : d->dport,
		.vlan = d->vlan, .proto = d->proto,
		.tunnel = d->tunnel_depth ? d->tunnel : TUN_NONE,
		.tunnel_id = d->tunnel_depth && !keyed_by_direction(d->tunnel) ? d->tunnel_id : 0,
	};
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

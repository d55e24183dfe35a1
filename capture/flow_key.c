#include "flow.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "id.h"

void flow_tuple_of(struct flow_tuple *t, const struct decoded *d)
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

void flow_key_init(struct flow *f, const struct decoded *d, uint64_t time, uint64_t epoch, struct str sensor)
{
	struct g_flow_key *k = &f->key;
	bool server = first_is_server(d);
	struct {
		struct flow_tuple tuple;
		uint64_t first, ordinal;
	} name = { f->tuple, time, f->ordinal };
	k->id = id_make(time, epoch, &name, sizeof name);
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
	k->sensor = sensor;
	k->midstream = d->proto == IPPROTO_TCP && !(d->tcp_flags & TH_SYN);
	k->icmp_type = d->icmp_type;
	k->icmp_code = d->icmp_code;
	k->tunnel = d->tunnel;
	k->tunnel_id = d->tunnel_id;
	k->tunnel_depth = d->tunnel_depth;
	k->tunnel_src = d->tunnel_src;
	k->tunnel_dst = d->tunnel_dst;
}

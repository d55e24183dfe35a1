/* What flows say of their hosts: traffic, scores, names, and the counters that host checks look at. */
#include "engine_priv.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include "apps.h"
#include "hash.h"
#include "hll.h"

/* Asked a dozen times for a record, so flows remember whom they found. */
struct host *host_of(struct engine *e, struct openflow *f, bool server)
{
	uint64_t now = host_removed(e->hosts);
	if (f->host_at != now) {
		f->host[0] = f->host[1] = NULL;
		f->host_at = now;
	}
	struct host **h = &f->host[server];
	if (*h)
		host_will_change(e->hosts, *h);
	else
		*h = host_find(e->hosts, server ? &f->key.server : &f->key.client, f->key.vlan);
	return *h;
}

void book_score(struct engine *e, struct openflow *f, int client, int server)
{
	struct host *c = host_of(e, f, false), *s = host_of(e, f, true);
	if (c)
		c->score[0] = (uint32_t)((int64_t)c->score[0] + client > 0 ? (int64_t)c->score[0] + client : 0);
	if (s)
		s->score[1] = (uint32_t)((int64_t)s->score[1] + server > 0 ? (int64_t)s->score[1] + server : 0);
}

static void learn_server(struct host *h, uint8_t *reg, uint64_t hash)
{
	if (h)
		hll_add(reg, HOST_SERVERS, hash);
}

/* Vendor and pool go by it. */
static void set_mac(struct host *h, const struct mac *mac)
{
	if (memcmp(&h->mac, mac, sizeof *mac) == 0)
		return;
	h->mac = *mac;
	h->place.known = false;
}

/* What is the same for both sides of a new flow. */
static void place_host(struct engine *e, struct host *h, const struct openflow *f, const struct mac *mac, const char *sensor)
{
	h->network = (int8_t)conf_network_of(&e->conf, &h->ip);
	h->local = h->network >= 0 || conf_is_local(&e->conf, &h->ip);
	if (h->local)
		set_mac(h, mac);
	know_host(e, h);
	if (!*h->sensor)
		snprintf(h->sensor, sizeof h->sensor, "%s", sensor);
	h->changed = true;
	h->flows_active++;
	h->volumes.now.flows++;
	device_seen(e, mac, f->key.vlan, &h->ip, h->local, sensor, f->key.first);
}

static void see_country(struct host *h, const struct host *peer)
{
	if (*peer->place.country)
		hll_add(h->asked.countries, HOST_NAMES, hash_content(peer->place.country, 2, 7));
}

void count_flow(struct engine *e, struct openflow *f)
{
	struct sensor *sensor = sensor_of(e, f);
	struct host *c = host_get(e->hosts, &f->key.client, f->key.vlan, f->key.first);
	struct host *s = host_get(e->hosts, &f->key.server, f->key.vlan, f->key.first);
	f->counted = true;
	e->flows_seen++;
	begin_learning(e, f->key.first);
	sensor->place.volumes.now.flows++;
	/* Making the second may have evicted the first, when the table is full. */
	c = host_of(e, f, false);
	if (c) {
		uint64_t peer = hash_content(&f->key.server, 16, 1);
		place_host(e, c, f, &f->key.client_mac, sensor->name);
		c->flows_client++;
		c->open[0]++;
		window_add(&host_minute_begun(c)->flows[0], f->key.first, 1);
		hll_add(c->peers, HOST_PEERS, peer);
		hll_add(host_minute_begun(c)->contacts, HOST_CONTACTS, peer);
		hll_add(c->ports, HOST_PORTS, hash_content(&f->key.server_port, 2, 2));
	}
	if (s) {
		place_host(e, s, f, &f->key.server_mac, sensor->name);
		s->flows_server++;
		s->open[1]++;
		window_add(&host_minute_begun(s)->flows[1], f->key.first, 1);
		hll_add(host_minute_begun(s)->callers, HOST_SERVERS, hash_content(&f->key.client, 16, 1));
		hll_add(host_minute_begun(s)->ports_in, HOST_SERVERS, hash_content(&f->key.server_port, 2, 2));
		if (s->network >= 0) {
			struct place *net = network_get(e, (unsigned)s->network);
			window_add(&net->minute.flows, f->key.first, 1);
			net->volumes.now.flows++;
		}
	}
	if (c && s) {
		see_country(c, s);
		see_country(s, c);
	}
	learn_pace(e, f);
}

void uncount_flow(struct engine *e, struct openflow *f)
{
	struct host *c = host_of(e, f, false), *s = host_of(e, f, true);
	if (!f->counted)
		return;
	book_score(e, f, -(int)f->client_score, -(int)f->server_score);
	for (int side = 0; side < 2; side++) {
		struct host *h = side ? s : c;
		if (!h)
			continue;
		h->flows_active -= h->flows_active > 0;
		h->open[side] -= h->open[side] > 0;
	}
	if (c && f->remote && c->remote_flows)
		c->remote_flows--;
}

/* What a flow has carried since the last record of it: [0] by the client, [1] by the server. */
struct growth {
	uint64_t bytes[2], packets[2], time, span;
	uint32_t rsts[2], syns, retrans, ooo, lost;
	bool dns, ntp, snmp, p2p, dhcp, icmp, tcp;
};

static struct growth growth_of(const struct openflow *f, const struct g_flow_count *n, const struct g_flow_app *a)
{
	const struct g_flow_count zero = { .start = n->start, .last = n->start }, *old = f->n.part == n->part ? &f->n : &zero;
	uint8_t proto = f->key.proto;
	return (struct growth){
		.bytes = { n->client_bytes - old->client_bytes, n->server_bytes - old->server_bytes },
		.packets = { n->client_packets - old->client_packets, n->server_packets - old->server_packets },
		.time = n->last, .span = n->last > old->last ? n->last - old->last : 0,
		.rsts = { n->client_rsts - old->client_rsts, n->server_rsts - old->server_rsts },
		.syns = n->client_syns - old->client_syns,
		.retrans = n->client_retrans + n->server_retrans - old->client_retrans - old->server_retrans,
		.ooo = n->client_ooo + n->server_ooo - old->client_ooo - old->server_ooo,
		.lost = n->client_lost + n->server_lost - old->client_lost - old->server_lost,
		.dns = app_is(a, APP_DNS), .ntp = app_is(a, APP_NTP), .snmp = app_is(a, APP_SNMP), .p2p = app_is_p2p(a),
		.dhcp = app_is(a, APP_DHCP) || app_is(a, APP_DHCPV6),
		.icmp = proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6, .tcp = proto == IPPROTO_TCP,
	};
}

static void add_apps(struct volume *v, const struct growth *g, uint64_t bytes)
{
	v->dns += g->dns ? bytes : 0;
	v->ntp += g->ntp ? bytes : 0;
	v->p2p += g->p2p ? bytes : 0;
}

/* side: 0 the host is the client, 1 the server. */
static void count_host(struct host *h, const struct growth *g, int side)
{
	uint64_t sent = g->bytes[side], rcvd = g->bytes[!side], sent_p = g->packets[side], rcvd_p = g->packets[!side];
	struct host_minute *m = host_minute_begun(h);
	h->bytes_sent += sent;
	h->bytes_rcvd += rcvd;
	h->packets_sent += sent_p;
	h->packets_rcvd += rcvd_p;
	h->volumes.now.sent += sent;
	h->volumes.now.rcvd += rcvd;
	h->volumes.now.packets += sent_p + rcvd_p;
	add_apps(&h->volumes.now, g, sent + rcvd);
	struct window *rate = g->icmp ? m->icmp : g->dns ? m->dns : g->snmp ? m->snmp : NULL;
	if (rate) {
		window_add_spread(&rate[0], g->time, g->span, sent_p);
		window_add_spread(&rate[1], g->time, g->span, rcvd_p);
	}
	if (g->rsts[0] || g->rsts[1]) {
		window_add(&m->rsts[0], g->time, g->rsts[side]);
		window_add(&m->rsts[1], g->time, g->rsts[!side]);
	}
	if (g->syns)
		window_add(&m->syn_rate[side], g->time, g->syns);
}

static void count_tcp(struct place *net, const struct growth *g)
{
	net->minute.tcp += g->packets[0] + g->packets[1];
	net->minute.retrans += g->retrans;
	net->minute.ooo += g->ooo;
	net->minute.lost += g->lost;
}

static void count_network(struct engine *e, const struct host *h, const struct host *peer, const struct growth *g, int side)
{
	if (!h || h->network < 0)
		return;
	bool inner = peer && peer->network == h->network;
	if (inner && side)
		return; /* counted with the client */
	struct place *net = network_get(e, (unsigned)h->network);
	uint64_t sent = g->bytes[side], rcvd = g->bytes[!side];
	net->volumes.now.packets += g->packets[0] + g->packets[1];
	if (inner)
		net->volumes.now.inner += sent + rcvd;
	else {
		net->volumes.now.sent += sent;
		net->volumes.now.rcvd += rcvd;
	}
	add_apps(&net->volumes.now, g, sent + rcvd);
	if (g->tcp)
		count_tcp(net, g);
}

void count_traffic(struct engine *e, struct openflow *f, const struct g_flow_count *n, const struct g_flow_app *a,
		   const char *base)
{
	struct growth g = growth_of(f, n, a);
	struct host *side[2] = { host_of(e, f, false), host_of(e, f, true) };
	struct place *sensor = &sensor_of(e, f)->place;
	struct app_growth app = { .name = "Unknown", .name_len = 7, .breed = str_ptr(base, a->breed), .breed_len = a->breed.len,
				  .time = g.time, .span = g.span, .first = !(f->n.client_packets + f->n.server_packets) };
	if (a->app.len) {
		app.name = str_ptr(base, a->app);
		app.name_len = a->app.len;
	}
	for (int i = 0; i < 2; i++) {
		if (!side[i])
			continue;
		host_touch(e->hosts, side[i], n->last);
		count_host(side[i], &g, i);
		app.sent = g.bytes[i];
		app.rcvd = g.bytes[!i];
		app.packets_sent = g.packets[i];
		app.packets_rcvd = g.packets[!i];
		host_add_app(side[i], &app);
		count_network(e, side[i], side[!i], &g, i);
	}
	if (side[1])
		learn_service(e, f, side[1], n);
	if (g.syns && side[1] && side[1]->network >= 0)
		window_add(&network_get(e, (unsigned)side[1]->network)->minute.syns, g.time, g.syns);
	add_apps(&sensor->volumes.now, &g, g.bytes[0] + g.bytes[1]);
	if (g.dhcp)
		window_add_spread(&sensor->minute.dhcp, g.time, g.span, g.packets[0] + g.packets[1]);
	f->n = *n;
}

/* SYNs that the server did not agree to. */
static void count_unanswered(struct engine *e, struct host *c, struct host *s, uint32_t syns)
{
	if (c)
		host_minute_begun(c)->syns[0] += syns;
	if (s)
		host_minute_begun(s)->syns[1] += syns;
	if (s && s->network >= 0)
		network_get(e, (unsigned)s->network)->minute.unanswered += syns;
}

/* Questions and answers: packets of DNS, requests of HTTP. */
static void count_asked(struct host *c, struct host *s, const struct g_flow_count *n, const struct g_flow_app *a)
{
	uint32_t requests = app_is(a, APP_DNS) && !app_is(a, APP_MDNS) ? (uint32_t)n->client_packets : a->http_method.len > 0;
	uint32_t replies = app_is(a, APP_DNS) ? (uint32_t)n->server_packets : a->http_status > 0;
	for (int side = 0; requests && side < 2; side++) {
		struct host *h = side ? s : c;
		if (!h)
			continue;
		h->asked.requests[side] += requests;
		h->asked.replies[side] += replies < requests ? replies : requests;
	}
}

/* Nobody answered. */
static void count_mute(const struct openflow *f, struct host *c, struct host *s)
{
	uint64_t port = hash_content(&f->key.server_port, 2, 2);
	if (c) {
		c->mute_flows[0]++;
		hll_add(c->mute[0], HOST_SERVERS, hash_content(&f->key.server, 16, port));
		hll_add(c->mute[2], HOST_SERVERS, port);
	}
	if (s) {
		s->mute_flows[1]++;
		hll_add(s->mute[1], HOST_SERVERS, hash_content(&f->key.client, 16, port));
	}
}

void count_end(struct engine *e, struct openflow *f, const struct g_flow_app *app)
{
	const struct g_flow_count *n = &f->n;
	struct host *c = host_of(e, f, false), *s = host_of(e, f, true);
	bool payload = n->client_payload || n->server_payload, incomplete = false;
	if (f->key.proto == IPPROTO_TCP && !f->key.midstream) {
		bool answered = (n->server_flags & (TH_SYN | TH_ACK)) == (TH_SYN | TH_ACK);
		incomplete = !answered || !payload;
		if (!answered && n->client_syns)
			count_unanswered(e, c, s, n->client_syns);
	} else if (f->key.proto == IPPROTO_UDP) {
		incomplete = n->server_packets == 0 && s;
	}
	if (f->key.proto == IPPROTO_TCP && f->key.midstream && (n->client_flags & (TH_FIN | TH_SYN | TH_ACK)) == TH_FIN && !payload) {
		if (c)
			host_minute_begun(c)->fins[0]++;
		if (s)
			host_minute_begun(s)->fins[1]++;
	}
	if (incomplete && c)
		host_minute_begun(c)->incomplete++;
	if ((f->key.proto == IPPROTO_TCP || f->key.proto == IPPROTO_UDP) && n->client_packets && !n->server_packets)
		count_mute(f, c, s);
	if (c && s && s->local && !s->packets_sent)
		hll_add(host_minute_begun(c)->silent, HOST_SERVERS, hash_content(&s->ip, sizeof s->ip, 1));
	if (f->key.proto != IPPROTO_TCP || app_is(app, APP_HTTP))
		count_asked(c, s, n, app);
}

void learn_verdict(struct engine *e, struct openflow *f, const struct r_verdict *r, const char *base)
{
	struct host *c = host_of(e, f, false), *s = host_of(e, f, true);
	const struct g_flow_app *a = &r->app;
	uint64_t server = hash_content(&f->key.server, 16, 3);
	bool dns = app_is(a, APP_DNS);
	if (c && dns)
		learn_server(c, c->dns_servers, server);
	if (c && a->app_id == APP_NTP)
		learn_server(c, c->ntp_servers, server);
	if (c && (a->app_id == APP_SMTP || a->app_id == APP_SMTPS))
		learn_server(c, c->smtp_servers, server);
	if (s && a->state == VERDICT_DPI) {
		s->is_dns |= dns && a->dns_reply;
		s->is_ntp |= a->app_id == APP_NTP;
		s->is_smtp |= a->app_id == APP_SMTP || a->app_id == APP_SMTPS;
	}
	if (c && a->host.len)
		hll_add(host_minute_begun(c)->names, HOST_NAMES, hash_content(str_ptr(base, a->host), a->host.len, 4));
	if (c) {
		host_set_name(c, NAME_DHCP, str_ptr(base, a->dhcp_name), a->dhcp_name.len, f->key.first);
		host_set_name(c, NAME_NETBIOS, str_ptr(base, a->netbios_name), a->netbios_name.len, f->key.first);
		learn_kind(c, a, base);
		learn_query(f, c, a, base);
		if (a->http_os.len)
			snprintf(c->os, sizeof c->os, "%.*s", (int)a->http_os.len, str_ptr(base, a->http_os));
	}
	/* A name that DNS gave for an address names that host; an SNI or Host header never does. */
	const char *p = str_ptr(base, a->dns_addresses), *end = p + a->dns_addresses.len;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = nl ? (size_t)(nl - p) : (size_t)(end - p);
		struct addr ip;
		struct host *h = addr_parse(p, n, &ip) == 0 ? host_find(e->hosts, &ip, f->key.vlan) : NULL;
		if (h)
			host_set_name(h, a->mdns_name.len ? NAME_MDNS : NAME_DNS, str_ptr(base, a->dns_query),
				      a->dns_query.len, f->key.first);
		p += n + 1;
	}
	if (c && !f->remote && app_is_remote_access(a) &&
	    !(conf_is_local(&e->conf, &f->key.client) && conf_is_local(&e->conf, &f->key.server))) {
		f->remote = true;
		c->remote_flows++;
	}
	learn_orders(e, f, a->iec_types, base, 'i');
	learn_orders(e, f, a->modbus_codes, base, 'm');
	see_lease(e, f, &a->dhcp_address);
}

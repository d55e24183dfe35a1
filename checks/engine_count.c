/* What flows say of their hosts: traffic, scores, names, and the counters that host checks look at. */
#include "engine_priv.h"

#include <stdio.h>

#include "hash.h"
#include "hll.h"

enum { TCP = 6, UDP = 17, ICMP = 1, ICMPV6 = 58 };
enum { FIN = 1, SYN = 2, ACK = 16 };
enum { APP_DNS = 5, APP_NTP = 9, APP_SMTP = 3, APP_SMTPS = 29 };

struct host *host_of(struct engine *e, const struct openflow *f, bool server)
{
	return host_find(e->hosts, server ? &f->key.server : &f->key.client, f->key.vlan);
}

void book_score(struct engine *e, const struct openflow *f, int client, int server)
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

void count_flow(struct engine *e, struct openflow *f)
{
	struct sensor *sensor = sensor_get(e, str_ptr(e->names.p, f->key.sensor), f->key.sensor.len);
	struct host *c = host_get(e->hosts, &f->key.client, f->key.vlan, f->key.first);
	struct host *s = host_get(e->hosts, &f->key.server, f->key.vlan, f->key.first);
	f->counted = true;
	e->flows_seen++;
	/* Making the second may have evicted the first, when the table is full. */
	c = host_of(e, f, false);
	if (c) {
		uint64_t peer = hash_content(&f->key.server, 16, 1);
		c->local = conf_is_local(&e->conf, &f->key.client);
		if (c->local)
			set_mac(c, &f->key.client_mac);
		enrich_host(e->enrich, c);
		if (!*c->sensor)
			snprintf(c->sensor, sizeof c->sensor, "%s", sensor->name);
		c->flows_client++;
		c->flows_active++;
		window_add(&c->minute.flows[0], f->key.first, 1);
		hll_add(c->peers, HOST_PEERS, peer);
		hll_add(c->minute.contacts, HOST_CONTACTS, peer);
		hll_add(c->ports, HOST_PORTS, hash_content(&f->key.server_port, 2, 2));
	}
	if (s) {
		s->local = conf_is_local(&e->conf, &f->key.server);
		if (s->local)
			set_mac(s, &f->key.server_mac);
		enrich_host(e->enrich, s);
		if (!*s->sensor)
			snprintf(s->sensor, sizeof s->sensor, "%s", sensor->name);
		s->flows_server++;
		s->flows_active++;
		window_add(&s->minute.flows[1], f->key.first, 1);
	}
}

void uncount_flow(struct engine *e, struct openflow *f)
{
	struct host *c = host_of(e, f, false), *s = host_of(e, f, true);
	if (!f->counted)
		return;
	book_score(e, f, -(int)f->client_score, -(int)f->server_score);
	if (c && c->flows_active)
		c->flows_active--;
	if (s && s->flows_active)
		s->flows_active--;
	if (c && f->remote && c->remote_flows)
		c->remote_flows--;
}

static uint32_t icmp_rate(uint64_t packets, uint64_t ns)
{
	double seconds = ns > SECOND ? (double)ns / 1e9 : 1;
	return (uint32_t)((double)packets / seconds);
}

void count_traffic(struct engine *e, struct openflow *f, const struct g_flow_count *n, const struct g_flow_app *app,
	  const char *base)
{
	const struct g_flow_count zero = { .start = n->start, .last = n->start }, *old = f->n.part == n->part ? &f->n : &zero;
	uint64_t out_b = n->client_bytes - old->client_bytes, in_b = n->server_bytes - old->server_bytes;
	uint64_t out_p = n->client_packets - old->client_packets, in_p = n->server_packets - old->server_packets;
	struct host *c = host_of(e, f, false), *s = host_of(e, f, true);
	bool dns = app->app_id == APP_DNS || app->master_id == APP_DNS;
	const char *name = app->app.len ? str_ptr(base, app->app) : "Unknown";
	size_t len = app->app.len ? app->app.len : 7;
	bool icmp = f->key.proto == ICMP || f->key.proto == ICMPV6;
	uint64_t span = n->last > old->last ? n->last - old->last : 0;
	for (int side = 0; side < 2; side++) {
		struct host *h = side ? s : c;
		if (!h)
			continue;
		host_touch(e->hosts, h, n->last);
		h->bytes_sent += side ? in_b : out_b;
		h->bytes_rcvd += side ? out_b : in_b;
		h->packets_sent += side ? in_p : out_p;
		h->packets_rcvd += side ? out_p : in_p;
		h->minute.packets += out_p + in_p;
		if (dns)
			h->minute.dns_bytes += out_b + in_b;
		host_add_app(h, name, len, out_b + in_b);
		if (icmp) {
			uint32_t sent = icmp_rate(side ? in_p : out_p, span), rcvd = icmp_rate(side ? out_p : in_p, span);
			if (sent > h->minute.icmp_rate[0])
				h->minute.icmp_rate[0] = sent;
			if (rcvd > h->minute.icmp_rate[1])
				h->minute.icmp_rate[1] = rcvd;
		}
	}
	uint32_t crst = n->client_rsts - old->client_rsts, srst = n->server_rsts - old->server_rsts;
	if (c && (crst || srst)) {
		window_add(&c->minute.rsts[0], n->last, crst);
		window_add(&c->minute.rsts[1], n->last, srst);
	}
	if (s && (crst || srst)) {
		window_add(&s->minute.rsts[0], n->last, srst);
		window_add(&s->minute.rsts[1], n->last, crst);
	}
	f->n = *n;
}

void count_end(struct engine *e, const struct openflow *f)
{
	const struct g_flow_count *n = &f->n;
	struct host *c = host_of(e, f, false), *s = host_of(e, f, true);
	bool payload = n->client_payload || n->server_payload, incomplete = false;
	if (f->key.proto == TCP && !f->key.midstream) {
		bool answered = (n->server_flags & (SYN | ACK)) == (SYN | ACK);
		incomplete = !answered || !payload;
		if (!answered && n->client_syns) {
			if (c)
				c->minute.syns[0] += n->client_syns;
			if (s)
				s->minute.syns[1] += n->client_syns;
		}
	} else if (f->key.proto == UDP) {
		incomplete = n->server_packets == 0 && s;
	}
	if (f->key.proto == TCP && f->key.midstream && (n->client_flags & (FIN | SYN | ACK)) == FIN && !payload) {
		if (c)
			c->minute.fins[0]++;
		if (s)
			s->minute.fins[1]++;
	}
	if (incomplete && c)
		c->minute.incomplete++;
}

void learn_verdict(struct engine *e, struct openflow *f, const struct r_verdict *r, const char *base)
{
	struct host *c = host_of(e, f, false), *s = host_of(e, f, true);
	const struct g_flow_app *a = &r->app;
	uint64_t server = hash_content(&f->key.server, 16, 3);
	bool dns = a->app_id == APP_DNS || a->master_id == APP_DNS;
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
		hll_add(c->minute.names, HOST_NAMES, hash_content(str_ptr(base, a->host), a->host.len, 4));
	if (c) {
		host_set_name(c, NAME_DHCP, str_ptr(base, a->dhcp_name), a->dhcp_name.len);
		host_set_name(c, NAME_NETBIOS, str_ptr(base, a->netbios_name), a->netbios_name.len);
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
				      a->dns_query.len);
		p += n + 1;
	}
	if (c && !f->remote && flow_is_remote_access(a) &&
	    !(conf_is_local(&e->conf, &f->key.client) && conf_is_local(&e->conf, &f->key.server))) {
		f->remote = true;
		c->remote_flows++;
	}
}

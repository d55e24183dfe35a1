#include "document.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checkdef.h"
#include "community.h"
#include "json.h"
#include "topo.h"

#define NO_NETWORK 65535 /* what those who read these documents take for 'in none of the local networks' */
#define NS         1000000000u

enum { LOCATION_REMOTE, LOCATION_LOCAL, LOCATION_MULTICAST };

/* An object being written: knows whether a comma is due. */
struct object {
	struct buf *b;
	bool any;
};

struct source {
	const struct r_alert *a;
	const char *base;
	const struct topo *t;
};

static void key(struct object *o, const char *name)
{
	buf_addc(o->b, o->any ? ',' : '{');
	o->any = true;
	json_quote(o->b, name, strlen(name));
	buf_addc(o->b, ':');
}

static void end(struct object *o)
{
	if (!o->any)
		buf_addc(o->b, '{');
	buf_addc(o->b, '}');
}

static void put_int(struct object *o, const char *name, int64_t v)
{
	key(o, name);
	buf_addf(o->b, "%" PRId64, v);
}

static void put_uint(struct object *o, const char *name, uint64_t v)
{
	key(o, name);
	buf_addf(o->b, "%" PRIu64, v);
}

static void put_bool(struct object *o, const char *name, bool v)
{
	key(o, name);
	buf_adds(o->b, v ? "true" : "false");
}

static void put_text(struct object *o, const char *name, const char *s)
{
	key(o, name);
	json_quote(o->b, s, strlen(s));
}

static void put_str(struct object *o, const char *name, const char *base, struct str s)
{
	key(o, name);
	json_quote(o->b, base + s.off, s.len);
}

/* The same, left out when absent. */
static void opt_str(struct object *o, const char *name, const char *base, struct str s)
{
	if (s.len)
		put_str(o, name, base, s);
}

static void opt_uint(struct object *o, const char *name, uint64_t v)
{
	if (v)
		put_uint(o, name, v);
}

static void put_addr(struct object *o, const char *name, const struct addr *a)
{
	char text[ADDR_STRLEN];
	put_text(o, name, addr_str(a, text));
}

/* A list as one text, its items joined by commas. */
static void opt_joined(struct object *o, const char *name, const char *base, struct str s)
{
	struct buf b = { 0 };
	if (!s.len)
		return;
	buf_add(&b, base + s.off, s.len);
	for (size_t i = 0; i < b.len; i++)
		if (b.p[i] == '\n')
			b.p[i] = ',';
	key(o, name);
	json_quote(o->b, b.p, b.len);
	buf_release(&b);
}

/* -- items of lists and maps -- */

static const struct checkdef *check_of(const char *p, size_t len)
{
	char name[64];
	if (len == 0 || len >= sizeof name)
		return NULL;
	memcpy(name, p, len);
	name[len] = '\0';
	return checkdef_find(name, ENT_FLOW);
}

/* -- what needs the topology -- */

static unsigned sensor_number(const struct source *s)
{
	struct str name = s->a->alert.sensor;
	for (size_t i = 0; s->t && i < s->t->n_sensors; i++)
		if (str_eq(s->base, name, s->t->sensors[i].name))
			return (unsigned)i;
	return 0;
}

static unsigned network_number(const struct source *s, const struct addr *a)
{
	for (size_t i = 0; s->t && i < s->t->n_local; i++)
		if (cidr_contains(&s->t->local[i], a))
			return (unsigned)i;
	return NO_NETWORK;
}

static unsigned location(const struct addr *a, bool local)
{
	if (addr_is_multicast(a) || addr_is_broadcast(a))
		return LOCATION_MULTICAST;
	return local ? LOCATION_LOCAL : LOCATION_REMOTE;
}

/* -- flow -- */

#define MAP_BYTES 64 /* alert numbers up to 511 */

static void map_set(uint8_t map[MAP_BYTES], unsigned bit)
{
	if (bit < MAP_BYTES * 8)
		map[bit / 8] |= (uint8_t)(1u << bit % 8);
}

/*
 * The alerts of the flow as a bit set: upper-case hex, the most significant byte first, leading zero bytes cut. Number 0
 * is no alert.
 */
static void put_alerts_map(struct object *o, const struct source *s)
{
	static const char digit[] = "0123456789ABCDEF";
	uint8_t map[MAP_BYTES] = { 0 };
	const char *item;
	size_t pos = 0, len;
	int top = MAP_BYTES - 1;
	map_set(map, s->a->alert.type_id);
	while (list_next(s->base, s->a->alert.others, &pos, &item, &len)) {
		const struct checkdef *c = check_of(item, len);
		if (c)
			map_set(map, c->type_id);
	}
	while (top > 0 && !map[top])
		top--;
	key(o, "alerts_map");
	buf_addc(o->b, '"');
	for (; top >= 0; top--) {
		buf_addc(o->b, digit[map[top] >> 4]);
		buf_addc(o->b, digit[map[top] & 15]);
	}
	buf_addc(o->b, '"');
}

/* "TLS.Google", or one name where there is only one. */
static void put_app(struct object *o, const struct source *s)
{
	const struct g_flow_app *app = &s->a->flow_app;
	struct buf b = { 0 };
	if (app->master.len && (app->master.len != app->app.len ||
				memcmp(s->base + app->master.off, s->base + app->app.off, app->app.len) != 0)) {
		buf_add(&b, s->base + app->master.off, app->master.len);
		if (app->app.len)
			buf_addc(&b, '.');
	}
	buf_add(&b, s->base + app->app.off, app->app.len);
	put_text(o, "proto.ndpi", b.len ? buf_cstr(&b) : app->n ? "Unknown" : "Too early");
	buf_release(&b);
}

struct peer {
	const char *prefix; /* "cli" or "srv" */
	const struct addr *ip;
	uint16_t port;
	struct str name, os;
	bool local;
};

static void put_peer(struct object *o, const struct source *s, const struct peer *p)
{
	char name[32];
#define N(suffix) (snprintf(name, sizeof name, "%s_" suffix, p->prefix), name)
	put_addr(o, N("ip"), p->ip);
	put_uint(o, N("port"), p->port);
	put_bool(o, N("blacklisted"), false);
	put_uint(o, N("location"), location(p->ip, p->local));
	if (p->name.len)
		put_str(o, N("name"), s->base, p->name);
	else
		put_addr(o, N("name"), p->ip);
	put_str(o, N("os"), s->base, p->os);
	put_uint(o, N("asn"), 0);
	put_bool(o, N("localhost"), p->local);
	put_uint(o, N("host_pool_id"), 0);
	put_uint(o, N("network"), network_number(s, p->ip));
#undef N
}

static struct str first_of(const struct str *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].len)
			return list[i];
	return (struct str){ 0, 0 };
}

static void put_info(struct object *o, const struct source *s)
{
	const struct g_flow_app *p = &s->a->flow_app;
	const struct str texts[] = { p->dns_query, p->http_url,  p->tls_sni,    p->host,     p->ssh_client,
				     p->dhcp_name, p->mdns_name, p->netbios_name, p->krb_host, p->sip_from };
	put_str(o, "info", s->base, first_of(texts, sizeof texts / sizeof *texts));
}

static void proto_dns(struct object *o, const struct source *s)
{
	const struct g_flow_app *p = &s->a->flow_app;
	struct object d = { o->b, false };
	if (!p->dns_query.len)
		return;
	key(o, "dns");
	put_str(&d, "last_query", s->base, p->dns_query);
	put_uint(&d, "last_query_type", p->dns_type);
	put_uint(&d, "last_return_code", p->dns_rcode);
	end(&d);
}

static void proto_http(struct object *o, const struct source *s)
{
	const struct g_flow_app *p = &s->a->flow_app;
	struct object d = { o->b, false };
	if (!p->http_method.len && !p->http_url.len && !p->http_status)
		return;
	key(o, "http");
	opt_str(&d, "last_method", s->base, p->http_method);
	put_uint(&d, "last_return_code", p->http_status);
	opt_str(&d, "last_url", s->base, p->http_url);
	opt_str(&d, "last_user_agent", s->base, p->http_agent);
	opt_str(&d, "last_server", s->base, p->http_server);
	opt_str(&d, "server_name", s->base, p->http_host);
	end(&d);
}

static void proto_tls(struct object *o, const struct source *s)
{
	const struct g_flow_app *p = &s->a->flow_app;
	struct object d = { o->b, false };
	if (!p->tls_version_id && !p->tls_sni.len && !p->tls_ja3c.len && !p->tls_subject.len)
		return;
	key(o, "tls");
	opt_uint(&d, "tls_version", p->tls_version_id);
	opt_joined(&d, "server_names", s->base, p->tls_names);
	opt_str(&d, "client_alpn", s->base, p->tls_alpn);
	opt_str(&d, "client_tls_supported_versions", s->base, p->tls_versions);
	opt_str(&d, "issuerDN", s->base, p->tls_issuer);
	opt_str(&d, "subjectDN", s->base, p->tls_subject);
	opt_str(&d, "client_requested_server_name", s->base, p->tls_sni);
	opt_uint(&d, "notBefore", p->tls_not_before / NS);
	opt_uint(&d, "notAfter", p->tls_not_after / NS);
	end(&d);
}

static void proto_ssh(struct object *o, const struct source *s)
{
	const struct g_flow_app *p = &s->a->flow_app;
	struct object d = { o->b, false };
	if (!p->ssh_client.len && !p->ssh_server.len)
		return;
	key(o, "ssh");
	opt_str(&d, "client_signature", s->base, p->ssh_client);
	opt_str(&d, "server_signature", s->base, p->ssh_server);
	opt_str(&d, "hassh.client_hash", s->base, p->ssh_hassh_c);
	opt_str(&d, "hassh.server_hash", s->base, p->ssh_hassh_s);
	end(&d);
}

static void proto_small(struct object *o, const struct source *s)
{
	const struct g_flow_app *p = &s->a->flow_app;
	uint8_t l4 = s->a->flow.proto;
	if (l4 == 1 || l4 == 58) {
		struct object d = { o->b, false };
		key(o, "icmp");
		put_uint(&d, "type", s->a->flow.icmp_type);
		put_uint(&d, "code", s->a->flow.icmp_code);
		end(&d);
	}
	if (p->mdns_name.len || p->mdns_answer.len) {
		struct object d = { o->b, false };
		key(o, "mdns");
		opt_str(&d, "answer", s->base, p->mdns_answer);
		opt_str(&d, "name", s->base, p->mdns_name);
		end(&d);
	}
	if (p->netbios_name.len) {
		struct object d = { o->b, false };
		key(o, "netbios");
		put_str(&d, "name", s->base, p->netbios_name);
		end(&d);
	}
	if (p->sip_call_id.len) {
		struct object d = { o->b, false };
		key(o, "sip");
		put_str(&d, "call_id", s->base, p->sip_call_id);
		end(&d);
	}
}

static void put_proto(struct object *o, const struct source *s)
{
	struct object d = { o->b, false };
	key(o, "proto");
	proto_dns(&d, s);
	proto_http(&d, s);
	proto_tls(&d, s);
	proto_ssh(&d, s);
	proto_small(&d, s);
	if (s->a->flow_app.state == VERDICT_DPI || s->a->flow_app.state == VERDICT_GUESSED)
		put_uint(&d, "confidence", s->a->flow_app.state == VERDICT_DPI);
	end(&d);
}

static void put_traffic(struct object *o, const struct source *s)
{
	const struct g_flow_count *n = &s->a->flow_n;
	struct object d = { o->b, false };
	key(o, "traffic_stats");
	opt_uint(&d, "cli2srv_retransmissions", n->client_retrans);
	opt_uint(&d, "cli2srv_out_of_order", n->client_ooo);
	opt_uint(&d, "cli2srv_lost", n->client_lost);
	opt_uint(&d, "srv2cli_retransmissions", n->server_retrans);
	opt_uint(&d, "srv2cli_out_of_orders", n->server_ooo); /* this one name has an s */
	opt_uint(&d, "srv2cli_lost", n->server_lost);
	end(&d);
}

/* The score of each alert of the flow: the others by their checks, the rest of the sum is the predominant one's. */
static void put_scores(struct object *o, const struct source *s)
{
	struct object d = { o->b, false };
	uint32_t rest = s->a->alert.score;
	const char *item;
	size_t pos = 0, len;
	char number[12];
	key(o, "alert_score");
	while (list_next(s->base, s->a->alert.others, &pos, &item, &len)) {
		const struct checkdef *c = check_of(item, len);
		if (!c || !c->type_id || c->type_id == s->a->alert.type_id)
			continue;
		snprintf(number, sizeof number, "%u", c->type_id);
		put_uint(&d, number, c->score);
		rest -= c->score < rest ? c->score : rest;
	}
	snprintf(number, sizeof number, "%u", s->a->alert.type_id);
	put_uint(&d, number, rest);
	end(&d);
}

/* 'key: text' of each risk, as a text that holds an object of risk numbers to texts. */
static void put_risk_info(struct object *o, const struct source *s)
{
	struct buf inner = { 0 };
	struct object d = { &inner, false };
	const char *item;
	size_t pos = 0, len;
	while (list_next(s->base, s->a->flow_app.risk_details, &pos, &item, &len)) {
		const char *colon = memchr(item, ':', len);
		const struct checkdef *c = colon ? check_of(item, (size_t)(colon - item)) : NULL;
		char number[12];
		if (!c || !c->risk_id)
			continue;
		const char *text = colon + 1, *stop = item + len;
		while (text < stop && *text == ' ')
			text++;
		snprintf(number, sizeof number, "%u", c->risk_id);
		key(&d, number);
		json_quote(&inner, text, (size_t)(stop - text));
	}
	if (d.any) {
		end(&d);
		key(o, "flow_risk_info");
		json_quote(o->b, inner.p, inner.len);
	}
	buf_release(&inner);
}

/* -- the second document -- */

static bool is_taken(const char *name, size_t len)
{
	static const char *const taken[] = { "ntopng.key", "hash_entry_id", "alert_generation", "proto", "traffic_stats",
					     "alert_score", "is_attacker", "blacklist", "process" };
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		if (strlen(taken[i]) == len && memcmp(name, taken[i], len) == 0)
			return true;
	return false;
}

static bool plain_number(const char *p, size_t len)
{
	size_t i = 0, dots = 0;
	if (len == 0 || len > 15 || (len > 1 && p[0] == '0' && p[1] != '.'))
		return false;
	for (; i < len; i++) {
		if (p[i] == '.' && i > 0 && i + 1 < len && dots++ == 0)
			continue;
		if (p[i] < '0' || p[i] > '9')
			return false;
	}
	return true;
}

/* The values that decided, each a member of its own. */
static void put_values(struct object *o, const struct source *s)
{
	const char *item;
	size_t pos = 0, len;
	while (list_next(s->base, s->a->alert.values, &pos, &item, &len)) {
		const char *eq = memchr(item, '=', len);
		size_t klen = eq ? (size_t)(eq - item) : 0;
		if (!klen || is_taken(item, klen))
			continue;
		const char *v = eq + 1;
		size_t vlen = len - klen - 1;
		buf_addc(o->b, o->any ? ',' : '{');
		o->any = true;
		json_quote(o->b, item, klen);
		buf_addc(o->b, ':');
		if (plain_number(v, vlen))
			buf_add(o->b, v, vlen);
		else
			json_quote(o->b, v, vlen);
	}
}

static void put_nested(struct object *o, const struct source *s, void (*fill)(struct object *o, const struct source *s))
{
	struct buf inner = { 0 };
	struct object d = { &inner, false };
	fill(&d, s);
	put_values(&d, s);
	end(&d);
	key(o, "json");
	json_quote(o->b, inner.p, inner.len);
	buf_release(&inner);
}

static void nested_flow(struct object *o, const struct source *s)
{
	struct object gen = { o->b, false };
	put_uint(o, "ntopng.key", s->a->flow.id.lo & 0x7fffffff);
	put_uint(o, "hash_entry_id", s->a->flow.id.lo >> 32 & 0x7fffffff);
	key(o, "alert_generation");
	put_str(&gen, "script_key", s->base, s->a->alert.check);
	put_text(&gen, "subdir", "flow");
	put_risk_info(&gen, s);
	end(&gen);
	put_proto(o, s);
	put_traffic(o, s);
	put_scores(o, s);
}

static void flow_document(struct object *o, const struct source *s)
{
	const struct g_alert *al = &s->a->alert;
	const struct g_flow_key *k = &s->a->flow;
	const struct g_flow_count *n = &s->a->flow_n;
	const struct g_flow_app *app = &s->a->flow_app;
	const struct g_flow_judge *j = &s->a->flow_judge;
	char community[COMMUNITY_STRLEN];
	bool icmp = k->proto == 1 || k->proto == 58;
	put_bool(o, "is_flow_alert", true);
	put_uint(o, "first_seen", k->first / NS);
	put_uint(o, "tstamp", (al->decided ? al->decided : al->time) / NS);
	put_bool(o, "is_cli_attacker", addr_is_set(&al->attacker) && addr_cmp(&al->attacker, &k->client) == 0);
	put_bool(o, "is_cli_victim", addr_is_set(&al->victim) && addr_cmp(&al->victim, &k->client) == 0);
	put_bool(o, "is_srv_attacker", addr_is_set(&al->attacker) && addr_cmp(&al->attacker, &k->server) == 0);
	put_bool(o, "is_srv_victim", addr_is_set(&al->victim) && addr_cmp(&al->victim, &k->server) == 0);
	put_uint(o, "pool_id", 0);
	put_uint(o, "vlan_id", k->vlan);
	put_uint(o, "observation_point_id", 0);
	put_uint(o, "proto", k->proto);
	put_uint(o, "ip_version", k->ip_version);
	opt_uint(o, "flow_risk_bitmap", app->risk_bits);
	put_alerts_map(o, s);
	put_app(o, s);
	put_int(o, "l7_master_proto", app->n ? app->master_id : -1);
	put_int(o, "l7_proto", app->n ? app->app_id : -1);
	put_uint(o, "l7_cat", app->category_id);
	opt_str(o, "dns_last_query", s->base, app->dns_query);
	put_uint(o, "cli2srv_bytes", n->client_bytes);
	put_uint(o, "cli2srv_packets", n->client_packets);
	put_uint(o, "srv2cli_bytes", n->server_bytes);
	put_uint(o, "srv2cli_packets", n->server_packets);
	put_peer(o, s, &(struct peer){ "cli", &k->client, k->client_port, j->client_name, app->http_os, j->client_local });
	put_peer(o, s, &(struct peer){ "srv", &k->server, k->server_port, j->server_name, { 0, 0 }, j->server_local });
	put_text(o, "probe_ip", "0.0.0.0");
	put_uint(o, "input_snmp", 0);
	put_uint(o, "output_snmp", 0);
	put_text(o, "community_id",
		 community_id(&k->client, &k->server, k->proto, icmp ? k->icmp_type : k->client_port,
			      icmp ? k->icmp_code : k->server_port, community));
	put_info(o, s);
	put_nested(o, s, nested_flow);
}

/* -- host -- */

/* Address and VLAN of the host; from "address@vlan" when the alert carries no host. */
static void host_of(const struct source *s, struct addr *ip, uint16_t *vlan)
{
	const struct g_alert *al = &s->a->alert;
	const char *text = str_ptr(s->base, al->entity_val);
	const char *at = al->entity_val.len ? memchr(text, '@', al->entity_val.len) : NULL;
	*ip = s->a->host.ip;
	*vlan = s->a->host.vlan;
	if (addr_is_set(ip))
		return;
	addr_parse(text, at ? (size_t)(at - text) : al->entity_val.len, ip);
	for (at = at ? at + 1 : text + al->entity_val.len; at < text + al->entity_val.len && *at >= '0' && *at <= '9'; at++)
		*vlan = (uint16_t)(*vlan * 10 + *at - '0');
}

static void put_host_name(struct object *o, const char *name, const struct source *s, const struct addr *ip)
{
	if (s->a->host.name.len)
		put_str(o, name, s->base, s->a->host.name);
	else
		put_addr(o, name, ip);
}

static bool is_role(const struct addr *role, const struct addr *ip)
{
	return addr_is_set(role) && addr_cmp(role, ip) == 0;
}

static void nested_host(struct object *o, const struct source *s)
{
	struct object gen = { o->b, false }, info = { o->b, false };
	struct addr ip;
	uint16_t vlan;
	host_of(s, &ip, &vlan);
	key(o, "alert_generation");
	put_str(&gen, "script_key", s->base, s->a->alert.check);
	put_text(&gen, "subdir", "host");
	key(&gen, "host_info");
	put_host_name(&info, "name", s, &ip);
	put_bool(&info, "localhost", s->a->host.local);
	put_bool(&info, "systemhost", false);
	put_bool(&info, "privatehost", addr_is_private(&ip));
	put_bool(&info, "broadcast_domain_host", s->a->host.local && mac_is_set(&s->a->host.mac));
	put_bool(&info, "dhcpHost", false);
	put_bool(&info, "is_blacklisted", s->a->host.listed);
	put_bool(&info, "is_broadcast", addr_is_broadcast(&ip));
	put_bool(&info, "is_multicast", addr_is_multicast(&ip));
	end(&info);
	end(&gen);
	put_bool(o, "is_attacker", is_role(&s->a->alert.attacker, &ip));
}

static void host_document(struct object *o, const struct source *s)
{
	const struct g_alert *al = &s->a->alert;
	struct addr ip;
	uint16_t vlan;
	host_of(s, &ip, &vlan);
	put_uint(o, "pool_id", 0);
	put_text(o, "subtype", "");
	put_uint(o, "ip_version", addr_is_v4(&ip) ? 4 : 6);
	put_addr(o, "ip", &ip);
	put_host_name(o, "name", s, &ip);
	put_uint(o, "vlan_id", vlan);
	put_uint(o, "observation_point_id", 0);
	put_uint(o, "tstamp", al->time / NS);
	put_uint(o, "tstamp_end", al->end / NS);
	put_bool(o, "is_attacker", is_role(&al->attacker, &ip));
	put_bool(o, "is_victim", is_role(&al->victim, &ip));
	put_bool(o, "is_client", al->client_score > al->server_score);
	put_bool(o, "is_server", al->server_score > al->client_score);
	put_uint(o, "host_pool_id", 0);
	put_uint(o, "network", network_number(s, &ip));
	put_uint(o, "granularity", al->granularity);
	put_nested(o, s, nested_host);
}

/* -- other entities -- */

static void nested_other(struct object *o, const struct source *s)
{
	struct object gen = { o->b, false };
	key(o, "alert_generation");
	put_str(&gen, "script_key", s->base, s->a->alert.check);
	put_text(&gen, "subdir", enum_name(enum_entity, s->a->alert.entity));
	end(&gen);
}

static void other_document(struct object *o, const struct source *s)
{
	const struct g_alert *al = &s->a->alert;
	put_text(o, "subtype", "");
	put_str(o, "name", s->base, al->entity_val);
	put_uint(o, "tstamp", al->time / NS);
	put_uint(o, "tstamp_end", (al->action == ACT_STORE ? al->time : al->end) / NS);
	put_uint(o, "host_pool_id", 0);
	put_uint(o, "granularity", al->granularity);
	put_nested(o, s, nested_other);
}

/* -- all -- */

static void put_weir(struct object *o, const struct source *s, const struct document_delivery *d)
{
	struct object w = { o->b, false };
	char id[ID_STRLEN];
	key(o, "weir");
	put_text(&w, "delivery_id", id_str(d->id, id));
	put_text(&w, "recipient", d->recipient);
	put_uint(&w, "attempt", d->attempt);
	put_bool(&w, "maybe_duplicate", d->maybe_duplicate);
	key(&w, "alert");
	json_record(o->b, R_ALERT, s->a, s->base, JSON_NO_BIN, NULL);
	end(&w);
}

void document_write(struct buf *out, const struct r_alert *a, const char *base, const struct topo *t,
		    const struct document_delivery *d)
{
	const struct g_alert *al = &a->alert;
	struct source s = { a, base, t };
	struct object o = { out, false };
	put_uint(&o, "ifid", sensor_number(&s));
	put_text(&o, "action", enum_name(enum_action, al->action));
	put_uint(&o, "alert_id", al->type_id);
	put_uint(&o, "alert_category", al->category);
	put_uint(&o, "severity", al->severity);
	put_uint(&o, "score", al->score);
	put_bool(&o, "acknowledged", a->note.acknowledged || (al->entity == ENT_FLOW && !al->attention));
	put_uint(&o, "entity_id", al->entity);
	put_str(&o, "entity_val", base, al->entity_val);
	if (al->entity == ENT_FLOW)
		flow_document(&o, &s);
	else if (al->entity == ENT_HOST)
		host_document(&o, &s);
	else
		other_document(&o, &s);
	put_weir(&o, &s, d);
	end(&o);
}

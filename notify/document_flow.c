#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "checkdef.h"
#include "community.h"
#include "document_priv.h"
#include "json.h"

enum { LOCATION_REMOTE, LOCATION_LOCAL, LOCATION_MULTICAST };

static const struct checkdef *check_of(const char *p, size_t len)
{
	char name[64];
	if (len == 0 || len >= sizeof name)
		return NULL;
	memcpy(name, p, len);
	name[len] = '\0';
	return checkdef_find(name, ENT_FLOW);
}

static unsigned location(const struct addr *a, bool local)
{
	if (addr_is_multicast(a) || addr_is_broadcast(a))
		return LOCATION_MULTICAST;
	return local ? LOCATION_LOCAL : LOCATION_REMOTE;
}

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
	object_key(o, "alerts_map");
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
	object_text(o, "proto.ndpi", b.len ? buf_cstr(&b) : app->n ? "Unknown" : "Too early");
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
	object_addr(o, N("ip"), p->ip);
	object_uint(o, N("port"), p->port);
	object_bool(o, N("blacklisted"), false);
	object_uint(o, N("location"), location(p->ip, p->local));
	if (p->name.len)
		object_str(o, N("name"), s->base, p->name);
	else
		object_addr(o, N("name"), p->ip);
	object_str(o, N("os"), s->base, p->os);
	object_uint(o, N("asn"), 0);
	object_bool(o, N("localhost"), p->local);
	object_uint(o, N("host_pool_id"), 0);
	object_uint(o, N("network"), document_network(s, p->ip));
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
	object_str(o, "info", s->base, first_of(texts, sizeof texts / sizeof *texts));
}

static void proto_dns(struct object *o, const struct source *s)
{
	const struct g_flow_app *p = &s->a->flow_app;
	struct object d = { o->b, false };
	if (!p->dns_query.len)
		return;
	object_key(o, "dns");
	object_str(&d, "last_query", s->base, p->dns_query);
	object_uint(&d, "last_query_type", p->dns_type);
	object_uint(&d, "last_return_code", p->dns_rcode);
	object_end(&d);
}

static void proto_http(struct object *o, const struct source *s)
{
	const struct g_flow_app *p = &s->a->flow_app;
	struct object d = { o->b, false };
	if (!p->http_method.len && !p->http_url.len && !p->http_status)
		return;
	object_key(o, "http");
	object_opt_str(&d, "last_method", s->base, p->http_method);
	object_uint(&d, "last_return_code", p->http_status);
	object_opt_str(&d, "last_url", s->base, p->http_url);
	object_opt_str(&d, "last_user_agent", s->base, p->http_agent);
	object_opt_str(&d, "last_server", s->base, p->http_server);
	object_opt_str(&d, "server_name", s->base, p->http_host);
	object_end(&d);
}

static void proto_tls(struct object *o, const struct source *s)
{
	const struct g_flow_app *p = &s->a->flow_app;
	struct object d = { o->b, false };
	if (!p->tls_version_id && !p->tls_sni.len && !p->tls_ja3c.len && !p->tls_subject.len)
		return;
	object_key(o, "tls");
	object_opt_uint(&d, "tls_version", p->tls_version_id);
	object_opt_joined(&d, "server_names", s->base, p->tls_names);
	object_opt_str(&d, "client_alpn", s->base, p->tls_alpn);
	object_opt_str(&d, "client_tls_supported_versions", s->base, p->tls_versions);
	object_opt_str(&d, "issuerDN", s->base, p->tls_issuer);
	object_opt_str(&d, "subjectDN", s->base, p->tls_subject);
	object_opt_str(&d, "client_requested_server_name", s->base, p->tls_sni);
	object_opt_uint(&d, "notBefore", p->tls_not_before / SECOND);
	object_opt_uint(&d, "notAfter", p->tls_not_after / SECOND);
	object_end(&d);
}

static void proto_ssh(struct object *o, const struct source *s)
{
	const struct g_flow_app *p = &s->a->flow_app;
	struct object d = { o->b, false };
	if (!p->ssh_client.len && !p->ssh_server.len)
		return;
	object_key(o, "ssh");
	object_opt_str(&d, "client_signature", s->base, p->ssh_client);
	object_opt_str(&d, "server_signature", s->base, p->ssh_server);
	object_opt_str(&d, "hassh.client_hash", s->base, p->ssh_hassh_c);
	object_opt_str(&d, "hassh.server_hash", s->base, p->ssh_hassh_s);
	object_end(&d);
}

static void proto_small(struct object *o, const struct source *s)
{
	const struct g_flow_app *p = &s->a->flow_app;
	uint8_t l4 = s->a->flow.proto;
	if (l4 == IPPROTO_ICMP || l4 == IPPROTO_ICMPV6) {
		struct object d = { o->b, false };
		object_key(o, "icmp");
		object_uint(&d, "type", s->a->flow.icmp_type);
		object_uint(&d, "code", s->a->flow.icmp_code);
		object_end(&d);
	}
	if (p->mdns_name.len || p->mdns_answer.len) {
		struct object d = { o->b, false };
		object_key(o, "mdns");
		object_opt_str(&d, "answer", s->base, p->mdns_answer);
		object_opt_str(&d, "name", s->base, p->mdns_name);
		object_end(&d);
	}
	if (p->netbios_name.len) {
		struct object d = { o->b, false };
		object_key(o, "netbios");
		object_str(&d, "name", s->base, p->netbios_name);
		object_end(&d);
	}
	if (p->sip_call_id.len) {
		struct object d = { o->b, false };
		object_key(o, "sip");
		object_str(&d, "call_id", s->base, p->sip_call_id);
		object_end(&d);
	}
}

static void put_proto(struct object *o, const struct source *s)
{
	struct object d = { o->b, false };
	object_key(o, "proto");
	proto_dns(&d, s);
	proto_http(&d, s);
	proto_tls(&d, s);
	proto_ssh(&d, s);
	proto_small(&d, s);
	if (s->a->flow_app.state == VERDICT_DPI || s->a->flow_app.state == VERDICT_GUESSED)
		object_uint(&d, "confidence", s->a->flow_app.state == VERDICT_DPI);
	object_end(&d);
}

static void put_traffic(struct object *o, const struct source *s)
{
	const struct g_flow_count *n = &s->a->flow_n;
	struct object d = { o->b, false };
	object_key(o, "traffic_stats");
	object_opt_uint(&d, "cli2srv_retransmissions", n->client_retrans);
	object_opt_uint(&d, "cli2srv_out_of_order", n->client_ooo);
	object_opt_uint(&d, "cli2srv_lost", n->client_lost);
	object_opt_uint(&d, "srv2cli_retransmissions", n->server_retrans);
	object_opt_uint(&d, "srv2cli_out_of_orders", n->server_ooo); /* this one name has an s */
	object_opt_uint(&d, "srv2cli_lost", n->server_lost);
	object_end(&d);
}

/* The score of each alert of the flow: the others by their checks, the rest of the sum is the predominant one's. */
static void put_scores(struct object *o, const struct source *s)
{
	struct object d = { o->b, false };
	uint32_t rest = s->a->alert.score;
	const char *item;
	size_t pos = 0, len;
	char number[12];
	object_key(o, "alert_score");
	while (list_next(s->base, s->a->alert.others, &pos, &item, &len)) {
		const struct checkdef *c = check_of(item, len);
		if (!c || !c->type_id || c->type_id == s->a->alert.type_id)
			continue;
		snprintf(number, sizeof number, "%u", c->type_id);
		object_uint(&d, number, c->score);
		rest -= c->score < rest ? c->score : rest;
	}
	snprintf(number, sizeof number, "%u", s->a->alert.type_id);
	object_uint(&d, number, rest);
	object_end(&d);
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
		object_key(&d, number);
		json_quote(&inner, text, (size_t)(stop - text));
	}
	if (d.any) {
		object_end(&d);
		object_key(o, "flow_risk_info");
		json_quote(o->b, inner.p, inner.len);
	}
	buf_release(&inner);
}

static void nested_flow(struct object *o, const struct source *s)
{
	struct object gen = { o->b, false };
	object_uint(o, "ntopng.key", s->a->flow.id.lo & 0x7fffffff);
	object_uint(o, "hash_entry_id", s->a->flow.id.lo >> 32 & 0x7fffffff);
	object_key(o, "alert_generation");
	object_str(&gen, "script_key", s->base, s->a->alert.check);
	object_text(&gen, "subdir", "flow");
	put_risk_info(&gen, s);
	object_end(&gen);
	put_proto(o, s);
	put_traffic(o, s);
	put_scores(o, s);
}

void document_flow(struct object *o, const struct source *s)
{
	const struct g_alert *al = &s->a->alert;
	const struct g_flow_key *k = &s->a->flow;
	const struct g_flow_count *n = &s->a->flow_n;
	const struct g_flow_app *app = &s->a->flow_app;
	const struct g_flow_judge *j = &s->a->flow_judge;
	char community[COMMUNITY_STRLEN];
	bool icmp = k->proto == IPPROTO_ICMP || k->proto == IPPROTO_ICMPV6;
	object_bool(o, "is_flow_alert", true);
	object_uint(o, "first_seen", k->first / SECOND);
	object_uint(o, "tstamp", (al->decided ? al->decided : al->time) / SECOND);
	object_bool(o, "is_cli_attacker", document_role(&al->attacker, &k->client));
	object_bool(o, "is_cli_victim", document_role(&al->victim, &k->client));
	object_bool(o, "is_srv_attacker", document_role(&al->attacker, &k->server));
	object_bool(o, "is_srv_victim", document_role(&al->victim, &k->server));
	object_uint(o, "pool_id", 0);
	object_uint(o, "vlan_id", k->vlan);
	object_uint(o, "observation_point_id", 0);
	object_uint(o, "proto", k->proto);
	object_uint(o, "ip_version", k->ip_version);
	object_opt_uint(o, "flow_risk_bitmap", app->risk_bits);
	put_alerts_map(o, s);
	put_app(o, s);
	object_int(o, "l7_master_proto", app->n ? app->master_id : -1);
	object_int(o, "l7_proto", app->n ? app->app_id : -1);
	object_uint(o, "l7_cat", app->category_id);
	object_opt_str(o, "dns_last_query", s->base, app->dns_query);
	object_uint(o, "cli2srv_bytes", n->client_bytes);
	object_uint(o, "cli2srv_packets", n->client_packets);
	object_uint(o, "srv2cli_bytes", n->server_bytes);
	object_uint(o, "srv2cli_packets", n->server_packets);
	put_peer(o, s, &(struct peer){ "cli", &k->client, k->client_port, j->client_name, app->http_os, j->client_local });
	put_peer(o, s, &(struct peer){ "srv", &k->server, k->server_port, j->server_name, { 0, 0 }, j->server_local });
	object_text(o, "probe_ip", "0.0.0.0");
	object_uint(o, "input_snmp", 0);
	object_uint(o, "output_snmp", 0);
	object_text(o, "community_id",
		 community_id(&k->client, &k->server, k->proto, icmp ? k->icmp_type : k->client_port,
			      icmp ? k->icmp_code : k->server_port, community));
	put_info(o, s);
	document_nested(o, s, nested_flow);
}

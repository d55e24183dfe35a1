/* Hosts, from the live view. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "compat_sums.h"
#include "match.h"

#define MAX_CUSTOM 10000 /* hosts in one answer */
#define MAX_DETAIL 1000  /* the same with objects of their flows */

/* -- host/active -- */

static struct match *host_filter(const struct compat *c, const struct topo_sensor *s)
{
	static const struct compat_choice choices[] = {
		{ "mode", "local", "local = true" },
		{ "mode", "remote", "local = false" },
		{ "mode", "blacklisted", "blacklisted = true" },
		{ "traffic_type", "one_way", "(packets_sent = 0 or packets_rcvd = 0)" },
		{ "traffic_type", "bidirectional", "packets_sent > 0 and packets_rcvd > 0" },
		{ NULL, NULL, NULL },
	};
	struct buf b = { 0 };
	const char *net = compat_arg(c, "network_cidr");
	long version = compat_number(c, "version", 0);
	filter_text(&b, "sensor", s->name);
	filter_choices(c, &b, choices);
	if (version == 4 || version == 6)
		filter_add(&b, version == 4 ? "ip in 0.0.0.0/0" : "not (ip in 0.0.0.0/0)");
	if (net)
		filter_text(&b, "ip", net);
	filter_arg(c, &b, "vlan", "vlan");
	filter_arg(c, &b, "country", "country");
	filter_arg(c, &b, "asn", "asn");
	filter_arg(c, &b, "mac", "mac");
	return filter_parse(&b, R_HOST);
}

/* Rates over the life of the host: the records carry totals. */
static double rate(uint64_t n, const struct r_host *h)
{
	double s = (double)(h->host.last - h->host.first) / 1e9;
	return (double)n / (s < 1 ? 1 : s);
}

/* What people call it is before what it calls itself. */
static json_t *host_name(const struct r_host *h, const char *base)
{
	struct str name = h->host.alias.len ? h->host.alias : h->host.name;
	return name.len ? jstr(base, name) : jaddr(&h->host.ip);
}

static json_t *host_row(struct compat *c, const void *rec, const char *base)
{
	(void)c;
	const struct r_host *h = rec;
	const struct g_host *g = &h->host;
	char ip[ADDR_STRLEN], mac[MAC_STRLEN], key[2 * ADDR_STRLEN] = "";
	addr_str(&g->ip, ip);
	for (const char *p = ip; *p; p++)
		snprintf(key + strlen(key), sizeof key - strlen(key), *p == '.' || *p == ':' ? "__" : "%c", *p);
	uint64_t bytes = g->bytes_sent + g->bytes_rcvd;
	json_t *o = json_pack("{s:s,s:s,s:i,s:o,s:i,s:o,s:o,s:I,s:o,s:s}", "key", key, "ip", ip, "vlan", (int)g->vlan, "name",
			      host_name(h, base), "os", 0, "first_seen", jsec(g->first), "last_seen", jsec(g->last), "num_alerts",
			      (json_int_t)g->alerts, "country", jstr(base, g->country), "mac", mac_str(&g->mac, mac));
	json_object_update_new(o, json_pack("{s:b,s:b,s:b,s:b,s:b}", "is_blacklisted", g->listed ? 1 : 0, "is_localhost", g->local ? 1 : 0,
					    "is_multicast", addr_is_multicast(&g->ip) ? 1 : 0, "is_broadcast",
					    addr_is_broadcast(&g->ip) ? 1 : 0, "is_broadcast_domain", 0));
	json_object_update_new(o, json_pack("{s:{s:I,s:I,s:I},s:{s:f,s:f},s:{s:I,s:I,s:I},s:{s:I,s:I,s:I}}", "score", "total",
					    (json_int_t)g->score, "as_client", (json_int_t)g->client_score, "as_server",
					    (json_int_t)g->server_score, "thpt", "pps",
					    rate(g->packets_sent + g->packets_rcvd, h), "bps", rate(bytes, h) * 8, "bytes",
					    "total", (json_int_t)bytes, "sent", (json_int_t)g->bytes_sent, "recvd",
					    (json_int_t)g->bytes_rcvd, "num_flows", "total", (json_int_t)g->flows_active,
					    "as_client", (json_int_t)g->flows_client, "as_server",
					    (json_int_t)g->flows_server));
	return o;
}

void compat_host_active(struct compat *c)
{
	static const struct compat_order orders[] = {
		{ "ip", "ip" }, { "name", "name" }, { "since", "first" }, { "first_seen", "first" }, { "last", "last" },
		{ "last_seen", "last" }, { "alerts", "alerts" }, { "num_alerts", "alerts" }, { "country", "country" },
		{ "vlan", "vlan" }, { "num_flows", "flows.active" }, { "traffic", "bytes" }, { "bytes", "bytes" },
		{ "thpt", "bytes" }, { "score", "score" }, { "mac", "mac" }, { NULL, "bytes" },
	};
	const struct topo_sensor *s = compat_sensor(c);
	if (!s)
		return;
	struct match *m = host_filter(c, s);
	compat_active(c, c->k->hosts, R_HOST, m, orders, host_row);
	match_free(m);
}

/* -- one host -- */

/* The record, in a static place until the next call; NULL after ending the call. */
struct found {
	bool there;
	struct r_host host;
	struct buf strs;
};

static void keep(void *arg, const void *rec, const char *base)
{
	struct found *f = arg;
	struct r_host *h = &f->host;
	*h = *(const struct r_host *)rec;
	struct str *all[] = { &h->host.name, &h->host.names, &h->host.os, &h->host.apps, &h->host.engaged, &h->host.sensor,
			      &h->host.vendor, &h->host.country, &h->host.as_name, &h->host.pool, &h->host.network, &h->host.app_counts,
			      &h->host.name_times, &h->host.alias };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		*all[i] = str_put_raw(&f->strs, str_ptr(base, *all[i]), all[i]->len);
	f->there = true;
}

static bool find_host(struct compat *c, struct found *f)
{
	struct addr ip;
	unsigned vlan;
	*f = (struct found){ 0 };
	if (!compat_host(c, &ip, &vlan))
		return false;
	live_find(c->k->hosts, &(struct r_host){ .host = { .ip = ip, .vlan = (uint16_t)vlan } }, keep, f);
	return true;
}

/* "name=bytes" pairs of the application map: see apps in weir-fields(7). */
static void each_app(const struct r_host *h, const char *base, void (*cb)(void *arg, const char *name, double bytes), void *arg)
{
	const char *p = str_ptr(base, h->host.apps), *end = p + h->host.apps.len;
	char name[64];
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl ? nl : end) - p);
		const char *eq = memrchr(p, '=', len);
		if (eq) {
			char number[32];
			snprintf(name, sizeof name, "%.*s", (int)(eq - p), p);
			snprintf(number, sizeof number, "%.*s", (int)(len - (size_t)(eq - p) - 1), eq + 1);
			cb(arg, name, strtod(number, NULL));
		}
		p += len + 1;
	}
}

static void add_app(void *arg, const char *name, double bytes)
{
	jadd(arg, name, (json_int_t)bytes);
}

static unsigned sensor_index(const struct compat *c, const char *base, struct str name)
{
	const struct topo *t = c->k->c->topo;
	for (size_t i = 0; i < t->n_sensors; i++)
		if (str_eq(base, name, t->sensors[i].name))
			return (unsigned)i;
	return 0;
}

static void put_numbers(json_t *o, const struct r_host *h, const struct host_sums *s)
{
	const struct g_host *g = &h->host;
	static const char *const classes[] = { "tcp", "udp", "icmp", "other_ip" };
	const struct {
		const char *name;
		json_int_t value;
	} rows[] = {
		{ "bytes.sent", (json_int_t)g->bytes_sent }, { "bytes.rcvd", (json_int_t)g->bytes_rcvd },
		{ "packets.sent", (json_int_t)g->packets_sent }, { "packets.rcvd", (json_int_t)g->packets_rcvd },
		{ "active_flows.as_client", s->as_client }, { "active_flows.as_server", s->as_server },
		{ "flows.as_client", g->flows_client }, { "flows.as_server", g->flows_server },
		{ "total_flows.as_client", g->flows_client }, { "total_flows.as_server", g->flows_server },
		{ "alerted_flows.as_client", s->alerted_client }, { "alerted_flows.as_server", s->alerted_server },
		{ "unreachable_flows.as_client", g->mute_out }, { "unreachable_flows.as_server", g->mute_in },
		{ "contacts.as_client", g->peers }, { "contacts.as_server", (json_int_t)json_object_size(s->peers) },
		{ "score", g->score }, { "score.as_client", g->client_score }, { "score.as_server", g->server_score },
		{ "duration", (json_int_t)((g->last - g->first) / 1000000000u) }, { "num_alerts", g->alerts },
		{ "total_alerts", g->alerts }, { "num_flow_alerts", g->flows_alerted }, { "asn", g->asn }, { "os", 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		json_object_set_new(o, rows[i].name, json_integer(rows[i].value));
	for (unsigned dir = 0; dir < 2; dir++)
		for (unsigned k = 0; k < 4; k++) {
			char name[32];
			snprintf(name, sizeof name, "%s.bytes.%s", classes[k], dir ? "rcvd" : "sent");
			json_object_set_new(o, name, json_integer(s->bytes[dir][k]));
		}
}

/* Was a name of the host heard this way? */
static bool has_source(const struct g_host *g, const char *base, const char *source)
{
	const char *names = str_ptr(base, g->names);
	return g->names.len && memmem(names, g->names.len, source, strlen(source));
}

/* What comes of the host's flows; the objects only if there are any. */
static void put_sums(json_t *o, const struct host_sums *s)
{
	static const char *const names[] = { "tcpPacketStats.sent", "tcpPacketStats.rcvd" };
	for (unsigned dir = SENT; dir <= RCVD; dir++)
		json_object_set_new(o, names[dir], json_pack("{s:I,s:I,s:I,s:i}", "retransmissions", s->retrans[dir], "out_of_order",
							     s->ooo[dir], "lost", s->lost[dir], "keep_alive", 0));
	json_object_set_new(o, "dns", host_sums_dns(s));
	json_object_set_new(o, "http", host_sums_http(s));
	if (!s->apps)
		return;
	json_object_set(o, "ndpi", s->apps);
	json_object_set(o, "ndpi_categories", s->categories);
	json_object_set(o, "used_ports", s->ports);
	json_object_set_new(o, "dscp", host_sums_dscp(s));
}

static json_t *host_document(struct compat *c, const struct r_host *h, const char *base, const struct host_sums *s)
{
	const struct g_host *g = &h->host;
	char ip[ADDR_STRLEN], mac[MAC_STRLEN], tskey[ADDR_STRLEN + 8];
	json_t *o = json_object();
	put_numbers(o, h, s);
	put_sums(o, s);
	addr_str(&g->ip, ip);
	snprintf(tskey, sizeof tskey, g->vlan ? "%s@%u" : "%s", ip, g->vlan);
	json_object_update_new(o, json_pack("{s:s,s:i,s:s,s:o,s:{},s:i,s:o,s:o,s:s,s:o,s:s}", "ip", ip, "vlan", (int)g->vlan,
					    "mac", mac_str(&g->mac, mac), "name", host_name(h, base), "names", "ifid",
					    (int)sensor_index(c, base, g->sensor), "asname", jstr(base, g->as_name), "country",
					    jstr(base, g->country), "city", "", "os_detail", jstr(base, g->os), "tskey", tskey));
	json_object_update_new(o, json_pack("{s:f,s:f,s:o,s:o,s:f,s:f}", "latitude", 0.0, "longitude", 0.0, "seen.first",
					    jsec(g->first), "seen.last", jsec(g->last), "throughput_bps",
					    rate(g->bytes_sent + g->bytes_rcvd, h), "throughput_pps",
					    rate(g->packets_sent + g->packets_rcvd, h)));
	json_object_update_new(o, json_pack("{s:b,s:b,s:b,s:b,s:b,s:b}", "localhost", g->local ? 1 : 0, "privatehost",
					    addr_is_private(&g->ip) ? 1 : 0, "is_blacklisted", g->listed ? 1 : 0, "is_multicast",
					    addr_is_multicast(&g->ip) ? 1 : 0, "is_broadcast",
					    addr_is_broadcast(&g->ip) ? 1 : 0, "dhcpHost",
					    has_source(g, base, "dhcp:") ? 1 : 0));
	return o;
}

static void reply_host(struct compat *c, bool bare)
{
	struct found f;
	if (!find_host(c, &f))
		return;
	const struct g_host *g = &f.host.host;
	json_t *o = NULL;
	if (f.there) {
		struct host_sums_set *set = host_sums_new(true);
		host_sums_want(set, &g->ip, g->vlan);
		host_sums_walk(set, c->k->flows);
		o = host_document(c, &f.host, f.strs.p, host_sums_find(set, &g->ip, g->vlan));
		host_sums_free(set);
	}
	buf_release(&f.strs);
	if (!o)
		compat_fail(c, RC_NOT_FOUND, "no host with this address is known now");
	else if (bare)
		compat_bare(c, o);
	else
		compat_ok(c, o);
}

void compat_host_data(struct compat *c)
{
	if (compat_sensor(c))
		reply_host(c, false);
}

void compat_host_stats_page(struct compat *c)
{
	reply_host(c, true);
}

void compat_host_interfaces(struct compat *c)
{
	struct found f;
	const char *key = compat_arg(c, "host");
	json_t *where = json_array();
	if (!find_host(c, &f)) {
		json_decref(where);
		return;
	}
	if (f.there)
		json_array_append_new(where, json_pack("{s:i}", "ifid", (int)sensor_index(c, f.strs.p, f.host.host.sensor)));
	buf_release(&f.strs);
	compat_ok(c, json_pack("{s:o}", key, where));
}

void compat_host_l7_stats(struct compat *c)
{
	struct found f;
	json_t *row, *sums = json_object();
	size_t i;
	if (!compat_sensor(c) || !find_host(c, &f)) {
		json_decref(sums);
		return;
	}
	if (f.there)
		each_app(&f.host, f.strs.p, add_app, sums);
	bool there = f.there;
	uint64_t duration = there ? (f.host.host.last - f.host.host.first) / 1000000000u : 0;
	buf_release(&f.strs);
	json_t *rows = compat_pie(sums, compat_flag(c, "collapse_stats", true) ? 3 : 0, 65535, false);
	json_array_foreach(rows, i, row)
		json_object_set_new(row, "duration", json_integer((json_int_t)duration));
	if (there) {
		compat_ok(c, rows);
	} else {
		json_decref(rows);
		compat_fail(c, RC_NOT_FOUND, "no host with this address is known now");
	}
}

/* -- chosen fields of one or all hosts -- */

struct custom {
	struct compat *c;
	const char *wanted;
	struct host_sums_set *sums;
	uint32_t left;
	json_t *rows;
};

static bool custom_want(void *arg, const void *rec, const char *base)
{
	(void)base;
	struct custom *k = arg;
	const struct g_host *g = &((const struct r_host *)rec)->host;
	host_sums_want(k->sums, &g->ip, g->vlan);
	return --k->left;
}

/* "FIELD" or "FIELD=ALIAS", joined by commas; a field that is not there is left out. */
static bool custom_row(void *arg, const void *rec, const char *base)
{
	struct custom *k = arg;
	const struct g_host *g = &((const struct r_host *)rec)->host;
	const struct host_sums *sums = host_sums_find(k->sums, &g->ip, g->vlan);
	if (!sums)
		return true;
	json_t *all = host_document(k->c, rec, base, sums), *row = json_object();
	for (const char *p = k->wanted; *p;) {
		size_t len = strcspn(p, ",");
		char field[128], *alias;
		snprintf(field, sizeof field, "%.*s", (int)len, p);
		alias = strchr(field, '=');
		if (alias)
			*alias++ = '\0';
		json_t *v = json_object_get(all, field);
		if (v)
			json_object_set(row, alias ? alias : field, v);
		p += len + (p[len] == ',');
	}
	json_decref(all);
	json_array_append_new(k->rows, row);
	return true;
}

/* The objects of each host's flows are made only for who asks for one of them. */
static bool wants_detail(const char *wanted)
{
	static const char *const of_flows[] = { "ndpi", "used_ports", "dscp", "contacts.as_server" };
	for (size_t i = 0; i < sizeof of_flows / sizeof *of_flows; i++)
		if (strstr(wanted, of_flows[i]))
			return true;
	return false;
}

void compat_host_custom_data(struct compat *c)
{
	const struct topo_sensor *s = compat_sensor(c);
	const char *wanted = compat_arg(c, "field_alias");
	struct buf b = { 0 };
	if (!s)
		return;
	wanted = wanted ? wanted : "ip,name,vlan";
	bool detail = wants_detail(wanted);
	struct custom k = { c, wanted, host_sums_new(detail), detail ? MAX_DETAIL : MAX_CUSTOM, json_array() };
	filter_text(&b, "sensor", s->name);
	filter_arg(c, &b, "host", "ip");
	struct match *m = filter_parse(&b, R_HOST);
	live_each(c->k->hosts, m, custom_want, &k);
	host_sums_walk(k.sums, c->k->flows);
	live_each(c->k->hosts, m, custom_row, &k);
	match_free(m);
	host_sums_free(k.sums);
	compat_ok(c, k.rows);
}

/* -- lists of hosts -- */

static json_t *find_row_of(struct compat *c, const void *rec, const char *base)
{
	(void)c;
	const struct r_host *h = rec;
	char ip[ADDR_STRLEN];
	return json_pack("{s:o,s:s,s:s}", "name", host_name(h, base), "ip", addr_str(&h->host.ip, ip), "type", "ip");
}

void compat_host_find(struct compat *c)
{
	static const struct compat_order orders[] = { { NULL, "bytes" } };
	const char *text = compat_arg(c, "query");
	struct buf b = { 0 };
	struct addr ip;
	uint64_t total;
	if (text && addr_parse(text, strlen(text), &ip) == 0) {
		filter_text(&b, "ip", text);
	} else {
		buf_adds(&b, "name contains ");
		match_quote(&b, text ? text : "", text ? strlen(text) : 0);
		buf_adds(&b, " or alias contains ");
		match_quote(&b, text ? text : "", text ? strlen(text) : 0);
	}
	struct match *m = filter_parse(&b, R_HOST);
	json_t *rsp = compat_page(c, c->k->hosts, R_HOST, m, orders, find_row_of, &total);
	match_free(m);
	compat_ok(c, json_pack("{s:O,s:s}", "results", json_object_get(rsp, "data"), "query", text ? text : ""));
	json_decref(rsp);
}

static json_t *talker_row(struct compat *c, const void *rec, const char *base)
{
	(void)c;
	const struct r_host *h = rec;
	char url[ADDR_STRLEN + 64], ip[ADDR_STRLEN];
	snprintf(url, sizeof url, "/lua/host_details.lua?host=%s", addr_str(&h->host.ip, ip));
	return json_pack("{s:o,s:f,s:s,s:s}", "name", host_name(h, base), "throughput",
			 rate(h->host.bytes_sent + h->host.bytes_rcvd, h) * 8, "throughput_type", "bps", "url", url);
}

/* Hosts of the sensor that meet one more condition, if there is one, those with most of a field first: rows and nothing else. */
static void reply_first(struct compat *c, const char *only, const char *field,
			json_t *(*row)(struct compat *c, const void *rec, const char *base))
{
	const struct compat_order orders[] = { { NULL, field } };
	const struct topo_sensor *s = compat_sensor(c);
	struct buf b = { 0 };
	uint64_t total;
	if (!s)
		return;
	filter_text(&b, "sensor", s->name);
	if (only)
		filter_add(&b, only);
	struct match *m = filter_parse(&b, R_HOST);
	json_t *rsp = compat_page(c, c->k->hosts, R_HOST, m, orders, row, &total);
	match_free(m);
	json_t *rows = json_incref(json_object_get(rsp, "data"));
	json_decref(rsp);
	compat_ok(c, rows);
}

/* variant: 1 local hosts, 0 remote ones. */
void compat_talkers(struct compat *c)
{
	reply_first(c, c->row->variant ? "local = true" : "local = false", "bytes", talker_row);
}

static json_t *pie_row(struct compat *c, const void *rec, const char *base)
{
	const struct r_host *h = rec;
	uint64_t value = c->row->variant ? h->host.score : h->host.bytes_sent + h->host.bytes_rcvd;
	return json_pack("{s:o,s:I,s:s}", "label", host_name(h, base), "value", (json_int_t)value, "url", "");
}

/* variant: 0 by traffic, 1 by score. */
void compat_top_hosts(struct compat *c)
{
	if (c->row->variant)
		reply_first(c, "score > 0", "score", pie_row);
	else
		reply_first(c, NULL, "bytes", pie_row);
}

struct arp {
	struct compat *c;
	json_t *rows;
};

static bool arp_row(void *arg, const void *rec, const char *base)
{
	(void)base;
	struct arp *a = arg;
	const struct r_host *h = rec;
	char mac[MAC_STRLEN];
	json_array_append_new(a->rows, json_pack("{s:o,s:s}", "ip", jaddr(&h->host.ip), "mac", mac_str(&h->host.mac, mac)));
	return true;
}

/* Which address was seen with which MAC: what an ARP table would say. */
void compat_arp(struct compat *c)
{
	const struct topo_sensor *s = compat_sensor(c);
	struct arp a = { c, json_array() };
	struct buf b = { 0 };
	if (!s) {
		json_decref(a.rows);
		return;
	}
	filter_text(&b, "sensor", s->name);
	filter_add(&b, "local = true and mac");
	struct match *m = filter_parse(&b, R_HOST);
	live_each(c->k->hosts, m, arp_row, &a);
	match_free(m);
	compat_ok(c, a.rows);
}

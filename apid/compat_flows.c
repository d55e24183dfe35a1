/* Flows, from the live view, and what interfaces carry. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "match.h"

/* Names of the classes of RFC 2474, RFC 2597, RFC 3246; the keys of ntopng's documents. */
const char *dscp_name(uint8_t tos)
{
	static const struct {
		uint8_t value;
		const char *name;
	} rows[] = { { 8, "cs1" },   { 16, "cs2" },  { 24, "cs3" },  { 32, "cs4" },  { 40, "cs5" },  { 48, "cs6" },  { 56, "cs7" },
		     { 10, "af11" }, { 12, "af12" }, { 14, "af13" }, { 18, "af21" }, { 20, "af22" }, { 22, "af23" }, { 26, "af31" },
		     { 28, "af32" }, { 30, "af33" }, { 34, "af41" }, { 36, "af42" }, { 38, "af43" }, { 46, "ef" },   { 1, "le" } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].value == tos >> 2)
			return rows[i].name;
	return tos >> 2 ? "unknown" : "cs0";
}

static const char *dscp_title(const char *name, char out[48])
{
	static const char *const kinds[][2] = { { "cs0", "Best Effort (CS0)" }, { "cs1", "Priority (CS1)" },
					   { "ef", "Expedited Forwarding (EF)" },
						{ "le", "Lower Effort (LE)" } };
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i][0], name) == 0)
			return kinds[i][1];
	snprintf(out, 48, "%s (%s)", *name == 'c' ? "Class Selector" : *name == 'a' ? "Assured Forwarding" : "Other", name);
	return out;
}

uint64_t flow_bytes(const struct r_flow *f)
{
	return f->n.client_bytes + f->n.server_bytes;
}

static uint64_t flow_packets(const struct r_flow *f)
{
	return f->n.client_packets + f->n.server_packets;
}

const char *proto_upper(uint8_t proto, char out[8])
{
	char number[4];
	snprintf(out, 8, "%s", proto_name(proto, number));
	for (char *p = out; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	return out;
}

/* "TLS.Facebook": ntopng writes the carrying protocol before the application. */
static const char *l7_name(const struct r_flow *f, const char *base, char out[130])
{
	char app[64], master[64];
	str_copy(app, sizeof app, base, f->app.app);
	str_copy(master, sizeof master, base, f->app.master);
	if (*master && strcmp(app, master) != 0)
		snprintf(out, 130, "%s.%s", master, app);
	else
		snprintf(out, 130, "%s", *app ? app : "Unknown");
	return out;
}

/* -- flow/active -- */

static void filter_any(struct buf *b, const char *const fields[2], const char *value, size_t len)
{
	buf_addf(b, "%s(%s = ", b->len ? " and " : "", fields[0]);
	match_quote(b, value, len);
	if (fields[1]) {
		buf_addf(b, " or %s = ", fields[1]);
		match_quote(b, value, len);
	}
	buf_addc(b, ')');
}

/* ADDRESS[@VLAN], or something else of one end or the other. */
static void filter_side(const struct compat *c, struct buf *b, const char *arg, const char *const fields[2])
{
	const char *value = compat_arg(c, arg);
	size_t n = value ? strcspn(value, "@") : 0;
	if (value)
		filter_any(b, fields, value, n);
	if (value && value[n])
		filter_text(b, "vlan", value + n + 1);
}

static bool is_number(const char *s)
{
	return !s[strspn(s, "0123456789")];
}

/* By name, also with what carries it before it as l7_name() writes it, or by number. */
static void filter_application(const struct compat *c, struct buf *b)
{
	static const char *const names[2] = { "app", "app.master" }, *const numbers[2] = { "app.id", "app.master_id" };
	const char *value = compat_arg(c, "application"), *dot = value ? strchr(value, '.') : NULL, *name = dot ? dot + 1 : value;
	if (value)
		filter_any(b, is_number(value) ? numbers : names, name, strlen(name));
}

static struct match *flow_filter(const struct compat *c, const struct topo_sensor *s)
{
	static const struct compat_choice choices[] = {
		{ "flowhosts_type", "local_only", "client.local = true and server.local = true" },
		{ "flowhosts_type", "remote_only", "client.local = false and server.local = false" },
		{ "flowhosts_type", "local_origin_remote_target", "client.local = true and server.local = false" },
		{ "flowhosts_type", "remote_origin_local_target", "client.local = false and server.local = true" },
		{ "flow_status", "normal", "score = 0" },
		{ "flow_status", "alerted", "score > 0" },
		{ "traffic_type", "one_way", "(client.packets = 0 or server.packets = 0)" },
		{ "traffic_type", "bidirectional", "client.packets > 0 and server.packets > 0" },
		{ "tcp_flow_state", "connecting", "tcp.state in (syn, syn_ack)" },
		{ "tcp_flow_state", "established", "tcp.state in (established, half_closed, midstream)" },
		{ "tcp_flow_state", "closed", "tcp.state = closed" },
		{ "tcp_flow_state", "reset", "tcp.state = reset" },
		{ NULL, NULL, NULL },
	};
	struct buf b = { 0 };
	const char *category = compat_arg(c, "category");
	long version = compat_number(c, "version", 0);
	filter_text(&b, "sensor", s->name);
	filter_add(&b, "end_reason = active");
	filter_side(c, &b, "host", (const char *[2]){ "client.ip", "server.ip" });
	filter_side(c, &b, "client", (const char *[2]){ "client.ip", NULL });
	filter_side(c, &b, "server", (const char *[2]){ "server.ip", NULL });
	filter_side(c, &b, "port", (const char *[2]){ "client.port", "server.port" });
	filter_side(c, &b, "asn", (const char *[2]){ "client.asn", "server.asn" });
	filter_application(c, &b);
	filter_arg(c, &b, "l4proto", "proto");
	filter_arg(c, &b, "category", category && is_number(category) ? "app.category_id" : "app.category");
	filter_arg(c, &b, "vlan", "vlan");
	filter_arg(c, &b, "username", "user");
	if (version == 4 || version == 6)
		buf_addf(&b, " and ip_version = %ld", version);
	filter_choices(c, &b, choices);
	return filter_parse(&b, R_FLOW);
}

static double seconds_of(const struct r_flow *f)
{
	double s = (double)(f->n.last - f->key.first) / 1e9;
	return s < 1 ? 1 : s;
}

static json_t *end_row(const struct addr *ip, uint16_t port, const char *base, struct str name, const char *broadcast)
{
	json_t *n = name.len ? jstr(base, name) : jaddr(ip);
	return json_pack("{s:o,s:i,s:o,s:b,s:b,s:b}", "ip", jaddr(ip), "port", (int)port, "name", n, broadcast, 0, "is_dhcp", 0,
			 "is_blacklisted", 0);
}

static void add_verbose(json_t *o, const struct r_flow *f)
{
	const struct g_flow_count *n = &f->n;
	json_object_set_new(o, "packets", json_integer((json_int_t)flow_packets(f)));
	json_object_set_new(o, "tcp", json_pack("{s:f,s:{s:f,s:f},s:{s:I,s:I},s:{s:I,s:I},s:{s:I,s:I}}", "appl_latency",
						(double)n->app_latency / 1e6, "nw_latency", "cli", (double)n->rtt_client / 2e6,
						"srv", (double)n->rtt_server / 2e6, "retransmissions", "cli2srv",
						(json_int_t)n->client_retrans, "srv2cli", (json_int_t)n->server_retrans,
						"out_of_order", "cli2srv", (json_int_t)n->client_ooo, "srv2cli",
						(json_int_t)n->server_ooo, "lost", "cli2srv", (json_int_t)n->client_lost,
						"srv2cli", (json_int_t)n->server_lost));
}

static json_t *flow_row(struct compat *c, const void *rec, const char *base)
{
	const struct r_flow *f = rec;
	char key[24], l4[8], l7[130], hash[24];
	uint64_t bytes = flow_bytes(f);
	double s = seconds_of(f);
	int percent = bytes ? (int)(f->n.client_bytes * 100 / bytes) : 100;
	snprintf(key, sizeof key, "%" PRIu64, f->key.id.lo);
	snprintf(hash, sizeof hash, "%" PRIu64, f->key.id.hi);
	json_t *o = json_pack("{s:s,s:s,s:o,s:o,s:i,s:{s:s,s:s},s:o,s:I}", "key", key, "hash_id", hash, "first_seen",
			      jsec(f->key.first), "last_seen", jsec(f->n.last), "vlan", (int)f->key.vlan, "protocol", "l4",
			      proto_upper(f->key.proto, l4), "l7", l7_name(f, base, l7), "duration",
			      jsec(f->n.last - f->key.first + 999999999u), "bytes", (json_int_t)bytes);
	json_object_set_new(o, "client", end_row(&f->key.client, f->key.client_port, base, f->judge.client_name,
						 "is_broadcast_domain"));
	json_object_set_new(o, "server", end_row(&f->key.server, f->key.server_port, base, f->judge.server_name, "is_broadcast"));
	json_object_update_new(o, json_pack("{s:{s:f,s:f},s:{s:i,s:i},s:i,s:o}", "thpt", "pps", (double)flow_packets(f) / s,
					    "bps", (double)bytes * 8 / s, "breakdown", "cli2srv", percent, "srv2cli",
					    100 - percent, "score", (int)f->judge.score, "info", jstr(base, f->app.host)));
	if (compat_flag(c, "verbose", false) || c->row->variant)
		add_verbose(o, f);
	return o;
}

void compat_flow_active(struct compat *c)
{
	static const struct compat_order orders[] = {
		{ "client", "client.ip" }, { "server", "server.ip" }, { "vlan", "vlan" }, { "proto_l4", "proto" }, { "ndpi", "app" },
		{ "first_seen", "first" }, { "last_seen", "last" }, { "score", "score" }, { "bytes", "bytes" },
		{ "traffic", "bytes" }, { "thpt", "bytes" }, { NULL, "bytes" },
	};
	const struct topo_sensor *s = compat_sensor(c);
	if (!s)
		return;
	struct match *m = flow_filter(c, s);
	compat_active(c, c->k->flows, R_FLOW, m, orders, flow_row);
	match_free(m);
}

/* -- sums over the flows of a sensor -- */

struct flow_sums {
	const char *sensor;
	json_t *by;
	void (*add)(json_t *by, const struct r_flow *f, const char *base);
	bool ended; /* count those too */
};

static bool sum_flow(void *arg, const void *rec, const char *base)
{
	const struct flow_sums *s = arg;
	const struct r_flow *f = rec;
	if (str_eq(base, f->key.sensor, s->sensor) && (s->ended || f->n.end_reason == END_ACTIVE))
		s->add(s->by, f, base);
	return true;
}

static json_t *sum_flows(struct compat *c, const struct topo_sensor *s, bool ended,
			 void (*add)(json_t *by, const struct r_flow *f, const char *base))
{
	struct flow_sums sums = { s->name, json_object(), add, ended };
	live_each(c->k->flows, NULL, sum_flow, &sums);
	return sums.by;
}

static void count_l4(json_t *by, const struct r_flow *f, const char *base)
{
	char key[8];
	(void)base;
	snprintf(key, sizeof key, "%03u", f->key.proto);
	jadd(by, key, 1);
}

static void count_app(json_t *by, const struct r_flow *f, const char *base)
{
	char name[64];
	jadd(by, *str_copy(name, sizeof name, base, f->app.app) ? name : "Unknown", 1);
}

static void bytes_app(json_t *by, const struct r_flow *f, const char *base)
{
	char name[64];
	jadd(by, *str_copy(name, sizeof name, base, f->app.app) ? name : "Unknown", (json_int_t)flow_bytes(f));
}

static void bytes_breed(json_t *by, const struct r_flow *f, const char *base)
{
	char name[64];
	jadd(by, *str_copy(name, sizeof name, base, f->app.breed) ? name : "Unrated", (json_int_t)flow_bytes(f));
}

static void bytes_category(json_t *by, const struct r_flow *f, const char *base)
{
	char name[64];
	jadd(by, *str_copy(name, sizeof name, base, f->app.category) ? name : "Unspecified", (json_int_t)flow_bytes(f));
}

static void packets_dscp(json_t *by, const struct r_flow *f, const char *base)
{
	char text[48];
	(void)base;
	jadd(by, dscp_title(dscp_name(f->n.client_tos_min), text), (json_int_t)f->n.client_packets);
	jadd(by, dscp_title(dscp_name(f->n.server_tos_min), text), (json_int_t)f->n.server_packets);
}

static int by_key(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* Rows of an object in the order of its keys. */
static json_t *sorted_rows(json_t *by, json_t *(*row)(const char *key, json_int_t n))
{
	const char **keys = xcalloc(json_object_size(by) + 1, sizeof *keys), *key;
	json_t *rows = json_array(), *v;
	size_t n = 0;
	json_object_foreach(by, key, v)
		keys[n++] = key;
	qsort(keys, n, sizeof *keys, by_key);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(rows, row(keys[i], json_integer_value(json_object_get(by, keys[i]))));
	free(keys);
	json_decref(by);
	return rows;
}

static json_t *l4_row(const char *key, json_int_t n)
{
	return json_pack("{s:i,s:I}", "id", atoi(key), "count", n);
}

static json_t *l7_row(const char *key, json_int_t n)
{
	return json_pack("{s:s,s:I}", "name", key, "count", n);
}

void compat_flow_l4_counters(struct compat *c)
{
	const struct topo_sensor *s = compat_sensor(c);
	if (s)
		compat_ok(c, sorted_rows(sum_flows(c, s, false, count_l4), l4_row));
}

void compat_flow_l7_counters(struct compat *c)
{
	const struct topo_sensor *s = compat_sensor(c);
	if (s)
		compat_ok(c, sorted_rows(sum_flows(c, s, false, count_app), l7_row));
}

void compat_interface_l7_stats(struct compat *c)
{
	const struct topo_sensor *s = compat_sensor(c);
	const char *mode = compat_arg(c, "ndpistats_mode");
	if (!s)
		return;
	if (mode && strcmp(mode, "count") == 0) {
		long max = compat_flag(c, "all_values", false) ? 65535 : compat_number(c, "max_values", 5);
		compat_ok(c, compat_pie(sum_flows(c, s, false, count_app), 3, max, false));
	} else if (!mode || strcmp(mode, "sinceStartup") == 0) {
		bool breed = compat_flag(c, "breed", false), category = compat_flag(c, "ndpi_category", false);
		json_t *by = sum_flows(c, s, true, breed ? bytes_breed : category ? bytes_category : bytes_app);
		compat_ok(c, compat_pie(by, compat_flag(c, "collapse_stats", true) ? 3 : 0, 65535, false));
	} else {
		compat_fail(c, RC_INVALID_ARGUMENTS, "ndpistats_mode: count or sinceStartup");
	}
}

static void add_l7_data(json_t *by, const struct r_flow *f, const char *base)
{
	char name[64];
	const char *key = *str_copy(name, sizeof name, base, f->app.app) ? name : "Unknown";
	json_t *o = json_object_get(by, key);
	if (!o) {
		o = json_pack("{s:s,s:s,s:o}", "application", key, "label", key, "breed", jstr(base, f->app.breed));
		json_object_set_new(by, key, o);
	}
	jadd(o, "bytes.sent", (json_int_t)f->n.client_bytes);
	jadd(o, "bytes.rcvd", (json_int_t)f->n.server_bytes);
	jadd(o, "bytes_sent", (json_int_t)f->n.client_bytes);
	jadd(o, "bytes_rcvd", (json_int_t)f->n.server_bytes);
	jadd(o, "packets", (json_int_t)flow_packets(f));
	jadd(o, "num_flows", 1);
	jadd(o, "flows", 1);
}

void compat_interface_l7_data(struct compat *c)
{
	const struct topo_sensor *s = compat_sensor(c);
	const char *key;
	json_t *v, *rows = json_array();
	if (!s) {
		json_decref(rows);
		return;
	}
	json_t *by = sum_flows(c, s, true, add_l7_data);
	json_object_foreach(by, key, v)
		json_array_append(rows, v);
	json_decref(by);
	compat_ok(c, rows);
}

/* -- DSCP of an interface, or of a host: variant 1 -- */

struct host_dscp {
	struct addr ip;
	bool rcvd;
	json_t *by;
};

static bool add_host_dscp(void *arg, const void *rec, const char *base)
{
	struct host_dscp *d = arg;
	const struct r_flow *f = rec;
	char text[48];
	(void)base;
	bool client = addr_cmp(&f->key.client, &d->ip) == 0;
	if (!client && addr_cmp(&f->key.server, &d->ip) != 0)
		return true;
	bool from_client = client != d->rcvd;
	uint8_t tos = from_client ? f->n.client_tos_min : f->n.server_tos_min;
	jadd(d->by, dscp_title(dscp_name(tos), text), (json_int_t)(from_client ? f->n.client_packets : f->n.server_packets));
	return true;
}

void compat_dscp_stats(struct compat *c)
{
	const struct topo_sensor *s = compat_sensor(c);
	const char *dir = compat_arg(c, "direction");
	struct host_dscp d = { .rcvd = dir && strncmp(dir, "rec", 3) == 0 };
	unsigned vlan;
	if (!s)
		return;
	if (c->row->variant) {
		if (!compat_host(c, &d.ip, &vlan))
			return;
		d.by = json_object();
		live_each(c->k->flows, NULL, add_host_dscp, &d);
	} else {
		d.by = sum_flows(c, s, true, packets_dscp);
	}
	compat_ok(c, compat_pie(d.by, 1, 65535, true));
}

/* -- who talks to whom -- */

struct pairs {
	const char *sensor, *host;
	bool server;
	json_t *by;
};

static bool add_peer(void *arg, const void *rec, const char *base)
{
	struct pairs *p = arg;
	const struct r_flow *f = rec;
	char client[ADDR_STRLEN], server[ADDR_STRLEN];
	addr_str(&f->key.client, client);
	addr_str(&f->key.server, server);
	if (!str_eq(base, f->key.sensor, p->sensor) || (p->host && strcmp(p->host, client) != 0 && strcmp(p->host, server) != 0))
		return true;
	const char *key = p->server ? server : client;
	json_t *o = json_object_get(p->by, key);
	if (!o) {
		o = json_pack("{s:{s:s,s:s},s:i,s:i,s:i}", p->server ? "server" : "client", "label", key, "id", key, "flows", 0,
			      "breakdown", 0, "tot_score", 0);
		json_object_set_new(p->by, key, o);
	}
	jadd(o, "flows", 1);
	jadd(o, "bytes_sent", (json_int_t)f->n.client_bytes);
	jadd(o, "bytes_rcvd", (json_int_t)f->n.server_bytes);
	jadd(o, "tot_traffic", (json_int_t)flow_bytes(f));
	jadd(o, "tot_score", f->judge.score);
	return true;
}

void compat_flow_peers(struct compat *c)
{
	const struct topo_sensor *s = compat_sensor(c);
	const char *by = compat_arg(c, "aggregation_criteria"), *key;
	struct pairs p = { .host = compat_arg(c, "host"), .server = by && strcmp(by, "server") == 0 };
	json_t *rows = json_array(), *v;
	if (!s) {
		json_decref(rows);
		return;
	}
	p.sensor = s->name;
	p.by = json_object();
	live_each(c->k->flows, NULL, add_peer, &p);
	json_object_foreach(p.by, key, v)
		json_array_append(rows, v);
	json_int_t n = (json_int_t)json_object_size(p.by);
	c->beside = json_pack("{s:I,s:I}", "recordsTotal", n, "recordsFiltered", n);
	json_decref(p.by);
	compat_ok(c, rows);
}

static bool add_link(void *arg, const void *rec, const char *base)
{
	const struct r_flow *f = rec;
	char key[2 * ADDR_STRLEN], client[ADDR_STRLEN], server[ADDR_STRLEN];
	(void)base;
	snprintf(key, sizeof key, "%s %s", addr_str(&f->key.client, client), addr_str(&f->key.server, server));
	jadd(arg, key, (json_int_t)flow_bytes(f));
	return true;
}

static json_int_t node_index(json_t *index, json_t *nodes, const char *name)
{
	json_t *known = json_object_get(index, name);
	if (known)
		return json_integer_value(known);
	json_int_t n = (json_int_t)json_array_size(nodes);
	json_array_append_new(nodes, json_pack("{s:s,s:s}", "name", name, "host", name));
	json_object_set_new(index, name, json_integer(n));
	return n;
}

/* The twenty pairs with most bytes, as nodes and links. */
void compat_sankey(struct compat *c)
{
	json_t *by = json_object(), *nodes = json_array(), *links = json_array(), *index = json_object(), *row;
	size_t i;
	live_each(c->k->flows, NULL, add_link, by);
	json_t *top = compat_pie(by, 0, 20, false);
	json_array_foreach(top, i, row) {
		const char *label = json_string_value(json_object_get(row, "label")), *blank = strchr(label, ' ');
		if (!blank)
			continue;
		char client[ADDR_STRLEN];
		snprintf(client, sizeof client, "%.*s", (int)(blank - label), label);
		json_int_t from = node_index(index, nodes, client), to = node_index(index, nodes, blank + 1);
		json_array_append_new(links, json_pack("{s:I,s:I,s:O}", "source", from, "target", to, "value",
						       json_object_get(row, "value")));
	}
	json_decref(top);
	json_decref(index);
	compat_bare(c, json_pack("{s:o,s:o}", "nodes", nodes, "links", links));
}

/* -- what the flows of a filter carry -- */

struct traffic_sums {
	json_int_t sent, rcvd, flows;
};

static bool add_traffic(void *arg, const void *rec, const char *base)
{
	(void)base;
	struct traffic_sums *t = arg;
	const struct r_flow *f = rec;
	t->sent += (json_int_t)f->n.client_bytes;
	t->rcvd += (json_int_t)f->n.server_bytes;
	t->flows++;
	return true;
}

void compat_traffic_stats(struct compat *c)
{
	const struct topo_sensor *s = compat_sensor(c);
	struct traffic_sums t = { 0 };
	if (!s)
		return;
	struct match *m = flow_filter(c, s);
	live_each(c->k->flows, m, add_traffic, &t);
	match_free(m);
	compat_ok(c, json_pack("{s:I,s:I,s:I}", "totBytesSent", t.sent, "totBytesRcvd", t.rcvd, "num_flows", t.flows));
}

/* Pies and tables of one host, or of a sensor, over the flows in the live view. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "compat_sql.h"

/* What flows are added up by, from where a host stands. sensor: of all flows, without a host. */
enum slice { BY_PROTO, BY_DIRECTION, BY_CLIENT_PORT, BY_SERVER_PORT, BY_CONTACT, BY_SITE, BY_JA3, BY_HASSH };

struct tally {
	enum slice slice;
	struct addr ip;
	uint16_t vlan;
	const char *sensor; /* instead of a host */
	json_t *sums;
};

static void add_port(struct tally *t, const struct r_flow *f, json_int_t bytes)
{
	char port[8];
	snprintf(port, sizeof port, "%u", f->key.server_port);
	if (f->key.server_port)
		jadd(t->sums, port, bytes);
}

static void add_name(struct tally *t, const char *base, struct str name, json_int_t n)
{
	char text[256];
	if (name.len)
		jadd(t->sums, str_copy(text, sizeof text, base, name), n);
}

static void add_slice(struct tally *t, const struct r_flow *f, const char *base, bool client)
{
	json_int_t bytes = (json_int_t)flow_bytes(f);
	char proto[8];
	switch (t->slice) {
	case BY_PROTO:
		jadd(t->sums, proto_upper(f->key.proto, proto), bytes);
		break;
	case BY_DIRECTION:
		jadd(t->sums, client ? "Sent" : "Rcvd", (json_int_t)f->n.client_bytes);
		jadd(t->sums, client ? "Rcvd" : "Sent", (json_int_t)f->n.server_bytes);
		break;
	case BY_CLIENT_PORT:
		if (client)
			add_port(t, f, bytes);
		break;
	case BY_SERVER_PORT:
		if (!client)
			add_port(t, f, bytes);
		break;
	case BY_CONTACT:
		jadd(t->sums, client ? "Client" : "Server", 1);
		break;
	case BY_SITE:
		if (client)
			add_name(t, base, f->app.host, bytes);
		break;
	case BY_JA3:
		if (client)
			add_name(t, base, f->app.tls_ja3c, 1);
		break;
	case BY_HASSH:
		add_name(t, base, client ? f->app.ssh_hassh_c : f->app.ssh_hassh_s, 1);
		break;
	}
}

static bool tally_flow(void *arg, const void *rec, const char *base)
{
	struct tally *t = arg;
	const struct r_flow *f = rec;
	if (t->sensor) {
		if (str_eq(base, f->key.sensor, t->sensor))
			add_slice(t, f, base, true);
	} else if (f->key.vlan == t->vlan) {
		if (addr_cmp(&f->key.client, &t->ip) == 0)
			add_slice(t, f, base, true);
		else if (addr_cmp(&f->key.server, &t->ip) == 0)
			add_slice(t, f, base, false);
	}
	return true;
}

/* Sums of the host that is asked for; NULL after ending the call. */
static json_t *host_sums(struct compat *c, enum slice slice)
{
	struct tally t = { .slice = slice };
	unsigned vlan;
	if (!compat_sensor(c) || !compat_host(c, &t.ip, &vlan))
		return NULL;
	t.vlan = (uint16_t)vlan;
	t.sums = json_object();
	live_each(c->k->flows, NULL, tally_flow, &t);
	return t.sums;
}

/* variant: enum slice. */
void compat_host_pie(struct compat *c)
{
	json_t *sums = host_sums(c, (enum slice)c->row->variant);
	if (sums)
		compat_ok(c, compat_pie(sums, 0, 20, false));
}

void compat_sites(struct compat *c)
{
	const struct topo_sensor *s = compat_sensor(c);
	if (!s)
		return;
	struct tally t = { .slice = BY_SITE, .sensor = s->name, .sums = json_object() };
	live_each(c->k->flows, NULL, tally_flow, &t);
	compat_ok(c, compat_pie(t.sums, 0, 20, false));
}

/* fingerprint_type: hassh, else JA3. */
void compat_host_fingerprints(struct compat *c)
{
	const char *type = compat_arg(c, "fingerprint_type"), *name;
	json_t *sums = host_sums(c, type && strcmp(type, "hassh") == 0 ? BY_HASSH : BY_JA3), *rows = json_array(), *n;
	json_object_foreach(sums, name, n)
		json_array_append_new(rows, json_pack("{s:s,s:O,s:s,s:b}", "fingerprint", name, "num_uses", n, "app_name", "",
						      "is_malicious", 0));
	if (sums)
		compat_ok(c, rows);
	else
		json_decref(rows);
	json_decref(sums);
}

/* -- tables of a host -- */

struct table {
	struct addr ip;
	uint16_t vlan;
	json_t *rows; /* by name */
};

static bool table_l4(void *arg, const void *rec, const char *base)
{
	(void)base;
	struct table *t = arg;
	const struct r_flow *f = rec;
	char name[8];
	bool client = addr_cmp(&f->key.client, &t->ip) == 0;
	if (f->key.vlan != t->vlan || (!client && addr_cmp(&f->key.server, &t->ip) != 0))
		return true;
	proto_upper(f->key.proto, name);
	json_t *row = json_object_get(t->rows, name);
	if (!row)
		json_object_set_new(t->rows, name, row = json_pack("{s:s}", "protocol", name));
	jadd(row, "bytes_sent", (json_int_t)(client ? f->n.client_bytes : f->n.server_bytes));
	jadd(row, "bytes_rcvd", (json_int_t)(client ? f->n.server_bytes : f->n.client_bytes));
	jadd(row, "total_bytes", (json_int_t)flow_bytes(f));
	return true;
}

static bool table_ports(void *arg, const void *rec, const char *base)
{
	struct table *t = arg;
	const struct r_flow *f = rec;
	char name[16];
	bool tcp = f->key.proto == 6;
	if (f->key.vlan != t->vlan || !f->key.server_port || addr_cmp(&f->key.server, &t->ip) != 0)
		return true;
	snprintf(name, sizeof name, "%s:%u", tcp ? "tcp" : "udp", f->key.server_port);
	json_t *row = json_object_get(t->rows, name);
	if (!row) {
		row = json_pack("{s:i,s:s,s:o}", "port", (int)f->key.server_port, "l4_proto", tcp ? "TCP" : "UDP", "application",
				jstr(base, f->app.app));
		json_object_set_new(t->rows, name, row);
	}
	jadd(row, "bytes", (json_int_t)flow_bytes(f));
	jadd(row, "num_flows", 1);
	return true;
}

/* variant: 0 IP protocols, 1 ports that the host serves. */
void compat_host_table(struct compat *c)
{
	struct table t = { .rows = NULL };
	unsigned vlan;
	const char *name;
	json_t *row, *list = json_array();
	if (!compat_sensor(c) || !compat_host(c, &t.ip, &vlan)) {
		json_decref(list);
		return;
	}
	t.vlan = (uint16_t)vlan;
	t.rows = json_object();
	live_each(c->k->flows, NULL, c->row->variant ? table_ports : table_l4, &t);
	json_object_foreach(t.rows, name, row)
		json_array_append(list, row);
	json_decref(t.rows);
	compat_ok(c, list);
}

/* -- the rest -- */

/* Columns that clauses may name. */
void compat_columns_info(struct compat *c)
{
	json_t *list = json_array();
	for (const struct sql_column *s = sql_flows.columns; s->name; s++)
		json_array_append_new(list, json_pack("{s:s,s:s}", "id", s->name, "label", s->name));
	compat_ok(c, list);
}

struct as_sums {
	json_t *rows;
	long wanted; /* -1: all */
};

static bool add_as(void *arg, const void *rec, const char *base)
{
	struct as_sums *s = arg;
	const struct g_host *g = &((const struct r_host *)rec)->host;
	char key[12];
	if (!g->asn || (s->wanted >= 0 && (long)g->asn != s->wanted))
		return true;
	snprintf(key, sizeof key, "%u", g->asn);
	json_t *row = json_object_get(s->rows, key);
	if (!row)
		json_object_set_new(s->rows, key, row = json_pack("{s:I,s:o}", "asn", (json_int_t)g->asn, "asname", jstr(base, g->as_name)));
	jadd(row, "num_hosts", 1);
	jadd(row, "bytes_sent", (json_int_t)g->bytes_sent);
	jadd(row, "bytes_rcvd", (json_int_t)g->bytes_rcvd);
	jadd(row, "score", g->score);
	jadd(row, "alerted_flows", g->flows_alerted);
	return true;
}

/* variant: 0 a list, 1 the name alone. */
void compat_as_data(struct compat *c)
{
	struct as_sums s = { json_object(), compat_number(c, "asn", -1) };
	json_t *row, *list = json_array();
	const char *key;
	live_each(c->k->hosts, NULL, add_as, &s);
	json_object_foreach(s.rows, key, row)
		json_array_append(list, row);
	if (c->row->variant) {
		row = json_object_get(json_array_get(list, 0), "asname");
		compat_ok(c, json_pack("{s:O?}", "asname", row));
		json_decref(list);
	} else {
		compat_ok(c, list);
	}
	json_decref(s.rows);
}

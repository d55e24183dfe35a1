/* Stored flows and alerts as rows of clauses; who talked to whom. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "compat_sql.h"
#include "match.h"

/* -- clauses -- */

/* A group of rows that become one: a sum per item. */
struct group {
	double sum[SQL_MAX_ITEMS], least[SQL_MAX_ITEMS], most[SQL_MAX_ITEMS];
	uint64_t n;
};

struct run {
	struct sql_query q;
	json_t *index;        /* key of a group -> its place */
	struct group *groups;
	size_t n_groups;
	long limit;
	double *order;        /* of each row: what it is ordered by, when that is a number */
	size_t n_rows;
};

static void free_run(void *state)
{
	struct run *k = state;
	sql_release(&k->q);
	json_decref(k->index);
	free(k->groups);
	free(k->order);
	free(k);
}

/* An aggregate as text: whole numbers without a point, as databases print them. */
static json_t *number_json(double d)
{
	char text[40];
	snprintf(text, sizeof text, d == floor(d) ? "%.0f" : "%.6f", d);
	return json_string(text);
}

static void group_add(struct run *k, struct group *g, const void *rec, const char *base)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < k->q.n_items; i++) {
		double n = 0;
		buf_reset(&b);
		if (k->q.items[i].column)
			sql_value(&k->q.items[i], rec, base, &b, &n);
		g->sum[i] += n;
		g->least[i] = g->n && g->least[i] < n ? g->least[i] : n;
		g->most[i] = g->n && g->most[i] > n ? g->most[i] : n;
	}
	g->n++;
	buf_release(&b);
}

static json_t *plain_row(struct run *k, const void *rec, const char *base, double *ret_order)
{
	struct buf b = { 0 };
	json_t *row = json_object();
	for (size_t i = 0; i < k->q.n_items; i++) {
		double n;
		buf_reset(&b);
		if (!k->q.items[i].column)
			continue;
		sql_value(&k->q.items[i], rec, base, &b, &n);
		json_object_set_new(row, k->q.items[i].name, json_stringn(buf_cstr(&b), b.len));
		if (ret_order && (int)i == k->q.order)
			*ret_order = n;
	}
	buf_release(&b);
	return row;
}

static bool clause_row(struct compat *c, const void *rec, const char *base)
{
	struct run *k = c->state;
	struct buf key = { 0 };
	double n;
	if (!k->q.grouped) {
		k->order = xrealloc(k->order, (k->n_rows + 1) * sizeof *k->order);
		k->order[k->n_rows] = 0;
		json_array_append_new(c->acc, plain_row(k, rec, base, &k->order[k->n_rows]));
		k->n_rows++;
		return k->q.order >= 0 || (long)k->n_rows < k->limit;
	}
	for (size_t i = 0; i < k->q.n_groups; i++) {
		sql_value(&k->q.groups[i], rec, base, &key, &n);
		buf_addc(&key, '\n');
	}
	json_t *place = json_object_get(k->index, buf_cstr(&key));
	if (!place) {
		place = json_integer((json_int_t)k->n_groups);
		json_object_set_new(k->index, buf_cstr(&key), place);
		k->groups = xrealloc(k->groups, (k->n_groups + 1) * sizeof *k->groups);
		k->groups[k->n_groups++] = (struct group){ .n = 0 };
		json_array_append_new(c->acc, plain_row(k, rec, base, NULL));
	}
	group_add(k, &k->groups[json_integer_value(place)], rec, base);
	buf_release(&key);
	return true;
}

static double result(const struct group *g, size_t i, enum sql_function f)
{
	switch (f) {
	case SQL_COUNT:
		return (double)g->n;
	case SQL_MIN:
		return g->least[i];
	case SQL_MAX:
		return g->most[i];
	case SQL_AVG:
		return g->n ? g->sum[i] / (double)g->n : 0;
	default:
		return g->sum[i];
	}
}

static void finish_groups(struct compat *c, struct run *k)
{
	k->order = xrealloc(k->order, (k->n_groups + 1) * sizeof *k->order);
	k->n_rows = k->n_groups;
	for (size_t g = 0; g < k->n_groups; g++)
		for (size_t i = 0; i < k->q.n_items; i++) {
			const struct sql_item *item = &k->q.items[i];
			double v = result(&k->groups[g], i, item->function);
			if (item->function)
				json_object_set_new(json_array_get(c->acc, g), item->name, number_json(v));
			if ((int)i == k->q.order)
				k->order[g] = v;
		}
}

struct ranked {
	json_t *row;
	double by;
	const char *text;
	bool desc;
	size_t place;
};

static int rank(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;
	int d = a->by < b->by ? -1 : a->by > b->by ? 1 : strcmp(a->text, b->text);
	return d ? (a->desc ? -d : d) : a->place < b->place ? -1 : 1;
}

/* Rows in their order, as many as are wanted. */
static json_t *ranked_rows(struct compat *c, const struct run *k)
{
	struct ranked *r = xcalloc(k->n_rows + 1, sizeof *r);
	json_t *out = json_array();
	for (size_t i = 0; i < k->n_rows; i++) {
		json_t *row = json_array_get(c->acc, i);
		const char *text = k->q.order < 0 ? NULL : json_string_value(json_object_get(row, k->q.items[k->q.order].name));
		r[i] = (struct ranked){ row, k->q.order < 0 ? 0 : k->order[i], text ? text : "", k->q.desc, i };
	}
	if (k->q.order >= 0)
		qsort(r, k->n_rows, sizeof *r, rank);
	for (size_t i = 0; i < k->n_rows && (long)i < k->limit; i++)
		json_array_append(out, r[i].row);
	free(r);
	return out;
}

static void clause_done(struct compat *c, bool more)
{
	struct run *k = c->state;
	if (more && (k->q.grouped || k->q.order >= 0)) {
		compat_fail(c, RC_INVALID_ARGUMENTS, "more records than one answer is made from: narrow the times or the where");
		return;
	}
	if (k->q.grouped)
		finish_groups(c, k);
	compat_ok(c, ranked_rows(c, k));
}

static const char *either(const struct compat *c, const char *a, const char *b)
{
	const char *v = compat_arg(c, a);
	return v ? v : compat_arg(c, b);
}

static void run_clauses(struct compat *c, const struct sql_table *t, const struct sql_clauses *clauses, const char *family,
			uint64_t start, uint64_t end)
{
	const struct topo_sensor *s = compat_sensor(c);
	struct compat_walk w = { .what = t->type == R_FLOW ? "flows" : "alerts", .start = start, .end = end, .row = clause_row,
				 .done = clause_done };
	if (!s)
		return;
	struct run *k = xcalloc(1, sizeof *k);
	c->state = k;
	c->free_state = free_run;
	c->acc = json_array();
	k->index = json_object();
	k->limit = compat_number(c, "maxhits_clause", 10);
	if (k->limit < 1 || k->limit > COMPAT_MAX_ROWS)
		k->limit = COMPAT_MAX_ROWS;
	if (!sql_parse(&k->q, t, clauses)) {
		char why[200];
		snprintf(why, sizeof why, "clauses: %s", k->q.error);
		compat_fail(c, RC_INVALID_ARGUMENTS, why);
		return;
	}
	filter_text(&w.filter, "sensor", s->name);
	if (family)
		filter_text(&w.filter, "entity", family);
	if (k->q.where.len)
		buf_addf(&w.filter, " and (%s)", buf_cstr(&k->q.where));
	compat_walk(c, &w);
}

static struct sql_clauses clauses_of(const struct compat *c)
{
	return (struct sql_clauses){ compat_arg(c, "select_clause"), compat_arg(c, "where_clause"),
				     either(c, "group_by_clause", "group_by"), either(c, "order_by_clause", "order_by") };
}

/* Whom a name of an alert family stands for; weir's entities have the same names but for this one. */
void compat_alert_rows(struct compat *c)
{
	const char *family = compat_arg(c, "alert_family");
	struct sql_clauses clauses = clauses_of(c);
	if (family && strcmp(family, "active_monitoring") == 0)
		family = "am_host";
	if (family && strcmp(family, "snmp") == 0)
		family = "snmp_device";
	if (!family || enum_value(enum_entity, family) < 0) {
		compat_fail(c, RC_INVALID_ARGUMENTS, "alert_family: flow, host, interface, mac, network, system, user, snmp or"
						     " active_monitoring");
		return;
	}
	run_clauses(c, &sql_alerts, &clauses, family, compat_epoch(c, "epoch_begin"), compat_epoch(c, "epoch_end"));
}

void compat_db_flows(struct compat *c)
{
	struct sql_clauses clauses = clauses_of(c);
	uint64_t begin = compat_epoch(c, "epoch_begin"), end = compat_epoch(c, "epoch_end");
	run_clauses(c, &sql_flows, &clauses, NULL, begin ? begin : compat_epoch(c, "begin_time_clause"),
		    end ? end : compat_epoch(c, "end_time_clause"));
}

void compat_db_topk(struct compat *c)
{
	struct sql_clauses clauses = { "IPV4_SRC_ADDR,IPV4_DST_ADDR,L7_PROTO,SUM(TOTAL_BYTES) BYTES", compat_arg(c, "where_clause"),
				       "IPV4_SRC_ADDR,IPV4_DST_ADDR,L7_PROTO", "BYTES DESC" };
	run_clauses(c, &sql_flows, &clauses, NULL, compat_epoch(c, "begin_time_clause"), compat_epoch(c, "end_time_clause"));
}

/* -- who talked to whom most -- */

static bool pair_row(struct compat *c, const void *rec, const char *base)
{
	const struct r_top *t = rec;
	char client[ADDR_STRLEN], server[ADDR_STRLEN], key[2 * ADDR_STRLEN], cn[256], sn[256];
	size_t pos = 0;
	compat_key(t, base, &pos, client, sizeof client);
	compat_key(t, base, &pos, server, sizeof server);
	compat_key(t, base, &pos, cn, sizeof cn);
	compat_key(t, base, &pos, sn, sizeof sn);
	snprintf(key, sizeof key, "%s %s", client, server);
	json_t *o = json_object_get(c->acc, key);
	if (!o) {
		const char *cname = *cn ? cn : client, *sname = *sn ? sn : server;
		o = json_pack("{s:{s:s,s:s,s:s},s:{s:s,s:s,s:s},s:s,s:s,s:i,s:i}", "cli_ip", "ip", client, "value", client, "label",
			      cname, "srv_ip", "ip", server, "value", server, "label", sname, "cli_name", cname, "srv_name", sname,
			      "bytes", 0, "packets", 0);
		json_object_set_new(c->acc, key, o);
	}
	jadd(o, "bytes", (json_int_t)t->top.bytes);
	jadd(o, "packets", (json_int_t)t->top.packets);
	return true;
}

struct pair {
	json_t *row;
	json_int_t bytes;
	const char *key;
};

static int more_bytes(const void *x, const void *y)
{
	const struct pair *a = x, *b = y;
	return a->bytes != b->bytes ? (a->bytes < b->bytes ? 1 : -1) : strcmp(a->key, b->key);
}

static void pair_done(struct compat *c, bool more)
{
	(void)more;
	size_t n = 0, total = json_object_size(c->acc);
	struct pair *p = xcalloc(total + 1, sizeof *p);
	json_t *records = json_array(), *v;
	long start = compat_number(c, "start", 0), length = compat_number(c, "length", 10);
	const char *key;
	json_object_foreach(c->acc, key, v)
		p[n++] = (struct pair){ v, json_integer_value(json_object_get(v, "bytes")), key };
	qsort(p, n, sizeof *p, more_bytes);
	for (size_t i = start > 0 ? (size_t)start : 0; i < n && (long)json_array_size(records) < length; i++)
		json_array_append(records, p[i].row);
	free(p);
	c->beside = json_pack("{s:I,s:I}", "recordsTotal", (json_int_t)total, "recordsFiltered", (json_int_t)total);
	compat_ok(c, json_pack("{s:o,s:{s:s,s:I,s:f}}", "records", records, "stats", "query", "top conversations",
			       "num_records_processed", (json_int_t)total, "query_duration_msec", 0.0));
}

void compat_db_search(struct compat *c)
{
	const struct topo_sensor *s = compat_sensor(c);
	struct compat_walk w = { .what = "top.flows", .by = "client.ip,server.ip,client.name,server.name", .sort = "-bytes",
				 .start = compat_epoch(c, "epoch_begin"), .end = compat_epoch(c, "epoch_end"), .row = pair_row,
				 .done = pair_done };
	if (!s)
		return;
	filter_text(&w.filter, "sensor", s->name);
	if (compat_arg(c, "ip"))
		filter_either(&w.filter, compat_arg(c, "ip"));
	c->acc = json_object();
	compat_walk(c, &w);
}

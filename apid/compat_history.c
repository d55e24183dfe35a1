/* Stored flows and alerts as rows of clauses, top lists, time series. */
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

static void filter_host(struct buf *b, const char *value)
{
	char ip[64];
	snprintf(ip, sizeof ip, "%.*s", (int)strcspn(value, ";@"), value);
	buf_adds(b, " and either.ip = ");
	match_quote(b, ip, strlen(ip));
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
		filter_host(&w.filter, compat_arg(c, "ip"));
	c->acc = json_object();
	compat_walk(c, &w);
}

/* -- time series -- */

#define DEF_POINTS 60
#define MAX_POINTS 2000

static const struct schema {
	const char *name, *id, *label, *unit;
	unsigned step; /* s, at least */
	bool gauge;
	const char *metrics[2];
} schemas[] = {
	{ "iface:traffic_rxtx", "iface", "Traffic", "bps", 1, false, { "bytes_sent", "bytes_rcvd" } },
	{ "iface:traffic", "iface", "Traffic, both directions", "bps", 1, false, { "bytes", NULL } },
	{ "iface:score", "iface", "Score", "score", 60, true, { "cli_score", "srv_score" } },
	{ "iface:flows", "iface", "Flows", "flows", 60, true, { "num_flows", NULL } },
	{ "host:traffic", "host", "Traffic", "bps", 1, false, { "bytes_sent", "bytes_rcvd" } },
	{ "host:score", "host", "Score", "score", 60, true, { "cli_score", "srv_score" } },
};

struct series {
	const struct schema *schema;
	struct addr host;
	bool of_host;
	uint64_t begin, step; /* s */
	unsigned count;
	double *points[2];
};

static void free_series(void *state)
{
	struct series *t = state;
	free(t->points[0]);
	free(t->points[1]);
	free(t);
}

/* Shares amount out over the points that a flow's time covers, evenly; gauges stand in each of them. */
static void spread(struct series *t, unsigned which, double amount, uint64_t first, uint64_t last)
{
	double from = ((double)first / 1e9 - (double)t->begin) / (double)t->step;
	double to = ((double)last / 1e9 - (double)t->begin) / (double)t->step, span = to - from;
	for (long i = from < 0 ? 0 : (long)from; i < (long)t->count && (double)i <= to; i++) {
		double a = from > (double)i ? from : (double)i, b = to < (double)i + 1 ? to : (double)i + 1;
		if (t->schema->gauge)
			t->points[which][i] += amount;
		else
			t->points[which][i] += span > 0 ? amount * (b - a) / span : amount;
	}
}

static bool series_row(struct compat *c, const void *rec, const char *base)
{
	struct series *t = c->state;
	const struct r_flow *f = rec;
	(void)base;
	bool client = !t->of_host || addr_cmp(&f->key.client, &t->host) == 0;
	double sent = (double)f->n.client_bytes, rcvd = (double)f->n.server_bytes;
	if (t->of_host ? !client : !f->judge.client_local && f->judge.server_local) { /* seen from our side */
		sent = (double)f->n.server_bytes;
		rcvd = (double)f->n.client_bytes;
	}
	if (strcmp(t->schema->metrics[0], "cli_score") == 0) {
		sent = f->judge.client_score;
		rcvd = f->judge.server_score;
	} else if (strcmp(t->schema->metrics[0], "num_flows") == 0) {
		sent = 1;
	} else if (!t->schema->metrics[1]) {
		sent += rcvd;
	}
	spread(t, 0, sent, f->n.start, f->n.last);
	if (t->schema->metrics[1])
		spread(t, 1, rcvd, f->n.start, f->n.last);
	return true;
}

static int by_double(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;
	return a < b ? -1 : a > b;
}

static json_t *statistics(const struct series *t, const double *v)
{
	double sum = 0, p95 = 0;
	unsigned least = 0, most = 0;
	double *sorted = xmalloc((t->count + 1) * sizeof *sorted);
	for (unsigned i = 0; i < t->count; i++) {
		sum += v[i];
		least = v[i] < v[least] ? i : least;
		most = v[i] > v[most] ? i : most;
		sorted[i] = v[i];
	}
	if (t->count) {
		qsort(sorted, t->count, sizeof *sorted, by_double);
		p95 = sorted[(t->count - 1) * 95 / 100];
	}
	free(sorted);
	return json_pack("{s:f,s:f,s:f,s:f,s:i,s:i,s:f}", "total", sum * (double)t->step, "average",
			 t->count ? sum / t->count : 0.0, "min_val", t->count ? v[least] : 0.0, "max_val",
			 t->count ? v[most] : 0.0, "min_val_idx", (int)least, "max_val_idx", (int)most, "95th_percentile", p95);
}

/* Both shapes in one: what clients before and after ntopng 6 read. */
static void series_done(struct compat *c, bool more)
{
	struct series *t = c->state;
	if (more) {
		compat_fail(c, RC_INVALID_ARGUMENTS, "more flows than one series is made from: narrow the times");
		return;
	}
	json_t *series = json_array(), *by_serie = json_array(), *total = json_array();
	double *sum = xcalloc(t->count + 1, sizeof *sum);
	for (unsigned k = 0; k < 2 && t->schema->metrics[k]; k++) {
		json_t *data = json_array();
		for (unsigned i = 0; i < t->count; i++) {
			if (!t->schema->gauge)
				t->points[k][i] /= (double)t->step;
			sum[i] += t->points[k][i];
			json_array_append_new(data, json_real(t->points[k][i]));
		}
		json_t *s = statistics(t, t->points[k]);
		json_array_append(by_serie, s);
		json_array_append_new(series, json_pack("{s:s,s:s,s:s,s:o,s:o,s:{}}", "label", t->schema->metrics[k], "id",
							t->schema->metrics[k], "name", t->schema->metrics[k], "data", data,
							"statistics", s, "tags"));
	}
	for (unsigned i = 0; i < t->count; i++)
		json_array_append_new(total, json_real(sum[i]));
	json_t *all = statistics(t, sum);
	free(sum);
	json_object_set_new(all, "by_serie", by_serie);
	json_t *query = json_object();
	const char *text = compat_arg(c, "ts_query");
	for (const char *p = text ? text : ""; *p;) {
		size_t n = strcspn(p, ",");
		const char *colon = memchr(p, ':', n);
		char tag[32];
		snprintf(tag, sizeof tag, "%.*s", (int)(colon ? colon - p : 0), p);
		if (colon)
			json_object_set_new(query, tag, json_stringn(colon + 1, n - (size_t)(colon - p) - 1));
		p += n + (p[n] == ',');
	}
	compat_ok(c, json_pack("{s:I,s:I,s:I,s:o,s:o,s:{s:o},s:{s:I,s:I,s:I,s:I,s:s,s:o}}", "start", (json_int_t)t->begin, "step",
			       (json_int_t)t->step, "count", (json_int_t)t->count, "series", series, "statistics", all,
			       "additional_series", "total", total, "metadata", "epoch_begin", (json_int_t)t->begin, "epoch_end",
			       (json_int_t)(t->begin + t->step * t->count), "epoch_step", (json_int_t)t->step, "num_point",
			       (json_int_t)t->count, "schema", t->schema->name, "query", query));
}

/* A tag of "tag:value,tag:value"; an IPv6 address keeps its colons. */
static bool query_tag(const struct compat *c, const char *tag, char *out, size_t size)
{
	const char *p = compat_arg(c, "ts_query");
	size_t len = strlen(tag);
	for (; p && *p; p += strcspn(p, ","), p += *p == ',')
		if (strncmp(p, tag, len) == 0 && p[len] == ':') {
			snprintf(out, size, "%.*s", (int)strcspn(p + len + 1, ",@"), p + len + 1);
			return true;
		}
	return false;
}

static void place_ifid(struct compat *c)
{
	char ifid[16];
	if (!compat_arg(c, "ifid") && query_tag(c, "ifid", ifid, sizeof ifid))
		json_object_set_new(c->args, "ifid", json_string(ifid));
}

void compat_timeseries(struct compat *c)
{
	const char *name = compat_arg(c, "ts_schema");
	const struct schema *schema = NULL;
	char host[64];
	for (size_t i = 0; name && i < sizeof schemas / sizeof *schemas; i++)
		if (strcmp(name, schemas[i].name) == 0)
			schema = &schemas[i];
	if (!schema) {
		compat_fail(c, RC_INVALID_ARGUMENTS, "ts_schema: get/timeseries/type/consts lists what there is");
		return;
	}
	place_ifid(c);
	const struct topo_sensor *s = compat_sensor(c);
	if (!s)
		return;
	struct series *t = xcalloc(1, sizeof *t);
	c->state = t;
	c->free_state = free_series;
	t->schema = schema;
	t->of_host = strncmp(schema->name, "host:", 5) == 0;
	if (t->of_host && (!query_tag(c, "host", host, sizeof host) || addr_parse(host, strlen(host), &t->host) < 0)) {
		compat_fail(c, RC_INVALID_HOST, "ts_query names no host");
		return;
	}
	uint64_t begin = compat_epoch(c, "epoch_begin") / 1000000000u, end = compat_epoch(c, "epoch_end") / 1000000000u;
	long points = compat_number(c, "limit", DEF_POINTS);
	if (points < 1 || points > MAX_POINTS)
		points = DEF_POINTS;
	uint64_t span = end > begin ? end - begin : 0;
	t->step = (span + (uint64_t)points - 1) / (uint64_t)points;
	if (t->step < schema->step)
		t->step = schema->step;
	t->begin = begin;
	t->count = (unsigned)((span + t->step - 1) / t->step);
	t->points[0] = xcalloc(t->count + 1, sizeof(double));
	t->points[1] = xcalloc(t->count + 1, sizeof(double));
	struct compat_walk w = { .what = "flows", .start = begin * 1000000000u, .end = end * 1000000000u, .row = series_row,
				 .done = series_done };
	filter_text(&w.filter, "sensor", s->name);
	if (t->of_host)
		filter_host(&w.filter, host);
	compat_walk(c, &w);
}

void compat_timeseries_types(struct compat *c)
{
	const char *family = compat_arg(c, "query");
	json_t *rows = json_array();
	for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
		const struct schema *s = &schemas[i];
		if (family && strcmp(family, s->id) != 0)
			continue;
		json_t *metrics = json_object();
		for (unsigned k = 0; k < 2 && s->metrics[k]; k++)
			json_object_set_new(metrics, s->metrics[k], json_pack("{s:s,s:s}", "label", s->metrics[k], "color",
									      k ? "#ff7f0e" : "#1f77b4"));
		json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:s,s:i,s:s,s:s,s:s,s:o,s:b,s:b}", "schema", s->name, "id",
						      s->id, "group", s->id, "label", s->label, "priority", 0, "measure_unit",
						      s->unit, "scale", s->gauge ? "gauge" : "rate", "query", s->id, "timeseries",
						      metrics, "default_visible", i == 0, "alwais_visibile", 0));
	}
	compat_ok(c, rows);
}

/* -- applications of a host over a time -- */

static bool app_row(struct compat *c, const void *rec, const char *base)
{
	const struct r_top *t = rec;
	char app[64];
	size_t pos = 0;
	jadd(c->acc, *compat_key(t, base, &pos, app, sizeof app) ? app : "Unknown", (json_int_t)t->top.bytes);
	return true;
}

static void app_done(struct compat *c, bool more)
{
	(void)more;
	compat_ok(c, compat_pie(json_incref(c->acc), 0, 10, false));
}

void compat_host_top_protocols(struct compat *c)
{
	char host[64];
	struct compat_walk w = { .what = "top.flows", .by = "app", .sort = "-bytes", .start = compat_epoch(c, "epoch_begin"),
				 .end = compat_epoch(c, "epoch_end"), .row = app_row, .done = app_done };
	place_ifid(c);
	const struct topo_sensor *s = compat_sensor(c);
	if (!s)
		return;
	filter_text(&w.filter, "sensor", s->name);
	if (query_tag(c, "host", host, sizeof host))
		filter_host(&w.filter, host);
	c->acc = json_object();
	compat_walk(c, &w);
}

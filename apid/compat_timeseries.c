/* Time series, and the applications of a host or a sensor over a time. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat.h"

#define DEF_POINTS  60
#define MAX_POINTS  2000
#define STORED_STEP 60 /* s: what is stored is by the minute */

#define M(name) { #name, offsetof(struct g_sample, name) }
static const struct schema {
	const char *name, *id, *label, *unit;
	unsigned step; /* s, at least */
	bool gauge;
	const char *by; /* kind of samples that have it; NULL: made of flows, whatever the step */
	struct metric {
		const char *name;
		size_t off; /* in a sample */
	} metrics[2];
} schemas[] = {
	{ "iface:traffic_rxtx", "iface", "Traffic", "bps", 1, false, "sensor", { M(bytes_sent), M(bytes_rcvd) } },
	{ "iface:traffic", "iface", "Traffic, both directions", "bps", 1, false, "sensor", { M(bytes) } },
	{ "iface:score", "iface", "Score", "score", 60, true, NULL, { { "cli_score", 0 }, { "srv_score", 0 } } },
	{ "iface:flows", "iface", "Flows", "flows", 60, true, "sensor", { { "num_flows", offsetof(struct g_sample, active) } } },
	{ "host:traffic", "host", "Traffic", "bps", 1, false, "host", { M(bytes_sent), M(bytes_rcvd) } },
	{ "host:score", "host", "Score", "score", 60, true, NULL, { { "cli_score", 0 }, { "srv_score", 0 } } },
};
#undef M

struct series {
	const struct schema *schema;
	char key[ADDR_STRLEN + 8]; /* of samples: sensor, or host */
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

/* -- of flows and of samples -- */

/* Shares amount out over the points that a time covers, evenly; gauges stand in each of them. */
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

static bool flow_row(struct compat *c, const void *rec, const char *base)
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
	if (strcmp(t->schema->metrics[0].name, "cli_score") == 0) {
		sent = f->judge.client_score;
		rcvd = f->judge.server_score;
	} else if (strcmp(t->schema->metrics[0].name, "num_flows") == 0) {
		sent = 1;
	} else if (!t->schema->metrics[1].name) {
		sent += rcvd;
	}
	spread(t, 0, sent, f->n.start, f->n.last);
	if (t->schema->metrics[1].name)
		spread(t, 1, rcvd, f->n.start, f->n.last);
	return true;
}

/* Old samples may be of a longer span than the step. */
static bool sample_row(struct compat *c, const void *rec, const char *base)
{
	struct series *t = c->state;
	const struct g_sample *g = &((const struct r_sample *)rec)->sample;
	(void)base;
	for (unsigned k = 0; k < 2 && t->schema->metrics[k].name; k++)
		spread(t, k, (double)*(const uint64_t *)((const char *)g + t->schema->metrics[k].off), g->time, g->time + g->span - 1);
	return true;
}

/* -- the answer -- */

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

/* One metric; adds it to the sum. */
static json_t *serie(const struct series *t, unsigned k, double *sum, json_t *by_serie)
{
	const char *name = t->schema->metrics[k].name;
	json_t *data = json_array();
	for (unsigned i = 0; i < t->count; i++) {
		if (!t->schema->gauge)
			t->points[k][i] /= (double)t->step;
		sum[i] += t->points[k][i];
		json_array_append_new(data, json_real(t->points[k][i]));
	}
	json_t *s = statistics(t, t->points[k]);
	json_array_append(by_serie, s);
	return json_pack("{s:s,s:s,s:s,s:o,s:o,s:{}}", "label", name, "id", name, "name", name, "data", data, "statistics", s, "tags");
}

/* "tag:value,tag:value" as an object. */
static json_t *query_tags(const char *text)
{
	json_t *query = json_object();
	for (const char *p = text ? text : ""; *p;) {
		size_t n = strcspn(p, ",");
		const char *colon = memchr(p, ':', n);
		if (colon)
			json_object_setn_new(query, p, (size_t)(colon - p), json_stringn(colon + 1, n - (size_t)(colon - p) - 1));
		p += n + (p[n] == ',');
	}
	return query;
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
	for (unsigned k = 0; k < 2 && t->schema->metrics[k].name; k++)
		json_array_append_new(series, serie(t, k, sum, by_serie));
	for (unsigned i = 0; i < t->count; i++)
		json_array_append_new(total, json_real(sum[i]));
	json_t *all = statistics(t, sum);
	free(sum);
	json_object_set_new(all, "by_serie", by_serie);
	compat_ok(c, json_pack("{s:I,s:I,s:I,s:o,s:o,s:{s:o},s:{s:I,s:I,s:I,s:I,s:s,s:o}}", "start", (json_int_t)t->begin, "step",
			       (json_int_t)t->step, "count", (json_int_t)t->count, "series", series, "statistics", all,
			       "additional_series", "total", total, "metadata", "epoch_begin", (json_int_t)t->begin, "epoch_end",
			       (json_int_t)(t->begin + t->step * t->count), "epoch_step", (json_int_t)t->step, "num_point",
			       (json_int_t)t->count, "schema", t->schema->name, "query", query_tags(compat_arg(c, "ts_query"))));
}

/* -- the question -- */

/* A tag of "tag:value,tag:value"; an IPv6 address keeps its colons. */
static bool query_tag(const struct compat *c, const char *tag, char *out, size_t size)
{
	const char *p = compat_arg(c, "ts_query");
	size_t len = strlen(tag);
	for (; p && *p; p += strcspn(p, ","), p += *p == ',')
		if (strncmp(p, tag, len) == 0 && p[len] == ':') {
			snprintf(out, size, "%.*s", (int)strcspn(p + len + 1, ","), p + len + 1);
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

static const struct schema *find_schema(const char *name)
{
	for (size_t i = 0; name && i < sizeof schemas / sizeof *schemas; i++)
		if (strcmp(name, schemas[i].name) == 0)
			return &schemas[i];
	return NULL;
}

/* Whose series it is; false after ending the call. */
static bool read_key(struct compat *c, struct series *t, const struct topo_sensor *s)
{
	char host[64], ip[ADDR_STRLEN];
	t->of_host = strcmp(t->schema->id, "host") == 0;
	if (!t->of_host) {
		snprintf(t->key, sizeof t->key, "%s", s->name);
		return true;
	}
	if (!query_tag(c, "host", host, sizeof host) || addr_parse(host, strcspn(host, "@"), &t->host) < 0) {
		compat_fail(c, RC_INVALID_HOST, "ts_query names no host");
		return false;
	}
	const char *vlan = strchr(host, '@');
	snprintf(t->key, sizeof t->key, vlan && strcmp(vlan, "@0") != 0 ? "%s@%lu" : "%s", addr_str(&t->host, ip),
		 vlan ? strtoul(vlan + 1, NULL, 10) : 0);
	return true;
}

/*
 * As many points as wanted, or fewer. Of a minute or more they are made of what is stored by the minute, and begin where such a
 * span does; samples of hosts are of all sensors together.
 */
static bool read_times(const struct compat *c, struct series *t, uint64_t *ret_end)
{
	uint64_t begin = compat_epoch(c, "epoch_begin") / 1000000000u, end = compat_epoch(c, "epoch_end") / 1000000000u;
	long points = compat_number(c, "limit", DEF_POINTS);
	if (points < 1 || points > MAX_POINTS)
		points = DEF_POINTS;
	uint64_t span = end > begin ? end - begin : 0;
	t->step = (span + (uint64_t)points - 1) / (uint64_t)points;
	if (t->step < t->schema->step)
		t->step = t->schema->step;
	bool stored = t->schema->by && t->step >= STORED_STEP && (!t->of_host || c->k->c->topo->n_sensors == 1);
	if (stored) {
		t->step = (t->step + STORED_STEP - 1) / STORED_STEP * STORED_STEP;
		begin -= begin % t->step;
		span = end > begin ? end - begin : 0;
	}
	t->begin = begin;
	t->count = (unsigned)((span + t->step - 1) / t->step);
	t->points[0] = xcalloc(t->count + 1, sizeof(double));
	t->points[1] = xcalloc(t->count + 1, sizeof(double));
	*ret_end = end;
	return stored;
}

void compat_timeseries(struct compat *c)
{
	const struct schema *schema = find_schema(compat_arg(c, "ts_schema"));
	if (!schema) {
		compat_fail(c, RC_INVALID_ARGUMENTS, "ts_schema: get/timeseries/type/consts lists what there is");
		return;
	}
	place_ifid(c);
	const struct topo_sensor *s = compat_sensor(c);
	if (!s)
		return;
	struct series *t = xcalloc(1, sizeof *t);
	uint64_t end;
	c->state = t;
	c->free_state = free_series;
	t->schema = schema;
	if (!read_key(c, t, s))
		return;
	bool stored = read_times(c, t, &end);
	struct compat_walk w = { .what = "flows", .start = t->begin * 1000000000u, .end = end * 1000000000u, .row = flow_row,
				 .done = series_done };
	if (stored) {
		w.what = "series";
		w.by = schema->by;
		w.key = t->key;
		w.step = t->step * 1000000000u;
		w.row = sample_row;
	} else {
		filter_text(&w.filter, "sensor", s->name);
		if (t->of_host)
			filter_either(&w.filter, t->key);
	}
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
		for (unsigned k = 0; k < 2 && s->metrics[k].name; k++)
			json_object_set_new(metrics, s->metrics[k].name, json_pack("{s:s,s:s}", "label", s->metrics[k].name, "color",
									      k ? "#ff7f0e" : "#1f77b4"));
		json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:s,s:i,s:s,s:s,s:s,s:o,s:b,s:b}", "schema", s->name, "id",
						      s->id, "group", s->id, "label", s->label, "priority", 0, "measure_unit",
						      s->unit, "scale", s->gauge ? "gauge" : "rate", "query", s->id, "timeseries",
						      metrics, "default_visible", i == 0, "alwais_visibile", 0));
	}
	compat_ok(c, rows);
}

/* -- flows by the hour: {"<midnight>": [24 numbers]}, as alerts have them -- */

static bool hour_row(struct compat *c, const void *rec, const char *base)
{
	const struct g_sample *g = &((const struct r_sample *)rec)->sample;
	(void)base;
	compat_count_hour(c->acc, g->time, (json_int_t)g->flows);
	return true;
}

static void hours_done(struct compat *c, bool more)
{
	(void)more;
	compat_ok(c, json_incref(c->acc));
}

void compat_db_ts(struct compat *c)
{
	const struct topo_sensor *s = compat_sensor(c);
	if (!s)
		return;
	c->acc = json_object();
	compat_walk(c, &(struct compat_walk){ .what = "series", .by = "sensor", .key = s->name, .step = 3600000000000u,
					      .start = compat_epoch(c, "epoch_begin"), .end = compat_epoch(c, "epoch_end"),
					      .row = hour_row, .done = hours_done });
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
		filter_either(&w.filter, host);
	c->acc = json_object();
	compat_walk(c, &w);
}

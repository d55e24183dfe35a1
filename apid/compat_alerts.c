/* Stored alerts in ntopng's shapes: rows, counters, top lists, counts over time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "door.h"
#include "json.h"
#include "match.h"

/* -- selection: VALUE;OP -- */

/* ntopng's parameter and the field of an alert that it asks for. */
static const struct filter {
	const char *arg, *field;
	const char *const *names; /* of what ntopng has numbers for */
} filters[] = {
	{ "alert_id", "type_id" }, { "alert_type", "type_id" }, { "score", "score" }, { "cli_ip", "client.ip" },
	{ "srv_ip", "server.ip" }, { "cli_port", "client.port" }, { "srv_port", "server.port" }, { "vlan_id", "vlan" },
	{ "l4proto", "proto" }, { "l7proto", "app.id" }, { "info", "hostname" }, { "cli_name", "client.name" },
	{ "srv_name", "server.name" }, { "cli_country", "client.country" }, { "srv_country", "server.country" },
	{ "ip_version", "ip_version" }, { "row_id", "id" }, { "description", "message" },
	{ "severity", "severity", enum_severity }, { "alert_severity", "severity", enum_severity },
	{ "alert_category", "category", enum_category }, { "tstamp", "time" },
};

static const char *match_op(const char *s)
{
	static const char *const ops[][2] = { { "eq", "=" }, { "neq", "!=" }, { "lt", "<" }, { "gt", ">" }, { "lte", "<=" },
					      { "gte", ">=" }, { "in", "contains" }, { "nin", "not" } };
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		if (strcmp(s, ops[i][0]) == 0)
			return ops[i][1];
	return NULL;
}

/* "value;op" taken apart; plain values are equal. False for an operator there is not. */
static bool split(const char *text, char value[256], const char **op)
{
	const char *semi = strrchr(text, ';');
	size_t n = semi ? (size_t)(semi - text) : strlen(text);
	snprintf(value, 256, "%.*s", (int)(n < 255 ? n : 255), text);
	*op = semi ? match_op(semi + 1) : "=";
	return *op != NULL;
}

/* in and nin ask texts what they contain; of what has no text, which of some it is. */
static bool has_text(const char *field)
{
	struct match_error e;
	char probe[80];
	snprintf(probe, sizeof probe, "%s contains x", field);
	struct match *m = match_parse(probe, R_ALERT, &e);
	match_free(m);
	return m != NULL;
}

static void add_list(struct buf *b, const char *values)
{
	char before = '(';
	do {
		size_t n = strcspn(values, ",");
		buf_addc(b, before);
		match_quote(b, values, n);
		before = ',';
		values += n;
	} while (*values++);
	buf_addc(b, ')');
}

static void add_condition(struct buf *b, const char *field, const char *op, const char *value)
{
	bool negated = strcmp(op, "not") == 0, contains = negated || strcmp(op, "contains") == 0;
	filter_add(b, negated ? "not (" : "(");
	if (contains && !has_text(field)) {
		buf_addf(b, "%s in ", field);
		add_list(b, value);
	} else {
		buf_addf(b, "%s %s ", field, contains ? "contains" : op);
		match_quote(b, value, strlen(value));
	}
	buf_addc(b, ')');
}

/* Numbers, joined by commas, become names. */
static void name_numbers(char value[256], const char *const *names)
{
	struct buf b = { 0 };
	for (const char *p = value; *p;) {
		size_t n = strcspn(p, ",");
		char *end;
		const char *name = enum_name(names, (unsigned)strtoul(p, &end, 10));
		bool known = end != p && end == p + n && strcmp(name, "?") != 0;
		buf_addf(&b, "%s%.*s", b.len ? "," : "", known ? 32 : (int)n, known ? name : p);
		p += n + (p[n] == ',');
	}
	snprintf(value, 256, "%s", buf_cstr(&b));
	buf_release(&b);
}

/* The part of a value that is an address: VLANs have a parameter of their own. */
static void cut_vlan(char *value)
{
	value[strcspn(value, "@")] = '\0';
}

static void add_time(struct buf *b, const char *op, uint64_t seconds)
{
	buf_addf(b, "time %s ", op);
	json_time(b, seconds * 1000000000u);
}

/* Whole seconds, joined by commas: all that is within one is equal to it. False if they are none. */
static bool add_seconds(struct buf *b, const char *op, const char *values)
{
	bool range = *op == '<' || *op == '>', past = strcmp(op, ">") == 0 || strcmp(op, "<=") == 0;
	filter_add(b, strcmp(op, "!=") == 0 || strcmp(op, "not") == 0 ? "not (" : "(");
	for (const char *p = values;; p++) {
		char *end;
		uint64_t s = strtoull(p, &end, 10);
		if (end == p || (*end && (*end != ',' || range)))
			return false;
		buf_adds(b, p == values ? "" : " or ");
		add_time(b, *op == '<' ? "<" : ">=", s + past);
		if (!range) {
			buf_adds(b, " and ");
			add_time(b, "<", s + 1);
		}
		p = end;
		if (!*p)
			break;
	}
	buf_addc(b, ')');
	return true;
}

/* These return what is wrong, or NULL. */

static const char bad_operator[] = "an operator is one of eq, neq, lt, gt, lte, gte, in, nin";

static const char *add_filter(struct buf *b, const struct filter *f, const char *arg)
{
	char value[256];
	const char *op;
	if (!split(arg, value, &op))
		return bad_operator;
	if (strcmp(f->field, "time") == 0)
		return add_seconds(b, op, value) ? NULL : "tstamp: seconds since 1970";
	if (f->names)
		name_numbers(value, f->names);
	else if (strstr(f->field, ".ip"))
		cut_vlan(value);
	add_condition(b, f->field, op, value);
	return NULL;
}

/* Either end of a flow, or the host of an alert. */
static const char *add_address(struct buf *b, const char *arg)
{
	char value[256];
	const char *op;
	if (!split(arg, value, &op))
		return bad_operator;
	cut_vlan(value);
	filter_add(b, strcmp(op, "!=") == 0 ? "not (either.ip = " : "(either.ip = ");
	match_quote(b, value, strlen(value));
	buf_adds(b, " or ip = ");
	match_quote(b, value, strlen(value));
	buf_addc(b, ')');
	return NULL;
}

/* False after ending the call. */
static bool alert_filter(struct compat *c, const char *family, const struct topo_sensor *s, struct buf *b)
{
	const char *arg, *status = compat_arg(c, "status"), *wrong = NULL;
	struct match_error e;
	filter_text(b, "sensor", s->name);
	if (family && strcmp(family, "all") != 0)
		filter_text(b, "entity", family);
	if (status && strcmp(status, "engaged") == 0)
		filter_add(b, "action in (engage, update)");
	if (status && strcmp(status, "acknowledged") == 0)
		filter_add(b, "acknowledged = true");
	for (size_t i = 0; i < sizeof filters / sizeof *filters && !wrong; i++)
		if ((arg = compat_arg(c, filters[i].arg)) != NULL)
			wrong = add_filter(b, &filters[i], arg);
	if (!wrong && (arg = compat_arg(c, "ip")) != NULL)
		wrong = add_address(b, arg);
	struct match *m = wrong ? NULL : match_parse(buf_cstr(b), R_ALERT, &e);
	match_free(m);
	if (m)
		return true;
	buf_release(b);
	compat_fail(c, RC_INVALID_ARGUMENTS, wrong ? wrong : e.text);
	return false;
}

/* Times count only when both are given, as ntopng has it. */
static void set_times(const struct compat *c, struct compat_walk *w)
{
	uint64_t begin = compat_epoch(c, "epoch_begin"), end = compat_epoch(c, "epoch_end");
	w->start = begin && end ? begin : 0;
	w->end = begin && end ? end : 0;
}

/* Who asks for alerts of a sensor: its walk, filled but for row and done. */
static bool begin_walk(struct compat *c, const char *family, struct compat_walk *w)
{
	const struct topo_sensor *s = compat_sensor(c);
	*w = (struct compat_walk){ .what = "alerts", .sort = "-time" };
	set_times(c, w);
	return s && alert_filter(c, family, s, &w->filter);
}

/* flow/alert/list: what stands before "/alert". */
static const char *family_of(const struct compat *c)
{
	static const char *const names[] = { "all", "flow", "host", "mac", "interface", "network", "system", "user", "am_host" };
	return names[c->row->variant];
}

/* -- records as the web interface has them -- */

static const char *severity_colour(unsigned severity)
{
	return severity >= SEV_ERROR ? "danger" : severity == SEV_WARNING ? "warning" : "info";
}

static json_t *label(json_t *value, json_t *text)
{
	return json_pack("{s:o,s:o}", "value", value, "label", text);
}

static json_t *number_text(uint64_t n)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRIu64, n);
	return json_string(text);
}

static json_t *end_of(const struct addr *ip, const char *base, struct str name, struct str country)
{
	json_t *n = name.len ? jstr(base, name) : jaddr(ip), *address = jaddr(ip);
	json_t *o = json_pack("{s:O,s:O,s:O,s:O,s:O,s:o,s:s,s:s}", "value", address, "ip", address, "label", n, "label_long", n,
			      "name", n, "country", jstr(base, country), "blacklisted", "0", "reference", "");
	json_decref(n);
	json_decref(address);
	return o;
}

static void add_flow_part(json_t *o, const struct r_alert *a, const char *base)
{
	char number[8], l4[8], l7[160], app[64], text[24];
	json_t *client = end_of(&a->flow.client, base, a->flow_judge.client_name, a->flow_judge.client_country);
	json_t *server = end_of(&a->flow.server, base, a->flow_judge.server_name, a->flow_judge.server_country);
	json_t *flow = json_pack("{s:O,s:O,s:i,s:i,s:i,s:s}", "cli_ip", client, "srv_ip", server, "cli_port",
				 (int)a->flow.client_port, "srv_port", (int)a->flow.server_port, "vlan", (int)a->flow.vlan,
				 "active_url", "");
	uint64_t sent = a->flow_n.client_bytes, rcvd = a->flow_n.server_bytes;
	json_object_set_new(o, "cli_ip", client);
	json_object_set_new(o, "srv_ip", server);
	json_object_set_new(o, "flow", flow);
	json_object_set_new(o, "cli_port", json_pack("{s:o}", "value", number_text(a->flow.client_port)));
	json_object_set_new(o, "srv_port", json_pack("{s:o}", "value", number_text(a->flow.server_port)));
	proto_upper(a->flow.proto, l4);
	snprintf(number, sizeof number, "%u", a->flow.proto);
	json_object_set_new(o, "proto", json_pack("{s:s,s:s}", "value", number, "label", l4));
	str_copy(app, sizeof app, base, a->flow_app.app);
	snprintf(l7, sizeof l7, "%s:%s", l4, app);
	snprintf(text, sizeof text, "%u", a->flow_app.app_id);
	json_object_set_new(o, "l7_proto", json_pack("{s:s,s:s,s:s,s:s,s:o}", "value", text, "label", l7, "l4_label", l4,
						     "l7_label", app, "confidence", jstr(base, a->flow_app.confidence)));
	json_object_set_new(o, "total_bytes", json_pack("{s:I,s:I,s:I,s:I}", "total_bytes", (json_int_t)(sent + rcvd),
							"bytes_sent", (json_int_t)sent, "bytes_rcvd", (json_int_t)rcvd,
							"total_packets", (json_int_t)(a->flow_n.client_packets +
										      a->flow_n.server_packets)));
	json_object_set_new(o, "info", label(jstr(base, a->flow_app.host), jstr(base, a->flow_app.host)));
	json_object_set_new(o, "flow_related_info", json_pack("{s:o}", "descr", jstr(base, a->flow_app.host)));
}

static void add_host_part(json_t *o, const struct r_alert *a, const char *base)
{
	json_object_set_new(o, "ip", end_of(&a->host.ip, base, a->host.name, a->host.country));
	json_object_set_new(o, "host", end_of(&a->host.ip, base, a->host.name, a->host.country));
}

static json_t *alert_record(const struct r_alert *a, const char *base)
{
	const struct g_alert *g = &a->alert;
	char id[ID_STRLEN], type[12], vlan[8];
	const char *family = enum_name(enum_entity, g->entity);
	unsigned vlan_id = g->entity == ENT_HOST ? a->host.vlan : a->flow.vlan;
	snprintf(type, sizeof type, "%u", g->type_id);
	snprintf(vlan, sizeof vlan, "%u", vlan_id);
	json_t *o = json_pack("{s:s,s:s,s:{s:o,s:s,s:s},s:{s:s,s:o},s:o}", "family", family, "row_id", id_str(g->id, id), "tstamp",
			      "value", jsec(g->time), "label", "", "highlight", severity_colour(g->severity), "alert_id", "value",
			      type, "label", jstr(base, g->title), "alert_name", jstr(base, g->title));
	json_object_update_new(o, json_pack("{s:{s:i,s:s,s:s},s:{s:i,s:i,s:s},s:{s:i,s:s,s:s}}", "alert_category", "value",
					    (int)g->category, "label", enum_name(enum_category, g->category), "icon", "", "score",
					    "value", (int)g->score, "label", (int)g->score, "color",
					    severity_colour(g->severity), "severity", "value", (int)g->severity, "label",
					    enum_name(enum_severity, g->severity), "color", severity_colour(g->severity)));
	uint64_t end = g->end > g->time ? g->end : g->time;
	json_object_update_new(o, json_pack("{s:o,s:o,s:i,s:o,s:o}", "tstamp_end", json_pack("{s:o}", "value", jsec(end)),
					    "duration", jsec(end - g->time), "count", 1, "script_key", jstr(base, g->check),
					    "user_label", jstr(base, a->note.comment)));
	json_object_update_new(o, json_pack("{s:{s:o,s:o,s:o,s:i},s:{s:o},s:{s:o}}", "msg", "name", jstr(base, g->title),
					    "fullname", jstr(base, g->title), "description", jstr(base, g->message), "value",
					    (int)g->type_id, "description", "descr", jstr(base, g->message), "additional_alerts",
					    "descr", jstr(base, g->others)));
	json_object_set_new(o, "vlan_id", json_pack("{s:i,s:s,s:s}", "value", (int)vlan_id, "label", vlan_id ? vlan : "", "title",
						    vlan_id ? vlan : ""));
	json_object_set_new(o, "mitre_data", json_pack("{s:{s:o}}", "mitre_id", "value", jstr(base, g->mitre)));
	if (g->entity == ENT_FLOW)
		add_flow_part(o, a, base);
	else if (g->entity == ENT_HOST)
		add_host_part(o, a, base);
	return o;
}

/* -- alert/list -- */

struct listing {
	uint64_t skip, left, total;
	uint64_t begun;
	struct buf out;
};

static void free_listing(void *state)
{
	struct listing *l = state;
	buf_release(&l->out);
	free(l);
}

static bool list_row(struct compat *c, const void *rec, const char *base)
{
	struct listing *l = c->state;
	if (l->skip) {
		l->skip--;
	} else if (l->left) {
		l->left--;
		compat_records_add(&l->out, alert_record(rec, base));
	}
	return l->left > 0;
}

static void list_done(struct compat *c, bool more)
{
	(void)more;
	struct listing *l = c->state;
	char query[64];
	snprintf(query, sizeof query, "alerts, family %s", family_of(c));
	c->beside = json_pack("{s:I,s:I,s:I}", "recordsTotal", (json_int_t)l->total, "recordsFiltered", (json_int_t)l->total, "draw",
			      (json_int_t)compat_number(c, "draw", 0));
	char count[24];
	snprintf(count, sizeof count, "%" PRIu64, l->total);
	double ms = (double)(mono_ns() - l->begun) / 1e6;
	compat_records_end(c, &l->out, json_pack("{s:s,s:s,s:f}", "query", query, "num_records_processed", count,
						 "query_duration_msec", ms));
}

static uint64_t rows_arg(const struct compat *c, const char *name, long otherwise)
{
	long n = compat_number(c, name, otherwise);
	return n < 0 ? 0 : n > COMPAT_MAX_ROWS ? COMPAT_MAX_ROWS : (uint64_t)n;
}

void compat_alert_list(struct compat *c)
{
	struct compat_walk w;
	/* Without a length all are wanted: clients of ntopng count on that. */
	if (!compat_arg(c, "length") && !door_heavy(c->k, c->r)) {
		c->over = true;
		return;
	}
	if (!begin_walk(c, family_of(c), &w))
		return;
	const char *sort = compat_arg(c, "sort"), *order = compat_arg(c, "order");
	bool asc = order && strcasecmp(order, "asc") == 0;
	w.sort = sort && strcmp(sort, "score") == 0 ? asc ? "score" : "-score"
		 : sort && strcmp(sort, "severity") == 0 ? asc ? "severity" : "-severity" : asc ? "time" : "-time";
	struct listing *l = xcalloc(1, sizeof *l);
	*l = (struct listing){ rows_arg(c, "start", 0), rows_arg(c, "length", COMPAT_MAX_ROWS), 0, mono_ns(), { 0 } };
	w.max = l->left ? (uint32_t)(l->skip + l->left) : 1;
	w.total = &l->total;
	c->state = l;
	c->free_state = free_listing;
	compat_records_begin(c, &l->out);
	w.row = list_row;
	w.done = list_done;
	compat_walk(c, &w);
}

/* -- counters: variant 0 by type, 1 by severity -- */

static bool counter_row(struct compat *c, const void *rec, const char *base)
{
	const struct r_top *t = rec;
	char entity[32], value[32], title[128];
	size_t pos = 0;
	compat_key(t, base, &pos, entity, sizeof entity);
	compat_key(t, base, &pos, value, sizeof value);
	compat_key(t, base, &pos, title, sizeof title);
	json_t *o = json_pack("{s:I,s:i,s:s,s:s}", "count", (json_int_t)t->top.alerts, "entity_id",
			      enum_value(enum_entity, entity), "entity_label", entity, "name", c->row->variant ? value : title);
	if (!c->row->variant)
		json_object_set_new(o, "alert_id", json_integer(atoi(value)));
	json_array_append_new(c->acc, o);
	return true;
}

static int by_count(const void *x, const void *y)
{
	json_int_t a = json_integer_value(json_object_get(*(json_t *const *)x, "count"));
	json_int_t b = json_integer_value(json_object_get(*(json_t *const *)y, "count"));
	return a < b ? 1 : a > b ? -1 : 0;
}

/* Members of an object as an array in an order, at most 10. */
static json_t *first_ten(json_t *by, int (*order)(const void *x, const void *y))
{
	json_t **rows = xcalloc(json_object_size(by) + 1, sizeof *rows), *v, *out = json_array();
	const char *key;
	size_t n = 0;
	json_object_foreach(by, key, v)
		rows[n++] = v;
	qsort(rows, n, sizeof *rows, order);
	for (size_t i = 0; i < n && i < 10; i++)
		json_array_append(out, rows[i]);
	free(rows);
	return out;
}

static void counter_done(struct compat *c, bool more)
{
	(void)more;
	compat_ok(c, json_incref(c->acc)); /* the one with most comes first */
}

void compat_alert_counters(struct compat *c)
{
	struct compat_walk w;
	if (!begin_walk(c, NULL, &w))
		return;
	c->acc = json_array();
	w.what = "top.alerts";
	w.by = c->row->variant ? "entity,severity" : "entity,type_id,title";
	w.sort = "-alerts";
	w.row = counter_row;
	w.done = counter_done;
	compat_walk(c, &w);
}

/* -- top: what is seen most, and what weighs most -- */

static bool top_row(struct compat *c, const void *rec, const char *base)
{
	const struct r_top *t = rec;
	char entity[32], type[32], title[128], severity[32], key[80];
	size_t pos = 0;
	compat_key(t, base, &pos, entity, sizeof entity);
	compat_key(t, base, &pos, type, sizeof type);
	compat_key(t, base, &pos, title, sizeof title);
	int level = enum_value(enum_severity, compat_key(t, base, &pos, severity, sizeof severity));
	snprintf(key, sizeof key, "%s %s", entity, type);
	json_t *o = json_object_get(c->acc, key);
	if (!o) {
		o = json_pack("{s:s,s:i,s:s,s:s,s:i,s:i}", "key", "alert_id", "value", atoi(type), "label", title, "title", title,
			      "count", 0, "severity", 0);
		json_object_set_new(c->acc, key, o);
	}
	jadd(o, "count", (json_int_t)t->top.alerts);
	if (json_integer_value(json_object_get(o, "severity")) < level)
		json_object_set_new(o, "severity", json_integer(level));
	return true;
}

static int by_severity(const void *x, const void *y)
{
	json_int_t a = json_integer_value(json_object_get(*(json_t *const *)x, "severity"));
	json_int_t b = json_integer_value(json_object_get(*(json_t *const *)y, "severity"));
	return a != b ? (a < b ? 1 : -1) : by_count(x, y);
}

static json_t *heaviest(json_t *by)
{
	json_t *all = first_ten(by, by_severity), *out = json_array(), *v;
	size_t i;
	json_array_foreach(all, i, v) {
		json_t *row = json_copy(v);
		json_int_t severity = json_integer_value(json_object_get(row, "severity"));
		json_object_set_new(row, "severity_label", json_string(enum_name(enum_severity, (unsigned)severity)));
		json_object_del(row, "count");
		json_array_append_new(out, row);
	}
	json_decref(all);
	return out;
}

static void top_done(struct compat *c, bool more)
{
	(void)more;
	json_int_t all = 0;
	json_t *by_number = first_ten(c->acc, by_count), *counted = json_array(), *v;
	const char *key;
	size_t i;
	json_object_foreach(c->acc, key, v)
		all += json_integer_value(json_object_get(v, "count"));
	json_array_foreach(by_number, i, v) {
		json_t *row = json_copy(v);
		json_int_t n = json_integer_value(json_object_get(v, "count"));
		json_object_set_new(row, "count", json_integer(all ? (n * 100 + all / 2) / all : 0));
		json_object_del(row, "severity");
		json_array_append_new(counted, row);
	}
	json_decref(by_number);
	/* ntopng's own report program fails on an empty list: a row that says so. */
	if (json_array_size(counted) == 0)
		json_array_append_new(counted, json_pack("{s:s,s:i,s:s,s:s,s:i}", "key", "alert_id", "value", 0, "label", "None",
							 "title", "None", "count", 0));
	json_t *heavy = heaviest(c->acc);
	if (json_array_size(heavy) == 0)
		json_array_append_new(heavy, json_pack("{s:s,s:i,s:s,s:s,s:i,s:s}", "key", "alert_id", "value", 0, "label", "None",
						       "title", "None", "severity", 0, "severity_label", "None"));
	compat_ok(c, json_pack("[{s:s,s:s,s:s,s:o},{s:s,s:s,s:s,s:o}]", "name", "top_alerts_by_count", "label",
			       "Top alerts by count", "tooltip", "Share of all alerts", "value", counted, "name",
			       "top_alerts_by_severity", "label", "Top alerts by severity", "tooltip", "Worst severity", "value",
			       heavy));
}

void compat_alert_top(struct compat *c)
{
	struct compat_walk w;
	if (!begin_walk(c, family_of(c), &w))
		return;
	c->acc = json_object();
	w.what = "top.alerts";
	w.by = "entity,type_id,title,severity";
	w.sort = "-alerts";
	w.row = top_row;
	w.done = top_done;
	compat_walk(c, &w);
}

/* -- counts over time: {"<midnight>": [24 hourly counts]} -- */

void compat_count_hour(json_t *days, uint64_t time, json_int_t n)
{
	uint64_t s = time / 1000000000u, day = s - s % 86400;
	char key[24];
	snprintf(key, sizeof key, "%" PRIu64, day);
	json_t *hours = json_object_get(days, key);
	if (!hours) {
		hours = json_array();
		for (int i = 0; i < 24; i++)
			json_array_append_new(hours, json_integer(0));
		json_object_set_new(days, key, hours);
	}
	json_t *count = json_array_get(hours, (s - day) / 3600);
	json_integer_set(count, json_integer_value(count) + n);
}

struct hours {
	uint64_t seen, total;
};

static bool ts_row(struct compat *c, const void *rec, const char *base)
{
	(void)base;
	struct hours *h = c->state;
	const struct g_sample *s = &((const struct r_sample *)rec)->sample;
	h->seen++;
	compat_count_hour(c->acc, s->time, (json_int_t)s->alerts);
	return true;
}

static void ts_done(struct compat *c, bool more)
{
	const struct hours *h = c->state;
	if (more || h->seen < h->total)
		compat_fail(c, RC_INVALID_ARGUMENTS, "alerts in more hours than are told at once: narrow the times");
	else
		compat_ok(c, json_incref(c->acc));
}

void compat_alert_ts(struct compat *c)
{
	struct compat_walk w;
	if (!begin_walk(c, family_of(c), &w))
		return;
	c->acc = json_object();
	struct hours *h = xcalloc(1, sizeof *h);
	c->state = h;
	c->free_state = free;
	w.what = "series.alerts";
	w.total = &h->total;
	w.step = 3600000000000u;
	w.sort = NULL;
	w.row = ts_row;
	w.done = ts_done;
	compat_walk(c, &w);
}

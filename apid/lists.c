/* Flows, hosts and alerts: from the live view, or asked of alertd. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accept.h"
#include "apid.h"
#include "codec.h"
#include "hash.h"
#include "json.h"
#include "list.h"
#include "problem.h"
#include "shapes.h"

#define ASK_MS    12000

/* -- writing: JSON, JSON lines, comma-separated values -- */

/* As format says, else what is wanted most; of two, the one that is not what everybody gets. */
static enum list_form form_of(const struct request *r)
{
	static const char *const names[] = { "json", "ndjson", "csv" };
	static const char *const types[] = { "application/json", "application/x-ndjson", "text/csv" };
	const char *asked = uri_param(request_uri(r), "format"), *accept = request_header(r, "Accept");
	enum list_form best = LIST_JSON;
	double most = accept_q(accept, types[LIST_JSON]);
	for (int f = LIST_NDJSON; f <= LIST_CSV; f++) {
		double q = asked ? strcmp(asked, names[f]) == 0 : accept_q(accept, types[f]);
		if (q > 0 && (asked || q >= most)) {
			best = (enum list_form)f;
			most = q;
		}
	}
	return best;
}

/* RFC 4180; what a spreadsheet would take for a formula gets an apostrophe before it. */
static void csv_value(struct buf *out, const char *s, size_t len)
{
	if (len && strchr("=+-@\t\r", *s))
		buf_addc(out, '\'');
	if (!memchr(s, '"', len) && !memchr(s, ',', len) && !memchr(s, '\n', len) && !memchr(s, '\r', len)) {
		buf_add(out, s, len);
		return;
	}
	buf_addc(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '"')
			buf_addc(out, '"');
		buf_addc(out, s[i]);
	}
	buf_addc(out, '"');
}

static void csv_field_value(struct list *l, const struct field *f, const void *value, const char *base)
{
	buf_reset(&l->cell);
	text_value(&l->cell, f, value, base);
	csv_value(&l->body, l->cell.p ? l->cell.p : "", l->cell.len);
}

struct csv_column {
	const struct field *f; /* NULL: there is none of this name, the cells are empty */
	unsigned off;
	const char *name;
};

static void add_column(struct list *l, const struct csv_column *c)
{
	if ((l->n_columns & (l->n_columns + 1)) == 0) /* room is doubled when it is full: 1, 3, 7 ... */
		l->columns = xrealloc(l->columns, 2 * (l->n_columns + 1) * sizeof *l->columns);
	l->columns[l->n_columns++] = *c;
}

/* Columns: the fields asked for, else all that are no blobs, under the name that finds them again. */
static void find_columns(struct list *l)
{
	const struct rdesc *rd = rdesc_get(l->type);
	struct csv_column c = { 0 };
	for (char **name = l->p.fields; name && *name; name++) {
		c = (struct csv_column){ .name = *name };
		c.f = rdesc_field(rd, *name, &c.off);
		add_column(l, &c);
	}
	for (unsigned g = 0; !l->p.fields && g < rd->n_groups; g++)
		for (unsigned i = 0; i < rd->groups[g].n_fields; i++) {
			c = (struct csv_column){ .f = &rd->groups[g].fields[i], .name = rd->groups[g].fields[i].name };
			/* of two fields with one name, the first */
			if (c.f->type != FT_BIN && rdesc_field(rd, c.name, &c.off) == c.f)
				add_column(l, &c);
		}
}

static void csv_header(struct list *l)
{
	find_columns(l);
	for (size_t i = 0; i < l->n_columns; i++)
		buf_addf(&l->body, "%s%s", i ? "," : "", l->columns[i].name);
	buf_adds(&l->body, "\r\n");
}

static void csv_row(struct list *l, const void *rec, const char *base)
{
	for (size_t i = 0; i < l->n_columns; i++) {
		const struct csv_column *c = &l->columns[i];
		buf_adds(&l->body, i ? "," : "");
		if (c->f)
			csv_field_value(l, c->f, (const char *)rec + c->off, base);
	}
	buf_adds(&l->body, "\r\n");
}

struct list *list_new(struct apid *k, struct request *r, enum rtype type, bool one)
{
	struct list *l = xcalloc(1, sizeof *l);
	const char *fields = one ? uri_param(request_uri(r), "fields") : NULL; /* those of a list: params_read */
	*l = (struct list){ .k = k, .r = r, .type = type, .one = one, .p.limit = 1 };
	if (fields)
		params_fields(&l->p, fields);
	l->form = one ? LIST_JSON : form_of(r);
	return l;
}

static void list_free(struct list *l)
{
	params_release(&l->p);
	buf_release(&l->body);
	buf_release(&l->cell);
	buf_release(&l->question);
	answer_release(l->at_hand);
	free(l->columns);
	free(l->arg);
	free(l);
}

void list_problem(struct list *l, unsigned status, const char *detail, const struct param_error *e)
{
	request_problem(l->r, status, detail, e);
	list_free(l);
}

void list_bad_param(struct list *l, const char *param, const char *reason)
{
	request_bad_param(l->r, param, reason);
	list_free(l);
}

/* A list with the parameters of the request; on error the request is answered and NULL returned. */
struct list *list_read(struct apid *k, struct request *r, enum rtype type)
{
	struct list *l = list_new(k, r, type, false);
	struct param_error e;
	if (params_read(&l->p, request_uri(r), type, &e))
		return l;
	list_problem(l, 400, PROBLEM_PARAM, &e);
	return NULL;
}

void list_add(void *arg, const void *rec, const char *base)
{
	struct list *l = arg;
	if (l->n++ == 0 && !l->one && l->form == LIST_JSON)
		buf_adds(&l->body, "{\"data\":[");
	else if (l->n == 1 && l->form == LIST_CSV)
		csv_header(l);
	else if (l->n > 1 && l->form == LIST_JSON)
		buf_addc(&l->body, ',');
	if (l->form == LIST_CSV) {
		csv_row(l, rec, base);
		return;
	}
	json_record(&l->body, l->type, rec, base, JSON_NO_BIN, (const char *const *)l->p.fields);
	if (l->form == LIST_NDJSON)
		buf_addc(&l->body, '\n');
}

/* Where the next page is, for those who follow links (RFC 8288). */
static void add_link(struct list *l, const char *next)
{
	const struct uri *u = request_uri(l->r);
	struct buf b = { 0 };
	buf_addf(&b, "<%s?", u->path);
	for (size_t i = 0; i < u->n; i++)
		if (strcmp(u->params[i].name, "cursor") != 0) {
			uri_encode(&b, u->params[i].name);
			buf_addc(&b, '=');
			uri_encode(&b, u->params[i].value);
			buf_addc(&b, '&');
		}
	buf_addf(&b, "cursor=%s>; rel=\"next\"", next);
	request_header_add(l->r, "Link", buf_cstr(&b));
	buf_release(&b);
}

static void reply(struct list *l, const char *next)
{
	static const char *const types[] = { "application/json", "application/x-ndjson", "text/csv; charset=utf-8" };
	if (*next)
		add_link(l, next);
	request_reply(l->r, l->status ? l->status : 200, types[l->form], &l->body);
	list_free(l);
}

void list_end(struct list *l, const char *next, bool has_total, uint64_t total)
{
	if (l->one && l->n == 0) {
		list_problem(l, 404, "there is none with this id", NULL);
		return;
	}
	if (!l->one && l->form == LIST_JSON) {
		buf_adds(&l->body, l->n ? "],\"next\":" : "{\"data\":[],\"next\":");
		if (*next)
			json_quote(&l->body, next, strlen(next));
		else
			buf_adds(&l->body, "null");
		if (has_total)
			buf_addf(&l->body, ",\"total\":%" PRIu64 "}", total);
		else
			buf_adds(&l->body, ",\"total\":null}");
	} else if (l->form == LIST_CSV && l->n == 0) {
		csv_header(l);
	}
	if (l->form == LIST_JSON)
		buf_addc(&l->body, '\n');
	if (l->revision)
		answers_keep(l->k->answers, &l->question, l->revision, &l->body, next);
	reply(l, next);
}

void list_end_bare(struct list *l, const char *close, const char *next)
{
	if (*next)
		add_link(l, next);
	buf_adds(&l->body, close);
	request_reply(l->r, 200, "application/json", &l->body);
	list_free(l);
}

/* -- live -- */

static void require_time(struct params *p, const char *field, const char *op, uint64_t t)
{
	struct buf b = { 0 };
	if (!t)
		return;
	buf_addf(&b, "%s %s ", field, op);
	json_time(&b, t);
	params_require(p, buf_cstr(&b));
	buf_release(&b);
}

void list_live(struct list *l, const struct live *live, const char *default_sort)
{
	char next[LIVE_CURSOR];
	uint64_t total;
	struct param_error e = { 0 };
	const char *sort = *l->p.sort ? l->p.sort : default_sort;
	int rc;
	require_time(&l->p, "last", ">=", l->p.start);
	require_time(&l->p, "first", "<=", l->p.end);
	if (!params_finish(&l->p, l->type, &e)) {
		list_problem(l, 400, PROBLEM_PARAM, &e);
		return;
	}
	struct live_query q = { .limit = l->p.limit, .cursor = *l->p.cursor ? l->p.cursor : NULL };
	q.match = l->p.filter.len ? l->p.match : NULL;
	q.question = (uint32_t)hash_content(l->p.filter.p, l->p.filter.len, hash_content(sort, strlen(sort), 0));
	if (!live_sort_parse(l->type, sort, &q.sort))
		list_bad_param(l, "sort", "no fields of the records that can be sorted by, or too many of them");
	else if ((rc = live_page(live, &q, list_add, l, next, &total)) == -1)
		list_bad_param(l, "cursor", "none that was given out");
	else if (rc < 0)
		list_problem(l, 410, "the cursor belongs to another filter or order: begin again without it", NULL);
	else
		list_end(l, next, true, total);
}

void get_flows(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt, (void)id;
	struct apid *k = arg;
	struct list *l = list_read(k, r, R_FLOW);
	if (l)
		list_live(l, k->flows, "-last");
}

void get_hosts(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt, (void)id;
	struct apid *k = arg;
	struct list *l = list_read(k, r, R_HOST);
	if (l)
		list_live(l, k->hosts, "-score");
}

/* Adds the one record of a table that an expression names, the first in this order; false if there is none. */
static bool find_one(struct list *l, const struct live *table, const char *expression, const char *sort)
{
	char next[LIVE_CURSOR];
	uint64_t total;
	struct param_error e = { 0 };
	struct live_query q = { .limit = 1 };
	if (*expression)
		params_require(&l->p, expression);
	if (!params_finish(&l->p, l->type, &e) || !live_sort_parse(l->type, sort, &q.sort))
		return false;
	q.match = l->p.match;
	return live_page(table, &q, list_add, l, next, &total) == 0 && l->n;
}

void list_one(struct list *l, const struct live *table, const char *expression, const char *sort)
{
	find_one(l, table, expression, sort);
	list_end(l, "", false, 0);
}

bool list_host(const char *id, struct addr *ret_ip, unsigned long *ret_vlan)
{
	char *end = NULL;
	size_t n = strcspn(id, "@");
	*ret_vlan = id[n] ? strtoul(id + n + 1, &end, 10) : 0;
	return addr_parse(id, n, ret_ip) == 0 && !(end && (*end || end == id + n + 1)) && *ret_vlan <= 4095;
}

void get_host(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt;
	struct apid *k = arg;
	struct addr ip;
	unsigned long vlan;
	struct list *l = list_new(k, r, R_HOST, true);
	if (!list_host(id, &ip, &vlan)) {
		list_problem(l, 404, "a host is named by its address, or address@vlan", NULL);
		return;
	}
	live_find(k->hosts, &(struct r_host){ .host = { .ip = ip, .vlan = (uint16_t)vlan } }, list_add, l);
	list_end(l, "", false, 0);
}

/* -- stored -- */

/* alertd has nothing newer than what is at hand. */
static void reply_again(struct list *l)
{
	l->k->answered_again++;
	buf_add(&l->body, l->at_hand->body.p, l->at_hand->body.len);
	reply(l, l->at_hand->next);
}

static void on_stored(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	static union {
		struct r_alert alert;
		struct r_flow flow;
		struct r_top top;
		struct r_sample sample;
		struct r_run run;
		struct r_silence silence;
	} rec;
	struct list *l = arg;
	char next[256];
	l->k->asked--;
	if (a)
		l->k->alertd.heard = mono_ns();
	if (a && a->status == 304 && l->at_hand) {
		reply_again(l);
		return;
	}
	if (!a || a->status != 200) {
		request_refused(l->r, a, a ? r->base : NULL);
		list_free(l);
		return;
	}
	l->revision = l->question.len ? a->revision : 0;
	for (uint32_t i = 0; i < a->count && codec_peek(r) == l->type && codec_read(r, &rec) == 1; i++)
		(l->add ? l->add : list_add)(l, &rec, r->base);
	snprintf(next, sizeof next, "%.*s", (int)a->next.len, a->next.len ? str_ptr(r->base, a->next) : "");
	if (l->end)
		l->end(l, next);
	else
		list_end(l, next, l->p.count, a->total);
}

/* The question and all else that the body depends on; what is ended in a way of its own has an end of its own, too. */
static void name_question(struct list *l, const struct r_query *q, const char *base)
{
	if (l->end || !str_eq(base, q->query.what, "alerts"))
		return;
	codec_pack(&l->question, R_QUERY, q, base);
	buf_addf(&l->question, "%d %d", l->form, l->one);
	for (char **name = l->p.fields; name && *name; name++)
		buf_addf(&l->question, " %s", *name);
	l->at_hand = answers_find(l->k->answers, &l->question);
}

void list_ask(struct list *l, const char *what)
{
	struct buf strs = { 0 };
	struct r_query q = { .query = { .limit = l->p.limit, .start = l->p.start, .end = l->p.end, .count = l->p.count } };
	if (l->k->asked >= APID_MAX_ASKED) {
		request_header_add(l->r, "Retry-After", "1");
		list_problem(l, 503, "too many questions to the store at once", NULL);
		return;
	}
	q.query.what = str_put_raw(&strs, what, strlen(what));
	q.query.filter = str_put_raw(&strs, l->p.filter.p, l->p.filter.len);
	q.query.sort = str_put_raw(&strs, l->p.sort, strlen(l->p.sort));
	q.query.cursor = str_put_raw(&strs, l->p.cursor, strlen(l->p.cursor));
	q.query.by = str_put_raw(&strs, l->p.by, strlen(l->p.by));
	q.query.key = str_put_raw(&strs, l->p.key, strlen(l->p.key));
	q.query.run = str_put_raw(&strs, l->p.run, strlen(l->p.run));
	q.query.step = l->p.step;
	name_question(l, &q, strs.p);
	q.query.have = l->at_hand ? l->at_hand->revision : 0;
	l->k->asked++;
	if (link_ask(l->k->c->loop, l->k->query_url, R_QUERY, &q, strs.p, ASK_MS, on_stored, l) < 0)
		on_stored(l, NULL, NULL);
	buf_release(&strs);
}

void get_history(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt, (void)id;
	struct list *l = list_read(arg, r, R_FLOW);
	if (l)
		list_ask(l, "flows");
}

void get_alerts(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt, (void)id;
	struct list *l = list_read(arg, r, R_ALERT);
	if (!l)
		return;
	shape_alerts(l);
	list_ask(l, "alerts");
}

/* Starts a list of the one record with this id; NULL if the text is no id: the request is answered. */
static struct list *list_by_id(struct apid *k, struct request *r, enum rtype type, const char *text, struct id *id,
			       char expression[static 40])
{
	char canonical[ID_STRLEN];
	if (id_parse(text, strlen(text), id) < 0) {
		request_problem(r, 404, "an id has 26 letters and digits", NULL);
		return NULL;
	}
	snprintf(expression, 40, "id = %s", id_str(*id, canonical));
	return list_new(k, r, type, true);
}

void list_stored(struct apid *k, struct request *r, enum rtype type, const char *what, const char *text, unsigned status)
{
	char expression[40];
	struct id id;
	struct list *l = list_by_id(k, r, type, text, &id, expression);
	if (!l)
		return;
	l->status = status;
	params_require(&l->p, expression);
	list_ask(l, what);
}

void get_alert(void *arg, struct request *r, const struct route *rt, const char *text)
{
	(void)rt;
	list_stored(arg, r, R_ALERT, "alerts", text, 200);
}

void get_silences(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt, (void)id;
	struct list *l = list_read(arg, r, R_SILENCE);
	if (l)
		list_ask(l, "silences");
}

void get_silence(void *arg, struct request *r, const struct route *rt, const char *text)
{
	(void)rt;
	list_stored(arg, r, R_SILENCE, "silences", text, 200);
}

/* A flow that the live view has forgotten may be in the store. */
void get_flow(void *arg, struct request *r, const struct route *rt, const char *text)
{
	(void)rt;
	struct apid *k = arg;
	char expression[40];
	struct id id;
	struct list *l = list_by_id(k, r, R_FLOW, text, &id, expression);
	if (!l)
		return;
	struct r_flow like = { .key.id = id };
	while (live_find(k->flows, &like, NULL, NULL)) /* the last part of those that are there */
		like.n.part++;
	like.n.part -= like.n.part > 0;
	if (live_find(k->flows, &like, list_add, l) || find_one(l, k->flows, expression, "-last")) {
		list_end(l, "", false, 0);
		return;
	}
	l->p.start = id_time_ms(id) * 1000000u;
	list_ask(l, "flows");
}

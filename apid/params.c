#include "params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define P_FILTER { "filter", PT_MATCH, "an expression in the match language, weir-match(7)", 0, 0, NULL }
#define P_SORT   { "sort", PT_SORT, "fields to sort by, joined by commas, '-' before each that descends", 0, 0, NULL }
#define P_LIMIT  { "limit", PT_NUMBER, "records wanted, 100 if absent", 1, PARAMS_MAX_LIMIT, NULL }
#define P_CURSOR { "cursor", PT_TEXT, "where to go on: 'next' of the reply before", 0, 0, NULL }
#define P_START  { "start", PT_TIME, "oldest time wanted", 0, 0, NULL }
#define P_END    { "end", PT_TIME, "newest time wanted", 0, 0, NULL }
#define P_FIELDS { "fields", PT_FIELDS, "names of the fields wanted, joined by commas", 0, 0, NULL }
#define P_COUNT  { "count", PT_FLAG, "also count all that match ('total')", 0, 0, NULL }
#define P_FORMAT { "format", PT_CHOICES, "form of the reply; the header Accept does the same", 0, 0, "json,csv,ndjson" }
#define P_RUN    { "run", PT_TEXT, "only what this run stored, as /api/v1/runs names it", 0, 0, NULL }
#define P_LAST   { NULL, PT_TEXT, NULL, 0, 0, NULL }

const struct route_param params_list[] = { P_FILTER, P_SORT, P_LIMIT, P_CURSOR, P_START, P_END, P_FIELDS, P_COUNT, P_FORMAT, P_LAST };
const struct route_param params_stored[] = { P_FILTER, P_SORT, P_LIMIT, P_CURSOR, P_START, P_END, P_FIELDS, P_COUNT, P_FORMAT, P_RUN,
					     P_LAST };
const struct route_param params_runs[] = { P_FORMAT, P_LAST };
const struct route_param params_alerts[] = {
	P_FILTER, P_SORT, P_LIMIT, P_CURSOR, P_START, P_END, P_FIELDS, P_COUNT, P_FORMAT, P_RUN,
	{ "shape", PT_CHOICES, "annotations: an array of {time, timeEnd, title, text, tags}, as dashboards take it", 0, 0,
	  "records,annotations" },
	P_LAST,
};
const struct route_param params_table[] = { P_FILTER, P_SORT, P_LIMIT, P_CURSOR, P_FIELDS, P_FORMAT, P_LAST };
const struct route_param params_tally[] = {
	P_FILTER, P_SORT, P_LIMIT, P_CURSOR, P_FIELDS, P_FORMAT,
	{ "sensor", PT_TEXT, "only what this sensor has seen; all together if absent", 0, 0, NULL },
	P_LAST,
};
const struct route_param params_one[] = { P_FIELDS, P_LAST };
const struct route_param params_plain[] = { P_FILTER, P_LIMIT, P_CURSOR, P_FIELDS, P_COUNT, P_FORMAT, P_LAST };

#define TOP_PARAMS                                                                    \
	P_FILTER, P_LIMIT, P_START, P_END, P_FORMAT, P_RUN,                           \
	{ "sort", PT_CHOICES, "what decides: the largest first", 0, 0,               \
	  "-bytes,-bytes_sent,-bytes_rcvd,-packets,-flows,-alerts,-score,-last,first" }

const struct route_param params_top[] = { TOP_PARAMS, P_LAST };

const struct route_param params_series[] = {
	{ "by", PT_TEXT, "a series each: sensor, app, 'sensor,app', host, 'host,app', check; or up to three fields of flows, "
	  "which are added up by the time of their end then, as with a filter; all sensors together if absent", 0, 0, NULL },
	{ "key", PT_TEXT, "only this one: a sensor, application, ADDRESS[@VLAN], check", 0, 0, NULL },
	{ "step", PT_NUMBER,
	  "seconds of a span, 60 if absent; if not in whole minutes, of flows by the time of their end", 1, 366 * 86400, NULL },
	{ "shape", PT_CHOICES, "rows: an array of flat objects, as dashboards take it", 0, 0, "records,rows" },
	TOP_PARAMS,
	P_LAST,
};

const struct route_param params_group[] = {
	{ "by", PT_TEXT, "up to four fields, joined by commas; 'ip' is either end of a flow", 0, 0, NULL },
	TOP_PARAMS,
	P_LAST,
};

/* What begins with s, as a pattern: a star in s stands for one character, and not for many. */
static void add_prefix(struct buf *b, const char *s)
{
	struct buf pattern = { 0 };
	for (; *s; s++)
		buf_addc(&pattern, *s == '*' ? '?' : *s);
	buf_addc(&pattern, '*');
	match_quote(b, pattern.p, pattern.len);
	buf_release(&pattern);
}

void params_require(struct params *p, const char *expression)
{
	buf_addf(&p->filter, "%s(%s)", p->filter.len ? " and " : "", expression);
}

/* field[op]=value becomes 'field op "value"'; a list of values becomes 'field in ("a", "b")'. */
static void add_condition(struct params *p, const char *name, const char *field, const char *op, const char *value)
{
	struct buf b = { 0 };
	buf_addf(&b, "%s %s ", field, op);
	if (strstr(name, "[prefix]")) {
		add_prefix(&b, value);
	} else if (strcmp(op, "in") != 0 && strcmp(op, "not in") != 0) {
		match_quote(&b, value, strlen(value));
	} else {
		char before = '(';
		do {
			size_t n = strcspn(value, ",");
			buf_addc(&b, before);
			match_quote(&b, value, n);
			before = ',';
			value += n;
		} while (*value++);
		buf_addc(&b, ')');
	}
	params_require(p, buf_cstr(&b));
	buf_release(&b);
}

void params_fields(struct params *p, const char *list)
{
	size_t n = 0;
	while (p->fields && p->fields[n])
		n++;
	do {
		size_t len = strcspn(list, ",");
		p->fields = xrealloc(p->fields, (n + 2) * sizeof *p->fields);
		p->fields[n++] = xstrndup(list, len);
		p->fields[n] = NULL;
		list += len;
	} while (*list++);
}

static bool wrong(struct param_error *e, const char *param, const char *reason)
{
	snprintf(e->param, sizeof e->param, "%s", param);
	snprintf(e->reason, sizeof e->reason, "%s", reason);
	return false;
}

static bool copy(char *to, size_t size, const char *value, const char *name, struct param_error *e)
{
	if (strlen(value) >= size)
		return wrong(e, name, "too long");
	memcpy(to, value, strlen(value) + 1);
	return true;
}

/* Checks a condition on its own, so that an error names its parameter. */
static bool check_condition(struct params *p, enum rtype type, size_t before, const char *name, struct param_error *e)
{
	struct match_error me;
	const char *text = buf_cstr(&p->filter) + before;
	struct match *m = match_parse(strncmp(text, " and ", 5) == 0 ? text + 5 : text, type, &me);
	match_free(m);
	return m || wrong(e, name, me.text);
}

/* Whole by itself: what follows cannot change its meaning. */
static bool read_filter(struct params *p, const char *value, enum rtype type, struct param_error *e)
{
	struct match_error me;
	struct match *m = match_parse(value, type, &me);
	if (!m)
		return wrong(e, "filter", me.text);
	match_free(m);
	if (value[strspn(value, " \t\n")])
		params_require(p, value);
	return true;
}

static bool read_limit(struct params *p, const char *value, struct param_error *e)
{
	unsigned long n = strtoul(value, NULL, 10);
	p->limit = (uint32_t)n;
	return (n >= 1 && n <= PARAMS_MAX_LIMIT) || wrong(e, "limit", "beyond its bounds");
}

static bool read_text(struct params *p, const char *name, const char *value, bool *ret_good, struct param_error *e)
{
	const struct {
		const char *name;
		char *to;
		size_t size;
	} texts[] = { { "sort", p->sort, sizeof p->sort }, { "cursor", p->cursor, sizeof p->cursor }, { "by", p->by, sizeof p->by },
		      { "key", p->key, sizeof p->key },    { "run", p->run, sizeof p->run } };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (strcmp(name, texts[i].name) == 0) {
			*ret_good = copy(texts[i].to, texts[i].size, value, name, e);
			return true;
		}
	return false;
}

static bool is_list_param(const char *name)
{
	for (const struct route_param *r = params_stored; r->name; r++)
		if (strcmp(r->name, name) == 0)
			return true;
	return false;
}

static bool read_one(struct params *p, const char *name, const char *value, enum rtype type, struct param_error *e)
{
	char field[64];
	const char *op;
	bool good;
	/* Those of sums and series only are fields where the records have such a field. */
	if (!is_list_param(name) && route_field(name, type, field, &op)) {
		size_t before = p->filter.len;
		add_condition(p, name, field, op, value);
		return check_condition(p, type, before, name, e);
	}
	if (read_text(p, name, value, &good, e))
		return good;
	if (strcmp(name, "filter") == 0)
		return read_filter(p, value, type, e);
	if (strcmp(name, "limit") == 0)
		return read_limit(p, value, e);
	if (strcmp(name, "start") == 0)
		return route_time(value, &p->start) || wrong(e, name, "no time");
	if (strcmp(name, "end") == 0)
		return route_time(value, &p->end) || wrong(e, name, "no time");
	if (strcmp(name, "fields") == 0)
		params_fields(p, value);
	else if (strcmp(name, "count") == 0)
		p->count = route_flag(value);
	else if (strcmp(name, "step") == 0)
		p->step = strtoul(value, NULL, 10) * 1000000000u;
	else if (strcmp(name, "format") != 0 && strcmp(name, "shape") != 0 && strcmp(name, "sensor") != 0) /* the reply's concern */
		return wrong(e, name, "neither a field nor a parameter");
	return true;
}

bool params_finish(struct params *p, enum rtype type, struct param_error *e)
{
	struct match_error me;
	match_free(p->match);
	p->match = match_parse(buf_cstr(&p->filter), type, &me);
	return p->match || wrong(e, "filter", me.text);
}

bool params_read(struct params *p, const struct uri *u, enum rtype type, struct param_error *e)
{
	*p = (struct params){ .limit = PARAMS_LIMIT };
	for (size_t i = 0; i < u->n; i++)
		if (!read_one(p, u->params[i].name, u->params[i].value, type, e))
			return false;
	return params_finish(p, type, e);
}

void params_release(struct params *p)
{
	for (char **f = p->fields; f && *f; f++)
		free(*f);
	free(p->fields);
	match_free(p->match);
	buf_release(&p->filter);
}

#include "params.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void wrong(struct params *p, const char *param, const char *reason)
{
	if (*p->reason)
		return;
	snprintf(p->param, sizeof p->param, "%s", param);
	snprintf(p->reason, sizeof p->reason, "%s", reason);
}

static void add_quoted(struct buf *b, const char *s, size_t n)
{
	buf_addc(b, '"');
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '"' || s[i] == '\\')
			buf_addc(b, '\\');
		buf_addc(b, s[i]);
	}
	buf_addc(b, '"');
}

/* field[op]=value becomes 'field op "value"', all joined by and. */
static void add_condition(struct params *p, enum rtype type, const char *name, const char *value)
{
	static const char *const ops[][2] = { { "eq", "=" },  { "ne", "!=" }, { "lt", "<" },   { "le", "<=" },
					      { "gt", ">" },  { "ge", ">=" }, { "in", "in" },  { "contains", "contains" },
					      { "under", "under" }, { "like", "like" }, { "prefix", "like" }, { "cidr", "in" } };
	char field[64];
	const char *bracket = strchr(name, '['), *op = "in";
	size_t n = bracket ? (size_t)(bracket - name) : strlen(name);
	(void)type;
	if (n == 0 || n >= sizeof field || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.ABCDEFGHIJKLMNOPQRSTUVWXYZ") < n) {
		wrong(p, name, "not the name of a parameter or a field");
		return;
	}
	snprintf(field, sizeof field, "%.*s", (int)n, name);
	if (bracket) {
		op = NULL;
		for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
			size_t len = strlen(ops[i][0]);
			if (strncmp(bracket + 1, ops[i][0], len) == 0 && strcmp(bracket + 1 + len, "]") == 0)
				op = ops[i][1];
		}
		if (!op) {
			wrong(p, name, "operators are eq ne lt le gt ge in contains under like prefix cidr");
			return;
		}
	}
	if (p->filter.len)
		buf_adds(&p->filter, " and ");
	buf_addf(&p->filter, "%s %s ", field, op);
	if (strcmp(op, "in") != 0) {
		add_quoted(&p->filter, value, strlen(value));
		return;
	}
	buf_addc(&p->filter, '(');
	for (const char *v = value;; v++) {
		size_t len = strcspn(v, ",");
		if (v != value)
			buf_adds(&p->filter, ", ");
		add_quoted(&p->filter, v, len);
		v += len;
		if (!*v)
			break;
	}
	buf_addc(&p->filter, ')');
}

static bool read_time(const char *s, uint64_t *ret)
{
	struct tm tm = { 0 };
	char *end = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	if (end) {
		if (*end == '.')
			strtod(end, &end);
		*ret = (uint64_t)timegm(&tm) * 1000000000u;
		return strcmp(end, "Z") == 0 || *end == '\0';
	}
	double d = strtod(s, &end);
	/* Milliseconds, as dashboards send them, are told by their size. */
	*ret = (uint64_t)((d > 1e11 ? d / 1000 : d) * 1e9);
	return end != s && *end == '\0' && d >= 0 && d < 1e14;
}

static void add_fields(struct params *p, enum rtype type, const char *list)
{
	size_t n = 0;
	for (const char *s = list; *s && n < 200;) {
		size_t len = strcspn(s, ",");
		char *name = xstrndup(s, len);
		unsigned off;
		p->fields = xrealloc(p->fields, (n + 2) * sizeof *p->fields);
		p->fields[n++] = name;
		p->fields[n] = NULL;
		if (!rdesc_field(rdesc_get(type), name, &off))
			wrong(p, "fields", "there is a name in it that is no field, see weir-fields(7)");
		s += len + (s[len] == ',');
	}
}

void params_add(struct params *p, enum rtype type, const char *name, const char *value)
{
	char *end;
	if (strcmp(name, "filter") == 0) {
		struct match_error e;
		struct match *m = match_parse(value, type, &e);
		char text[256];
		if (!m) {
			snprintf(text, sizeof text, "character %zu: %s", e.column, e.text);
			wrong(p, name, text);
			return;
		}
		match_free(m);
		if (*value)
			buf_addf(&p->filter, "%s(%s)", p->filter.len ? " and " : "", value);
	} else if (strcmp(name, "sort") == 0) {
		snprintf(p->sort, sizeof p->sort, "%s", value);
	} else if (strcmp(name, "cursor") == 0) {
		snprintf(p->cursor, sizeof p->cursor, "%s", value);
	} else if (strcmp(name, "limit") == 0) {
		unsigned long n = strtoul(value, &end, 10);
		if (end == value || *end || n < 1 || n > PARAMS_MAX_LIMIT)
			wrong(p, name, "a number from 1 to 10000");
		p->limit = (uint32_t)n;
	} else if (strcmp(name, "start") == 0 || strcmp(name, "end") == 0) {
		if (!read_time(value, *name == 's' ? &p->start : &p->end))
			wrong(p, name, "a time such as 2026-01-31T12:00:00Z, or seconds since 1970");
	} else if (strcmp(name, "fields") == 0) {
		add_fields(p, type, value);
	} else if (strcmp(name, "count") == 0) {
		p->count = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
	} else {
		add_condition(p, type, name, value);
	}
}

bool params_finish(struct params *p, enum rtype type)
{
	struct match_error e;
	if (!p->limit)
		p->limit = 100;
	if (*p->reason)
		return false;
	p->match = match_parse(buf_cstr(&p->filter), type, &e);
	if (!p->match)
		wrong(p, "filter", e.text);
	return p->match != NULL;
}

struct reading {
	struct params *p;
	enum rtype type;
};

static void each(void *arg, const char *name, const char *value)
{
	struct reading *k = arg;
	params_add(k->p, k->type, name, value);
}

bool params_read(struct params *p, const struct request *r, enum rtype type)
{
	struct reading k = { p, type };
	*p = (struct params){ 0 };
	request_params(r, each, &k);
	return params_finish(p, type);
}

void params_release(struct params *p)
{
	for (char **f = p->fields; f && *f; f++)
		free(*f);
	free(p->fields);
	match_free(p->match);
	buf_release(&p->filter);
}

#include "route.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "match.h"

/* -- paths -- */

static bool path_fits(const char *pattern, const char *path, char *id)
{
	const char *brace = strchr(pattern, '{');
	*id = '\0';
	if (!brace)
		return strcmp(pattern, path) == 0;
	size_t n = (size_t)(brace - pattern);
	if (strncmp(pattern, path, n) != 0)
		return false;
	size_t len = strcspn(path + n, "/");
	if (len == 0 || len >= ROUTE_ID || strcmp(strchr(brace, '}') + 1, path + n + len) != 0)
		return false;
	memcpy(id, path + n, len);
	id[len] = '\0';
	return true;
}

static bool method_fits(const char *have, const char *want)
{
	const char *method = strcmp(want, "HEAD") == 0 ? "GET" : want;
	for (const char *m = have; *m;) {
		size_t n = strcspn(m, " ");
		if (strlen(method) == n && strncmp(m, method, n) == 0)
			return true;
		m += n + (m[n] == ' ');
	}
	return false;
}

static void add_methods(struct buf *allow, const char *methods)
{
	for (const char *m = methods; *m;) {
		size_t n = strcspn(m, " ");
		buf_addf(allow, "%s%.*s%s", allow->len ? ", " : "", (int)n, m, strncmp(m, "GET", n) == 0 ? ", HEAD" : "");
		m += n + (m[n] == ' ');
	}
}

static const struct route *find_in(const struct route_table *t, bool patterns, const char *method, const char *path, char *id,
				   struct buf *allow)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct route *rt = &t->rows[i];
		if ((strchr(rt->path, '{') != NULL) != patterns || !path_fits(rt->path, path, id))
			continue;
		if (method_fits(rt->method, method))
			return rt;
		add_methods(allow, rt->method);
	}
	return NULL;
}

const struct route *route_find(const struct route_table *tables, size_t n, const char *method, const char *path,
			       char id[static ROUTE_ID], struct buf *allow)
{
	const struct route *rt = NULL;
	buf_reset(allow);
	/* Paths in full are better than patterns: /flows/history is no flow. */
	for (int patterns = 0; patterns < 2 && !rt; patterns++)
		for (size_t i = 0; i < n && !rt; i++)
			rt = find_in(&tables[i], patterns, method, path, id, allow);
	return rt;
}

enum rtype route_answer(const struct route *rt)
{
	return rt->shape ? rt->shape : rt->records;
}

/* -- values of parameters -- */

bool route_flag(const char *s)
{
	return *s == '\0' || strcmp(s, "true") == 0 || strcmp(s, "1") == 0;
}

static bool is_flag(const char *s)
{
	return route_flag(s) || strcmp(s, "false") == 0 || strcmp(s, "0") == 0;
}

/* Where RFC 3339's zone begins: 'Z', '+01:00'. Seconds to subtract, or -1 beyond any if it is none. */
static bool zone_offset(const char *s, long *ret)
{
	int h, m, n = 0;
	*ret = 0;
	if (*s == '\0' || strcmp(s, "Z") == 0 || strcmp(s, "z") == 0)
		return true;
	if ((*s != '+' && *s != '-' && *s != ' ') || sscanf(s + 1, "%2d:%2d%n", &h, &m, &n) != 2 || n != 5 || s[6])
		return false;
	*ret = (h * 60L + m) * 60 * (*s == '-' ? -1 : 1); /* ' ' is a '+' that was not encoded */
	return true;
}

bool route_time(const char *s, uint64_t *ret_ns)
{
	struct tm tm = { 0 };
	char *end = strptime(s, "%Y-%m-%d", &tm);
	double frac = 0;
	long zone = 0;
	if (end) {
		if (*end && !(end = strptime(end + 1, "%H:%M:%S", &tm)))
			return false;
		if (*end == '.')
			frac = strtod(end, &end);
		time_t t = timegm(&tm);
		if (!zone_offset(end, &zone) || t < zone)
			return false;
		*ret_ns = (uint64_t)(t - zone) * 1000000000u + (uint64_t)(frac * 1e9);
		return true;
	}
	if (*s < '0' || *s > '9' || s[strspn(s, "0123456789.")])
		return false;
	double d = strtod(s, &end);
	if (d > 1e11) /* milliseconds, as dashboards send them: told by their size */
		d /= 1000;
	if (*end || d > 1.8e10)
		return false;
	*ret_ns = (uint64_t)(d * 1e9);
	return true;
}

static bool in_choices(const char *choices, const char *word, size_t len)
{
	for (const char *c = choices; *c;) {
		size_t n = strcspn(c, ",");
		if (n == len && memcmp(c, word, n) == 0)
			return true;
		c += n + (c[n] == ',');
	}
	return false;
}

static bool all_in_choices(const char *choices, const char *s)
{
	do {
		size_t n = strcspn(s, ",");
		if (!in_choices(choices, s, n))
			return false;
		s += n;
	} while (*s++);
	return true;
}

static bool check_fields(const char *list, enum rtype type, char *reason, size_t size)
{
	unsigned off;
	char name[64];
	do {
		size_t n = strcspn(list, ",");
		snprintf(name, sizeof name, "%.*s", (int)(n < 63 ? n : 63), list);
		if (n > 63 || !rdesc_field(rdesc_get(type), name, &off)) {
			snprintf(reason, size, "%s records have no field '%s', see weir-fields(7)", rdesc_get(type)->name, name);
			return false;
		}
		list += n;
	} while (*list++);
	return true;
}

static bool check_number(const struct route_param *p, const char *s)
{
	char *end;
	errno = 0;
	unsigned long n = strtoul(s, &end, 10);
	return *s >= '0' && *s <= '9' && !*end && !errno && n >= p->min && n <= p->max;
}

static bool check_match(const char *s, enum rtype type, char *reason, size_t size)
{
	struct match_error me;
	struct match *m = match_parse(s, type, &me);
	if (!m)
		snprintf(reason, size, "character %zu: %s", me.column, me.text);
	match_free(m);
	return m != NULL;
}

static bool check_value(const struct route *rt, const struct route_param *p, const char *s, char *reason, size_t size)
{
	uint64_t t;
	switch (p->type) {
	case PT_FLAG:
		snprintf(reason, size, "true or false");
		return is_flag(s);
	case PT_NUMBER:
		snprintf(reason, size, "a number from %lu to %lu", p->min, p->max);
		return check_number(p, s);
	case PT_TIME:
		snprintf(reason, size, "a time such as 2026-01-31T12:00:00Z, or seconds since 1970");
		return route_time(s, &t);
	case PT_MATCH:
		return rt->records == R_NONE || check_match(s, rt->records, reason, size);
	case PT_CHOICES:
		snprintf(reason, size, "one or more of %s", p->choices);
		return all_in_choices(p->choices, s);
	case PT_FIELDS:
		return check_fields(s, route_answer(rt), reason, size);
	case PT_TEXT:
		snprintf(reason, size, "at most %lu bytes", p->max);
		return !p->max || strlen(s) <= p->max;
	case PT_SORT:
		break;
	}
	return true;
}

/* -- fields as parameters -- */

bool route_field(const char *name, enum rtype type, char field[64], const char **op)
{
	static const char *const ops[][2] = { { "eq", "in" }, { "ne", "not in" }, { "lt", "<" }, { "le", "<=" }, { "gt", ">" },
					      { "ge", ">=" }, { "in", "in" }, { "contains", "contains" }, { "under", "under" },
					      { "like", "like" }, { "prefix", "like" }, { "cidr", "in" } };
	const char *bracket = strchr(name, '[');
	size_t n = bracket ? (size_t)(bracket - name) : strlen(name);
	struct match_error e;
	char probe[80];
	if (n == 0 || n >= 64 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.ABCDEFGHIJKLMNOPQRSTUVWXYZ-") < n)
		return false;
	memcpy(field, name, n);
	field[n] = '\0';
	*op = "in";
	if (bracket) {
		*op = NULL;
		for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
			size_t len = strlen(ops[i][0]);
			if (strncmp(bracket + 1, ops[i][0], len) == 0 && strcmp(bracket + 1 + len, "]") == 0)
				*op = ops[i][1];
		}
	}
	if (!*op)
		return false;
	/* A field alone is an expression: that it is present. So the language itself says what a field is. */
	snprintf(probe, sizeof probe, "%s", field);
	struct match *m = match_parse(probe, type, &e);
	match_free(m);
	return m != NULL;
}

/* -- all parameters of a request -- */

static bool wrong(struct param_error *e, const char *param, const char *reason)
{
	snprintf(e->param, sizeof e->param, "%s", param);
	if (reason)
		snprintf(e->reason, sizeof e->reason, "%s", reason);
	return false;
}

static const struct route_param *find_param(const struct route *rt, const char *name)
{
	for (const struct route_param *p = rt->params; p && p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

static bool unknown(const struct route *rt, const char *name, struct param_error *e)
{
	struct buf b = { 0 };
	buf_adds(&b, rt->records ? "neither a field of the records (weir-fields(7)) with an operator of eq ne lt le gt ge in"
				   " contains under like prefix cidr, nor one of"
				 : "there is no such parameter");
	for (const struct route_param *p = rt->params; p && p->name; p++)
		buf_addf(&b, " %s", p->name);
	wrong(e, name, buf_cstr(&b));
	buf_release(&b);
	return false;
}

bool route_check(const struct route *rt, const struct uri *u, struct param_error *e)
{
	char field[64];
	const char *op;
	for (size_t i = 0; rt->params && i < u->n; i++) {
		const char *name = u->params[i].name;
		const struct route_param *p = find_param(rt, name);
		if (!p && (rt->records == R_NONE || !route_field(name, rt->records, field, &op)))
			return unknown(rt, name, e);
		if (!p)
			continue;
		if (uri_param(u, name) != u->params[i].value && p->type != PT_MATCH)
			return wrong(e, name, "it is there twice");
		if (!check_value(rt, p, u->params[i].value, e->reason, sizeof e->reason))
			return wrong(e, name, NULL);
	}
	return true;
}

/* What ntopng's lists and pies have in common: filters, pages by number, shares. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "match.h"

#define MAX_PAGE 100000

void filter_add(struct buf *b, const char *expression)
{
	buf_addf(b, "%s%s", b->len ? " and " : "", expression);
}

void filter_text(struct buf *b, const char *field, const char *value)
{
	buf_addf(b, "%s%s = ", b->len ? " and " : "", field);
	match_quote(b, value, strlen(value));
}

void filter_either(struct buf *b, const char *host)
{
	filter_add(b, "either.ip = ");
	match_quote(b, host, strcspn(host, ";@"));
}

void filter_arg(const struct compat *c, struct buf *b, const char *arg, const char *field)
{
	const char *value = compat_arg(c, arg);
	if (value)
		filter_text(b, field, value);
}

void filter_choices(const struct compat *c, struct buf *b, const struct compat_choice *choices)
{
	for (; choices->arg; choices++) {
		const char *value = compat_arg(c, choices->arg);
		if (value && strcmp(value, choices->value) == 0)
			filter_add(b, choices->expression);
	}
}

struct match *filter_parse(struct buf *b, enum rtype type)
{
	struct match_error e;
	struct match *m = match_parse(buf_cstr(b), type, &e);
	buf_release(b);
	return m ? m : match_parse("vlan = 1 and vlan = 2", type, &e);
}

/* -- pages -- */

struct page {
	struct compat *c;
	json_t *(*row)(struct compat *c, const void *rec, const char *base);
	json_t *rows;
	uint64_t skip;
};

static void add_row(void *arg, const void *rec, const char *base)
{
	struct page *p = arg;
	if (p->skip)
		p->skip--;
	else
		json_array_append_new(p->rows, p->row(p->c, rec, base));
}

static long between(long n, long min, long max)
{
	return n < min ? min : n > max ? max : n;
}

json_t *compat_page(struct compat *c, const struct live *live, enum rtype type, const struct match *m,
		    const struct compat_order *orders,
		    json_t *(*row)(struct compat *c, const void *rec, const char *base), uint64_t *total)
{
	const char *name = compat_arg(c, "sortColumn"), *order = compat_arg(c, "sortOrder"), *field = NULL;
	bool desc = !order || strcasecmp(order, "asc") != 0;
	long per = between(compat_number(c, "perPage", compat_number(c, "length", 10)), 1, MAX_PAGE);
	long page = between(compat_number(c, "currentPage", 1 + compat_number(c, "start", 0) / per), 1, MAX_PAGE);
	char sort[64], next[LIVE_CURSOR], column[80];
	struct live_query q = { .match = m };
	if (name && strncmp(name, "column_", 7) == 0)
		name += 7;
	for (; orders->name; orders++)
		if (name && strcmp(name, orders->name) == 0)
			field = orders->field;
	if (compat_flag(c, "all", false)) {
		per = MAX_PAGE;
		page = 1;
	}
	snprintf(sort, sizeof sort, "%s%s", desc ? "-" : "", field ? field : orders->field);
	live_sort_parse(type, sort, &q.sort);
	q.limit = (uint32_t)(page > MAX_PAGE / per ? MAX_PAGE : page * per);
	struct page p = { c, row, json_array(), (uint64_t)(page - 1) * (uint64_t)per };
	live_page(live, &q, add_row, &p, next, total);
	snprintf(column, sizeof column, "column_%.60s", name ? name : "");
	json_t *sorted = name ? json_pack("[[s,s]]", column, desc ? "desc" : "asc") : json_pack("[[]]");
	return json_pack("{s:i,s:i,s:I,s:o,s:o}", "perPage", (int)per, "currentPage", (int)page, "totalRows", (json_int_t)*total,
			 "data", p.rows, "sort", sorted);
}

void compat_active(struct compat *c, const struct live *live, enum rtype type, const struct match *m,
		   const struct compat_order *orders, json_t *(*row)(struct compat *c, const void *rec, const char *base))
{
	uint64_t total;
	json_t *rsp = compat_page(c, live, type, m, orders, row, &total);
	if (c->row->variant) {
		json_t *data = json_incref(json_object_get(rsp, "data"));
		c->beside = json_pack("{s:I,s:I}", "recordsTotal", (json_int_t)total, "recordsFiltered", (json_int_t)total);
		json_decref(rsp);
		rsp = data;
	}
	compat_ok(c, rsp);
}

/* -- pies -- */

struct slice {
	const char *label;
	json_int_t value;
};

static int by_value(const void *x, const void *y)
{
	const struct slice *a = x, *b = y;
	if (a->value != b->value)
		return a->value < b->value ? 1 : -1;
	return strcmp(a->label, b->label);
}

json_t *compat_pie(json_t *sums, double fold, long max, bool always_other)
{
	size_t n = 0;
	struct slice *s = xcalloc(json_object_size(sums) + 1, sizeof *s);
	json_int_t all = 0, other = 0;
	json_t *rows = json_array(), *v;
	const char *label;
	json_object_foreach(sums, label, v) {
		s[n++] = (struct slice){ label, json_integer_value(v) };
		all += json_integer_value(v);
	}
	qsort(s, n, sizeof *s, by_value);
	for (size_t i = 0; i < n; i++) {
		if ((long)i >= max || (double)s[i].value * 100 < fold * (double)all)
			other += s[i].value;
		else
			json_array_append_new(rows, json_pack("{s:s,s:I,s:s}", "label", s[i].label, "value", s[i].value, "url",
							      ""));
	}
	if (other || always_other || n == 0)
		json_array_append_new(rows, json_pack("{s:s,s:I}", "label", "Other", "value", other));
	free(s);
	json_decref(sums);
	return rows;
}

#include "compat_sql.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json.h"
#include "match.h"

#define MAX_DEPTH 32

/* -- words -- */

enum token { T_END, T_WORD, T_NUMBER, T_STRING, T_MARK };

struct lexer {
	const char *p;
	enum token type;
	char text[256]; /* of the token */
	struct sql_query *q;
	int depth;
};

static bool fail(struct lexer *l, const char *why)
{
	if (!*l->q->error)
		snprintf(l->q->error, sizeof l->q->error, "%s%s%.60s", why, *l->text ? ": " : "", l->text);
	return false;
}

static bool take(struct lexer *l, const char *from, size_t n, enum token type)
{
	if (n >= sizeof l->text) {
		*l->text = '\0';
		return fail(l, "a word is too long");
	}
	memcpy(l->text, from, n);
	l->text[n] = '\0';
	l->type = type;
	return true;
}

/* 'text' and "text", a quote doubled inside (SQL:2016 5.3). */
static bool quoted(struct lexer *l)
{
	char quote = *l->p++, text[256];
	size_t n = 0;
	for (; *l->p; l->p++) {
		if (*l->p == quote && l->p[1] != quote) {
			l->p++;
			return take(l, text, n, T_STRING);
		}
		l->p += *l->p == quote;
		if (n == sizeof text)
			return fail(l, "a text is too long");
		text[n++] = *l->p;
	}
	return fail(l, "a quote is not closed");
}

static bool next(struct lexer *l)
{
	l->p += strspn(l->p, " \t\r\n");
	const char *s = l->p;
	if (!*s)
		return take(l, s, 0, T_END);
	if (*s == '\'' || *s == '"')
		return quoted(l);
	if (isalpha((unsigned char)*s) || *s == '_') {
		while (isalnum((unsigned char)*l->p) || *l->p == '_')
			l->p++;
		return take(l, s, (size_t)(l->p - s), T_WORD);
	}
	if (isdigit((unsigned char)*s) || (*s == '-' && isdigit((unsigned char)s[1]))) {
		l->p++;
		l->p += strspn(l->p, "0123456789.");
		return take(l, s, (size_t)(l->p - s), T_NUMBER);
	}
	size_t n = strspn(s, "<>=!");
	if (n > 2 || (n == 0 && !strchr("(),*", *s))) {
		take(l, s, 1, T_MARK);
		return fail(l, "not understood here");
	}
	l->p += n ? n : 1;
	return take(l, s, n ? n : 1, T_MARK);
}

static bool is_mark(const struct lexer *l, const char *mark)
{
	return l->type == T_MARK && strcmp(l->text, mark) == 0;
}

static bool is_word(const struct lexer *l, const char *word)
{
	return l->type == T_WORD && strcasecmp(l->text, word) == 0;
}

static const struct sql_column *find_column(const struct sql_table *t, const char *name)
{
	for (const struct sql_column *c = t->columns; c->name; c++)
		if (strcasecmp(c->name, name) == 0)
			return c;
	return NULL;
}

/* -- WHERE: to the match language -- */

static const struct field *field_of(const struct sql_table *t, const char *name)
{
	unsigned off;
	return rdesc_field(rdesc_get(t->type), name, &off);
}

/* A value as the field of a column has it. */
static bool put_value(struct lexer *l, const struct sql_column *col, struct buf *b)
{
	const struct field *f = field_of(l->q->table, col->field);
	if (l->type != T_NUMBER && l->type != T_STRING)
		return fail(l, "a number or a text is wanted");
	if (col->kind == SQL_EPOCH) {
		json_time(b, strtoull(l->text, NULL, 10) * 1000000000u);
	} else if (col->kind == SQL_NUMBER && f && f->type == FT_ENUM) {
		const char *name = enum_name(f->names, (unsigned)strtoul(l->text, NULL, 10));
		match_quote(b, name, strlen(name));
	} else if ((col->kind == SQL_NUMBER && f && f->type == FT_FLAG) || col->kind == SQL_REMOTE) {
		bool set = strtol(l->text, NULL, 10) != 0;
		buf_adds(b, set != (col->kind == SQL_REMOTE) ? "true" : "false");
	} else {
		match_quote(b, l->text, strlen(l->text));
	}
	return true;
}

static bool read_or(struct lexer *l);

static bool read_list(struct lexer *l, const struct sql_column *col, const char *field, bool negated)
{
	struct buf *b = &l->q->where;
	if (!next(l) || !is_mark(l, "("))
		return fail(l, "IN wants a list");
	buf_addf(b, "%s(", negated ? "not " : "");
	for (const char *or = "";; or = " or ") {
		buf_addf(b, "%s%s = ", or, field);
		if (!next(l) || !put_value(l, col, b) || !next(l))
			return fail(l, "a list is not closed");
		if (is_mark(l, ")"))
			break;
		if (!is_mark(l, ","))
			return fail(l, "a list has commas");
	}
	buf_addc(b, ')');
	return next(l);
}

/* LIKE's % is our *; its _ is our ?. */
static bool read_like(struct lexer *l, const char *field, bool negated)
{
	if (!next(l) || l->type != T_STRING)
		return fail(l, "LIKE wants a text");
	for (char *p = l->text; *p; p++)
		*p = *p == '%' ? '*' : *p == '_' ? '?' : *p;
	buf_addf(&l->q->where, "%s(%s like ", negated ? "not " : "", field);
	match_quote(&l->q->where, l->text, strlen(l->text));
	buf_addc(&l->q->where, ')');
	return next(l);
}

static bool read_between(struct lexer *l, const struct sql_column *col, const char *field)
{
	struct buf *b = &l->q->where;
	buf_addf(b, "(%s >= ", field);
	if (!next(l) || !put_value(l, col, b) || !next(l) || !is_word(l, "AND"))
		return fail(l, "BETWEEN wants two values");
	buf_addf(b, " and %s <= ", field);
	if (!next(l) || !put_value(l, col, b))
		return false;
	buf_addc(b, ')');
	return next(l);
}

/* column op value; the value may stand in parentheses. */
static bool read_comparison(struct lexer *l)
{
	static const char *const ops[][2] = { { "=", "=" }, { "==", "=" }, { "!=", "!=" }, { "<>", "!=" }, { "<", "<" },
					      { "<=", "<=" }, { ">", ">" }, { ">=", ">=" } };
	const struct sql_column *col = l->type == T_WORD ? find_column(l->q->table, l->text) : NULL;
	const char *op = NULL;
	if (!col)
		return fail(l, "there is no such column");
	const char *field = col->match ? col->match : col->field;
	if (!*field || col->kind == SQL_FIXED)
		return fail(l, "a condition cannot be about this column");
	if (!next(l))
		return false;
	bool negated = is_word(l, "NOT");
	if (negated && !next(l))
		return false;
	if (is_word(l, "IN"))
		return read_list(l, col, field, negated);
	if (is_word(l, "LIKE"))
		return read_like(l, field, negated);
	if (is_word(l, "BETWEEN") && !negated)
		return read_between(l, col, field);
	for (size_t i = 0; l->type == T_MARK && i < sizeof ops / sizeof *ops; i++)
		if (strcmp(l->text, ops[i][0]) == 0)
			op = ops[i][1];
	if (!op || negated)
		return fail(l, "a comparison is wanted");
	buf_addf(&l->q->where, "(%s %s ", field, op);
	if (!next(l))
		return false;
	bool inside = is_mark(l, "(");
	if ((inside && !next(l)) || !put_value(l, col, &l->q->where) || !next(l))
		return false;
	if (inside && (!is_mark(l, ")") || !next(l)))
		return fail(l, "a parenthesis is not closed");
	buf_addc(&l->q->where, ')');
	return true;
}

static bool read_term(struct lexer *l)
{
	if (++l->depth > MAX_DEPTH)
		return fail(l, "nested too deep");
	bool good;
	if (is_word(l, "NOT")) {
		buf_adds(&l->q->where, "not ");
		good = next(l) && read_term(l);
	} else if (is_mark(l, "(")) {
		buf_addc(&l->q->where, '(');
		good = next(l) && read_or(l) && (is_mark(l, ")") || fail(l, "a parenthesis is not closed")) && next(l);
		buf_addc(&l->q->where, ')');
	} else {
		good = read_comparison(l);
	}
	l->depth--;
	return good;
}

static bool read_and(struct lexer *l)
{
	if (!read_term(l))
		return false;
	while (is_word(l, "AND")) {
		buf_adds(&l->q->where, " and ");
		if (!next(l) || !read_term(l))
			return false;
	}
	return true;
}

static bool read_or(struct lexer *l)
{
	if (!read_and(l))
		return false;
	while (is_word(l, "OR")) {
		buf_adds(&l->q->where, " or ");
		if (!next(l) || !read_and(l))
			return false;
	}
	return true;
}

/* -- SELECT, GROUP BY, ORDER BY -- */

static enum sql_function function_of(const char *name)
{
	static const struct {
		const char *name;
		enum sql_function f;
	} rows[] = { { "COUNT", SQL_COUNT }, { "SUM", SQL_TOTAL }, { "MIN", SQL_MIN }, { "MAX", SQL_MAX }, { "AVG", SQL_AVG } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcasecmp(rows[i].name, name) == 0)
			return rows[i].f;
	return SQL_NONE;
}

static void select_all(struct sql_query *q)
{
	for (const struct sql_column *c = q->table->columns; c->name && q->n_items < SQL_MAX_ITEMS; c++) {
		struct sql_item *i = &q->items[q->n_items++];
		*i = (struct sql_item){ .column = c };
		snprintf(i->name, sizeof i->name, "%s", c->name);
	}
}

static bool read_function(struct lexer *l, struct sql_item *i, enum sql_function f)
{
	i->function = f;
	l->q->grouped = true;
	if (!next(l)) /* what stands in it */
		return false;
	if (is_mark(l, "*") && f == SQL_COUNT) {
		snprintf(i->name, sizeof i->name, "COUNT(*)");
	} else {
		i->column = l->type == T_WORD ? find_column(l->q->table, l->text) : NULL;
		if (!i->column)
			return fail(l, "there is no such column");
		static const char *const names[] = { "", "COUNT", "SUM", "MIN", "MAX", "AVG" };
		snprintf(i->name, sizeof i->name, "%s(%.40s)", names[f], l->text);
	}
	return next(l) && (is_mark(l, ")") || fail(l, "a function is not closed")) && next(l);
}

/* column | FUNCTION(column), then maybe [AS] name */
static bool read_item(struct lexer *l)
{
	struct sql_item *i = &l->q->items[l->q->n_items];
	char word[256];
	if (l->q->n_items == SQL_MAX_ITEMS || l->type != T_WORD)
		return fail(l, "a column is wanted");
	memcpy(word, l->text, sizeof word);
	*i = (struct sql_item){ .column = find_column(l->q->table, word) };
	if (!next(l))
		return false;
	if (is_mark(l, "(")) {
		enum sql_function f = function_of(word);
		if (f == SQL_NONE)
			return fail(l, "functions are COUNT, SUM, MIN, MAX, AVG");
		if (!read_function(l, i, f))
			return false;
	} else if (!i->column) {
		memcpy(l->text, word, sizeof word);
		return fail(l, "there is no such column");
	} else {
		snprintf(i->name, sizeof i->name, "%s", i->column->name);
	}
	if (is_word(l, "AS") && !next(l))
		return false;
	if (l->type == T_WORD) {
		snprintf(i->name, sizeof i->name, "%.63s", l->text);
		if (!next(l))
			return false;
	}
	l->q->n_items++;
	return true;
}

static bool read_select(struct lexer *l)
{
	if (is_mark(l, "*")) {
		select_all(l->q);
		return next(l);
	}
	if (!read_item(l))
		return false;
	while (is_mark(l, ","))
		if (!next(l) || !read_item(l))
			return false;
	return true;
}

static bool read_group(struct lexer *l)
{
	struct sql_query *q = l->q;
	for (;;) {
		const struct sql_column *col = l->type == T_WORD ? find_column(q->table, l->text) : NULL;
		if (!col || q->n_groups == sizeof q->groups / sizeof *q->groups)
			return fail(l, "there is no such column");
		q->groups[q->n_groups++] = (struct sql_item){ .column = col };
		if (!next(l))
			return false;
		if (!is_mark(l, ","))
			return true;
		if (!next(l))
			return false;
	}
}

static int find_item(const struct sql_query *q, const char *name)
{
	for (size_t i = 0; i < q->n_items; i++)
		if (strcasecmp(q->items[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* The first column that the result has decides. */
static bool read_order(struct lexer *l)
{
	for (;;) {
		if (l->type != T_WORD)
			return fail(l, "a column is wanted");
		int item = find_item(l->q, l->text);
		if (!next(l))
			return false;
		bool desc = is_word(l, "DESC");
		if ((desc || is_word(l, "ASC")) && !next(l))
			return false;
		if (l->q->order < 0 && item >= 0) {
			l->q->order = item;
			l->q->desc = desc;
		}
		if (!is_mark(l, ","))
			return true;
		if (!next(l))
			return false;
	}
}

static bool clause(struct sql_query *q, const char *text, bool (*read)(struct lexer *l))
{
	struct lexer l = { .p = text ? text : "", .q = q };
	if (!next(&l))
		return false;
	if (l.type == T_END)
		return true;
	return read(&l) && (l.type == T_END || fail(&l, "not understood here"));
}

static void find_fields(const struct sql_table *t, struct sql_item *items, size_t n)
{
	const struct rdesc *rd = rdesc_get(t->type);
	for (struct sql_item *i = items; i < items + n; i++) {
		if (i->column)
			i->field = rdesc_field(rd, i->column->field, &i->off);
		if (i->column && i->column->field2)
			i->field2 = rdesc_field(rd, i->column->field2, &i->off2);
	}
}

static bool is_number(enum ftype t)
{
	return t <= FT_DUR || t == FT_ENUM || t == FT_PROTO;
}

/* Texts are counted only: what they add up to is nothing. */
static bool are_numbers(struct sql_query *q)
{
	for (const struct sql_item *i = q->items; i < q->items + q->n_items; i++)
		if (i->function > SQL_COUNT && i->column->kind == SQL_VALUE && i->field && !is_number(i->field->type)) {
			snprintf(q->error, sizeof q->error, "SUM, MIN, MAX and AVG want a number: %.60s", i->column->name);
			return false;
		}
	return true;
}

bool sql_parse(struct sql_query *q, const struct sql_table *t, const struct sql_clauses *c)
{
	*q = (struct sql_query){ .table = t, .order = -1 };
	bool good = clause(q, c->select && *c->select ? c->select : "*", read_select) && clause(q, c->where, read_or) &&
		    clause(q, c->group, read_group) && clause(q, c->order, read_order);
	q->grouped |= q->n_groups > 0;
	struct match_error e;
	struct match *m = good ? match_parse(buf_cstr(&q->where), t->type, &e) : NULL;
	if (good && !m)
		snprintf(q->error, sizeof q->error, "%.150s", e.text);
	match_free(m);
	find_fields(t, q->items, q->n_items);
	find_fields(t, q->groups, q->n_groups);
	return m != NULL && are_numbers(q);
}

void sql_release(struct sql_query *q)
{
	buf_release(&q->where);
}

/* -- values -- */

static double number_of(const struct field *f, const void *v)
{
	return f->type == FT_F64 ? *(const double *)v : (double)field_uint(f, v);
}

void sql_value(const struct sql_item *item, const void *rec, const char *base, struct buf *out, double *ret_number)
{
	const struct sql_column *col = item->column;
	const struct field *f = item->field, *f2 = item->field2;
	const char *v = (const char *)rec + item->off, *v2 = (const char *)rec + item->off2;
	double n = 0;
	*ret_number = 0;
	if (col->kind == SQL_FIXED) {
		buf_adds(out, col->field);
		*ret_number = strtod(col->field, NULL);
		return;
	}
	if (!f)
		return;
	if (col->kind == SQL_VALUE) {
		*ret_number = is_number(f->type) ? number_of(f, v) : 0;
		text_value(out, f, v, base);
		return;
	}
	if (col->kind == SQL_EPOCH)
		n = (double)(*(const uint64_t *)(const void *)v / 1000000000u);
	else if (col->kind == SQL_SPAN && f2)
		n = (double)(*(const uint64_t *)(const void *)v2 - *(const uint64_t *)(const void *)v) / 1e9;
	else if (col->kind == SQL_REMOTE)
		n = !*(const uint8_t *)v;
	else
		n = f->type == FT_PROTO || f->type == FT_ENUM || f->type == FT_FLAG ? *(const uint8_t *)v : number_of(f, v);
	if (col->kind == SQL_SUM && f2)
		n += number_of(f2, v2);
	*ret_number = n;
	buf_addf(out, "%.0f", n);
}

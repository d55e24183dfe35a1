#include <stdio.h>

#include "match_ast.h"

struct sql {
	const struct match *m;
	const char *const *columns;
	struct match_value *values;
	size_t n, max;
};

/* Column of a field: the name as written, '_' for '.'; false if the table has no such column. */
static bool column(const struct sql *s, const char *name, char *col, size_t size)
{
	size_t i = 0;
	for (; name[i] && i + 1 < size; i++)
		col[i] = name[i] == '.' ? '_' : name[i];
	col[i] = '\0';
	if (!s->columns)
		return true;
	for (const char *const *c = s->columns; *c; c++)
		if (strcmp(*c, col) == 0)
			return true;
	return false;
}

static bool bind(struct sql *s, struct buf *out, struct match_value v)
{
	if (s->n == s->max)
		return false;
	s->values[s->n++] = v;
	buf_addf(out, "?%zu", s->n);
	return true;
}

static struct match_value bind_int(uint64_t v)
{
	/* SQLite's integers are signed: what does not fit compares as the largest. */
	return (struct match_value){ .kind = MB_INT, .i = v > INT64_MAX ? INT64_MAX : (long long)v };
}

static struct match_value bind_blob(const void *p, size_t len)
{
	return (struct match_value){ .kind = MB_BLOB, .p = p, .len = len };
}

static bool one_value(struct sql *s, struct buf *out, const char *col, const struct m_node *n, const struct m_value *v)
{
	static const char *const ops[] = { "=", "!=", "<", "<=", ">", ">=" };
	const struct field *f = n->ref[0].f;
	bool ordered = n->op < M_IN;
	switch (f->type) {
	case FT_STR:
		if (n->op != M_EQ && n->op != M_NE && n->op != M_IN)
			return false;
		buf_addf(out, "\"%s\" %s ", col, n->op == M_NE ? "!=" : "=");
		return bind(s, out, (struct match_value){ .kind = MB_TEXT, .p = v->text, .len = v->len }) &&
		       (buf_adds(out, " COLLATE NOCASE"), true);
	case FT_ADDR:
		if (n->op != M_EQ && n->op != M_NE && n->op != M_IN)
			return false;
		buf_addf(out, "\"%s\" %sBETWEEN ", col, n->op == M_NE ? "NOT " : "");
		return bind(s, out, bind_blob(v->alo.b, 16)) && (buf_adds(out, " AND "), true) &&
		       bind(s, out, bind_blob(v->ahi.b, 16));
	case FT_MAC:
		buf_addf(out, "\"%s\" %s ", col, n->op == M_NE ? "!=" : "=");
		return bind(s, out, bind_blob(v->mac.b, 6));
	case FT_ID:
	case FT_LIST:
	case FT_MAP:
	case FT_BIN:
	case FT_F64:
		return false;
	default:
		if (n->op == M_IN) {
			buf_addf(out, "\"%s\" BETWEEN ", col);
			return bind(s, out, bind_int(v->lo)) && (buf_adds(out, " AND "), true) &&
			       bind(s, out, bind_int(v->hi));
		}
		if (!ordered)
			return false;
		buf_addf(out, "\"%s\" %s ", col, ops[n->op]);
		return bind(s, out, bind_int(v->lo));
	}
}

/* The condition of one field; false if the database cannot decide it. */
static bool one_ref(struct sql *s, struct buf *out, const struct m_node *n, const char *name)
{
	char col[80];
	if (n->ref[0].kind != MK_FIELD || !column(s, name, col, sizeof col) || n->op == M_PRESENT)
		return false;
	buf_addc(out, '(');
	for (unsigned i = 0; i < n->n_values; i++) {
		if (i)
			buf_adds(out, " OR ");
		if (!one_value(s, out, col, n, &n->values[i]))
			return false;
	}
	buf_addc(out, ')');
	return true;
}

static bool compare(struct sql *s, struct buf *out, const struct m_node *n)
{
	char name[80];
	const char *suffix = n->name;
	if (n->n_refs == 1)
		return one_ref(s, out, n, n->name);
	if (strncmp(suffix, "either.", 7) == 0)
		suffix += 7;
	else if (strcmp(suffix, "host") == 0)
		suffix = "ip";
	buf_addc(out, '(');
	snprintf(name, sizeof name, "client.%s", suffix);
	if (!one_ref(s, out, n, name))
		return false;
	buf_adds(out, n->op == M_NE ? " AND " : " OR ");
	snprintf(name, sizeof name, "server.%s", suffix);
	if (!one_ref(s, out, n, name))
		return false;
	buf_addc(out, ')');
	return true;
}

/*
 * Appends a condition that every matching row meets, and returns true, if there is one better than "all rows". *exact:
 * whether rows that meet it all match.
 */
static bool walk(struct sql *s, struct buf *out, const struct m_node *n, bool *exact)
{
	size_t len = out->len, bound = s->n;
	bool a, b, ea, eb;
	switch (n->kind) {
	case MN_TRUE:
		*exact = true;
		return false;
	case MN_CMP:
		*exact = true;
		if (compare(s, out, n))
			return true;
		break;
	case MN_NOT:
		/* Only the opposite of an exact condition is a condition. */
		buf_adds(out, "NOT ");
		if (walk(s, out, n->a, exact) && *exact)
			return true;
		break;
	case MN_AND:
		buf_addc(out, '(');
		a = walk(s, out, n->a, &ea);
		if (a)
			buf_adds(out, " AND ");
		b = walk(s, out, n->b, &eb);
		if (a && !b)
			out->len -= 5;
		*exact = ea && eb;
		if (a || b) {
			buf_addc(out, ')');
			return true;
		}
		break;
	case MN_OR:
		buf_addc(out, '(');
		a = walk(s, out, n->a, &ea);
		buf_adds(out, " OR ");
		b = a && walk(s, out, n->b, &eb);
		if (a && b) {
			buf_addc(out, ')');
			*exact = ea && eb;
			return true;
		}
		break;
	}
	out->len = len;
	s->n = bound;
	*exact = false;
	return false;
}

size_t match_sql(const struct match *m, const char *const *columns, struct buf *sql, struct match_value *values,
		 size_t max_values, bool *ret_exact)
{
	struct sql s = { .m = m, .columns = columns, .values = values, .max = max_values };
	if (!walk(&s, sql, m->root, ret_exact))
		buf_adds(sql, "1");
	return s.n;
}

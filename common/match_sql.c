#include <stdio.h>

#include "match_ast.h"

struct sql {
	const struct rdesc *rd;
	const char *const *columns;
	struct match_value *values;
	size_t n, max;
	struct buf *out;
};

/* How much of a condition the database decides. */
enum part {
	NONE,  /* nothing: nothing was written */
	MORE,  /* every record that matches, and others */
	EXACT, /* the records that match and no others */
};

static void column_name(const char *field, char col[static 80])
{
	size_t i = 0;
	for (; i < 79 && field[i]; i++)
		col[i] = field[i] == '.' ? '_' : field[i];
	col[i] = '\0';
}

/*
 * The column of the field at this place in the record; false if the table has none. The name belongs to the first field
 * that has it: 'client_score' and 'client.score' are two fields of an alert.
 */
static bool column_at(const struct sql *s, unsigned off, char col[static 80])
{
	const char *own = NULL;
	char other[80];
	for (unsigned g = 0; g < s->rd->n_groups && !own; g++)
		for (unsigned i = 0; i < s->rd->groups[g].n_fields && !own; i++)
			if ((unsigned)s->rd->groups[g].off + s->rd->groups[g].fields[i].off == off)
				own = s->rd->groups[g].fields[i].name;
	if (!own)
		return false;
	column_name(own, col);
	for (unsigned g = 0; g < s->rd->n_groups; g++)
		for (unsigned i = 0; i < s->rd->groups[g].n_fields; i++) {
			column_name(s->rd->groups[g].fields[i].name, other);
			if (strcmp(other, col) != 0)
				continue;
			if ((unsigned)s->rd->groups[g].off + s->rd->groups[g].fields[i].off != off)
				return false;
			for (const char *const *c = s->columns; c && *c; c++)
				if (strcmp(*c, col) == 0)
					return true;
			return !s->columns;
		}
	return false;
}

/* The column, or what is computed from two. Quoted: 'check', 'end' and 'values' are words of SQL. */
static bool expression(const struct sql *s, const struct m_ref *r, char text[static 200])
{
	char a[80], b[80];
	if (r->kind == MK_MAP || !column_at(s, r->off, a))
		return false;
	if (r->kind == MK_FIELD)
		snprintf(text, 200, "\"%s\"", a);
	else if (!column_at(s, r->off2, b))
		return false;
	else
		snprintf(text, 200, r->kind == MK_SUM ? "(\"%s\" + \"%s\")" : "max(\"%s\" - \"%s\", 0)", a, b);
	return true;
}

/* -- values -- */

static enum part bind(struct sql *s, struct match_value v, enum part good)
{
	if (s->n == s->max)
		return NONE;
	s->values[s->n++] = v;
	buf_addf(s->out, "?%zu", s->n);
	return good;
}

static enum part bind_text(struct sql *s, const char *text, enum part good)
{
	return bind(s, (struct match_value){ .kind = MB_TEXT, .p = text, .len = strlen(text) }, good);
}

static enum part bind_blob(struct sql *s, const void *p, size_t len)
{
	return bind(s, (struct match_value){ .kind = MB_BLOB, .p = p, .len = len }, EXACT);
}

/* A database's integers have a sign: what is larger cannot be compared there. */
static enum part bind_int(struct sql *s, uint64_t v)
{
	if (v > INT64_MAX)
		return NONE;
	return bind(s, (struct match_value){ .kind = MB_INT, .i = (long long)v }, EXACT);
}

static enum part between(struct sql *s, const char *col, const struct m_value *v, bool blobs)
{
	buf_addf(s->out, "%s BETWEEN ", col);
	if ((blobs ? bind_blob(s, v->alo.b, 16) : bind_int(s, v->lo)) == NONE)
		return NONE;
	buf_adds(s->out, " AND ");
	return blobs ? bind_blob(s, v->ahi.b, 16) : bind_int(s, v->hi);
}

static enum part text_value(struct sql *s, const char *col, const struct m_node *n, const struct m_value *v)
{
	bool one = n->ref[0].f->type == FT_STR;
	if (n->op == M_LIKE) {
		if (!one || !v->sql)
			return NONE;
		buf_addf(s->out, "lower(%s) GLOB ", col);
		return bind_text(s, v->sql, EXACT);
	}
	if (one && n->op != M_CONTAINS && n->op != M_UNDER) {
		buf_addf(s->out, "%s = ", col);
		enum part p = bind_text(s, v->text, EXACT);
		buf_adds(s->out, " COLLATE NOCASE");
		return p;
	}
	if (!v->len)
		return NONE;
	/* What is kept as one text with an item a line: exact where the item is asked for as a whole line. */
	if (v->sql)
		buf_addf(s->out, "instr(char(10)||lower(%s)||char(10), ", col);
	else
		buf_addf(s->out, "instr(lower(%s), ", col);
	enum part p = bind_text(s, v->sql ? v->sql : v->text, v->sql || (one && n->op == M_CONTAINS) ? EXACT : MORE);
	buf_adds(s->out, ") > 0");
	return p;
}

static enum part one_value(struct sql *s, const char *col, const struct m_node *n, const struct m_value *v)
{
	static const char *const ops[] = { "=", "=", "<", "<=", ">", ">=" };
	switch (m_class_of(&n->ref[0])) {
	case MC_TEXT:
		return n->ref[0].f->type == FT_BIN ? NONE : text_value(s, col, n, v);
	case MC_ADDR:
		return n->op == M_EQ || n->op == M_NE || n->op == M_IN ? between(s, col, v, true) : NONE;
	case MC_MAC:
		buf_addf(s->out, "%s = ", col);
		return bind_blob(s, v->mac.b, 6);
	case MC_ID:
		buf_addf(s->out, "%s = ", col);
		return bind_blob(s, v->id_bytes, 16);
	case MC_REAL:
		return NONE;
	case MC_ORDERED:
		break;
	}
	if (n->op == M_CONTAINS) {
		buf_addf(s->out, "(%s & %llu) = ", col, (unsigned long long)v->lo);
		return bind_int(s, v->lo);
	}
	if (n->op == M_IN)
		return between(s, col, v, false);
	buf_addf(s->out, "%s %s ", col, ops[n->op]);
	return bind_int(s, v->lo);
}

static enum part is_present(struct sql *s, const struct m_ref *r, const char *col)
{
	switch (r->kind == MK_FIELD ? r->f->type : FT_U64) {
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
		buf_addf(s->out, "%s != ''", col);
		return EXACT;
	case FT_ADDR:
	case FT_MAC:
	case FT_ID:
	case FT_BIN:
		buf_addf(s->out, "%s != x''", col);
		return EXACT;
	case FT_F64:
		return NONE;
	default:
		buf_addf(s->out, "%s != 0", col);
		return EXACT;
	}
}

/* -- conditions -- */

static enum part compare(struct sql *s, const struct m_node *n)
{
	enum part least = EXACT;
	unsigned each = n->op == M_PRESENT ? 1 : n->n_values;
	char col[200];
	buf_adds(s->out, n->op == M_NE ? "NOT (" : "(");
	for (unsigned i = 0; i < n->n_refs; i++) {
		if (!expression(s, &n->ref[i], col))
			return NONE;
		for (unsigned k = 0; k < each; k++) {
			if (i || k)
				buf_adds(s->out, " OR ");
			enum part p = n->op == M_PRESENT ? is_present(s, &n->ref[i], col)
							 : one_value(s, col, n, &n->values[k]);
			if (p < least)
				least = p;
			if (p == NONE)
				return NONE;
		}
	}
	buf_addc(s->out, ')');
	return n->op == M_NE && least != EXACT ? NONE : least;
}

static enum part walk(struct sql *s, const struct m_node *n);

static enum part both(struct sql *s, const struct m_node *n)
{
	buf_addc(s->out, '(');
	enum part a = walk(s, n->a);
	size_t joint = s->out->len;
	if (a != NONE)
		buf_adds(s->out, " AND ");
	enum part b = walk(s, n->b);
	if (b == NONE)
		s->out->len = joint;
	buf_addc(s->out, ')');
	if (a == NONE && b == NONE)
		return NONE;
	return a == EXACT && b == EXACT ? EXACT : MORE;
}

static enum part either(struct sql *s, const struct m_node *n)
{
	buf_addc(s->out, '(');
	enum part a = walk(s, n->a);
	if (a == NONE)
		return NONE;
	buf_adds(s->out, " OR ");
	enum part b = walk(s, n->b);
	buf_addc(s->out, ')');
	return a < b ? a : b;
}

/* Appends a condition; nothing at all when the answer is NONE. */
static enum part walk(struct sql *s, const struct m_node *n)
{
	size_t len = s->out->len, bound = s->n;
	enum part p = NONE;
	switch (n->kind) {
	case MN_TRUE:
		break;
	case MN_CMP:
		p = compare(s, n);
		break;
	case MN_NOT:
		/* Only the opposite of an exact condition is one. */
		buf_adds(s->out, "NOT ");
		if (walk(s, n->a) == EXACT)
			p = EXACT;
		break;
	case MN_AND:
		p = both(s, n);
		break;
	case MN_OR:
		p = either(s, n);
		break;
	}
	if (p == NONE) {
		s->out->len = len;
		s->n = bound;
	}
	return p;
}

size_t match_sql(const struct match *m, const char *const *columns, struct buf *sql, struct match_value *values,
		 size_t max_values, bool *ret_exact)
{
	struct sql s = { .rd = rdesc_get(m->type), .columns = columns, .values = values, .max = max_values, .out = sql };
	enum part p = walk(&s, m->root);
	if (p == NONE)
		buf_adds(sql, "1");
	*ret_exact = p == EXACT || m->root->kind == MN_TRUE;
	return s.n;
}

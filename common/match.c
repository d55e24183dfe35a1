#include "match.h"

#include <ctype.h>
#include <stdlib.h>

#include "match_ast.h"

/* -- compare -- */

static uint64_t load_uint(const struct field *f, const void *v)
{
	switch (f->type) {
	case FT_U16:
		return *(const uint16_t *)v;
	case FT_U32:
		return *(const uint32_t *)v;
	case FT_U64:
	case FT_TIME:
	case FT_DUR:
		return *(const uint64_t *)v;
	default:
		return *(const uint8_t *)v;
	}
}

static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static bool same_text(const char *a, size_t alen, const char *b, size_t blen)
{
	if (alen != blen)
		return false;
	for (size_t i = 0; i < alen; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

static bool contains_text(const char *a, size_t alen, const char *b, size_t blen)
{
	for (size_t i = 0; i + blen <= alen; i++)
		if (same_text(a + i, blen, b, blen))
			return true;
	return false;
}

/* a is the domain b or a name below it; a dot at the front of b is allowed. */
static bool under_domain(const char *a, size_t alen, const char *b, size_t blen)
{
	if (blen && *b == '.') {
		b++;
		blen--;
	}
	if (alen && a[alen - 1] == '.')
		alen--;
	if (alen < blen || !same_text(a + alen - blen, blen, b, blen))
		return false;
	return alen == blen || a[alen - blen - 1] == '.';
}

/* Glob with * and ?. Linear in time: only the last star is ever gone back to. */
static bool like_text(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t i = 0, j = 0, star = SIZE_MAX, mark = 0;
	while (i < alen) {
		if (j < blen && (b[j] == '?' || (b[j] != '*' && lower(a[i]) == lower(b[j])))) {
			i++;
			j++;
		} else if (j < blen && b[j] == '*') {
			star = j++;
			mark = i;
		} else if (star != SIZE_MAX) {
			j = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (j < blen && b[j] == '*')
		j++;
	return j == blen;
}

static bool text_op(enum m_op op, const char *a, size_t alen, const struct m_value *v)
{
	switch (op) {
	case M_CONTAINS:
		return contains_text(a, alen, v->text, v->len);
	case M_UNDER:
		return under_domain(a, alen, v->text, v->len);
	case M_LIKE:
		return like_text(a, alen, v->text, v->len);
	default:
		return same_text(a, alen, v->text, v->len);
	}
}

static bool eval_text(const struct m_node *n, const struct m_ref *r, const struct str *s, const char *base)
{
	bool list = r->f->type == FT_LIST || r->f->type == FT_MAP, found = false;
	const char *p = base + s->off, *end = p + s->len;
	if (n->op == M_PRESENT)
		return s->len != 0;
	do {
		const char *nl = list && p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
		size_t len = nl ? (size_t)(nl - p) : (size_t)(end - p);
		const char *eq = r->f->type == FT_MAP && len ? memchr(p, '=', len) : NULL;
		for (unsigned i = 0; i < n->n_values && !found; i++)
			found = text_op(n->op, p, eq ? (size_t)(eq - p) : len, &n->values[i]);
		p = nl ? nl + 1 : end;
	} while (!found && p < end);
	return n->op == M_NE ? !found : found;
}

static bool eval_ordered(const struct m_node *n, const struct m_ref *r, uint64_t v)
{
	bool found = false;
	switch (n->op) {
	case M_PRESENT:
		return v != 0;
	case M_LT:
		return v < n->values[0].lo;
	case M_LE:
		return v <= n->values[0].lo;
	case M_GT:
		return v > n->values[0].lo;
	case M_GE:
		return v >= n->values[0].lo;
	case M_CONTAINS:
		return (v & n->values[0].lo) == n->values[0].lo;
	default:
		break;
	}
	(void)r;
	for (unsigned i = 0; i < n->n_values && !found; i++)
		found = v >= n->values[i].lo && v <= n->values[i].hi;
	return n->op == M_NE ? !found : found;
}

static bool eval_real(const struct m_node *n, double v)
{
	bool found = false;
	switch (n->op) {
	case M_PRESENT:
		return v != 0;
	case M_LT:
		return v < n->values[0].dlo;
	case M_LE:
		return v <= n->values[0].dlo;
	case M_GT:
		return v > n->values[0].dlo;
	case M_GE:
		return v >= n->values[0].dlo;
	default:
		break;
	}
	for (unsigned i = 0; i < n->n_values && !found; i++)
		found = v >= n->values[i].dlo && v <= n->values[i].dhi;
	return n->op == M_NE ? !found : found;
}

static bool eval_addr(const struct m_node *n, const struct addr *a)
{
	bool found = false;
	if (n->op == M_PRESENT)
		return addr_is_set(a);
	switch (n->op) {
	case M_LT:
		return addr_cmp(a, &n->values[0].alo) < 0;
	case M_LE:
		return addr_cmp(a, &n->values[0].ahi) <= 0;
	case M_GT:
		return addr_cmp(a, &n->values[0].ahi) > 0;
	case M_GE:
		return addr_cmp(a, &n->values[0].alo) >= 0;
	default:
		break;
	}
	for (unsigned i = 0; i < n->n_values && !found; i++)
		found = addr_cmp(a, &n->values[i].alo) >= 0 && addr_cmp(a, &n->values[i].ahi) <= 0;
	return n->op == M_NE ? !found : found;
}

static bool eval_bytes(const struct m_node *n, const void *v, bool set)
{
	bool found = false;
	if (n->op == M_PRESENT)
		return set;
	for (unsigned i = 0; i < n->n_values && !found; i++)
		found = n->ref[0].f->type == FT_MAC ? memcmp(v, &n->values[i].mac, 6) == 0
						    : memcmp(v, &n->values[i].id, 16) == 0;
	return n->op == M_NE ? !found : found;
}

/* The number a map has for a key; false if it has none. */
static bool map_number(const struct str *s, const char *base, const char *key, double *ret)
{
	const char *p = base + s->off, *end = p + s->len;
	size_t klen = strlen(key);
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = nl ? (size_t)(nl - p) : (size_t)(end - p);
		if (len > klen && p[klen] == '=' && same_text(p, klen, key, klen)) {
			char text[40];
			size_t n = len - klen - 1 < sizeof text - 1 ? len - klen - 1 : sizeof text - 1;
			memcpy(text, p + klen + 1, n);
			text[n] = '\0';
			*ret = strtod(text, NULL);
			return true;
		}
		p += len + 1;
	}
	return false;
}

static bool eval_ref(const struct m_node *n, const struct m_ref *r, const char *rec, const char *base)
{
	const void *v = rec + r->off;
	double d;
	switch (r->kind) {
	case MK_SUM:
		return eval_ordered(n, r, load_uint(r->f, v) + load_uint(r->f, rec + r->off2));
	case MK_SPAN: {
		uint64_t last = load_uint(r->f, v), first = load_uint(r->f, rec + r->off2);
		return eval_ordered(n, r, last > first ? last - first : 0);
	}
	case MK_MAP:
		if (!map_number(v, base, r->key, &d))
			return n->op == M_NE;
		return n->op == M_PRESENT || eval_real(n, d);
	case MK_FIELD:
		break;
	}
	switch (r->f->type) {
	case FT_F64:
		return eval_real(n, *(const double *)v);
	case FT_ADDR:
		return eval_addr(n, v);
	case FT_MAC:
		return eval_bytes(n, v, mac_is_set(v));
	case FT_ID:
		return eval_bytes(n, v, id_is_set(*(const struct id *)v));
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
	case FT_BIN:
		return eval_text(n, r, v, base);
	default:
		return eval_ordered(n, r, load_uint(r->f, v));
	}
}

static bool eval(const struct m_node *n, const char *rec, const char *base)
{
	switch (n->kind) {
	case MN_TRUE:
		return true;
	case MN_AND:
		return eval(n->a, rec, base) && eval(n->b, rec, base);
	case MN_OR:
		return eval(n->a, rec, base) || eval(n->b, rec, base);
	case MN_NOT:
		return !eval(n->a, rec, base);
	case MN_CMP:
		break;
	}
	/* 'either != x' means neither is: the opposite of 'either = x'. */
	bool first = eval_ref(n, &n->ref[0], rec, base);
	if (n->n_refs == 1)
		return first;
	bool second = eval_ref(n, &n->ref[1], rec, base);
	return n->op == M_NE ? first && second : first || second;
}

bool match_eval(const struct match *m, const void *rec, const char *base)
{
	return eval(m->root, rec, base);
}

/* -- print -- */

static void print_value(struct buf *out, const char *s)
{
	buf_addc(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_addc(out, '\\');
		buf_addc(out, *s);
	}
	buf_addc(out, '"');
}

static void print(const struct m_node *n, struct buf *out)
{
	static const char *const ops[] = { "=", "!=", "<", "<=", ">", ">=", "in", "contains", "under", "like" };
	switch (n->kind) {
	case MN_TRUE:
		return;
	case MN_AND:
	case MN_OR:
		buf_addc(out, '(');
		print(n->a, out);
		buf_adds(out, n->kind == MN_AND ? " and " : " or ");
		print(n->b, out);
		buf_addc(out, ')');
		return;
	case MN_NOT:
		buf_adds(out, "not (");
		print(n->a, out);
		buf_addc(out, ')');
		return;
	case MN_CMP:
		break;
	}
	buf_adds(out, n->name);
	if (n->op == M_PRESENT)
		return;
	buf_addf(out, " %s ", ops[n->op]);
	if (n->op == M_IN)
		buf_addc(out, '(');
	for (unsigned i = 0; i < n->n_values; i++) {
		if (i)
			buf_adds(out, ", ");
		print_value(out, n->texts[i]);
	}
	if (n->op == M_IN)
		buf_addc(out, ')');
}

void match_print(const struct match *m, struct buf *out)
{
	print(m->root, out);
}

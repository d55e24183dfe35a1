#include "match.h"

#include <stdlib.h>

#include "match_ast.h"

/* -- text -- */

/* b is in lower case already. */
static bool same_text(const char *a, size_t alen, const char *b, size_t blen)
{
	if (alen != blen)
		return false;
	for (size_t i = 0; i < alen; i++)
		if (m_lower(a[i]) != b[i])
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

/* a is the domain b or a name below it. */
static bool under_domain(const char *a, size_t alen, const char *b, size_t blen)
{
	if (alen && a[alen - 1] == '.')
		alen--;
	if (alen < blen || !same_text(a + alen - blen, blen, b, blen))
		return false;
	return alen == blen || a[alen - blen - 1] == '.';
}

/* Length of what stands for one byte of a pattern: itself, or '\' and what it guards. */
static size_t pattern_step(const char *b, size_t blen)
{
	return *b == '\\' && blen > 1 ? 2 : 1;
}

/* Glob with * and ?. No worse than quadratic: only the last star is ever gone back to. */
static bool like_text(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t i = 0, j = 0, star = SIZE_MAX, mark = 0;
	while (i < alen) {
		size_t step = j < blen ? pattern_step(b + j, blen - j) : 0;
		if (step == 1 && b[j] == '*') {
			star = ++j;
			mark = i;
		} else if (step && ((step == 1 && b[j] == '?') || m_lower(a[i]) == b[j + step - 1])) {
			i++;
			j += step;
		} else if (star != SIZE_MAX) {
			j = star;
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

static bool any_text(const struct m_node *n, const char *p, size_t len)
{
	for (unsigned i = 0; i < n->n_values; i++)
		if (text_op(n->op, p, len, &n->values[i]))
			return true;
	return false;
}

/* Lists and maps match by any of their items; of a map it is the names that count. */
static bool eval_text(const struct m_node *n, enum ftype type, const struct str *s, const char *base)
{
	const char *item;
	size_t pos = 0, len;
	if (type != FT_LIST && type != FT_MAP)
		return any_text(n, base + s->off, s->len);
	while (list_next(base, *s, &pos, &item, &len)) {
		const char *eq = type == FT_MAP ? memchr(item, '=', len) : NULL;
		if (any_text(n, item, eq ? (size_t)(eq - item) : len))
			return true;
	}
	return false;
}

/* -- what has an order -- */

static bool eval_ordered(const struct m_node *n, uint64_t v)
{
	const struct m_value *first = n->values;
	switch (n->op) {
	case M_LT:
		return v < first->lo;
	case M_LE:
		return v <= first->lo;
	case M_GT:
		return v > first->lo;
	case M_GE:
		return v >= first->lo;
	case M_CONTAINS:
		return (v & first->lo) == first->lo;
	default:
		break;
	}
	for (unsigned i = 0; i < n->n_values; i++)
		if (v >= n->values[i].lo && v <= n->values[i].hi)
			return true;
	return false;
}

static bool eval_real(const struct m_node *n, double v)
{
	const struct m_value *first = n->values;
	switch (n->op) {
	case M_LT:
		return v < first->dlo;
	case M_LE:
		return v <= first->dlo;
	case M_GT:
		return v > first->dlo;
	case M_GE:
		return v >= first->dlo;
	default:
		break;
	}
	for (unsigned i = 0; i < n->n_values; i++)
		if (v >= n->values[i].dlo && v <= n->values[i].dhi)
			return true;
	return false;
}

/* '<' a network: below its first address. '<=': not above its last. An absent address compares with nothing. */
static bool eval_addr(const struct m_node *n, const struct addr *a)
{
	const struct m_value *first = n->values;
	if (!addr_is_set(a))
		return false;
	switch (n->op) {
	case M_LT:
		return addr_cmp(a, &first->alo) < 0;
	case M_LE:
		return addr_cmp(a, &first->ahi) <= 0;
	case M_GT:
		return addr_cmp(a, &first->ahi) > 0;
	case M_GE:
		return addr_cmp(a, &first->alo) >= 0;
	default:
		break;
	}
	for (unsigned i = 0; i < n->n_values; i++)
		if (addr_cmp(a, &n->values[i].alo) >= 0 && addr_cmp(a, &n->values[i].ahi) <= 0)
			return true;
	return false;
}

static bool eval_mac(const struct m_node *n, const struct mac *mac)
{
	for (unsigned i = 0; mac_is_set(mac) && i < n->n_values; i++)
		if (memcmp(mac, &n->values[i].mac, sizeof *mac) == 0)
			return true;
	return false;
}

static bool eval_id(const struct m_node *n, struct id id)
{
	for (unsigned i = 0; id_is_set(id) && i < n->n_values; i++)
		if (id_cmp(id, n->values[i].id) == 0)
			return true;
	return false;
}

/* -- fields -- */

static uint64_t computed(const struct m_ref *r, const char *rec)
{
	uint64_t a = field_uint(r->f, rec + r->off), b = field_uint(r->f, rec + r->off2);
	if (r->kind == MK_SUM)
		return a + b;
	return a > b ? a - b : 0;
}

static bool is_present(const struct m_ref *r, const char *rec, const char *base)
{
	const void *v = rec + r->off;
	double d;
	if (r->kind == MK_MAP)
		return field_member(v, base, r->key, &d);
	if (r->kind != MK_FIELD)
		return computed(r, rec) != 0;
	switch (r->f->type) {
	case FT_F64:
		return *(const double *)v != 0;
	case FT_ADDR:
		return addr_is_set(v);
	case FT_MAC:
		return mac_is_set(v);
	case FT_ID:
		return id_is_set(*(const struct id *)v);
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
	case FT_BIN:
		return ((const struct str *)v)->len != 0;
	default:
		return field_uint(r->f, v) != 0;
	}
}

/* One of the values, for any operator but != and presence. */
static bool eval_ref(const struct m_node *n, const struct m_ref *r, const char *rec, const char *base)
{
	const void *v = rec + r->off;
	double d;
	switch (m_class_of(r)) {
	case MC_REAL:
		if (r->kind == MK_MAP)
			return field_member(v, base, r->key, &d) && eval_real(n, d);
		return eval_real(n, *(const double *)v);
	case MC_ADDR:
		return eval_addr(n, v);
	case MC_MAC:
		return eval_mac(n, v);
	case MC_ID:
		return eval_id(n, *(const struct id *)v);
	case MC_TEXT:
		return eval_text(n, r->f->type, v, base);
	case MC_ORDERED:
		break;
	}
	return eval_ordered(n, r->kind == MK_FIELD ? field_uint(r->f, v) : computed(r, rec));
}

/* 'a != x' is the opposite of 'a = x' in every case: also for lists, for either side, for what is absent. */
static bool eval_compare(const struct m_node *n, const char *rec, const char *base)
{
	bool found = false;
	for (unsigned i = 0; i < n->n_refs && !found; i++)
		found = n->op == M_PRESENT ? is_present(&n->ref[i], rec, base) : eval_ref(n, &n->ref[i], rec, base);
	return n->op == M_NE ? !found : found;
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
	return eval_compare(n, rec, base);
}

bool match_eval(const struct match *m, const void *rec, const char *base)
{
	return eval(m->root, rec, base);
}

/* -- print -- */

void match_quote(struct buf *out, const char *s, size_t len)
{
	buf_addc(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '"' || s[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, s[i]);
	}
	buf_addc(out, '"');
}

static void print_value(struct buf *out, const char *s)
{
	const char *p = s;
	while (m_is_word_char(*p))
		p++;
	if (p != s && !*p) {
		buf_adds(out, s);
		return;
	}
	match_quote(out, s, strlen(s));
}

static const char *unknown(const struct m_node *n, const char *field, match_known *known, const void *arg)
{
	const char *found = NULL;
	if (!n)
		return NULL;
	if (n->kind != MN_CMP)
		return (found = unknown(n->a, field, known, arg)) ? found : unknown(n->b, field, known, arg);
	if (strcmp(n->name, field) != 0 || (n->op != M_EQ && n->op != M_NE && n->op != M_IN))
		return NULL;
	for (unsigned i = 0; i < n->n_values && !found; i++)
		if (!known(arg, n->values[i].written))
			found = n->values[i].written;
	return found;
}

const char *match_unknown(const struct match *m, const char *field, match_known *known, const void *arg)
{
	return unknown(m->root, field, known, arg);
}

static void print_compare(const struct m_node *n, struct buf *out)
{
	static const char *const ops[] = { "=", "!=", "<", "<=", ">", ">=", "in", "contains", "under", "like" };
	buf_adds(out, n->name);
	if (n->op == M_PRESENT)
		return;
	buf_addf(out, " %s ", ops[n->op]);
	if (n->op == M_IN)
		buf_addc(out, '(');
	for (unsigned i = 0; i < n->n_values; i++) {
		if (i)
			buf_adds(out, ", ");
		print_value(out, n->values[i].written);
	}
	if (n->op == M_IN)
		buf_addc(out, ')');
}

/* around: what the node is an operand of; parentheses only where they change the meaning. */
static void print(const struct m_node *n, enum m_node_kind around, struct buf *out)
{
	bool group = (n->kind == MN_OR && around != MN_OR) || (n->kind == MN_AND && around == MN_NOT);
	if (group)
		buf_addc(out, '(');
	switch (n->kind) {
	case MN_TRUE:
		break;
	case MN_AND:
	case MN_OR:
		print(n->a, n->kind, out);
		buf_adds(out, n->kind == MN_AND ? " and " : " or ");
		print(n->b, n->kind, out);
		break;
	case MN_NOT:
		buf_adds(out, "not ");
		print(n->a, MN_NOT, out);
		break;
	case MN_CMP:
		print_compare(n, out);
		break;
	}
	if (group)
		buf_addc(out, ')');
}

void match_print(const struct match *m, struct buf *out)
{
	print(m->root, MN_OR, out);
}

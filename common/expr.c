#include "expr.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "suggest.h"

#define MAX_TEXT  1024
#define MAX_OPS   128
#define MAX_DEPTH 32

enum op_kind { OP_NUMBER, OP_FIELD, OP_MEMBER, OP_SPAN, OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_NEG };

/* One step of the expression in postfix order. */
struct op {
	enum op_kind kind;
	double number;
	const struct field *f;
	unsigned off, off2; /* in the record; off2: the earlier time of a span */
	char *key;          /* OP_MEMBER */
};

struct expr {
	struct op ops[MAX_OPS];
	unsigned n;
};

struct parser {
	const char *text, *p;
	const struct rdesc *rd;
	struct expr *x;
	struct match_error *e;
	unsigned depth;
};

static bool complain(struct parser *ps, const char *at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static bool complain(struct parser *ps, const char *at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(ps->e->text, sizeof ps->e->text, fmt, ap);
	va_end(ap);
	ps->e->column = (size_t)(at - ps->text) + 1;
	return false;
}

static bool emit(struct parser *ps, struct op op)
{
	if (ps->x->n == MAX_OPS) {
		free(op.key);
		return complain(ps, ps->p, "too long");
	}
	ps->x->ops[ps->x->n++] = op;
	return true;
}

static void skip_blanks(struct parser *ps)
{
	while (isspace((unsigned char)*ps->p))
		ps->p++;
}

/* -- numbers -- */

static const char *read_number(const char *s, double *ret)
{
	static const char letters[] = "kmgt";
	char *end;
	if (!isdigit((unsigned char)*s) && *s != '.')
		return NULL;
	*ret = strtod(s, &end);
	if (end == s)
		return NULL;
	const char *l = *end ? strchr(letters, tolower((unsigned char)*end)) : NULL;
	if (!l)
		return end;
	bool binary = end[1] == 'i';
	for (const char *i = letters; i <= l; i++)
		*ret *= binary ? 1024 : 1000;
	return end + 1 + binary;
}

bool expr_number(const char *s, double *ret)
{
	double v;
	bool minus = *s == '-';
	const char *end = read_number(s + minus, &v);
	if (!end || *end)
		return false;
	*ret = minus ? -v : v;
	return true;
}

/* -- fields -- */

static bool is_number(const struct field *f)
{
	switch (f->type) {
	case FT_ADDR:
	case FT_MAC:
	case FT_ID:
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
	case FT_BIN:
		return false;
	default:
		return true;
	}
}

/* a + b, if the record has both. */
static bool emit_pair(struct parser *ps, const char *first, const char *second, bool *ret_ok)
{
	struct op a = { OP_FIELD }, b = { OP_FIELD };
	a.f = rdesc_field(ps->rd, first, &a.off);
	b.f = rdesc_field(ps->rd, second, &b.off);
	if (!a.f || !b.f)
		return false;
	*ret_ok = emit(ps, a) && emit(ps, b) && emit(ps, (struct op){ OP_ADD });
	return true;
}

static bool emit_pseudo(struct parser *ps, const char *name, bool *ret_ok)
{
	if (strcmp(name, "bytes") == 0)
		return emit_pair(ps, "client.bytes", "server.bytes", ret_ok) ||
		       emit_pair(ps, "bytes_sent", "bytes_rcvd", ret_ok);
	if (strcmp(name, "packets") == 0)
		return emit_pair(ps, "client.packets", "server.packets", ret_ok) ||
		       emit_pair(ps, "packets_sent", "packets_rcvd", ret_ok);
	if (strcmp(name, "duration") == 0) {
		struct op span = { OP_SPAN };
		span.f = rdesc_field(ps->rd, "last", &span.off);
		if (!span.f || !rdesc_field(ps->rd, "first", &span.off2))
			return false;
		*ret_ok = emit(ps, span);
		return true;
	}
	return false;
}

static bool emit_member(struct parser *ps, const char *name, bool *ret_ok)
{
	char head[64];
	for (const char *dot = strchr(name, '.'); dot && dot[1]; dot = strchr(dot + 1, '.')) {
		struct op m = { OP_MEMBER };
		snprintf(head, sizeof head, "%.*s", (int)(dot - name), name);
		m.f = rdesc_field(ps->rd, head, &m.off);
		if (!m.f || m.f->type != FT_MAP)
			continue;
		m.key = xstrdup(dot + 1);
		*ret_ok = emit(ps, m);
		return true;
	}
	return false;
}

static bool parse_field(struct parser *ps)
{
	const char *at = ps->p;
	char name[96];
	struct op op = { OP_FIELD };
	bool ok;
	size_t n = 0;
	while (isalnum((unsigned char)ps->p[n]) || (ps->p[n] && strchr("._", ps->p[n])))
		n++;
	snprintf(name, sizeof name, "%.*s", (int)n, ps->p);
	ps->p += n;
	op.f = rdesc_field(ps->rd, name, &op.off);
	if (op.f && !is_number(op.f))
		return complain(ps, at, "'%s' is not a number", name);
	if (op.f)
		return emit(ps, op);
	if (emit_pseudo(ps, name, &ok) || emit_member(ps, name, &ok))
		return ok;
	struct suggest s = { .wrong = name };
	for (unsigned g = 0; g < ps->rd->n_groups; g++)
		for (unsigned i = 0; i < ps->rd->groups[g].n_fields; i++)
			if (is_number(&ps->rd->groups[g].fields[i]))
				suggest_offer(&s, ps->rd->groups[g].fields[i].name);
	return complain(ps, at, s.best ? "%s records have no field '%s'; did you mean '%s'?" : "%s records have no field '%s'",
			ps->rd->name, name, s.best);
}

/* -- grammar -- */

static bool parse_sum(struct parser *ps);

static bool parse_factor(struct parser *ps)
{
	struct op number = { OP_NUMBER };
	skip_blanks(ps);
	const char *end = read_number(ps->p, &number.number);
	if (end) {
		ps->p = end;
		return emit(ps, number);
	}
	if (*ps->p == '-' || *ps->p == '(') {
		char c = *ps->p++;
		if (++ps->depth > MAX_DEPTH)
			return complain(ps, ps->p - 1, "nested too deeply");
		bool ok = c == '-' ? parse_factor(ps) && emit(ps, (struct op){ OP_NEG }) : parse_sum(ps);
		ps->depth--;
		if (!ok || c == '-')
			return ok;
		skip_blanks(ps);
		if (*ps->p != ')')
			return complain(ps, ps->p, "a ')' is missing");
		ps->p++;
		return true;
	}
	if (isalpha((unsigned char)*ps->p))
		return parse_field(ps);
	return complain(ps, ps->p, *ps->p ? "a number or a field was expected" : "the expression is not complete");
}

static bool parse_chain(struct parser *ps, bool (*operand)(struct parser *ps), char plus, enum op_kind on_plus, char minus,
			enum op_kind on_minus)
{
	if (!operand(ps))
		return false;
	for (;;) {
		skip_blanks(ps);
		char c = *ps->p;
		if (c != plus && c != minus)
			return true;
		ps->p++;
		if (!operand(ps) || !emit(ps, (struct op){ c == plus ? on_plus : on_minus }))
			return false;
	}
}

static bool parse_product(struct parser *ps)
{
	return parse_chain(ps, parse_factor, '*', OP_MUL, '/', OP_DIV);
}

static bool parse_sum(struct parser *ps)
{
	return parse_chain(ps, parse_product, '+', OP_ADD, '-', OP_SUB);
}

struct expr *expr_parse(const char *text, enum rtype type, struct match_error *e)
{
	struct parser ps = { .text = text, .p = text, .rd = rdesc_get(type), .e = e };
	if (strlen(text) > MAX_TEXT) {
		*e = (struct match_error){ MAX_TEXT, "too long" };
		return NULL;
	}
	ps.x = xcalloc(1, sizeof *ps.x);
	if (parse_sum(&ps)) {
		if (!*ps.p)
			return ps.x;
		complain(&ps, ps.p, "an operator was expected");
	}
	expr_free(ps.x);
	return NULL;
}

void expr_free(struct expr *x)
{
	for (unsigned i = 0; x && i < x->n; i++)
		free(x->ops[i].key);
	free(x);
}

/* -- evaluation -- */

static double load(const struct field *f, const void *v)
{
	switch (f->type) {
	case FT_F64:
		return *(const double *)v;
	case FT_TIME:
	case FT_DUR:
		return (double)*(const uint64_t *)v / 1e9;
	default:
		return (double)field_uint(f, v);
	}
}

static double span(const struct op *op, const char *rec)
{
	uint64_t to = *(const uint64_t *)(rec + op->off), from = *(const uint64_t *)(rec + op->off2);
	return to > from ? (double)(to - from) / 1e9 : 0;
}

static double calculate(enum op_kind kind, double a, double b)
{
	switch (kind) {
	case OP_ADD:
		return a + b;
	case OP_SUB:
		return a - b;
	case OP_MUL:
		return a * b;
	default:
		return b != 0 ? a / b : 0;
	}
}

double expr_eval(const struct expr *x, const void *rec, const char *base)
{
	double stack[MAX_OPS + 1] = { 0 };
	unsigned n = 0;
	for (unsigned i = 0; i < x->n; i++) {
		const struct op *op = &x->ops[i];
		const char *v = (const char *)rec + op->off;
		switch (op->kind) {
		case OP_NUMBER:
			stack[n++] = op->number;
			break;
		case OP_FIELD:
			stack[n++] = load(op->f, v);
			break;
		case OP_MEMBER:
			stack[n] = 0;
			field_member((const struct str *)v, base, op->key, &stack[n]);
			n++;
			break;
		case OP_SPAN:
			stack[n++] = span(op, rec);
			break;
		case OP_NEG:
			stack[n - 1] = -stack[n - 1];
			break;
		default:
			n--;
			stack[n - 1] = calculate(op->kind, stack[n - 1], stack[n]);
		}
	}
	return stack[0];
}

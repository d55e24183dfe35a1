#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "match_ast.h"
#include "suggest.h"

enum tok { T_END, T_WORD, T_STRING, T_OP, T_LPAREN, T_RPAREN, T_COMMA, T_BAD };

struct parser {
	const char *text, *p;
	const struct rdesc *rd;
	struct match_error *e;
	bool failed;
	enum tok tok;
	size_t at; /* column of the token */
	char *word; /* of T_WORD, T_STRING, T_OP; owned */
	unsigned terms, depth;
};

static void *complain(struct parser *ps, size_t column, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void *complain(struct parser *ps, size_t column, const char *fmt, ...)
{
	va_list ap;
	if (ps->failed)
		return NULL;
	ps->failed = true;
	ps->e->column = column;
	va_start(ap, fmt);
	vsnprintf(ps->e->text, sizeof ps->e->text, fmt, ap);
	va_end(ap);
	return NULL;
}

/* -- tokens -- */

static void read_string(struct parser *ps)
{
	char quote = *ps->p++;
	struct buf b = { 0 };
	while (*ps->p && *ps->p != quote) {
		if (*ps->p == '\\' && ps->p[1])
			ps->p++;
		buf_addc(&b, *ps->p++);
	}
	if (!*ps->p) {
		complain(ps, ps->at, "the string that begins here has no end");
		ps->tok = T_BAD;
		buf_release(&b);
		return;
	}
	ps->p++;
	ps->tok = T_STRING;
	ps->word = xstrdup(buf_cstr(&b));
	buf_release(&b);
}

static void read_operator(struct parser *ps)
{
	static const char *const ops[] = { "==", "!=", "<>", "<=", ">=", "&&", "||", "=", "<", ">", "!" };
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		size_t n = strlen(ops[i]);
		if (strncmp(ps->p, ops[i], n) != 0)
			continue;
		ps->p += n;
		ps->tok = T_OP;
		ps->word = xstrdup(ops[i]);
		return;
	}
	complain(ps, ps->at, "'%.1s' does not belong here", ps->p);
	ps->tok = T_BAD;
}

static void next(struct parser *ps)
{
	free(ps->word);
	ps->word = NULL;
	while (isspace((unsigned char)*ps->p))
		ps->p++;
	ps->at = (size_t)(ps->p - ps->text) + 1;
	switch (*ps->p) {
	case '\0':
		ps->tok = T_END;
		return;
	case '(':
	case ')':
	case ',':
		ps->tok = *ps->p == '(' ? T_LPAREN : *ps->p == ')' ? T_RPAREN : T_COMMA;
		ps->p++;
		return;
	case '"':
	case '\'':
		read_string(ps);
		return;
	}
	if (!m_is_word_char(*ps->p)) {
		read_operator(ps);
		return;
	}
	const char *start = ps->p;
	while (m_is_word_char(*ps->p))
		ps->p++;
	ps->tok = T_WORD;
	ps->word = xstrndup(start, (size_t)(ps->p - start));
}

static bool is_keyword(const struct parser *ps, const char *word, const char *sign)
{
	return (ps->tok == T_WORD && strcasecmp(ps->word, word) == 0) ||
	       (sign && ps->tok == T_OP && strcmp(ps->word, sign) == 0);
}

/* -- fields -- */

static bool ref_field(const struct rdesc *rd, const char *name, struct m_ref *r)
{
	*r = (struct m_ref){ .kind = MK_FIELD };
	r->f = rdesc_field(rd, name, &r->off);
	return r->f != NULL;
}

/* 'apps.TLS': a member of a map. Both may hold dots, so each is tried. */
static bool ref_map(const struct rdesc *rd, const char *name, struct m_ref *r)
{
	char head[64];
	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
		if ((size_t)(dot - name) >= sizeof head || !dot[1])
			return false;
		memcpy(head, name, (size_t)(dot - name));
		head[dot - name] = '\0';
		if (!ref_field(rd, head, r) || r->f->type != FT_MAP)
			continue;
		r->kind = MK_MAP;
		r->key = xstrdup(dot + 1);
		return true;
	}
	return false;
}

/* client.<suffix> and server.<suffix>, if the record has both. */
static bool ref_pair(const struct rdesc *rd, const char *suffix, struct m_node *n)
{
	char name[80];
	snprintf(name, sizeof name, "client.%s", suffix);
	if (!ref_field(rd, name, &n->ref[0]))
		return false;
	snprintf(name, sizeof name, "server.%s", suffix);
	if (!ref_field(rd, name, &n->ref[1]))
		return false;
	n->n_refs = 2;
	return true;
}

/* Both ends of the flow, and the host itself: an alert has all three. */
static bool ref_host(const struct rdesc *rd, struct m_node *n)
{
	if (!ref_pair(rd, "ip", n))
		n->n_refs = 0;
	if (ref_field(rd, "host.ip", &n->ref[n->n_refs]))
		n->n_refs++;
	return n->n_refs > 0;
}

static bool ref_sum(const struct rdesc *rd, const char *suffix, struct m_node *n)
{
	struct m_node both = { 0 };
	if (ref_pair(rd, suffix, &both)) {
		n->ref[0] = both.ref[0];
		n->ref[0].off2 = both.ref[1].off;
	} else {
		char sent[32], rcvd[32];
		struct m_ref r;
		snprintf(sent, sizeof sent, "%s_sent", suffix);
		snprintf(rcvd, sizeof rcvd, "%s_rcvd", suffix);
		if (!ref_field(rd, sent, &n->ref[0]) || !ref_field(rd, rcvd, &r))
			return false;
		n->ref[0].off2 = r.off;
	}
	n->ref[0].kind = MK_SUM;
	n->n_refs = 1;
	return true;
}

static bool ref_span(const struct rdesc *rd, struct m_node *n)
{
	struct m_ref first;
	if (!ref_field(rd, "last", &n->ref[0]) || !ref_field(rd, "first", &first))
		return false;
	n->ref[0].kind = MK_SPAN;
	n->ref[0].off2 = first.off;
	n->n_refs = 1;
	return true;
}

/* Names that stand for more than one field or for a computed number. */
static bool ref_pseudo(const struct rdesc *rd, const char *name, struct m_node *n)
{
	if (strncmp(name, "either.", 7) == 0)
		return ref_pair(rd, name + 7, n) && n->ref[0].f->type == n->ref[1].f->type;
	if (strcmp(name, "host") == 0)
		return ref_host(rd, n);
	if (strcmp(name, "port") == 0)
		return ref_pair(rd, "port", n);
	if (strcmp(name, "bytes") == 0 || strcmp(name, "packets") == 0)
		return ref_sum(rd, name, n);
	if (strcmp(name, "duration") == 0)
		return ref_span(rd, n);
	return false;
}

static void unknown_field(struct parser *ps, const char *name, size_t at)
{
	static const char *const pseudo[] = { "host", "port", "bytes", "packets", "duration", "either.ip", "either.port",
					      "either.mac", "either.name" };
	struct suggest s = { .wrong = name };
	for (unsigned g = 0; g < ps->rd->n_groups; g++)
		for (unsigned i = 0; i < ps->rd->groups[g].n_fields; i++)
			suggest_offer(&s, ps->rd->groups[g].fields[i].name);
	for (size_t i = 0; i < sizeof pseudo / sizeof *pseudo; i++) {
		struct m_node n = { 0 };
		if (ref_pseudo(ps->rd, pseudo[i], &n))
			suggest_offer(&s, pseudo[i]);
	}
	if (s.best)
		complain(ps, at, "%s records have no field '%.60s'; did you mean '%s'?", ps->rd->name, name, s.best);
	else
		complain(ps, at, "%s records have no field '%.60s'", ps->rd->name, name);
}

static bool resolve(struct parser *ps, struct m_node *n, size_t at)
{
	if (ref_field(ps->rd, n->name, &n->ref[0]) || ref_map(ps->rd, n->name, &n->ref[0])) {
		n->n_refs = 1;
		return true;
	}
	if (ref_pseudo(ps->rd, n->name, n))
		return true;
	n->n_refs = 0;
	unknown_field(ps, n->name, at);
	return false;
}

/* -- grammar -- */

static void node_free(struct m_node *n)
{
	if (!n)
		return;
	node_free(n->a);
	node_free(n->b);
	for (unsigned i = 0; i < n->n_values; i++)
		m_value_release(&n->ref[0], &n->values[i]);
	for (unsigned i = 0; i < MATCH_MAX_REFS; i++)
		free(n->ref[i].key);
	free(n->values);
	free(n->name);
	free(n);
}

static struct m_node *node_new(enum m_node_kind kind, struct m_node *a, struct m_node *b)
{
	struct m_node *n = xcalloc(1, sizeof *n);
	n->kind = kind;
	n->a = a;
	n->b = b;
	return n;
}

static bool count_term(struct parser *ps, size_t at)
{
	if (++ps->terms <= MATCH_MAX_TERMS)
		return true;
	complain(ps, at, "more than %d terms", MATCH_MAX_TERMS);
	return false;
}

static bool add_value(struct parser *ps, struct m_node *n)
{
	struct buf why = { 0 };
	if (ps->tok != T_WORD && ps->tok != T_STRING) {
		complain(ps, ps->at, "a value was expected");
		return false;
	}
	if (!count_term(ps, ps->at))
		return false;
	n->values = xrealloc(n->values, (n->n_values + 1) * sizeof *n->values);
	if (!m_value_parse(&n->ref[0], n->op, ps->word, &n->values[n->n_values++], &why))
		complain(ps, ps->at, "%s: %s", n->name, buf_cstr(&why));
	else
		next(ps);
	buf_release(&why);
	return !ps->failed;
}

static struct m_node *parse_or(struct parser *ps);

static int operator_of(const struct parser *ps)
{
	static const struct {
		const char *text;
		enum m_op op;
	} ops[] = { { "=", M_EQ },  { "==", M_EQ }, { "!=", M_NE }, { "<>", M_NE },        { "<", M_LT },
		    { "<=", M_LE }, { ">", M_GT },  { ">=", M_GE }, { "contains", M_CONTAINS }, { "under", M_UNDER },
		    { "like", M_LIKE }, { "in", M_IN } };
	if (ps->tok != T_OP && ps->tok != T_WORD)
		return -1;
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		if (strcasecmp(ps->word, ops[i].text) == 0)
			return (int)ops[i].op;
	return -1;
}

static bool parse_values(struct parser *ps, struct m_node *n)
{
	if (n->op != M_IN)
		return add_value(ps, n);
	if (ps->tok != T_LPAREN)
		return add_value(ps, n); /* client.ip in 10.0.0.0/8 */
	do {
		next(ps);
		if (!add_value(ps, n))
			return false;
	} while (ps->tok == T_COMMA);
	if (ps->tok != T_RPAREN) {
		complain(ps, ps->at, "')' or ',' was expected");
		return false;
	}
	next(ps);
	return true;
}

/* The operator and the values of n; without an operator it asks for presence. */
static bool parse_condition(struct parser *ps, struct m_node *n, bool *ret_negated)
{
	*ret_negated = is_keyword(ps, "not", NULL); /* 'a not in b' */
	if (*ret_negated)
		next(ps);
	int op = operator_of(ps);
	if (op < 0 && *ret_negated) {
		complain(ps, ps->at, "an operator was expected");
		return false;
	}
	n->op = op < 0 ? M_PRESENT : (enum m_op)op;
	if (op < 0)
		return !ps->failed;
	if (!m_op_fits(&n->ref[0], n->op)) {
		complain(ps, ps->at, "'%s' cannot be used with %s", ps->word, n->name);
		return false;
	}
	next(ps);
	return parse_values(ps, n);
}

static struct m_node *parse_compare(struct parser *ps)
{
	bool negated;
	if (ps->tok != T_WORD)
		return complain(ps, ps->at, ps->tok == T_END ? "the expression ends early" : "a field was expected");
	struct m_node *n = node_new(MN_CMP, NULL, NULL);
	size_t at = ps->at;
	n->name = xstrdup(ps->word);
	if (!count_term(ps, at) || !resolve(ps, n, at))
		goto bad;
	next(ps);
	if (!parse_condition(ps, n, &negated))
		goto bad;
	if (!negated)
		return n;
	/* Printed as 'not a in b', which is one level deeper. */
	if (ps->depth < MATCH_MAX_DEPTH)
		return node_new(MN_NOT, n, NULL);
	complain(ps, at, "nested too deep");
bad:
	node_free(n);
	return NULL;
}

static struct m_node *parse_unary(struct parser *ps)
{
	struct m_node *n;
	if (++ps->depth > MATCH_MAX_DEPTH)
		return complain(ps, ps->at, "nested too deep");
	if (is_keyword(ps, "not", "!")) {
		next(ps);
		n = parse_unary(ps);
		if (n)
			n = node_new(MN_NOT, n, NULL);
	} else if (ps->tok == T_LPAREN) {
		next(ps);
		n = parse_or(ps);
		if (n && ps->tok != T_RPAREN) {
			complain(ps, ps->at, "')' was expected");
			node_free(n);
			return NULL;
		}
		if (n)
			next(ps);
	} else {
		n = parse_compare(ps);
	}
	ps->depth--;
	return n;
}

static struct m_node *parse_chain(struct parser *ps, enum m_node_kind kind, const char *word, const char *sign,
				  struct m_node *(*sub)(struct parser *ps))
{
	struct m_node *n = sub(ps);
	while (n && is_keyword(ps, word, sign)) {
		next(ps);
		struct m_node *b = sub(ps);
		if (!b) {
			node_free(n);
			return NULL;
		}
		n = node_new(kind, n, b);
	}
	return n;
}

static struct m_node *parse_and(struct parser *ps)
{
	return parse_chain(ps, MN_AND, "and", "&&", parse_unary);
}

static struct m_node *parse_or(struct parser *ps)
{
	return parse_chain(ps, MN_OR, "or", "||", parse_and);
}

static struct m_node *parse_all(struct parser *ps)
{
	next(ps);
	if (ps->tok == T_END)
		return node_new(MN_TRUE, NULL, NULL);
	struct m_node *n = parse_or(ps);
	if (n && ps->tok != T_END)
		complain(ps, ps->at, "'and', 'or' or the end was expected");
	return n;
}

struct match *match_parse(const char *text, enum rtype type, struct match_error *e)
{
	struct parser ps = { .text = text, .p = text, .rd = rdesc_get(type), .e = e };
	struct buf canonical = { 0 };
	if (strlen(text) > MATCH_MAX_TEXT)
		return complain(&ps, 1, "longer than %d bytes", MATCH_MAX_TEXT);
	struct match *m = xcalloc(1, sizeof *m);
	m->type = type;
	m->root = parse_all(&ps);
	free(ps.word);
	/* What is printed has to be short enough to be parsed, too. */
	if (!ps.failed) {
		match_print(m, &canonical);
		if (canonical.len > MATCH_MAX_TEXT)
			complain(&ps, 1, "longer than %d bytes", MATCH_MAX_TEXT);
		buf_release(&canonical);
	}
	if (ps.failed) {
		match_free(m);
		m = NULL;
	}
	return m;
}

void match_free(struct match *m)
{
	if (!m)
		return;
	node_free(m->root);
	free(m);
}

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "match_ast.h"
#include "topo.h"

#define MAX_TEXT  65536
#define MAX_TERMS 1024
#define MAX_DEPTH 64

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

static bool is_word_char(char c)
{
	return isalnum((unsigned char)c) || strchr("_.:/*?%+-@[]", c) || (unsigned char)c >= 0x80;
}

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
	if (!is_word_char(*ps->p)) {
		read_operator(ps);
		return;
	}
	const char *start = ps->p;
	while (*ps->p && is_word_char(*ps->p))
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

/* 'apps.TLS': a member of a map. */
static bool ref_map(const struct rdesc *rd, const char *name, struct m_ref *r)
{
	const char *dot = strchr(name, '.');
	char head[64];
	if (!dot || dot == name || !dot[1] || (size_t)(dot - name) >= sizeof head)
		return false;
	memcpy(head, name, (size_t)(dot - name));
	head[dot - name] = '\0';
	if (!ref_field(rd, head, r) || r->f->type != FT_MAP)
		return false;
	r->kind = MK_MAP;
	r->key = xstrdup(dot + 1);
	return true;
}

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
		return ref_pair(rd, name + 7, n);
	if (strcmp(name, "host") == 0)
		return ref_pair(rd, "ip", n);
	if (strcmp(name, "port") == 0)
		return ref_pair(rd, "port", n);
	if (strcmp(name, "bytes") == 0 || strcmp(name, "packets") == 0)
		return ref_sum(rd, name, n);
	if (strcmp(name, "duration") == 0)
		return ref_span(rd, n);
	return false;
}

static unsigned distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned row[80];
	if (la >= 79 || lb >= 79)
		return 99;
	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned diag = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned best = diag + (a[i - 1] != b[j - 1]);
			diag = row[j];
			best = row[j] + 1 < best ? row[j] + 1 : best;
			row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
		}
	}
	return row[lb];
}

static void unknown_field(struct parser *ps, const char *name, size_t at)
{
	const char *best = NULL;
	unsigned best_d = 4;
	for (unsigned g = 0; g < ps->rd->n_groups; g++)
		for (unsigned i = 0; i < ps->rd->groups[g].n_fields; i++) {
			unsigned d = distance(name, ps->rd->groups[g].fields[i].name);
			if (d < best_d) {
				best_d = d;
				best = ps->rd->groups[g].fields[i].name;
			}
		}
	if (best)
		complain(ps, at, "%s records have no field '%.60s'; did you mean '%s'?", ps->rd->name, name, best);
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
	unknown_field(ps, n->name, at);
	return false;
}

/* -- values -- */

/* RFC 3339 or a date; no time zone means UTC. Seconds since 1970 may follow as a plain number. */
static bool parse_time(const char *s, uint64_t *ret)
{
	struct tm tm = { 0 };
	char *end = strptime(s, "%Y-%m-%d", &tm);
	double frac = 0;
	if (!end) {
		double d = strtod(s, &end);
		*ret = (uint64_t)(d * 1e9);
		return end != s && *end == '\0' && isdigit((unsigned char)*s) && d < 1.8e10;
	}
	if (*end == 'T' || *end == ' ') {
		end = strptime(end + 1, "%H:%M", &tm);
		if (!end)
			return false;
		if (*end == ':') {
			end = strptime(end, ":%S", &tm);
			if (!end)
				return false;
		}
		if (*end == '.')
			frac = strtod(end, &end);
	}
	long zone = 0;
	if (*end == 'Z' || *end == 'z') {
		end++;
	} else if (*end == '+' || *end == '-') {
		int h, m, n = 0;
		if (sscanf(end + 1, "%2d:%2d%n", &h, &m, &n) != 2 || n != 5)
			return false;
		zone = (h * 60 + m) * 60 * (*end == '-' ? -1 : 1);
		end += 6;
	}
	time_t t = timegm(&tm);
	if (*end || t < zone)
		return false;
	*ret = (uint64_t)(t - zone) * 1000000000u + (uint64_t)(frac * 1e9);
	return true;
}

static bool parse_number(const char *s, uint64_t *ret)
{
	char *end;
	unsigned long long v = strtoull(s, &end, 0);
	if (isdigit((unsigned char)*s) && *end == '\0') {
		*ret = v;
		return true;
	}
	return topo_size(s, ret) == 0;
}

static bool parse_flag(const char *s, uint64_t *ret)
{
	static const char *const words[] = { "false", "true", "no", "yes", "0", "1" };
	for (size_t i = 0; i < 6; i++)
		if (strcasecmp(s, words[i]) == 0) {
			*ret = i & 1;
			return true;
		}
	return false;
}

static bool parse_tcpflags(const char *s, uint64_t *ret)
{
	static const char letters[] = "FSRPAUEC";
	*ret = 0;
	for (; *s; s++) {
		const char *l = strchr(letters, toupper((unsigned char)*s));
		if (!l)
			return false;
		*ret |= 1u << (l - letters);
	}
	return true;
}

static bool parse_enum(const struct field *f, const char *s, uint64_t *ret)
{
	for (unsigned i = 0; f->names[i]; i++)
		if (strcasecmp(f->names[i], s) == 0) {
			*ret = i;
			return true;
		}
	return false;
}

/* A number in the form of the field; for what has an order. */
static bool parse_ordered(const struct m_ref *r, const char *s, uint64_t *ret)
{
	int v;
	if (r->kind == MK_SPAN)
		return topo_duration(s, ret) == 0;
	if (r->kind == MK_SUM)
		return parse_number(s, ret);
	switch (r->f->type) {
	case FT_FLAG:
		return parse_flag(s, ret);
	case FT_TIME:
		return parse_time(s, ret);
	case FT_DUR:
		return topo_duration(s, ret) == 0;
	case FT_ENUM:
		return parse_enum(r->f, s, ret);
	case FT_PROTO:
		v = proto_value(s);
		*ret = (uint64_t)v;
		return v >= 0;
	case FT_TCPFLAGS:
		return parse_tcpflags(s, ret);
	default:
		return parse_number(s, ret);
	}
}

static bool parse_real(const char *s, double *ret)
{
	uint64_t n;
	char *end;
	*ret = strtod(s, &end);
	if (end != s && *end == '\0')
		return true;
	if (topo_size(s, &n) < 0)
		return false;
	*ret = (double)n;
	return true;
}

static void cidr_range(const struct cidr *c, struct m_value *v)
{
	v->alo = v->ahi = c->addr;
	for (unsigned i = c->bits; i < 128; i++)
		v->ahi.b[i / 8] |= (uint8_t)(0x80 >> (i % 8));
}

static bool parse_addrs(const char *s, const char *dots, struct m_value *v)
{
	struct cidr c;
	if (dots)
		return addr_parse(s, (size_t)(dots - s), &v->alo) == 0 &&
		       addr_parse(dots + 2, strlen(dots + 2), &v->ahi) == 0;
	if (cidr_parse(s, strlen(s), &c) < 0)
		return false;
	cidr_range(&c, v);
	return true;
}

enum value_class { VC_ORDERED, VC_REAL, VC_ADDR, VC_MAC, VC_ID, VC_TEXT };

static enum value_class class_of(const struct m_ref *r)
{
	if (r->kind == MK_SUM || r->kind == MK_SPAN)
		return VC_ORDERED;
	if (r->kind == MK_MAP)
		return VC_REAL;
	switch (r->f->type) {
	case FT_F64:
		return VC_REAL;
	case FT_ADDR:
		return VC_ADDR;
	case FT_MAC:
		return VC_MAC;
	case FT_ID:
		return VC_ID;
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
	case FT_BIN:
		return VC_TEXT;
	default:
		return VC_ORDERED;
	}
}

static bool parse_value(const struct m_ref *r, const char *s, bool range_ok, struct m_value *v)
{
	const char *dots = range_ok ? strstr(s, "..") : NULL;
	char lo[64];
	if (dots && (size_t)(dots - s) < sizeof lo) {
		memcpy(lo, s, (size_t)(dots - s));
		lo[dots - s] = '\0';
	} else {
		dots = NULL;
	}
	switch (class_of(r)) {
	case VC_ORDERED:
		return dots ? parse_ordered(r, lo, &v->lo) && parse_ordered(r, dots + 2, &v->hi)
			    : parse_ordered(r, s, &v->lo) && (v->hi = v->lo, true);
	case VC_REAL:
		return dots ? parse_real(lo, &v->dlo) && parse_real(dots + 2, &v->dhi)
			    : parse_real(s, &v->dlo) && (v->dhi = v->dlo, true);
	case VC_ADDR:
		return parse_addrs(s, dots, v);
	case VC_MAC:
		return mac_parse(s, strlen(s), &v->mac) == 0;
	case VC_ID:
		return id_parse(s, strlen(s), &v->id) == 0;
	case VC_TEXT:
		return true;
	}
	return false;
}

static const char *class_text(const struct m_ref *r)
{
	static const char *const text[] = {
		[VC_ORDERED] = "a number", [VC_REAL] = "a number", [VC_ADDR] = "an address or a network",
		[VC_MAC] = "a MAC address", [VC_ID] = "an id of 26 characters", [VC_TEXT] = "a text",
	};
	if (r->kind == MK_SPAN || (r->kind == MK_FIELD && r->f->type == FT_DUR))
		return "a duration such as 10s";
	if (r->kind != MK_FIELD)
		return text[class_of(r)];
	switch (r->f->type) {
	case FT_TIME:
		return "a time such as 2026-01-31T12:00:00Z";
	case FT_ENUM:
		return "a name that weir-fields(7) lists for it";
	case FT_PROTO:
		return "a protocol such as tcp";
	case FT_FLAG:
		return "true or false";
	case FT_TCPFLAGS:
		return "letters of FSRPAUEC";
	default:
		return text[class_of(r)];
	}
}

static bool add_value(struct parser *ps, struct m_node *n)
{
	if (ps->tok != T_WORD && ps->tok != T_STRING) {
		complain(ps, ps->at, "a value was expected");
		return false;
	}
	if (++ps->terms > MAX_TERMS) {
		complain(ps, ps->at, "more than %d terms", MAX_TERMS);
		return false;
	}
	struct m_value v = { 0 };
	if (!parse_value(&n->ref[0], ps->word, n->op == M_IN, &v)) {
		complain(ps, ps->at, "%s: %s was expected, not '%.60s'", n->name, class_text(&n->ref[0]), ps->word);
		return false;
	}
	if (class_of(&n->ref[0]) == VC_TEXT) {
		v.text = xstrdup(ps->word);
		v.len = strlen(v.text);
	}
	n->values = xrealloc(n->values, (n->n_values + 1) * sizeof *n->values);
	n->texts = xrealloc(n->texts, (n->n_values + 1) * sizeof *n->texts);
	n->texts[n->n_values] = xstrdup(ps->word);
	n->values[n->n_values++] = v;
	next(ps);
	return true;
}

/* -- grammar -- */

static void node_free(struct m_node *n)
{
	if (!n)
		return;
	node_free(n->a);
	node_free(n->b);
	for (unsigned i = 0; i < n->n_values; i++) {
		free(n->values[i].text);
		free(n->texts[i]);
	}
	for (unsigned i = 0; i < 2; i++)
		free(n->ref[i].key);
	free(n->values);
	free(n->texts);
	free(n->name);
	free(n);
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

static bool op_fits(const struct m_node *n)
{
	enum value_class c = class_of(&n->ref[0]);
	bool flags = n->ref[0].kind == MK_FIELD && n->ref[0].f->type == FT_TCPFLAGS;
	switch (n->op) {
	case M_LT:
	case M_LE:
	case M_GT:
	case M_GE:
		return c == VC_ORDERED || c == VC_REAL || c == VC_ADDR;
	case M_CONTAINS:
		return c == VC_TEXT || flags;
	case M_UNDER:
	case M_LIKE:
		return c == VC_TEXT;
	default:
		return true;
	}
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

static struct m_node *parse_compare(struct parser *ps)
{
	if (ps->tok != T_WORD)
		return complain(ps, ps->at, ps->tok == T_END ? "the expression ends early" : "a field was expected");
	struct m_node *n = xcalloc(1, sizeof *n);
	size_t at = ps->at;
	n->kind = MN_CMP;
	n->name = xstrdup(ps->word);
	if (++ps->terms > MAX_TERMS) {
		complain(ps, at, "more than %d terms", MAX_TERMS);
		goto bad;
	}
	if (!resolve(ps, n, at))
		goto bad;
	next(ps);
	bool negate = false;
	if (is_keyword(ps, "not", NULL)) { /* 'a not in b' */
		negate = true;
		next(ps);
	}
	int op = operator_of(ps);
	if (op < 0 && negate) {
		complain(ps, ps->at, "an operator was expected");
		goto bad;
	}
	n->op = op < 0 ? M_PRESENT : (enum m_op)op;
	if (!op_fits(n)) {
		complain(ps, ps->at, "'%s' cannot be used with %s", ps->word, n->name);
		goto bad;
	}
	if (op >= 0) {
		next(ps);
		if (!parse_values(ps, n))
			goto bad;
	}
	if (negate) {
		struct m_node *not = xcalloc(1, sizeof *not);
		not->kind = MN_NOT;
		not->a = n;
		return not;
	}
	return n;
bad:
	node_free(n);
	return NULL;
}

static struct m_node *parse_unary(struct parser *ps)
{
	struct m_node *n;
	if (++ps->depth > MAX_DEPTH)
		return complain(ps, ps->at, "nested too deep");
	if (is_keyword(ps, "not", "!")) {
		next(ps);
		struct m_node *a = parse_unary(ps);
		if (!a)
			return NULL;
		n = xcalloc(1, sizeof *n);
		n->kind = MN_NOT;
		n->a = a;
	} else if (ps->tok == T_LPAREN) {
		next(ps);
		n = parse_or(ps);
		if (!n)
			return NULL;
		if (ps->tok != T_RPAREN) {
			complain(ps, ps->at, "')' was expected");
			node_free(n);
			return NULL;
		}
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
		struct m_node *join = xcalloc(1, sizeof *join);
		join->kind = kind;
		join->a = n;
		join->b = b;
		n = join;
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

struct match *match_parse(const char *text, enum rtype type, struct match_error *e)
{
	struct parser ps = { .text = text, .p = text, .rd = rdesc_get(type), .e = e };
	struct m_node *root = NULL;
	if (!text)
		ps.text = ps.p = text = "";
	if (strlen(text) > MAX_TEXT) {
		complain(&ps, 1, "longer than %d bytes", MAX_TEXT);
		return NULL;
	}
	next(&ps);
	if (ps.tok == T_END) {
		root = xcalloc(1, sizeof *root);
		root->kind = MN_TRUE;
	} else {
		root = parse_or(&ps);
		if (root && ps.tok != T_END)
			complain(&ps, ps.at, "'and', 'or' or the end was expected");
	}
	free(ps.word);
	if (ps.failed) {
		node_free(root);
		return NULL;
	}
	struct match *m = xcalloc(1, sizeof *m);
	m->root = root;
	m->type = type;
	return m;
}

void match_free(struct match *m)
{
	if (!m)
		return;
	node_free(m->root);
	free(m);
}

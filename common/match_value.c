/* Values of the match language: from what was written to what is compared. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

#include "match_ast.h"
#include "timestamp.h"
#include "topo.h"

bool m_is_word_char(char c)
{
	return c && (isalnum((unsigned char)c) || strchr("_.:/*?%+-@[]", c) || (unsigned char)c >= 0x80);
}

enum m_class m_class_of(const struct m_ref *r)
{
	if (r->kind == MK_SUM || r->kind == MK_SPAN)
		return MC_ORDERED;
	if (r->kind == MK_MAP)
		return MC_REAL;
	switch (r->f->type) {
	case FT_F64:
		return MC_REAL;
	case FT_ADDR:
		return MC_ADDR;
	case FT_MAC:
		return MC_MAC;
	case FT_ID:
		return MC_ID;
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
	case FT_BIN:
		return MC_TEXT;
	default:
		return MC_ORDERED;
	}
}

static enum ftype type_of(const struct m_ref *r)
{
	if (r->kind == MK_SPAN)
		return FT_DUR;
	if (r->kind == MK_SUM)
		return FT_U64;
	return r->kind == MK_MAP ? FT_F64 : r->f->type;
}

bool m_op_fits(const struct m_ref *r, enum m_op op)
{
	enum m_class c = m_class_of(r);
	enum ftype t = type_of(r);
	switch (op) {
	case M_LT:
	case M_LE:
	case M_GT:
	case M_GE:
		return c == MC_REAL || c == MC_ADDR || (c == MC_ORDERED && t != FT_FLAG && t != FT_TCPFLAGS);
	case M_CONTAINS:
		return c == MC_TEXT || t == FT_TCPFLAGS;
	case M_UNDER:
	case M_LIKE:
		return c == MC_TEXT;
	default:
		return true;
	}
}

/* -- whole numbers, and what is counted like them -- */

static bool parse_hex(const char *s, uint64_t *ret)
{
	if (s[0] != '0' || (s[1] != 'x' && s[1] != 'X') || strlen(s) > 18 || !s[2])
		return false;
	if (s[2 + strspn(s + 2, "0123456789abcdefABCDEF")])
		return false;
	*ret = strtoull(s + 2, NULL, 16);
	return true;
}

/* Bytes are counted in powers of 1024, all else in powers of 1000. */
static bool parse_number(const struct field *f, const char *s, uint64_t *ret)
{
	if (parse_hex(s, ret))
		return true;
	return (strcmp(f->unit, "bytes") == 0 ? topo_size(s, ret) : topo_count(s, ret)) == 0;
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

static bool parse_ordered(const struct m_ref *r, const char *s, uint64_t *ret)
{
	int v;
	switch (type_of(r)) {
	case FT_FLAG:
		return parse_flag(s, ret);
	case FT_TIME:
		return timestamp_parse(s, ret);
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
		return parse_number(r->f, s, ret);
	}
}

/* The largest number the field can hold. */
static uint64_t most_of(const struct m_ref *r)
{
	switch (type_of(r)) {
	case FT_U8:
		return UINT8_MAX;
	case FT_U16:
		return UINT16_MAX;
	case FT_U32:
		return UINT32_MAX;
	default:
		return UINT64_MAX;
	}
}

/* -- other classes -- */

static bool parse_real(const struct field *f, const char *s, double *ret)
{
	uint64_t n;
	const char *digits = *s == '-' ? s + 1 : s;
	size_t len = strspn(digits, "0123456789.");
	char *end;
	if (isdigit((unsigned char)*digits) && !digits[len]) {
		*ret = strtod(s, &end);
		return *end == '\0';
	}
	if (!parse_number(f, digits, &n))
		return false;
	*ret = *s == '-' ? -(double)n : (double)n;
	return true;
}

static bool parse_net(const char *s, struct m_value *v)
{
	struct cidr c;
	if (cidr_parse(s, strlen(s), &c) < 0)
		return false;
	v->alo = v->ahi = c.addr;
	for (unsigned i = c.bits; i < 128; i++)
		v->ahi.b[i / 8] |= (uint8_t)(0x80 >> (i % 8));
	return true;
}

static char *lower_copy(const char *s)
{
	char *copy = xstrdup(s);
	for (char *p = copy; *p; p++)
		*p = m_lower(*p);
	return copy;
}

/*
 * A pattern as SQLite's GLOB reads it. There is none for a pattern with '?', which is one byte to us and one character
 * to SQLite.
 */
static char *glob_of(const char *pattern)
{
	struct buf b = { 0 };
	for (const char *p = pattern; *p; p++) {
		if (*p == '?') {
			buf_release(&b);
			return NULL;
		}
		if (*p == '*') {
			buf_addc(&b, '*');
			continue;
		}
		if (*p == '\\' && p[1])
			p++;
		buf_addf(&b, strchr("*?[", *p) ? "[%c]" : "%c", *p);
	}
	char *copy = xstrdup(buf_cstr(&b));
	buf_release(&b);
	return copy;
}

static bool parse_text(const struct m_ref *r, enum m_op op, const char *s, struct m_value *v)
{
	if (op == M_UNDER)
		s += *s == '.';
	v->text = lower_copy(s);
	v->len = strlen(v->text);
	if (op == M_UNDER && v->len && v->text[v->len - 1] == '.')
		v->text[--v->len] = '\0';
	if (op == M_LIKE)
		v->sql = glob_of(v->text);
	else if (r->f->type == FT_LIST && v->len && !strchr(v->text, '\n') && (op == M_EQ || op == M_NE || op == M_IN))
		v->sql = xasprintf("\n%s\n", v->text);
	return op != M_UNDER || v->len > 0;
}

/* -- all -- */

static bool parse_single(const struct m_ref *r, enum m_op op, const char *s, struct m_value *v)
{
	switch (m_class_of(r)) {
	case MC_ORDERED:
		if (!parse_ordered(r, s, &v->lo))
			return false;
		v->hi = v->lo;
		return true;
	case MC_REAL:
		if (!parse_real(r->f, s, &v->dlo))
			return false;
		v->dhi = v->dlo;
		return true;
	case MC_ADDR:
		return parse_net(s, v);
	case MC_MAC:
		return mac_parse(s, strlen(s), &v->mac) == 0;
	case MC_ID:
		if (id_parse(s, strlen(s), &v->id) < 0)
			return false;
		for (int i = 0; i < 8; i++) {
			v->id_bytes[i] = (uint8_t)(v->id.hi >> (56 - 8 * i));
			v->id_bytes[8 + i] = (uint8_t)(v->id.lo >> (56 - 8 * i));
		}
		return true;
	case MC_TEXT:
		return parse_text(r, op, s, v);
	}
	return false;
}

/* 'low..high'; both ends belong to it. */
static bool parse_range(const struct m_ref *r, const char *low, const char *high, struct m_value *v, bool *ret_reversed)
{
	switch (m_class_of(r)) {
	case MC_ORDERED:
		*ret_reversed = parse_ordered(r, low, &v->lo) && parse_ordered(r, high, &v->hi) && v->lo > v->hi;
		return parse_ordered(r, low, &v->lo) && parse_ordered(r, high, &v->hi);
	case MC_REAL:
		*ret_reversed = parse_real(r->f, low, &v->dlo) && parse_real(r->f, high, &v->dhi) && v->dlo > v->dhi;
		return parse_real(r->f, low, &v->dlo) && parse_real(r->f, high, &v->dhi);
	default:
		if (addr_parse(low, strlen(low), &v->alo) < 0 || addr_parse(high, strlen(high), &v->ahi) < 0)
			return false;
		*ret_reversed = addr_cmp(&v->alo, &v->ahi) > 0;
		return true;
	}
}

static void add_expected(const struct m_ref *r, struct buf *why)
{
	static const char *const by_class[] = {
		[MC_ORDERED] = "a number", [MC_REAL] = "a number", [MC_ADDR] = "an address or a network",
		[MC_MAC] = "a MAC address", [MC_ID] = "an id of 26 characters", [MC_TEXT] = "a domain",
	};
	switch (type_of(r)) {
	case FT_TIME:
		buf_adds(why, "a time such as 2026-01-31T12:00:00Z");
		break;
	case FT_DUR:
		buf_adds(why, "a duration such as 10s");
		break;
	case FT_PROTO:
		buf_adds(why, "a protocol such as tcp");
		break;
	case FT_FLAG:
		buf_adds(why, "true or false");
		break;
	case FT_TCPFLAGS:
		buf_adds(why, "letters of FSRPAUEC");
		break;
	case FT_ENUM:
		buf_adds(why, "one of");
		for (unsigned i = 0; r->f->names[i]; i++)
			buf_addf(why, "%s %s", i ? "," : "", *r->f->names[i] ? r->f->names[i] : "\"\"");
		break;
	default:
		buf_adds(why, by_class[m_class_of(r)]);
	}
}

bool m_value_parse(const struct m_ref *r, enum m_op op, const char *s, struct m_value *v, struct buf *why)
{
	enum m_class c = m_class_of(r);
	const char *dots = op == M_IN && c <= MC_ADDR ? strstr(s, "..") : NULL;
	bool good, reversed = false;
	*v = (struct m_value){ .written = xstrdup(s) };
	if (dots) {
		char *low = xstrndup(s, (size_t)(dots - s));
		good = parse_range(r, low, dots + 2, v, &reversed);
		free(low);
	} else {
		good = parse_single(r, op, s, v);
	}
	if (!good) {
		add_expected(r, why);
		buf_addf(why, dots ? " was expected at both ends of '%.60s'" : " was expected, not '%.60s'", s);
	} else if (reversed) {
		buf_addf(why, "'%.60s' begins above its end", s);
	} else if (c == MC_ORDERED && (op == M_EQ || op == M_NE || op == M_IN) && v->hi > most_of(r)) {
		buf_addf(why, "%.30s is more than it can be (%" PRIu64 ")", s, most_of(r));
	} else {
		return true;
	}
	return false;
}

void m_value_release(const struct m_ref *r, struct m_value *v)
{
	if (m_class_of(r) == MC_TEXT) {
		free(v->text);
		free(v->sql);
	}
	free(v->written);
}

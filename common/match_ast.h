/* The parsed form of an expression, shared by match_parse.c, match_value.c, match.c and match_sql.c. */
#ifndef WEIR_MATCH_AST_H
#define WEIR_MATCH_AST_H

#include <stdbool.h>
#include <stdint.h>

#include "match.h"

#define MATCH_MAX_TEXT  65536
#define MATCH_MAX_TERMS 1024
#define MATCH_MAX_DEPTH 64

enum m_op { M_EQ, M_NE, M_LT, M_LE, M_GT, M_GE, M_IN, M_CONTAINS, M_UNDER, M_LIKE, M_PRESENT };

/* What is compared: a field, the sum or the span of two, or one member of a map. */
enum m_kind { MK_FIELD, MK_SUM, MK_SPAN, MK_MAP };

struct m_ref {
	enum m_kind kind;
	const struct field *f;
	unsigned off;
	unsigned off2; /* MK_SUM: second summand; MK_SPAN: the earlier time */
	char *key;     /* MK_MAP; owned */
};

/* How the values of a reference are written and compared. */
enum m_class { MC_ORDERED, MC_REAL, MC_ADDR, MC_MAC, MC_ID, MC_TEXT };

/* A value, or a range of values, in the form its class compares in. */
struct m_value {
	union {
		struct {
			uint64_t lo, hi; /* whole numbers, times, durations, enumerations */
		};
		struct {
			double dlo, dhi;
		};
		struct {
			struct addr alo, ahi;
		};
		struct mac mac;
		struct {
			struct id id;
			uint8_t id_bytes[16]; /* big-endian, as databases keep them */
		};
		struct {
			char *text; /* in lower case: comparisons do not tell case */
			size_t len;
			char *sql; /* what SQL binds for it if not text: pattern of GLOB, item between newlines; NULL = none */
		};
	};
	char *written; /* for printing */
};

enum m_node_kind { MN_AND, MN_OR, MN_NOT, MN_CMP, MN_TRUE };

#define MATCH_MAX_REFS 3

struct m_node {
	enum m_node_kind kind;
	struct m_node *a, *b;
	/* MN_CMP: */
	char *name; /* field as written */
	struct m_ref ref[MATCH_MAX_REFS]; /* it is about any of these, all of one type */
	unsigned n_refs;
	enum m_op op;
	struct m_value *values;
	unsigned n_values;
};

struct match {
	struct m_node *root;
	enum rtype type;
};

static inline char m_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Bytes of words that need no quotes. */
bool m_is_word_char(char c);

enum m_class m_class_of(const struct m_ref *r);
bool m_op_fits(const struct m_ref *r, enum m_op op);
/*
 * Reads a value as it was written. False after appending to why what is wrong with it. What v owns is freed by
 * m_value_release, in either case.
 */
bool m_value_parse(const struct m_ref *r, enum m_op op, const char *s, struct m_value *v, struct buf *why);
void m_value_release(const struct m_ref *r, struct m_value *v);

#endif

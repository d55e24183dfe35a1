/* The parsed form of an expression, shared by match_parse.c, match.c and match_sql.c. */
#ifndef WEIR_MATCH_AST_H
#define WEIR_MATCH_AST_H

#include <stdbool.h>
#include <stdint.h>

#include "match.h"

enum m_op { M_EQ, M_NE, M_LT, M_LE, M_GT, M_GE, M_IN, M_CONTAINS, M_UNDER, M_LIKE, M_PRESENT };

/* What is compared: one field, a computed number, or either of two fields. */
enum m_kind { MK_FIELD, MK_SUM, MK_SPAN, MK_MAP };

struct m_ref {
	enum m_kind kind;
	const struct field *f;
	unsigned off;
	unsigned off2; /* MK_SUM: second summand; MK_SPAN: the earlier time */
	char *key;     /* MK_MAP */
};

/* A value, or a range of values, in the form the field's type compares in. */
struct m_value {
	uint64_t lo, hi; /* whole numbers, times, durations, enumerations */
	double dlo, dhi; /* real numbers */
	struct addr alo, ahi;
	struct mac mac;
	struct id id;
	char *text;
	size_t len;
};

enum m_node_kind { MN_AND, MN_OR, MN_NOT, MN_CMP, MN_TRUE };

struct m_node {
	enum m_node_kind kind;
	struct m_node *a, *b;
	enum m_op op;
	struct m_ref ref[2];
	unsigned n_refs;
	char *name; /* field as written */
	struct m_value *values;
	char **texts; /* values as written, for printing */
	unsigned n_values;
};

struct match {
	struct m_node *root;
	enum rtype type;
};

#endif

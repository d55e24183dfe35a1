/*
 * The SQL clauses that ntopng's clients put into parameters, without SQL: a strict parser of what a SELECT of one table can
 * say, over a table of columns that have ntopng's names. The condition becomes an expression in the match language, which
 * the store evaluates under the limits that all questions have; columns, groups, order and functions are done over its
 * records. So no text from outside is ever part of a statement, nothing but the columns listed can be named, and a flow
 * history of many files is one table. Pure.
 */
#ifndef WEIR_COMPAT_SQL_H
#define WEIR_COMPAT_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "record.h"

/* How a column is told from its field. */
enum sql_kind {
	SQL_VALUE,  /* as the field is */
	SQL_NUMBER, /* number of an enumeration, protocol or flag */
	SQL_EPOCH,  /* a time, in seconds since 1970 */
	SQL_SUM,    /* of two fields: field and field2 */
	SQL_REMOTE, /* 1 if a flag is not set */
	SQL_SPAN,   /* seconds between two times */
	SQL_FIXED,  /* field is the text itself */
};

struct sql_column {
	const char *name, *field;
	enum sql_kind kind;
	const char *field2, *match; /* match: name in the match language if it is not field; "" = not to be asked for */
};

struct sql_table {
	enum rtype type;
	const struct sql_column *columns; /* NULL name ends */
};
extern const struct sql_table sql_flows, sql_alerts;

enum sql_function { SQL_NONE, SQL_COUNT, SQL_TOTAL, SQL_MIN, SQL_MAX, SQL_AVG };

#define SQL_MAX_ITEMS 96

struct sql_item {
	const struct sql_column *column; /* NULL: COUNT(*) */
	enum sql_function function;
	char name[64]; /* of the result */
	/* Where a record has what the column is told from, found once for all records; NULL = nowhere. */
	const struct field *field, *field2;
	unsigned off, off2;
};

struct sql_query {
	const struct sql_table *table;
	struct sql_item items[SQL_MAX_ITEMS];
	size_t n_items;
	struct sql_item groups[16];
	size_t n_groups;
	bool grouped;     /* one row for each value of groups, or one in all */
	struct buf where; /* in the match language; "" = all */
	int order;        /* item, -1 = as stored */
	bool desc;
	char error[160];
};

struct sql_clauses {
	const char *select, *where, *group, *order; /* NULL or "" = none */
};

/* False: q->error says why. An order by what is no column of the result is ignored, as clients rely on it. */
bool sql_parse(struct sql_query *q, const struct sql_table *t, const struct sql_clauses *c);
void sql_release(struct sql_query *q);
/* The value of an item's column of a record, as text appended to out; *ret_number as a number where it is one. */
void sql_value(const struct sql_item *item, const void *rec, const char *base, struct buf *out, double *ret_number);

#endif

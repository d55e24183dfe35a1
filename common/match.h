/*
 * The match language: expressions over record fields. weir-match(7) has the grammar.
 *
 *   server.port = 443 and not (client.ip in 10.0.0.0/8 or hostname under example.org)
 *   severity >= warning and check in (syn_scan, flow_flood)
 *   either.ip = 192.0.2.7 and bytes > 1M and time >= 2026-11-24T08:00:00Z
 *
 * One parser for recipients, API filters, weir's arguments, exclusions and silences. Pure.
 */
#ifndef WEIR_MATCH_H
#define WEIR_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "record.h"

struct match;

/* Where an expression is wrong, and how. */
struct match_error {
	size_t column; /* from 1, in bytes */
	char text[200];
};

/*
 * Parses an expression for records of this type; field names are checked against its rows. An empty expression matches
 * all. Returns NULL and fills *e if it is wrong. Bounded: 64 KiB of text, 1024 terms, 64 levels of nesting.
 */
struct match *match_parse(const char *text, enum rtype type, struct match_error *e);
void match_free(struct match *m);
/* Does the record match? */
bool match_eval(const struct match *m, const void *rec, const char *base);
/* The first text that the field is compared with (=, != or in) and that is not known, as it was written; NULL if all are. */
typedef bool match_known(const void *arg, const char *text);
const char *match_unknown(const struct match *m, const char *field, match_known *known, const void *arg);
/* The expression in canonical form: parses back to the same. */
void match_print(const struct match *m, struct buf *out);
/* Appends a text as a quoted value of the language, whatever is in it. */
void match_quote(struct buf *out, const char *s, size_t len);

/*
 * The part of the expression that a database can decide, as SQL over columns named like the fields with '_' for '.':
 * a condition that every matching row meets (others may too: evaluate the rest with match_eval). Values are bound, never
 * written: bind is called for ?1, ?2 ... in order. Appends "1" when nothing can be decided. *ret_exact tells whether it
 * decides all of the expression. columns: NULL-terminated names of the columns there are, NULL = all fields.
 */
enum match_bind { MB_INT, MB_REAL, MB_TEXT, MB_BLOB };
struct match_value {
	enum match_bind kind;
	long long i;
	double d;
	const void *p; /* text or blob, valid as long as the match */
	size_t len;
};
size_t match_sql(const struct match *m, const char *const *columns, struct buf *sql, struct match_value *values,
		 size_t max_values, bool *ret_exact);

#endif

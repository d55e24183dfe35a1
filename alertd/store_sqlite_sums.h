/*
 * Sums of flows by the fields that people ask for, beside the flows in each file: for spans of packet time while the file is
 * written, for the whole file when it is complete. They are exact: a top list over millions of flows reads these instead.
 */
#ifndef WEIR_STORE_SQLITE_SUMS_H
#define WEIR_STORE_SQLITE_SUMS_H

#include <sqlite3.h>

#include "keytab.h"
#include "record.h"

#define SUMS_FIELDS 2
#define SUMS_SPAN   300000000000ull /* ns */
#define SUMS_WHOLE  (-1)            /* the span that stands for the whole file */

struct store;
struct column;
struct columns;

/* Sums of a transaction. */
struct sums {
	struct keytab of;                     /* dimension, span, values -> sums */
	const struct column **column;         /* SUMS_FIELDS for each dimension, NULL = none */
	unsigned n;
	struct buf key;
};

void sums_init(struct sums *u, const struct columns *flow);
void sums_release(struct sums *u);
void sums_drop(struct sums *u);
int sums_make(struct store *s, sqlite3 *db);
void sums_add(struct sums *u, const struct r_flow *f, const char *base);
int sums_flush(struct store *s, struct sums *u, uint64_t epoch);
/* Before a flow is put over one of a smaller revision: the sums of their spans do not hold any more. */
int sums_stale(struct store *s, const struct r_flow *f);
/* The file is complete: what is stale is made anew, and the sums of all of it. */
int sums_complete(struct store *s, sqlite3 *db);
/* It is written again. */
int sums_reopen(struct store *s, sqlite3 *db);

/* Is the field one of those? The table of flows has to have a column of it. */
bool sums_have(const char *field);
/* Number of the dimension that has just these fields, -1 if there is none. */
int sums_dimension(const char *const *fields, unsigned n);

#endif

/* Records as rows: columns, binding and reading by the descriptors. Knows SQLite, as the store does. */
#ifndef WEIR_COLUMNS_H
#define WEIR_COLUMNS_H

#include <sqlite3.h>
#include <stdbool.h>

#include "buf.h"
#include "record.h"

struct column {
	char name[64];
	const struct field *field;
	unsigned off;    /* in the record's struct */
	bool own_name;   /* it is the field's public name with '_' for '.', and no other's */
};

/* The columns of a record type; groups named in skip (NULL-terminated) are left out. Returns how many; *ret is the caller's. */
unsigned columns_of(enum rtype type, const char *const *skip, struct column **ret);
/* "name TYPE NOT NULL DEFAULT ..., ..." */
void columns_ddl(const struct column *c, unsigned n, struct buf *out);
void columns_names(const struct column *c, unsigned n, struct buf *out);
/* Binds all, from parameter 1 on. Strings must stay as they are until the statement has run. */
void columns_bind(sqlite3_stmt *st, const struct column *c, unsigned n, const void *rec, const char *base);
/* Reads a row whose result columns are these, from result column first on; strings go into arena. */
void columns_read(sqlite3_stmt *st, int first, const struct column *c, unsigned n, void *rec, struct buf *arena);

#endif

/* JSON out, from descriptors. (JSON in: jansson.) */
#ifndef WEIR_JSON_H
#define WEIR_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "record.h"

enum {
	JSON_FLAT = 1,  /* "client.ip": ... instead of nested objects */
	JSON_TYPE = 2,  /* begin with "type": name of the record */
	JSON_NO_BIN = 4,/* leave blobs out */
};

/*
 * Appends a record as one JSON object. Dotted names become nested objects ("client": {"ip": ...}); a field
 * that is also the prefix of others becomes their "name" ("app": {"name": "Google", "master": "TLS"}). The flow and the
 * host of an alert are objects of their own ("flow": {...}, "host": {...}). Absent strings, addresses, ids, times and F_OPT
 * zeros are left out. Times are RFC 3339 UTC with nanoseconds cut to microseconds, durations seconds, ids ULIDs,
 * integers numbers. fields, if not NULL, is a NULL-terminated list of public names to write and no others (of an alert's
 * flow and host: "flow.client.ip", "host.name").
 */
void json_record(struct buf *out, enum rtype type, const void *rec, const char *base, unsigned flags,
		 const char *const *fields);
/* One value of a record, as json_record writes it. */
void json_value(struct buf *out, const struct field *f, const void *value, const char *base);
/* A quoted string; what is not UTF-8 is replaced, what JSON or a terminal could trip over is escaped. */
void json_quote(struct buf *out, const char *s, size_t len);
/* "2026-11-24T09:21:00.123456Z" */
void json_time(struct buf *out, uint64_t ns);

/* The same value as plain text for tables, CSV and logs (no quotes; lists joined by ','). */
void text_value(struct buf *out, const struct field *f, const void *value, const char *base);

#endif

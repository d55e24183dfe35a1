/* What verbs print: a table for people, JSON lines or tab-separated values for programs. */
#ifndef WEIR_OUTPUT_H
#define WEIR_OUTPUT_H

#include <stdbool.h>

#include "buf.h"
#include "record.h"

enum output_form { OUT_AUTO, OUT_TABLE, OUT_WIDE, OUT_JSON, OUT_TSV };

struct output {
	enum output_form form;
	bool colour;
	char **fields;     /* NULL-terminated public names, NULL = the form's own */
	bool header_done;
	struct buf line;
};

/* "table", "wide", "json", "tsv"; -1 if it is none. */
int output_form(const char *s);
/* A comma-separated list of fields of records of a type; false after saying which does not exist. */
bool output_fields(struct output *o, enum rtype type, const char *list);
/* OUT_AUTO becomes a table on a terminal, else JSON lines. tz: TZ name for times in tables. */
void output_begin(struct output *o, const char *tz);
/* Prints a record; false if nobody reads any more. */
bool output_record(struct output *o, enum rtype type, const void *rec, const char *base);
void output_release(struct output *o);
/* "1h", "30m", "7d" ago, RFC 3339, a date, or seconds since 1970, as ns. -1 if it is none. */
int output_when(const char *s, uint64_t *ret);

#endif

/* Parameters of list requests, turned into what the store and the live view understand. */
#ifndef WEIR_PARAMS_H
#define WEIR_PARAMS_H

#include <stdbool.h>

#include "buf.h"
#include "http.h"
#include "match.h"

#define PARAMS_MAX_LIMIT 10000

struct params {
	struct buf filter; /* in the match language */
	struct match *match;
	char sort[64];     /* field, '-' before it for descending; "" = the list's own order */
	char cursor[160];
	uint32_t limit;
	uint64_t start, end;
	char **fields;     /* NULL-terminated, or NULL for all */
	bool count;
	char param[64], reason[256]; /* what was wrong */
};

/*
 * Known: filter, sort, limit, cursor, start, end, fields, count. Any other name is a field of the records: field=value (a
 * comma means or), field[op]=value with eq ne lt le gt ge in contains under like. False: param and reason say why.
 */
bool params_read(struct params *p, const struct request *r, enum rtype type);
void params_release(struct params *p);

/* One parameter, for params_read and its fuzz target. */
void params_add(struct params *p, enum rtype type, const char *name, const char *value);
bool params_finish(struct params *p, enum rtype type);

#endif

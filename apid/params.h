/* Parameters of list requests, turned into what the store and the live view understand. Pure. */
#ifndef WEIR_PARAMS_H
#define WEIR_PARAMS_H

#include <stdbool.h>

#include "buf.h"
#include "match.h"
#include "route.h"

#define PARAMS_LIMIT     100
#define PARAMS_MAX_LIMIT 10000

/*
 * The parameters that lists have: rows for their routes. params_table: of what has no time; params_plain: nor an order;
 * params_tally: of what is added up now. And those of a single record.
 */
extern const struct route_param params_list[], params_alerts[], params_table[], params_plain[], params_stored[], params_runs[];
extern const struct route_param params_tally[], params_one[];
/* The parameters of sums. */
extern const struct route_param params_top[], params_group[], params_series[];

struct params {
	struct buf filter; /* in the match language */
	struct match *match;
	char sort[160];    /* fields, joined by commas, '-' before each that descends; "" = the list's own order */
	char cursor[160];
	uint32_t limit;
	uint64_t start, end; /* 0 = open */
	char **fields;     /* NULL-terminated, or NULL for all */
	bool count;
	char by[160];      /* of sums and series: fields, joined by commas */
	uint64_t step;     /* of series, ns */
	char key[160];     /* of series: which one */
	char run[32];      /* "" = any */
};

/*
 * Reads the parameters of a list of records. filter is an expression; any name that is not in params_list is a field:
 * field=value (a comma means or), field[op]=value. All must hold. False: e says what is wrong.
 */
bool params_read(struct params *p, const struct uri *u, enum rtype type, struct param_error *e);
void params_release(struct params *p);
/* Adds names of fields that are wanted, joined by commas. */
void params_fields(struct params *p, const char *list);
/* Adds a condition, as an expression. The result is not yet parsed: see params_finish. */
void params_require(struct params *p, const char *expression);
/* Parses the filter; params_read has done it, params_require asks for it again. */
bool params_finish(struct params *p, enum rtype type, struct param_error *e);

#endif

/* A list that is being answered: records from the live view or from alertd, in the form that was asked for. */
#ifndef WEIR_APID_LIST_H
#define WEIR_APID_LIST_H

#include "apid.h"
#include "params.h"

enum list_form { LIST_JSON, LIST_NDJSON, LIST_CSV };

struct csv_column;
struct list {
	struct apid *k;
	struct request *r;
	struct params p;
	struct buf body, cell;
	enum rtype type;     /* of the records answered with */
	enum list_form form;
	uint32_t n;
	bool one;            /* a single record and not a list */
	unsigned status;     /* of the reply when all goes well; 0 = 200 */
	/* Instead of list_add and list_end, for what is no plain list of records. */
	void (*add)(void *list, const void *rec, const char *base);
	void (*end)(struct list *l, const char *next);
	void *arg;           /* theirs; freed with the list */
	/* Of alertd's answers that may be kept for others. */
	struct buf question;   /* empty: this is none */
	struct answer *at_hand; /* an earlier one, NULL = none */
	uint64_t revision;     /* of the one that came, 0 = not to be kept */
	struct csv_column *columns; /* of LIST_CSV: found when the header is written */
	size_t n_columns;
};

struct list *list_new(struct apid *k, struct request *r, enum rtype type, bool one);
/* With the parameters of the request, which are about records of this type; NULL: the request is answered. */
struct list *list_read(struct apid *k, struct request *r, enum rtype type);
/* Both answer and free. */
void list_problem(struct list *l, unsigned status, const char *detail, const struct param_error *e);
void list_bad_param(struct list *l, const char *param, const char *reason);
void list_add(void *list, const void *rec, const char *base);
/* Answers and frees. */
void list_end(struct list *l, const char *next, bool has_total, uint64_t total);
/* Answers with a page of a table and frees the list, not the table. */
void list_live(struct list *l, const struct live *table, const char *default_sort);
/* The one record that an expression names, the first in this order; 404 if there is none. Frees the list, not the table. */
void list_one(struct list *l, const struct live *table, const char *expression, const char *sort);
/* What does not fit the form of a list, an array of objects, say: ends it with this text, links to the next page, frees. */
void list_end_bare(struct list *l, const char *close, const char *next);
/* Answers with the one stored record that has this id. status: as in struct list. */
void list_stored(struct apid *k, struct request *r, enum rtype type, const char *what, const char *text, unsigned status);
/* Takes "192.0.2.1" or "192.0.2.1@7" apart; false if it is neither. */
bool list_host(const char *id, struct addr *ret_ip, unsigned long *ret_vlan);
/* Asks alertd for 'what' with the parameters of the list, which is answered when they come. */
void list_ask(struct list *l, const char *what);

#endif

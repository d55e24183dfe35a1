/*
 * What this server has: one table of paths, methods, the right each needs, and the parameters each takes. What is not in
 * the table does not exist. The table is made to be read by more than the router: each row says in words what it is. Pure.
 */
#ifndef WEIR_ROUTE_H
#define WEIR_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "record.h"
#include "token.h"
#include "uri.h"

struct request;

enum param_type {
	PT_TEXT,    /* at most max bytes, 0 = any number */
	PT_FLAG,    /* true, false, 1, 0, or there without a value */
	PT_NUMBER,  /* from min to max */
	PT_TIME,    /* RFC 3339, or seconds or milliseconds since 1970 */
	PT_MATCH,   /* an expression in the match language */
	PT_CHOICES, /* some of the words in choices, joined by commas */
	PT_FIELDS,  /* names of fields, joined by commas */
	PT_SORT,    /* a field, '-' before it for descending */
};

struct route_param {
	const char *name; /* NULL ends a list */
	enum param_type type;
	const char *doc;
	unsigned long min, max;
	const char *choices; /* "a,b,c" */
};

/* What a row answers with, for the description of the interface. */
enum reply {
	REPLY_JSON,  /* an object that summary tells of */
	REPLY_LIST,  /* {"data": [records], "next": cursor, "total": number} */
	REPLY_ONE,   /* one record */
	REPLY_TEXT,
	REPLY_EVENTS,
};

struct route {
	const char *method; /* "GET" (HEAD too), "POST", or both: "GET POST" */
	const char *path;   /* one segment may be a name in braces: it stands for any */
	enum scope scope;
	const char *summary;
	const struct route_param *params; /* NULL: they are not looked at */
	enum rtype records; /* a list of these: every field of theirs is a parameter too; R_NONE = no list */
	/* id: what stands for the segment in braces, valid during the call; "" if there is none. */
	void (*handle)(void *arg, struct request *r, const struct route *rt, const char *id);
	enum reply reply;
	enum rtype shape;   /* of the records answered with, if they are others than 'records' */
	unsigned status;    /* of a reply when all went well; 0 = 200 */
	size_t body;        /* bytes that a request may have; its members are parameters */
	bool heavy;         /* searches the history: there are fewer of these, see limit.h */
};

struct route_table {
	const struct route *rows;
	size_t n;
};

#define ROUTE_ID 128
/*
 * Finds the row. id receives what stands for the braces. NULL: allow then holds the methods that the path has ("GET, HEAD"),
 * nothing if there is no such path. HEAD is served by GET's row.
 */
const struct route *route_find(const struct route_table *tables, size_t n, const char *method, const char *path,
			       char id[static ROUTE_ID], struct buf *allow);

/* The records that it answers with, R_NONE if those are none. */
enum rtype route_answer(const struct route *rt);

/* What is wrong with a request's parameters. */
struct param_error {
	char param[80], reason[300];
};
/* Are all parameters known to the row and well formed? */
bool route_check(const struct route *rt, const struct uri *u, struct param_error *e);

/* "client.ip[cidr]" to field and operator of the match language; false if it is neither. */
bool route_field(const char *name, enum rtype type, char field[64], const char **op);
/* A time as PT_TIME has it. */
bool route_time(const char *s, uint64_t *ret_ns);
bool route_flag(const char *s);

#endif

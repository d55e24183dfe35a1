/* A question to the SQLite store while it is being answered: what pages and sums of records share. */
#ifndef WEIR_STORE_SQLITE_QUERY_H
#define WEIR_STORE_SQLITE_QUERY_H

#include "match.h"
#include "store_sqlite.h"

#define MAX_VALUES    512
#define TIME_LIMIT_NS 10000000000ull
#define SCAN_STEPS    20000      /* of SQLite's machine between looks at the clock */
#define MAX_KEYS      3          /* that a page is sorted by */

/* A record of the page, by its place in the order. */
struct entry {
	int64_t key[MAX_KEYS]; /* those beyond query.n_keys are 0 */
	uint8_t id[16];
	uint32_t part;
	size_t off, len; /* packed, in the list's buffer */
};

struct list {
	struct entry *e;
	size_t n;
	struct buf recs;
};

struct query {
	struct store *s;
	enum rtype type;
	struct columns *cols;
	struct reader *file;      /* that is looked at */
	struct match *m;
	const char **names;       /* columns that a condition may use */
	struct match_value values[MAX_VALUES];
	size_t n_values;
	bool exact;
	struct buf where;         /* condition, with ?1 ... ?n_values */
	char sort[MAX_KEYS][160]; /* expressions; all in the direction of the first: those in the other are inverted */
	unsigned n_keys;
	const char *time_col;
	bool desc, by_time, count, has_after, has_run;
	bool plain;               /* there is no filter */
	uint64_t run;             /* only what this epoch stored, if has_run */
	uint32_t limit;
	uint32_t question;        /* hash of type, order and filter: a cursor is good for its own question only */
	uint64_t start, end;
	struct entry after;       /* last row of the page before */
	struct list page;         /* at most limit + 1 */
	struct buf arena;
	struct store_page *out;
	struct buf *err;
	union {
		struct r_alert alert;
		struct r_flow flow;
	} rec;
};

/* Everything but what is asked for: filter, times, limit. Status 200, or 400 with the reason in err. */
unsigned query_init(struct query *k, struct store *s, const struct g_query *q, const char *base, enum rtype type,
		    struct store_page *page, struct buf *err);
void query_release(struct query *k);
/* What this connection is asked ends when the time of the query is over. */
void query_watch(struct store *s, sqlite3 *db);
/* Status after an answer failed: says why. */
unsigned query_failed(struct query *k);
/* The condition over the columns that a file has, with ?1 ... ?n_values. */
void query_where(struct query *k);
/* What match_sql gave for ?at; it stays the caller's until the statement is done. */
void match_value_bind(sqlite3_stmt *st, int at, const struct match_value *v);
void query_bind(const struct query *k, sqlite3_stmt *st);
/* What rows are selected from. */
void query_source(const struct query *k, struct buf *sql);
/* The whole row of a seq, as query_prepare_record's statement reads it, into k->rec; 1 if it matches, 0 if not, -1. */
sqlite3_stmt *query_prepare_record(struct query *k); /* for reader_done */
int query_read_record(struct query *k, sqlite3_stmt *st, int64_t seq);
const struct column *query_column(const struct query *k, const char *field);
/*
 * Calls look, with k->file and its k->cols, for alerts.db, or for each flow file that can have rows between start and end, and
 * behind the cursor and before the end of the page where it is sorted by time; newest first if desc.
 */
int query_files(struct query *k, int (*look)(struct query *k, sqlite3 *db));

/* Can the question for a series be answered from samples? Then the answer (store_sqlite_samples.c). */
bool samples_answer(const struct g_query *q, const char *base);
unsigned read_samples(struct store *s, const struct g_query *q, const char *base, struct buf *out, struct store_page *page,
		      struct buf *err);

/* Sums by some fields (store_sqlite_top.c). */
unsigned read_top(struct store *s, const struct g_query *q, const char *base, struct buf *out, struct store_page *page,
		  struct buf *err);

#endif

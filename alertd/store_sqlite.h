/*
 * What the files of the SQLite store share.
 *
 * alerts.db: alerts, notes, the delivery log, samples of alerts, how far each run's alerts are stored. flows-<start>.db: ended
 * flows of one period of ingest time (start: seconds since 1970), their sums, and how far each run's history is stored there: no
 * file has to agree with another, and retention deletes files. series.db: samples of the history.
 */
#ifndef WEIR_STORE_SQLITE_H
#define WEIR_STORE_SQLITE_H

#include <sqlite3.h>

#include "store.h"
#include "store_sqlite_series.h"
#include "store_sqlite_sums.h"

#define STORE_SCHEMA 2 /* of both kinds of file; rows added to the records need no new one */

/* -- records as rows (store_sqlite_columns.c) -- */

struct column {
	char name[64];
	const struct field *field;
	unsigned off;  /* in the record's struct */
	unsigned group, place; /* numbers of its group in the record, and of the field in the group */
	bool own_name; /* the field's public name with '_' for '.', and no earlier field's */
	bool rare;     /* has no column of its own in files that are made now: it is in 'rest' */
	bool missing;  /* the file has no column of it */
};

struct columns {
	struct column *c;
	unsigned n;
	enum rtype type;
	unsigned rare; /* groups that have rare fields, bit g for group g of the type */
	bool rest;     /* the file has the column 'rest': a record with these groups only, packed; empty in rows from before it */
};

/* The columns of a record type, without the groups named in skip (NULL-terminated, may be NULL). */
void columns_init(struct columns *cs, enum rtype type, const char *const *skip);
void columns_release(struct columns *cs);
/* 'name TYPE NOT NULL DEFAULT ..., ...' of columns [from, n). */
void columns_ddl(const struct columns *cs, unsigned from, unsigned n, struct buf *out);
/* Those of the first n that are not rare: the columns of a table that is made now. */
void columns_own(struct columns *own, const struct columns *cs, unsigned n);
/* Is there anything of the field in the file? If not, it was made before the field was, and the field reads as absent. */
bool columns_has(const struct columns *cs, unsigned i);
/* '"a","b"' of columns [from, n), NULL for what the file has nothing of, none for what is in 'rest'; prefix goes before each. */
void columns_names(const struct columns *cs, unsigned from, unsigned n, const char *prefix, struct buf *out);
/* Binds the value of a field, which is at v. It must stay until the statement has run. */
void value_bind(sqlite3_stmt *st, int at, const struct field *f, const void *v, const char *base);
/* Makes it the result of an SQL function. */
void value_result(sqlite3_context *ctx, const struct field *f, const void *v, const char *base);
/*
 * Binds all, from parameter 1 on. Strings must stay until the statement has run. zero: of each column, whether the statement has it
 * bound as zero, all false at first: most are in record after record, and are not bound again. NULL: nothing is known of it.
 */
void columns_bind(sqlite3_stmt *st, const struct columns *cs, bool *zero, const void *rec, const char *base);
/* What 'rest' has of a record. */
void columns_pack_rest(const struct columns *cs, const void *rec, const char *base, struct buf *out);
/*
 * Reads a row whose result columns are these, then 'rest' if the file has it, from result column first on; strings go into arena.
 * Returns the result column behind them.
 */
int columns_read(sqlite3_stmt *st, int first, const struct columns *cs, void *rec, struct buf *arena);
/* What a field is in SQL, under the name of its column; prefix is the table's. */
void columns_expression(const struct columns *cs, unsigned i, const char *prefix, struct buf *out);
/* What columns_expression needs, on a connection that is closed before the columns are released. SQLite's code. */
int columns_serve(sqlite3 *db, const struct columns *cs);
void id_to_blob(struct id id, uint8_t out[static 16]);
struct id id_from_column(sqlite3_stmt *st, int at);

/* -- runs: how far each is stored, in both kinds of file (store_sqlite_runs.c) -- */

struct run {
	uint64_t epoch, next; /* epoch 0: none */
	bool ended, live;
	uint64_t clock;           /* packet time reached */
	uint64_t lo, hi;          /* smallest and largest time (alerts) or last (flows) stored in this file */
	uint64_t began, stored;   /* wall clock: first and last commit */
	uint64_t records;         /* stored in this file */
	struct buf inputs;        /* 'sensor: input', one a line */
	bool changed;
};

struct store;
int runs_make(struct store *s, sqlite3 *db);
/* 1 if the file has it, 0 if not (then *r is a new one), -1. Strings of *r are kept in its buffer. */
int runs_load(struct store *s, sqlite3 *db, uint64_t epoch, struct run *r);
int runs_save(struct store *s, sqlite3_stmt *st, struct run *r, uint64_t now);
int runs_prepare_save(struct store *s, sqlite3 *db, sqlite3_stmt **ret);
/* Calls cb for each run of a file. */
int runs_each(struct store *s, sqlite3 *db, void (*cb)(void *arg, const struct run *r), void *arg);
/* What CONFIG, TICK and EOS say. */
void run_note(struct run *r, enum rtype type, const void *rec, const char *base);
/* counts: it is a record more. */
void run_stored(struct run *r, uint64_t time, bool counts);

/* -- the handle -- */

struct silence;

struct alert_part {
	sqlite3_stmt *put, *revise, *put_log, *save_run;
	struct columns own;       /* that are written, and 'rest' with what else there is */
	bool *put_zero, *revise_zero; /* columns_bind's */
	struct buf rest;
	struct silence *silences; /* all in the table */
	size_t n_silences;
	struct run run;
	uint64_t now;             /* of the transaction */
	struct store_log log;
	struct store_log saved;   /* as of the last commit */
	uint64_t analyzed;
};

struct flow_part {
	sqlite3_stmt *put, *replace, *save_run;
	struct columns own;       /* that are written, and 'rest' with what else there is */
	bool *put_zero;           /* columns_bind's */
	struct buf rest;
	struct run run;
	uint64_t start;           /* of the file that is open, ns */
	uint64_t now;             /* of the transaction */
	struct run known;         /* what all files together have of the run that was asked for last */
	struct sums sums;         /* of the transaction */
};

struct history_part {
	sqlite3 *db;              /* series.db */
	sqlite3_stmt *save_run, *keep, *forget;
	struct run run;
};

/* What is known of a flow file without opening it again. */
struct flow_file {
	uint64_t start;
	uint64_t size, mtime;
	uint64_t lo, hi;
	bool read;
};

#define MAX_READERS       32 /* a day of flow files of an hour each, and some */
#define READER_STATEMENTS 8

struct reader_statement {
	char *sql;
	sqlite3_stmt *st;
	uint64_t used;            /* number of the use */
	bool busy;
};

/* A file that is kept open for reading. */
struct reader {
	char *path;
	sqlite3 *db;
	uint64_t inode;
	uint64_t beside;          /* inode of alerts.db, attached to series.db as 'other'; 0 = it is not */
	uint64_t used;            /* mono ns */
	bool passing;             /* it is closed after the question */
	bool matched;             /* what columns it has is known */
	struct columns flow;      /* of a flow file */
	struct reader_statement statements[READER_STATEMENTS];
	uint64_t uses;            /* of statements */
};

struct read_part {
	struct reader readers[MAX_READERS];
	struct flow_file *files;
	size_t n_files;
	uint64_t deadline;        /* mono ns, of the query at hand */
};

struct store {
	struct store_conf conf;
	char *dir;
	enum store_role role;
	sqlite3 *db;              /* alerts.db, or the flow file that is written; a reader's is in its place of r.readers */
	struct columns alert, flow; /* alert: with the group 'note' at its end */
	struct columns silence;
	unsigned n_alert;         /* columns of alerts.db's table: without that group */
	struct alert_part a;
	struct flow_part f;
	struct history_part h;
	struct series series;     /* writer of samples, into alerts.db or series.db */
	struct read_part r;
	uint64_t tidy_to;         /* of upkeep: flow files that start before this are tidy */
	char error[600];
	bool damaged;             /* the failure was: the file is damaged, or none of ours */
};

/* Leaves 'what: reason' in s->error; returns -1. */
int store_fail(struct store *s, sqlite3 *db, const char *what);
int store_exec(struct store *s, sqlite3 *db, const char *sql);
/* Commits; fails if the file is no longer under its name, where nobody would find what was written. */
int store_commit(struct store *s, sqlite3 *db);
int store_prepare(struct store *s, sqlite3 *db, const char *sql, sqlite3_stmt **ret);
/* First value of the first row; def if there is none. */
int64_t store_int(sqlite3 *db, const char *sql, int64_t def);
/* A file that is just being made has no tables yet. */
bool store_has_table(sqlite3 *db, const char *name);
int store_set_meta(struct store *s, sqlite3 *db, const char *key, uint64_t value);
uint64_t store_get_meta(sqlite3 *db, const char *key, uint64_t def);
/* Opens a file of the store and checks that it is one. make: create it if it is not there. NULL with s->error. */
enum open_mode { OPEN_READ, OPEN_WRITE, OPEN_MAKE };
sqlite3 *store_open_db(struct store *s, const char *path, enum open_mode mode);
/* Makes a file that is not there yet under another name first: nobody sees it before it has its tables. */
int store_make_file(struct store *s, const char *path, int (*make)(struct store *s, sqlite3 *db));
/* Finds out which of columns [from, n) the table lacks, and adds them if 'add'. */
int store_match_columns(struct store *s, sqlite3 *db, const char *table, struct columns *cs, unsigned from, unsigned n, bool add);
/* Marks the file as one of ours, of this schema. */
void store_mark(struct buf *sql);
/*
 * A damaged file of history is put aside under another name: nobody's alerts may wait for it, nothing is deleted, and what it
 * alone knew is fetched again as far as checks still has it.
 */
void store_set_aside(struct store *s, const char *path);
/* The file with what SQLite has beside it. 0, also if it is not there; -1 and errno when it could not be removed. */
int store_remove(const char *path);
uint64_t store_file_bytes(const char *path);
/* Of the file system. */
uint64_t store_free_bytes(const struct store *s);
char *store_alerts_path(const struct store *s);
char *store_series_path(const struct store *s);
char *store_flow_path(const struct store *s, uint64_t start);
/* Starts (ns) of the flow files, oldest first; the caller frees. */
size_t store_flow_starts(const struct store *s, uint64_t **ret);

int alerts_open(struct store *s);
void alerts_close(struct store *s);
int alerts_begin(struct store *s, uint64_t epoch, uint64_t now);
int alerts_put(struct store *s, const struct r_alert *a, const char *base);
int alerts_commit(struct store *s, uint64_t next);
void alerts_rollback(struct store *s);
int alerts_prune(struct store *s, uint64_t now, struct store_pruned *did);
int alerts_tidy(struct store *s, uint64_t now);
unsigned alerts_note(struct store *s, struct id id, const struct store_note *n, uint64_t now, struct buf *err);
int alerts_log(struct store *s, struct store_log *l);
int alerts_log_read(struct store *s, uint64_t from, unsigned max,
		    bool (*cb)(void *arg, uint64_t seq, const void *rec, size_t len), void *arg);
int alerts_log_forget(struct store *s, uint64_t before);

/* Silences, in alerts.db (store_sqlite_silences.c). */
void silences_ddl(struct store *s, struct buf *sql);
/* Takes the table into memory anew. */
int silences_load(struct store *s);
void silences_release(struct store *s);
/* The silence that holds an alert's notifications back at wall-clock time now; unset if none does. */
struct id silences_find(const struct store *s, const struct r_alert *a, const char *base, uint64_t now);
unsigned silences_put(struct store *s, const struct g_silence *x, const char *base, struct buf *err);
unsigned silences_end(struct store *s, struct id id, const char *actor, uint64_t now, struct buf *err);
int silences_prune(struct store *s, uint64_t oldest);
unsigned silences_query(struct store *s, const struct g_query *q, const char *base, uint64_t now, struct buf *out,
			struct store_page *page, struct buf *err);

/* What people say of hosts, in alerts.db (store_sqlite_hosts.c). */
void hosts_ddl(struct buf *sql);
unsigned hosts_note(struct store *s, const struct store_host *h, uint64_t now, struct buf *err);
unsigned hosts_query(struct store *s, struct buf *out, struct store_page *page, struct buf *err);

int flows_open(struct store *s);
void flows_close(struct store *s);
/* How far all files together are with a run, NULL: nothing is stored of it. Until the next call. Reads them all for another run. */
int flows_known(struct store *s, uint64_t epoch, const struct run **ret);
int flows_begin(struct store *s, uint64_t epoch, uint64_t now);
int flows_put(struct store *s, const struct r_flow *f, const char *base, uint64_t number);
int flows_commit(struct store *s, uint64_t next);
void flows_rollback(struct store *s);

/* Samples of the history, beside the flows (store_sqlite_history.c). */
int history_open(struct store *s);
void history_close(struct store *s);
/* Takes a cursor of the flows back to where the samples are. */
int history_cursor(struct store *s, struct store_cursor *c);
/* flows: how far they are; NULL if nothing is stored of the run. Before the transaction. */
int history_begin(struct store *s, uint64_t epoch, const struct run *flows, uint64_t now);
int history_commit(struct store *s, uint64_t next, uint64_t now);
void history_rollback(struct store *s);
int history_keep(struct store *s, const void *key, size_t key_len, const void *value, size_t len);
int history_kept(struct store *s, void (*cb)(void *arg, const void *key, size_t key_len, const void *value, size_t len),
		 void *arg);
int history_prune(struct store *s, uint64_t now, struct store_pruned *did);

/* Flow files that are complete (store_sqlite_upkeep.c). */
int upkeep_prune(struct store *s, uint64_t now, struct store_pruned *did);
int upkeep_tidy(struct store *s, uint64_t now);

/* -- files that are kept open between questions (store_sqlite_readers.c) -- */

/*
 * Opens a file for reading if it is not open, or was replaced; another one may be closed for it, never the MAX_READERS - 1 that were
 * asked for last. NULL with s->error.
 */
struct reader *reader_get(struct store *s, const char *path);
/* Closes it. NULL: nothing to do. */
void reader_drop(struct reader *r);
/* Those that nobody asked for some seconds, and those that are not kept. */
void readers_drop_idle(struct store *s);
void readers_drop_all(struct store *s);
/* A statement to bind and step, with nothing bound; given back with reader_done (NULL: nothing to do), not finalized. */
int reader_prepare(struct store *s, struct reader *r, const char *sql, sqlite3_stmt **ret);
void reader_done(struct reader *r, sqlite3_stmt *st);

/* alerts.db, for reading; also s->db until another file is got. NULL with s->error. */
struct reader *read_open_alerts(struct store *s);
/* A file that has a write-ahead log beside it is being written, or was when it was opened. */
bool read_is_changing(const char *path);
/* Flow files, newest first, with the range of times in them. */
size_t read_flow_files(struct store *s, struct flow_file **ret);
unsigned read_query(struct store *s, const struct g_query *q, const char *base, struct buf *out, struct store_page *page,
		    struct buf *err);
unsigned read_runs(struct store *s, struct buf *out, struct store_page *page, struct buf *err);
unsigned read_stats(struct store *s, struct buf *out, struct store_page *page, struct buf *err);
unsigned read_backup(struct store *s, const char *dir, bool flows, struct buf *err);

#endif

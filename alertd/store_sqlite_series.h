/* Samples in the SQLite store: of a minute, five, an hour, a day. series.db has those of the history, alerts.db those of alerts. */
#ifndef WEIR_STORE_SQLITE_SERIES_H
#define WEIR_STORE_SQLITE_SERIES_H

#include <sqlite3.h>

#include "keytab.h"
#include "store.h"

#define SERIES_TIERS 4
#define SERIES_SUMS  9 /* counters of a sample */

struct store;

/* One file's writer. */
struct series {
	sqlite3_stmt *update[SERIES_TIERS], *insert[SERIES_TIERS], *touch;
	struct keytab touched; /* of the transaction: tier and time -> rows */
	bool fresh;            /* the last sample made a row of the longest span */
};

extern const uint64_t series_spans[SERIES_TIERS]; /* ns */

int series_make(struct store *s, sqlite3 *db);
/* To begin with, and after a file was made. */
int series_open(struct store *s, struct series *w, sqlite3 *db);
void series_close(struct series *w);
int series_put(struct store *s, struct series *w, uint64_t epoch, const struct g_sample *g, const char *base);
/* Before each commit, and after a rollback. */
int series_commit(struct store *s, struct series *w, uint64_t now);
void series_rollback(struct series *w);
int series_prune(struct store *s, sqlite3 *db, uint64_t now, struct store_pruned *did);
/* Number of a kind in the tables, -1 if it is none. */
int series_kind(const char *name);

#endif

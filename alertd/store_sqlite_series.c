/*
 * Writer of samples. A sample of a minute is added to its row in a table of each span at once, so that every table is complete.
 * 'spans' has a row for each span that has samples: when it was stored last, which retention goes by, and 'reduced' when a
 * shorter span inside it is gone, so that readers take the longer one there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store_sqlite.h"

#define PRUNE_ROWS 2000 /* samples that a slice of retention deletes: some milliseconds */
#define ROW_BYTES  60   /* of a row without its key, about */

const uint64_t series_spans[SERIES_TIERS] = { 60000000000, 300000000000, 3600000000000, 86400000000000 };

static const char counters[] = "bytes, bytes_sent, bytes_rcvd, packets, flows, alerts, drops, score, active";
static const char *const kinds[] = { "sensor", "sensor,app", "host", "host,app", "check", NULL };

int series_kind(const char *name)
{
	return enum_value(kinds, name);
}

static int make_tier(struct store *s, sqlite3 *db, unsigned tier)
{
	char sql[600];
	snprintf(sql, sizeof sql,
		 "CREATE TABLE IF NOT EXISTS samples_%u (time INTEGER NOT NULL, kind INTEGER NOT NULL, key TEXT NOT NULL,"
		 " epoch INTEGER NOT NULL, bytes INTEGER NOT NULL, bytes_sent INTEGER NOT NULL, bytes_rcvd INTEGER NOT NULL,"
		 " packets INTEGER NOT NULL, flows INTEGER NOT NULL, alerts INTEGER NOT NULL, drops INTEGER NOT NULL,"
		 " score INTEGER NOT NULL, active INTEGER NOT NULL, PRIMARY KEY(time, kind, key, epoch)) WITHOUT ROWID",
		 tier);
	return store_exec(s, db, sql);
}

int series_make(struct store *s, sqlite3 *db)
{
	int rc = store_exec(s, db,
			    "CREATE TABLE IF NOT EXISTS spans (tier INTEGER NOT NULL, time INTEGER NOT NULL, stored INTEGER NOT NULL,"
			    " rows INTEGER NOT NULL, bytes INTEGER NOT NULL, reduced INTEGER NOT NULL DEFAULT 0,"
			    " PRIMARY KEY(tier, time)) WITHOUT ROWID;"
			    "CREATE INDEX IF NOT EXISTS spans_stored ON spans(tier, stored, time)");
	for (unsigned t = 0; t < SERIES_TIERS && rc == 0; t++)
		rc = make_tier(s, db, t);
	return rc;
}

/* -- intake -- */

/* What is stored of a span in this transaction. */
struct touched {
	uint64_t rows, bytes;
};
struct touched_key {
	uint64_t tier, time;
};

int series_open(struct store *s, struct series *w, sqlite3 *db)
{
	char sql[500];
	int rc = store_prepare(s, db,
			       "INSERT INTO spans(tier, time, stored, rows, bytes) VALUES(?,?,?,?,?) ON CONFLICT(tier, time) DO UPDATE"
			       " SET stored=excluded.stored, rows=rows+excluded.rows, bytes=bytes+excluded.bytes", &w->touch);
	keytab_init(&w->touched, sizeof(struct touched));
	for (unsigned t = 0; t < SERIES_TIERS && rc == 0; t++) {
		snprintf(sql, sizeof sql,
			 "UPDATE samples_%u SET bytes=bytes+?5, bytes_sent=bytes_sent+?6, bytes_rcvd=bytes_rcvd+?7, packets=packets+?8,"
			 " flows=flows+?9, alerts=alerts+?10, drops=drops+?11, score=max(score,?12), active=max(active,?13)"
			 " WHERE time=?1 AND kind=?2 AND key=?3 AND epoch=?4", t);
		rc = store_prepare(s, db, sql, &w->update[t]);
		snprintf(sql, sizeof sql, "INSERT OR IGNORE INTO samples_%u(time, kind, key, epoch, %s) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)", t,
			 counters);
		if (rc == 0)
			rc = store_prepare(s, db, sql, &w->insert[t]);
	}
	return rc;
}

void series_close(struct series *w)
{
	for (unsigned t = 0; t < SERIES_TIERS; t++) {
		sqlite3_finalize(w->update[t]);
		sqlite3_finalize(w->insert[t]);
	}
	sqlite3_finalize(w->touch);
	keytab_clear(&w->touched);
	*w = (struct series){ 0 };
}

static int run_one(sqlite3_stmt *st, int64_t time, int kind, const char *key, int len, uint64_t epoch, const uint64_t *sums)
{
	sqlite3_bind_int64(st, 1, time);
	sqlite3_bind_int(st, 2, kind);
	sqlite3_bind_text(st, 3, key, len, SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, (sqlite3_int64)epoch);
	for (int i = 0; i < SERIES_SUMS; i++)
		sqlite3_bind_int64(st, 5 + i, (sqlite3_int64)sums[i]);
	int rc = sqlite3_step(st);
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? 0 : -1;
}

int series_put(struct store *s, struct series *w, uint64_t epoch, const struct g_sample *g, const char *base)
{
	const uint64_t sums[SERIES_SUMS] = { g->bytes, g->bytes_sent, g->bytes_rcvd, g->packets, g->flows, g->alerts, g->drops,
					     g->score, g->active };
	char name[16];
	snprintf(name, sizeof name, "%.*s", (int)g->kind.len, str_ptr(base, g->kind));
	int kind = series_kind(name), len = (int)g->key.len;
	const char *key = len ? str_ptr(base, g->key) : "";
	/* What is new in a long span is new in the shorter ones, and after one new key there is mostly another. */
	bool fresh = w->fresh;
	for (unsigned t = SERIES_TIERS; t-- > 0 && kind >= 0;) {
		struct touched_key at = { t, g->time - g->time % series_spans[t] };
		sqlite3_stmt *const order[] = { fresh ? w->insert[t] : w->update[t], fresh ? w->update[t] : w->insert[t] };
		sqlite3 *db = sqlite3_db_handle(order[0]);
		struct touched *n = keytab_put(&w->touched, &at, sizeof at);
		unsigned i = 0;
		do {
			if (run_one(order[i], (int64_t)at.time, kind, key, len, epoch, sums) < 0)
				return store_fail(s, db, "samples");
		} while (!sqlite3_changes(db) && ++i < 2);
		fresh = i < 2 && order[i] == w->insert[t];
		n->rows += fresh;
		n->bytes += fresh ? ROW_BYTES + (unsigned)len : 0;
		if (t == SERIES_TIERS - 1)
			w->fresh = fresh;
	}
	return kind >= 0;
}

int series_commit(struct store *s, struct series *w, uint64_t now)
{
	for (struct touched *n = keytab_next(&w->touched, NULL); n; n = keytab_next(&w->touched, n)) {
		struct touched_key at;
		size_t len;
		memcpy(&at, keytab_key(n, &len), sizeof at);
		const uint64_t values[] = { at.tier, at.time, now, n->rows, n->bytes };
		for (int i = 0; i < 5; i++)
			sqlite3_bind_int64(w->touch, 1 + i, (sqlite3_int64)values[i]);
		int rc = sqlite3_step(w->touch);
		sqlite3_reset(w->touch);
		if (rc != SQLITE_DONE)
			return store_fail(s, sqlite3_db_handle(w->touch), "spans");
	}
	keytab_clear(&w->touched);
	return 0;
}

void series_rollback(struct series *w)
{
	keytab_clear(&w->touched);
}

/* -- retention -- */

/* The span that is to go: too old, or the oldest of too much. -1 if there is none. */
static int64_t find_old(sqlite3 *db, unsigned tier, uint64_t now, const struct retention *keep)
{
	char sql[200];
	snprintf(sql, sizeof sql, "SELECT sum(bytes) FROM spans WHERE tier=%u", tier);
	bool much = (uint64_t)store_int(db, sql, 0) > keep->bytes;
	uint64_t oldest = now > keep->age ? now - keep->age : 0;
	snprintf(sql, sizeof sql, "SELECT CASE WHEN %d OR stored < %" PRId64 " THEN time END FROM spans WHERE tier=%u ORDER BY stored, time"
				  " LIMIT 1", much, (int64_t)oldest, tier);
	return store_int(db, sql, -1);
}

static int delete_some(struct store *s, sqlite3 *db, unsigned tier, int64_t time, uint64_t *deleted)
{
	struct buf sql = { 0 };
	buf_adds(&sql, "BEGIN IMMEDIATE;");
	if (tier + 1 < SERIES_TIERS) /* the longer span around it stands for it from now on */
		buf_addf(&sql, "UPDATE spans SET reduced=1 WHERE tier=%u AND time=%" PRId64 " AND NOT reduced;", tier + 1,
			 time - time % (int64_t)series_spans[tier + 1]);
	buf_addf(&sql, "DELETE FROM samples_%u WHERE (time, kind, key, epoch) IN (SELECT time, kind, key, epoch FROM samples_%u"
		       " WHERE time=%" PRId64 " LIMIT %d)", tier, tier, time, PRUNE_ROWS);
	int rc = store_exec(s, db, buf_cstr(&sql)), n = rc == 0 ? sqlite3_changes(db) : 0;
	buf_reset(&sql);
	if (n < PRUNE_ROWS)
		buf_addf(&sql, "DELETE FROM spans WHERE tier=%u AND time=%" PRId64 ";", tier, time);
	buf_adds(&sql, "COMMIT");
	if (rc == 0)
		rc = store_exec(s, db, buf_cstr(&sql));
	if (!sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	*deleted += rc == 0 ? (uint64_t)n : 0;
	buf_release(&sql);
	return rc;
}

int series_prune(struct store *s, sqlite3 *db, uint64_t now, struct store_pruned *did)
{
	for (unsigned t = 0; t < SERIES_TIERS; t++) {
		int64_t time = find_old(db, t, now, &s->conf.kept[KEPT_MINUTES + t]);
		if (time >= 0)
			return delete_some(s, db, t, time, &did->n[KEPT_MINUTES + t]) < 0 ? -1 : 1;
	}
	return 0;
}

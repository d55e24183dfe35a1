/*
 * series.db beside the flow files: samples, and what has been counted of a run's totals. It has a cursor of its own, is
 * committed after the flow file, and the smaller of the two is where a run goes on: flows that come again are known, samples
 * never come again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store_sqlite.h"

#define FORGET_NS 86400000000000ull /* after which nobody waits for a run that did not end */

static int make_tables(struct store *s, sqlite3 *db)
{
	struct buf sql = { 0 };
	buf_adds(&sql, "BEGIN IMMEDIATE;");
	store_mark(&sql);
	buf_adds(&sql, "CREATE TABLE IF NOT EXISTS kept (epoch INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
		       " PRIMARY KEY(epoch, key)) WITHOUT ROWID");
	int rc = store_exec(s, db, buf_cstr(&sql));
	buf_release(&sql);
	if (rc == 0)
		rc = runs_make(s, db);
	if (rc == 0)
		rc = series_make(s, db);
	return rc == 0 ? store_exec(s, db, "COMMIT") : rc;
}

static int open_file(struct store *s)
{
	struct history_part *h = &s->h;
	char *path = store_series_path(s);
	h->db = store_make_file(s, path, make_tables) == 0 ? store_open_db(s, path, OPEN_MAKE) : NULL;
	free(path);
	if (!h->db || make_tables(s, h->db) < 0 || series_open(s, &s->series, h->db) < 0 ||
	    runs_prepare_save(s, h->db, &h->save_run) < 0 ||
	    store_prepare(s, h->db, "INSERT OR REPLACE INTO kept(epoch, key, value) VALUES(?,?,?)", &h->keep) < 0)
		return -1;
	return store_prepare(s, h->db, "DELETE FROM kept WHERE epoch=? AND key=?", &h->forget);
}

int history_open(struct store *s)
{
	if (open_file(s) == 0)
		return 0;
	if (!s->damaged)
		return -1;
	history_close(s);
	char *path = store_series_path(s);
	store_set_aside(s, path);
	free(path);
	return open_file(s);
}

void history_close(struct store *s)
{
	struct history_part *h = &s->h;
	series_close(&s->series);
	sqlite3_finalize(h->save_run);
	sqlite3_finalize(h->keep);
	sqlite3_finalize(h->forget);
	sqlite3_close(h->db);
	buf_release(&h->run.inputs);
	*h = (struct history_part){ 0 };
}

int history_cursor(struct store *s, struct store_cursor *c)
{
	struct run r = { 0 };
	int rc = runs_load(s, s->h.db, c->epoch, &r);
	if (rc > 0) { /* else it is adopted where it is */
		c->next = r.next < c->next ? r.next : c->next;
		c->clock = r.clock < c->clock ? r.clock : c->clock;
		c->ended &= r.ended;
	}
	buf_release(&r.inputs);
	return rc < 0 ? -1 : 0;
}

/*
 * A run that is new here begins where the flows of it are, which is written before any more of them: else a death in between
 * would leave out what they have by then.
 */
static int adopt(struct store *s, uint64_t epoch, const struct run *flows, uint64_t now)
{
	struct run *r = &s->h.run;
	int rc = runs_load(s, s->h.db, epoch, r);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	r->next = flows ? flows->next : 0;
	r->clock = flows ? flows->clock : 0;
	return runs_save(s, s->h.save_run, r, now);
}

int history_begin(struct store *s, uint64_t epoch, const struct run *flows, uint64_t now)
{
	return epoch != s->h.run.epoch ? adopt(s, epoch, flows, now) : 0;
}

int history_commit(struct store *s, uint64_t next, uint64_t now)
{
	struct run *r = &s->h.run;
	r->next = next;
	if (series_commit(s, &s->series, now) < 0 || runs_save(s, s->h.save_run, r, now) < 0)
		return -1;
	return store_commit(s, s->h.db);
}

void history_rollback(struct store *s)
{
	series_rollback(&s->series);
	if (s->h.db && !sqlite3_get_autocommit(s->h.db))
		sqlite3_exec(s->h.db, "ROLLBACK", NULL, NULL, NULL);
	s->h.run.epoch = 0; /* read again */
}

int history_keep(struct store *s, const void *key, size_t key_len, const void *value, size_t len)
{
	sqlite3_stmt *st = len ? s->h.keep : s->h.forget;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)s->h.run.epoch);
	sqlite3_bind_blob(st, 2, key, (int)key_len, SQLITE_STATIC);
	if (len)
		sqlite3_bind_blob(st, 3, value, (int)len, SQLITE_STATIC);
	int rc = sqlite3_step(st);
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? 0 : store_fail(s, s->h.db, "series.db");
}

int history_kept(struct store *s, void (*cb)(void *arg, const void *key, size_t key_len, const void *value, size_t len), void *arg)
{
	sqlite3_stmt *st = NULL;
	int rc;
	if (store_prepare(s, s->h.db, "SELECT key, value FROM kept WHERE epoch=?", &st) < 0)
		return -1;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)s->h.run.epoch);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		const void *key = sqlite3_column_blob(st, 0), *value = sqlite3_column_blob(st, 1);
		cb(arg, key, (size_t)sqlite3_column_bytes(st, 0), value, (size_t)sqlite3_column_bytes(st, 1));
	}
	if (rc != SQLITE_DONE)
		store_fail(s, s->h.db, "series.db");
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? 0 : -1;
}

/* Samples, and then what was counted of runs that nobody goes on with. */
int history_prune(struct store *s, uint64_t now, struct store_pruned *did)
{
	char sql[200];
	int rc = series_prune(s, s->h.db, now, did);
	if (rc != 0)
		return rc;
	snprintf(sql, sizeof sql, "DELETE FROM kept WHERE epoch IN (SELECT epoch FROM runs WHERE (ended OR stored < %" PRId64 ") AND"
				  " epoch != %" PRId64 ")", (int64_t)(now - FORGET_NS), (int64_t)s->h.run.epoch);
	return store_exec(s, s->h.db, sql);
}

/*
 * alerts.db: alerts, notes, delivery log, cursor. flows-<start>.db: ended flows of one period of ingest time, with the cursor
 * of the history inside, so that retention deletes files and no file has to agree with another.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec.h"
#include "hash.h"
#include "log.h"
#include "store_priv.h"

#define SCHEMA 1 /* of both kinds of file; fields that are added need no new one */

static const char *const alert_skip[] = { "note", NULL };

int store_fail(struct store *s, sqlite3 *db, const char *what)
{
	snprintf(s->error, sizeof s->error, "%s: %s", what, db ? sqlite3_errmsg(db) : strerror(errno));
	return -1;
}

const char *store_error(const struct store *s)
{
	return s->error;
}

static int exec(struct store *s, sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_fail(s, db, "store");
}

static int64_t get_int(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st;
	int64_t v = -1;
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return v;
}

/* -- opening -- */

/* Fields that the file was made without are added. */
static int add_columns(struct store *s, sqlite3 *db, const char *table, const struct column *c, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct buf sql = { 0 };
		sqlite3_stmt *st;
		buf_addf(&sql, "SELECT 1 FROM pragma_table_info('%s') WHERE name='%s'", table, c[i].name);
		int rc = sqlite3_prepare_v2(db, buf_cstr(&sql), -1, &st, NULL);
		bool there = rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW;
		sqlite3_finalize(st);
		buf_reset(&sql);
		buf_addf(&sql, "ALTER TABLE %s ADD COLUMN ", table);
		columns_ddl(&c[i], 1, &sql);
		rc = there ? 0 : exec(s, db, buf_cstr(&sql));
		buf_release(&sql);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int check_schema(struct store *s, sqlite3 *db, const char *path)
{
	int64_t have = get_int(db, "PRAGMA user_version");
	if (have > SCHEMA) {
		snprintf(s->error, sizeof s->error,
			 "%s was made by a newer weir (schema %" PRId64 ", this one knows %d): install that version again, "
			 "or move the file away",
			 path, have, SCHEMA);
		return -1;
	}
	return 0;
}

sqlite3 *store_open_db(struct store *s, const char *path, bool writer)
{
	sqlite3 *db = NULL;
	int flags = writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE;
	if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		store_fail(s, db, path);
		sqlite3_close(db);
		return NULL;
	}
	sqlite3_busy_timeout(db, 2000);
	if (exec(s, db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;") < 0 ||
	    check_schema(s, db, path) < 0) {
		sqlite3_close(db);
		return NULL;
	}
	return db;
}

static int make_alerts(struct store *s)
{
	struct buf sql = { 0 };
	buf_adds(&sql, "BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS alerts (");
	columns_ddl(s->alert_cols, s->n_alert_cols, &sql);
	buf_adds(&sql, ", ingested INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(id)) WITHOUT ROWID;");
	/* The two that pay: newest first, and by check. Each further one costs a quarter of the speed. */
	buf_adds(&sql, "CREATE INDEX IF NOT EXISTS alerts_time ON alerts(time, id);"
		       "CREATE INDEX IF NOT EXISTS alerts_check ON alerts(\"check\", time);"
		       "CREATE TABLE IF NOT EXISTS notes (seq INTEGER PRIMARY KEY, id BLOB NOT NULL, time INTEGER NOT NULL,"
		       " acknowledged INTEGER NOT NULL, actor TEXT NOT NULL, comment TEXT NOT NULL);"
		       "CREATE INDEX IF NOT EXISTS notes_id ON notes(id, seq);"
		       "CREATE TABLE IF NOT EXISTS deliveries (seq INTEGER PRIMARY KEY AUTOINCREMENT, rec BLOB NOT NULL);"
		       "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL);");
	buf_addf(&sql, "INSERT OR IGNORE INTO meta VALUES('store', %" PRId64 ");",
		 (int64_t)(hash_key_random().k0 >> 1 | 1));
	buf_addf(&sql, "PRAGMA user_version=%d; COMMIT;", SCHEMA);
	int rc = exec(s, s->alerts, buf_cstr(&sql));
	if (rc < 0)
		sqlite3_exec(s->alerts, "ROLLBACK", NULL, NULL, NULL);
	buf_release(&sql);
	return rc < 0 ? -1 : add_columns(s, s->alerts, "alerts", s->alert_cols, s->n_alert_cols);
}

static int prepare_alerts(struct store *s)
{
	struct buf sql = { 0 };
	buf_adds(&sql, "INSERT INTO alerts (");
	columns_names(s->alert_cols, s->n_alert_cols, &sql);
	buf_adds(&sql, ",ingested) VALUES (");
	for (unsigned i = 0; i <= s->n_alert_cols; i++)
		buf_adds(&sql, i ? ",?" : "?");
	buf_adds(&sql, ") ON CONFLICT(id) DO UPDATE SET ");
	for (unsigned i = 0; i < s->n_alert_cols; i++)
		buf_addf(&sql, "%s\"%s\"=excluded.\"%s\"", i ? "," : "", s->alert_cols[i].name, s->alert_cols[i].name);
	buf_adds(&sql, " WHERE excluded.revision > alerts.revision");
	int rc = sqlite3_prepare_v2(s->alerts, buf_cstr(&sql), -1, &s->put_alert, NULL);
	buf_release(&sql);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(s->alerts, "INSERT INTO deliveries(rec) VALUES(?)", -1, &s->put_delivery, NULL);
	return rc == SQLITE_OK ? 0 : store_fail(s, s->alerts, "store");
}

struct store *store_open(const struct store_conf *conf, bool writer, struct buf *err)
{
	struct store *s = xcalloc(1, sizeof *s);
	char path[512];
	s->conf = *conf;
	s->n_alert_cols = columns_of(R_ALERT, alert_skip, &s->alert_cols);
	s->n_flow_cols = columns_of(R_FLOW, NULL, &s->flow_cols);
	if (writer && mkdir(conf->dir, 0750) < 0 && errno != EEXIST) {
		store_fail(s, NULL, conf->dir);
		goto bad;
	}
	snprintf(path, sizeof path, "%s/alerts.db", conf->dir);
	s->alerts = store_open_db(s, path, writer);
	if (!s->alerts || (writer && make_alerts(s) < 0) || (writer && prepare_alerts(s) < 0))
		goto bad;
	s->id = (uint64_t)get_int(s->alerts, "SELECT value FROM meta WHERE key='store'");
	return s;
bad:
	buf_adds(err, s->error);
	store_close(s);
	return NULL;
}

static void close_flows(struct store *s)
{
	sqlite3_finalize(s->put_flow);
	sqlite3_close(s->flows);
	s->put_flow = NULL;
	s->flows = NULL;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	close_flows(s);
	sqlite3_finalize(s->put_alert);
	sqlite3_finalize(s->put_delivery);
	sqlite3_close(s->alerts);
	free(s->alert_cols);
	free(s->flow_cols);
	free(s);
}

uint64_t store_id(const struct store *s)
{
	return s->id;
}

/* -- cursors -- */

static int set_cursor(struct store *s, sqlite3 *db, const struct store_cursor *c)
{
	char sql[256];
	snprintf(sql, sizeof sql,
		 "INSERT OR REPLACE INTO meta VALUES('epoch', %" PRId64 "); INSERT OR REPLACE INTO meta VALUES('next', %" PRId64
		 ");",
		 (int64_t)c->epoch, (int64_t)c->next);
	return exec(s, db, sql);
}

static void get_cursor(sqlite3 *db, struct store_cursor *c)
{
	int64_t next = get_int(db, "SELECT value FROM meta WHERE key='next'");
	c->epoch = next < 0 ? 0 : (uint64_t)get_int(db, "SELECT value FROM meta WHERE key='epoch'");
	c->next = next < 0 ? 0 : (uint64_t)next;
}

int store_alerts_cursor(struct store *s, struct store_cursor *c)
{
	get_cursor(s->alerts, c);
	return 0;
}

/* -- alerts -- */

int store_alerts_begin(struct store *s)
{
	return exec(s, s->alerts, "BEGIN IMMEDIATE");
}

int store_alerts_put(struct store *s, const struct r_alert *a, const char *base, uint64_t now)
{
	columns_bind(s->put_alert, s->alert_cols, s->n_alert_cols, a, base);
	sqlite3_bind_int64(s->put_alert, (int)s->n_alert_cols + 1, (sqlite3_int64)now);
	int rc = sqlite3_step(s->put_alert);
	sqlite3_reset(s->put_alert);
	if (rc != SQLITE_DONE)
		return store_fail(s, s->alerts, "alerts.db");
	if (!s->conf.deliveries || sqlite3_changes(s->alerts) == 0) /* we have it already */
		return 0;
	struct buf rec = { 0 };
	codec_pack(&rec, R_ALERT, a, base);
	sqlite3_bind_blob(s->put_delivery, 1, rec.p, (int)rec.len, SQLITE_STATIC);
	rc = sqlite3_step(s->put_delivery);
	sqlite3_reset(s->put_delivery);
	buf_release(&rec);
	return rc == SQLITE_DONE ? 0 : store_fail(s, s->alerts, "alerts.db");
}

int store_alerts_commit(struct store *s, const struct store_cursor *c)
{
	if (set_cursor(s, s->alerts, c) == 0 && exec(s, s->alerts, "COMMIT") == 0)
		return 0;
	store_alerts_rollback(s);
	return -1;
}

void store_alerts_rollback(struct store *s)
{
	if (!sqlite3_get_autocommit(s->alerts))
		sqlite3_exec(s->alerts, "ROLLBACK", NULL, NULL, NULL);
}

int store_alerts_lost(struct store *s, uint64_t end)
{
	char sql[256];
	snprintf(sql, sizeof sql,
		 "UPDATE alerts SET action=%d, release_cause=%d, \"end\"=max(time, %" PRId64
		 "), revision=revision+1 WHERE \"end\"=0 AND action IN (%d, %d)",
		 ACT_RELEASE, CAUSE_LOST, (int64_t)end, ACT_ENGAGE, ACT_UPDATE);
	return exec(s, s->alerts, sql);
}

/* -- flows -- */

static int open_flows(struct store *s, uint64_t start)
{
	char path[512];
	struct buf sql = { 0 };
	int rc = -1;
	close_flows(s);
	snprintf(path, sizeof path, "%s/flows-%010" PRIu64 ".db", s->conf.dir, start / 1000000000u);
	s->flows = store_open_db(s, path, true);
	if (!s->flows)
		return -1;
	buf_adds(&sql, "BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS flows (");
	columns_ddl(s->flow_cols, s->n_flow_cols, &sql);
	buf_addf(&sql, ", PRIMARY KEY(id, part)) WITHOUT ROWID;"
		       "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL);"
		       "PRAGMA user_version=%d; COMMIT;", SCHEMA);
	if (exec(s, s->flows, buf_cstr(&sql)) < 0 ||
	    add_columns(s, s->flows, "flows", s->flow_cols, s->n_flow_cols) < 0)
		goto out;
	buf_reset(&sql);
	buf_adds(&sql, "INSERT OR REPLACE INTO flows (");
	columns_names(s->flow_cols, s->n_flow_cols, &sql);
	buf_adds(&sql, ") VALUES (");
	for (unsigned i = 0; i < s->n_flow_cols; i++)
		buf_adds(&sql, i ? ",?" : "?");
	buf_adds(&sql, ")");
	if (sqlite3_prepare_v2(s->flows, buf_cstr(&sql), -1, &s->put_flow, NULL) != SQLITE_OK) {
		store_fail(s, s->flows, path);
		goto out;
	}
	s->flows_start = start;
	rc = 0;
out:
	buf_release(&sql);
	if (rc < 0)
		close_flows(s);
	return rc;
}

int store_flows_begin(struct store *s, uint64_t now)
{
	uint64_t start = now - now % s->conf.period;
	if ((!s->flows || start != s->flows_start) && open_flows(s, start) < 0)
		return -1;
	return exec(s, s->flows, "BEGIN IMMEDIATE");
}

int store_flows_put(struct store *s, const struct r_flow *f, const char *base)
{
	columns_bind(s->put_flow, s->flow_cols, s->n_flow_cols, f, base);
	int rc = sqlite3_step(s->put_flow);
	sqlite3_reset(s->put_flow);
	return rc == SQLITE_DONE ? 0 : store_fail(s, s->flows, "flows");
}

int store_flows_commit(struct store *s, const struct store_cursor *c)
{
	if (set_cursor(s, s->flows, c) == 0 && exec(s, s->flows, "COMMIT") == 0)
		return 0;
	store_flows_rollback(s);
	return -1;
}

void store_flows_rollback(struct store *s)
{
	if (s->flows && !sqlite3_get_autocommit(s->flows))
		sqlite3_exec(s->flows, "ROLLBACK", NULL, NULL, NULL);
}

static int is_flow_file(const struct dirent *d)
{
	uint64_t start;
	int n = 0;
	return sscanf(d->d_name, "flows-%" SCNu64 ".db%n", &start, &n) == 1 && d->d_name[n] == '\0' && n > 0;
}

int store_flow_files(const struct store *s, struct dirent ***names)
{
	int n = scandir(s->conf.dir, names, is_flow_file, alphasort);
	return n < 0 ? 0 : n;
}

/* The newest file knows how far the history got. */
int store_flows_cursor(struct store *s, struct store_cursor *c)
{
	struct dirent **names = NULL;
	int n = store_flow_files(s, &names);
	*c = (struct store_cursor){ 0, 0 };
	for (int i = n - 1; i >= 0; i--) {
		char path[800];
		snprintf(path, sizeof path, "%s/%s", s->conf.dir, names[i]->d_name);
		sqlite3 *db = c->next ? NULL : store_open_db(s, path, true);
		if (db) {
			get_cursor(db, c);
			sqlite3_close(db);
		}
		free(names[i]);
	}
	free(names);
	return 0;
}

/* -- the delivery log -- */

int store_deliveries_read(struct store *s, uint64_t after, bool (*cb)(void *arg, uint64_t seq, const void *rec, size_t len),
			  void *arg)
{
	sqlite3_stmt *st;
	if (sqlite3_prepare_v2(s->alerts, "SELECT seq, rec FROM deliveries WHERE seq > ? ORDER BY seq", -1, &st, NULL) !=
	    SQLITE_OK)
		return store_fail(s, s->alerts, "deliveries");
	sqlite3_bind_int64(st, 1, (sqlite3_int64)after);
	while (sqlite3_step(st) == SQLITE_ROW)
		if (!cb(arg, (uint64_t)sqlite3_column_int64(st, 0), sqlite3_column_blob(st, 1),
			(size_t)sqlite3_column_bytes(st, 1)))
			break;
	sqlite3_finalize(st);
	return 0;
}

int store_deliveries_forget(struct store *s, uint64_t before)
{
	char sql[96];
	snprintf(sql, sizeof sql, "DELETE FROM deliveries WHERE seq < %" PRIu64, before);
	return exec(s, s->alerts, sql);
}

/* -- upkeep -- */

int store_backup(struct store *s, const char *path)
{
	sqlite3 *to = NULL;
	int rc = -1;
	if (access(path, F_OK) == 0) {
		snprintf(s->error, sizeof s->error, "%s is there already", path);
		return -1;
	}
	if (sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK) {
		store_fail(s, to, path);
		goto out;
	}
	sqlite3_backup *b = sqlite3_backup_init(to, "main", s->alerts, "main");
	if (b && sqlite3_backup_step(b, -1) == SQLITE_DONE)
		rc = 0;
	if (!b || sqlite3_backup_finish(b) != SQLITE_OK || rc < 0)
		rc = store_fail(s, to, path);
out:
	sqlite3_close(to);
	if (rc < 0)
		unlink(path);
	return rc;
}

static void remove_flow_file(const char *path)
{
	char side[820];
	unlink(path);
	snprintf(side, sizeof side, "%s-wal", path);
	unlink(side);
	snprintf(side, sizeof side, "%s-shm", path);
	unlink(side);
}

/* By age, then the oldest files until the rest fits; never the one being written. */
static int prune_flows(struct store *s, uint64_t now)
{
	struct dirent **names = NULL;
	int n = store_flow_files(s, &names), gone = 0;
	uint64_t total = 0;
	for (int i = n - 1; i >= 0; i--) {
		char path[800];
		struct stat st;
		uint64_t start = 0;
		snprintf(path, sizeof path, "%s/%s", s->conf.dir, names[i]->d_name);
		sscanf(names[i]->d_name, "flows-%" SCNu64, &start);
		if (stat(path, &st) == 0)
			total += (uint64_t)st.st_size;
		bool old = start * 1000000000u + s->conf.period + s->conf.max_age < now;
		if ((old || total > s->conf.max_bytes) && start * 1000000000u != s->flows_start && i < n - 1) {
			remove_flow_file(path);
			gone++;
		}
		free(names[i]);
	}
	free(names);
	return gone;
}

int store_prune(struct store *s, uint64_t now)
{
	char sql[400];
	uint64_t oldest = now > s->conf.max_age ? now - s->conf.max_age : 0;
	snprintf(sql, sizeof sql,
		 "DELETE FROM alerts WHERE ingested < %" PRId64 " AND \"end\" != 0;"
		 "DELETE FROM alerts WHERE id IN (SELECT id FROM alerts ORDER BY time DESC, id DESC LIMIT -1 OFFSET %" PRId64
		 "); DELETE FROM notes WHERE id NOT IN (SELECT id FROM alerts);",
		 (int64_t)oldest, (int64_t)s->conf.max_alerts);
	int before = sqlite3_total_changes(s->alerts);
	if (exec(s, s->alerts, sql) < 0)
		return -1;
	return sqlite3_total_changes(s->alerts) - before + prune_flows(s, now);
}

int store_stats(struct store *s, struct store_stats *out)
{
	struct dirent **names = NULL;
	char path[800];
	struct stat st;
	*out = (struct store_stats){ 0 };
	out->alerts = (uint64_t)get_int(s->alerts, "SELECT count(*) FROM alerts");
	out->deliveries = (uint64_t)get_int(s->alerts, "SELECT count(*) FROM deliveries");
	snprintf(path, sizeof path, "%s/alerts.db", s->conf.dir);
	if (stat(path, &st) == 0)
		out->alerts_bytes = (uint64_t)st.st_size;
	int n = store_flow_files(s, &names);
	out->flows_files = (uint64_t)n;
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", s->conf.dir, names[i]->d_name);
		if (stat(path, &st) == 0)
			out->flows_bytes += (uint64_t)st.st_size;
		free(names[i]);
	}
	free(names);
	return 0;
}

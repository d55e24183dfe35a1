/* The writer of alerts.db: alerts, notes on them, the delivery log. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "hash.h"
#include "store_sqlite.h"

#define PRUNE_ROWS   200                /* alerts that a slice of retention looks at: some milliseconds */
#define ANALYZE_NS   3600000000000ull

/* An episode that goes on. */
#define ENGAGED "\"end\"=0 AND action IN (1,2)"
_Static_assert(ACT_ENGAGE == 1 && ACT_UPDATE == 2, "ENGAGED names these values");

static const char no_alerts[] = "alerts.db";

/* Rows lie in the order of their arrival, which retention follows; ids are near to that order too. */
static int make_tables(struct store *s)
{
	struct buf sql = { 0 };
	buf_adds(&sql, "BEGIN IMMEDIATE;");
	store_mark(&sql);
	buf_adds(&sql, "CREATE TABLE IF NOT EXISTS alerts (seq INTEGER PRIMARY KEY, ");
	columns_ddl(&s->a.own, 0, s->a.own.n, &sql);
	buf_adds(&sql, ", epoch INTEGER NOT NULL, ingested INTEGER NOT NULL, rest BLOB NOT NULL DEFAULT x'');"
		       "CREATE UNIQUE INDEX IF NOT EXISTS alerts_id ON alerts(id);"
		       "CREATE INDEX IF NOT EXISTS alerts_time ON alerts(time, id);"
		       "CREATE INDEX IF NOT EXISTS alerts_check ON alerts(\"check\", time);"
		       "CREATE INDEX IF NOT EXISTS alerts_client ON alerts(client_ip, time);"
		       "CREATE INDEX IF NOT EXISTS alerts_server ON alerts(server_ip, time);"
		       "CREATE INDEX IF NOT EXISTS alerts_engaged ON alerts(epoch) WHERE " ENGAGED ";"
		       "CREATE TABLE IF NOT EXISTS notes (id BLOB PRIMARY KEY, ");
	columns_ddl(&s->alert, s->n_alert, s->alert.n, &sql);
	buf_adds(&sql, ") WITHOUT ROWID;");
	silences_ddl(s, &sql);
	hosts_ddl(&sql);
	buf_adds(&sql,
		       "CREATE TABLE IF NOT EXISTS note_log (seq INTEGER PRIMARY KEY, id BLOB NOT NULL, time INTEGER NOT NULL,"
		       " op TEXT NOT NULL, actor TEXT NOT NULL, comment TEXT NOT NULL);"
		       "CREATE INDEX IF NOT EXISTS note_log_id ON note_log(id);"
		       "CREATE TRIGGER IF NOT EXISTS alerts_gone AFTER DELETE ON alerts BEGIN"
		       " DELETE FROM notes WHERE id=old.id; DELETE FROM note_log WHERE id=old.id; END;"
		       "CREATE TABLE IF NOT EXISTS deliveries (seq INTEGER PRIMARY KEY, rec BLOB NOT NULL);");
	buf_addf(&sql, "INSERT OR IGNORE INTO meta VALUES('log', %" PRId64 ");", (int64_t)(hash_key_random().k0 >> 1 | 1));
	int rc = store_exec(s, s->db, buf_cstr(&sql));
	if (rc == 0)
		rc = runs_make(s, s->db);
	if (rc == 0)
		rc = series_make(s, s->db);
	if (rc == 0)
		rc = store_match_columns(s, s->db, "alerts", &s->alert, 0, s->n_alert, true);
	if (rc == 0)
		rc = store_match_columns(s, s->db, "notes", &s->alert, s->n_alert, s->alert.n, true);
	if (rc == 0)
		rc = store_match_columns(s, s->db, "silences", &s->silence, 0, s->silence.n, true);
	if (rc == 0)
		rc = store_exec(s, s->db, "COMMIT");
	buf_release(&sql);
	return rc;
}

/*
 * A greater revision replaces a smaller one. An end that was only assumed when a run was lost gives way to the real one of the
 * same number, which comes when the same input is read again.
 */
static void add_replaces(struct buf *sql, const char *revision, const char *cause)
{
	buf_addf(sql, "(%s > alerts.revision OR (%s = alerts.revision AND alerts.release_cause = %d AND %s NOT IN (%d, %d)))", revision,
		 revision, CAUSE_LOST, cause, CAUSE_NONE, CAUSE_LOST);
}

/* An index has it; a later revision seldom changes it. */
static bool is_indexed(const char *name)
{
	static const char *const indexed[] = { "id", "time", "check", "client_ip", "server_ip" };
	for (size_t i = 0; i < sizeof indexed / sizeof *indexed; i++)
		if (strcmp(indexed[i], name) == 0)
			return true;
	return false;
}

/* Parameters are the columns in order, then epoch, time of storage, rest: of both statements. */
static int prepare_put(struct store *s)
{
	struct buf sql = { 0 };
	const struct columns *own = &s->a.own;
	buf_adds(&sql, "INSERT INTO alerts (");
	columns_names(own, 0, own->n, "", &sql);
	buf_adds(&sql, ",epoch,ingested,rest) VALUES (");
	for (unsigned i = 0; i < own->n + 3; i++)
		buf_adds(&sql, i ? ",?" : "?");
	buf_adds(&sql, ") ON CONFLICT(id) DO UPDATE SET epoch=excluded.epoch, rest=excluded.rest");
	for (unsigned i = 0; i < own->n; i++)
		buf_addf(&sql, ",\"%s\"=excluded.\"%s\"", own->c[i].name, own->c[i].name);
	buf_adds(&sql, " WHERE ");
	add_replaces(&sql, "excluded.revision", "excluded.release_cause");
	int rc = store_prepare(s, s->db, buf_cstr(&sql), &s->a.put);
	s->a.put_zero = xcalloc(own->n, sizeof *s->a.put_zero);
	buf_release(&sql);
	return rc;
}

/* Number of a column's parameter. */
static unsigned parameter(const struct columns *own, const char *name)
{
	unsigned i = 0;
	while (i < own->n && strcmp(own->c[i].name, name) != 0)
		i++;
	return i + 1;
}

/* What most later revisions need: the row is there, and no index but that of engaged ones has to be touched. */
static int prepare_revise(struct store *s)
{
	struct buf sql = { 0 }, same = { 0 };
	const struct columns *own = &s->a.own;
	char revision[12], cause[12];
	buf_addf(&sql, "UPDATE alerts SET epoch=?%u, rest=?%u", own->n + 1, own->n + 3);
	for (unsigned i = 0; i < own->n; i++) {
		const char *name = own->c[i].name;
		if (is_indexed(name))
			buf_addf(&same, "\"%s\" = ?%u COLLATE BINARY AND ", name, i + 1);
		else
			buf_addf(&sql, ",\"%s\"=?%u", name, i + 1);
	}
	snprintf(revision, sizeof revision, "?%u", parameter(own, "revision"));
	snprintf(cause, sizeof cause, "?%u", parameter(own, "release_cause"));
	buf_addf(&sql, " WHERE %s", buf_cstr(&same));
	add_replaces(&sql, revision, cause);
	int rc = store_prepare(s, s->db, buf_cstr(&sql), &s->a.revise);
	s->a.revise_zero = xcalloc(own->n, sizeof *s->a.revise_zero);
	buf_release(&sql);
	buf_release(&same);
	return rc;
}

static int prepare_all(struct store *s)
{
	int rc = prepare_put(s);
	if (rc == 0)
		rc = prepare_revise(s);
	if (rc == 0)
		rc = store_prepare(s, s->db, "INSERT INTO deliveries(seq, rec) VALUES(?,?)", &s->a.put_log);
	return rc == 0 ? runs_prepare_save(s, s->db, &s->a.save_run) : rc;
}

static void load_log(struct store *s)
{
	struct store_log *l = &s->a.log;
	l->epoch = store_get_meta(s->db, "log", 1);
	l->next = store_get_meta(s->db, "log_next", 1);
	l->first = (uint64_t)store_int(s->db, "SELECT min(seq) FROM deliveries", (int64_t)l->next);
	l->dropped = store_get_meta(s->db, "log_dropped", 0);
	s->a.saved = *l;
}

#define CHECKPOINT_PAGES 1000 /* SQLite's own; there is one hook, and this one is in its place */

/* What was committed can be read now. */
static int on_committed(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct store *s = arg;
	if (s->conf.revision)
		__atomic_add_fetch(s->conf.revision, 1, __ATOMIC_RELEASE);
	if (pages >= CHECKPOINT_PAGES)
		sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return SQLITE_OK;
}

int alerts_open(struct store *s)
{
	char *path = store_alerts_path(s);
	s->db = store_open_db(s, path, OPEN_MAKE);
	free(path);
	columns_own(&s->a.own, &s->alert, s->n_alert);
	if (s->db)
		sqlite3_wal_hook(s->db, on_committed, s);
	if (!s->db || make_tables(s) < 0 || prepare_all(s) < 0 || series_open(s, &s->series, s->db) < 0 ||
	    silences_load(s) < 0)
		return -1;
	load_log(s);
	uint64_t epoch = store_get_meta(s->db, "run", 0);
	return epoch ? (runs_load(s, s->db, epoch, &s->a.run) < 0 ? -1 : 0) : 0;
}

void alerts_close(struct store *s)
{
	sqlite3_finalize(s->a.put);
	sqlite3_finalize(s->a.revise);
	free(s->a.put_zero);
	free(s->a.revise_zero);
	columns_release(&s->a.own);
	buf_release(&s->a.rest);
	sqlite3_finalize(s->a.put_log);
	sqlite3_finalize(s->a.save_run);
	series_close(&s->series);
	buf_release(&s->a.run.inputs);
	silences_release(s);
}

/* -- the delivery log -- */

static int log_add(struct store *s, const struct r_alert *a, const char *base, struct id silence)
{
	struct buf rec = { 0 };
	if (!s->conf.deliveries)
		return 0;
	struct r_alert marked = *a;
	marked.note.silence = silence;
	codec_pack(&rec, R_ALERT, &marked, base);
	sqlite3_bind_int64(s->a.put_log, 1, (sqlite3_int64)s->a.log.next);
	sqlite3_bind_blob(s->a.put_log, 2, rec.p, (int)rec.len, SQLITE_STATIC);
	int rc = sqlite3_step(s->a.put_log);
	sqlite3_reset(s->a.put_log);
	buf_release(&rec);
	if (rc != SQLITE_DONE)
		return store_fail(s, s->db, no_alerts);
	s->a.log.next++;
	return 0;
}

/* The bound: the oldest rows make room, a sixteenth of all at once. */
static int log_bound(struct store *s)
{
	struct store_log *l = &s->a.log;
	char sql[96];
	uint64_t max = s->conf.max_deliveries;
	if (!max || l->next - l->first <= max)
		return 0;
	uint64_t first = l->next - (max - max / 16);
	snprintf(sql, sizeof sql, "DELETE FROM deliveries WHERE seq < %" PRIu64, first);
	if (store_exec(s, s->db, sql) < 0)
		return -1;
	l->dropped += first - l->first;
	l->first = first;
	return store_set_meta(s, s->db, "log_dropped", l->dropped);
}

int alerts_log(struct store *s, struct store_log *l)
{
	*l = s->a.saved;
	return 0;
}

int alerts_log_read(struct store *s, uint64_t from, unsigned max,
		    bool (*cb)(void *arg, uint64_t seq, const void *rec, size_t len), void *arg)
{
	sqlite3_stmt *st = NULL;
	int rc;
	if (store_prepare(s, s->db, "SELECT seq, rec FROM deliveries WHERE seq >= ? AND seq < ? ORDER BY seq LIMIT ?", &st) < 0)
		return -1;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)from);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)s->a.saved.next);
	sqlite3_bind_int64(st, 3, max);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		if (!cb(arg, (uint64_t)sqlite3_column_int64(st, 0), sqlite3_column_blob(st, 1),
			(size_t)sqlite3_column_bytes(st, 1)))
			break;
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		store_fail(s, s->db, no_alerts);
	sqlite3_finalize(st);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : -1;
}

int alerts_log_forget(struct store *s, uint64_t before)
{
	char sql[96];
	if (before > s->a.saved.next)
		before = s->a.saved.next;
	if (before <= s->a.saved.first)
		return 0;
	snprintf(sql, sizeof sql, "DELETE FROM deliveries WHERE seq < %" PRIu64, before);
	if (store_exec(s, s->db, sql) < 0)
		return -1;
	s->a.log.first = s->a.saved.first = before;
	return 0;
}

/* -- intake -- */

/* Episodes of other runs that nobody will end any more: released, as a revision of their own that is delivered too. */
static int release_lost(struct store *s, uint64_t epoch)
{
	struct columns cs = s->alert;
	struct buf sql = { 0 }, arena = { 0 };
	static struct r_alert a;
	sqlite3_stmt *st = NULL;
	int rc = -1, step = SQLITE_DONE;
	cs.n = s->n_alert;
	buf_adds(&sql, "SELECT ");
	columns_names(&cs, 0, cs.n, "", &sql);
	buf_addf(&sql, ", rest, (SELECT clock FROM runs r WHERE r.epoch=alerts.epoch), epoch FROM alerts WHERE " ENGAGED
		       " AND epoch != %" PRId64 " LIMIT 1", (int64_t)epoch);
	if (store_prepare(s, s->db, buf_cstr(&sql), &st) < 0)
		goto out;
	/* One by one: what is released is no longer found. */
	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		memset(&a, 0, sizeof a);
		buf_reset(&arena);
		buf_reserve(&arena, 1);
		int behind = columns_read(st, 0, &cs, &a, &arena);
		uint64_t clock = (uint64_t)sqlite3_column_int64(st, behind);
		uint64_t of = s->a.run.epoch;
		s->a.run.epoch = (uint64_t)sqlite3_column_int64(st, behind + 1);
		sqlite3_reset(st);
		a.alert.revision++;
		a.alert.action = ACT_RELEASE;
		a.alert.release_cause = CAUSE_LOST;
		a.alert.end = clock > a.alert.time ? clock : a.alert.time;
		int put = alerts_put(s, &a, arena.p);
		s->a.run.epoch = of;
		if (put < 1)
			goto out;
	}
	rc = step == SQLITE_DONE ? 0 : store_fail(s, s->db, no_alerts);
out:
	sqlite3_finalize(st);
	buf_release(&sql);
	buf_release(&arena);
	return rc;
}

int alerts_begin(struct store *s, uint64_t epoch, uint64_t now)
{
	s->a.now = now;
	if (store_exec(s, s->db, "BEGIN IMMEDIATE") < 0)
		return -1;
	if (epoch == s->a.run.epoch)
		return 0;
	if (release_lost(s, epoch) < 0 || store_set_meta(s, s->db, "run", epoch) < 0)
		return -1;
	return runs_load(s, s->db, epoch, &s->a.run) < 0 ? -1 : 0;
}

/* The mark is that of the last revision. */
static int mark_silenced(struct store *s, struct id alert, struct id silence)
{
	static const char set[] = "INSERT INTO notes(id, silenced_by) VALUES(?1, ?2) ON CONFLICT(id) DO UPDATE SET silenced_by=?2";
	static const char clear[] = "UPDATE notes SET silenced_by=?2 WHERE id=?1 AND silenced_by!=?2";
	sqlite3_stmt *st = NULL;
	uint8_t id[16], by[16];
	id_to_blob(alert, id);
	id_to_blob(silence, by);
	if (store_prepare(s, s->db, id_is_set(silence) ? set : clear, &st) < 0)
		return -1;
	sqlite3_bind_blob(st, 1, id, 16, SQLITE_STATIC);
	sqlite3_bind_blob(st, 2, by, id_is_set(silence) ? 16 : 0, SQLITE_STATIC);
	int rc = sqlite3_step(st) == SQLITE_DONE ? 0 : store_fail(s, s->db, no_alerts);
	sqlite3_finalize(st);
	return rc;
}

/* 1: a row was made or changed, 0, -1. */
static int put_row(struct store *s, sqlite3_stmt *st, bool *zero, const struct r_alert *a, const char *base)
{
	int64_t before = sqlite3_total_changes64(s->db);
	int behind = (int)s->a.own.n;
	columns_bind(st, &s->a.own, zero, a, base);
	sqlite3_bind_int64(st, behind + 1, (sqlite3_int64)s->a.run.epoch);
	sqlite3_bind_int64(st, behind + 2, (sqlite3_int64)s->a.now);
	sqlite3_bind_blob(st, behind + 3, s->a.rest.p, (int)s->a.rest.len, SQLITE_STATIC);
	int rc = sqlite3_step(st);
	sqlite3_reset(st);
	return rc != SQLITE_DONE ? store_fail(s, s->db, no_alerts) : sqlite3_total_changes64(s->db) != before;
}

int alerts_put(struct store *s, const struct r_alert *a, const char *base)
{
	int rc = 0;
	buf_reset(&s->a.rest);
	columns_pack_rest(&s->alert, a, base, &s->a.rest);
	sqlite3_set_last_insert_rowid(s->db, 0);
	if (a->alert.revision > 1)
		rc = put_row(s, s->a.revise, s->a.revise_zero, a, base);
	if (rc == 0)
		rc = put_row(s, s->a.put, s->a.put_zero, a, base);
	if (rc <= 0)
		return rc;
	if (sqlite3_last_insert_rowid(s->db)) /* not a later revision */
		run_stored(&s->a.run, a->alert.time, true);
	struct id silence = silences_find(s, a, base, s->a.now);
	if (s->a.n_silences && mark_silenced(s, a->alert.id, silence) < 0)
		return -1;
	return log_add(s, a, base, silence) < 0 ? -1 : 1;
}

int alerts_commit(struct store *s, uint64_t next)
{
	s->a.run.next = next;
	if (log_bound(s) < 0 || series_commit(s, &s->series, s->a.now) < 0 || runs_save(s, s->a.save_run, &s->a.run, s->a.now) < 0)
		return -1;
	if (s->a.log.next != s->a.saved.next && store_set_meta(s, s->db, "log_next", s->a.log.next) < 0)
		return -1;
	if (store_commit(s, s->db) < 0)
		return -1;
	s->a.saved = s->a.log;
	return 0;
}

/* What is in memory goes back too: the caller opens the store again. */
void alerts_rollback(struct store *s)
{
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	s->a.log = s->a.saved;
	series_rollback(&s->series);
}

/* -- notes -- */

static unsigned write_note(struct store *s, struct id id, const struct store_note *n, uint64_t now)
{
	/* A comment leaves acknowledged as it was; ack and unack without text leave the comment. */
	static const char upsert[] =
		"INSERT INTO notes(id, acknowledged, ack_by, ack_comment, ack_time, labels)"
		" SELECT id, ?2 = 'ack', ?3, ?4, ?5, CASE ?6 WHEN '-' THEN '' ELSE ?6 END FROM alerts WHERE id=?1"
		" ON CONFLICT(id) DO UPDATE SET acknowledged=CASE ?2 WHEN 'ack' THEN 1 WHEN 'unack' THEN 0 ELSE acknowledged END,"
		" ack_by=?3, ack_comment=CASE ?4 WHEN '' THEN ack_comment ELSE ?4 END, ack_time=?5,"
		" labels=CASE ?6 WHEN '' THEN labels WHEN '-' THEN '' ELSE ?6 END";
	static const char logged[] = "INSERT INTO note_log(id, op, actor, comment, time) VALUES(?1, ?2, ?3, ?4, ?5)";
	const char *const sql[] = { upsert, logged };
	uint8_t blob[16];
	unsigned status = 200;
	id_to_blob(id, blob);
	for (size_t i = 0; i < 2 && status == 200; i++) {
		sqlite3_stmt *st = NULL;
		if (store_prepare(s, s->db, sql[i], &st) < 0)
			return 503;
		sqlite3_bind_blob(st, 1, blob, 16, SQLITE_STATIC);
		sqlite3_bind_text(st, 2, n->op, -1, SQLITE_STATIC);
		sqlite3_bind_text(st, 3, n->actor, -1, SQLITE_STATIC);
		sqlite3_bind_text(st, 4, n->text, -1, SQLITE_STATIC);
		sqlite3_bind_int64(st, 5, (sqlite3_int64)now);
		if (i == 0)
			sqlite3_bind_text(st, 6, n->labels, -1, SQLITE_STATIC);
		int rc = sqlite3_step(st);
		if (rc != SQLITE_DONE)
			store_fail(s, s->db, no_alerts);
		status = rc != SQLITE_DONE ? 503 : sqlite3_changes(s->db) ? 200 : 404;
		sqlite3_finalize(st);
	}
	return status;
}

unsigned alerts_note(struct store *s, struct id id, const struct store_note *n, uint64_t now, struct buf *err)
{
	unsigned status = store_exec(s, s->db, "BEGIN IMMEDIATE") < 0 ? 503 : 200;
	if (status == 200)
		status = write_note(s, id, n, now);
	if (status == 200 && store_exec(s, s->db, "COMMIT") < 0)
		status = 503;
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	if (status == 404)
		buf_adds(err, "there is no such alert");
	else if (status != 200)
		buf_adds(err, s->error);
	return status;
}

/* -- upkeep -- */

static int delete_some(struct store *s, const char *sql, struct store_pruned *did)
{
	if (store_exec(s, s->db, sql) < 0)
		return -1;
	did->n[KEPT_ALERTS] += (uint64_t)sqlite3_changes(s->db);
	return 1;
}

/* Bytes that the file uses; what is deleted is used again. */
static uint64_t bytes_used(sqlite3 *db)
{
	return (uint64_t)((store_int(db, "PRAGMA page_count", 0) - store_int(db, "PRAGMA freelist_count", 0)) *
			  store_int(db, "PRAGMA page_size", 0));
}

/* How many alerts are beyond what may be kept: known exactly by number, by their mean size for bytes. */
static int64_t excess(struct store *s)
{
	int64_t have = store_int(s->db, "SELECT count(*) FROM alerts", 0);
	uint64_t bytes = bytes_used(s->db), max = s->conf.kept[KEPT_ALERTS].bytes;
	int64_t n = have - (int64_t)s->conf.max_alerts, much = 0;
	if (bytes > max && bytes)
		much = (int64_t)((double)have * (double)(bytes - max) / (double)bytes) + 1;
	return much > n ? much : n;
}

static int delete_excess(struct store *s, struct store_pruned *did)
{
	char sql[160];
	int64_t n = did->excess < PRUNE_ROWS ? did->excess : PRUNE_ROWS;
	snprintf(sql, sizeof sql, "DELETE FROM alerts WHERE seq IN (SELECT seq FROM alerts ORDER BY seq LIMIT %" PRId64 ")", n);
	did->excess -= n;
	return delete_some(s, sql, did);
}

/* The last of the next rows that were stored before (is "<") or after (">") a time; 0: none was. */
static uint64_t last_of_next(struct store *s, uint64_t after, const char *is, uint64_t time)
{
	char sql[200];
	snprintf(sql, sizeof sql,
		 "SELECT max(seq) FROM (SELECT seq, ingested FROM alerts WHERE seq > %" PRIu64 " ORDER BY seq LIMIT %d)"
		 " WHERE ingested %s %" PRId64, after, PRUNE_ROWS, is, (int64_t)time);
	return (uint64_t)store_int(s->db, sql, 0);
}

/*
 * In order of arrival, so that a slice looks at few rows; engaged alerts stay whatever their age. What was stored while the clock
 * was ahead tells no age, but is older than what came after it.
 */
static int delete_old(struct store *s, uint64_t oldest, uint64_t now, struct store_pruned *did)
{
	char sql[200];
	uint64_t to = last_of_next(s, did->seq, "<", oldest);
	if (!to) {
		uint64_t ahead = last_of_next(s, did->seq, ">", now);
		did->seq = ahead ? ahead : did->seq;
		return ahead != 0;
	}
	snprintf(sql, sizeof sql, "DELETE FROM alerts WHERE seq > %" PRIu64 " AND seq <= %" PRIu64 " AND NOT (" ENGAGED ")", did->from, to);
	did->from = did->seq = to;
	return delete_some(s, sql, did);
}

int alerts_prune(struct store *s, uint64_t now, struct store_pruned *did)
{
	uint64_t age = s->conf.kept[KEPT_ALERTS].age;
	if (!did->begun) {
		did->begun = true;
		if (silences_prune(s, now > age ? now - age : 0) < 0)
			return -1;
		did->excess = excess(s);
	}
	if (did->excess > 0)
		return delete_excess(s, did);
	int rc = delete_old(s, now > age ? now - age : 0, now, did);
	return rc != 0 ? rc : series_prune(s, s->db, now, did);
}

/* The planner is told how selective the indexes are. */
int alerts_tidy(struct store *s, uint64_t now)
{
	if (now - s->a.analyzed < ANALYZE_NS)
		return 0;
	s->a.analyzed = now;
	return store_exec(s, s->db, "PRAGMA analysis_limit=400; ANALYZE");
}

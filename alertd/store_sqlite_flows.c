/* The writer of flow files: one a period of ingest time. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "store_sqlite.h"

/* -- one file -- */

/*
 * The file that is written has what identifies a flow and what orders them; indexes by host come when the period is over
 * (flows_tidy): kept up row by row they would more than halve the speed, made at once they cost a second a million rows.
 */
static int make_tables(struct store *s, sqlite3 *db)
{
	struct buf sql = { 0 };
	buf_adds(&sql, "BEGIN IMMEDIATE;");
	store_mark(&sql);
	buf_adds(&sql, "CREATE TABLE IF NOT EXISTS flows (seq INTEGER PRIMARY KEY, ");
	columns_ddl(&s->f.own, 0, s->f.own.n, &sql);
	buf_adds(&sql, ", epoch INTEGER NOT NULL, rest BLOB NOT NULL DEFAULT x'');"
		       "CREATE UNIQUE INDEX IF NOT EXISTS flows_id ON flows(id, part);"
		       "CREATE INDEX IF NOT EXISTS flows_last ON flows(last, id, part);");
	int rc = store_exec(s, db, buf_cstr(&sql));
	if (rc == 0)
		rc = runs_make(s, db);
	if (rc == 0)
		rc = sums_make(s, db);
	if (rc == 0)
		rc = store_match_columns(s, db, "flows", &s->flow, 0, s->flow.n, true);
	if (rc == 0)
		rc = store_exec(s, db, "COMMIT");
	buf_release(&sql);
	return rc;
}

/* 'put' leaves a flow that is there alone; 'replace' puts one of a greater revision over it. */
static int prepare_put(struct store *s)
{
	struct buf sql = { 0 };
	const struct columns *own = &s->f.own;
	buf_adds(&sql, "INSERT INTO flows (");
	columns_names(own, 0, own->n, "", &sql);
	buf_adds(&sql, ",epoch,rest) VALUES (");
	for (unsigned i = 0; i < own->n + 2; i++)
		buf_adds(&sql, i ? ",?" : "?");
	size_t plain = sql.len + 1;
	buf_adds(&sql, ") ON CONFLICT(id, part) DO NOTHING");
	int rc = store_prepare(s, s->db, buf_cstr(&sql), &s->f.put);
	s->f.put_zero = xcalloc(own->n, sizeof *s->f.put_zero);
	sql.len = plain;
	buf_adds(&sql, " ON CONFLICT(id, part) DO UPDATE SET epoch=excluded.epoch, rest=excluded.rest");
	for (unsigned i = 0; i < own->n; i++)
		buf_addf(&sql, ",\"%s\"=excluded.\"%s\"", own->c[i].name, own->c[i].name);
	buf_adds(&sql, " WHERE excluded.revision > flows.revision");
	if (rc == 0)
		rc = store_prepare(s, s->db, buf_cstr(&sql), &s->f.replace);
	buf_release(&sql);
	return rc == 0 ? runs_prepare_save(s, s->db, &s->f.save_run) : rc;
}

static void close_file(struct store *s)
{
	sqlite3_finalize(s->f.put);
	sqlite3_finalize(s->f.replace);
	sqlite3_finalize(s->f.save_run);
	sqlite3_close(s->db);
	free(s->f.put_zero);
	s->f.put = s->f.replace = s->f.save_run = NULL;
	s->f.put_zero = NULL;
	s->db = NULL;
	s->f.start = 0;
}

static void set_aside(struct store *s, uint64_t start)
{
	char *path = store_flow_path(s, start);
	store_set_aside(s, path);
	free(path);
}

static int open_file(struct store *s, uint64_t start)
{
	char *path = store_flow_path(s, start);
	close_file(s);
	s->f.start = start;
	s->db = store_make_file(s, path, make_tables) == 0 ? store_open_db(s, path, OPEN_MAKE) : NULL;
	free(path);
	if (!s->db || make_tables(s, s->db) < 0 || store_exec(s, s->db, "PRAGMA wal_autocheckpoint=4000") < 0)
		return -1;
	/* The clock was set back: what was complete is not any more. */
	if (store_get_meta(s->db, "tidy", 0) && (sums_reopen(s, s->db) < 0 || store_set_meta(s, s->db, "tidy", 0) < 0))
		return -1;
	return prepare_put(s);
}

/* -- what all files know of a run -- */

static void keep_last(void *arg, const struct run *r)
{
	struct run *last = arg;
	if (r->stored > last->stored)
		*last = (struct run){ .epoch = r->epoch, .stored = r->stored };
}

/* The run stored last is the one that is known of. */
static int find_last(struct store *s, sqlite3 *db)
{
	return runs_each(s, db, keep_last, &s->f.known);
}

/* The file that got furthest tells; the clock may have been set back between two. */
static void add_known(struct run *k, const struct run *r)
{
	k->ended |= r->ended;
	k->next = r->next > k->next ? r->next : k->next;
	k->clock = r->clock > k->clock ? r->clock : k->clock;
	k->stored = r->stored > k->stored ? r->stored : k->stored;
}

static int learn(struct store *s, sqlite3 *db)
{
	struct run r = { 0 };
	int rc = runs_load(s, db, s->f.known.epoch, &r);
	if (rc > 0)
		add_known(&s->f.known, &r);
	buf_release(&r.inputs);
	return rc < 0 ? -1 : 0;
}

/* 0, -1, or 1: the file is damaged, and not the one that is written. */
static int read_file(struct store *s, uint64_t start, int (*read)(struct store *s, sqlite3 *db))
{
	char *path = store_flow_path(s, start);
	sqlite3 *db = store_open_db(s, path, OPEN_READ);
	int rc = -1;
	if (db) {
		/* A file without its table was being made when we were killed. */
		bool has_runs = store_int(db, "SELECT count(*) FROM sqlite_master WHERE name='runs'", -1) != 0; /* -1: damaged */
		rc = has_runs ? read(s, db) : 0;
	} else if (access(path, F_OK) < 0) {
		rc = 0; /* retention took it */
	}
	sqlite3_close(db);
	free(path);
	return rc < 0 && s->damaged && !(s->db && start == s->f.start) ? 1 : rc;
}

static int read_files(struct store *s, int (*read)(struct store *s, sqlite3 *db))
{
	uint64_t *starts;
	size_t n = store_flow_starts(s, &starts);
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = read_file(s, starts[i], read);
		if (rc > 0) {
			set_aside(s, starts[i]);
			rc = 0;
		}
	}
	free(starts);
	return rc;
}

int flows_known(struct store *s, uint64_t epoch, const struct run **ret)
{
	if (s->f.known.epoch != epoch) {
		s->f.known = (struct run){ .epoch = epoch };
		if (read_files(s, learn) < 0) {
			s->f.known.epoch = 0;
			return -1;
		}
	}
	*ret = s->f.known.stored ? &s->f.known : NULL;
	return 0;
}

int flows_open(struct store *s)
{
	const struct run *last;
	columns_own(&s->f.own, &s->flow, s->flow.n);
	if (read_files(s, find_last) < 0)
		return -1;
	uint64_t epoch = s->f.known.epoch;
	s->f.known.epoch = 0;
	if (epoch) {
		if (flows_known(s, epoch, &last) < 0)
			return -1;
		s->f.run = *last;
	}
	sums_init(&s->f.sums, &s->flow);
	return history_open(s);
}

void flows_close(struct store *s)
{
	close_file(s);
	columns_release(&s->f.own);
	buf_release(&s->f.rest);
	buf_release(&s->f.run.inputs);
	sums_release(&s->f.sums);
	history_close(s);
}

/* -- intake -- */

/* Rows and cursor of a run go on in this file: where other files have got to, it begins. */
static int load_run(struct store *s, uint64_t epoch)
{
	const struct run *k;
	struct run *r = &s->f.run;
	uint64_t clock = r->epoch == epoch ? r->clock : 0;
	bool ended = r->epoch == epoch && r->ended;
	if (flows_known(s, epoch, &k) < 0 || runs_load(s, s->db, epoch, r) < 0)
		return -1;
	if (k && k->next > r->next)
		r->next = k->next;
	r->clock = clock > r->clock ? clock : r->clock;
	r->ended |= ended;
	return 0;
}

int flows_begin(struct store *s, uint64_t epoch, uint64_t now)
{
	uint64_t start = now - now % s->conf.period;
	bool other = !s->db || start != s->f.start;
	const struct run *k;
	s->f.now = now;
	if (other && open_file(s, start) < 0)
		return -1;
	if (flows_known(s, epoch, &k) < 0 || history_begin(s, epoch, k, now) < 0)
		return -1;
	if (store_exec(s, s->db, "BEGIN IMMEDIATE") < 0 || store_exec(s, s->h.db, "BEGIN IMMEDIATE") < 0)
		return -1;
	return other || epoch != s->f.run.epoch ? load_run(s, epoch) : 0;
}

static int run_put(struct store *s, sqlite3_stmt *st, const struct r_flow *f, const char *base)
{
	int behind = (int)s->f.own.n;
	columns_bind(st, &s->f.own, st == s->f.put ? s->f.put_zero : NULL, f, base);
	sqlite3_bind_int64(st, behind + 1, (sqlite3_int64)s->f.run.epoch);
	sqlite3_bind_blob(st, behind + 2, s->f.rest.p, (int)s->f.rest.len, SQLITE_STATIC);
	int rc = sqlite3_step(st);
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? sqlite3_changes(s->db) : store_fail(s, s->db, "flows");
}

/* What another file has is told by its number: samples may be behind the flows (store_sqlite_history.c). */
int flows_put(struct store *s, const struct r_flow *f, const char *base, uint64_t number)
{
	if (number < s->f.run.next)
		return 0;
	buf_reset(&s->f.rest);
	columns_pack_rest(&s->flow, f, base, &s->f.rest);
	int rc = run_put(s, s->f.put, f, base);
	if (rc > 0) {
		run_stored(&s->f.run, f->n.last, true);
		sums_add(&s->f.sums, f, base);
	} else if (rc == 0 && (rc = sums_stale(s, f)) == 0 && (rc = run_put(s, s->f.replace, f, base)) > 0) {
		run_stored(&s->f.run, f->n.last, false);
	}
	return rc;
}

int flows_commit(struct store *s, uint64_t next)
{
	struct run *r = &s->f.run;
	r->next = next > r->next ? next : r->next;
	if (sums_flush(s, &s->f.sums, r->epoch) < 0 || runs_save(s, s->f.save_run, r, s->f.now) < 0 ||
	    store_commit(s, s->db) < 0)
		return -1;
	if (s->f.known.epoch == r->epoch)
		add_known(&s->f.known, r);
	return history_commit(s, next, s->f.now);
}

void flows_rollback(struct store *s)
{
	uint64_t start = s->f.start;
	if (s->db && !sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	sums_drop(&s->f.sums);
	history_rollback(s);
	if (!s->damaged)
		return;
	close_file(s);
	set_aside(s, start);
}

/* The SQLite store: files, their schema, and the table of functions. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "store_sqlite_query.h"

#define APPLICATION_ID 0x77656972 /* 'weir', in the header of each file */
/* Who closes a file last puts its log into it, and has it locked for as long as the disk takes. Records wait less long. */
#define BUSY_MS      5000
#define BUSY_MAKE_MS 1000

static const char *const no_groups[] = { NULL };

/* -- statements -- */

int store_fail(struct store *s, sqlite3 *db, const char *what)
{
	int code = db ? sqlite3_errcode(db) & 0xff : SQLITE_OK;
	snprintf(s->error, sizeof s->error, "%s: %s", what, db ? sqlite3_errmsg(db) : strerror(errno));
	s->damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
	/* What the system says is clearer than SQLite, which also tries other files and ways. */
	if ((code == SQLITE_CANTOPEN || code == SQLITE_READONLY) && s->role != STORE_READ && access(s->dir, W_OK) < 0)
		snprintf(s->error, sizeof s->error, "cannot write in %s: %s", s->dir, strerror(errno));
	else if (db && sqlite3_extended_errcode(db) == SQLITE_CANTOPEN && sqlite3_system_errno(db))
		snprintf(s->error, sizeof s->error, "%s: cannot open: %s", what, strerror(sqlite3_system_errno(db)));
	else if (s->damaged && s->role == STORE_ALERTS) /* what people wrote is in it: whoever runs us decides */
		snprintf(s->error, sizeof s->error, "%s: %s; put a copy in the place of %s/alerts.db, or move it away for a new one", what,
			 sqlite3_errmsg(db), s->dir);
	return -1;
}

/* The file a handle is of, for messages. */
static const char *name_of(sqlite3 *db)
{
	const char *path = sqlite3_db_filename(db, "main");
	return path && *path ? path : "store";
}

int store_exec(struct store *s, sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_fail(s, db, name_of(db));
}

int store_commit(struct store *s, sqlite3 *db)
{
	int moved = 0;
	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved) {
		snprintf(s->error, sizeof s->error, "%s was removed or replaced while it was written", name_of(db));
		s->damaged = false;
		return -1;
	}
	return store_exec(s, db, "COMMIT");
}

int store_prepare(struct store *s, sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
	return sqlite3_prepare_v2(db, sql, -1, ret, NULL) == SQLITE_OK ? 0 : store_fail(s, db, name_of(db));
}

int64_t store_int(sqlite3 *db, const char *sql, int64_t def)
{
	sqlite3_stmt *st;
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW &&
	    sqlite3_column_type(st, 0) != SQLITE_NULL)
		def = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return def;
}

bool store_has_table(sqlite3 *db, const char *name)
{
	char sql[120];
	snprintf(sql, sizeof sql, "SELECT count(*) FROM sqlite_master WHERE name='%s'", name);
	return store_int(db, sql, 0) > 0;
}

int store_set_meta(struct store *s, sqlite3 *db, const char *key, uint64_t value)
{
	char sql[160];
	snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO meta VALUES('%s', %" PRId64 ")", key, (int64_t)value);
	return store_exec(s, db, sql);
}

uint64_t store_get_meta(sqlite3 *db, const char *key, uint64_t def)
{
	char sql[160];
	snprintf(sql, sizeof sql, "SELECT value FROM meta WHERE key='%s'", key);
	return (uint64_t)store_int(db, sql, (int64_t)def);
}

/* -- files -- */

void store_mark(struct buf *sql)
{
	buf_addf(sql, "PRAGMA application_id=%d; PRAGMA user_version=%d;", APPLICATION_ID, STORE_SCHEMA);
	buf_adds(sql, "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;");
	buf_addf(sql, "INSERT OR REPLACE INTO meta VALUES('schema', %d), ('program', 'weir " WEIR_VERSION "');", STORE_SCHEMA);
}

/* Is this file ours, and of a schema that we know? */
static int check_schema(struct store *s, sqlite3 *db, const char *path)
{
	int64_t id = store_int(db, "PRAGMA application_id", -1), have = store_int(db, "PRAGMA user_version", -1);
	if (id < 0 || have < 0)
		return store_fail(s, db, path);
	if (id == 0 && have == 0 && store_int(db, "SELECT count(*) FROM sqlite_master", 0) == 0)
		return 0; /* just made */
	if (id != APPLICATION_ID) {
		snprintf(s->error, sizeof s->error, "%s is not a database of weir: move it away", path);
		s->damaged = true;
		return -1;
	}
	if (have > STORE_SCHEMA) {
		snprintf(s->error, sizeof s->error,
			 "%s was made by a newer weir (schema %" PRId64
			 ", this one knows %d): install that version again, or move the file away",
			 path, have, STORE_SCHEMA);
		return -1;
	}
	return 0;
}

static int on_progress(void *arg)
{
	const struct store *s = arg;
	return s->conf.cancel && __atomic_load_n(s->conf.cancel, __ATOMIC_RELAXED);
}

/* Accounts of memory are kept under a lock at each allocation, and nobody asks for them. Before anything else of SQLite. */
static void configure(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

sqlite3 *store_open_db(struct store *s, const char *path, enum open_mode mode)
{
	static const char *const setup[] = {
		[OPEN_READ] = "PRAGMA query_only=1; PRAGMA cache_size=-8192;",
		/* Of a file that is made. A row takes about 1 KB: SQLite's own 4096 hold three and a rest that is lost. */
		[OPEN_WRITE] = "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32768;"
			       "PRAGMA journal_size_limit=67108864;",
	};
	const char *sql = setup[mode == OPEN_READ ? OPEN_READ : OPEN_WRITE];
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (mode == OPEN_MAKE ? SQLITE_OPEN_CREATE : 0);
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	sqlite3 *db = NULL;
	pthread_once(&once, configure);
	if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) {
		store_fail(s, db, path);
		goto bad;
	}
	sqlite3_busy_timeout(db, mode == OPEN_MAKE ? BUSY_MAKE_MS : BUSY_MS);
	sqlite3_extended_result_codes(db, 1);
	if (mode != OPEN_MAKE) /* what is committed is not cut short */
		sqlite3_progress_handler(db, 100000, on_progress, s);
	if (check_schema(s, db, path) < 0 || store_exec(s, db, sql) < 0)
		goto bad;
	return db;
bad:
	sqlite3_close(db);
	return NULL;
}

int store_make_file(struct store *s, const char *path, int (*make)(struct store *s, sqlite3 *db))
{
	if (access(path, F_OK) == 0)
		return 0;
	char *name = xasprintf("%s.new", path);
	store_remove(name); /* we may have been killed when we made it */
	sqlite3 *db = store_open_db(s, name, OPEN_MAKE);
	int rc = db ? make(s, db) : -1;
	sqlite3_close(db);
	if (rc == 0 && rename(name, path) < 0)
		rc = store_fail(s, NULL, path);
	free(name);
	return rc;
}

static void mark_present(struct columns *cs, unsigned from, unsigned n, const char *name)
{
	cs->rest |= strcmp(name, "rest") == 0;
	for (unsigned i = from; i < n; i++)
		if (strcmp(cs->c[i].name, name) == 0)
			cs->c[i].missing = false;
}

/* A table that was made before there was 'rest' gets one: its rows have columns for all, the next ones do not use them. */
static int add_columns(struct store *s, sqlite3 *db, const char *table, struct columns *cs, unsigned from, unsigned n)
{
	struct buf sql = { 0 };
	if (cs->rare && from == 0 && !cs->rest)
		buf_addf(&sql, "ALTER TABLE %s ADD COLUMN rest BLOB NOT NULL DEFAULT x'';", table);
	for (unsigned i = from; i < n; i++) {
		if (!cs->c[i].missing || cs->c[i].rare)
			continue;
		buf_addf(&sql, "ALTER TABLE %s ADD COLUMN ", table);
		columns_ddl(cs, i, i + 1, &sql);
		buf_addc(&sql, ';');
		cs->c[i].missing = false;
	}
	cs->rest = cs->rare != 0;
	int rc = sql.len ? store_exec(s, db, buf_cstr(&sql)) : 0;
	buf_release(&sql);
	return rc;
}

int store_match_columns(struct store *s, sqlite3 *db, const char *table, struct columns *cs, unsigned from, unsigned n, bool add)
{
	sqlite3_stmt *st = NULL;
	struct buf sql = { 0 };
	int rc = -1;
	if (from == 0)
		cs->rest = false;
	for (unsigned i = from; i < n; i++)
		cs->c[i].missing = true;
	buf_addf(&sql, "SELECT name FROM pragma_table_info('%s')", table);
	if (store_prepare(s, db, buf_cstr(&sql), &st) == 0) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW)
			mark_present(cs, from, n, (const char *)sqlite3_column_text(st, 0));
		rc = rc == SQLITE_DONE ? 0 : store_fail(s, db, table);
	}
	sqlite3_finalize(st);
	/* A reader that comes between the making of the file and of its tables must not take it for one without columns. */
	bool empty = n > from;
	for (unsigned i = from; i < n; i++)
		empty &= cs->c[i].missing;
	if (rc == 0 && empty && !add) {
		errno = ENOENT;
		rc = store_fail(s, NULL, table);
	}
	buf_release(&sql);
	return rc == 0 && add ? add_columns(s, db, table, cs, from, n) : rc;
}

/* -- the handle -- */

static void sqlite_rest(struct store *s)
{
	readers_drop_all(s);
	s->db = NULL;
}

static void close_parts(struct store *s)
{
	if (s->role == STORE_ALERTS)
		alerts_close(s);
	else if (s->role == STORE_FLOWS)
		flows_close(s);
	else if (s->role == STORE_READ)
		sqlite_rest(s);
	sqlite3_close(s->db);
	s->db = NULL;
}

static void sqlite_close(struct store *s)
{
	if (!s)
		return;
	close_parts(s);
	columns_release(&s->alert);
	columns_release(&s->flow);
	columns_release(&s->silence);
	free(s->r.files);
	free(s->dir);
	free(s);
}

static int open_parts(struct store *s)
{
	if (s->role == STORE_READ || s->role == STORE_UPKEEP)
		return 0; /* files are opened when they are asked for */
	if (mkdir(s->dir, 0750) < 0 && errno != EEXIST)
		return store_fail(s, NULL, s->dir);
	return s->role == STORE_ALERTS ? alerts_open(s) : flows_open(s);
}

static struct store *sqlite_open(const struct store_conf *conf, enum store_role role, struct buf *err)
{
	static const char *const note[] = { "note", NULL };
	struct store *s = xcalloc(1, sizeof *s);
	struct columns without;
	s->conf = *conf;
	s->role = role;
	s->dir = xstrdup(conf->dir);
	columns_init(&s->alert, R_ALERT, no_groups);
	columns_init(&s->flow, R_FLOW, no_groups);
	columns_init(&s->silence, R_SILENCE, no_groups);
	columns_init(&without, R_ALERT, note);
	s->n_alert = without.n;
	columns_release(&without);
	if (open_parts(s) < 0) {
		buf_adds(err, s->error);
		sqlite_close(s);
		return NULL;
	}
	return s;
}

static const char *sqlite_error(const struct store *s)
{
	return s->error;
}

/* -- the table: writers of alerts and of flows share its functions -- */

static struct run *run_of(struct store *s)
{
	return s->role == STORE_ALERTS ? &s->a.run : &s->f.run;
}

static void to_cursor(const struct run *r, struct store_cursor *c)
{
	*c = (struct store_cursor){ r->epoch, r->next, r->ended, r->clock };
}

static int sqlite_last_run(struct store *s, struct store_cursor *c)
{
	to_cursor(run_of(s), c);
	return s->role == STORE_FLOWS ? history_cursor(s, c) : 0;
}

static int sqlite_run(struct store *s, uint64_t epoch, struct store_cursor *c)
{
	struct run r = { 0 };
	int rc = 1;
	*c = (struct store_cursor){ .epoch = epoch };
	if (s->role == STORE_FLOWS) {
		const struct run *k;
		if (flows_known(s, epoch, &k) < 0)
			return -1;
		if (k)
			to_cursor(k, c);
		rc = history_cursor(s, c);
	} else {
		rc = runs_load(s, s->db, epoch, &r);
		if (rc > 0)
			to_cursor(&r, c);
	}
	buf_release(&r.inputs);
	return rc < 0 ? -1 : 0;
}

static int sqlite_begin(struct store *s, uint64_t epoch, uint64_t now)
{
	return s->role == STORE_ALERTS ? alerts_begin(s, epoch, now) : flows_begin(s, epoch, now);
}

static int sqlite_put(struct store *s, enum rtype type, const void *rec, const char *base, uint64_t number)
{
	if (type == R_ALERT)
		return alerts_put(s, rec, base);
	if (type == R_FLOW)
		return flows_put(s, rec, base, number);
	if (type == R_SAMPLE)
		return series_put(s, &s->series, run_of(s)->epoch, &((const struct r_sample *)rec)->sample, base);
	run_note(run_of(s), type, rec, base);
	if (s->role == STORE_FLOWS)
		run_note(&s->h.run, type, rec, base);
	return 1;
}

static int sqlite_commit(struct store *s, uint64_t next)
{
	return s->role == STORE_ALERTS ? alerts_commit(s, next) : flows_commit(s, next);
}

static void sqlite_rollback(struct store *s)
{
	if (s->role == STORE_ALERTS)
		alerts_rollback(s);
	else
		flows_rollback(s);
}

static int sqlite_prune(struct store *s, uint64_t now, struct store_pruned *did)
{
	return s->role == STORE_ALERTS ? alerts_prune(s, now, did)
	       : s->role == STORE_FLOWS ? history_prune(s, now, did)
					: upkeep_prune(s, now, did);
}

static int sqlite_tidy(struct store *s, uint64_t now)
{
	return s->role == STORE_ALERTS ? alerts_tidy(s, now) : s->role == STORE_UPKEEP ? upkeep_tidy(s, now) : 0;
}

static unsigned answer(struct store *s, const struct g_query *q, const char *base, struct buf *out, struct store_page *page,
		       struct buf *err)
{
	static const char *const sums[] = { "top.alerts", "top.flows", "series", "series.alerts" };
	if (str_eq(base, q->what, "runs"))
		return read_runs(s, out, page, err);
	if (str_eq(base, q->what, "silences"))
		return silences_query(s, q, base, wall_ns(), out, page, err);
	if (str_eq(base, q->what, "hosts"))
		return hosts_query(s, out, page, err);
	if (str_eq(base, q->what, "stats"))
		return read_stats(s, out, page, err);
	if (str_eq(base, q->what, "alerts") || str_eq(base, q->what, "flows"))
		return read_query(s, q, base, out, page, err);
	if (str_eq(base, q->what, "series") && samples_answer(q, base))
		return read_samples(s, q, base, out, page, err);
	for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
		if (str_eq(base, q->what, sums[i]))
			return read_top(s, q, base, out, page, err);
	buf_adds(err, "what: alerts, flows, top.alerts, top.flows, series, series.alerts, silences, hosts, runs or stats");
	return 400;
}

static unsigned sqlite_query(struct store *s, const struct g_query *q, const char *base, struct buf *out,
			     struct store_page *page, struct buf *err)
{
	*page = (struct store_page){ 0 };
	s->r.deadline = mono_ns() + TIME_LIMIT_NS;
	unsigned status = answer(s, q, base, out, page, err);
	readers_drop_idle(s);
	return status;
}

const struct store_ops store_sqlite = {
	.name = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.error = sqlite_error,
	.last_run = sqlite_last_run,
	.run = sqlite_run,
	.begin = sqlite_begin,
	.put = sqlite_put,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.keep = history_keep,
	.kept = history_kept,
	.prune = sqlite_prune,
	.tidy = sqlite_tidy,
	.note = alerts_note,
	.silence = silences_put,
	.unsilence = silences_end,
	.host = hosts_note,
	.log = alerts_log,
	.log_read = alerts_log_read,
	.log_forget = alerts_log_forget,
	.query = sqlite_query,
	.rest = sqlite_rest,
	.backup = read_backup,
};

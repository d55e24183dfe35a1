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
	columns_ddl(&s->flow, 0, s->flow.n, &sql);
	buf_adds(&sql, ", epoch INTEGER NOT NULL);"
		       "CREATE UNIQUE INDEX IF NOT EXISTS flows_id ON flows(id, part);"
		       "CREATE INDEX IF NOT EXISTS flows_last ON flows(last, id, part);");
	int rc = store_exec(s, db, buf_cstr(&sql));
	if (rc == 0)
		rc = runs_make(s, db);
	if (rc == 0)
		rc = store_match_columns(s, db, "flows", &s->flow, 0, s->flow.n, true);
	if (rc == 0)
		rc = store_exec(s, db, "COMMIT");
	buf_release(&sql);
	return rc;
}

static int prepare_put(struct store *s)
{
	struct buf sql = { 0 };
	buf_adds(&sql, "INSERT INTO flows (");
	columns_names(&s->flow, 0, s->flow.n, "", &sql);
	buf_adds(&sql, ",epoch) VALUES (");
	for (unsigned i = 0; i < s->flow.n + 1; i++)
		buf_adds(&sql, i ? ",?" : "?");
	buf_adds(&sql, ") ON CONFLICT(id, part) DO UPDATE SET epoch=excluded.epoch");
	for (unsigned i = 0; i < s->flow.n; i++)
		buf_addf(&sql, ",\"%s\"=excluded.\"%s\"", s->flow.c[i].name, s->flow.c[i].name);
	buf_adds(&sql, " WHERE excluded.revision > flows.revision");
	int rc = store_prepare(s, s->db, buf_cstr(&sql), &s->f.put);
	buf_release(&sql);
	return rc == 0 ? runs_prepare_save(s, s->db, &s->f.save_run) : rc;
}

static void close_file(struct store *s)
{
	sqlite3_finalize(s->f.put);
	sqlite3_finalize(s->f.save_run);
	sqlite3_close(s->db);
	s->f.put = s->f.save_run = NULL;
	s->db = NULL;
	s->f.start = 0;
}

static void remove_file(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		char *name = xasprintf("%s%s", path, suffixes[i]);
		unlink(name);
		free(name);
	}
}

/*
 * A damaged file of history is put aside under another name: nobody's alerts may wait for it, nothing is deleted, and what it
 * alone knew is fetched again as far as checks still has it.
 */
static void set_aside(struct store *s, uint64_t start)
{
	char *path = store_flow_path(s, start), *aside = xasprintf("%s.damaged", path);
	log_error("%s: it is put aside as %s", s->error, aside);
	if (rename(path, aside) == 0)
		remove_file(path);
	else
		log_error("%s: %s", aside, strerror(errno));
	free(path);
	free(aside);
}

static int open_file(struct store *s, uint64_t start)
{
	char *path = store_flow_path(s, start);
	close_file(s);
	s->f.start = start;
	s->db = store_open_db(s, path, OPEN_MAKE);
	free(path);
	if (!s->db || make_tables(s, s->db) < 0 || store_exec(s, s->db, "PRAGMA wal_autocheckpoint=4000") < 0)
		return -1;
	return prepare_put(s);
}

/* -- what all files know -- */

static struct run *find_known(struct store *s, uint64_t epoch)
{
	for (size_t i = 0; i < s->f.n_known; i++)
		if (s->f.known[i].epoch == epoch)
			return &s->f.known[i];
	return NULL;
}

/* The file that got furthest tells; the clock may have been set back between two. */
static void learn_run(void *arg, const struct run *r)
{
	struct store *s = arg;
	struct run *k = find_known(s, r->epoch);
	if (!k) {
		s->f.known = xrealloc(s->f.known, (s->f.n_known + 1) * sizeof *s->f.known);
		k = &s->f.known[s->f.n_known++];
		*k = (struct run){ .epoch = r->epoch };
	}
	k->ended |= r->ended;
	k->next = r->next > k->next ? r->next : k->next;
	k->clock = r->clock > k->clock ? r->clock : k->clock;
	k->stored = r->stored > k->stored ? r->stored : k->stored;
}

static void add_untidy(struct store *s, uint64_t start)
{
	s->f.untidy = xrealloc(s->f.untidy, (s->f.n_untidy + 1) * sizeof *s->f.untidy);
	s->f.untidy[s->f.n_untidy++] = start;
}

/* 0, -1, or 1: the file is damaged. */
static int learn_file(struct store *s, uint64_t start)
{
	char *path = store_flow_path(s, start);
	sqlite3 *db = store_open_db(s, path, OPEN_READ);
	int rc = -1;
	if (db) {
		/* A file without its table was being made when we were killed. */
		bool empty = store_int(db, "SELECT count(*) FROM sqlite_master WHERE name='runs'", -1) == 0;
		rc = empty ? 0 : runs_each(s, db, learn_run, s);
		if (rc == 0 && !store_get_meta(db, "tidy", 0))
			add_untidy(s, start);
	}
	sqlite3_close(db);
	free(path);
	return rc < 0 && s->damaged ? 1 : rc;
}

int flows_open(struct store *s)
{
	uint64_t *starts;
	size_t n = store_flow_starts(s, &starts);
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = learn_file(s, starts[i]);
		if (rc > 0) {
			set_aside(s, starts[i]);
			rc = 0;
		}
	}
	free(starts);
	const struct run *last = NULL;
	for (size_t i = 0; i < s->f.n_known; i++)
		if (!last || s->f.known[i].stored > last->stored)
			last = &s->f.known[i];
	if (last) {
		s->f.run.epoch = last->epoch;
		s->f.run.next = last->next;
		s->f.run.ended = last->ended;
		s->f.run.clock = last->clock;
	}
	return rc;
}

void flows_close(struct store *s)
{
	close_file(s);
	buf_release(&s->f.run.inputs);
	free(s->f.known);
	free(s->f.untidy);
}

/* -- intake -- */

/* Rows and cursor of a run go on in this file: where other files have got to, it begins. */
static int load_run(struct store *s, uint64_t epoch)
{
	struct run *k = find_known(s, epoch), *r = &s->f.run;
	uint64_t clock = r->epoch == epoch ? r->clock : 0;
	bool ended = r->epoch == epoch && r->ended;
	if (runs_load(s, s->db, epoch, r) < 0)
		return -1;
	if (k && k->next > r->next)
		r->next = k->next;
	r->clock = clock > r->clock ? clock : r->clock;
	r->ended |= ended;
	return 0;
}

int flows_begin(struct store *s, uint64_t epoch, uint64_t now)
{
	uint64_t start = now - now % s->conf.period, old = s->f.start;
	bool other = !s->db || start != old;
	s->f.now = now;
	if (other) {
		if (open_file(s, start) < 0)
			return -1;
		if (old)
			add_untidy(s, old);
	}
	if (store_exec(s, s->db, "BEGIN IMMEDIATE") < 0)
		return -1;
	return other || epoch != s->f.run.epoch ? load_run(s, epoch) : 0;
}

int flows_put(struct store *s, const struct r_flow *f, const char *base)
{
	sqlite3_stmt *st = s->f.put;
	int64_t before = sqlite3_total_changes64(s->db);
	columns_bind(st, &s->flow, f, base);
	sqlite3_bind_int64(st, (int)s->flow.n + 1, (sqlite3_int64)s->f.run.epoch);
	sqlite3_set_last_insert_rowid(s->db, 0);
	int rc = sqlite3_step(st);
	sqlite3_reset(st);
	if (rc != SQLITE_DONE)
		return store_fail(s, s->db, "flows");
	if (sqlite3_last_insert_rowid(s->db))
		run_stored(&s->f.run, f->n.last);
	return sqlite3_total_changes64(s->db) != before;
}

int flows_commit(struct store *s, uint64_t next)
{
	struct run *r = &s->f.run;
	r->next = next;
	if (runs_save(s, s->f.save_run, r, s->f.now) < 0 || store_exec(s, s->db, "COMMIT") < 0)
		return -1;
	learn_run(s, r);
	return 0;
}

void flows_rollback(struct store *s)
{
	uint64_t start = s->f.start;
	if (s->db && !sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	if (!s->damaged)
		return;
	close_file(s);
	set_aside(s, start);
}

/* -- upkeep -- */

static uint64_t file_bytes(const char *path)
{
	static const char *const suffixes[] = { "", "-wal" };
	uint64_t sum = 0;
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		char *name = xasprintf("%s%s", path, suffixes[i]);
		struct stat st;
		if (stat(name, &st) == 0)
			sum += (uint64_t)st.st_size;
		free(name);
	}
	return sum;
}

/* One file a slice: the oldest, if it is too old or all together are too much; never the newest, which has the cursor. */
int flows_prune(struct store *s, uint64_t now, uint64_t max_age, uint64_t max_bytes, struct store_pruned *did)
{
	uint64_t *starts, total = 0;
	size_t n = store_flow_starts(s, &starts);
	int rc = 0;
	for (size_t i = 0; i < n; i++) {
		char *path = store_flow_path(s, starts[i]);
		total += file_bytes(path);
		free(path);
	}
	if (n > 1 && starts[0] != s->f.start && (starts[0] + s->conf.period + max_age < now || total > max_bytes)) {
		char *path = store_flow_path(s, starts[0]);
		remove_file(path);
		free(path);
		did->files++;
		rc = 1;
	}
	free(starts);
	return rc;
}

/* A file whose period is over gets its indexes by host, and becomes one file that readers share without more. */
static int tidy_file(struct store *s, uint64_t start)
{
	char *path = store_flow_path(s, start);
	sqlite3 *db = access(path, F_OK) == 0 ? store_open_db(s, path, OPEN_WRITE) : NULL;
	int rc = 0;
	if (db)
		rc = store_exec(s, db,
				"BEGIN IMMEDIATE;"
				"CREATE INDEX IF NOT EXISTS flows_client ON flows(client_ip, last);"
				"CREATE INDEX IF NOT EXISTS flows_server ON flows(server_ip, last);"
				"INSERT OR REPLACE INTO meta VALUES('tidy', 1);"
				"PRAGMA analysis_limit=400; ANALYZE; COMMIT;");
	if (db && rc == 0)
		sqlite3_exec(db, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL); /* not while somebody reads: no matter */
	sqlite3_close(db);
	free(path);
	return rc;
}

int flows_tidy(struct store *s)
{
	for (size_t i = 0; i < s->f.n_untidy; i++) {
		uint64_t start = s->f.untidy[i];
		if (start == s->f.start)
			continue;
		if (tidy_file(s, start) < 0) {
			if (!s->damaged)
				return -1;
			set_aside(s, start);
		}
		s->f.untidy[i] = s->f.untidy[--s->f.n_untidy];
		return 1;
	}
	return 0;
}

/* The reading handle: files, runs, numbers, copies. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec.h"
#include "hash.h"
#include "store_sqlite.h"

/* -- files -- */

struct reader *read_open_alerts(struct store *s)
{
	char *path = store_alerts_path(s);
	struct reader *r = reader_get(s, path);
	free(path);
	/* Without 'rest' it was made by an earlier program, and gets it as soon as the writer comes. */
	if (r && (!r->matched || !s->alert.rest)) {
		r->matched = store_match_columns(s, r->db, "alerts", &s->alert, 0, s->n_alert, false) == 0 &&
			     store_match_columns(s, r->db, "notes", &s->alert, s->n_alert, s->alert.n, false) == 0 &&
			     columns_serve(r->db, &s->alert) == SQLITE_OK;
		if (!r->matched) {
			reader_drop(r);
			r = NULL;
		}
	}
	s->db = r ? r->db : NULL;
	return r;
}

static const struct flow_file *known_file(const struct store *s, uint64_t start)
{
	for (size_t i = 0; i < s->r.n_files; i++)
		if (s->r.files[i].start == start)
			return &s->r.files[i];
	return NULL;
}

bool read_is_changing(const char *path)
{
	char *wal = xasprintf("%s-wal", path);
	bool there = access(wal, F_OK) == 0;
	free(wal);
	return there;
}

static void read_range(struct flow_file *f, sqlite3 *db)
{
	/* What cannot be read is looked into all the same, and told then. */
	f->lo = db ? (uint64_t)store_int(db, "SELECT min(lo) FROM runs WHERE lo != 0", 0) : 0;
	f->hi = db ? (uint64_t)store_int(db, "SELECT max(hi) FROM runs", 0) : INT64_MAX;
	f->read = db != NULL;
}

/* What is known of a file lasts until it changes. The newest always does, and is asked for the most. */
static void look_at(struct store *s, struct flow_file *f, bool newest)
{
	char *path = store_flow_path(s, f->start);
	const struct flow_file *old = known_file(s, f->start);
	struct stat st;
	if (stat(path, &st) < 0)
		goto out;
	f->size = (uint64_t)st.st_size;
	f->mtime = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
	if (old && old->read && old->size == f->size && old->mtime == f->mtime && !read_is_changing(path)) {
		*f = *old;
		goto out;
	}
	struct reader *r = newest ? reader_get(s, path) : NULL;
	sqlite3 *db = newest ? NULL : store_open_db(s, path, OPEN_READ);
	read_range(f, r ? r->db : db);
	sqlite3_close(db);
out:
	free(path);
}

size_t read_flow_files(struct store *s, struct flow_file **ret)
{
	uint64_t *starts;
	size_t n = store_flow_starts(s, &starts);
	struct flow_file *files = xcalloc(n + 1, sizeof *files);
	for (size_t i = 0; i < n; i++) {
		files[i].start = starts[n - 1 - i];
		look_at(s, &files[i], i == 0);
	}
	free(starts);
	free(s->r.files);
	s->r.files = files;
	s->r.n_files = n;
	*ret = files;
	return n;
}

/* -- runs -- */

struct run_list {
	struct run *r;
	size_t n;
	uint64_t *flows; /* beside r */
	bool flow_file;
};

static struct run *run_entry(struct run_list *l, uint64_t epoch)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->r[i].epoch == epoch)
			return &l->r[i];
	l->r = xrealloc(l->r, (l->n + 1) * sizeof *l->r);
	l->flows = xrealloc(l->flows, (l->n + 1) * sizeof *l->flows);
	l->flows[l->n] = 0;
	l->r[l->n] = (struct run){ .epoch = epoch };
	return &l->r[l->n++];
}

static void add_run(void *arg, const struct run *r)
{
	struct run_list *l = arg;
	struct run *e = run_entry(l, r->epoch);
	if (l->flow_file)
		l->flows[e - l->r] += r->records;
	else
		e->records += r->records;
	e->ended |= r->ended;
	e->live |= r->live;
	e->clock = r->clock > e->clock ? r->clock : e->clock;
	e->lo = !e->lo || (r->lo && r->lo < e->lo) ? r->lo : e->lo;
	e->began = !e->began || r->began < e->began ? r->began : e->began;
	e->stored = r->stored > e->stored ? r->stored : e->stored;
	if (!e->inputs.len && r->inputs.len)
		buf_add(&e->inputs, r->inputs.p, r->inputs.len);
}

static void pack_run(const struct run *r, uint64_t flows, struct buf *out)
{
	struct buf strs = { 0 };
	char epoch[20];
	int n = snprintf(epoch, sizeof epoch, "%016" PRIx64, r->epoch);
	struct r_run rec = { .run = { .live = r->live, .ended = r->ended, .began = r->began, .stored = r->stored, .from = r->lo,
				      .to = r->clock, .alerts = r->records, .flows = flows } };
	rec.run.run = str_put_raw(&strs, epoch, (size_t)n);
	rec.run.inputs = str_put_raw(&strs, r->inputs.p, r->inputs.len);
	codec_pack(out, R_RUN, &rec, strs.p);
	buf_release(&strs);
}

/* Last stored first. */
static void pack_runs(struct run_list *l, struct buf *out)
{
	for (size_t done = 0; done < l->n; done++) {
		size_t best = done;
		for (size_t i = done + 1; i < l->n; i++)
			if (l->r[i].stored > l->r[best].stored)
				best = i;
		struct run r = l->r[best];
		uint64_t flows = l->flows[best];
		l->r[best] = l->r[done];
		l->flows[best] = l->flows[done];
		l->r[done] = r;
		l->flows[done] = flows;
		pack_run(&r, flows, out);
	}
}

/* Of each file's runs; a file that cannot be read is named in err. */
static void collect_runs(struct store *s, struct run_list *l, struct buf *err)
{
	uint64_t *starts;
	size_t n = store_flow_starts(s, &starts);
	l->flow_file = true;
	for (size_t i = 0; i < n; i++) {
		char *path = store_flow_path(s, starts[i]);
		sqlite3 *db = store_open_db(s, path, OPEN_READ);
		bool made = db && store_has_table(db, "runs"), failed = !db || (made && runs_each(s, db, add_run, l) < 0);
		if (failed && access(path, F_OK) == 0) /* else retention was faster */
			buf_addf(err, "%sleft out: %s", err->len ? "; " : "", s->error);
		sqlite3_close(db);
		free(path);
	}
	free(starts);
}

unsigned read_runs(struct store *s, struct buf *out, struct store_page *page, struct buf *err)
{
	struct run_list l = { 0 };
	unsigned status = 503;
	if (read_open_alerts(s) && runs_each(s, s->db, add_run, &l) == 0) {
		collect_runs(s, &l, err);
		pack_runs(&l, out);
		page->count = (uint32_t)l.n;
		page->total = page->scanned = l.n;
		status = 200;
	} else {
		buf_adds(err, s->error);
	}
	for (size_t i = 0; i < l.n; i++)
		buf_release(&l.r[i].inputs);
	free(l.r);
	free(l.flows);
	return status;
}

/* -- copies -- */

static int copy_db(struct store *s, const char *from, const char *dir, const char *name)
{
	char *to = xasprintf("%s/%s", dir, name);
	sqlite3 *db = store_open_db(s, from, OPEN_READ);
	sqlite3_stmt *st = NULL;
	int rc = -1;
	/* query_only is in the way of writing another file, too. */
	if (db && store_exec(s, db, "PRAGMA query_only=0") == 0 && store_prepare(s, db, "VACUUM INTO ?", &st) == 0) {
		sqlite3_bind_text(st, 1, to, -1, SQLITE_STATIC);
		rc = sqlite3_step(st) == SQLITE_DONE ? 0 : store_fail(s, db, to);
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	free(to);
	return rc;
}

/*
 * The copy's delivery log is another one than ours: who has ours must not take its numbers for the same when the copy is
 * put in our place.
 */
static int rename_log(struct store *s, const char *dir)
{
	char *path = xasprintf("%s/alerts.db", dir);
	sqlite3 *db = store_open_db(s, path, OPEN_WRITE);
	int rc = db ? store_set_meta(s, db, "log", hash_key_random().k0 >> 1 | 1) : -1;
	if (rc == 0)
		rc = store_exec(s, db, "PRAGMA journal_mode=DELETE");
	sqlite3_close(db);
	free(path);
	return rc;
}

static int copy_flows(struct store *s, const char *dir)
{
	uint64_t *starts;
	size_t n = store_flow_starts(s, &starts);
	char *path = store_series_path(s);
	int rc = access(path, F_OK) == 0 ? copy_db(s, path, dir, strrchr(path, '/') + 1) : 0;
	free(path);
	for (size_t i = 0; i < n && rc == 0; i++) {
		path = store_flow_path(s, starts[i]);
		if (access(path, F_OK) == 0) /* else retention was faster */
			rc = copy_db(s, path, dir, strrchr(path, '/') + 1);
		free(path);
	}
	free(starts);
	return rc;
}

static void remove_copy(const char *dir)
{
	struct store of = { .dir = (char *)dir };
	uint64_t *starts;
	size_t n = store_flow_starts(&of, &starts);
	for (size_t i = 0; i < n; i++) {
		char *path = store_flow_path(&of, starts[i]);
		unlink(path);
		free(path);
	}
	free(starts);
	char *path = store_alerts_path(&of), *series = store_series_path(&of);
	unlink(path);
	unlink(series);
	free(path);
	free(series);
	rmdir(dir);
}

static uint64_t size_of_all(struct store *s, bool flows)
{
	char *path = store_alerts_path(s), *series = store_series_path(s);
	uint64_t sum = store_file_bytes(path) + (flows ? store_file_bytes(series) : 0), *starts;
	size_t n = store_flow_starts(s, &starts);
	free(series);
	free(path);
	for (size_t i = 0; i < n && flows; i++) {
		path = store_flow_path(s, starts[i]);
		sum += store_file_bytes(path);
		free(path);
	}
	free(starts);
	return sum;
}

unsigned read_backup(struct store *s, const char *dir, bool flows, struct buf *err)
{
	char *alerts = store_alerts_path(s);
	uint64_t need = size_of_all(s, flows), have = store_free_bytes(s);
	unsigned status = 503;
	if (need > have) {
		buf_addf(err, "a copy takes up to %" PRIu64 " bytes and %" PRIu64 " are free", need, have);
		status = 507;
	} else if (mkdir(dir, 0750) < 0) {
		buf_addf(err, "%s: %s", dir, strerror(errno));
		status = errno == EEXIST ? 409 : 503;
	} else if (copy_db(s, alerts, dir, "alerts.db") < 0 || rename_log(s, dir) < 0 || (flows && copy_flows(s, dir) < 0)) {
		buf_adds(err, s->error);
		remove_copy(dir);
	} else {
		status = 200;
	}
	free(alerts);
	return status;
}

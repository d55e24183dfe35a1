/*
 * Files of the store that are kept open for the next question, with the statements of the last ones: to open a file takes longer than
 * to read a page from it, and to prepare the statement of a whole record a third of the page.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop.h"
#include "store_sqlite.h"

#define KEEP_NS 5000000000ull /* after the last question: a file that retention deleted takes its room until it is closed */

static void statement_release(struct reader_statement *x)
{
	sqlite3_finalize(x->st);
	free(x->sql);
	*x = (struct reader_statement){ 0 };
}

static void reader_release(struct reader *r)
{
	for (size_t i = 0; i < READER_STATEMENTS; i++)
		statement_release(&r->statements[i]);
	sqlite3_close(r->db);
	columns_release(&r->flow);
	free(r->path);
	*r = (struct reader){ 0 };
}

/* Where the file is, or where it can go: a free place, or that of the one which was asked for the longest time ago. */
static struct reader *find_place(struct store *s, const char *path)
{
	struct reader *best = s->r.readers;
	for (struct reader *r = s->r.readers; r < s->r.readers + MAX_READERS; r++) {
		if (r->path && strcmp(r->path, path) == 0)
			return r;
		if (r->used < best->used)
			best = r;
	}
	return best;
}

/*
 * Of a file that cannot be written SQLite opens the -shm for reading only, and so has it for all of this process until the last one
 * closes it: also for the writer, when it could write again.
 */
static bool can_be_kept(const char *path)
{
	char *shm = xasprintf("%s-shm", path);
	bool writable = access(path, W_OK) == 0 && (access(shm, W_OK) == 0 || errno == ENOENT);
	free(shm);
	return writable;
}

struct reader *reader_get(struct store *s, const char *path)
{
	struct reader *r = find_place(s, path);
	struct stat st;
	int rc = stat(path, &st);
	if (rc < 0)
		store_fail(s, NULL, path);
	if (rc < 0 || !r->path || strcmp(r->path, path) != 0 || r->inode != st.st_ino)
		reader_release(r);
	if (rc == 0 && !r->db) {
		r->passing = !can_be_kept(path);
		r->db = store_open_db(s, path, OPEN_READ);
		r->path = xstrdup(path);
		r->inode = st.st_ino;
	}
	if (!r->db) {
		reader_release(r);
		return NULL;
	}
	r->used = mono_ns();
	return r;
}

void reader_drop(struct reader *r)
{
	if (r)
		reader_release(r);
}

void readers_drop_idle(struct store *s)
{
	uint64_t now = mono_ns();
	for (struct reader *r = s->r.readers; r < s->r.readers + MAX_READERS; r++)
		if (r->db && (r->passing || r->used + KEEP_NS < now))
			reader_release(r);
}

void readers_drop_all(struct store *s)
{
	for (struct reader *r = s->r.readers; r < s->r.readers + MAX_READERS; r++)
		reader_release(r);
}

int reader_prepare(struct store *s, struct reader *r, const char *sql, sqlite3_stmt **ret)
{
	struct reader_statement *place = NULL;
	*ret = NULL;
	for (struct reader_statement *x = r->statements; x < r->statements + READER_STATEMENTS; x++) {
		if (x->busy)
			continue;
		if (x->sql && strcmp(x->sql, sql) == 0) {
			x->busy = true;
			x->used = ++r->uses;
			*ret = x->st;
			return 0;
		}
		if (!place || x->used < place->used)
			place = x;
	}
	if (sqlite3_prepare_v3(r->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) != SQLITE_OK)
		return store_fail(s, r->db, r->path);
	if (place) {
		statement_release(place);
		*place = (struct reader_statement){ .sql = xstrdup(sql), .st = *ret, .used = ++r->uses, .busy = true };
	}
	return 0;
}

void reader_done(struct reader *r, sqlite3_stmt *st)
{
	for (struct reader_statement *x = r->statements; st && x < r->statements + READER_STATEMENTS; x++)
		if (x->st == st) {
			sqlite3_reset(st);
			sqlite3_clear_bindings(st);
			x->busy = false;
			return;
		}
	sqlite3_finalize(st);
}

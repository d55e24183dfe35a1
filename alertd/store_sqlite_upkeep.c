/*
 * Upkeep of flow files that are complete, by a handle of its own: nobody writes them any more, so what is done here keeps no record
 * waiting, however long it takes.
 */
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "store_sqlite.h"

#define GRACE_NS 60000000000ull /* after its period a file may still get the transaction that was open */

/* The newest has the cursor, and is the one that is written. */
static bool is_complete(const struct store *s, const uint64_t *starts, size_t n, size_t i, uint64_t now)
{
	return i + 1 < n && starts[i] + s->conf.period + GRACE_NS < now;
}

/* One file a slice: the oldest, if it is too old or all together are too much. */
int upkeep_prune(struct store *s, uint64_t now, struct store_pruned *did)
{
	const struct retention *keep = &s->conf.kept[KEPT_FLOWS];
	uint64_t *starts, total = 0;
	size_t n = store_flow_starts(s, &starts);
	int rc = 0;
	for (size_t i = 0; i < n; i++) {
		char *path = store_flow_path(s, starts[i]);
		total += store_file_bytes(path);
		free(path);
	}
	if (n > 1 && is_complete(s, starts, n, 0, now) && (starts[0] + s->conf.period + keep->age < now || total > keep->bytes)) {
		char *path = store_flow_path(s, starts[0]);
		rc = store_remove(path) < 0 ? store_fail(s, NULL, path) : 1;
		did->n[KEPT_FLOWS] += rc > 0;
		free(path);
	}
	free(starts);
	return rc;
}

/*
 * Indexes by host, which kept up row by row would more than halve the speed of storing, and the sums of the whole file. A file that
 * was made before there were sums has none, and is read as it is.
 */
static int tidy_file(struct store *s, sqlite3 *db)
{
	int rc = store_exec(s, db,
			    "BEGIN IMMEDIATE;"
			    "CREATE INDEX IF NOT EXISTS flows_client ON flows(client_ip, last);"
			    "CREATE INDEX IF NOT EXISTS flows_server ON flows(server_ip, last);"
			    "PRAGMA analysis_limit=400; ANALYZE;");
	if (rc == 0 && store_has_table(db, "sums"))
		rc = sums_complete(s, db);
	if (rc == 0)
		rc = store_exec(s, db, "INSERT OR REPLACE INTO meta VALUES('tidy', 1); COMMIT;");
	return rc;
}

/* 1, or -1. */
static int tidy_path(struct store *s, const char *path)
{
	sqlite3 *db = store_open_db(s, path, OPEN_WRITE);
	int rc = db && tidy_file(s, db) == 0 ? 1 : -1;
	sqlite3_close(db);
	return rc;
}

/*
 * 1: something was done. A file that is tidy becomes one without a log beside it, which readers share without more; it is not opened
 * to write, which would give it one again.
 */
static int look_after(struct store *s, uint64_t start)
{
	char *path = store_flow_path(s, start);
	bool there = access(path, F_OK) == 0;
	sqlite3 *db = there ? store_open_db(s, path, OPEN_READ) : NULL;
	int rc = there && !db ? -1 : 0;
	if (db && store_get_meta(db, "tidy", 0)) /* not while somebody reads: no matter */
		sqlite3_exec(db, "PRAGMA query_only=0; PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
	else if (db)
		rc = tidy_path(s, path);
	sqlite3_close(db);
	if (rc < 0 && s->damaged) {
		store_set_aside(s, path);
		rc = 1;
	}
	free(path);
	return rc;
}

int upkeep_tidy(struct store *s, uint64_t now)
{
	uint64_t *starts;
	size_t n = store_flow_starts(s, &starts);
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++)
		if (starts[i] >= s->tidy_to && is_complete(s, starts, n, i, now)) {
			rc = look_after(s, starts[i]);
			if (rc == 0)
				s->tidy_to = starts[i] + 1;
		}
	free(starts);
	return rc;
}

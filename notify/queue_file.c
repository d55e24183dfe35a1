#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fault.h"
#include "queue_priv.h"

#define SCHEMA_VERSION 1

static const char schema[] =
	"CREATE TABLE delivery(seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, alert_id BLOB NOT NULL,"
	" revision INTEGER NOT NULL, recipient TEXT NOT NULL, state INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,"
	" created INTEGER NOT NULL, next INTEGER NOT NULL, finished INTEGER NOT NULL DEFAULT 0, expires INTEGER NOT NULL,"
	" maybe_duplicate INTEGER NOT NULL DEFAULT 0, error TEXT, check_key TEXT, severity INTEGER NOT NULL,"
	" coalesced INTEGER NOT NULL DEFAULT 0, record BLOB);"
	"CREATE INDEX delivery_due ON delivery(recipient, next, seq) WHERE state IN (0, 3);"
	"CREATE INDEX delivery_state ON delivery(recipient, state, seq);"
	"CREATE TABLE cursor(one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, next INTEGER NOT NULL);"
	"CREATE TABLE total(recipient TEXT PRIMARY KEY, queued INTEGER NOT NULL, sent INTEGER NOT NULL,"
	" dropped INTEGER NOT NULL, coalesced INTEGER NOT NULL);"
	"PRAGMA user_version = 1;";

/*
 * Numbers of enum dstate in the text below: 0 pending, 1 sending, 2 sent, 3 retry, 4 dead, 5 expired, 6 suppressed,
 * 7 silenced.
 */
static const char *const sql[S_COUNT] = {
	[S_ADD] = "INSERT INTO delivery(id, alert_id, revision, recipient, created, next, expires, check_key, severity,"
		  " record, state, finished) VALUES(?1, ?2, ?3, ?4, ?5, ?5 * (?10 = 0), ?6, ?7, ?8, ?9, ?10, ?11)",
	[S_KNOWN] = "SELECT 1 FROM delivery WHERE id = ?1",
	[S_LOOKUP] = "SELECT recipient, state FROM delivery WHERE id = ?1",
	[S_SET_CURSOR] = "INSERT INTO cursor VALUES(1, ?1, ?2) ON CONFLICT(one) DO UPDATE SET epoch = ?1, next = ?2",
	[S_DUE] = "SELECT id, alert_id, revision, attempts, maybe_duplicate, expires, record FROM delivery"
		  " WHERE recipient = ?1 AND state IN (0, 3) AND next <= ?2 ORDER BY next, seq LIMIT ?3",
	[S_NEXT] = "SELECT next FROM delivery WHERE recipient = ?1 AND state IN (0, 3) ORDER BY next, seq LIMIT 1",
	[S_START] = "UPDATE delivery SET state = 1, attempts = attempts + 1, next = 0 WHERE id = ?1 AND state IN (0, 3)",
	[S_FINISH] = "UPDATE delivery SET state = ?2, next = ?3, finished = ?4, maybe_duplicate = maybe_duplicate OR ?5,"
		     " error = ?6, record = CASE WHEN ?2 = 2 THEN NULL ELSE record END WHERE id = ?1 AND state = 1",
	[S_PRUNE] = "DELETE FROM delivery WHERE seq IN (SELECT seq FROM delivery WHERE recipient = ?1 AND state = ?2"
		    " ORDER BY seq LIMIT ?3)",
	[S_COALESCE] = "INSERT INTO delivery(id, alert_id, revision, recipient, state, created, next, expires, check_key, severity,"
		       " coalesced) VALUES(?1, ?2, ?3, ?4, 6, ?5, 0, 0, ?6, ?7, 1) ON CONFLICT(id) DO UPDATE SET"
		       " coalesced = coalesced + 1, alert_id = ?2, revision = ?3, finished = ?5, check_key = ?6,"
		       " severity = max(severity, ?7)",
	[S_TOTALS] = "INSERT INTO total VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(recipient) DO UPDATE SET queued = ?2, sent = ?3,"
		     " dropped = ?4, coalesced = ?5",
	[S_RETRY] = "UPDATE delivery SET state = 0, attempts = 0, error = NULL, next = ?2, finished = 0, expires = ?3 WHERE id = ?1"
		    " AND state IN (0, 3, 4, 5, 7)",
	[S_DROP] = "DELETE FROM delivery WHERE id = ?1 AND state <> 1",
	[S_LIST] = "SELECT seq, id, alert_id, revision, recipient, state, attempts, created, next, finished, maybe_duplicate,"
		   " error, check_key, severity, coalesced FROM delivery WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2",
	[S_EXPIRING] = "SELECT recipient, state, count(*) FROM delivery WHERE state IN (0, 3) AND expires <= ?1"
		       " GROUP BY recipient, state",
	[S_EXPIRE] = "UPDATE delivery SET state = 5, next = 0, finished = ?2 WHERE state IN (0, 3) AND expires <= ?1",
	[S_SENDING] = "UPDATE delivery SET state = 3, next = ?1, maybe_duplicate = 1,"
		      " error = 'notify ended while this attempt was under way' WHERE state = 1",
	[S_AHEAD] = "UPDATE delivery SET next = ?1, expires = min(expires, ?1 + expires - created)"
		    " WHERE state IN (0, 3) AND next > CASE WHEN created > ?1 THEN ?1 ELSE ?1 + ?2 END",
};

/* -- errors, statements -- */

int queue_fail(struct queue *q, const char *what)
{
	int code = sqlite3_errcode(q->db) & 0xff, why = sqlite3_system_errno(q->db);
	q->no_room = code == SQLITE_FULL || ((code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && (why == ENOSPC || why == EDQUOT));
	snprintf(q->error, sizeof q->error, "%s: %s", what, sqlite3_errmsg(q->db));
	return -1;
}

const char *queue_error(const struct queue *q)
{
	return q->error;
}

bool queue_no_room(const struct queue *q)
{
	return q->no_room;
}

static int run_sql(struct queue *q, const char *text)
{
	return sqlite3_exec(q->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : queue_fail(q, "deliveries");
}

void bind_id(sqlite3_stmt *s, int n, struct id id)
{
	uint8_t b[16];
	for (int i = 0; i < 8; i++) {
		b[i] = (uint8_t)(id.hi >> (56 - 8 * i));
		b[8 + i] = (uint8_t)(id.lo >> (56 - 8 * i));
	}
	sqlite3_bind_blob(s, n, b, sizeof b, SQLITE_TRANSIENT);
}

struct id column_id(sqlite3_stmt *s, int n)
{
	struct id id = { 0, 0 };
	const uint8_t *b = sqlite3_column_blob(s, n);
	if (!b || sqlite3_column_bytes(s, n) != 16)
		return id;
	for (int i = 0; i < 8; i++) {
		id.hi = id.hi << 8 | b[i];
		id.lo = id.lo << 8 | b[8 + i];
	}
	return id;
}

const char *column_str(sqlite3_stmt *s, int n)
{
	const char *p = (const char *)sqlite3_column_text(s, n);
	return p ? p : "";
}

int queue_step(struct queue *q, enum stmt n)
{
	int rc = sqlite3_step(q->s[n]);
	if (rc != SQLITE_DONE)
		queue_fail(q, "deliveries");
	sqlite3_reset(q->s[n]);
	sqlite3_clear_bindings(q->s[n]);
	return rc == SQLITE_DONE ? 0 : -1;
}

/* -- accounts: the running totals, in memory and with each transaction on disk -- */

struct account *queue_account(struct queue *q, const char *name)
{
	for (size_t i = 0; i < q->n_accounts; i++)
		if (strcmp(q->accounts[i].name, name) == 0)
			return &q->accounts[i];
	q->accounts = xrealloc(q->accounts, (q->n_accounts + 1) * sizeof *q->accounts);
	struct account *a = &q->accounts[q->n_accounts++];
	*a = (struct account){ .name = xstrdup(name) };
	return a;
}

static int save_totals(struct queue *q)
{
	for (size_t i = 0; i < q->n_accounts; i++) {
		struct account *a = &q->accounts[i];
		if (!a->dirty)
			continue;
		sqlite3_stmt *s = q->s[S_TOTALS];
		sqlite3_bind_text(s, 1, a->name, -1, SQLITE_STATIC);
		bind_u64(s, 2, a->t.queued);
		bind_u64(s, 3, a->t.sent);
		bind_u64(s, 4, a->t.dropped);
		bind_u64(s, 5, a->t.coalesced);
		if (queue_step(q, S_TOTALS) < 0)
			return -1;
	}
	return 0;
}

void queue_totals(const struct queue *q, const char *recipient, struct queue_totals *ret)
{
	memset(ret, 0, sizeof *ret);
	for (size_t i = 0; i < q->n_accounts; i++)
		if (strcmp(q->accounts[i].name, recipient) == 0)
			*ret = q->accounts[i].t;
}

void queue_moved(struct queue *q, const char *recipient, unsigned from, unsigned to, uint64_t n)
{
	struct account *a = queue_account(q, recipient);
	if (from < QUEUE_STATES)
		a->t.rows[from] -= n < a->t.rows[from] ? n : a->t.rows[from];
	if (to < QUEUE_STATES)
		a->t.rows[to] += n;
	a->dirty = true;
}

/* -- transactions -- */

int queue_begin(struct queue *q)
{
	for (size_t i = 0; i < q->n_accounts; i++) {
		q->accounts[i].before = q->accounts[i].t;
		q->accounts[i].dirty = false;
	}
	q->cursor_before = q->cursor;
	FAULT("notify.tx.begin");
	return run_sql(q, "BEGIN IMMEDIATE");
}

void queue_rollback(struct queue *q)
{
	if (!sqlite3_get_autocommit(q->db))
		sqlite3_exec(q->db, "ROLLBACK", NULL, NULL, NULL);
	for (size_t i = 0; i < q->n_accounts; i++)
		q->accounts[i].t = q->accounts[i].before;
	q->cursor = q->cursor_before;
}

int queue_commit(struct queue *q)
{
	FAULT("notify.tx.commit.before");
	if (!FAULT_FAILS("notify.tx.commit") && save_totals(q) == 0 && run_sql(q, "COMMIT") == 0) {
		FAULT("notify.tx.commit.after");
		return 0;
	}
	queue_rollback(q);
	return -1;
}

bool queue_cursor(const struct queue *q, uint64_t *ret_epoch, uint64_t *ret_next)
{
	*ret_epoch = q->cursor.epoch;
	*ret_next = q->cursor.next;
	return q->cursor.known;
}

int queue_set_cursor(struct queue *q, uint64_t epoch, uint64_t next)
{
	bind_u64(q->s[S_SET_CURSOR], 1, epoch);
	bind_u64(q->s[S_SET_CURSOR], 2, next);
	if (queue_step(q, S_SET_CURSOR) < 0)
		return -1;
	q->cursor = (struct position){ true, epoch, next };
	return 0;
}

/* -- open -- */

static int pragma_int(struct queue *q, const char *text, int *ret)
{
	sqlite3_stmt *s;
	if (sqlite3_prepare_v2(q->db, text, -1, &s, NULL) != SQLITE_OK)
		return queue_fail(q, "deliveries");
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int(s, 0);
	else
		queue_fail(q, "deliveries");
	sqlite3_finalize(s);
	return rc == SQLITE_ROW ? 0 : -1;
}

static int make_schema(struct queue *q)
{
	int version = 0;
	if (pragma_int(q, "PRAGMA user_version", &version) < 0)
		return -1;
	if (version > SCHEMA_VERSION) {
		snprintf(q->error, sizeof q->error,
			 "written by a newer weir (schema %d, this one knows %d): upgrade, or move the file away", version,
			 SCHEMA_VERSION);
		return -1;
	}
	if (version == SCHEMA_VERSION)
		return 0;
	if (run_sql(q, "BEGIN IMMEDIATE") < 0)
		return -1;
	if (run_sql(q, schema) == 0 && run_sql(q, "COMMIT") == 0)
		return 0;
	sqlite3_exec(q->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

/* A query whose rows are given to cb. */
static int each(struct queue *q, const char *text, void (*cb)(struct queue *q, sqlite3_stmt *s))
{
	sqlite3_stmt *s;
	int rc;
	if (sqlite3_prepare_v2(q->db, text, -1, &s, NULL) != SQLITE_OK)
		return queue_fail(q, "deliveries");
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		cb(q, s);
	if (rc != SQLITE_DONE)
		queue_fail(q, "deliveries");
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? 0 : -1;
}

static void load_cursor(struct queue *q, sqlite3_stmt *s)
{
	q->cursor = (struct position){ true, column_u64(s, 0), column_u64(s, 1) };
}

static void load_total(struct queue *q, sqlite3_stmt *s)
{
	struct account *a = queue_account(q, column_str(s, 0));
	a->t.queued = column_u64(s, 1);
	a->t.sent = column_u64(s, 2);
	a->t.dropped = column_u64(s, 3);
	a->t.coalesced = column_u64(s, 4);
}

static void load_rows(struct queue *q, sqlite3_stmt *s)
{
	unsigned state = (unsigned)sqlite3_column_int(s, 1);
	if (state < QUEUE_STATES)
		queue_account(q, column_str(s, 0))->t.rows[state] = column_u64(s, 2);
}

static int open_all(struct queue *q)
{
	if (run_sql(q, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;") < 0 ||
	    make_schema(q) < 0)
		return -1;
	for (int i = 0; i < S_COUNT; i++)
		if (sqlite3_prepare_v3(q->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &q->s[i], NULL) != SQLITE_OK)
			return queue_fail(q, "not a delivery file");
	if (each(q, "SELECT epoch, next FROM cursor", load_cursor) < 0 ||
	    each(q, "SELECT recipient, queued, sent, dropped, coalesced FROM total", load_total) < 0 ||
	    each(q, "SELECT recipient, state, count(*) FROM delivery GROUP BY recipient, state", load_rows) < 0)
		return -1;
	return 0;
}

struct queue *queue_open(const char *path, uint64_t max_rows, struct buf *err)
{
	struct queue *q = xcalloc(1, sizeof *q);
	q->max_rows = max_rows ? max_rows : 1;
	int rc = sqlite3_open_v2(path, &q->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (rc != SQLITE_OK) {
		buf_addf(err, "%s: %s", path, q->db ? sqlite3_errmsg(q->db) : "no memory");
		queue_close(q);
		errno = EIO;
		return NULL;
	}
	sqlite3_busy_timeout(q->db, 2000);
	if (open_all(q) < 0) {
		buf_addf(err, "%s: %s", path, q->error);
		int why = q->no_room ? ENOSPC : EIO;
		queue_close(q);
		errno = why;
		return NULL;
	}
	chmod(path, 0640);
	return q;
}

void queue_close(struct queue *q)
{
	if (!q)
		return;
	for (int i = 0; i < S_COUNT; i++)
		sqlite3_finalize(q->s[i]);
	sqlite3_close(q->db);
	for (size_t i = 0; i < q->n_accounts; i++)
		free(q->accounts[i].name);
	free(q->accounts);
	free(q);
}

#include "queue.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "codec.h"
#include "fault.h"
#include "hash.h"
#include "log.h"

#define SCHEMA_VERSION 1
#define DELIVERY_SEED  0x64656c6976657279u /* separates delivery ids from the other kinds */
#define MAX_ERROR      512                 /* bytes of error text kept */
#define LIST_PAGE      256

struct account {
	char *name;
	struct queue_totals t, before; /* before: as it was when the transaction began */
	bool dirty;
};

enum stmt {
	S_ADD, S_KNOWN, S_LOOKUP, S_SET_CURSOR, S_DUE, S_NEXT, S_START, S_FINISH, S_PRUNE, S_COALESCE, S_TOTALS, S_RETRY, S_DROP,
	S_LIST, S_EXPIRING, S_EXPIRE, S_SENDING, S_COUNT
};

struct queue {
	sqlite3 *db;
	sqlite3_stmt *s[S_COUNT];
	uint64_t max_rows;
	struct account *accounts;
	size_t n_accounts;
	struct position {
		bool known;
		uint64_t epoch, next;
	} cursor, cursor_before;
	char error[256];
};

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
	[S_EXPIRE] = "UPDATE delivery SET state = 5, next = 0, finished = ?1 WHERE state IN (0, 3) AND expires <= ?1",
	[S_SENDING] = "UPDATE delivery SET state = 3, next = ?1, maybe_duplicate = 1,"
		      " error = 'notify ended while this attempt was under way' WHERE state = 1",
};

/* -- errors, statements -- */

static int fail(struct queue *q, const char *what)
{
	snprintf(q->error, sizeof q->error, "%s: %s", what, sqlite3_errmsg(q->db));
	return -1;
}

const char *queue_error(const struct queue *q)
{
	return q->error;
}

static int run_sql(struct queue *q, const char *text)
{
	return sqlite3_exec(q->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(q, "deliveries");
}

static void bind_id(sqlite3_stmt *s, int n, struct id id)
{
	uint8_t b[16];
	for (int i = 0; i < 8; i++) {
		b[i] = (uint8_t)(id.hi >> (56 - 8 * i));
		b[8 + i] = (uint8_t)(id.lo >> (56 - 8 * i));
	}
	sqlite3_bind_blob(s, n, b, sizeof b, SQLITE_TRANSIENT);
}

static struct id column_id(sqlite3_stmt *s, int n)
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

static void bind_u64(sqlite3_stmt *s, int n, uint64_t v)
{
	sqlite3_bind_int64(s, n, (sqlite3_int64)v);
}

static uint64_t column_u64(sqlite3_stmt *s, int n)
{
	return (uint64_t)sqlite3_column_int64(s, n);
}

static const char *column_str(sqlite3_stmt *s, int n)
{
	const char *p = (const char *)sqlite3_column_text(s, n);
	return p ? p : "";
}

/* Runs a statement that returns no rows. */
static int step(struct queue *q, enum stmt n)
{
	int rc = sqlite3_step(q->s[n]);
	if (rc != SQLITE_DONE)
		fail(q, "deliveries");
	sqlite3_reset(q->s[n]);
	sqlite3_clear_bindings(q->s[n]);
	return rc == SQLITE_DONE ? 0 : -1;
}

/* -- accounts: the running totals, in memory and with each transaction on disk -- */

static struct account *account(struct queue *q, const char *name)
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
		if (step(q, S_TOTALS) < 0)
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

static uint64_t rows_of(const struct account *a)
{
	uint64_t n = 0;
	for (int i = 0; i < QUEUE_STATES; i++)
		n += i == DLV_SUPPRESSED ? 0 : a->t.rows[i];
	return n;
}

static void moved(struct queue *q, const char *recipient, unsigned from, unsigned to, uint64_t n)
{
	struct account *a = account(q, recipient);
	if (from < QUEUE_STATES)
		a->t.rows[from] -= n < a->t.rows[from] ? n : a->t.rows[from];
	if (to < QUEUE_STATES)
		a->t.rows[to] += n;
	a->dirty = true;
}

#define NO_STATE QUEUE_STATES

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
	if (step(q, S_SET_CURSOR) < 0)
		return -1;
	q->cursor = (struct position){ true, epoch, next };
	return 0;
}

/* -- open -- */

static int pragma_int(struct queue *q, const char *text, int *ret)
{
	sqlite3_stmt *s;
	if (sqlite3_prepare_v2(q->db, text, -1, &s, NULL) != SQLITE_OK)
		return fail(q, "deliveries");
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int(s, 0);
	else
		fail(q, "deliveries");
	sqlite3_finalize(s);
	return rc == SQLITE_ROW ? 0 : -1;
}

static int make_schema(struct queue *q)
{
	int version;
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
		return fail(q, "deliveries");
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		cb(q, s);
	if (rc != SQLITE_DONE)
		fail(q, "deliveries");
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? 0 : -1;
}

static void load_cursor(struct queue *q, sqlite3_stmt *s)
{
	q->cursor = (struct position){ true, column_u64(s, 0), column_u64(s, 1) };
}

static void load_total(struct queue *q, sqlite3_stmt *s)
{
	struct account *a = account(q, column_str(s, 0));
	a->t.queued = column_u64(s, 1);
	a->t.sent = column_u64(s, 2);
	a->t.dropped = column_u64(s, 3);
	a->t.coalesced = column_u64(s, 4);
}

static void load_rows(struct queue *q, sqlite3_stmt *s)
{
	unsigned state = (unsigned)sqlite3_column_int(s, 1);
	if (state < QUEUE_STATES)
		account(q, column_str(s, 0))->t.rows[state] = column_u64(s, 2);
}

static int open_all(struct queue *q)
{
	if (run_sql(q, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;") < 0 ||
	    make_schema(q) < 0)
		return -1;
	for (int i = 0; i < S_COUNT; i++)
		if (sqlite3_prepare_v3(q->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &q->s[i], NULL) != SQLITE_OK)
			return fail(q, "not a delivery file");
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
		return NULL;
	}
	sqlite3_busy_timeout(q->db, 2000);
	if (open_all(q) < 0) {
		buf_addf(err, "%s: %s", path, q->error);
		queue_close(q);
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

/* -- in -- */

struct id queue_id(struct id alert_id, uint32_t revision, const char *recipient)
{
	struct buf b = { 0 };
	buf_add(&b, &alert_id, sizeof alert_id);
	buf_add(&b, &revision, sizeof revision);
	buf_adds(&b, recipient);
	struct id id = id_make(id_time_ms(alert_id) * 1000000u, DELIVERY_SEED, b.p, b.len);
	buf_release(&b);
	return id;
}

/* Is a delivery lost when its row goes? */
static bool counts_as_dropped(unsigned state)
{
	return state != DLV_SENT && state != DLV_SUPPRESSED && state != DLV_SILENCED;
}

/* Takes finished rows away, those that matter least first. Returns 1 if there is room then, 0 if not, -1. */
static int make_room(struct queue *q, struct account *a)
{
	static const enum dstate order[] = { DLV_SENT, DLV_SILENCED, DLV_EXPIRED, DLV_DEAD };
	if (rows_of(a) < q->max_rows)
		return 1;
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		if (!a->t.rows[order[i]])
			continue;
		sqlite3_stmt *s = q->s[S_PRUNE];
		sqlite3_bind_text(s, 1, a->name, -1, SQLITE_STATIC);
		sqlite3_bind_int(s, 2, (int)order[i]);
		bind_u64(s, 3, q->max_rows / 64 + 1);
		if (step(q, S_PRUNE) < 0)
			return -1;
		uint64_t n = (uint64_t)sqlite3_changes(q->db);
		a->t.rows[order[i]] -= n < a->t.rows[order[i]] ? n : a->t.rows[order[i]];
		if (counts_as_dropped(order[i]))
			a->t.dropped += n;
		a->dirty = true;
		if (rows_of(a) < q->max_rows)
			return 1;
	}
	return 0;
}

static int coalesce(struct queue *q, struct account *a, const struct queue_item *i)
{
	struct id digest = id_make(0, DELIVERY_SEED, a->name, strlen(a->name));
	sqlite3_stmt *s = q->s[S_COALESCE];
	bool first = a->t.rows[DLV_SUPPRESSED] == 0;
	bind_id(s, 1, digest);
	bind_id(s, 2, i->alert_id);
	sqlite3_bind_int64(s, 3, i->revision);
	sqlite3_bind_text(s, 4, a->name, -1, SQLITE_STATIC);
	bind_u64(s, 5, i->now);
	sqlite3_bind_text(s, 6, i->check, -1, SQLITE_STATIC);
	sqlite3_bind_int(s, 7, i->severity);
	if (step(q, S_COALESCE) < 0)
		return -1;
	a->t.rows[DLV_SUPPRESSED] += first;
	a->t.coalesced++;
	a->dirty = true;
	return QUEUE_COALESCED;
}

static int is_known(struct queue *q, struct id id)
{
	sqlite3_stmt *s = q->s[S_KNOWN];
	bind_id(s, 1, id);
	int rc = sqlite3_step(s);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		fail(q, "deliveries");
	sqlite3_reset(s);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

int queue_add(struct queue *q, const struct queue_item *i)
{
	struct id id = queue_id(i->alert_id, i->revision, i->recipient);
	struct account *a = account(q, i->recipient);
	int known = is_known(q, id);
	if (known)
		return known < 0 ? -1 : QUEUE_KNOWN;
	int room = make_room(q, a);
	if (room <= 0)
		return room < 0 ? -1 : coalesce(q, a, i);
	sqlite3_stmt *s = q->s[S_ADD];
	bind_id(s, 1, id);
	bind_id(s, 2, i->alert_id);
	sqlite3_bind_int64(s, 3, i->revision);
	sqlite3_bind_text(s, 4, i->recipient, -1, SQLITE_STATIC);
	bind_u64(s, 5, i->now);
	bind_u64(s, 6, i->expires);
	sqlite3_bind_text(s, 7, i->check, -1, SQLITE_STATIC);
	sqlite3_bind_int(s, 8, i->severity);
	sqlite3_bind_blob(s, 9, i->record, (int)i->len, SQLITE_STATIC);
	sqlite3_bind_int(s, 10, i->silenced ? DLV_SILENCED : DLV_PENDING);
	bind_u64(s, 11, i->silenced ? i->now : 0);
	if (step(q, S_ADD) < 0)
		return -1;
	a->t.queued += !i->silenced;
	a->t.rows[i->silenced ? DLV_SILENCED : DLV_PENDING]++;
	a->dirty = true;
	return QUEUE_ADDED;
}

/* -- start of the process -- */

int queue_recover(struct queue *q, uint64_t now)
{
	int n = 0;
	if (queue_begin(q) < 0)
		return -1;
	bind_u64(q->s[S_SENDING], 1, now);
	if (step(q, S_SENDING) < 0) {
		queue_rollback(q);
		return -1;
	}
	n = sqlite3_changes(q->db);
	for (size_t i = 0; i < q->n_accounts; i++) {
		struct queue_totals *t = &q->accounts[i].t;
		t->rows[DLV_RETRY] += t->rows[DLV_SENDING];
		t->rows[DLV_SENDING] = 0;
	}
	return queue_commit(q) < 0 ? -1 : n;
}

static bool is_named(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

int queue_orphans(struct queue *q, const char *const *names, uint64_t now)
{
	int total = 0;
	sqlite3_stmt *s = NULL;
	if (queue_begin(q) < 0)
		return -1;
	if (sqlite3_prepare_v2(q->db,
			       "UPDATE delivery SET state = 4, next = 0, finished = ?2, error = 'the recipient is no longer in"
			       " the topology' WHERE recipient = ?1 AND state IN (0, 3)", -1, &s, NULL) != SQLITE_OK)
		goto bad;
	for (size_t i = 0; i < q->n_accounts; i++) {
		struct account *a = &q->accounts[i];
		if (is_named(names, a->name) || !(a->t.rows[DLV_PENDING] + a->t.rows[DLV_RETRY]))
			continue;
		sqlite3_bind_text(s, 1, a->name, -1, SQLITE_STATIC);
		bind_u64(s, 2, now);
		if (sqlite3_step(s) != SQLITE_DONE)
			goto bad;
		sqlite3_reset(s);
		a->t.rows[DLV_DEAD] += a->t.rows[DLV_PENDING] + a->t.rows[DLV_RETRY];
		a->t.rows[DLV_PENDING] = a->t.rows[DLV_RETRY] = 0;
		total += sqlite3_changes(q->db);
	}
	sqlite3_finalize(s);
	return queue_commit(q) < 0 ? -1 : total;
bad:
	fail(q, "deliveries");
	sqlite3_finalize(s);
	queue_rollback(q);
	return -1;
}

/* -- out -- */

void queue_row_release(struct queue_row *r)
{
	free(r->record);
	r->record = NULL;
}

int queue_due(struct queue *q, const char *recipient, uint64_t now, size_t max, struct queue_row *rows)
{
	sqlite3_stmt *s = q->s[S_DUE];
	int n = 0, rc;
	sqlite3_bind_text(s, 1, recipient, -1, SQLITE_STATIC);
	bind_u64(s, 2, now);
	bind_u64(s, 3, max);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct queue_row *r = &rows[n++];
		*r = (struct queue_row){ .id = column_id(s, 0), .alert_id = column_id(s, 1),
					 .revision = (uint32_t)sqlite3_column_int64(s, 2),
					 .attempts = (uint32_t)sqlite3_column_int64(s, 3),
					 .maybe_duplicate = sqlite3_column_int(s, 4), .expires = column_u64(s, 5),
					 .len = (size_t)sqlite3_column_bytes(s, 6) };
		r->record = xmalloc(r->len);
		if (r->len)
			memcpy(r->record, sqlite3_column_blob(s, 6), r->len);
	}
	if (rc != SQLITE_DONE) {
		fail(q, "deliveries");
		while (n > 0)
			queue_row_release(&rows[--n]);
		n = -1;
	}
	sqlite3_reset(s);
	return n;
}

uint64_t queue_next(struct queue *q, const char *recipient)
{
	sqlite3_stmt *s = q->s[S_NEXT];
	uint64_t next = 0;
	sqlite3_bind_text(s, 1, recipient, -1, SQLITE_STATIC);
	if (sqlite3_step(s) == SQLITE_ROW)
		next = column_u64(s, 0);
	sqlite3_reset(s);
	return next;
}

/* Who a delivery is for and its state; 0, 1 if there is none, -1. */
static int lookup(struct queue *q, struct id id, const char **ret_recipient, unsigned *ret_state)
{
	sqlite3_stmt *s = q->s[S_LOOKUP];
	bind_id(s, 1, id);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		*ret_recipient = account(q, column_str(s, 0))->name;
		*ret_state = (unsigned)sqlite3_column_int(s, 1);
	} else if (rc != SQLITE_DONE) {
		fail(q, "deliveries");
	}
	sqlite3_reset(s);
	return rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? 1 : -1;
}

int queue_start(struct queue *q, struct id id)
{
	const char *recipient;
	unsigned state;
	if (lookup(q, id, &recipient, &state) < 0)
		return -1;
	bind_id(q->s[S_START], 1, id);
	if (step(q, S_START) < 0)
		return -1;
	if (sqlite3_changes(q->db))
		moved(q, recipient, state, DLV_SENDING, 1);
	return 0;
}

int queue_finish(struct queue *q, struct id id, const struct queue_outcome *o, uint64_t now)
{
	sqlite3_stmt *s = q->s[S_FINISH];
	const char *recipient;
	unsigned state;
	if (lookup(q, id, &recipient, &state) < 0)
		return -1;
	bind_id(s, 1, id);
	sqlite3_bind_int(s, 2, (int)o->state);
	bind_u64(s, 3, o->state == DLV_RETRY ? o->next : 0);
	bind_u64(s, 4, o->state == DLV_RETRY ? 0 : now);
	sqlite3_bind_int(s, 5, o->maybe_duplicate);
	if (o->error)
		sqlite3_bind_text(s, 6, o->error, (int)strnlen(o->error, MAX_ERROR), SQLITE_STATIC);
	if (step(q, S_FINISH) < 0)
		return -1;
	if (sqlite3_changes(q->db)) {
		moved(q, recipient, DLV_SENDING, o->state, 1);
		if (o->state == DLV_SENT)
			account(q, recipient)->t.sent++;
	}
	return 0;
}

int queue_expire(struct queue *q, uint64_t now)
{
	sqlite3_stmt *s = q->s[S_EXPIRING];
	int total = 0, rc;
	if (queue_begin(q) < 0)
		return -1;
	bind_u64(s, 1, now);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		moved(q, column_str(s, 0), (unsigned)sqlite3_column_int(s, 1), DLV_EXPIRED, column_u64(s, 2));
		total += sqlite3_column_int(s, 2);
	}
	sqlite3_reset(s);
	if (rc != SQLITE_DONE) {
		fail(q, "deliveries");
		goto bad;
	}
	if (total) {
		bind_u64(q->s[S_EXPIRE], 1, now);
		if (step(q, S_EXPIRE) < 0)
			goto bad;
	}
	return queue_commit(q) < 0 ? -1 : total;
bad:
	queue_rollback(q);
	return -1;
}

/* -- list and commands -- */

static void row_delivery(sqlite3_stmt *s, struct r_delivery *r, struct buf *strs)
{
	struct g_delivery *d = &r->delivery;
	const char *recipient = column_str(s, 4), *error = column_str(s, 11), *check = column_str(s, 12);
	char text[160];
	memset(r, 0, sizeof *r);
	buf_reset(strs);
	d->id = column_id(s, 1);
	d->alert_id = column_id(s, 2);
	d->revision = (uint32_t)sqlite3_column_int64(s, 3);
	d->state = (uint8_t)sqlite3_column_int(s, 5);
	d->attempts = (uint32_t)sqlite3_column_int64(s, 6);
	d->created = column_u64(s, 7);
	d->next = column_u64(s, 8);
	d->finished = column_u64(s, 9);
	d->maybe_duplicate = (uint8_t)sqlite3_column_int(s, 10);
	d->severity = (uint8_t)sqlite3_column_int(s, 13);
	if (d->state == DLV_SUPPRESSED) {
		snprintf(text, sizeof text, "%" PRIu64 " alerts were not queued because all rows of the recipient waited; the"
			 " last of them is named here", column_u64(s, 14));
		error = text;
	}
	d->recipient = str_put(strs, recipient, strlen(recipient), 256);
	d->error = str_put(strs, error, strlen(error), MAX_ERROR);
	d->check = str_put(strs, check, strlen(check), 256);
}

int queue_list(struct queue *q, uint64_t before, bool (*cb)(void *arg, const struct r_delivery *d, const char *base,
							      uint64_t position), void *arg)
{
	sqlite3_stmt *s = q->s[S_LIST];
	struct buf strs = { 0 };
	struct r_delivery d;
	uint64_t position = before ? before : INT64_MAX;
	bool more = true;
	int rc = SQLITE_DONE;
	while (more) {
		int n = 0;
		bind_u64(s, 1, position);
		sqlite3_bind_int(s, 2, LIST_PAGE);
		while (more && (rc = sqlite3_step(s)) == SQLITE_ROW) {
			n++;
			position = column_u64(s, 0);
			row_delivery(s, &d, &strs);
			more = cb(arg, &d, strs.p, position);
		}
		sqlite3_reset(s);
		if (n < LIST_PAGE)
			break;
	}
	buf_release(&strs);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		return fail(q, "deliveries");
	return 0;
}

int queue_retry(struct queue *q, struct id id, uint64_t now, uint64_t expires)
{
	const char *recipient;
	unsigned state;
	int rc = lookup(q, id, &recipient, &state);
	if (rc)
		return rc < 0 ? -1 : 0;
	bind_id(q->s[S_RETRY], 1, id);
	bind_u64(q->s[S_RETRY], 2, now);
	bind_u64(q->s[S_RETRY], 3, expires);
	if (step(q, S_RETRY) < 0)
		return -1;
	if (!sqlite3_changes(q->db))
		return 0;
	moved(q, recipient, state, DLV_PENDING, 1);
	account(q, recipient)->t.queued += state == DLV_SILENCED;
	return 1;
}

int queue_drop(struct queue *q, struct id id)
{
	const char *recipient;
	unsigned state;
	int rc = lookup(q, id, &recipient, &state);
	if (rc)
		return rc < 0 ? -1 : 0;
	bind_id(q->s[S_DROP], 1, id);
	if (step(q, S_DROP) < 0)
		return -1;
	if (!sqlite3_changes(q->db))
		return 0;
	moved(q, recipient, state, NO_STATE, 1);
	if (counts_as_dropped(state))
		account(q, recipient)->t.dropped++;
	return 1;
}

uint64_t queue_backoff(struct id id, uint32_t n, uint64_t min_ns, uint64_t max_ns)
{
	uint64_t wait = min_ns ? min_ns : 1;
	for (uint32_t i = 1; i < n && wait < max_ns; i++)
		wait = wait > max_ns / 2 ? max_ns : wait * 2;
	if (wait > max_ns)
		wait = max_ns;
	struct id key = { id.hi, id.lo + n };
	uint64_t jitter = hash_content(&key, sizeof key, DELIVERY_SEED) % 1024; /* 0-1023 of 2048: up to a half */
	return wait - wait / 4 + wait / 2048 * jitter;
}

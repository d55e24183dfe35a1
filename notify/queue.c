#include "queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "hash.h"
#include "queue_priv.h"

#define MAX_ERROR 512 /* bytes of error text kept */
#define LIST_PAGE 256

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

static uint64_t rows_of(const struct account *a)
{
	uint64_t n = 0;
	for (int i = 0; i < QUEUE_STATES; i++)
		n += i == DLV_SUPPRESSED ? 0 : a->t.rows[i];
	return n;
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
		if (queue_step(q, S_PRUNE) < 0)
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
	if (queue_step(q, S_COALESCE) < 0)
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
		queue_fail(q, "deliveries");
	sqlite3_reset(s);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

int queue_add(struct queue *q, const struct queue_item *i)
{
	struct id id = queue_id(i->alert_id, i->revision, i->recipient);
	struct account *a = queue_account(q, i->recipient);
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
	if (queue_step(q, S_ADD) < 0)
		return -1;
	a->t.queued += !i->silenced;
	a->t.rows[i->silenced ? DLV_SILENCED : DLV_PENDING]++;
	a->dirty = true;
	return QUEUE_ADDED;
}

/* -- start of the process -- */

int queue_recover(struct queue *q, uint64_t now, uint64_t longest)
{
	int n = 0;
	if (queue_begin(q) < 0)
		return -1;
	bind_u64(q->s[S_SENDING], 1, now);
	bind_u64(q->s[S_AHEAD], 1, now);
	bind_u64(q->s[S_AHEAD], 2, longest);
	if (queue_step(q, S_SENDING) < 0)
		goto bad;
	n = sqlite3_changes(q->db);
	if (queue_step(q, S_AHEAD) < 0)
		goto bad;
	for (size_t i = 0; i < q->n_accounts; i++) {
		struct queue_totals *t = &q->accounts[i].t;
		t->rows[DLV_RETRY] += t->rows[DLV_SENDING];
		t->rows[DLV_SENDING] = 0;
	}
	return queue_commit(q) < 0 ? -1 : n;
bad:
	queue_rollback(q);
	return -1;
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
	queue_fail(q, "deliveries");
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
		queue_fail(q, "deliveries");
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
		*ret_recipient = queue_account(q, column_str(s, 0))->name;
		*ret_state = (unsigned)sqlite3_column_int(s, 1);
	} else if (rc != SQLITE_DONE) {
		queue_fail(q, "deliveries");
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
	if (queue_step(q, S_START) < 0)
		return -1;
	if (sqlite3_changes(q->db))
		queue_moved(q, recipient, state, DLV_SENDING, 1);
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
	if (queue_step(q, S_FINISH) < 0)
		return -1;
	if (sqlite3_changes(q->db)) {
		queue_moved(q, recipient, DLV_SENDING, o->state, 1);
		if (o->state == DLV_SENT)
			queue_account(q, recipient)->t.sent++;
	}
	return 0;
}

int queue_expire(struct queue *q, uint64_t before, uint64_t now)
{
	sqlite3_stmt *s = q->s[S_EXPIRING];
	int total = 0, rc;
	if (queue_begin(q) < 0)
		return -1;
	bind_u64(s, 1, before);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		queue_moved(q, column_str(s, 0), (unsigned)sqlite3_column_int(s, 1), DLV_EXPIRED, column_u64(s, 2));
		total += sqlite3_column_int(s, 2);
	}
	sqlite3_reset(s);
	if (rc != SQLITE_DONE) {
		queue_fail(q, "deliveries");
		goto bad;
	}
	if (total) {
		bind_u64(q->s[S_EXPIRE], 1, before);
		bind_u64(q->s[S_EXPIRE], 2, now);
		if (queue_step(q, S_EXPIRE) < 0)
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
		return queue_fail(q, "deliveries");
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
	if (queue_step(q, S_RETRY) < 0)
		return -1;
	if (!sqlite3_changes(q->db))
		return 0;
	queue_moved(q, recipient, state, DLV_PENDING, 1);
	queue_account(q, recipient)->t.queued += state == DLV_SILENCED;
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
	if (queue_step(q, S_DROP) < 0)
		return -1;
	if (!sqlite3_changes(q->db))
		return 0;
	queue_moved(q, recipient, state, NO_STATE, 1);
	if (counts_as_dropped(state))
		queue_account(q, recipient)->t.dropped++;
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

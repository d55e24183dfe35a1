/* Runs: how far each is stored. One row a run, in each file that has something of it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "store_sqlite.h"

#define MAX_INPUTS 16384 /* bytes */

int runs_make(struct store *s, sqlite3 *db)
{
	return store_exec(s, db,
			  "CREATE TABLE IF NOT EXISTS runs (epoch INTEGER PRIMARY KEY, next INTEGER NOT NULL,"
			  " ended INTEGER NOT NULL, live INTEGER NOT NULL, clock INTEGER NOT NULL, lo INTEGER NOT NULL,"
			  " hi INTEGER NOT NULL, began INTEGER NOT NULL, stored INTEGER NOT NULL, records INTEGER NOT NULL,"
			  " inputs TEXT NOT NULL)");
}

static const char columns[] = "epoch, next, ended, live, clock, lo, hi, began, stored, records, inputs";

static void read_row(sqlite3_stmt *st, struct run *r)
{
	uint64_t *const numbers[] = { &r->clock, &r->lo, &r->hi, &r->began, &r->stored, &r->records };
	r->epoch = (uint64_t)sqlite3_column_int64(st, 0);
	r->next = (uint64_t)sqlite3_column_int64(st, 1);
	r->ended = sqlite3_column_int(st, 2) != 0;
	r->live = sqlite3_column_int(st, 3) != 0;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		*numbers[i] = (uint64_t)sqlite3_column_int64(st, 4 + (int)i);
	const void *p = sqlite3_column_blob(st, 10);
	buf_reset(&r->inputs);
	if (p)
		buf_add(&r->inputs, p, (size_t)sqlite3_column_bytes(st, 10));
	r->changed = false;
}

static void start_over(struct run *r, uint64_t epoch)
{
	struct buf inputs = r->inputs;
	buf_reset(&inputs);
	*r = (struct run){ .epoch = epoch, .inputs = inputs };
}

int runs_load(struct store *s, sqlite3 *db, uint64_t epoch, struct run *r)
{
	sqlite3_stmt *st = NULL;
	char sql[200];
	snprintf(sql, sizeof sql, "SELECT %s FROM runs WHERE epoch=%" PRId64, columns, (int64_t)epoch);
	start_over(r, epoch);
	if (store_prepare(s, db, sql, &st) < 0)
		return -1;
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		read_row(st, r);
	else if (rc != SQLITE_DONE)
		store_fail(s, db, "runs");
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

int runs_each(struct store *s, sqlite3 *db, void (*cb)(void *arg, const struct run *r), void *arg)
{
	sqlite3_stmt *st = NULL;
	struct run r = { 0 };
	char sql[200];
	int rc;
	snprintf(sql, sizeof sql, "SELECT %s FROM runs ORDER BY stored", columns);
	if (store_prepare(s, db, sql, &st) < 0)
		return -1;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		read_row(st, &r);
		cb(arg, &r);
	}
	if (rc != SQLITE_DONE)
		store_fail(s, db, "runs");
	sqlite3_finalize(st);
	buf_release(&r.inputs);
	return rc == SQLITE_DONE ? 0 : -1;
}

int runs_prepare_save(struct store *s, sqlite3 *db, sqlite3_stmt **ret)
{
	char sql[240];
	snprintf(sql, sizeof sql, "INSERT OR REPLACE INTO runs (%s) VALUES (?,?,?,?,?,?,?,?,?,?,?)", columns);
	return store_prepare(s, db, sql, ret);
}

int runs_save(struct store *s, sqlite3_stmt *st, struct run *r, uint64_t now)
{
	if (!r->began)
		r->began = now;
	r->stored = now;
	const uint64_t numbers[] = { r->epoch, r->next, r->ended, r->live,   r->clock,
				     r->lo,    r->hi,   r->began, r->stored, r->records };
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		sqlite3_bind_int64(st, (int)i + 1, (sqlite3_int64)numbers[i]);
	sqlite3_bind_text(st, 11, r->inputs.len ? r->inputs.p : "", (int)r->inputs.len, SQLITE_STATIC);
	int rc = sqlite3_step(st);
	sqlite3_reset(st);
	r->changed = false;
	return rc == SQLITE_DONE ? 0 : store_fail(s, sqlite3_db_handle(st), "runs");
}

static void add_input(struct run *r, const struct g_config *c, const char *base)
{
	struct buf line = { 0 };
	buf_add(&line, str_ptr(base, c->sensor), c->sensor.len);
	buf_adds(&line, ": ");
	buf_add(&line, str_ptr(base, c->input), c->input.len);
	const char *have = buf_cstr(&r->inputs), *at = strstr(have, buf_cstr(&line));
	bool known = at && (at == have || at[-1] == '\n') && (at[line.len] == '\0' || at[line.len] == '\n');
	if (!known && r->inputs.len + line.len < MAX_INPUTS) {
		if (r->inputs.len)
			buf_addc(&r->inputs, '\n');
		buf_add(&r->inputs, line.p, line.len);
	}
	buf_release(&line);
	r->live |= c->live;
}

void run_note(struct run *r, enum rtype type, const void *rec, const char *base)
{
	const struct g_tick *t = &((const struct r_tick *)rec)->tick;
	r->changed = true;
	if (type == R_CONFIG) {
		add_input(r, &((const struct r_config *)rec)->config, base);
	} else if (type == R_TICK || type == R_EOS) {
		r->clock = t->to > r->clock ? t->to : r->clock;
		r->ended |= type == R_EOS;
	}
}

void run_stored(struct run *r, uint64_t time, bool counts)
{
	if (time && (!r->lo || time < r->lo))
		r->lo = time;
	if (time > r->hi)
		r->hi = time;
	r->records += counts;
}

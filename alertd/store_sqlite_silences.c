/* Silences: a table beside the alerts, and what is in it in memory, where each alert that is stored is held against it. */
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "match.h"
#include "store_sqlite.h"


struct silence {
	struct id id;
	uint64_t start, end;
	struct match *match; /* NULL: cannot be read, holds nothing back */
};

void silences_ddl(struct store *s, struct buf *sql)
{
	buf_adds(sql, "CREATE TABLE IF NOT EXISTS silences (");
	columns_ddl(&s->silence, 0, s->silence.n, sql);
	buf_adds(sql, ", PRIMARY KEY(id));");
}

/* -- in memory -- */

void silences_release(struct store *s)
{
	for (size_t i = 0; i < s->a.n_silences; i++)
		match_free(s->a.silences[i].match);
	free(s->a.silences);
	s->a.silences = NULL;
	s->a.n_silences = 0;
}

static sqlite3_stmt *select_all(struct store *s)
{
	struct buf sql = { 0 };
	sqlite3_stmt *st = NULL;
	buf_adds(&sql, "SELECT ");
	columns_names(&s->silence, 0, s->silence.n, "", &sql);
	buf_adds(&sql, " FROM silences ORDER BY id DESC");
	store_prepare(s, s->db, buf_cstr(&sql), &st);
	buf_release(&sql);
	return st;
}

/* The next row; its texts are in the arena until the next call. */
static bool read_row(struct store *s, sqlite3_stmt *st, struct r_silence *ret, struct buf *arena)
{
	if (sqlite3_step(st) != SQLITE_ROW)
		return false;
	*ret = (struct r_silence){ 0 };
	buf_reset(arena);
	buf_reserve(arena, 1);
	columns_read(st, 0, &s->silence, ret, arena);
	return true;
}

static struct match *parse(const char *base, struct str text, struct match_error *e)
{
	char *copy = xstrndup(str_ptr(base, text), text.len);
	struct match *m = match_parse(copy, R_ALERT, e);
	free(copy);
	return m;
}

int silences_load(struct store *s)
{
	sqlite3_stmt *st = select_all(s);
	struct buf arena = { 0 };
	struct r_silence rec;
	struct match_error e;
	if (!st)
		return -1;
	silences_release(s);
	s->a.silences = xcalloc(STORE_SILENCES, sizeof *s->a.silences);
	while (s->a.n_silences < STORE_SILENCES && read_row(s, st, &rec, &arena))
		s->a.silences[s->a.n_silences++] = (struct silence){ rec.silence.id, rec.silence.start, rec.silence.end,
								      parse(arena.p, rec.silence.match, &e) };
	sqlite3_finalize(st);
	buf_release(&arena);
	return 0;
}

struct id silences_find(const struct store *s, const struct r_alert *a, const char *base, uint64_t now)
{
	for (size_t i = 0; i < s->a.n_silences; i++) {
		const struct silence *x = &s->a.silences[i];
		if (x->match && now >= x->start && now < x->end && match_eval(x->match, a, base))
			return x->id;
	}
	return (struct id){ 0, 0 };
}

/* -- changes -- */

static bool is_known(const struct store *s, struct id id)
{
	for (size_t i = 0; i < s->a.n_silences; i++)
		if (id_cmp(s->a.silences[i].id, id) == 0)
			return true;
	return false;
}

/* What is wrong with it: a status, and why in err. */
static unsigned judge(const struct store *s, const struct g_silence *x, const char *base, struct buf *err)
{
	struct match_error e;
	struct match *m = parse(base, x->match, &e);
	unsigned status = 400;
	if (!m)
		buf_addf(err, "match, character %zu: %s", e.column, e.text);
	else if (!x->match.len)
		buf_adds(err, "match: an expression is wanted; an empty one would silence everything");
	else if (x->end <= x->start || x->end <= x->updated)
		buf_adds(err, "end: a time after the start, and in the future");
	else
		status = 200;
	match_free(m);
	if (status == 200 && s->a.n_silences == STORE_SILENCES && !is_known(s, x->id)) {
		buf_addf(err, "there are %d silences: those that are over go with the alerts' retention", STORE_SILENCES);
		status = 409;
	}
	return status;
}

unsigned silences_put(struct store *s, const struct g_silence *x, const char *base, struct buf *err)
{
	struct r_silence rec = { .silence = *x };
	struct buf sql = { 0 };
	sqlite3_stmt *st = NULL;
	unsigned status = judge(s, x, base, err);
	if (status != 200)
		return status;
	buf_adds(&sql, "INSERT OR REPLACE INTO silences (");
	columns_names(&s->silence, 0, s->silence.n, "", &sql);
	buf_adds(&sql, ") VALUES (");
	for (unsigned i = 0; i < s->silence.n; i++)
		buf_adds(&sql, i ? ",?" : "?");
	buf_addc(&sql, ')');
	if (store_prepare(s, s->db, buf_cstr(&sql), &st) == 0) {
		columns_bind(st, &s->silence, NULL, &rec, base);
		if (sqlite3_step(st) != SQLITE_DONE)
			store_fail(s, s->db, "silences");
	}
	buf_release(&sql);
	if (st && sqlite3_finalize(st) == SQLITE_OK && silences_load(s) == 0)
		return 200;
	buf_adds(err, s->error);
	return 503;
}

unsigned silences_end(struct store *s, struct id id, const char *actor, uint64_t now, struct buf *err)
{
	sqlite3_stmt *st = NULL;
	uint8_t blob[16];
	int changed = -1;
	id_to_blob(id, blob);
	if (store_prepare(s, s->db, "UPDATE silences SET \"end\"=?2, start=min(start, ?2), updated=?2, author=?3 WHERE id=?1"
				    " AND \"end\">?2", &st) == 0) {
		sqlite3_bind_blob(st, 1, blob, 16, SQLITE_STATIC);
		sqlite3_bind_int64(st, 2, (sqlite3_int64)now);
		sqlite3_bind_text(st, 3, actor, -1, SQLITE_STATIC);
		if (sqlite3_step(st) == SQLITE_DONE)
			changed = sqlite3_changes(s->db);
		else
			store_fail(s, s->db, "silences");
	}
	sqlite3_finalize(st);
	if (changed > 0 && silences_load(s) == 0)
		return 200;
	buf_adds(err, changed == 0 ? "there is no such silence, or it is over" : s->error);
	return changed == 0 ? 404 : 503;
}

int silences_prune(struct store *s, uint64_t oldest)
{
	char sql[80];
	snprintf(sql, sizeof sql, "DELETE FROM silences WHERE \"end\" < %lld", (long long)oldest);
	if (store_exec(s, s->db, sql) < 0)
		return -1;
	return sqlite3_changes(s->db) ? silences_load(s) : 0;
}

/* -- questions -- */

static uint8_t state_of(const struct g_silence *x, uint64_t now)
{
	return now < x->start ? SIL_PENDING : now < x->end ? SIL_ACTIVE : SIL_EXPIRED;
}

static void fill_page(struct store *s, sqlite3_stmt *st, const struct match *m, const struct g_query *q, struct id after,
		      uint64_t now, struct buf *out, struct store_page *page)
{
	struct buf arena = { 0 };
	struct r_silence rec;
	struct id last = { 0, 0 };
	bool more = false;
	while (read_row(s, st, &rec, &arena)) {
		rec.silence.state = state_of(&rec.silence, now);
		page->scanned++;
		if (!match_eval(m, &rec, arena.p))
			continue;
		page->total++;
		if (id_is_set(after) && id_cmp(rec.silence.id, after) >= 0)
			continue;
		more = page->count == q->limit;
		if (more && !q->count)
			break;
		if (more)
			continue;
		codec_pack(out, R_SILENCE, &rec, arena.p);
		page->count++;
		last = rec.silence.id;
	}
	if (more)
		id_str(last, page->next);
	buf_release(&arena);
}

unsigned silences_query(struct store *s, const struct g_query *q, const char *base, uint64_t now, struct buf *out,
			struct store_page *page, struct buf *err)
{
	char *filter = xstrndup(str_ptr(base, q->filter), q->filter.len);
	struct g_query ask = *q;
	struct match_error e;
	struct id after = { 0, 0 };
	struct match *m = match_parse(filter, R_SILENCE, &e);
	sqlite3_stmt *st = NULL;
	unsigned status = 400;
	ask.limit = q->limit ? q->limit : STORE_SILENCES;
	if (!m)
		buf_addf(err, "filter, character %zu: %s", e.column, e.text);
	else if (q->cursor.len && id_parse(str_ptr(base, q->cursor), q->cursor.len, &after) < 0)
		buf_adds(err, "cursor: none that was given out");
	else
		status = read_open_alerts(s) && (st = select_all(s)) ? 200 : 503;
	if (status == 503)
		buf_adds(err, s->error);
	else if (status == 200)
		fill_page(s, st, m, &ask, after, now, out, page);
	sqlite3_finalize(st);
	match_free(m);
	free(filter);
	return status;
}

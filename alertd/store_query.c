/* Pages of what is stored, and notes on alerts. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "loop.h"
#include "match.h"
#include "store_priv.h"

#define MAX_LIMIT   10000
#define MAX_VALUES  512
#define TIME_LIMIT_NS 10000000000ull
#define SCAN_STEPS  10000 /* of SQLite's machine between looks at the clock */

struct query {
	struct store *s;
	enum rtype type;
	const struct column *cols;
	unsigned n_cols;
	struct match *m;
	const char **names; /* columns that the match language may name */
	char sort[64];      /* column */
	bool desc;
	uint32_t limit;
	uint64_t start, end;
	const char *time_col;
	bool has_cursor, count;
	int64_t cur_value;
	struct id cur_id;
	uint32_t cur_part;
	uint64_t deadline;
	struct buf *out, arena;
	struct store_page *page;
	int64_t last_value;
	struct id last_id;
	uint32_t last_part;
	bool more;
};

static int on_progress(void *arg)
{
	return mono_ns() > ((struct query *)arg)->deadline;
}

/* "value:ULID:part" of the last row of the page before. */
static bool parse_cursor(struct query *k, const char *text)
{
	char id[32];
	if (!*text)
		return true;
	k->has_cursor = true;
	return sscanf(text, "%" SCNd64 ":%26[0-9A-Z]:%" SCNu32, &k->cur_value, id, &k->cur_part) == 3 &&
	       id_parse(id, strlen(id), &k->cur_id) == 0;
}

static bool is_sortable(const struct field *f)
{
	return f->type <= FT_DUR || f->type == FT_ENUM || f->type == FT_PROTO;
}

static bool parse_sort(struct query *k, const char *text, const char *def)
{
	if (!*text)
		text = def;
	k->desc = *text == '-';
	text += k->desc;
	for (unsigned i = 0; i < k->n_cols; i++)
		if (strcmp(k->cols[i].field->name, text) == 0 && k->cols[i].own_name && is_sortable(k->cols[i].field) &&
		    k->cols[i].field->type != FT_F64) {
			snprintf(k->sort, sizeof k->sort, "%s", k->cols[i].name);
			return true;
		}
	return false;
}

static char *text_of(const char *base, struct str s)
{
	return xstrndup(str_ptr(base, s), s.len);
}

static bool prepare(struct query *k, const struct g_query *q, const char *base, struct buf *err)
{
	struct match_error e;
	char *filter = text_of(base, q->filter), *sort = text_of(base, q->sort), *cursor = text_of(base, q->cursor);
	bool good = false;
	k->m = match_parse(filter, k->type, &e);
	if (!k->m)
		buf_addf(err, "filter, character %zu: %s", e.column, e.text);
	else if (!parse_sort(k, sort, k->type == R_ALERT ? "-time" : "-last"))
		buf_addf(err, "sort: there is no field '%.60s' to sort by", sort);
	else if (!parse_cursor(k, cursor))
		buf_adds(err, "cursor: not one that was given out");
	else
		good = true;
	k->limit = q->limit ? q->limit : 100;
	if (k->limit > MAX_LIMIT)
		k->limit = MAX_LIMIT;
	k->start = q->start;
	k->end = q->end;
	k->count = q->count;
	k->names = xcalloc(k->n_cols + 1, sizeof *k->names);
	for (unsigned i = 0, n = 0; i < k->n_cols; i++)
		if (k->cols[i].own_name)
			k->names[n++] = k->cols[i].name;
	free(filter);
	free(sort);
	free(cursor);
	return good;
}

static void bind_values(sqlite3_stmt *st, const struct match_value *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int at = (int)i + 1;
		if (v[i].kind == MB_INT)
			sqlite3_bind_int64(st, at, v[i].i);
		else if (v[i].kind == MB_REAL)
			sqlite3_bind_double(st, at, v[i].d);
		else if (v[i].kind == MB_TEXT)
			sqlite3_bind_text(st, at, v[i].p, (int)v[i].len, SQLITE_STATIC);
		else
			sqlite3_bind_blob(st, at, v[i].p, (int)v[i].len, SQLITE_STATIC);
	}
}

static const char notes_sql[] =
	", (SELECT acknowledged FROM notes n WHERE n.id=t.id ORDER BY seq DESC LIMIT 1)"
	", (SELECT actor FROM notes n WHERE n.id=t.id ORDER BY seq DESC LIMIT 1)"
	", (SELECT comment FROM notes n WHERE n.id=t.id AND comment != '' ORDER BY seq DESC LIMIT 1)"
	", (SELECT time FROM notes n WHERE n.id=t.id ORDER BY seq DESC LIMIT 1)";

static void read_note(struct query *k, sqlite3_stmt *st, struct r_alert *a)
{
	int at = (int)k->n_cols;
	if (sqlite3_column_type(st, at) == SQLITE_NULL)
		return;
	a->note.acknowledged = sqlite3_column_int(st, at) != 0;
	const char *actor = (const char *)sqlite3_column_text(st, at + 1);
	const char *comment = (const char *)sqlite3_column_text(st, at + 2);
	if (actor)
		a->note.actor = str_put(&k->arena, actor, strlen(actor), 256);
	if (comment)
		a->note.comment = str_put(&k->arena, comment, strlen(comment), 4096);
	a->note.noted = (uint64_t)sqlite3_column_int64(st, at + 3);
}

static struct id row_id(const struct query *k, const void *rec)
{
	return k->type == R_ALERT ? ((const struct r_alert *)rec)->alert.id : ((const struct r_flow *)rec)->key.id;
}

/* One row that SQL let through: kept if it matches in full. False when the page is full. */
static bool take_row(struct query *k, sqlite3_stmt *st, int sort_col)
{
	static _Thread_local union {
		struct r_alert alert;
		struct r_flow flow;
	} rec;
	memset(&rec, 0, sizeof rec);
	buf_reset(&k->arena);
	buf_reserve(&k->arena, 1);
	columns_read(st, 0, k->cols, k->n_cols, &rec, &k->arena);
	if (k->type == R_ALERT)
		read_note(k, st, &rec.alert);
	k->page->scanned++;
	if (!match_eval(k->m, &rec, k->arena.p))
		return true;
	k->page->total++;
	if (k->page->count == k->limit) {
		k->more = true;
		return k->count;
	}
	codec_pack(k->out, k->type, &rec, k->arena.p);
	k->page->count++;
	k->last_value = sqlite3_column_int64(st, sort_col);
	k->last_id = row_id(k, &rec);
	k->last_part = k->type == R_FLOW ? rec.flow.n.part : 0;
	return true;
}

static unsigned run(struct query *k, sqlite3 *db, const char *table, struct buf *err)
{
	struct match_value values[MAX_VALUES];
	struct buf sql = { 0 };
	sqlite3_stmt *st = NULL;
	bool exact;
	unsigned status = 200;
	const char *dir = k->desc ? "DESC" : "ASC", *cmp = k->desc ? "<" : ">";
	buf_adds(&sql, "SELECT ");
	columns_names(k->cols, k->n_cols, &sql);
	if (k->type == R_ALERT)
		buf_adds(&sql, notes_sql);
	buf_addf(&sql, ", \"%s\" FROM %s t WHERE ", k->sort, table);
	size_t n = match_sql(k->m, k->names, &sql, values, MAX_VALUES, &exact);
	if (k->start)
		buf_addf(&sql, " AND %s >= %" PRId64, k->time_col, (int64_t)k->start);
	if (k->end)
		buf_addf(&sql, " AND %s <= %" PRId64, k->time_col, (int64_t)k->end);
	const char *part = k->type == R_FLOW ? ", part" : "";
	if (k->has_cursor)
		buf_addf(&sql, " AND (\"%s\", id%s) %s (%" PRId64 ", x'%016" PRIx64 "%016" PRIx64 "'%s", k->sort, part, cmp,
			 k->cur_value, k->cur_id.hi, k->cur_id.lo, k->type == R_FLOW ? "" : ")");
	if (k->has_cursor && k->type == R_FLOW)
		buf_addf(&sql, ", %" PRIu32 ")", k->cur_part);
	buf_addf(&sql, " ORDER BY \"%s\" %s, id %s%s%s%s", k->sort, dir, dir, part, *part ? " " : "", *part ? dir : "");
	sqlite3_progress_handler(db, SCAN_STEPS, on_progress, k);
	int rc = sqlite3_prepare_v2(db, buf_cstr(&sql), -1, &st, NULL);
	if (rc == SQLITE_OK) {
		bind_values(st, values, n);
		int sort_col = (int)k->n_cols + (k->type == R_ALERT ? 4 : 0);
		while ((rc = sqlite3_step(st)) == SQLITE_ROW)
			if (!take_row(k, st, sort_col)) {
				rc = SQLITE_DONE;
				break;
			}
	}
	if (rc == SQLITE_INTERRUPT) {
		buf_adds(err, "the query took too long: narrow it by time or host");
		status = 503;
	} else if (rc != SQLITE_DONE) {
		buf_addf(err, "store: %s", sqlite3_errmsg(db));
		status = 503;
	}
	sqlite3_finalize(st);
	sqlite3_progress_handler(db, 0, NULL, NULL);
	buf_release(&sql);
	return status;
}

/* Files are looked at newest first (or oldest first); a page may end in the middle of one. */
static unsigned run_flows(struct query *k, struct buf *err)
{
	struct dirent **names = NULL;
	int n = store_flow_files(k->s, &names);
	unsigned status = 200;
	for (int i = 0; i < n; i++) {
		const char *name = names[k->desc ? n - 1 - i : i]->d_name;
		char path[800];
		snprintf(path, sizeof path, "%s/%s", k->s->conf.dir, name);
		if (status != 200 || (k->more && !k->count))
			continue;
		sqlite3 *db = store_open_db(k->s, path, false);
		if (!db)
			continue; /* retention was faster */
		status = run(k, db, "flows", err);
		sqlite3_close(db);
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return status;
}

unsigned store_query(struct store *s, const struct g_query *q, const char *base, struct buf *out, struct store_page *page,
		     struct buf *err)
{
	struct query k = { .s = s, .out = out, .page = page, .deadline = mono_ns() + TIME_LIMIT_NS };
	unsigned status;
	*page = (struct store_page){ 0 };
	bool alerts = str_eq(base, q->what, "alerts");
	if (!alerts && !str_eq(base, q->what, "flows")) {
		buf_adds(err, "what: alerts or flows");
		return 400;
	}
	k.type = alerts ? R_ALERT : R_FLOW;
	k.cols = alerts ? s->alert_cols : s->flow_cols;
	k.n_cols = alerts ? s->n_alert_cols : s->n_flow_cols;
	k.time_col = alerts ? "time" : "last";
	if (!prepare(&k, q, base, err))
		status = 400;
	else
		status = alerts ? run(&k, s->alerts, "alerts", err) : run_flows(&k, err);
	if (status == 200 && k.more) {
		char id[ID_STRLEN];
		snprintf(page->next, sizeof page->next, "%" PRId64 ":%s:%" PRIu32, k.last_value, id_str(k.last_id, id),
			 k.last_part);
	}
	match_free(k.m);
	free(k.names);
	buf_release(&k.arena);
	return status;
}

unsigned store_note(struct store *s, struct id id, const char *op, const char *actor, const char *text, uint64_t now,
		    struct buf *err)
{
	sqlite3_stmt *st = NULL;
	char sql[400];
	unsigned status = 503;
	bool ack = strcmp(op, "ack") == 0, unack = strcmp(op, "unack") == 0;
	/* A comment leaves acknowledged as it was. */
	snprintf(sql, sizeof sql,
		 "INSERT INTO notes(id, time, acknowledged, actor, comment) SELECT id, ?1, %s, ?2, ?3 FROM alerts a WHERE"
		 " id = x'%016" PRIx64 "%016" PRIx64 "'",
		 ack ? "1" : unack ? "0" :
		 "coalesce((SELECT acknowledged FROM notes n WHERE n.id=a.id ORDER BY seq DESC LIMIT 1), 0)", id.hi, id.lo);
	if (sqlite3_prepare_v2(s->alerts, sql, -1, &st, NULL) == SQLITE_OK) {
		sqlite3_bind_int64(st, 1, (sqlite3_int64)now);
		sqlite3_bind_text(st, 2, actor, -1, SQLITE_STATIC);
		sqlite3_bind_text(st, 3, text, -1, SQLITE_STATIC);
		if (sqlite3_step(st) == SQLITE_DONE)
			status = sqlite3_changes(s->alerts) ? 200 : 404;
	}
	if (status == 503)
		buf_addf(err, "store: %s", sqlite3_errmsg(s->alerts));
	else if (status == 404)
		buf_adds(err, "there is no such alert");
	sqlite3_finalize(st);
	return status;
}

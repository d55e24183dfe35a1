/*
 * Pages of stored alerts and flows. Each file gives what it has in the order asked for, as far as it can still be in the page;
 * the lists are merged, and what is left after the last file is the page.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec.h"
#include "hash.h"
#include "loop.h"
#include "store_sqlite_query.h"

#define MAX_LIMIT     10000
#define DEF_LIMIT     100
#define MAX_BYTES     (3u << 20) /* of a page: a message takes 4 MiB */
#define CURSOR_BYTES  51   /* in threes, as base64 takes them */

static int on_progress(void *arg)
{
	const struct store *s = arg;
	return mono_ns() > s->r.deadline || (s->conf.cancel && __atomic_load_n(s->conf.cancel, __ATOMIC_RELAXED));
}

void query_watch(struct store *s, sqlite3 *db)
{
	sqlite3_progress_handler(db, SCAN_STEPS, on_progress, s);
}

/* -- cursors: what the page before ended with, in base64url (RFC 4648 section 5) -- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void write_cursor(const struct query *k, const struct entry *e, char *out)
{
	uint8_t b[CURSOR_BYTES] = { 1 };
	memcpy(b + 1, &k->question, 4);
	memcpy(b + 5, e->id, 16);
	memcpy(b + 21, &e->part, 4);
	memcpy(b + 25, e->key, sizeof e->key);
	for (size_t i = 0; i < CURSOR_BYTES; i += 3) {
		uint32_t v = (uint32_t)b[i] << 16 | (uint32_t)b[i + 1] << 8 | b[i + 2];
		for (int shift = 18; shift >= 0; shift -= 6)
			*out++ = digits[v >> shift & 63];
	}
	*out = '\0';
}

/* Status 200; 400 if it is no cursor, 410 if it is one of another question. */
static unsigned read_cursor(struct query *k, const char *text)
{
	uint8_t b[CURSOR_BYTES];
	uint32_t hash;
	if (!*text)
		return 200;
	if (strlen(text) != CURSOR_BYTES / 3 * 4)
		return 400;
	for (size_t i = 0; i < CURSOR_BYTES; i += 3) {
		uint32_t v = 0;
		for (int c = 0; c < 4; c++, text++) {
			const char *d = strchr(digits, *text);
			if (!d)
				return 400;
			v = v << 6 | (uint32_t)(d - digits);
		}
		b[i] = (uint8_t)(v >> 16);
		b[i + 1] = (uint8_t)(v >> 8);
		b[i + 2] = (uint8_t)v;
	}
	memcpy(&hash, b + 1, 4);
	memcpy(k->after.id, b + 5, 16);
	memcpy(&k->after.part, b + 21, 4);
	memcpy(k->after.key, b + 25, sizeof k->after.key);
	k->has_after = true;
	return b[0] != 1 ? 400 : hash == k->question ? 200 : 410;
}

/* -- the question -- */

const struct column *query_column(const struct query *k, const char *field)
{
	const struct columns *cs = k->cols;
	for (unsigned i = 0; i < cs->n; i++)
		if (cs->c[i].own_name && strcmp(cs->c[i].field->name, field) == 0)
			return &cs->c[i];
	return NULL;
}

static bool is_sortable(const struct field *f)
{
	return f->type != FT_F64 && (f->type <= FT_DUR || f->type == FT_ENUM || f->type == FT_PROTO);
}

/* What a name is sorted by, in SQL; NULL if it cannot be. */
static char *sort_expression(const struct query *k, const char *name)
{
	static const struct {
		const char *name, *sql;
	} computed[] = {
		{ "bytes", "(\"client_bytes\" + \"server_bytes\")" },
		{ "packets", "(\"client_packets\" + \"server_packets\")" },
		{ "duration", "max(\"last\" - \"first\", 0)" },
	};
	const struct column *c = query_column(k, name);
	if (c && is_sortable(c->field))
		return xasprintf("\"%s\"", c->name);
	for (size_t i = 0; i < sizeof computed / sizeof *computed; i++)
		if (strcmp(computed[i].name, name) == 0)
			return xstrdup(computed[i].sql);
	return NULL;
}

static bool add_key(struct query *k, char *name)
{
	bool desc = *name == '-';
	char *sql = k->n_keys < MAX_KEYS ? sort_expression(k, name + desc) : NULL;
	if (!sql)
		return false;
	if (k->n_keys == 0) {
		k->desc = desc;
		k->by_time = strcmp(name + desc, k->time_col) == 0;
	}
	snprintf(k->sort[k->n_keys++], sizeof *k->sort, "%s%s", desc == k->desc ? "" : "~", sql);
	free(sql);
	return true;
}

static bool parse_sort(struct query *k, const char *text)
{
	char *names = xstrdup(text), *rest = names, *name;
	bool good = true;
	while (good && (name = strsep(&rest, ",")))
		good = add_key(k, name);
	free(names);
	return good;
}

/* Order and place of a page. */
static unsigned prepare(struct query *k, const struct g_query *q, const char *base)
{
	char *sort = xstrndup(str_ptr(base, q->sort), q->sort.len), *cursor = xstrndup(str_ptr(base, q->cursor), q->cursor.len);
	const char *order = *sort ? sort : k->type == R_ALERT ? "-time" : "-last";
	unsigned status = 400;
	k->question = (uint32_t)hash_content(order, strlen(order), hash_content(str_ptr(base, q->filter), q->filter.len, k->type));
	if (!parse_sort(k, order))
		buf_addf(k->err, "sort: %.60s: up to %d fields that a sort goes by (numbers, times, severity, bytes, duration ...)", sort,
			 MAX_KEYS);
	else if ((status = read_cursor(k, cursor)) != 200)
		buf_adds(k->err, status == 410 ? "the cursor belongs to another filter or order: begin again without it"
					       : "cursor: none that was given out");
	free(sort);
	free(cursor);
	return status;
}

/* The condition over the columns that this file has. */
void query_where(struct query *k)
{
	unsigned n = 0;
	if (!k->names)
		k->names = xcalloc(k->cols->n + 1, sizeof *k->names);
	for (unsigned i = 0; i < k->cols->n; i++)
		if (k->cols->c[i].own_name && columns_has(k->cols, i))
			k->names[n++] = k->cols->c[i].name;
	k->names[n] = NULL;
	buf_reset(&k->where);
	k->n_values = match_sql(k->m, k->names, &k->where, k->values, MAX_VALUES, &k->exact);
	if (k->start)
		buf_addf(&k->where, " AND \"%s\" >= %" PRIu64, k->time_col, k->start);
	if (k->end)
		buf_addf(&k->where, " AND \"%s\" <= %" PRIu64, k->time_col, k->end);
	if (k->has_run)
		buf_addf(&k->where, " AND epoch = %" PRId64, (int64_t)k->run);
}

void match_value_bind(sqlite3_stmt *st, int at, const struct match_value *v)
{
	if (v->kind == MB_INT)
		sqlite3_bind_int64(st, at, v->i);
	else if (v->kind == MB_REAL)
		sqlite3_bind_double(st, at, v->d);
	else if (v->kind == MB_TEXT)
		sqlite3_bind_text(st, at, v->p, (int)v->len, SQLITE_STATIC);
	else
		sqlite3_bind_blob(st, at, v->p, (int)v->len, SQLITE_STATIC);
}

void query_bind(const struct query *k, sqlite3_stmt *st)
{
	for (size_t i = 0; i < k->n_values; i++)
		match_value_bind(st, (int)i + 1, &k->values[i]);
}

/* Columns of a table r; those of alerts have the note of today, of a table n, beside them. */
static unsigned n_row(const struct query *k)
{
	return k->type == R_ALERT ? k->s->n_alert : k->cols->n;
}

static const char *row_source(const struct query *k)
{
	return k->type == R_FLOW ? "flows AS r" : "alerts AS r LEFT JOIN notes AS n ON n.id = r.id";
}

/* What rows are selected from: each field that there is has a name. */
void query_source(const struct query *k, struct buf *sql)
{
	const struct columns *cs = k->cols;
	buf_adds(sql, " FROM (SELECT r.seq, r.epoch");
	for (unsigned i = 0; i < n_row(k); i++)
		if (columns_has(cs, i) && cs->c[i].own_name) {
			buf_adds(sql, ", ");
			columns_expression(cs, i, "r.", sql);
		}
	for (unsigned i = n_row(k); i < cs->n; i++) {
		enum ftype type = cs->c[i].field->type;
		const char *none = type == FT_STR || type == FT_LIST ? "''" : type == FT_ID ? "x''" : "0";
		if (!cs->c[i].missing)
			buf_addf(sql, ", coalesce(n.\"%s\", %s) AS \"%s\"", cs->c[i].name, none, cs->c[i].name);
	}
	buf_addf(sql, " FROM %s) ", row_source(k));
}

/* -- one file -- */

/* The order of the page: keys, then id, then part; descending if asked. */
static int compare(const struct query *k, const struct entry *a, const struct entry *b)
{
	int c = 0;
	for (unsigned i = 0; i < k->n_keys && !c; i++)
		c = a->key[i] < b->key[i] ? -1 : a->key[i] > b->key[i];
	if (!c)
		c = memcmp(a->id, b->id, 16);
	if (!c)
		c = a->part < b->part ? -1 : a->part > b->part;
	return k->desc ? -c : c;
}

/* Columns of the place of a row, before the record. */
enum { ROW_SEQ, ROW_ID, ROW_PART, ROW_KEYS };

static void read_entry(const struct query *k, sqlite3_stmt *st, struct entry *e)
{
	const void *id = sqlite3_column_blob(st, ROW_ID);
	*e = (struct entry){ .part = (uint32_t)sqlite3_column_int64(st, ROW_PART) };
	if (id && sqlite3_column_bytes(st, ROW_ID) == 16)
		memcpy(e->id, id, 16);
	for (unsigned i = 0; i < k->n_keys; i++)
		e->key[i] = sqlite3_column_int64(st, (int)(ROW_KEYS + i));
}

/* Reads the record that begins at a column of the row at hand; does it match? */
static bool read_record(struct query *k, sqlite3_stmt *st, int first)
{
	memset(&k->rec, 0, sizeof k->rec);
	buf_reset(&k->arena);
	buf_reserve(&k->arena, 1);
	columns_read(st, first, k->cols, &k->rec, &k->arena);
	return k->exact || match_eval(k->m, &k->rec, k->arena.p);
}

int query_read_record(struct query *k, sqlite3_stmt *st, int64_t seq)
{
	sqlite3_bind_int64(st, 1, seq);
	int rc = sqlite3_step(st);
	bool match = rc == SQLITE_ROW && read_record(k, st, 0);
	sqlite3_reset(st);
	return rc == SQLITE_ROW ? match : rc == SQLITE_DONE ? 0 : -1;
}

static void list_add(struct list *l, const struct entry *e)
{
	if ((l->n & (l->n + 1)) == 0) /* room is doubled when it is full: 1, 3, 7 ... */
		l->e = xrealloc(l->e, 2 * (l->n + 1) * sizeof *l->e);
	l->e[l->n++] = *e;
}

static void list_release(struct list *l)
{
	free(l->e);
	buf_release(&l->recs);
}

/* Both lists in order; no more than a page and one. */
static void merge(struct query *k, struct list *more)
{
	struct list all = { 0 };
	size_t i = 0, j = 0;
	while (all.n <= k->limit && (i < k->page.n || j < more->n)) {
		bool first = j == more->n || (i < k->page.n && compare(k, &k->page.e[i], &more->e[j]) <= 0);
		const struct list *from = first ? &k->page : more;
		struct entry e = from->e[first ? i++ : j++];
		const char *p = from->recs.p + e.off;
		e.off = all.recs.len;
		buf_add(&all.recs, p, e.len);
		list_add(&all, &e);
	}
	list_release(&k->page);
	list_release(more);
	k->page = all;
}

static bool cannot_count(const struct query *k, const struct entry *e)
{
	return k->page.n > k->limit && compare(k, e, &k->page.e[k->page.n - 1]) >= 0;
}

/* The keys, each with what is before and behind it. */
static void add_keys(const struct query *k, struct buf *sql, const char *before, const char *behind)
{
	for (unsigned i = 0; i < k->n_keys; i++)
		buf_addf(sql, "%s%s%s", before, k->sort[i], behind);
}

/* Only what is behind the last row of the page before. */
static void add_after(const struct query *k, const char *part, struct buf *sql)
{
	buf_adds(sql, " AND (");
	add_keys(k, sql, "", ", ");
	buf_addf(sql, "id, %s) %s (", part, k->desc ? "<" : ">");
	for (size_t i = 1; i <= k->n_keys + 2; i++)
		buf_addf(sql, "%s?%zu", i > 1 ? ", " : "", k->n_values + i);
	buf_addc(sql, ')');
}

static void bind_after(const struct query *k, sqlite3_stmt *st)
{
	int at = (int)k->n_values + 1;
	for (unsigned i = 0; i < k->n_keys; i++)
		sqlite3_bind_int64(st, at++, k->after.key[i]);
	sqlite3_bind_blob(st, at++, k->after.id, 16, SQLITE_STATIC);
	sqlite3_bind_int64(st, at, k->after.part);
}

/* All of a record, as columns_read takes it, from 'r', and from 'n' if it is an alert's. */
static void record_names(const struct query *k, struct buf *sql)
{
	unsigned n = n_row(k);
	columns_names(k->cols, 0, n, "r.", sql);
	buf_adds(sql, n < k->cols->n ? "," : "");
	columns_names(k->cols, n, k->cols->n, "n.", sql);
	buf_adds(sql, k->cols->rest ? ", r.rest" : "");
}

/*
 * Places in the order of the page, and the whole record of each only as it is stepped to: what is sorted, when no index has the
 * order, are places. A limit, be it -1 for none, keeps SQLite from making one query of both, and CROSS JOIN keeps the order.
 * One statement for all rows: what it takes memory for once, one for each row would take again and again.
 */
static sqlite3_stmt *select_rows(struct query *k)
{
	struct buf sql = { 0 };
	sqlite3_stmt *st = NULL;
	const char *dir = k->desc ? "DESC" : "ASC", *behind = k->desc ? " DESC, " : " ASC, ";
	const char *part = k->type == R_FLOW ? "part" : "0";
	buf_adds(&sql, "SELECT p.*, ");
	record_names(k, &sql);
	buf_addf(&sql, " FROM (SELECT seq, id, %s AS part", part);
	add_keys(k, &sql, ", ", "");
	query_source(k, &sql);
	buf_addf(&sql, "WHERE (%s)", buf_cstr(&k->where));
	if (k->has_after)
		add_after(k, part, &sql);
	buf_adds(&sql, " ORDER BY ");
	add_keys(k, &sql, "", behind);
	buf_addf(&sql, "id %s", dir);
	if (k->type == R_FLOW)
		buf_addf(&sql, ", part %s", dir);
	buf_addf(&sql, " LIMIT %" PRId64 ") AS p CROSS JOIN %s WHERE r.seq = p.seq", k->exact ? (int64_t)k->limit + 1 : -1,
		 row_source(k));
	if (reader_prepare(k->s, k->file, buf_cstr(&sql), &st) == 0) {
		query_bind(k, st);
		if (k->has_after)
			bind_after(k, st);
	}
	buf_release(&sql);
	return st;
}

sqlite3_stmt *query_prepare_record(struct query *k)
{
	struct buf sql = { 0 };
	sqlite3_stmt *st = NULL;
	buf_adds(&sql, "SELECT ");
	record_names(k, &sql);
	buf_addf(&sql, " FROM %s WHERE seq=?", row_source(k));
	reader_prepare(k->s, k->file, buf_cstr(&sql), &st);
	buf_release(&sql);
	return st;
}

static int take_rows(struct query *k, sqlite3_stmt *rows, struct list *found)
{
	int rc = SQLITE_ROW;
	while (found->n <= k->limit && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
		struct entry e;
		k->out->scanned++;
		read_entry(k, rows, &e);
		if (cannot_count(k, &e))
			return 0;
		if (!read_record(k, rows, (int)(ROW_KEYS + k->n_keys)))
			continue;
		e.off = found->recs.len;
		codec_pack(&found->recs, k->type, &k->rec, k->arena.p);
		e.len = found->recs.len - e.off;
		list_add(found, &e);
	}
	return found->n > k->limit || rc == SQLITE_DONE ? 0 : -1;
}

static int count_rows(struct query *k)
{
	struct buf sql = { 0 };
	sqlite3_stmt *st = NULL, *record = k->exact ? NULL : query_prepare_record(k);
	int rc = -1;
	buf_adds(&sql, k->exact ? "SELECT count(*)" : "SELECT seq");
	query_source(k, &sql);
	buf_addf(&sql, "WHERE (%s)", buf_cstr(&k->where));
	if ((!k->exact && !record) || reader_prepare(k->s, k->file, buf_cstr(&sql), &st) < 0)
		goto out;
	query_bind(k, st);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		int n = k->exact ? 1 : query_read_record(k, record, sqlite3_column_int64(st, 0));
		if (n < 0)
			break;
		k->out->total += k->exact ? (uint64_t)sqlite3_column_int64(st, 0) : (uint64_t)n;
		k->out->scanned += !k->exact;
	}
	rc = rc == SQLITE_DONE ? 0 : -1;
out:
	reader_done(k->file, st);
	reader_done(k->file, record);
	buf_release(&sql);
	return rc;
}

static int search(struct query *k, sqlite3 *db)
{
	struct list found = { 0 };
	int rc = -1;
	query_where(k);
	sqlite3_stmt *rows = select_rows(k);
	if (rows)
		rc = take_rows(k, rows, &found);
	if (rc == 0 && k->count)
		rc = count_rows(k);
	if (rows)
		k->out->scanned += (uint64_t)sqlite3_stmt_status(rows, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
	if (rc < 0)
		store_fail(k->s, db, "query");
	reader_done(k->file, rows);
	if (rc == 0)
		merge(k, &found);
	else
		list_release(&found);
	return rc;
}

/* -- all files -- */

static bool in_range(const struct query *k, const struct flow_file *f)
{
	if (!f->hi || (k->start && f->hi < k->start) || (k->end && f->lo > k->end))
		return false;
	if (!k->has_after || !k->by_time || k->count)
		return true;
	return k->desc ? (int64_t)f->lo <= k->after.key[0] : (int64_t)f->hi >= k->after.key[0];
}

/* Can the file still have something for a page that is full, sorted by time? */
static bool may_have_better(const struct query *k, const struct flow_file *f)
{
	if (!k->by_time || k->page.n <= k->limit || k->count)
		return true;
	int64_t worst = k->page.e[k->page.n - 1].key[0];
	return k->desc ? (int64_t)f->hi >= worst : (int64_t)f->lo <= worst;
}

#define FLOW_CACHE "PRAGMA cache_size=-1024" /* KiB; many stay open */

/* What a flow file has. 1; 0 if it has no table yet, -1. */
static int match_flow_file(struct store *s, struct reader *r)
{
	/* One that an earlier program made gets its 'rest' when it is written again. */
	if (r->matched && (r->flow.rest || !read_is_changing(r->path)))
		return 1;
	if (!store_has_table(r->db, "flows"))
		return 0;
	columns_release(&r->flow);
	columns_init(&r->flow, R_FLOW, NULL);
	if (store_match_columns(s, r->db, "flows", &r->flow, 0, r->flow.n, false) < 0 ||
	    columns_serve(r->db, &r->flow) != SQLITE_OK || store_exec(s, r->db, FLOW_CACHE) < 0)
		return -1;
	r->matched = true;
	return 1;
}

static int look_into(struct query *k, struct reader *r, int (*look)(struct query *k, sqlite3 *db))
{
	int rc = r ? match_flow_file(k->s, r) : -1;
	if (rc <= 0)
		return rc;
	k->file = r;
	k->cols = &r->flow;
	query_watch(k->s, r->db);
	rc = look(k, r->db);
	k->cols = &k->s->flow;
	return rc;
}

/*
 * Of the files with a log only the newest, which is written, stays open: upkeep makes the others files without, when nobody has
 * them open.
 */
static int search_file(struct query *k, const struct flow_file *f, bool newest, int (*look)(struct query *k, sqlite3 *db))
{
	char *path = store_flow_path(k->s, f->start);
	struct reader *r = reader_get(k->s, path);
	int rc = look_into(k, r, look);
	bool late = mono_ns() > k->s->r.deadline, gone = access(path, F_OK) < 0; /* retention was faster */
	if (rc < 0 || gone || (!newest && read_is_changing(path)))
		reader_drop(r);
	free(path);
	if (rc < 0 && gone && !late) {
		rc = 0;
	} else if (rc < 0 && !late) {
		buf_addf(k->err, "%sleft out: %s", k->err->len ? "; " : "", k->s->error);
		rc = 0;
	}
	return rc;
}

int query_files(struct query *k, int (*look)(struct query *k, sqlite3 *db))
{
	struct flow_file *files;
	int rc = 0;
	if (k->type == R_ALERT) {
		if (!(k->file = read_open_alerts(k->s)))
			return -1;
		query_watch(k->s, k->s->db);
		return look(k, k->s->db);
	}
	size_t n = read_flow_files(k->s, &files);
	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct flow_file *f = &files[k->desc ? i : n - 1 - i];
		if (in_range(k, f) && may_have_better(k, f))
			rc = search_file(k, f, f == files, look);
	}
	return rc;
}

static void write_page(struct query *k, struct buf *out)
{
	size_t n = k->page.n < k->limit ? k->page.n : k->limit, i = 0, bytes = 0;
	for (; i < n && (i == 0 || bytes + k->page.e[i].len <= MAX_BYTES); i++) {
		bytes += k->page.e[i].len;
		buf_add(out, k->page.recs.p + k->page.e[i].off, k->page.e[i].len);
	}
	k->out->count = (uint32_t)i;
	if (i && i < k->page.n)
		write_cursor(k, &k->page.e[i - 1], k->out->next);
}

/* -- the question and its end -- */

/* 16 hex digits, as RUN has them. */
static bool read_run(struct query *k, const char *text, size_t len)
{
	char hex[17] = "";
	if (len == 16)
		memcpy(hex, text, 16);
	k->has_run = len != 0;
	k->run = strtoull(hex, NULL, 16);
	if (len && (len != 16 || strspn(hex, "0123456789abcdefABCDEF") != 16)) {
		buf_adds(k->err, "run: 16 hex digits, as the list of runs has them");
		return false;
	}
	return true;
}

unsigned query_init(struct query *k, struct store *s, const struct g_query *q, const char *base, enum rtype type,
		    struct store_page *page, struct buf *err)
{
	struct match_error e;
	char *filter = xstrndup(str_ptr(base, q->filter), q->filter.len);
	*k = (struct query){ .s = s, .type = type, .out = page, .err = err, .start = q->start, .end = q->end, .count = q->count };
	k->cols = type == R_ALERT ? &s->alert : &s->flow;
	k->time_col = type == R_ALERT ? "time" : "last";
	k->limit = q->limit ? q->limit : DEF_LIMIT;
	if (k->limit > MAX_LIMIT)
		k->limit = MAX_LIMIT;
	k->plain = !filter[strspn(filter, " \t\n")];
	k->m = match_parse(filter, type, &e);
	if (!k->m)
		buf_addf(err, "filter, character %zu: %s", e.column, e.text);
	free(filter);
	return k->m && read_run(k, str_ptr(base, q->run), q->run.len) ? 200 : 400;
}

void query_release(struct query *k)
{
	match_free(k->m);
	free(k->names);
	list_release(&k->page);
	buf_release(&k->where);
	buf_release(&k->arena);
}

unsigned query_failed(struct query *k)
{
	if (mono_ns() > k->s->r.deadline)
		buf_addf(k->err, "the query took longer than %llu s (%" PRIu64 " rows looked at): narrow it by time, host or check",
			 TIME_LIMIT_NS / 1000000000u, k->out->scanned);
	else
		buf_adds(k->err, k->s->error);
	return 503;
}

unsigned read_query(struct store *s, const struct g_query *q, const char *base, struct buf *out, struct store_page *page,
		    struct buf *err)
{
	struct query *k = xmalloc(sizeof *k);
	unsigned status = query_init(k, s, q, base, str_eq(base, q->what, "alerts") ? R_ALERT : R_FLOW, page, err);
	if (status == 200)
		status = prepare(k, q, base);
	if (status == 200 && query_files(k, search) < 0)
		status = query_failed(k);
	if (status == 200)
		write_page(k, out);
	query_release(k);
	free(k);
	return status;
}

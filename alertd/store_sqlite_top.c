/*
 * Sums of flows or alerts by the values of some fields. Each file groups what it has; the groups of all files are added up in
 * a table here, and the largest are the answer. Flows without a filter, by fields that sums are kept of (store_sqlite_sums.c), are
 * read from those, but for the edges of the time that was asked for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "hash.h"
#include "json.h"
#include "store_sqlite_query.h"

#define MAX_BY     4
#define N_SUMS     7
#define MIN_STEP   1000000000ull  /* ns */
#define DEF_STEP   60000000000ull

enum { S_COUNT, S_SENT, S_RCVD, S_PACKETS, S_SCORE, S_FIRST, S_LAST };

struct top_row {
	size_t off, len;      /* key: values of the fields, a newline between two */
	uint64_t span;        /* of a series: start of the span, ns */
	uint64_t sum[N_SUMS];
};

struct top {
	struct query k;       /* first: the files are searched by it */
	struct columns by;    /* columns that are grouped by, in order */
	bool ends;            /* one of them is 'ip': a flow counts for both of its ends */
	uint64_t step;        /* of a series: length of a span, ns; its start is the first column then. 0 = no series */
	bool past;            /* more groups than there is room for */
	struct buf keys, key, arena;
	struct top_row *row;
	size_t n, *slot, n_slots;
	int dimension[2];     /* of sums that have all this: one, or for 'ip' the clients' and the servers' */
	unsigned n_dimensions;
	unsigned rank;        /* what is sorted by, of enum rank */
	bool desc;
};

static const struct field span_field = { .name = "time", .unit = "", .doc = "", .type_name = "time", .type = FT_TIME };
static const struct field ip_field = { .name = "ip", .unit = "", .doc = "", .type_name = "addr", .type = FT_ADDR };

/* -- the question -- */

static void add_span(struct top *t, uint64_t step)
{
	t->step = step < MIN_STEP ? MIN_STEP : step;
	t->by.c = xcalloc(1, sizeof *t->by.c);
	t->by.c[t->by.n++] = (struct column){ .name = "span", .field = &span_field };
}

static bool add_by(struct top *t, const char *name)
{
	const struct column *c = query_column(&t->k, name);
	struct column ip = { .name = "ip", .field = &ip_field };
	if (!c && t->k.type == R_FLOW && strcmp(name, "ip") == 0) {
		t->ends = true;
		c = &ip;
	}
	if (!c || t->by.n == MAX_BY || c->field->type == FT_BIN)
		return false;
	t->by.c = xrealloc(t->by.c, (t->by.n + 1) * sizeof *t->by.c);
	t->by.c[t->by.n] = *c;
	t->by.c[t->by.n++].off = 0;
	return true;
}

static bool parse_by(struct top *t, const char *list)
{
	char name[64];
	do {
		size_t n = strcspn(list, ",");
		snprintf(name, sizeof name, "%.*s", (int)(n < 63 ? n : 63), list);
		if (n > 63 || !add_by(t, name)) {
			buf_addf(t->k.err, "by: %.60s: up to %d fields of the records, joined by commas", name, MAX_BY);
			return false;
		}
		list += n;
	} while (*list++);
	return true;
}

/* Sums that stand for the flows. */
static void find_dimensions(struct top *t)
{
	static const char *const ends[] = { "client.ip", "server.ip" };
	const char *fields[MAX_BY];
	if (t->k.type != R_FLOW || !t->k.plain || t->step)
		return;
	for (unsigned i = 0; i < t->by.n; i++)
		fields[i] = t->by.c[i].field->name;
	if (t->ends && t->by.n == 1) {
		for (; t->n_dimensions < 2; t->n_dimensions++)
			t->dimension[t->n_dimensions] = sums_dimension(&ends[t->n_dimensions], 1);
	} else if (!t->ends) {
		t->dimension[0] = sums_dimension(fields, t->by.n);
		t->n_dimensions = t->dimension[0] >= 0;
	}
}

static const char *const ranks[] = { "count", "flows", "alerts", "bytes", "bytes_sent", "bytes_rcvd", "packets", "score", "first",
				     "last", NULL };

static uint64_t rank_of(const struct top *t, const struct top_row *r)
{
	switch (t->rank) {
	case 3:
		return r->sum[S_SENT] + r->sum[S_RCVD];
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
	case 9:
		return r->sum[S_SENT + t->rank - 4];
	default:
		return r->sum[S_COUNT];
	}
}

static bool parse_rank(struct top *t, const char *sort)
{
	int v;
	if (!*sort)
		sort = t->k.type == R_FLOW ? "-bytes" : "-alerts";
	t->desc = *sort == '-';
	v = enum_value(ranks, sort + t->desc);
	t->rank = v < 0 ? 0 : (unsigned)v;
	if (v < 0)
		buf_addf(t->k.err, "sort: %.60s: one of flows, alerts, bytes, bytes_sent, bytes_rcvd, packets, score, first, last", sort);
	return v >= 0;
}

/* -- the table -- */

static struct top_row *find_row(struct top *t, const char *key, size_t len)
{
	if (2 * (t->n + 1) > t->n_slots) {
		t->n_slots = t->n_slots ? 2 * t->n_slots : 1024;
		free(t->slot);
		t->slot = xcalloc(t->n_slots, sizeof *t->slot);
		for (size_t i = 0; i < t->n; i++) {
			size_t at = hash_content(t->keys.p + t->row[i].off, t->row[i].len, 0) & (t->n_slots - 1);
			while (t->slot[at])
				at = (at + 1) & (t->n_slots - 1);
			t->slot[at] = i + 1;
		}
		t->row = xrealloc(t->row, t->n_slots / 2 * sizeof *t->row);
	}
	size_t at = hash_content(key, len, 0) & (t->n_slots - 1);
	for (; t->slot[at]; at = (at + 1) & (t->n_slots - 1)) {
		struct top_row *r = &t->row[t->slot[at] - 1];
		if (r->len == len && (!len || memcmp(t->keys.p + r->off, key, len) == 0))
			return r;
	}
	if (t->n == STORE_GROUPS)
		return NULL;
	t->row[t->n] = (struct top_row){ .off = t->keys.len, .len = len, .sum[S_FIRST] = UINT64_MAX };
	buf_add(&t->keys, key, len);
	t->slot[at] = ++t->n;
	return &t->row[t->n - 1];
}

/* A value as text; a newline inside would make two of it. */
static void add_value(struct top *t, sqlite3_stmt *st, unsigned i)
{
	struct columns one = { &t->by.c[i], 1 };
	uint64_t room[4] = { 0 };
	size_t from = t->key.len;
	buf_reset(&t->arena);
	buf_reserve(&t->arena, 1);
	columns_read(st, (int)(1 + i), &one, room, &t->arena);
	text_value(&t->key, one.c->field, room, t->arena.p);
	for (; from < t->key.len; from++)
		if (t->key.p[from] == '\n')
			t->key.p[from] = ' ';
}

static void add_row(struct top *t, sqlite3_stmt *st)
{
	buf_reset(&t->key);
	for (unsigned i = 0; i < t->by.n; i++) {
		if (i)
			buf_addc(&t->key, '\n');
		add_value(t, st, i);
	}
	struct top_row *r = find_row(t, t->key.p ? t->key.p : "", t->key.len);
	if (!r) {
		t->past = true;
		return;
	}
	r->span = (uint64_t)sqlite3_column_int64(st, 1);
	for (unsigned i = 0; i < N_SUMS; i++) {
		uint64_t v = (uint64_t)sqlite3_column_int64(st, (int)(1 + t->by.n + i));
		if (i == S_FIRST)
			r->sum[i] = v < r->sum[i] ? v : r->sum[i];
		else if (i == S_LAST)
			r->sum[i] = v > r->sum[i] ? v : r->sum[i];
		else
			r->sum[i] += v;
	}
}

/* -- one file -- */

static void add_sum(struct buf *sql, bool grouped, const char *function, const char *expression)
{
	buf_addf(sql, grouped ? ", %s(%s)" : ", %s%s", grouped ? function : "", expression);
}

/* A flow as one of its ends has it: only what is asked for, since SQLite makes all of such a row. */
static void select_end(struct top *t, const char *end, const char *other, struct buf *sql)
{
	buf_addf(sql, "SELECT seq, first, last, score, client_packets, server_packets, %s_ip AS ip, %s_bytes AS sent, %s_bytes AS rcvd", end,
		 end, other);
	for (unsigned i = 0; i < t->by.n; i++)
		if (t->by.c[i].own_name && !t->by.c[i].missing)
			buf_addf(sql, ", \"%s\"", t->by.c[i].name);
	query_source(&t->k, sql);
	buf_addf(sql, "WHERE (%s)", buf_cstr(&t->k.where));
}

static void select_source(struct top *t, struct buf *sql)
{
	const char *time = t->k.time_col;
	if (t->step)
		buf_addf(sql, " FROM (SELECT *, %s - %s %% %" PRIu64 " AS span", time, time, t->step);
	if (t->ends) {
		buf_adds(sql, " FROM (");
		select_end(t, "client", "server", sql);
		buf_adds(sql, " UNION ALL ");
		select_end(t, "server", "client", sql);
		buf_adds(sql, ") ");
	} else {
		query_source(&t->k, sql);
	}
	buf_adds(sql, t->step ? ") " : "");
	if (!t->ends)
		buf_addf(sql, "WHERE (%s)", buf_cstr(&t->k.where));
}

static void select_groups(struct top *t, struct buf *sql)
{
	bool g = t->k.exact, flow = t->k.type == R_FLOW;
	buf_adds(sql, g ? "SELECT 0," : "SELECT seq,");
	columns_names(&t->by, 0, t->by.n, "", sql);
	add_sum(sql, g, "sum", "1");
	add_sum(sql, g, "sum", t->ends ? "sent" : "client_bytes");
	add_sum(sql, g, "sum", t->ends ? "rcvd" : "server_bytes");
	add_sum(sql, g, "sum", "client_packets+server_packets");
	add_sum(sql, g, "sum", "score");
	add_sum(sql, g, "min", flow ? "first" : "time");
	add_sum(sql, g, "max", t->k.time_col);
	select_source(t, sql);
	/* Exactly equal, as they are when files are added up; columns of text compare without regard to case. */
	for (unsigned i = 0; g && i < t->by.n; i++)
		buf_addf(sql, "%s%u COLLATE BINARY", i ? ", " : " GROUP BY ", i + 2);
}

/* What the file had no column for, when it was made. */
static void match_by(struct top *t)
{
	for (unsigned i = 0; i < t->by.n; i++)
		for (unsigned c = 0; c < t->k.cols->n; c++)
			if (t->k.cols->c[c].field == t->by.c[i].field)
				t->by.c[i].missing = !columns_has(t->k.cols, c);
}

/* Flows or alerts between start and end, from their rows. */
static int sum_rows(struct top *t, sqlite3 *db, uint64_t start, uint64_t end)
{
	struct query *k = &t->k;
	struct buf sql = { 0 };
	sqlite3_stmt *st = NULL, *record = NULL;
	int rc = -1, match = 1;
	const uint64_t asked[] = { k->start, k->end };
	k->start = start;
	k->end = end;
	query_where(k);
	k->start = asked[0];
	k->end = asked[1];
	match_by(t);
	select_groups(t, &sql);
	if (reader_prepare(k->s, k->file, buf_cstr(&sql), &st) < 0)
		goto out;
	if (!k->exact && !(record = query_prepare_record(k)))
		goto out;
	query_bind(k, st);
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		k->out->scanned++;
		if (record && (match = query_read_record(k, record, sqlite3_column_int64(st, 0))) < 0)
			break;
		if (match)
			add_row(t, st);
	}
	k->out->scanned += (uint64_t)sqlite3_stmt_status(st, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
	rc = rc == SQLITE_DONE ? 0 : store_fail(k->s, db, "query");
out:
	reader_done(k->file, st);
	reader_done(k->file, record);
	buf_release(&sql);
	return rc;
}

/* Sums of the spans from 'from' on and before 'to', but for those that do not hold. */
static int sum_sums(struct top *t, sqlite3 *db, unsigned i, int64_t from, int64_t to)
{
	struct query *k = &t->k;
	struct buf sql = { 0 };
	sqlite3_stmt *st = NULL;
	buf_addf(&sql, "SELECT 0, k1%s, flows, %s, packets, score, first, last FROM sums WHERE dim=%d AND span >= %" PRId64
		       " AND span < %" PRId64 " AND span NOT IN (SELECT span FROM stale)",
		 t->by.n == 2 ? ", k2" : "", i ? "rcvd, sent" : "sent, rcvd", t->dimension[i], from, to);
	if (k->has_run)
		buf_addf(&sql, " AND epoch=%" PRId64, (int64_t)k->run);
	int rc = reader_prepare(k->s, k->file, buf_cstr(&sql), &st);
	while (rc == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		k->out->scanned++;
		add_row(t, st);
		rc = 0;
	}
	if (rc != SQLITE_DONE)
		rc = store_fail(k->s, db, "query");
	reader_done(k->file, st);
	buf_release(&sql);
	return rc == SQLITE_DONE ? 0 : -1;
}

static int sum_all_sums(struct top *t, sqlite3 *db, int64_t from, int64_t to)
{
	int rc = 0;
	for (unsigned i = 0; i < t->n_dimensions && rc == 0; i++)
		rc = sum_sums(t, db, i, from, to);
	return rc;
}

/* The spans between from and to whose sums do not hold. */
static int sum_stale(struct top *t, sqlite3 *db, int64_t from, int64_t to)
{
	sqlite3_stmt *st = NULL;
	int rc = store_prepare(t->k.s, db, "SELECT span FROM stale WHERE span >= ? AND span < ?", &st);
	if (rc == 0) {
		sqlite3_bind_int64(st, 1, from);
		sqlite3_bind_int64(st, 2, to);
	}
	while (rc == 0 && sqlite3_step(st) == SQLITE_ROW) {
		uint64_t span = (uint64_t)sqlite3_column_int64(st, 0);
		rc = sum_rows(t, db, span, span + SUMS_SPAN - 1);
	}
	sqlite3_finalize(st);
	return rc;
}

/* Whole spans from their sums, the edges from their rows. */
static int sum_spans(struct top *t, sqlite3 *db, uint64_t lo, uint64_t hi)
{
	uint64_t start = t->k.start > lo ? t->k.start : 0, end = t->k.end && t->k.end < hi ? t->k.end : 0;
	uint64_t from = (start + SUMS_SPAN - 1) / SUMS_SPAN * SUMS_SPAN, to = end ? (end + 1) / SUMS_SPAN * SUMS_SPAN : INT64_MAX;
	if (from >= to)
		return sum_rows(t, db, start, end);
	int rc = sum_all_sums(t, db, (int64_t)from, (int64_t)to);
	if (rc == 0)
		rc = sum_stale(t, db, (int64_t)from, (int64_t)to);
	if (rc == 0 && start && start < from)
		rc = sum_rows(t, db, start, from - 1);
	if (rc == 0 && end && end >= to)
		rc = sum_rows(t, db, to, end);
	return rc;
}

/* In one transaction: the file may be written meanwhile. */
static int sum_summed(struct top *t, sqlite3 *db)
{
	if (store_exec(t->k.s, db, "BEGIN") < 0)
		return -1;
	uint64_t lo = (uint64_t)store_int(db, "SELECT min(lo) FROM runs WHERE lo != 0", 0);
	uint64_t hi = (uint64_t)store_int(db, "SELECT max(hi) FROM runs", 0);
	bool all = t->k.start <= lo && (!t->k.end || t->k.end >= hi);
	int rc = all && store_get_meta(db, "tidy", 0) ? sum_all_sums(t, db, SUMS_WHOLE, 0) : sum_spans(t, db, lo, hi);
	sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	return rc;
}

static int sum_file(struct query *k, sqlite3 *db)
{
	struct top *t = (struct top *)k;
	return t->n_dimensions && store_has_table(db, "sums") ? sum_summed(t, db) : sum_rows(t, db, k->start, k->end);
}

/* -- the answer -- */

static int by_rank(const void *a, const void *b, void *arg)
{
	const struct top *t = arg;
	const struct top_row *x = a, *y = b;
	uint64_t p = rank_of(t, x), q = rank_of(t, y);
	if (t->step && x->span != y->span)
		return x->span < y->span ? -1 : 1;
	if (p != q)
		return (p < q ? -1 : 1) * (t->desc ? -1 : 1);
	size_t n = x->len < y->len ? x->len : y->len;
	int c = n ? memcmp(t->keys.p + x->off, t->keys.p + y->off, n) : 0;
	return c ? c : x->len < y->len ? -1 : x->len > y->len;
}

static void pack_sample(struct top *t, const struct top_row *r, const char *by, struct buf *out)
{
	const char *key = t->keys.p + r->off, *rest = memchr(key, '\n', r->len);
	struct r_sample rec = { .sample = { .time = r->span, .span = t->step, .bytes_sent = r->sum[S_SENT],
					    .bytes_rcvd = r->sum[S_RCVD], .bytes = r->sum[S_SENT] + r->sum[S_RCVD],
					    .packets = r->sum[S_PACKETS], .score = r->sum[S_SCORE] } };
	*(t->k.type == R_FLOW ? &rec.sample.flows : &rec.sample.alerts) = r->sum[S_COUNT];
	buf_reset(&t->arena);
	rec.sample.kind = str_put_raw(&t->arena, by, strlen(by));
	if (rest)
		rec.sample.key = str_put_raw(&t->arena, rest + 1, r->len - (size_t)(rest + 1 - key));
	codec_pack(out, R_SAMPLE, &rec, t->arena.p);
}

static void pack_rows(struct top *t, const char *by, struct buf *out)
{
	size_t n = t->n < t->k.limit ? t->n : t->k.limit;
	if (t->n)
		qsort_r(t->row, t->n, sizeof *t->row, by_rank, t);
	for (size_t i = 0; i < n; i++) {
		const struct top_row *r = &t->row[i];
		if (t->step) {
			pack_sample(t, r, by, out);
			continue;
		}
		struct r_top rec = { .top = { .bytes_sent = r->sum[S_SENT], .bytes_rcvd = r->sum[S_RCVD],
					      .bytes = r->sum[S_SENT] + r->sum[S_RCVD], .packets = r->sum[S_PACKETS],
					      .score = r->sum[S_SCORE], .first = r->sum[S_FIRST], .last = r->sum[S_LAST] } };
		*(t->k.type == R_FLOW ? &rec.top.flows : &rec.top.alerts) = r->sum[S_COUNT];
		buf_reset(&t->arena);
		rec.top.key = str_put_raw(&t->arena, t->keys.p + r->off, r->len);
		codec_pack(out, R_TOP, &rec, t->arena.p);
	}
	t->k.out->count = (uint32_t)n;
	t->k.out->total = t->n;
	if (t->past)
		buf_addf(t->k.err, "more than %d different values: those that came last are left out", STORE_GROUPS);
}

unsigned read_top(struct store *s, const struct g_query *q, const char *base, struct buf *out, struct store_page *page,
		  struct buf *err)
{
	struct top *t = xcalloc(1, sizeof *t);
	char *by = xstrndup(str_ptr(base, q->by), q->by.len), *sort = xstrndup(str_ptr(base, q->sort), q->sort.len);
	bool alerts = str_eq(base, q->what, "top.alerts") || str_eq(base, q->what, "series.alerts");
	unsigned status = query_init(&t->k, s, q, base, alerts ? R_ALERT : R_FLOW, page, err);
	t->k.desc = true;
	if (str_eq(base, q->what, "series") || str_eq(base, q->what, "series.alerts"))
		add_span(t, q->step ? q->step : DEF_STEP);
	if (status == 200 && (((*by || !t->step) && !parse_by(t, by)) || !parse_rank(t, sort)))
		status = 400;
	if (status == 200)
		find_dimensions(t);
	if (status == 200 && query_files(&t->k, sum_file) < 0)
		status = query_failed(&t->k);
	if (status == 200)
		pack_rows(t, by, out);
	query_release(&t->k);
	columns_release(&t->by);
	buf_release(&t->keys);
	buf_release(&t->key);
	buf_release(&t->arena);
	free(t->row);
	free(t->slot);
	free(by);
	free(sort);
	free(t);
	return status;
}

/*
 * Series from samples. The longest span that divides the step is read; where spans of it are reduced, which retention notes
 * (store_sqlite_series.c), the next longer one stands for them, so that the answer has no hole and counts nothing twice.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec.h"
#include "store_sqlite_query.h"

#define DEF_STEP 60000000000ull

/* What 'by' asks for: which samples, and what of their keys tells them apart. */
static const struct asked {
	const char *by, *kind;
	const char *key;    /* expression */
	unsigned fields;    /* of the key that 'key' of the question may give */
} asked[] = {
	{ "", "sensor", "''", 1 },
	{ "sensor", "sensor", "d.key", 1 },
	{ "app", "sensor,app", "substr(d.key, instr(d.key, char(10)) + 1)", 2 },
	{ "sensor,app", "sensor,app", "d.key", 2 },
	{ "host", "host", "d.key", 1 },
	{ "host,app", "host,app", "d.key", 2 },
	{ "check", "check", "d.key", 1 },
};

static const char *const ranks[] = { "bytes", "bytes_sent", "bytes_rcvd", "packets", "flows", "alerts", "score", "active", NULL };

static const struct asked *find_asked(const struct g_query *q, const char *base)
{
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
		if (str_eq(base, q->by, asked[i].by))
			return &asked[i];
	return NULL;
}

bool samples_answer(const struct g_query *q, const char *base)
{
	const char *filter = str_ptr(base, q->filter);
	uint32_t i = 0;
	while (i < q->filter.len && strchr(" \t\n", filter[i]))
		i++;
	return i == q->filter.len && q->step % DEF_STEP == 0 && find_asked(q, base);
}

struct samples {
	struct query k;
	const struct asked *a;
	uint64_t step;
	char *key, *sort;
	const char *run_is; /* condition, "" = any run */
};

/* A key of as many fields, or the first of two. ?2 is the key, ?3 and ?4 are around all that begin with it and a newline. */
static const char *key_is(const struct samples *t)
{
	if (!*t->key)
		return "";
	if (strcmp(t->a->by, "app") == 0)
		return " AND substr(d.key, instr(d.key, char(10)) + 1) = ?2";
	return t->a->fields == 2 && !strchr(t->key, '\n') ? " AND d.key > ?3 AND d.key < ?4" : " AND d.key = ?2";
}

/* The samples of one tier in one database. */
static void select_tier(const struct samples *t, const char *db, unsigned tier, unsigned best, struct buf *sql)
{
	uint64_t span = series_spans[tier], step = t->step > span ? t->step : span;
	buf_addf(sql,
		 "SELECT p.time - p.time %% %" PRIu64 " AS at, %" PRIu64 " AS span, %s AS k, d.* FROM %s.spans p"
		 " CROSS JOIN %s.samples_%u d ON d.time=p.time AND d.kind=?1%s%s WHERE p.tier=%u",
		 step, step, t->a->key, db, db, tier, key_is(t), t->run_is, tier);
	if (t->k.start)
		buf_addf(sql, " AND p.time >= %" PRIu64, t->k.start - t->k.start % span);
	if (t->k.end)
		buf_addf(sql, " AND p.time <= %" PRIu64, t->k.end);
	if (tier > best)
		buf_adds(sql, " AND p.reduced");
	for (unsigned u = tier + 1; u < SERIES_TIERS; u++)
		buf_addf(sql, " AND NOT EXISTS (SELECT 1 FROM %s.spans r WHERE r.tier=%u AND r.time = p.time - p.time %% %" PRIu64
			      " AND r.reduced)", db, u, series_spans[u]);
}

static unsigned best_tier(uint64_t step)
{
	unsigned best = 0;
	for (unsigned t = 1; t < SERIES_TIERS; t++)
		if (step % series_spans[t] == 0)
			best = t;
	return best;
}

/* Databases: those that there are. */
static void select_all(const struct samples *t, const char *const *dbs, struct buf *sql)
{
	const char *order = *t->sort ? t->sort : "-bytes", *before = "";
	unsigned best = best_tier(t->step);
	buf_adds(sql, "SELECT at, span, k, sum(bytes) AS bytes, sum(bytes_sent) AS bytes_sent, sum(bytes_rcvd) AS bytes_rcvd,"
		      " sum(packets) AS packets, sum(flows) AS flows, sum(alerts) AS alerts, sum(drops), max(score) AS score,"
		      " max(active) AS active FROM (");
	for (; *dbs; dbs++)
		for (unsigned tier = best; tier < SERIES_TIERS; tier++) {
			buf_adds(sql, before);
			select_tier(t, *dbs, tier, best, sql);
			before = " UNION ALL ";
		}
	buf_addf(sql, ") GROUP BY at, span, k ORDER BY at, %s%s, k LIMIT %u", order + (*order == '-'), *order == '-' ? " DESC" : "",
		 t->k.limit);
}

static void pack(struct samples *t, sqlite3_stmt *st, const struct g_query *q, const char *base, struct buf *out)
{
	struct g_sample g = { .time = (uint64_t)sqlite3_column_int64(st, 0), .span = (uint64_t)sqlite3_column_int64(st, 1) };
	uint64_t *const sums[] = { &g.bytes, &g.bytes_sent, &g.bytes_rcvd, &g.packets, &g.flows, &g.alerts, &g.drops, &g.score,
				   &g.active };
	for (int i = 0; i < SERIES_SUMS; i++)
		*sums[i] = (uint64_t)sqlite3_column_int64(st, 3 + i);
	buf_reset(&t->k.arena);
	g.kind = str_put_raw(&t->k.arena, str_ptr(base, q->by), q->by.len);
	g.key = str_put_raw(&t->k.arena, sqlite3_column_text(st, 2), (size_t)sqlite3_column_bytes(st, 2));
	g.run = str_put_raw(&t->k.arena, str_ptr(base, q->run), q->run.len);
	struct r_sample r = { .sample = g };
	codec_pack(out, R_SAMPLE, &r, t->k.arena.p);
	t->k.out->count++;
}

static int answer(struct samples *t, struct reader *r, const char *const *dbs, const struct g_query *q, const char *base, struct buf *out)
{
	struct buf sql = { 0 };
	char *after = xasprintf("%s\n", t->key), *past = xasprintf("%s\v", t->key);
	sqlite3_stmt *st = NULL;
	select_all(t, dbs, &sql);
	query_watch(t->k.s, r->db);
	int rc = reader_prepare(t->k.s, r, buf_cstr(&sql), &st);
	if (rc == 0) {
		sqlite3_bind_int(st, 1, series_kind(t->a->kind));
		const char *const keys[] = { t->key, after, past }; /* those that key_is names */
		for (int i = 2; i <= sqlite3_bind_parameter_count(st); i++)
			sqlite3_bind_text(st, i, keys[i - 2], -1, SQLITE_STATIC);
		while ((rc = sqlite3_step(st)) == SQLITE_ROW)
			pack(t, st, q, base, out);
		rc = rc == SQLITE_DONE ? 0 : store_fail(t->k.s, r->db, "series");
		t->k.out->scanned = t->k.out->count;
	}
	reader_done(r, st);
	buf_release(&sql);
	free(after);
	free(past);
	return rc;
}

/* Has alerts.db beside series.db, as 'other': once, while both files are those that they were. */
static int put_beside(struct store *s, struct reader *r, const char *alerts)
{
	struct stat st;
	if (stat(alerts, &st) < 0)
		return store_fail(s, NULL, alerts);
	if (r->beside == st.st_ino)
		return 0;
	char *sql = sqlite3_mprintf("%sATTACH %Q AS other", r->beside ? "DETACH other;" : "", alerts);
	r->beside = 0;
	int rc = store_exec(s, r->db, sql);
	if (rc == 0)
		r->beside = st.st_ino;
	sqlite3_free(sql);
	return rc;
}

/* series.db, and alerts.db beside it, as far as they are there. */
static int read_files(struct samples *t, const struct g_query *q, const char *base, struct buf *out)
{
	struct store *s = t->k.s;
	char *series = store_series_path(s), *alerts = store_alerts_path(s);
	bool has_series = access(series, F_OK) == 0, has_alerts = access(alerts, F_OK) == 0;
	const char *dbs[3] = { "main", has_series && has_alerts ? "other" : NULL };
	int rc = 0;
	if (has_series || has_alerts) {
		struct reader *r = reader_get(s, has_series ? series : alerts);
		rc = !r || (dbs[1] && put_beside(s, r, alerts) < 0) ? -1 : answer(t, r, dbs, q, base, out);
		if (rc < 0)
			reader_drop(r);
	}
	free(series);
	free(alerts);
	return rc;
}

unsigned read_samples(struct store *s, const struct g_query *q, const char *base, struct buf *out, struct store_page *page,
		      struct buf *err)
{
	struct samples *t = xcalloc(1, sizeof *t);
	unsigned status = query_init(&t->k, s, q, base, R_FLOW, page, err);
	char run[48] = "";
	t->a = find_asked(q, base);
	t->key = xstrndup(str_ptr(base, q->key), q->key.len);
	t->sort = xstrndup(str_ptr(base, q->sort), q->sort.len);
	t->step = q->step ? q->step : DEF_STEP;
	if (t->k.has_run)
		snprintf(run, sizeof run, " AND d.epoch=%" PRId64, (int64_t)t->k.run);
	t->run_is = run;
	if (status == 200 && *t->sort && enum_value(ranks, t->sort + (*t->sort == '-')) < 0) {
		buf_addf(err, "sort: %.60s: one of bytes, bytes_sent, bytes_rcvd, packets, flows, alerts, score, active", t->sort);
		status = 400;
	}
	if (status == 200 && read_files(t, q, base, out) < 0)
		status = query_failed(&t->k);
	query_release(&t->k);
	free(t->key);
	free(t->sort);
	free(t);
	return status;
}

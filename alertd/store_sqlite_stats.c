/* What is stored, in numbers. */
#include <stdio.h>
#include <stdlib.h>

#include "quarantine.h"
#include "store_sqlite.h"

/* Rows and bytes of each kind that retention knows. */
struct amounts {
	uint64_t n[KEPT_KINDS], bytes[KEPT_KINDS], files;
};

static void put(struct buf *out, struct store_page *page, const char *name, const char *label, const char *unit, double value)
{
	store_put_metric(out, name, label, unit, strcmp(name, "delivery_log_dropped") == 0, value);
	page->count++;
}

static void add_flows(struct store *s, struct amounts *a)
{
	uint64_t *starts;
	a->files = store_flow_starts(s, &starts);
	for (size_t i = 0; i < a->files; i++) {
		char *path = store_flow_path(s, starts[i]);
		sqlite3 *db = store_open_db(s, path, OPEN_READ);
		a->bytes[KEPT_FLOWS] += store_file_bytes(path);
		a->n[KEPT_FLOWS] += db ? (uint64_t)store_int(db, "SELECT sum(records) FROM runs", 0) : 0;
		sqlite3_close(db);
		free(path);
	}
	free(starts);
}

static void add_samples(sqlite3 *db, struct amounts *a)
{
	char sql[80];
	for (unsigned t = 0; db && t < SERIES_TIERS; t++) {
		snprintf(sql, sizeof sql, "SELECT sum(rows) FROM spans WHERE tier=%u", t);
		a->n[KEPT_MINUTES + t] += (uint64_t)store_int(db, sql, 0);
		snprintf(sql, sizeof sql, "SELECT sum(bytes) FROM spans WHERE tier=%u", t);
		a->bytes[KEPT_MINUTES + t] += (uint64_t)store_int(db, sql, 0);
	}
}

static void add_kinds(struct store *s, struct amounts *a)
{
	char *alerts = store_alerts_path(s), *series = store_series_path(s);
	sqlite3 *db = store_open_db(s, series, OPEN_READ);
	a->n[KEPT_ALERTS] = (uint64_t)store_int(s->db, "SELECT count(*) FROM alerts", 0);
	a->bytes[KEPT_ALERTS] = store_file_bytes(alerts);
	add_flows(s, a);
	add_samples(s->db, a);
	add_samples(db, a);
	if (s->conf.quarantine)
		a->n[KEPT_QUARANTINE] = quarantine_size(s->conf.quarantine, &a->bytes[KEPT_QUARANTINE]);
	sqlite3_close(db);
	free(alerts);
	free(series);
}

unsigned read_stats(struct store *s, struct buf *out, struct store_page *page, struct buf *err)
{
	static const struct {
		const char *name, *unit, *sql;
	} numbers[] = {
		{ "engaged", "alerts", "SELECT count(*) FROM alerts WHERE \"end\"=0 AND action IN (1,2)" },
		{ "acknowledged", "alerts", "SELECT count(*) FROM notes WHERE acknowledged" },
		{ "runs", "runs", "SELECT count(*) FROM runs" },
		{ "delivery_log", "records", "SELECT count(*) FROM deliveries" },
		{ "delivery_log_dropped", "records", "SELECT value FROM meta WHERE key='log_dropped'" },
	};
	struct amounts a = { 0 };
	if (!read_open_alerts(s)) {
		buf_adds(err, s->error);
		return 503;
	}
	add_kinds(s, &a);
	put(out, page, "alerts", "", "alerts", (double)a.n[KEPT_ALERTS]);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		put(out, page, numbers[i].name, "", numbers[i].unit, (double)store_int(s->db, numbers[i].sql, 0));
	put(out, page, "alerts_bytes", "", "bytes", (double)a.bytes[KEPT_ALERTS]);
	put(out, page, "flows", "", "flows", (double)a.n[KEPT_FLOWS]);
	put(out, page, "flow_files", "", "files", (double)a.files);
	put(out, page, "flow_bytes", "", "bytes", (double)a.bytes[KEPT_FLOWS]);
	for (unsigned k = 0; k < KEPT_KINDS; k++) {
		put(out, page, "kept", store_kinds[k], "", (double)a.n[k]);
		put(out, page, "kept_bytes", store_kinds[k], "bytes", (double)a.bytes[k]);
	}
	put(out, page, "disk_free", "", "bytes", (double)store_free_bytes(s));
	return 200;
}

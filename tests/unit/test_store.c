/* The store: runs, pages of alerts, what people say of hosts, revisions. */
#include "store_lab.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void each_run_has_its_own(void **arg)
{
	(void)arg;
	struct writer w;
	writer_open(&w, 0x11);
	write_some(&w, 1000, T0);
	writer_close(&w);
	writer_open(&w, 0x22);
	write_some(&w, 500, T0 + MINUTE);
	struct store *r = open_store(STORE_READ);
	struct question q = { .what = "series" }, top = { .what = "top.flows", .by = "app" };
	assert_int_equal(total(r, &q).bytes, 1500 * 1000);
	q.run = "0000000000000011";
	assert_int_equal(total(r, &q).bytes, 1000 * 1000);
	q.run = "0000000000000022";
	assert_int_equal(total(r, &q).bytes, 500 * 1000);
	struct buf out = { 0 }, rows = { 0 }, err = { 0 };
	struct store_page page, scanned;
	top.run = q.run;
	must_ask(r, &top, &out, &page);
	top.filter = "ip_version = 4";
	must_ask(r, &top, &rows, &scanned);
	assert_int_equal(out.len, rows.len);
	assert_memory_equal(out.p, rows.p, rows.len);
	must_ask(r, &(struct question){ .what = "flows", .run = q.run }, &out, &page);
	assert_int_equal(page.count, 500 - 125 - 5);
	q.run = "22";
	assert_int_equal(ask(r, &q, &out, &page, &err), 400);
	buf_release(&out);
	buf_release(&rows);
	buf_release(&err);
	store_sqlite.close(r);
	writer_close(&w);
}

static uint64_t next_of(struct store *s, uint64_t epoch)
{
	struct store_cursor c;
	good(s, store_sqlite.run(s, epoch, &c));
	assert_int_equal(c.epoch, epoch);
	return c.next;
}

/* How far runs are is in the files, and in them alone: also of many, in any order, while another one is written. */
static void files_know_their_runs(void **arg)
{
	(void)arg;
	struct writer w;
	char oldest[600];
	for (uint64_t i = 0; i < 24; i++) {
		uint64_t run = i % 8, round = i / 8;
		writer_open(&w, 1 + run);
		assert_int_equal(w.next, 1 + round * (2 + run));
		write_some(&w, 2 + run, T0 + i / 4 * HOUR); /* another file each time */
		writer_close(&w);
	}
	writer_open(&w, 30);
	good(w.s, store_sqlite.begin(w.s, 30, T0 + 20 * HOUR));
	for (uint64_t epoch = 8; epoch > 0; epoch--)
		assert_int_equal(next_of(w.s, epoch), 1 + 3 * (1 + epoch));
	good(w.s, store_sqlite.commit(w.s, 5));
	assert_int_equal(next_of(w.s, 30), 5);
	assert_int_equal(next_of(w.s, 31), 0);
	for (unsigned i = 0; i < 5; i++) { /* retention */
		oldest_flow_file(oldest, sizeof oldest);
		assert_int_equal(unlink(oldest), 0);
	}
	assert_int_equal(next_of(w.s, 1), 0);
	assert_int_equal(next_of(w.s, 8), 1 + 3 * 9);
	writer_close(&w);
}

/* Pages of alerts look at as many rows as they have, whatever is stored. */
static void alerts_by_index(void **arg)
{
	(void)arg;
	static const char *const filters[] = { "", "check = dns_tunnel", "check = syn_scan", "client.ip = 10.0.0.7" };
	struct sampler m;
	struct buf out = { 0 }, err = { 0 }, strs = { 0 };
	struct store_page page;
	sampler_init(&m, TOTALS_MAX);
	struct store *s = open_store(STORE_ALERTS);
	put_alerts(s, 0, 6000, T0, &m);
	good(s, store_sqlite.tidy(s, T0));
	struct store *r = open_store(STORE_READ);
	for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
		struct g_query q = { .limit = 50 };
		buf_reset(&strs);
		buf_reset(&out);
		q.what = put(&strs, "alerts");
		q.filter = put(&strs, filters[i]);
		assert_int_equal(store_sqlite.query(r, &q, strs.p, &out, &page, &err), 200);
		assert_int_equal(page.count, 50);
		if (page.scanned > 2 * 51)
			fail_msg("'%s': %u records, %llu rows looked at", filters[i], page.count, (unsigned long long)page.scanned);
	}
	struct question q = { .what = "series", .by = "check", .step = DAY, .key = "dns_tunnel" };
	assert_int_equal(total(r, &q).alerts, 60);
	assert_int_equal(total(r, &(struct question){ .what = "series", .step = HOUR }).alerts, 6000);
	/* From the alerts themselves, of which any can be asked for. */
	q = (struct question){ .what = "series.alerts", .step = HOUR };
	struct totals hours = total(r, &q);
	assert_int_equal(hours.alerts, 6000);
	assert_true(hours.n > 1);
	q.filter = "check = dns_tunnel";
	assert_int_equal(total(r, &q).alerts, 60);
	q.by = "check";
	assert_int_equal(total(r, &q).alerts, 60);
	store_sqlite.close(r);
	store_sqlite.close(s);
	sampler_release(&m);
	buf_release(&out);
	buf_release(&err);
	buf_release(&strs);
}

/* What is said of the only host, as a question is answered: "alias/notes", "" when nothing is. */
static const char *what_is_said(void)
{
	static char text[64];
	struct store *s = open_store(STORE_READ);
	struct r_query q = { .query.what = { 0, 5 } };
	struct buf out = { 0 }, err = { 0 };
	struct store_page page;
	struct r_host h;
	assert_int_equal(store_sqlite.query(s, &q.query, "hosts", &out, &page, &err), 200);
	struct codec_reader r = { .base = out.p, .len = out.len };
	*text = '\0';
	if (page.count) {
		assert_int_equal(page.count, 1);
		assert_int_equal(codec_read(&r, &h), 1);
		assert_int_equal(h.host.vlan, 7);
		snprintf(text, sizeof text, "%.*s/%.*s", (int)h.host.alias.len, str_ptr(out.p, h.host.alias),
			 (int)h.host.notes.len, str_ptr(out.p, h.host.notes));
	}
	store_sqlite.close(s);
	buf_release(&out);
	return text;
}

static void hosts_have_notes(void **unused)
{
	static char alias[130], notes[1026];
	memset(alias, 'a', sizeof alias - 1);
	memset(notes, 'n', sizeof notes - 1);
	static const struct {
		const char *alias, *notes;
		unsigned status;
		const char *said;
	} steps[] = {
		{ NULL, "by the door", 200, "/by the door" }, { "gate", NULL, 200, "gate/by the door" },
		{ "gate", NULL, 200, "gate/by the door" },    { alias, NULL, 400, "gate/by the door" },
		{ NULL, notes, 400, "gate/by the door" },     { "", NULL, 200, "/by the door" },
		{ NULL, "", 200, "" },                        { "", "", 200, "" },
	};
	struct store *s = open_store(STORE_ALERTS);
	struct buf err = { 0 };
	struct store_host h = { .vlan = 7, .actor = "test" };
	(void)unused;
	assert_int_equal(store_sqlite.host(s, &h, T0, &err), 400); /* no address */
	assert_int_equal(addr_parse("192.0.2.1", 9, &h.ip), 0);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		h.alias = steps[i].alias;
		h.notes = steps[i].notes;
		assert_int_equal(store_sqlite.host(s, &h, T0, &err), steps[i].status);
		assert_string_equal(what_is_said(), steps[i].said);
	}
	store_sqlite.close(s);
	buf_release(&err);
}

/* As many as fit into one answer; those that are there can still be changed. */
static void noted_hosts_are_bounded(void **unused)
{
	struct store *s = open_store(STORE_ALERTS);
	struct buf err = { 0 };
	struct store_host h = { .actor = "test", .alias = "x" };
	unsigned status = 200;
	(void)unused;
	assert_int_equal(addr_parse("192.0.2.1", 9, &h.ip), 0);
	for (h.vlan = 0; h.vlan < 4096 && status == 200; h.vlan++)
		status = store_sqlite.host(s, &h, T0, &err);
	assert_int_equal(status, 409);
	assert_in_range(h.vlan, 1000, 4095);
	h.vlan = 0;
	h.alias = "y";
	assert_int_equal(store_sqlite.host(s, &h, T0, &err), 200);
	store_sqlite.close(s);
	buf_release(&err);
}

/* What others can read has another revision before who committed hears of it; what changed nothing has the same. */
static void commits_move_the_revision(void **unused)
{
	uint64_t revision = 41, last;
	struct buf err = { 0 }, out = { 0 };
	struct store_page page;
	struct r_alert a = { .alert = { .id = { 1, 2 }, .revision = 1, .time = T0, .end = T0 } };
	const struct store_note note = { "ack", "test", "", "" };
	(void)unused;
	conf.revision = &revision;
	struct store *s = open_store(STORE_ALERTS), *r = open_store(STORE_READ);
	good(s, store_sqlite.begin(s, 1, T0));
	good(s, store_sqlite.put(s, R_ALERT, &a, "", 1));
	last = revision;
	good(s, store_sqlite.commit(s, 2));
	assert_int_not_equal(revision, last);
	last = revision;
	struct question q = { .what = "alerts" };
	must_ask(r, &q, &out, &page);
	assert_int_equal(page.count, 1);
	assert_int_equal(revision, last);
	assert_int_equal(store_sqlite.note(s, a.alert.id, &note, T0, &err), 200);
	assert_int_not_equal(revision, last);
	last = revision;
	assert_int_equal(store_sqlite.note(s, (struct id){ 3, 4 }, &note, T0, &err), 404);
	assert_int_equal(revision, last);
	store_sqlite.close(r);
	store_sqlite.close(s);
	buf_release(&out);
	buf_release(&err);
}

/* A transaction into a file that somebody took away is none: the store is to be opened again, and makes a new one. */
static void removed_files_are_noticed(void **unused)
{
	static const struct {
		enum store_role role;
		const char *file; /* NULL: of flows */
	} rows[] = { { STORE_ALERTS, "alerts.db" }, { STORE_FLOWS, "series.db" }, { STORE_FLOWS, NULL } };
	char path[160];
	(void)unused;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct store *s = open_store(rows[i].role);
		good(s, store_sqlite.begin(s, 1, T0));
		good(s, store_sqlite.commit(s, 2));
		good(s, store_sqlite.begin(s, 1, T0));
		if (rows[i].file)
			snprintf(path, sizeof path, "%s/%s", dir, rows[i].file);
		else
			oldest_flow_file(path, sizeof path);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(store_sqlite.commit(s, 3), -1);
		assert_non_null(strstr(store_sqlite.error(s), path));
		store_sqlite.rollback(s);
		store_sqlite.close(s);
		s = open_store(rows[i].role);
		good(s, store_sqlite.begin(s, 1, T0));
		good(s, store_sqlite.commit(s, 3));
		store_sqlite.close(s);
	}
}

/* What one record has and the next has not is not the next one's, and comes back with the one after that. */
static void records_are_as_they_were(void **unused)
{
	(void)unused;
	static const char strs[] = "\0lantls";
	const struct r_flow full = { .key = { .proto = 6, .client_port = 1, .server_port = 443, .vlan = 7, .sensor = { 1, 3 },
					      .client = { { 1 } }, .server = { { 2 } }, .client_mac = { { 3 } } },
				     .n = { .end_reason = END_FIN, .client_bytes = 9, .client_rtp_mos = 4.5 },
				     .app = { .app = { 4, 3 }, .risk_bits = 5 } };
	const struct r_flow bare = { .n = { .end_reason = END_FIN } };
	const struct r_flow *const order[] = { &full, &bare, &bare, &full, &bare };
	const size_t n = sizeof order / sizeof *order;
	struct store *s = open_store(STORE_FLOWS), *r;
	struct buf out = { 0 }, wanted = { 0 };
	struct store_page page;
	struct question q = { .what = "flows", .sort = "last" };
	good(s, store_sqlite.begin(s, 1, T0));
	for (size_t i = 0; i < n; i++) {
		struct r_flow f = *order[i];
		f.key.id = (struct id){ 1, i + 1 };
		f.n.last = T0 + i * SEC;
		good(s, store_sqlite.put(s, R_FLOW, &f, strs, i + 1));
		codec_pack(&wanted, R_FLOW, &f, strs);
	}
	good(s, store_sqlite.commit(s, n + 1));
	r = open_store(STORE_READ);
	must_ask(r, &q, &out, &page);
	assert_int_equal(page.count, n);
	assert_int_equal(out.len, wanted.len);
	assert_memory_equal(out.p, wanted.p, wanted.len);
	store_sqlite.close(r);
	store_sqlite.close(s);
	buf_release(&out);
	buf_release(&wanted);
}

/* 'answer' has these alerts, in this order, and nothing else. */
static void same_alerts(struct store *s, struct question q, const struct r_alert *const *wanted, size_t n, const char *base)
{
	struct buf out = { 0 }, packed = { 0 };
	struct store_page page;
	q.what = "alerts";
	must_ask(s, &q, &out, &page);
	for (size_t i = 0; i < n; i++)
		codec_pack(&packed, R_ALERT, wanted[i], base);
	assert_int_equal(page.count, n);
	assert_int_equal(out.len, packed.len);
	assert_memory_equal(out.p, packed.p, packed.len);
	buf_release(&out);
	buf_release(&packed);
}

/* As it was when each field had a column, with an alert of that time. */
static void make_older(void)
{
	sqlite3 *db;
	char path[100], insert[300];
	snprintf(path, sizeof path, "%s/alerts.db", dir);
	snprintf(insert, sizeof insert, "INSERT INTO alerts(id, revision, action, time, epoch, ingested, app_breed, client_payload_bytes,"
					" peers) VALUES(x'00000000000000010000000000000001', 1, 1, %llu, 1, 1, 'Fun', 5, 7)", T0);
	const char *const sql[] = { "ALTER TABLE alerts DROP COLUMN rest",
				    "ALTER TABLE alerts ADD COLUMN app_breed TEXT NOT NULL COLLATE NOCASE DEFAULT ''",
				    "ALTER TABLE alerts ADD COLUMN client_payload_bytes INTEGER NOT NULL DEFAULT 0",
				    "ALTER TABLE alerts ADD COLUMN peers INTEGER NOT NULL DEFAULT 0", "PRAGMA user_version=1", insert };
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (size_t i = 0; i < sizeof sql / sizeof *sql; i++)
		assert_int_equal(sqlite3_exec(db, sql[i], NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/*
 * Fields without a column of their own are filtered and sorted by like all, and so are rows of a table that had columns for them
 * when it was made, until a later revision comes.
 */
static void rare_fields(void **unused)
{
	(void)unused;
	static const char strs[] = "\0SafeFun";
	struct r_alert a = { .alert = { .id = { 1, 1 }, .revision = 1, .action = ACT_ENGAGE, .time = T0 },
			     .flow_n = { .client_payload = 5 }, .flow_app = { .breed = { 5, 3 } }, .host = { .peers = 7 } };
	struct r_alert b = { .alert = { .id = { 1, 2 }, .revision = 1, .time = T0 + SEC }, .flow_n = { .client_payload = 9 },
			     .flow_app = { .breed = { 1, 4 } } };
	store_sqlite.close(open_store(STORE_ALERTS));
	make_older();
	struct store *s = open_store(STORE_ALERTS), *r = open_store(STORE_READ);
	good(s, store_sqlite.begin(s, 1, T0));
	good(s, store_sqlite.put(s, R_ALERT, &b, strs, 1));
	good(s, store_sqlite.commit(s, 2));
	same_alerts(r, (struct question){ .sort = "-client.payload_bytes" }, (const struct r_alert *[]){ &b, &a }, 2, strs);
	same_alerts(r, (struct question){ .filter = "app.breed = fun and peers = 7" }, (const struct r_alert *[]){ &a }, 1, strs);
	same_alerts(r, (struct question){ .filter = "app.breed = safe or peers > 9" }, (const struct r_alert *[]){ &b }, 1, strs);
	a.alert.revision = 2;
	a.flow_n.client_payload = 11;
	a.host.peers = 0;
	a.flow_app.breed = (struct str){ 1, 4 };
	good(s, store_sqlite.begin(s, 1, T0));
	good(s, store_sqlite.put(s, R_ALERT, &a, strs, 2));
	good(s, store_sqlite.commit(s, 3));
	same_alerts(r, (struct question){ .filter = "app.breed = Safe", .sort = "-client.payload_bytes" },
		    (const struct r_alert *[]){ &a, &b }, 2, strs);
	same_alerts(r, (struct question){ .filter = "app.breed = Fun or peers = 7" }, NULL, 0, strs);
	good(s, store_sqlite.begin(s, 2, T0)); /* what is released since its run was lost is read from there, too */
	good(s, store_sqlite.commit(s, 1));
	a.alert.revision = 3;
	a.alert.action = ACT_RELEASE;
	a.alert.release_cause = CAUSE_LOST;
	a.alert.end = T0;
	same_alerts(r, (struct question){ .sort = "time" }, (const struct r_alert *[]){ &a, &b }, 2, strs);
	store_sqlite.close(r);
	store_sqlite.close(s);
}

/* Is this flow where it belongs behind that one: ports up, VLANs down in each, packets up in each of those? */
static bool follows(const struct r_flow *f, const struct r_flow *was)
{
	if (f->key.server_port != was->key.server_port)
		return f->key.server_port > was->key.server_port;
	if (f->key.vlan != was->key.vlan)
		return f->key.vlan < was->key.vlan;
	return f->n.client_packets >= was->n.client_packets;
}

/* Over the files of four hours; many flows have the same values. */
static void pages_by_some_fields(void **unused)
{
	(void)unused;
	enum { N = 400 };
	struct question q = { .what = "flows", .sort = "server.port,-vlan,client.packets", .limit = 33 };
	struct store *s = open_store(STORE_FLOWS), *r;
	struct buf out = { 0 }, b = { 0 }, err = { 0 };
	struct r_flow f, was = { 0 };
	struct store_page page;
	unsigned n = 0, seen[N] = { 0 };
	char cursor[sizeof page.next] = "";
	good(s, store_sqlite.begin(s, 1, T0));
	for (uint64_t i = 0; i < N; i++) {
		make_flow(&f, &b, i, T0 + i * 36 * SEC, 0);
		good(s, store_sqlite.put(s, R_FLOW, &f, b.p, i + 1));
	}
	good(s, store_sqlite.commit(s, N + 1));
	r = open_store(STORE_READ);
	q.cursor = cursor;
	do {
		must_ask(r, &q, &out, &page);
		struct codec_reader reader = { .base = out.p, .len = out.len };
		for (; codec_peek(&reader) == R_FLOW && codec_read(&reader, &f) == 1; was = f, n++) {
			assert_true(n == 0 || follows(&f, &was));
			seen[f.key.id.hi - 1]++;
		}
		memcpy(cursor, page.next, sizeof cursor);
	} while (*cursor);
	assert_int_equal(n, N);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(seen[i], 1);
	static const char *const none[] = { "server.port,", ",vlan", "vlan,nothing", "vlan,app", "vlan,score,bytes,packets" };
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		assert_int_equal(ask(r, &(struct question){ .what = "flows", .sort = none[i] }, &out, &page, &err), 400);
	store_sqlite.close(r);
	store_sqlite.close(s);
	buf_release(&out);
	buf_release(&b);
	buf_release(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_run_has_its_own, fresh),
		cmocka_unit_test_setup(files_know_their_runs, fresh),
		cmocka_unit_test_setup(alerts_by_index, fresh),
		cmocka_unit_test_setup(hosts_have_notes, fresh),
		cmocka_unit_test_setup(noted_hosts_are_bounded, fresh),
		cmocka_unit_test_setup(commits_move_the_revision, fresh),
		cmocka_unit_test_setup(removed_files_are_noticed, fresh),
		cmocka_unit_test_setup(records_are_as_they_were, fresh),
		cmocka_unit_test_setup(rare_fields, fresh),
		cmocka_unit_test_setup(pages_by_some_fields, fresh),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("store", tests, store_begin, store_end);
}

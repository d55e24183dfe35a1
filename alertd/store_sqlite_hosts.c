/* What people say of hosts: a table in alerts.db. */
#include <stdio.h>

#include "codec.h"
#include "store_sqlite.h"

#define MAX_ALIAS 128
#define MAX_NOTES 1024

void hosts_ddl(struct buf *sql)
{
	buf_adds(sql, "CREATE TABLE IF NOT EXISTS host_notes (ip BLOB, vlan INTEGER, alias TEXT NOT NULL, notes TEXT NOT NULL,"
		      " author TEXT NOT NULL, updated INTEGER NOT NULL, PRIMARY KEY(ip, vlan)) WITHOUT ROWID;");
}

/* NULL stays NULL. */
static void bind_text(sqlite3_stmt *st, int at, const char *text)
{
	sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC);
}

/* Runs a statement with the key of a host and, as far as it asks for them, what is said of it. Rows changed, -1. */
static int run(struct store *s, const char *sql, const struct store_host *h, uint64_t now)
{
	sqlite3_stmt *st;
	int changed = -1;
	if (store_prepare(s, s->db, sql, &st) < 0)
		return -1;
	sqlite3_bind_blob(st, 1, &h->ip, sizeof h->ip, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, h->vlan);
	if (sqlite3_bind_parameter_count(st) > 2) {
		bind_text(st, 3, h->alias);
		bind_text(st, 4, h->notes);
		bind_text(st, 5, h->actor);
		sqlite3_bind_int64(st, 6, (sqlite3_int64)now);
	}
	if (sqlite3_step(st) == SQLITE_DONE)
		changed = sqlite3_changes(s->db);
	else
		store_fail(s, s->db, "host_notes");
	sqlite3_finalize(st);
	return changed;
}

/* Packs the hosts of a statement; how many, -1. */
static int read_hosts(struct store *s, sqlite3_stmt *st, struct buf *out)
{
	struct buf arena = { 0 };
	int n = 0, rc;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct r_host h = { .host.vlan = (uint16_t)sqlite3_column_int(st, 1) };
		buf_reset(&arena);
		if (sqlite3_column_bytes(st, 0) == sizeof h.host.ip)
			memcpy(&h.host.ip, sqlite3_column_blob(st, 0), sizeof h.host.ip);
		h.host.alias = str_put_raw(&arena, (const char *)sqlite3_column_text(st, 2), (size_t)sqlite3_column_bytes(st, 2));
		h.host.notes = str_put_raw(&arena, (const char *)sqlite3_column_text(st, 3), (size_t)sqlite3_column_bytes(st, 3));
		codec_pack(out, R_HOST, &h, arena.p);
		n++;
	}
	buf_release(&arena);
	return rc == SQLITE_DONE ? n : store_fail(s, s->db, "host_notes");
}

static unsigned judge(const struct store_host *h, struct buf *err)
{
	if (h->alias && strlen(h->alias) > MAX_ALIAS)
		buf_addf(err, "alias: at most %d bytes", MAX_ALIAS);
	else if (h->notes && strlen(h->notes) > MAX_NOTES)
		buf_addf(err, "notes: at most %d bytes", MAX_NOTES);
	else if (!addr_is_set(&h->ip))
		buf_adds(err, "ip: an address is wanted");
	else
		return 200;
	return 400;
}

unsigned hosts_note(struct store *s, const struct store_host *h, uint64_t now, struct buf *err)
{
	/* A host that is there already may be changed when the table is full. */
	char insert[600];
	snprintf(insert, sizeof insert,
		 "INSERT INTO host_notes SELECT ?1, ?2, ifnull(?3, ''), ifnull(?4, ''), ?5, ?6"
		 " WHERE (SELECT count(*) FROM host_notes) < %d OR EXISTS (SELECT 1 FROM host_notes WHERE ip=?1 AND vlan=?2)"
		 " ON CONFLICT(ip, vlan) DO UPDATE SET alias=ifnull(?3, alias), notes=ifnull(?4, notes), author=?5, updated=?6",
		 STORE_NOTED);
	unsigned status = judge(h, err);
	if (status != 200)
		return status;
	int changed = run(s, insert, h, now);
	if (changed > 0)
		changed = run(s, "DELETE FROM host_notes WHERE ip=?1 AND vlan=?2 AND alias='' AND notes=''", h, now) < 0 ? -1 : 1;
	if (changed > 0)
		return 200;
	if (changed < 0)
		buf_adds(err, s->error);
	else
		buf_addf(err, "%d hosts have an alias or notes: take those of others away first", STORE_NOTED);
	return changed < 0 ? 503 : 409;
}

unsigned hosts_query(struct store *s, struct buf *out, struct store_page *page, struct buf *err)
{
	sqlite3_stmt *st = NULL;
	int n = -1;
	if (read_open_alerts(s) &&
	    store_prepare(s, s->db, "SELECT ip, vlan, alias, notes FROM host_notes ORDER BY ip, vlan", &st) == 0)
		n = read_hosts(s, st, out);
	sqlite3_finalize(st);
	if (n < 0) {
		buf_adds(err, s->error);
		return 503;
	}
	page->count = (uint32_t)n;
	page->total = page->scanned = (uint64_t)n;
	return 200;
}

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store_sqlite.h"

/* The number in the database is the place here: append only. */
static const char *const dimensions[][SUMS_FIELDS] = {
	{ "client.ip" },      { "server.ip" },     { "client.ip", "server.ip" }, { "app" },
	{ "app.category" },   { "proto" },         { "server.port" },            { "sensor" },
	{ "vlan" },           { "client.country" }, { "server.country" },        { "client.as" },
	{ "server.as" },      { "client.asn" },    { "server.asn" },             { "client.network" },
	{ "server.network" }, { "severity" },      { "app.master" },             { "client.pool" },
	{ "server.pool" },    { "client.local" },  { "server.local" },
};
#define DIMENSIONS (sizeof dimensions / sizeof *dimensions)

struct sum {
	uint64_t flows, sent, rcvd, packets, score, first, last;
};

int sums_dimension(const char *const *fields, unsigned n)
{
	for (unsigned d = 0; d < DIMENSIONS; d++) {
		unsigned i = 0;
		while (i < n && i < SUMS_FIELDS && dimensions[d][i] && strcmp(fields[i], dimensions[d][i]) == 0)
			i++;
		if (n && i == n && (n == SUMS_FIELDS || !dimensions[d][n]))
			return (int)d;
	}
	return -1;
}

bool sums_have(const char *field)
{
	for (unsigned i = 0; i < DIMENSIONS * SUMS_FIELDS; i++) {
		const char *name = dimensions[i / SUMS_FIELDS][i % SUMS_FIELDS];
		if (name && strcmp(name, field) == 0)
			return true;
	}
	return false;
}

static const struct column *find_column(const struct columns *cs, const char *field)
{
	for (unsigned i = 0; field && i < cs->n; i++)
		if (cs->c[i].own_name && strcmp(cs->c[i].field->name, field) == 0)
			return &cs->c[i];
	return NULL;
}

void sums_init(struct sums *u, const struct columns *flow)
{
	*u = (struct sums){ .n = DIMENSIONS, .column = xcalloc(DIMENSIONS * SUMS_FIELDS, sizeof *u->column) };
	keytab_init(&u->of, sizeof(struct sum));
	for (unsigned i = 0; i < DIMENSIONS * SUMS_FIELDS; i++)
		u->column[i] = find_column(flow, dimensions[i / SUMS_FIELDS][i % SUMS_FIELDS]);
}

void sums_drop(struct sums *u)
{
	keytab_clear(&u->of);
}

void sums_release(struct sums *u)
{
	keytab_clear(&u->of);
	free(u->column);
	buf_release(&u->key);
	*u = (struct sums){ 0 };
}

/* Flows that were stored before there were sums are counted from their rows. */
int sums_make(struct store *s, sqlite3 *db)
{
	char old[200] = "";
	if (!store_has_table(db, "sums"))
		snprintf(old, sizeof old, "INSERT OR IGNORE INTO stale SELECT last - last %% %llu FROM flows", SUMS_SPAN);
	int rc = store_exec(s, db,
			  "CREATE TABLE IF NOT EXISTS sums (dim INTEGER NOT NULL, span INTEGER NOT NULL, k1 NOT NULL, k2 NOT NULL,"
			  " epoch INTEGER NOT NULL, flows INTEGER NOT NULL, sent INTEGER NOT NULL, rcvd INTEGER NOT NULL,"
			  " packets INTEGER NOT NULL, score INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
			  " PRIMARY KEY(dim, span, k1, k2, epoch)) WITHOUT ROWID;"
			  "CREATE TABLE IF NOT EXISTS stale (span INTEGER PRIMARY KEY)");
	return rc == 0 ? store_exec(s, db, old) : rc;
}

/* -- intake -- */

static uint64_t span_of(const struct r_flow *f)
{
	return f->n.last - f->n.last % SUMS_SPAN;
}

/* Bytes of a value in a record; what the dimensions have. */
static size_t value_size(const struct field *f)
{
	return f->type == FT_ADDR ? sizeof(struct addr) : f->type == FT_U32 ? 4 : f->type == FT_U16 ? 2 : 1;
}

static void add_value(struct buf *key, const struct column *c, const void *rec, const char *base)
{
	const void *v = (const char *)rec + c->off;
	if (c->field->type == FT_STR)
		buf_add(key, str_ptr(base, *(const struct str *)v), ((const struct str *)v)->len);
	else
		buf_add(key, v, value_size(c->field));
}

/* dimension, length of the first value, span, values */
struct sum_key {
	uint16_t dimension, len;
	uint32_t pad;
	uint64_t span;
};

static void add_to(struct sum *sum, const struct r_flow *f)
{
	if (!sum->flows++)
		sum->first = UINT64_MAX;
	sum->sent += f->n.client_bytes;
	sum->rcvd += f->n.server_bytes;
	sum->packets += f->n.client_packets + f->n.server_packets;
	sum->score += f->judge.score;
	sum->first = f->key.first < sum->first ? f->key.first : sum->first;
	sum->last = f->n.last > sum->last ? f->n.last : sum->last;
}

void sums_add(struct sums *u, const struct r_flow *f, const char *base)
{
	struct sum_key head = { .span = span_of(f) };
	for (unsigned d = 0; d < u->n; d++) {
		const struct column *const *c = &u->column[d * SUMS_FIELDS];
		buf_reset(&u->key);
		buf_add(&u->key, &head, sizeof head);
		add_value(&u->key, c[0], f, base);
		head.dimension = (uint16_t)d;
		head.len = (uint16_t)(u->key.len - sizeof head);
		memcpy(u->key.p, &head, sizeof head);
		if (c[1])
			add_value(&u->key, c[1], f, base);
		add_to(keytab_put(&u->of, u->key.p, u->key.len), f);
	}
}

/* A value of the key, as the column of the flows has it; room is there until the statement has run. */
static void bind_value(sqlite3_stmt *st, int at, const struct column *c, const char *p, size_t len, uint64_t room[static 2])
{
	if (!c) {
		sqlite3_bind_int(st, at, 0);
	} else if (c->field->type == FT_STR) {
		sqlite3_bind_text(st, at, p, (int)len, SQLITE_STATIC);
	} else {
		memcpy(room, p, len);
		value_bind(st, at, c->field, room, NULL);
	}
}

static int put_sum(struct store *s, sqlite3_stmt *st, const struct sums *u, const struct sum *sum)
{
	size_t len;
	const char *key = keytab_key(sum, &len), *first = key + sizeof(struct sum_key);
	struct sum_key head;
	uint64_t room[SUMS_FIELDS][2];
	memcpy(&head, key, sizeof head);
	const struct column *const *c = &u->column[head.dimension * SUMS_FIELDS];
	sqlite3_bind_int(st, 1, head.dimension);
	sqlite3_bind_int64(st, 2, (sqlite3_int64)head.span);
	bind_value(st, 3, c[0], first, head.len, room[0]);
	bind_value(st, 4, c[1], first + head.len, len - sizeof head - head.len, room[1]);
	const uint64_t values[] = { sum->flows, sum->sent, sum->rcvd, sum->packets, sum->score, sum->first, sum->last };
	for (int i = 0; i < 7; i++)
		sqlite3_bind_int64(st, 6 + i, (sqlite3_int64)values[i]);
	int rc = sqlite3_step(st);
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? 0 : store_fail(s, sqlite3_db_handle(st), "sums");
}

int sums_flush(struct store *s, struct sums *u, uint64_t epoch)
{
	sqlite3_stmt *st = NULL;
	if (!u->of.n)
		return 0;
	int rc = store_prepare(s, s->db,
			       "INSERT INTO sums VALUES(?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(dim, span, k1, k2, epoch) DO UPDATE SET"
			       " flows=flows+excluded.flows, sent=sent+excluded.sent, rcvd=rcvd+excluded.rcvd,"
			       " packets=packets+excluded.packets, score=score+excluded.score, first=min(first, excluded.first),"
			       " last=max(last, excluded.last)", &st);
	if (rc == 0)
		sqlite3_bind_int64(st, 5, (sqlite3_int64)epoch);
	for (const struct sum *m = keytab_next(&u->of, NULL); m && rc == 0; m = keytab_next(&u->of, (void *)(uintptr_t)m))
		rc = put_sum(s, st, u, m);
	sqlite3_finalize(st);
	keytab_clear(&u->of);
	return rc;
}

int sums_stale(struct store *s, const struct r_flow *f)
{
	sqlite3_stmt *st = NULL;
	uint8_t id[16];
	int rc = store_prepare(s, s->db,
			       "INSERT OR IGNORE INTO stale SELECT last - last % ?4 FROM flows WHERE id=?1 AND part=?2 AND revision < ?3"
			       " UNION SELECT ?5 FROM flows WHERE id=?1 AND part=?2 AND revision < ?3", &st);
	if (rc < 0)
		return rc;
	id_to_blob(f->key.id, id);
	sqlite3_bind_blob(st, 1, id, sizeof id, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, f->n.part);
	sqlite3_bind_int64(st, 3, f->judge.revision);
	sqlite3_bind_int64(st, 4, (sqlite3_int64)SUMS_SPAN);
	sqlite3_bind_int64(st, 5, (sqlite3_int64)span_of(f));
	rc = sqlite3_step(st);
	sqlite3_finalize(st);
	if (rc != SQLITE_DONE)
		return store_fail(s, s->db, "stale");
	return 0;
}

/* -- when the file is complete -- */

/* The sums of a dimension's stale spans, from the flows. */
static void remake(struct buf *sql, unsigned d)
{
	struct buf by = { 0 };
	for (unsigned i = 0; i < SUMS_FIELDS && dimensions[d][i]; i++) {
		buf_adds(&by, i ? ",\"" : "\"");
		for (const char *p = dimensions[d][i]; *p; p++)
			buf_addc(&by, *p == '.' ? '_' : *p);
		buf_adds(&by, "\" COLLATE BINARY");
	}
	buf_addf(sql, "DELETE FROM sums WHERE dim=%u AND span IN (SELECT span FROM stale);"
		      "INSERT INTO sums SELECT %u, last - last %% %llu AS at, %s%s, epoch, count(*), sum(client_bytes), sum(server_bytes),"
		      " sum(client_packets+server_packets), sum(score), min(first), max(last) FROM flows"
		      " WHERE last - last %% %llu IN (SELECT span FROM stale) GROUP BY at, epoch, %s;",
		 d, d, SUMS_SPAN, buf_cstr(&by), dimensions[d][1] ? "" : ", 0", SUMS_SPAN, buf_cstr(&by));
	buf_release(&by);
}

int sums_reopen(struct store *s, sqlite3 *db)
{
	char sql[80];
	snprintf(sql, sizeof sql, "DELETE FROM sums WHERE span=%d", SUMS_WHOLE);
	return store_exec(s, db, sql);
}

int sums_complete(struct store *s, sqlite3 *db)
{
	struct buf sql = { 0 };
	bool stale = store_int(db, "SELECT count(*) FROM stale", 0) > 0;
	for (unsigned d = 0; d < DIMENSIONS && stale; d++)
		remake(&sql, d);
	buf_adds(&sql, "DELETE FROM stale;");
	buf_addf(&sql, "DELETE FROM sums WHERE span=%d;"
		       "INSERT INTO sums SELECT dim, %d, k1, k2, epoch, sum(flows), sum(sent), sum(rcvd), sum(packets), sum(score), min(first),"
		       " max(last) FROM sums GROUP BY dim, k1, k2, epoch;", SUMS_WHOLE, SUMS_WHOLE);
	int rc = store_exec(s, db, buf_cstr(&sql));
	buf_release(&sql);
	return rc;
}

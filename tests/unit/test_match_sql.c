/*
 * Random expressions over random records: what is printed parses back to the same and decides the same, and what SQL lets
 * through is all that matches (and no more, where it says so). The records are in a real table of SQLite.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "alertd/store_sqlite.h"
#include "alertd/store_sqlite_query.h"
#include "codec.h"
#include "match.h"

#define N_RECORDS     60
#define N_EXPRESSIONS 4000
#define N_VALUES      64

static uint64_t seed = 0x9e3779b97f4a7c15;

static unsigned dice(unsigned sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % sides;
}

#define PICK(list) list[dice(sizeof list / sizeof *list)]

static const char *const words[] = { "tls", "TLS", "Google", "www.example.org", "example.org.", "a", "", "a*b", "a?b", "a[b]",
				     "x'y", "caf\xc3\xa9", "CAF\xc3\x89", "100%", "back\\slash" };
static const char *const lists[] = { "", "one", "one\ntwo", "Two\nthree=3", "one=2097152\ntwo=-1.5\nbroken" };
static const char *const nets[] = { "10.0.0.0/8", "10.1.2.3", "::/0", "0.0.0.0/0", "2001:db8::/32", "192.0.2.0/24",
				    "10.1.2.0..10.1.2.9" };
static const char *const addrs[] = { "10.1.2.3", "10.255.0.1", "2001:db8::7", "192.0.2.1", "::1" };
static const uint64_t numbers[] = { 0, 1, 2, 6, 17, 80, 255, 443, 1024, 65535, 1731000412000000000 };

/* -- records -- */

static void fill(const struct field *f, void *v, struct buf *arena)
{
	const char *s;
	uint64_t n = PICK(numbers);
	switch (f->type) {
	case FT_STR:
		s = PICK(words);
		*(struct str *)v = str_put_raw(arena, s, strlen(s));
		break;
	case FT_LIST:
	case FT_MAP:
		s = PICK(lists);
		*(struct str *)v = str_put_raw(arena, s, strlen(s));
		break;
	case FT_ADDR:
		s = PICK(addrs);
		addr_parse(s, strlen(s), v);
		break;
	case FT_MAC:
		memcpy(v, "\2\0\0\0\0\1", 6);
		break;
	case FT_ID:
		*(struct id *)v = (struct id){ n, 7 };
		break;
	case FT_F64:
		*(double *)v = (double)n / 3;
		break;
	case FT_ENUM:
		*(uint8_t *)v = (uint8_t)(n % 4);
		break;
	case FT_FLAG:
		*(uint8_t *)v = n & 1;
		break;
	case FT_U16:
		*(uint16_t *)v = (uint16_t)n;
		break;
	case FT_U32:
		*(uint32_t *)v = (uint32_t)n;
		break;
	case FT_U64:
	case FT_TIME:
	case FT_DUR:
		*(uint64_t *)v = n;
		break;
	case FT_BIN:
		break;
	default:
		*(uint8_t *)v = (uint8_t)n;
	}
}

/* A third of the fields stay absent. */
static void fill_record(const struct rdesc *rd, char *rec, struct buf *arena)
{
	for (unsigned g = 0; g < rd->n_groups; g++)
		for (unsigned i = 0; i < rd->groups[g].n_fields; i++)
			if (dice(3) && strcmp(rd->groups[g].name, "note") != 0)
				fill(&rd->groups[g].fields[i], rec + rd->groups[g].off + rd->groups[g].fields[i].off, arena);
}

/* -- expressions -- */

static void add_value(struct buf *out, const struct field *f, bool range)
{
	const char *s;
	char text[32];
	switch (f ? f->type : FT_U64) {
	case FT_STR:
		s = PICK(words);
		match_quote(out, s, strlen(s));
		break;
	case FT_LIST:
	case FT_MAP:
		buf_adds(out, dice(2) ? "one" : dice(2) ? "TWO" : "w");
		break;
	case FT_ADDR:
		if (range)
			buf_adds(out, PICK(nets));
		else
			buf_adds(out, nets[dice(6)]);
		break;
	case FT_MAC:
		buf_adds(out, dice(2) ? "02:00:00:00:00:01" : "02:00:00:00:00:02");
		break;
	case FT_ID:
		buf_adds(out, id_str((struct id){ PICK(numbers), 7 }, text)[0] ? text : "00000000000000000000000001");
		break;
	case FT_ENUM:
		s = f->names[dice(2)];
		match_quote(out, s, strlen(s));
		break;
	case FT_FLAG:
		buf_adds(out, dice(2) ? "yes" : "false");
		break;
	case FT_TCPFLAGS:
		buf_adds(out, dice(2) ? "SA" : "F");
		break;
	case FT_PROTO:
		buf_adds(out, dice(2) ? "tcp" : "17");
		break;
	case FT_DUR:
		buf_adds(out, dice(2) ? "1ns" : "10s");
		break;
	case FT_TIME:
		buf_adds(out, dice(2) ? "2024-11-07T17:26:52Z" : "1970-01-01T00:00:00.000000002");
		break;
	default:
		buf_addf(out, "%u", dice(4) ? (unsigned)(PICK(numbers) % 256) : dice(256));
		if (range && dice(2))
			buf_adds(out, "..255");
	}
}

static void add_comparison(struct buf *out, const struct rdesc *rd)
{
	static const char *const pseudo[] = { "host", "port", "bytes", "packets", "duration", "either.ip", "either.mac",
					      "either.name" };
	static const char *const ops[] = { "=", "!=", "<", "<=", ">", ">=", "contains", "under", "like", "in", "not in", "" };
	const struct rgroup *g = &rd->groups[dice(rd->n_groups)];
	const struct field *f = &g->fields[dice(g->n_fields)];
	const char *name = f->name, *op = PICK(ops);
	unsigned off;
	if (dice(4) == 0) {
		name = PICK(pseudo);
		f = strcmp(name, "host") == 0 || strcmp(name, "either.ip") == 0 ? rdesc_field(rd, "client.ip", &off) :
		    strcmp(name, "either.mac") == 0			       ? rdesc_field(rd, "client.mac", &off) :
		    strcmp(name, "either.name") == 0			       ? rdesc_field(rd, "client.name", &off) :
		    strcmp(name, "duration") == 0			       ? rdesc_field(rd, "app_latency", &off) :
										 NULL;
	}
	buf_addf(out, "%s %s ", name, op);
	if (!*op)
		return;
	bool list = strstr(op, "in") && strcmp(op, "contains") != 0;
	if (list)
		buf_addc(out, '(');
	for (unsigned i = list ? 1 + dice(3) : 1; i; i--) {
		add_value(out, f, list);
		if (i > 1)
			buf_addc(out, ',');
	}
	if (list)
		buf_addc(out, ')');
}

static void add_expression(struct buf *out, const struct rdesc *rd, unsigned depth)
{
	switch (depth ? dice(5) : 4) {
	case 0:
		buf_adds(out, "not (");
		add_expression(out, rd, depth - 1);
		buf_addc(out, ')');
		break;
	case 1:
	case 2:
		buf_addc(out, '(');
		add_expression(out, rd, depth - 1);
		buf_adds(out, dice(2) ? " and " : " or ");
		add_expression(out, rd, depth - 1);
		buf_addc(out, ')');
		break;
	case 3:
		add_expression(out, rd, depth - 1);
		buf_adds(out, dice(2) ? " and " : " or ");
		add_expression(out, rd, depth - 1);
		break;
	default:
		add_comparison(out, rd);
	}
}

/* -- the table -- */

struct table {
	enum rtype type;
	const struct rdesc *rd;
	sqlite3 *db;
	struct columns cols;
	const char **names;
	char *recs;
	struct buf arena;
};

static void must(struct table *t, bool good, const char *what)
{
	if (!good)
		fail_msg("%s: %s", what, sqlite3_errmsg(t->db));
}

static void table_open(struct table *t, enum rtype type)
{
	static const char *const skip[] = { "note", NULL };
	struct buf sql = { 0 };
	sqlite3_stmt *st;
	t->type = type;
	t->rd = rdesc_get(type);
	columns_init(&t->cols, type, skip);
	t->names = xcalloc(t->cols.n + 1, sizeof *t->names);
	for (unsigned i = 0, n = 0; i < t->cols.n; i++)
		if (t->cols.c[i].own_name)
			t->names[n++] = t->cols.c[i].name;
	t->recs = xcalloc(N_RECORDS, t->rd->size);
	buf_reserve(&t->arena, 1);
	for (unsigned i = 0; i < N_RECORDS; i++)
		fill_record(t->rd, t->recs + i * t->rd->size, &t->arena);
	must(t, sqlite3_open(":memory:", &t->db) == SQLITE_OK, "open");
	buf_adds(&sql, "CREATE TABLE t(");
	columns_ddl(&t->cols, 0, t->cols.n, &sql);
	buf_adds(&sql, ")");
	must(t, sqlite3_exec(t->db, buf_cstr(&sql), NULL, NULL, NULL) == SQLITE_OK, buf_cstr(&sql));
	buf_reset(&sql);
	buf_adds(&sql, "INSERT INTO t VALUES(?");
	for (unsigned i = 1; i < t->cols.n; i++)
		buf_adds(&sql, ",?");
	buf_addc(&sql, ')');
	must(t, sqlite3_prepare_v2(t->db, buf_cstr(&sql), -1, &st, NULL) == SQLITE_OK, buf_cstr(&sql));
	for (unsigned i = 0; i < N_RECORDS; i++) {
		columns_bind(st, &t->cols, NULL, t->recs + i * t->rd->size, t->arena.p);
		must(t, sqlite3_step(st) == SQLITE_DONE, "insert");
		sqlite3_reset(st);
	}
	sqlite3_finalize(st);
	buf_release(&sql);
}

static void table_close(struct table *t)
{
	sqlite3_close(t->db);
	columns_release(&t->cols);
	free(t->names);
	free(t->recs);
	buf_release(&t->arena);
}

/* Which records the database lets through. */
static bool select_rows(struct table *t, const struct match *m, bool through[N_RECORDS])
{
	struct match_value values[N_VALUES];
	struct buf sql = { 0 };
	sqlite3_stmt *st;
	bool exact;
	memset(through, 0, N_RECORDS * sizeof *through);
	buf_adds(&sql, "SELECT rowid FROM t WHERE ");
	size_t n = match_sql(m, t->names, &sql, values, N_VALUES, &exact);
	must(t, sqlite3_prepare_v2(t->db, buf_cstr(&sql), -1, &st, NULL) == SQLITE_OK, buf_cstr(&sql));
	assert_int_equal(sqlite3_bind_parameter_count(st), n);
	for (size_t i = 0; i < n; i++)
		match_value_bind(st, (int)i + 1, &values[i]);
	int rc;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		through[sqlite3_column_int(st, 0) - 1] = true;
	must(t, rc == SQLITE_DONE, buf_cstr(&sql));
	sqlite3_finalize(st);
	buf_release(&sql);
	return exact;
}

/* Returns how many records matched, or -1 if the expression was refused (operators and fields are drawn blindly). */
static int one(struct table *t, const char *text, unsigned *exact_count)
{
	struct match_error e;
	struct buf printed = { 0 }, again = { 0 };
	bool through[N_RECORDS];
	int found = 0;
	struct match *m = match_parse(text, t->type, &e), *n;
	if (!m) {
		if (!strstr(e.text, "cannot be used with") && !strstr(e.text, "was expected"))
			fail_msg("%s: %zu: %s", text, e.column, e.text);
		return -1;
	}
	match_print(m, &printed);
	n = match_parse(buf_cstr(&printed), t->type, &e);
	if (!n)
		fail_msg("%s: printed as %s: %s", text, buf_cstr(&printed), e.text);
	match_print(n, &again);
	assert_string_equal(buf_cstr(&printed), buf_cstr(&again));
	bool exact = select_rows(t, m, through);
	*exact_count += exact;
	for (unsigned i = 0; i < N_RECORDS; i++) {
		const char *rec = t->recs + i * t->rd->size;
		bool yes = match_eval(m, rec, t->arena.p);
		found += yes;
		if (yes != match_eval(n, rec, t->arena.p))
			fail_msg("%s and what it prints, %s, differ", text, buf_cstr(&printed));
		if (yes && !through[i])
			fail_msg("%s: SQL loses record %u", text, i);
		if (exact && !yes && through[i])
			fail_msg("%s: SQL is not exact for record %u", text, i);
	}
	match_free(m);
	match_free(n);
	buf_release(&printed);
	buf_release(&again);
	return found;
}

static void test_random(void **state)
{
	enum rtype type = *(enum rtype *)*state;
	struct table t = { 0 };
	unsigned taken = 0, some = 0, exact = 0;
	table_open(&t, type);
	for (int i = 0; i < N_EXPRESSIONS; i++) {
		struct buf text = { 0 };
		add_expression(&text, t.rd, dice(4));
		int found = one(&t, buf_cstr(&text), &exact);
		taken += found >= 0;
		some += found > 0 && found < N_RECORDS;
		buf_release(&text);
	}
	table_close(&t);
	print_message("%u of %d expressions taken, %u decide, %u exact in SQL\n", taken, N_EXPRESSIONS, some, exact);
	assert_true(taken > N_EXPRESSIONS / 4 && some > taken / 4 && exact > taken / 4);
}

int main(void)
{
	static enum rtype flow = R_FLOW, alert = R_ALERT;
	const struct CMUnitTest tests[] = {
		{ "random expressions over flows", test_random, NULL, NULL, &flow },
		{ "random expressions over alerts", test_random, NULL, NULL, &alert },
	};
	return cmocka_run_group_tests_name("match_sql", tests, NULL, NULL);
}

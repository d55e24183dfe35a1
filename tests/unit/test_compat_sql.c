#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apid/compat_sql.h"
#include "match.h"

/* The condition as the store gets it; NULL if it is refused. */
static const char *where(const struct sql_table *t, const char *text)
{
	static char out[512];
	struct sql_query q;
	struct sql_clauses c = { .where = text };
	bool good = sql_parse(&q, t, &c);
	snprintf(out, sizeof out, "%s", buf_cstr(&q.where));
	sql_release(&q);
	return good ? out : NULL;
}

static void test_where(void **state)
{
	static const struct {
		const char *sql, *match;
	} rows[] = {
		{ "", "" },
		{ "SERVER_LOCATION=1", "(server.local = false)" },
		{ "(SERVER_LOCATION=1)", "((server.local = false))" },
		{ "IPV4_SRC_ADDR=(\"192.168.1.1\")", "(client.ip = \"192.168.1.1\")" },
		{ "protocol <> 6 or IP_DST_PORT in (80, 443)", "(proto != \"6\") or (server.port = \"80\" or server.port = \"443\")" },
		{ "not (SCORE > 10) and INFO like '%.example.org'",
		  "not ((score > \"10\")) and (hostname like \"*.example.org\")" },
		{ "TOTAL_BYTES between 1 and 2", "(bytes >= \"1\" and bytes <= \"2\")" },
		{ "SEVERITY >= 5", "(severity >= \"error\")" },
		{ "FIRST_SEEN >= 1700000000", "(first >= \"2023-11-14T22:13:20.000000Z\")" },
		{ "INFO = 'it''s'", "(hostname = \"it's\")" },
		{ "INFO = '\" or true or \"'", "(hostname = \"\\\" or true or \\\"\")" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *got = where(&sql_flows, rows[i].sql);
		assert_non_null(got);
		assert_string_equal(got, rows[i].match);
	}
	assert_string_equal(where(&sql_alerts, "alert_id != 15"), "(type_id != \"15\")");
}

static void test_refused(void **state)
{
	static const char *const rows[] = {
		"1=1", "SCORE", "SCORE >", "SCORE > SCORE", "SCORE > (SELECT 1)", "SCORE > 1; DROP TABLE flows", "SCORE > 1 --",
		"SCORE > 1 UNION SELECT 1", "password = 'x'", "INFO = 'x", "INFO = \"x", "(SCORE > 1", "SCORE > 1)", "SCORE IN 1",
		"SCORE IN (", "SCORE IN (1", "SCORE IN ()", "INFO LIKE 1", "load_extension('x')", "FIRST_SEEN / 2 > 1", "PROBE_IP = 1",
		"SCORE > 1 AND", "NOT", "IPV4_SRC_ADDR = 'not an address'", "\x01", "SCORE > 1 \xff",
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (where(&sql_flows, rows[i]))
			fail_msg("taken: %s", rows[i]);
	char deep[400] = "";
	for (int i = 0; i < 100; i++)
		strcat(deep, "(");
	strcat(deep, "SCORE > 1");
	assert_null(where(&sql_flows, deep));
}

static void test_select(void **state)
{
	struct sql_query q;
	(void)state;
	struct sql_clauses c = { "IPV4_DST_ADDR_FORMATTED, IP_DST_PORT, SUM(TOTAL_BYTES) TOT, count(*) AS n", NULL,
				 "IPV4_DST_ADDR_FORMATTED,IP_DST_PORT", "epoch_begin, TOT DESC" };
	assert_true(sql_parse(&q, &sql_flows, &c));
	assert_int_equal(q.n_items, 4);
	assert_string_equal(q.items[2].name, "TOT");
	assert_int_equal(q.items[2].function, SQL_TOTAL);
	assert_string_equal(q.items[3].name, "n");
	assert_null(q.items[3].column);
	assert_int_equal(q.n_groups, 2);
	assert_true(q.grouped && q.desc);
	assert_int_equal(q.order, 2);
	sql_release(&q);
	c = (struct sql_clauses){ "*", "", "", "epoch_begin" }; /* no such column: as stored */
	assert_true(sql_parse(&q, &sql_alerts, &c));
	assert_int_equal(q.order, -1);
	assert_false(q.grouped);
	sql_release(&q);
	c = (struct sql_clauses){ "COUNT(INFO), MIN(FIRST_SEEN), MAX(PROTOCOL), AVG(SCORE)", NULL, NULL, NULL };
	assert_true(sql_parse(&q, &sql_flows, &c));
	sql_release(&q);
	static const char *const bad[] = { "secret", "SUM(secret)", "readfile(INFO)", "SUM(INFO", "INFO INFO INFO", "*, INFO", "INFO,",
					   "1", "(INFO)", "SUM(*)", "MAX(INFO)", "COUNT(*), AVG(IPV4_SRC_ADDR)" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		c = (struct sql_clauses){ bad[i], NULL, NULL, NULL };
		if (sql_parse(&q, &sql_flows, &c))
			fail_msg("taken: %s", bad[i]);
		assert_true(*q.error);
		sql_release(&q);
	}
}

/* Every column has fields that exist, and every name that a condition uses is one of the match language. */
static void test_columns(void **state)
{
	static const struct sql_table *const tables[] = { &sql_flows, &sql_alerts };
	(void)state;
	for (int t = 0; t < 2; t++)
		for (const struct sql_column *c = tables[t]->columns; c->name; c++) {
			unsigned off;
			struct match_error e;
			const char *name = c->match ? c->match : c->field;
			if (c->kind == SQL_FIXED)
				continue;
			if (!rdesc_field(rdesc_get(tables[t]->type), c->field, &off))
				fail_msg("%s: there is no field %s", c->name, c->field);
			if (c->field2 && !rdesc_field(rdesc_get(tables[t]->type), c->field2, &off))
				fail_msg("%s: there is no field %s", c->name, c->field2);
			struct match *m = *name ? match_parse(name, tables[t]->type, &e) : NULL;
			if (*name && !m)
				fail_msg("%s: %s: %s", c->name, name, e.text);
			match_free(m);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_where), cmocka_unit_test(test_refused),
					    cmocka_unit_test(test_select), cmocka_unit_test(test_columns) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "match.h"

static struct r_flow sample(struct buf *a)
{
	struct r_flow f = { 0 };
	addr_parse("10.1.2.3", 8, &f.key.client);
	addr_parse("2001:db8::7", 11, &f.key.server);
	f.key.client_port = 51514;
	f.key.server_port = 443;
	f.key.proto = 6;
	f.key.first = 1731000412000000000;
	f.n.last = f.key.first + 90000000000;
	f.n.client_bytes = 2u << 20;
	f.n.server_bytes = 10;
	f.n.client_flags = 0x12;
	f.app.app = str_put(a, "Google", 6, 99);
	f.app.host = str_put(a, "www.Example.org", 15, 99);
	f.app.risks = str_put_raw(a, "one\ntwo", 7);
	f.judge.severity = SEV_ERROR;
	f.judge.client_local = 1;
	return f;
}

static void test_flow(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int want;
	} cases[] = {
		{ "", 1 },
		{ "server.port = 443", 1 },
		{ "server.port != 443", 0 },
		{ "port = 443", 1 },
		{ "either.port = 51514", 1 },
		{ "either.port != 443", 0 },
		{ "client.ip in 10.0.0.0/8", 1 },
		{ "client.ip in (192.0.2.0/24, 10.1.2.0/24)", 1 },
		{ "client.ip not in 10.0.0.0/8", 0 },
		{ "host = 2001:db8::7", 1 },
		{ "server.ip in 10.0.0.0/8", 0 },
		{ "hostname under example.org", 1 },
		{ "hostname under .ORG", 1 },
		{ "hostname under ample.org", 0 },
		{ "hostname = www.example.org", 1 },
		{ "hostname like 'www.*.org'", 1 },
		{ "hostname like 'w?w.*'", 1 },
		{ "hostname contains AMPLE", 1 },
		{ "severity >= warning and severity < critical", 1 },
		{ "proto = tcp", 1 },
		{ "proto in (udp, 17)", 0 },
		{ "bytes > 1M", 1 },
		{ "bytes > 3M", 0 },
		{ "duration >= 90s", 1 },
		{ "duration > 90s", 0 },
		{ "first >= 2024-11-07 and first < 2024-11-08T00:00:00Z", 1 },
		{ "first < 2024-11-07T18:26:52+01:00", 0 },
		{ "risk.names = two", 1 },
		{ "risk.names = three", 0 },
		{ "not risk.names = three", 1 },
		{ "client.tcp_flags contains S", 1 },
		{ "client.tcp_flags contains F", 0 },
		{ "client.local", 1 },
		{ "server.local", 0 },
		{ "client.local = true and not server.local", 1 },
		{ "app in (TLS, google)", 1 },
		{ "server.port in 400..500", 1 },
		{ "server.port in (1..10, 8000..9000)", 0 },
		{ "server.port = 80 or (proto = tcp && ! app = TLS)", 1 },
		{ "tls.sni", 0 },
	};
	struct buf a = { 0 };
	struct r_flow f = sample(&a);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct match_error e;
		struct match *m = match_parse(cases[i].text, R_FLOW, &e);
		if (!m)
			fail_msg("%s: %zu: %s", cases[i].text, e.column, e.text);
		if (match_eval(m, &f, a.p) != (bool)cases[i].want)
			fail_msg("%s: wanted %d", cases[i].text, cases[i].want);
		struct buf text = { 0 }, again = { 0 };
		match_print(m, &text);
		struct match *n = match_parse(buf_cstr(&text), R_FLOW, &e);
		assert_non_null(n);
		match_print(n, &again);
		assert_string_equal(buf_cstr(&text), buf_cstr(&again));
		assert_int_equal(match_eval(n, &f, a.p), cases[i].want);
		match_free(m);
		match_free(n);
		buf_release(&text);
		buf_release(&again);
	}
	buf_release(&a);
}

static void test_mistakes(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t column;
	} cases[] = {
		{ "server.prt = 443", 1 },     { "server.port = x", 15 },      { "server.port =", 14 },
		{ "(server.port = 1", 17 },    { "server.port = 1 foo", 17 },  { "client.ip = 10.0.0.0/40", 13 },
		{ "hostname > 3", 10 },        { "hostname = 'open", 12 },     { "severity = loud", 12 },
		{ "not", 4 },                  { "server.port in (1, 2", 21 }, { "# comment", 1 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct match_error e;
		if (match_parse(cases[i].text, R_FLOW, &e))
			fail_msg("taken: %s", cases[i].text);
		if (e.column != cases[i].column)
			fail_msg("%s: column %zu, wanted %zu: %s", cases[i].text, e.column, cases[i].column, e.text);
	}
	char deep[300];
	struct match_error e;
	memset(deep, '(', sizeof deep - 1);
	deep[sizeof deep - 1] = '\0';
	assert_null(match_parse(deep, R_FLOW, &e));
	assert_string_equal(e.text, "nested too deep");
}

static void test_sql(void **state)
{
	(void)state;
	static const struct {
		const char *text, *sql;
		int exact;
	} cases[] = {
		{ "", "1", 1 },
		{ "server.port = 443", "(\"server_port\" = ?1)", 1 },
		{ "server.port = 443 and hostname under example.org", "((\"server_port\" = ?1))", 0 },
		{ "server.port = 443 or hostname under example.org", "1", 0 },
		{ "not server.port = 443", "NOT (\"server_port\" = ?1)", 1 },
		{ "not hostname under example.org", "1", 0 },
		{ "host = 10.0.0.1", "((\"client_ip\" BETWEEN ?1 AND ?2) OR (\"server_ip\" BETWEEN ?3 AND ?4))", 1 },
		{ "app = TLS", "(\"app\" = ?1 COLLATE NOCASE)", 1 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct match_error e;
		struct match_value v[16];
		struct buf sql = { 0 };
		bool exact;
		struct match *m = match_parse(cases[i].text, R_FLOW, &e);
		assert_non_null(m);
		match_sql(m, NULL, &sql, v, 16, &exact);
		assert_string_equal(buf_cstr(&sql), cases[i].sql);
		assert_int_equal(exact, cases[i].exact);
		match_free(m);
		buf_release(&sql);
	}
}

static void test_alert_fields(void **state)
{
	(void)state;
	struct r_alert a = { 0 };
	struct match_error e;
	a.alert.score = 100;
	a.flow_judge.score = 7;
	a.flow.server_port = 22;
	struct match *m = match_parse("score = 100 and flow.score = 7 and flow.server.port = 22 and server.port = 22", R_ALERT, &e);
	assert_non_null(m);
	assert_true(match_eval(m, &a, ""));
	match_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_sql),
		cmocka_unit_test(test_alert_fields),
	};
	return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}

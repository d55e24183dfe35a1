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
	f.app.http_url = str_put(a, "/a*b?c\\d \"q\"", 13, 99);
	mac_parse("02:00:00:00:00:01", 17, &f.key.client_mac);
	id_parse("01JCS0Z2V0ABCDEFGHJKMNPQRS", 26, &f.key.id);
	f.n.rtt_client = 1500000;
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
		{ "not tls.sni", 1 },
		{ "tls.sni = \"\"", 1 },
		{ "hostname not under example.org", 0 },
		{ "hostname under example.org.", 1 },
		{ "hostname under www.example.org", 1 },
		{ "hostname under w.example.org", 0 },
		{ "hostname like WWW*", 1 },
		{ "hostname like *w", 0 },
		{ "hostname like '*.*.*'", 1 },
		{ "hostname like ''", 0 },
		{ "hostname like *", 1 },
		{ "http.url like '/a\\\\*b\\\\?c*'", 1 },
		{ "http.url like '/a\\\\?b*'", 0 },
		{ "http.url = '/a*b?c\\\\d \"q\"'", 1 },
		{ "http.url = \"/a*b?c\\\\d \\\"q\\\"\"", 1 },
		{ "risk.names != three", 1 },
		{ "risk.names != two", 0 },
		{ "risk.names in (x, ONE)", 1 },
		{ "risk.names contains tw", 1 },
		{ "risk.names contains 'e\nt'", 0 },
		{ "risk.details", 0 },
		{ "risk.details = ''", 0 },
		{ "client.mac = 02:00:00:00:00:01", 1 },
		{ "either.mac = 02-00-00-00-00-01", 1 },
		{ "server.mac != 02:00:00:00:00:01", 1 },
		{ "server.mac = 00:00:00:00:00:00", 0 },
		{ "server.mac", 0 },
		{ "id = 01jcs0z2v0abcdefghjkmnpqrs", 1 },
		{ "id in (01JCS0Z2V0ABCDEFGHJKMNPQRT, 01JCS0Z2V0ABCDEFGHJKMNPQRS)", 1 },
		{ "tunnel.src in ::/0", 0 },
		{ "tunnel.src != 10.0.0.1", 1 },
		{ "tunnel.src < 10.0.0.1", 0 },
		{ "client.ip in ::/0", 1 },
		{ "client.ip in 0.0.0.0/0", 1 },
		{ "server.ip in 0.0.0.0/0", 0 },
		{ "client.ip in 10.1.2.0..10.1.2.3", 1 },
		{ "client.ip > 10.1.0.0/16", 0 },
		{ "client.ip <= 10.1.0.0/16", 1 },
		{ "server.ip in (2001:db8::1..2001:db8::7)", 1 },
		{ "either.ip in 2001:db8::/32", 1 },
		{ "either.ip not in 2001:db8::/32", 0 },
		{ "host != 10.1.2.3", 0 },
		{ "host != 10.1.2.4", 1 },
		{ "tcp.rtt_client > 1ms and tcp.rtt_client <= 1.5ms", 1 },
		{ "tcp.rtt_server", 0 },
		{ "bytes = 2097162", 1 },
		{ "client.bytes = 2M", 1 },
		{ "client.bytes = 2MiB", 1 },
		{ "client.bytes = 0x200000", 1 },
		{ "client.port >= 51K and client.port < 52K", 1 },
		{ "first = 2024-11-07T17:26:52Z", 1 },
		{ "first = 2024-11-07T18:26:52+01:00", 1 },
		{ "first = '2024-11-07 17:26:52'", 1 },
		{ "first = 1731000412", 1 },
		{ "first > 2024-11-07T17:26:51.999999999Z and first < 2024-11-07T17:26:52.000000001Z", 1 },
		{ "first in 2024-11-07..2024-11-08", 1 },
		{ "client.tcp_flags = SA", 1 },
		{ "client.tcp_flags = S", 0 },
		{ "client.tcp_flags in (S, AS)", 1 },
		{ "client.tcp_flags contains as", 1 },
		{ "server.tcp_flags = ''", 1 },
		{ "severity in notice..error", 1 },
		{ "tunnel.kind", 0 },
		{ "tunnel.kind = ''", 1 },
		{ "TRUE = 1 or client.local", -1 },
		{ "client.local != no", 1 },
		{ "not not client.local", 1 },
		{ "not (client.local and proto = udp)", 1 },
		{ "client.local AND proto = udp OR proto = TCP", 1 },
		{ "client.local and (proto = udp or proto = tcp)", 1 },
		{ "app = and or app = google", 1 },
		{ "vlan = 0", 1 },
		{ "vlan", 0 },
	};
	struct buf a = { 0 };
	struct r_flow f = sample(&a);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct match_error e;
		struct match *m = match_parse(cases[i].text, R_FLOW, &e);
		if (cases[i].want < 0) {
			assert_null(m);
			continue;
		}
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

static void test_print(void **state)
{
	(void)state;
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "" },
		{ "  server.port==443 ", "server.port = 443" },
		{ "proto<>tcp&&!app='Google Mail'", "proto != tcp and not app = \"Google Mail\"" },
		{ "(((vlan)))", "vlan" },
		{ "vlan and (vlan and vlan)", "vlan and vlan and vlan" },
		{ "vlan or vlan and vlan", "vlan or vlan and vlan" },
		{ "(vlan or vlan) and vlan", "(vlan or vlan) and vlan" },
		{ "not (vlan and vlan)", "not (vlan and vlan)" },
		{ "not (vlan or vlan)", "not (vlan or vlan)" },
		{ "not(not(vlan))", "not not vlan" },
		{ "vlan not in (1,2..3)", "not vlan in (1, 2..3)" },
		{ "client.ip in 10.0.0.0/8", "client.ip in (10.0.0.0/8)" },
		{ "app = ''", "app = \"\"" },
		{ "app = 'a\"b\\\\c'", "app = \"a\\\"b\\\\c\"" },
		{ "app = caf\xc3\xa9", "app = caf\xc3\xa9" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct match_error e;
		struct buf out = { 0 };
		struct match *m = match_parse(cases[i].text, R_FLOW, &e);
		if (!m)
			fail_msg("%s: %zu: %s", cases[i].text, e.column, e.text);
		match_print(m, &out);
		assert_string_equal(buf_cstr(&out), cases[i].want);
		match_free(m);
		buf_release(&out);
	}
}

static void test_mistakes(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t column;
		const char *message;
	} cases[] = {
		{ "server.prt = 443", 1, "flow records have no field 'server.prt'; did you mean 'server.port'?" },
		{ "hots = 10.0.0.1", 1, "did you mean 'host'?" },
		{ "elephants", 1, "flow records have no field 'elephants'" },
		{ "engaged", 1, "flow records have no field 'engaged'" },
		{ "server.port = x", 15, "server.port: a number was expected, not 'x'" },
		{ "server.port = 70000", 15, "server.port: 70000 is more than it can be (65535)" },
		{ "server.port in 1..70000", 16, "65535" },
		{ "server.port in (2..1)", 17, "server.port: '2..1' begins above its end" },
		{ "server.port in (1..x)", 17, "a number was expected at both ends of '1..x'" },
		{ "server.port = 1..2", 15, "a number was expected, not '1..2'" },
		{ "server.port = -1", 15, "a number" },
		{ "server.port = 1e3", 15, "a number" },
		{ "bytes > 18446744073709551616", 9, "a number" },
		{ "client.bytes = nan", 16, "a number" },
		{ "server.port =", 14, "a value was expected" },
		{ "server.port in (1,", 19, "a value was expected" },
		{ "server.port in (1, 2", 21, "')' or ',' was expected" },
		{ "server.port in ()", 17, "a value was expected" },
		{ "server.port not 3", 17, "an operator was expected" },
		{ "(server.port = 1", 17, "')' was expected" },
		{ "server.port = 1 foo", 17, "'and', 'or' or the end was expected" },
		{ "server.port = 1 and", 20, "the expression ends early" },
		{ "server.port = 1)", 16, "'and', 'or' or the end was expected" },
		{ "and server.port", 1, "no field 'and'" },
		{ "= 3", 1, "a field was expected" },
		{ "()", 2, "a field was expected" },
		{ "client.ip = 10.0.0.0/40", 13, "an address or a network was expected, not '10.0.0.0/40'" },
		{ "client.ip = 10.0.0.1/8", 13, "an address or a network" },
		{ "client.ip contains 10", 11, "'contains' cannot be used with client.ip" },
		{ "client.mac > 02:00:00:00:00:01", 12, "'>' cannot be used with client.mac" },
		{ "client.mac = 02:00", 14, "a MAC address was expected" },
		{ "id = 7", 6, "an id of 26 characters was expected" },
		{ "hostname > 3", 10, "'>' cannot be used with hostname" },
		{ "hostname under .", 16, "a domain was expected" },
		{ "hostname = 'open", 12, "the string that begins here has no end" },
		{ "severity = loud", 12, "severity: one of none, debug, info, notice, warning" },
		{ "client.local = maybe", 16, "true or false was expected" },
		{ "client.tcp_flags = X", 20, "letters of FSRPAUEC" },
		{ "proto = bogus", 9, "a protocol such as tcp" },
		{ "duration > 5 m", 14, "'and', 'or' or the end" },
		{ "duration > 5x", 12, "a duration such as 10s" },
		{ "first > yesterday", 9, "a time such as" },
		{ "first > -1h", 9, "a time such as" },
		{ "first > 2026-02-31", 9, "a time such as" },
		{ "first > 2026-13-01", 9, "a time such as" },
		{ "first > 2026-01-01T25:00", 9, "a time such as" },
		{ "first > 2026-01-01T10:00+5", 9, "a time such as" },
		{ "first > 1969-12-31", 9, "a time such as" },
		{ "first > 2026-01-01T10:00:00.", 9, "a time such as" },
		{ "not", 4, "the expression ends early" },
		{ "# comment", 1, "'#' does not belong here" },
		{ "vlan & vlan", 6, "'&' does not belong here" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct match_error e;
		if (match_parse(cases[i].text, R_FLOW, &e))
			fail_msg("taken: %s", cases[i].text);
		if (e.column != cases[i].column || !strstr(e.text, cases[i].message))
			fail_msg("%s: wanted %zu: %s, got %zu: %s", cases[i].text, cases[i].column, cases[i].message,
				 e.column, e.text);
	}
}

static struct match *repeated(const char *first, const char *more, const char *last, int n, struct match_error *e)
{
	struct buf text = { 0 };
	buf_adds(&text, first);
	for (int i = 0; i < n; i++)
		buf_adds(&text, more);
	buf_adds(&text, last);
	struct match *m = match_parse(buf_cstr(&text), R_FLOW, e);
	buf_release(&text);
	return m;
}

static void assert_prints_and_parses(struct match *m)
{
	struct match_error e;
	struct buf one = { 0 }, two = { 0 };
	assert_non_null(m);
	match_print(m, &one);
	struct match *again = match_parse(buf_cstr(&one), R_FLOW, &e);
	if (!again)
		fail_msg("%zu: %s: %.200s", e.column, e.text, buf_cstr(&one));
	match_print(again, &two);
	assert_string_equal(buf_cstr(&one), buf_cstr(&two));
	match_free(m);
	match_free(again);
	buf_release(&one);
	buf_release(&two);
}

static void test_bounds(void **state)
{
	(void)state;
	struct match_error e;
	assert_null(repeated("", "(", "", 300, &e));
	assert_string_equal(e.text, "nested too deep");
	assert_null(repeated("", "not ", "vlan", 64, &e));
	assert_string_equal(e.text, "nested too deep");
	assert_prints_and_parses(repeated("", "not ", "vlan", 63, &e));
	assert_null(repeated("", "not ", "vlan not in 3", 63, &e));
	assert_prints_and_parses(repeated("", "not ", "vlan not in 3", 62, &e));
	assert_prints_and_parses(repeated("vlan", " or vlan and vlan", "", 511, &e));
	assert_null(repeated("vlan", " or vlan", "", 1024, &e));
	assert_string_equal(e.text, "more than 1024 terms");
	assert_prints_and_parses(repeated("vlan in (1", ",1", ")", 1022, &e));
	assert_null(repeated("vlan in (1", ",1", ")", 1023, &e));
	assert_null(repeated("app = '", "x", "'", 65536, &e));
	assert_string_equal(e.text, "longer than 65536 bytes");
	assert_null(repeated("app = '", "\"", "'", 40000, &e)); /* would print longer than that */
	assert_string_equal(e.text, "longer than 65536 bytes");
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
		{ "server.port != 443", "NOT (\"server_port\" = ?1)", 1 },
		{ "server.port in (1, 2..3)", "(\"server_port\" BETWEEN ?1 AND ?2 OR \"server_port\" BETWEEN ?3 AND ?4)", 1 },
		{ "server.port = 443 and hostname under example.org",
		  "((\"server_port\" = ?1) AND (instr(lower(\"hostname\"), ?2) > 0))", 0 },
		{ "server.port = 443 and hostname like 'a?c'", "((\"server_port\" = ?1))", 0 },
		{ "server.port = 443 or hostname like 'a?c'", "1", 0 },
		{ "not server.port = 443", "NOT (\"server_port\" = ?1)", 1 },
		{ "not hostname under example.org", "1", 0 },
		{ "hostname contains EX", "(instr(lower(\"hostname\"), ?1) > 0)", 1 },
		{ "hostname like 'a*[b'", "(lower(\"hostname\") GLOB ?1)", 1 },
		{ "risk.names = one", "(instr(char(10)||lower(\"risk_names\")||char(10), ?1) > 0)", 1 },
		{ "risk.names contains one", "(instr(lower(\"risk_names\"), ?1) > 0)", 0 },
		{ "host = 10.0.0.1", "(\"client_ip\" BETWEEN ?1 AND ?2 OR \"server_ip\" BETWEEN ?3 AND ?4)", 1 },
		{ "app = TLS", "(\"app\" = ?1 COLLATE NOCASE)", 1 },
		{ "bytes > 1M", "((\"client_bytes\" + \"server_bytes\") > ?1)", 1 },
		{ "duration > 1m", "(max(\"last\" - \"first\", 0) > ?1)", 1 },
		{ "client.tcp_flags contains SA", "((\"client_tcp_flags\" & 18) = ?1)", 1 },
		{ "id = 01JCS0Z2V0ABCDEFGHJKMNPQRS", "(\"id\" = ?1)", 1 },
		{ "tls.sni", "(\"tls_sni\" != '')", 1 },
		{ "vlan", "(\"vlan\" != 0)", 1 },
		{ "risk.bits > 0xffffffffffffffff", "1", 0 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct match_error e;
		struct match_value v[16];
		struct buf sql = { 0 };
		bool exact;
		struct match *m = match_parse(cases[i].text, R_FLOW, &e);
		if (!m)
			fail_msg("%s: %s", cases[i].text, e.text);
		match_sql(m, NULL, &sql, v, 16, &exact);
		assert_string_equal(buf_cstr(&sql), cases[i].sql);
		assert_int_equal(exact, cases[i].exact);
		match_free(m);
		buf_release(&sql);
	}
}

/* What the table does not have, or has under that name for another field, is not asked of it. */
static void test_sql_columns(void **state)
{
	(void)state;
	static const char *const columns[] = { "score", "client_score", "check", NULL };
	static const struct {
		const char *text, *sql;
		size_t values;
	} cases[] = {
		{ "score > 1 and check = x", "((\"score\" > ?1) AND (\"check\" = ?2 COLLATE NOCASE))", 2 },
		{ "client_score > 1", "(\"client_score\" > ?1)", 1 },
		{ "client.score > 1", "1", 0 },
		{ "flow.score > 1", "1", 0 },
		{ "host = 10.0.0.1", "1", 0 },
		{ "title = x or score > 1", "1", 0 },
		{ "title = x and score > 1", "((\"score\" > ?1))", 1 },
		{ "score in (1, 2, 3, 4)", "1", 0 }, /* more values than there is room for */
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct match_error e;
		struct match_value v[4];
		struct buf sql = { 0 };
		bool exact;
		struct match *m = match_parse(cases[i].text, R_ALERT, &e);
		if (!m)
			fail_msg("%s: %s", cases[i].text, e.text);
		assert_int_equal(match_sql(m, columns, &sql, v, 4, &exact), cases[i].values);
		assert_string_equal(buf_cstr(&sql), cases[i].sql);
		match_free(m);
		buf_release(&sql);
	}
}

static bool matches(const char *text, enum rtype type, const void *rec, const char *base)
{
	struct match_error e;
	struct match *m = match_parse(text, type, &e);
	if (!m)
		fail_msg("%s: %zu: %s", text, e.column, e.text);
	bool yes = match_eval(m, rec, base);
	match_free(m);
	return yes;
}

/* An alert carries its flow and its host: names that several of them have belong to the alert. */
static void test_alert_fields(void **state)
{
	(void)state;
	struct r_alert a = { 0 };
	a.alert.score = 100;
	a.flow_judge.score = 7;
	a.flow.server_port = 22;
	a.alert.client_score = 3;
	a.flow_judge.client_score = 4;
	addr_parse("10.0.0.9", 8, &a.host.ip);
	assert_true(matches("score = 100 and flow.score = 7", R_ALERT, &a, ""));
	assert_true(matches("flow.server.port = 22 and server.port = 22", R_ALERT, &a, ""));
	assert_true(matches("client_score = 3 and client.score = 4", R_ALERT, &a, ""));
	assert_true(matches("host = 10.0.0.9 and host.ip = 10.0.0.9", R_ALERT, &a, ""));
	assert_false(matches("host = 10.0.0.8", R_ALERT, &a, ""));
}

static void test_host_and_maps(void **state)
{
	(void)state;
	static const char apps[] = "TLS=2097152\nDNS.Google=10\nbroken\nx=";
	struct r_host h = { .host = { .bytes_sent = 10, .bytes_rcvd = 5, .first = 5, .last = 2000000005 } };
	struct buf a = { 0 };
	h.host.apps = str_put_raw(&a, apps, sizeof apps - 1);
	addr_parse("10.0.0.9", 8, &h.host.ip);
	static const struct {
		const char *text;
		bool want;
	} cases[] = {
		{ "host = 10.0.0.9", true },	  { "bytes = 15", true },	   { "duration = 2s", true },
		{ "apps.TLS > 1M", true },	  { "apps.tls = 2M", true },	   { "apps.TLS", true },
		{ "apps.SSH", false },		  { "apps.SSH != 3", true },	   { "apps.SSH < 3", false },
		{ "apps.DNS.Google = 10", true }, { "apps = tls", true },	   { "apps contains goo", true },
		{ "apps = 10", false },		  { "apps.TLS in 1M..2M", true },  { "apps.broken", false },
		{ "apps.x = 0", true },		  { "apps.TLS > -1.5", true },	   { "host.apps.TLS > 1M", true },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (matches(cases[i].text, R_HOST, &h, a.p) != cases[i].want)
			fail_msg("%s: wanted %d", cases[i].text, cases[i].want);
	buf_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow),	    cmocka_unit_test(test_print),
		cmocka_unit_test(test_mistakes),    cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_sql),	    cmocka_unit_test(test_sql_columns),
		cmocka_unit_test(test_alert_fields), cmocka_unit_test(test_host_and_maps),
	};
	return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}

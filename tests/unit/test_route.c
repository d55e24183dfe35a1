#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apid/apid.h"
#include "apid/params.h"

static const struct route *find(const char *method, const char *path, char *id, struct buf *allow)
{
	return route_find(route_tables, n_route_tables, method, path, id, allow);
}

static void test_find(void **state)
{
	(void)state;
	struct buf allow = { 0 };
	char id[ROUTE_ID];
	assert_string_equal(find("GET", "/api/v1/flows", id, &allow)->path, "/api/v1/flows");
	assert_string_equal(find("HEAD", "/api/v1/flows", id, &allow)->path, "/api/v1/flows");
	assert_string_equal(find("GET", "/api/v1/flows/history", id, &allow)->path, "/api/v1/flows/history");
	assert_string_equal(find("GET", "/api/v1/flows/01ABC", id, &allow)->path, "/api/v1/flows/{id}");
	assert_string_equal(id, "01ABC");
	static const char *const none[] = { "/", "/api", "/api/v1", "/api/v1/", "/api/v1/flows/", "/api/v1/flows/a/b", "/api/v1/flow",
					    "/API/v1/flows", "/livez/", "/livezz", "/api/v1/flows/{id}/x" };
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		assert_null(find("GET", none[i], id, &allow));
		assert_int_equal(allow.len, 0);
	}
	assert_null(find("POST", "/api/v1/flows", id, &allow));
	assert_string_equal(buf_cstr(&allow), "GET, HEAD");
	assert_null(find("get", "/livez", id, &allow));
	assert_null(find("DELETE", "/api/v1/alerts/x", id, &allow));
	assert_string_equal(buf_cstr(&allow), "GET, HEAD, PATCH");
	assert_string_equal(find("DELETE", "/api/v1/silences/x", id, &allow)->path, "/api/v1/silences/{id}");
	assert_string_equal(find("GET", "/api/v1/hosts/192.0.2.1/apps", id, &allow)->path, "/api/v1/hosts/{ip}/apps");
	assert_string_equal(id, "192.0.2.1");
	buf_release(&allow);
}

/* Only these are open; every row says what it is. */
static void test_table(void **state)
{
	(void)state;
	static const char *const open[] = { "/livez", "/healthz", "/-/healthy", "/readyz", "/-/ready", "/docs" };
	size_t n_open = 0;
	for (size_t i = 0; i < n_routes; i++) {
		const struct route *rt = &routes[i];
		assert_true(rt->scope < N_SCOPES);
		assert_true(strlen(rt->summary) > 5);
		assert_non_null(rt->handle);
		assert_true(rt->params || rt->status >= 400);
		for (const struct route_param *p = rt->params; p && p->name; p++)
			assert_true(p->doc && (p->type != PT_CHOICES || p->choices));
		for (size_t k = i + 1; k < n_routes; k++)
			assert_true(strcmp(rt->path, routes[k].path) != 0 || strcmp(rt->method, routes[k].method) != 0);
		if (rt->scope != SCOPE_OPEN)
			continue;
		assert_string_equal(rt->path, open[n_open]);
		n_open++;
	}
	assert_int_equal(n_open, sizeof open / sizeof *open);
}

static bool check(const char *raw, struct param_error *e)
{
	struct uri u;
	struct buf allow = { 0 };
	char id[ROUTE_ID];
	assert_int_equal(uri_parse(&u, raw), 0);
	const struct route *rt = find("GET", u.path, id, &allow);
	assert_non_null(rt);
	bool ok = route_check(rt, &u, e);
	uri_release(&u);
	buf_release(&allow);
	return ok;
}

static void test_params(void **state)
{
	(void)state;
	static const char *const good[] = {
		"/livez", "/readyz?verbose", "/readyz?verbose=1", "/api/v1/flows?limit=1", "/api/v1/flows?limit=10000&count",
		"/api/v1/flows?filter=server.port%20%3D%20443", "/api/v1/flows?filter=a&filter=b", "/api/v1/flows?fields=id,client.ip",
		"/api/v1/flows?start=2026-11-24T08:00:00Z&end=1731000000000", "/api/v1/flows?start=2026-11-24",
		"/api/v1/flows?start=2026-11-24T08:00:00.5+01:00", "/api/v1/flows?server.port=443,80&client.ip[cidr]=10.0.0.0/8",
		"/api/v1/flows?bytes[ge]=1M&hostname[under]=example.org&hostname[prefix]=www", "/api/v1/alerts?severity[ge]=error",
		"/api/v1/alerts?flow.client.ip=192.0.2.1", "/api/v1/hosts?ip=192.0.2.1", "/api/v1/stream?topics=alerts,flows",
		"/api/v1/flows/01ABC?fields=id,client.ip", "/api/v1/alerts/01ABC?fields=flow.client.ip", "/api/v1/interfaces/0?fields=name",
	};
	static const struct {
		const char *raw, *param;
	} bad[] = {
		{ "/livez?x=1", "x" }, { "/readyz?verbose=maybe", "verbose" }, { "/api/v1/flows?limit=0", "limit" },
		{ "/api/v1/flows?limit=10001", "limit" }, { "/api/v1/flows?limit=-1", "limit" }, { "/api/v1/flows?limit=1x", "limit" },
		{ "/api/v1/flows?limit=99999999999999999999999", "limit" }, { "/api/v1/flows?limit=1&limit=2", "limit" },
		{ "/api/v1/flows?filter=nonsense%20%3D", "filter" }, { "/api/v1/flows?filter=bytes%3E1)or(bytes%3E2", "filter" },
		{ "/api/v1/flows?fields=id,nothing", "fields" }, { "/api/v1/flows?fields=", "fields" },
		{ "/api/v1/flows?start=yesterday", "start" }, { "/api/v1/flows?start=2026-13-45", "start" },
		{ "/api/v1/flows?nothing=1", "nothing" }, { "/api/v1/flows?client.ip[nope]=1", "client.ip[nope]" },
		{ "/api/v1/flows?client.ip[eq=1", "client.ip[eq" }, { "/api/v1/flows?a%20or%20b=1", "a or b" },
		{ "/api/v1/stream?topics=alerts,other", "topics" }, { "/api/v1/stream?topics=", "topics" },
		{ "/api/v1/flows/01ABC?fields=nothing", "fields" }, { "/api/v1/flows/01ABC?limit=1", "limit" },
	};
	struct param_error e;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		bool ok = check(good[i], &e);
		if (!ok && i != 6) /* row 6 is only there for the repeated name */
			fail_msg("%s: %s: %s", good[i], e.param, e.reason);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		memset(&e, 0, sizeof e);
		if (check(bad[i].raw, &e))
			fail_msg("%s was taken", bad[i].raw);
		assert_string_equal(e.param, bad[i].param);
		assert_true(*e.reason);
	}
}

static void test_times(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t ns;
	} rows[] = { { "2024-11-07T17:26:52Z", 1731000412000000000 }, { "2024-11-07T18:26:52+01:00", 1731000412000000000 },
		     { "2024-11-07T18:26:52 01:00", 1731000412000000000 }, { "2024-11-07T17:26:52.5", 1731000412500000000 },
		     { "1731000412", 1731000412000000000 }, { "1731000412000", 1731000412000000000 },
		     { "2024-11-07", 1730937600000000000 }, { "0", 0 } };
	uint64_t ns;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_true(route_time(rows[i].text, &ns));
		assert_int_equal(ns, rows[i].ns);
	}
	static const char *const bad[] = { "", "now", "-1", "1e9", "nan", "inf", "0x10", "99999999999999999", "2024-11-07T17", "1.2.3",
					   "2024-11-07T17:26:52+1", "1960-01-01T00:00:00Z" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (route_time(bad[i], &ns))
			fail_msg("'%s' was taken", bad[i]);
}

/* What parameters become in the match language. */
static void test_filter(void **state)
{
	(void)state;
	static const struct {
		const char *raw, *filter;
		enum rtype type; /* R_NONE: FLOW */
	} rows[] = {
		{ "/x?server.port=443,80", "(server.port in (\"443\",\"80\"))" },
		{ "/x?app=TLS&bytes[ge]=1K", "(app in (\"TLS\")) and (bytes >= \"1K\")" },
		{ "/x?client.ip[cidr]=10.0.0.0/8", "(client.ip in (\"10.0.0.0/8\"))" },
		{ "/x?app[ne]=a%22b%5C,c", "(app not in (\"a\\\"b\\\\\",\"c\"))" },
		{ "/x?hostname[prefix]=a*b", "(hostname like \"a?b*\")" },
		{ "/x?filter=app%3DTLS%20or%20app%3DQUIC&proto=tcp", "(app=TLS or app=QUIC) and (proto in (\"tcp\"))" },
		{ "/x?filter=&limit=7", "" },
		/* A parameter of series, which is no field of flows, but one of these. */
		{ "/x?key=syn_scan", "" },
		{ "/x?key=syn_scan", "(key in (\"syn_scan\"))", R_CHECK },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct uri u;
		struct params p;
		struct param_error e;
		assert_int_equal(uri_parse(&u, rows[i].raw), 0);
		if (!params_read(&p, &u, rows[i].type ? rows[i].type : R_FLOW, &e))
			fail_msg("%s: %s: %s", rows[i].raw, e.param, e.reason);
		assert_string_equal(buf_cstr(&p.filter), rows[i].filter);
		params_release(&p);
		uri_release(&u);
	}
	struct uri u;
	struct params p;
	struct param_error e;
	assert_int_equal(uri_parse(&u, "/x?bytes[ge]=many"), 0);
	assert_false(params_read(&p, &u, R_FLOW, &e));
	assert_string_equal(e.param, "bytes[ge]");
	params_release(&p);
	uri_release(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_find), cmocka_unit_test(test_table), cmocka_unit_test(test_params),
					    cmocka_unit_test(test_times), cmocka_unit_test(test_filter) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

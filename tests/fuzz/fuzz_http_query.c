/*
 * Any bytes as the target of a request, with the Host and Last-Event-ID that follow on lines of their own: what is taken
 * is clean text, stays inside its limits, and means in the match language what each parameter meant alone.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apid/apid.h"
#include "apid/auth.h"
#include "apid/params.h"
#include "codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_clean(const char *s)
{
	if (utf8_span(s, strlen(s), false) != strlen(s))
		abort();
}

static void one_target(const char *raw)
{
	struct uri u;
	struct buf allow = { 0 };
	struct param_error e;
	struct params p = { 0 };
	char id[ROUTE_ID];
	if (uri_parse(&u, raw) != 0) {
		if (!u.error)
			abort();
		uri_release(&u);
		return;
	}
	must_be_clean(u.path);
	if (strstr(u.path, "/../") || strlen(u.path) > URI_MAX_PATH)
		abort();
	for (size_t i = 0; i < u.n; i++) {
		must_be_clean(u.params[i].name);
		must_be_clean(u.params[i].value);
	}
	const struct route *rt = route_find(route_tables, n_route_tables, "GET", u.path, id, &allow);
	bool good = rt && route_check(rt, &u, &e);
	/* Parameters are read for every kind of list, whatever the path: that is where the parsers are. */
	static const enum rtype types[] = { R_FLOW, R_HOST, R_ALERT };
	for (size_t i = 0; i < 3; i++) {
		bool taken = params_read(&p, &u, types[i], &e);
		if (good && rt->records == types[i] && !taken && !*e.reason)
			abort();
		if (taken && (!p.match || p.limit < 1 || p.limit > PARAMS_MAX_LIMIT))
			abort();
		params_release(&p);
	}
	buf_release(&allow);
	uri_release(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *names[] = { (char *)"weir.example.org", NULL };
	struct buf text = { 0 };
	struct events_place place;
	char again[EVENTS_ID];
	buf_add(&text, data, size);
	char *save = NULL, *raw = strtok_r((char *)buf_cstr(&text), "\n", &save);
	char *host = strtok_r(NULL, "\n", &save), *last = strtok_r(NULL, "\n", &save);
	if (raw)
		one_target(raw);
	if (host)
		auth_host(host, "127.0.0.1", names);
	if (last && events_parse(last, &place)) {
		struct events_place back;
		if (!events_parse(events_print(&place, again), &back))
			abort();
	}
	buf_release(&text);
	return 0;
}

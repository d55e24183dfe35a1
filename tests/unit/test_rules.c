/* Checks without code: what fires, and what almost does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks/rules.h"

#define SECOND 1000000000ull
#define MONDAY 1795392000ull /* 2026-11-23T00:00:00Z */

struct fired {
	unsigned n;
	struct rule_finding last;
};

static void on_fired(void *arg, const struct rule_finding *f)
{
	struct fired *fired = arg;
	fired->n++;
	fired->last = *f;
}

static struct rules *make(const char *rules, struct topo **ret)
{
	struct buf err = { 0 };
	char *text = xasprintf("sensors: {lan: {stdin: yes}}\nrules:\n%s", rules);
	*ret = topo_parse("test", text, strlen(text), &err);
	if (!*ret)
		fail_msg("%s", buf_cstr(&err));
	free(text);
	buf_release(&err);
	return rules_new(*ret);
}

/* A record with its texts. */
struct subject {
	struct r_flow flow;
	struct r_host host;
	char text[512];
	uint32_t used;
};

static struct str put(struct subject *s, const char *text)
{
	struct str r = { s->used, (uint32_t)strlen(text) };
	memcpy(s->text + s->used, text, r.len);
	s->used += r.len;
	return r;
}

static struct addr ip(const char *text)
{
	struct addr a;
	assert_int_equal(addr_parse(text, strlen(text), &a), 0);
	return a;
}

static unsigned flow(struct rules *r, struct subject *s, uint64_t now, struct rule_finding *ret)
{
	struct fired fired = { 0 };
	rules_flow(r, &s->flow, s->text, now, false, on_fired, &fired);
	if (ret)
		*ret = fired.last;
	return fired.n;
}

static unsigned host(struct rules *r, struct subject *s, uint64_t now, struct rule_finding *ret)
{
	struct fired fired = { 0 };
	rules_host(r, &s->host, s->text, now, on_fired, &fired);
	if (ret)
		*ret = fired.last;
	return fired.n;
}

/* TLS between two hosts; a certificate of an organisation for a server. */
static void test_match_only(void **state)
{
	(void)state;
	struct topo *t;
	struct rule_finding f;
	struct rules *r = make("  pair: {match: 'app.master = TLS and client.ip = 10.0.0.1 and server.ip = 10.0.0.2', score: 120,"
			       " message: '{client.ip} speaks TLS to {server.ip}:{server.port}'}\n"
			       "  issuer: {match: 'tls.issuer contains \"O=Evil Corp\" and server.ip = 10.0.0.2'}\n", &t);
	struct subject s = { .flow.key = { .client = ip("10.0.0.1"), .server = ip("10.0.0.2"), .server_port = 443 } };
	assert_int_equal(flow(r, &s, SECOND, NULL), 0);
	s.flow.app.master = put(&s, "TLS");
	assert_int_equal(flow(r, &s, SECOND, &f), 1);
	assert_int_equal(f.rule, 0);
	assert_string_equal(f.message, "10.0.0.1 speaks TLS to 10.0.0.2:443");
	assert_int_equal(rules_def(r, 0)->score, 120);
	s.flow.key.client = ip("10.0.0.3");
	assert_int_equal(flow(r, &s, SECOND, NULL), 0);
	s.flow.app.tls_issuer = put(&s, "C=XX, O=Evil Corp, CN=x");
	assert_int_equal(flow(r, &s, SECOND, &f), 1);
	assert_string_equal(f.message, "issuer");
	rules_free(r);
	topo_free(t);
}

/* A host that sends more than 1 GB in an hour outside office hours. */
static void test_upload(void **state)
{
	(void)state;
	struct topo *t;
	struct rule_finding f;
	struct rules *r = make("  upload: {entity: host, match: 'local = true', value: bytes_sent, above: 1G, window: 1h,"
			       " when: 'outside mon-fri 08:00-18:00', message: '{ip} sent {value} bytes'}\n", &t);
	struct subject s = { .host.host = { .ip = ip("10.0.0.1"), .local = 1 } };
	uint64_t night = (MONDAY + 3 * 3600) * SECOND, day = (MONDAY + 12 * 3600) * SECOND;
	s.host.host.first = night;
	s.host.host.bytes_sent = 900000000;
	assert_int_equal(host(r, &s, night + 60 * SECOND, NULL), 0);
	s.host.host.bytes_sent = 1000000000;
	assert_int_equal(host(r, &s, night + 120 * SECOND, NULL), 0);
	s.host.host.bytes_sent = 1100000000;
	assert_int_equal(host(r, &s, night + 180 * SECOND, &f), 1);
	assert_string_equal(f.message, "10.0.0.1 sent 1100000000 bytes");
	/* The hour is over; a slow one never fires however much it comes to. */
	assert_int_equal(host(r, &s, night + 3 * 3600 * SECOND, NULL), 0);
	/* By day it may. */
	s.host.host.bytes_sent += 2000000000;
	assert_int_equal(host(r, &s, day, NULL), 0);
	/* Others may at night. */
	s.host.host.local = 0;
	s.host.host.bytes_sent += 2000000000;
	assert_int_equal(host(r, &s, night + 24 * 3600 * SECOND, NULL), 0);
	rules_free(r);
	topo_free(t);
}

/* BitTorrent faster than 1 Gbit/s, in one flow and over all flows of a sensor. */
static void test_rates(void **state)
{
	(void)state;
	struct topo *t;
	struct fired fired = { 0 };
	struct rules *r = make("  one: {match: 'app = BitTorrent', value: 8 * bytes, above: 1G, window: 10s, rate: yes}\n"
			       "  all: {entity: sensor, match: 'app = BitTorrent', value: 8 * bytes, above: 1G, window: 10s, rate: yes}\n", &t);
	uint64_t now = MONDAY * SECOND;
	for (unsigned i = 0; i < 10; i++) {
		struct subject s = { .flow.key = { .first = now, .id = { .hi = i } } };
		s.flow.key.sensor = put(&s, "lan");
		s.flow.app.app = put(&s, i == 9 ? "HTTP" : "BitTorrent");
		s.flow.n.client_bytes = 100000000; /* 0.08 Gbit/s each over ten seconds: 0.72 in all */
		assert_int_equal(flow(r, &s, now + SECOND, NULL), 0);
	}
	rules_sensor(r, "lan", now + SECOND, on_fired, &fired);
	assert_int_equal(fired.n, 0);
	for (unsigned i = 0; i < 5; i++) {
		struct subject s = { .flow.key = { .first = now, .id = { .hi = i } } };
		s.flow.key.sensor = put(&s, "lan");
		s.flow.app.app = put(&s, "BitTorrent");
		s.flow.n.client_bytes = 100000000;
		s.flow.n.server_bytes = 100000000;
		assert_int_equal(flow(r, &s, now + 2 * SECOND, NULL), 0);
	}
	rules_sensor(r, "lan", now + 2 * SECOND, on_fired, &fired);
	assert_int_equal(fired.n, 1);
	assert_int_equal(fired.last.rule, 1);
	assert_true(fired.last.value == 1.12e9);
	rules_sensor(r, "other", now + 2 * SECOND, on_fired, &fired);
	rules_sensor(r, "lan", now + 30 * SECOND, on_fired, &fired);
	assert_int_equal(fired.n, 1);
	/* One flow alone. */
	struct subject s = { .flow.key = { .first = now, .id = { .hi = 3 } } };
	s.flow.app.app = put(&s, "BitTorrent");
	s.flow.n.client_bytes = 1500000000;
	assert_int_equal(flow(r, &s, now + 5 * SECOND, NULL), 1);
	rules_free(r);
	topo_free(t);
}

static void test_for(void **state)
{
	(void)state;
	struct topo *t;
	struct rules *r = make("  slow: {entity: host, value: score, above: 100, for: 3m}\n", &t);
	struct subject s = { .host.host = { .ip = ip("10.0.0.1"), .score = 101 } };
	uint64_t now = MONDAY * SECOND, minute = 60 * SECOND;
	assert_int_equal(host(r, &s, now, NULL), 0);
	assert_int_equal(host(r, &s, now + 2 * minute, NULL), 0);
	assert_int_equal(host(r, &s, now + 3 * minute, NULL), 1);
	s.host.host.score = 100;
	assert_int_equal(host(r, &s, now + 4 * minute, NULL), 0);
	s.host.host.score = 101;
	assert_int_equal(host(r, &s, now + 5 * minute, NULL), 0);
	rules_free(r);
	topo_free(t);
}

/* What a rule knows survives; with other rules it begins anew. */
static void test_snapshot(void **state)
{
	(void)state;
	static const char text[] = "  up: {entity: host, value: bytes_sent, above: 100, window: 1h}\n";
	struct topo *t, *t2, *t3;
	struct rules *r = make(text, &t), *again = make(text, &t2);
	struct rules *other = make("  up: {entity: host, value: bytes_rcvd, above: 100, window: 1h}\n", &t3);
	struct subject s = { .host.host = { .ip = ip("10.0.0.1"), .bytes_sent = 60, .bytes_rcvd = 60, .first = MONDAY * SECOND } };
	struct buf saved = { 0 };
	uint64_t now = MONDAY * SECOND;
	host(r, &s, now, NULL);
	rules_save(r, &saved);
	assert_true(rules_load(again, saved.p, saved.len));
	assert_true(rules_load(other, saved.p, saved.len));
	assert_false(rules_load(again, saved.p, saved.len - 1));
	assert_true(rules_load(again, saved.p, saved.len));
	s.host.host.first = 0;
	s.host.host.bytes_sent = s.host.host.bytes_rcvd = 110;
	assert_int_equal(host(again, &s, now + SECOND, NULL), 1);
	assert_int_equal(host(other, &s, now + SECOND, NULL), 0);
	buf_release(&saved);
	rules_free(r);
	rules_free(again);
	rules_free(other);
	topo_free(t);
	topo_free(t2);
	topo_free(t3);
}

/* The hour before the evening is not held against a host; a window shorter than the time between two looks is an average. */
static void test_edges(void **state)
{
	(void)state;
	struct topo *t;
	struct rules *r = make("  upload: {entity: host, value: bytes_sent, above: 1G, window: 1h, when: 'outside mon-fri 08:00-18:00'}\n"
			       "  fast: {entity: host, value: bytes_sent, above: 1G, window: 10s}\n", &t);
	struct subject s = { .host.host.ip = ip("10.0.0.1") };
	uint64_t evening = (MONDAY + 18 * 3600) * SECOND;
	s.host.host.first = evening - 1800 * SECOND;
	for (int minute = -30; minute < 30; minute++) {
		s.host.host.bytes_sent += 33000000; /* 1.98 GB in the hour, half of it by day */
		assert_int_equal(host(r, &s, evening + (uint64_t)(minute * 60) * SECOND, NULL), 0);
	}
	s.host.host.bytes_sent += 5900000000; /* within a minute: 0.98 GB in ten seconds */
	assert_int_equal(host(r, &s, evening + 1800 * SECOND, NULL), 1);
	rules_free(r);
	topo_free(t);
}

/* What rules find of a sensor while its one flow is told of every five seconds, at so many bytes a second. */
static unsigned ticks_that_hold(double rate)
{
	struct topo *t;
	struct fired fired = { 0 };
	struct rules *r = make("  sum: {entity: sensor, value: bytes, above: 1000, window: 10s, rate: yes}\n"
			       "  one: {value: bytes, above: 1000, window: 10s, rate: yes}\n"
			       "  all: {value: bytes, above: 1M}\n", &t);
	struct subject s = { .flow.key = { .first = MONDAY * SECOND, .id = { .hi = 1 } } };
	unsigned flows = 0;
	s.flow.key.sensor = put(&s, "lan");
	for (uint64_t second = 1; second <= 60; second++) {
		uint64_t now = MONDAY * SECOND + second * SECOND;
		struct fired one = { 0 };
		s.flow.n.client_bytes = (uint64_t)(rate * (double)second);
		if (second % 5 == 0)
			rules_flow(r, &s.flow, s.text, now, true, on_fired, &one);
		assert_true(one.n <= 1); /* those without a window do not look at updates */
		flows += one.n;
		rules_sensor(r, "lan", now, on_fired, second > 15 ? &fired : &one);
	}
	assert_int_equal(fired.n > 0, flows > 0);
	rules_free(r);
	topo_free(t);
	return fired.n;
}

static void test_steady(void **state)
{
	(void)state;
	assert_int_equal(ticks_that_hold(950), 0);
	assert_int_equal(ticks_that_hold(1150), 45); /* without a break */
	assert_int_equal(ticks_that_hold(1e6), 45);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_match_only), cmocka_unit_test(test_upload),
					    cmocka_unit_test(test_rates),      cmocka_unit_test(test_edges),
					    cmocka_unit_test(test_steady),     cmocka_unit_test(test_for),
					    cmocka_unit_test(test_snapshot) };
	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}

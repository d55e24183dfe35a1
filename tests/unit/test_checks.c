#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks/check.h"
#include "checks/engine.h"
#include "checks/hll.h"
#include "codec.h"
#include "hash.h"

#define S 1000000000ull

/* Every row is whole; that it has a function is the linker's business. */
static void test_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_checkdefs; i++) {
		const struct checkdef *d = &checkdefs[i];
		unsigned lists = 0;
		if (d->client_score > d->score || !d->score || d->score > 250 || !*d->title || !*d->description || !d->hooks)
			fail_msg("%s: row is not right", d->key);
		for (const struct checkdef_param *p = d->params; p->name; p++) {
			lists += p->list;
			if (!p->list && (p->def < p->min || p->def > p->max || !*p->unit))
				fail_msg("%s: %s is not right", d->key, p->name);
		}
		if (lists > 1)
			fail_msg("%s has more than one list", d->key);
		for (size_t k = 0; k < i; k++) /* one key, one row: the topology and copies of the state go by it */
			if (strcmp(checkdefs[k].key, d->key) == 0)
				fail_msg("%s is there twice", d->key);
		if (!check_fns[i].flow && !check_fns[i].host && !check_fns[i].place && !d->risk_id &&
		    !(d->hooks & HOOK_EVENT) && d->entity != ENT_MAC)
			fail_msg("%s has no function", d->key);
	}
	for (unsigned r = 1; r <= 41; r++)
		assert_non_null(checkdef_risk(r));
}

/*
 * tests/checks.tsv has a row for each check that ntopng has or had, and what stands for it here. What it names is there.
 */
static void test_table(void **state)
{
	(void)state;
	char line[512];
	unsigned rows = 0, done = 0;
	FILE *f = fopen("tests/checks.tsv", "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	while (fgets(line, sizeof line, f)) {
		char *save = NULL, *field[5] = { NULL };
		line[strcspn(line, "\n")] = '\0';
		for (int i = 0; i < 5; i++)
			field[i] = strtok_r(i ? NULL : line, "\t", &save);
		assert_non_null(field[4]);
		rows++;
		if (strcmp(field[3], "done") != 0)
			continue;
		done++;
		for (char *key = strtok_r(field[4], ",;", &save); key; key = strtok_r(NULL, ",;", &save)) {
			key += strspn(key, " ");
			bool by_other_means = strchr(key, ':') || strncmp(key, "match on", 8) == 0 || strncmp(key, "any", 3) == 0;
			if (!by_other_means && !checkdef_find(key, ENT_OTHER))
				fail_msg("%s of checks.tsv is not in the catalogue", key);
		}
	}
	fclose(f);
	assert_int_equal(rows, 253);
	assert_true(done >= 120);
}

static void test_severity(void **state)
{
	(void)state;
	static const unsigned score[] = { 0, 1, 9, 10, 49, 50, 99, 100, 199, 200, 249, 250, 999 };
	static const enum severity want[] = { SEV_NONE,    SEV_INFO,  SEV_INFO,  SEV_NOTICE,   SEV_NOTICE,
					      SEV_WARNING, SEV_WARNING, SEV_ERROR, SEV_ERROR,  SEV_CRITICAL,
					      SEV_CRITICAL, SEV_EMERGENCY, SEV_EMERGENCY };
	for (size_t i = 0; i < sizeof score / sizeof *score; i++)
		assert_int_equal(severity_of_score(score[i]), want[i]);
}

static void test_sketch(void **state)
{
	(void)state;
	for (unsigned n = 10; n <= 10000; n *= 10) {
		uint8_t reg[256] = { 0 };
		for (unsigned i = 0; i < n; i++)
			for (int twice = 0; twice < 2; twice++)
				hll_add(reg, 256, hash_content(&i, sizeof i, 0));
		double e = hll_count(reg, 256);
		assert_true(e > n * 0.8 && e < n * 1.2);
	}
}

/* -- the engine, with records made here -- */

struct out {
	struct r_alert last;
	char check[64];
	unsigned alerts, engaged, released, flows, hosts, scans;
};

static void on_alert(void *arg, const char *rec, size_t len)
{
	struct out *o = arg;
	struct codec_reader r = { .base = rec, .len = len };
	assert_int_equal(codec_read(&r, &o->last), 1);
	o->alerts++;
	o->engaged += o->last.alert.action == ACT_ENGAGE;
	o->released += o->last.alert.action == ACT_RELEASE;
	o->scans += str_eq(rec, o->last.alert.check, "syn_scan");
}

static void on_history(void *arg, const char *rec, size_t len)
{
	struct out *o = arg;
	struct codec_reader r = { .base = rec, .len = len };
	enum rtype type = codec_peek(&r);
	o->flows += type == R_FLOW;
	o->hosts += type == R_HOST;
}

static struct engine *engine(struct out *o, struct topo **t, const char *checks)
{
	static const struct engine_ops ops = { on_alert, on_history };
	struct buf err = { 0 }, text = { 0 };
	memset(o, 0, sizeof *o);
	buf_addf(&text, "databases: {location: none, vendors: none}\nsensors: {s: {file: x}}\nlua: {enabled: no}\nchecks: {%s}\n", checks);
	*t = topo_parse("t", text.p, text.len, &err);
	if (!*t)
		fail_msg("%s", buf_cstr(&err));
	buf_release(&err);
	buf_release(&text);
	return engine_new(*t, &ops, o);
}

static void end_flow(struct engine *e, unsigned i, uint64_t time, bool answered)
{
	struct r_end r = { 0 };
	r.key.id = (struct id){ 1, i + 1 };
	r.key.first = r.n.start = time;
	r.n.last = time + S / 100;
	addr_parse("10.0.0.1", 8, &r.key.client);
	addr_parse("10.0.0.2", 8, &r.key.server);
	r.key.client_port = 40000;
	r.key.server_port = (uint16_t)(i + 1);
	r.key.proto = 6;
	r.key.sensor = (struct str){ 0, 1 };
	r.n.client_packets = 1;
	r.n.client_bytes = 60;
	r.n.client_syns = 1;
	r.n.client_flags = 2;
	r.n.server_packets = 1;
	r.n.server_bytes = 60;
	r.n.server_flags = answered ? 0x12 : 0x14;
	r.n.client_payload = r.n.server_payload = answered ? 100 : 0;
	r.n.end_reason = END_RST;
	engine_end(e, &r, "s", &(struct codec_places){ 0 });
}

static void tick(struct engine *e, uint64_t to)
{
	struct r_tick t = { .tick = { .to = to, .sensor = { 0, 1 } } };
	engine_tick(e, &t, "s");
}

static void test_syn_scan(void **state)
{
	(void)state;
	static struct out o;
	struct topo *t;
	struct engine *e = engine(&o, &t, "syn_scan: {threshold: 100}");
	tick(e, 6000 * S);
	for (unsigned i = 0; i < 101; i++)
		end_flow(e, i, 6001 * S, false);
	tick(e, 6070 * S);
	assert_int_equal(o.scans, 2); /* attacker and victim */
	unsigned engaged = o.engaged;
	tick(e, 6130 * S); /* quiet: all end */
	assert_int_equal(o.released, engaged);
	assert_int_equal(o.flows, 101);
	engine_free(e);
	topo_free(t);
}

static void test_almost_a_scan(void **state)
{
	(void)state;
	static struct out o;
	struct topo *t;
	struct engine *e = engine(&o, &t, "syn_scan: {threshold: 100}");
	tick(e, 6000 * S);
	for (unsigned i = 0; i < 100; i++)
		end_flow(e, i, 6001 * S, false);
	for (unsigned i = 100; i < 300; i++) /* answered ones do not count */
		end_flow(e, i, 6002 * S, true);
	tick(e, 6070 * S);
	assert_int_equal(o.scans, 0);
	engine_free(e);
	topo_free(t);
}

static void test_disabled(void **state)
{
	(void)state;
	static struct out o;
	struct topo *t;
	struct engine *e = engine(&o, &t, "syn_scan: {threshold: 100, enabled: no}");
	tick(e, 6000 * S);
	for (unsigned i = 0; i < 300; i++)
		end_flow(e, i, 6001 * S, false);
	tick(e, 6070 * S);
	assert_int_equal(o.scans, 0);
	engine_free(e);
	topo_free(t);
}

static void test_lost_and_finish(void **state)
{
	(void)state;
	static struct out o;
	struct topo *t;
	struct engine *e = engine(&o, &t, "syn_scan: {}");
	struct r_update u = { 0 };
	u.key.id = (struct id){ 1, 9 };
	u.key.first = u.n.start = u.n.last = 6000 * S;
	addr_parse("10.0.0.1", 8, &u.key.client);
	addr_parse("10.0.0.2", 8, &u.key.server);
	u.key.sensor = (struct str){ 0, 1 };
	engine_update(e, &u, "s", &(struct codec_places){ 0 });
	engine_lost(e, "other");
	assert_int_equal(o.flows, 1);
	engine_lost(e, "s");
	assert_int_equal(o.flows, 2);
	engine_finish(e);
	assert_true(o.hosts >= 2);
	engine_free(e);
	topo_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complete), cmocka_unit_test(test_table),      cmocka_unit_test(test_severity),
		cmocka_unit_test(test_sketch),        cmocka_unit_test(test_syn_scan),
		cmocka_unit_test(test_almost_a_scan), cmocka_unit_test(test_disabled),
		cmocka_unit_test(test_lost_and_finish),
	};
	return cmocka_run_group_tests_name("checks", tests, NULL, NULL);
}

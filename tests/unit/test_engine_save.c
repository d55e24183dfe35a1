#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks/engine_priv.h"
#include "codec.h"
#include "hash.h"
#include "log.h"

#define HOSTS 40
#define FLOWS 120

/* Every byte of a struct is kept or in the list of what is made anew; gaps are the compiler's. */
static void covers(const char *what, size_t size, const struct member *kept, size_t n, const struct member *anew, size_t n_anew)
{
	uint8_t *seen = calloc(1, size), ids[256] = { 0 };
	size_t gap = 0;
	for (size_t i = 0; i < n + n_anew; i++) {
		const struct member *m = i < n ? &kept[i] : &anew[i - n];
		if (i < n)
			assert_int_equal(ids[m->id]++, 0);
		for (uint32_t b = 0; b < (m->part ? sizeof(void *) : m->size); b++)
			assert_int_equal(seen[m->off + b]++, 0);
	}
	for (size_t i = 0; i <= size; i++) {
		if (i < size && !seen[i]) {
			gap++;
			continue;
		}
		if (gap >= 8 || (gap && i < size && i % 4 != 0))
			fail_msg("%s: bytes %zu to %zu are neither kept nor made anew", what, i - gap, i);
		gap = 0;
	}
	free(seen);
}

static void test_members(void **state)
{
	(void)state;
	const struct member flow[] = { MEMBER(0, openflow, age.hash_next), MEMBER(0, openflow, age.age),
				       MEMBER(0, openflow, age.copied),    MEMBER(0, openflow, age.used),     MEMBER(0, openflow, key),
				       MEMBER(0, openflow, n),	       MEMBER(0, openflow, app),	MEMBER(0, openflow, app_len),
				       MEMBER(0, openflow, lua_alerts), MEMBER(0, openflow, lists),    MEMBER(0, openflow, excluded),
				       MEMBER(0, openflow, why),     MEMBER(0, openflow, lua_top), MEMBER(0, openflow, top),
				       MEMBER(0, openflow, host),
				       MEMBER(0, openflow, host_at) };
	const struct member host[] = { MEMBER(0, host, age.hash_next), MEMBER(0, host, age.age),
				       MEMBER(0, host, age.copied),	   MEMBER(0, host, age.used),     MEMBER(0, host, names),
				       MEMBER(0, host, engaged),   MEMBER(0, host, place) };
	covers("struct openflow", sizeof(struct openflow), flow_members, n_flow_members, MEMBERS(flow));
	covers("struct host", sizeof(struct host), host_members, n_host_members, MEMBERS(host));
}

/* -- a stream of records that says everything there is to say, the same for the same seed -- */

struct world {
	struct topo *t;
	struct engine *e;
	struct hash_stream *out; /* of what it said since 'mark' */
	uint64_t said;
	uint64_t seed, time;
	unsigned revision[FLOWS];
	bool open[FLOWS];
	unsigned life[FLOWS];
};

static void say(void *arg, const char *rec, size_t len)
{
	struct world *w = arg;
	hash_stream_add(w->out, rec, len);
	w->said++;
}

static void world_new(struct world *w, uint64_t seed, const char *limits)
{
	static const struct engine_ops ops = { say, say };
	struct buf err = { 0 }, text = { 0 };
	*w = (struct world){ .seed = seed, .time = 1600000000000000000ull, .out = hash_stream_new() };
	buf_addf(&text, "sensors: {s: {file: x}, z: {file: y}}\ndatabases: {location: none, vendors: none}\n%s%s",
		 strstr(limits, "lua:") ? "" : "lua: {enabled: no}\n", limits);
	w->t = topo_parse("t", text.p, text.len, &err);
	if (!w->t)
		fail_msg("%s", buf_cstr(&err));
	buf_release(&err);
	buf_release(&text);
	w->e = engine_new(w->t, &ops, w);
	engine_set_epoch(w->e, 77);
}

static void world_free(struct world *w)
{
	engine_free(w->e);
	topo_free(w->t);
	hash_stream_end(w->out);
}

static unsigned rnd(struct world *w, unsigned n)
{
	w->seed = w->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(w->seed >> 33) % n;
}

static void key_of(struct world *w, unsigned i, struct g_flow_key *k)
{
	char a[32];
	*k = (struct g_flow_key){ .id = { 1 + i % 3, 1000ull * i + w->life[i] + 1 }, .first = 1600000000000000000ull + i,
				    .proto = i % 5 ? 6 : 17,
				  .client_port = (uint16_t)(40000 + i), .server_port = (uint16_t)(i % 7 ? 443 : i), .vlan = i % 11 == 0,
				  .sensor = { i % 2, 1 } };
	int n = snprintf(a, sizeof a, "10.0.0.%u", 1 + i % HOSTS);
	addr_parse(a, (size_t)n, &k->client);
	n = snprintf(a, sizeof a, i % 3 ? "10.1.%u.%u" : "198.51.%u.%u", w->life[i] % 200, 1 + i);
	addr_parse(a, (size_t)n, &k->server);
}

static void verdict(struct world *w, unsigned i)
{
	struct buf arena = { 0 }, packed = { 0 };
	struct r_verdict v = { 0 };
	struct codec_places at;
	key_of(w, i, &v.key);
	buf_adds(&arena, "sz");
	v.app.state = VERDICT_DPI;
	v.app.n = (uint8_t)(1 + rnd(w, 3));
	v.app.final = rnd(w, 2);
	v.app.app_id = (uint16_t)(rnd(w, 3) ? 91 : 5);
	v.app.app = str_put(&arena, i % 2 ? "TLS" : "DNS", 3, 64);
	v.app.host = str_put(&arena, "example.org", 11, 64);
	v.app.dhcp_name = str_put(&arena, "printer", i % 13 ? 0 : 7, 64);
	v.app.dns_query = str_put(&arena, "a.example", 9, 64);
	v.app.dns_addresses = str_put_raw(&arena, "10.0.0.3\n10.0.0.4", i % 4 ? 0 : 17);
	v.app.risk_bits = rnd(w, 5) ? 0 : 1ull << (1 + rnd(w, 41));
	codec_pack(&packed, R_VERDICT, &v, arena.p);
	struct codec_reader r = { .base = packed.p, .len = packed.len };
	assert_int_equal(codec_read_places(&r, &v, &at), 1);
	engine_verdict(w->e, &v, packed.p, &at);
	buf_release(&arena);
	buf_release(&packed);
}

static void count(struct world *w, unsigned i, struct g_flow_count *n, unsigned reason)
{
	uint64_t k = ++w->revision[i];
	*n = (struct g_flow_count){ .start = w->time - 1000000, .last = w->time, .client_packets = 3 * k, .client_bytes = 900 * k,
				    .server_packets = i % 4 ? 2 * k : 0, .server_bytes = i % 4 ? 7000 * k : 0,
				    .client_rsts = i % 9 == 0 ? (uint32_t)k : 0, .client_syns = 1, .client_flags = 2,
				    .server_flags = i % 4 ? 0x12 : 0x14, .end_reason = (uint8_t)reason };
}

static void one_step(struct world *w)
{
	unsigned i = rnd(w, FLOWS);
	w->time += 20000000ull + rnd(w, 60000000);
	if (rnd(w, 20) == 0) {
		struct r_tick t = { .tick = { .from = w->time, .to = w->time, .sensor = { rnd(w, 2), 1 } },
				    .n = { .packets = w->time / 1000000000,
					   .kernel_drops = rnd(w, 3) ? w->time / 3000000000u : w->time / 1000000000 } };
		engine_tick(w->e, &t, "sz");
	} else if (rnd(w, 400) == 0) {
		engine_lost(w->e, "z");
	} else if (!w->open[i]) {
		w->open[i] = true;
		w->life[i]++;
		w->revision[i] = 0;
		verdict(w, i);
	} else if (rnd(w, 4) == 0) {
		struct r_end r = { 0 };
		key_of(w, i, &r.key);
		count(w, i, &r.n, rnd(w, 4) ? END_RST : END_TIMEOUT);
		w->open[i] = r.n.end_reason == END_TIMEOUT;
		engine_end(w->e, &r, "sz", &(struct codec_places){ 0 });
	} else if (rnd(w, 3) == 0) {
		verdict(w, i);
	} else {
		struct r_update r = { 0 };
		key_of(w, i, &r.key);
		count(w, i, &r.n, END_ACTIVE);
		engine_update(w->e, &r, "sz", &(struct codec_places){ 0 });
	}
}

static void forget_said(struct world *w)
{
	hash_stream_end(w->out);
	w->out = hash_stream_new();
	w->said = 0;
}

/* Two engines: one that went on, one that was made from a copy. From there on both say the same. */
static void run_copy(uint64_t seed, unsigned before, unsigned after, unsigned step, const char *limits)
{
	struct world a, b;
	struct buf pieces = { 0 };
	bool more = true;
	world_new(&a, seed, limits);
	for (unsigned i = 0; i < before; i++)
		one_step(&a);
	while (!engine_is_idle(a.e)) /* records wait for scripts */
		one_step(&a);
	b = a;
	forget_said(&a);
	engine_copy_begin(a.e, &pieces);
	for (unsigned i = 0; i < after; i++) {
		if (more)
			more = engine_copy_step(a.e, step, &pieces);
		one_step(&a);
	}
	while (more)
		more = engine_copy_step(a.e, step, &pieces);
	struct world saved = b;
	world_new(&b, seed, limits);
	struct engine *e = b.e;
	struct topo *t = b.t;
	struct hash_stream *out = b.out;
	b = saved;
	b.e = e;
	b.t = t;
	b.out = out;
	b.said = 0;
	e->arg = &b;
	a.e->arg = &a;
	assert_true(engine_load(b.e, pieces.p, pieces.len));
	assert_true(engine_load_end(b.e));
	for (unsigned i = 0; i < after; i++)
		one_step(&b);
	engine_finish(a.e);
	engine_finish(b.e);
	assert_int_equal(a.said, b.said);
	assert_true(a.said > after / 2);
	uint64_t ha = hash_stream_end(a.out), hb = hash_stream_end(b.out);
	a.out = hash_stream_new();
	b.out = hash_stream_new();
	assert_int_equal(ha, hb);
	assert_int_equal(a.e->alerts, b.e->alerts);
	assert_int_equal(flow_evicted(a.e->flows), flow_evicted(b.e->flows));
	world_free(&a);
	world_free(&b);
	buf_release(&pieces);
}

static void test_copy(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		run_copy(seed, 3000, 3000, 1000, "");
		run_copy(seed, 3000, 3000, 1, "");
		run_copy(seed, 3000, 3000, 100, "lua: {paths: [tests/unit/lua]}\n");
		run_copy(seed, 1500, 2500, 2, "limits: {hosts: 64, flows: 70, host_idle: 30s}\n"); /* tables that are full */
	}
}

/* A copy cut off anywhere, or with bytes changed, is refused or loads to something; it never does harm. */
static void test_damage(void **state)
{
	struct world a, b;
	struct buf good = { 0 };
	(void)state;
	world_new(&a, 5, "");
	for (unsigned i = 0; i < 800; i++)
		one_step(&a);
	engine_copy_begin(a.e, &good);
	while (engine_copy_step(a.e, 100, &good))
		;
	for (unsigned i = 0; i < 60; i++) {
		char *p = malloc(good.len);
		size_t len = i % 2 ? good.len : rnd(&a, (unsigned)good.len);
		memcpy(p, good.p, good.len);
		for (unsigned k = 0; i % 2 && k <= i % 5; k++)
			p[rnd(&a, (unsigned)good.len)] ^= (char)(1 + rnd(&a, 255));
		world_new(&b, 5, "");
		bool whole = engine_load(b.e, p, len) && engine_load_end(b.e);
		if (i % 2 == 0)
			assert_false(whole);
		world_free(&b);
		free(p);
	}
	world_free(&a);
	buf_release(&good);
}

/* Checks have moved: what fired is found by key; an episode of a check that is gone is dropped with its score. */
static void test_other_configuration(void **state)
{
	struct world a, b;
	struct buf p = { 0 };
	(void)state;
	world_new(&a, 9, "");
	for (unsigned i = 0; i < 2500; i++)
		one_step(&a);
	engine_copy_begin(a.e, &p);
	while (engine_copy_step(a.e, 100, &p))
		;
	world_new(&b, 9, "limits: {hosts: 64}\n");
	struct checkdef *moved = malloc(sizeof *moved * b.e->conf.n);
	for (size_t i = 0; i < b.e->conf.n; i++)
		moved[i] = *b.e->conf.checks[b.e->conf.n - 1 - i].def;
	for (size_t i = 0; i < b.e->conf.n; i++)
		b.e->conf.checks[i].def = &moved[i];
	assert_true(engine_load(b.e, p.p, p.len));
	assert_true(engine_load_end(b.e));
	assert_int_equal(flow_count(a.e->flows), flow_count(b.e->flows));
	struct openflow *x = flow_oldest(a.e->flows), *y = flow_oldest(b.e->flows);
	unsigned fired = 0;
	for (; x; x = flow_newer(a.e->flows, x), y = flow_newer(b.e->flows, y)) {
		assert_true(id_cmp(x->id, y->id) == 0);
		for (unsigned i = 0; i < a.e->conf.n; i++) {
			unsigned now = (unsigned)a.e->conf.n - 1 - i;
			assert_int_equal(x->fired[i / 64] >> (i % 64) & 1, y->fired[now / 64] >> (now % 64) & 1);
			fired += x->fired[i / 64] >> (i % 64) & 1;
		}
	}
	assert_true(fired > 10);
	world_free(&b);
	free(moved);
	world_free(&a);
	buf_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_members), cmocka_unit_test(test_copy), cmocka_unit_test(test_damage),
					    cmocka_unit_test(test_other_configuration) };
	log_set_level(LOG_LV_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

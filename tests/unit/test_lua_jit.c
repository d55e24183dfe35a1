/*
 * Every shipped script is compiled, and stays so: its loop begins a trace, and after it has seen what there is to see the
 * compiler has nothing to add, nothing to give up and nothing to throw away.
 */
#include "lua_common.h"

#include <dirent.h>

#define BATCHES    200 /* of a round */
#define MAX_ROUNDS 25

static uint32_t seed = 1;

static unsigned pick(unsigned n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 10) % n;
}

static struct str one_of(struct buf *arena, const char *const *texts, unsigned n)
{
	return text_of(arena, texts[pick(n)]);
}

/* Values that make conditions true and false. */
static struct r_flow any_flow(struct buf *arena)
{
	static const char *const apps[] = { "TLS", "HTTP", "DNS", "BitTorrent", "Zoom", "RTP", "Google", "" };
	static const char *const issuers[] = { "", "O=Example Ltd, CN=ca", "C=US, O=Google Trust Services, CN=GTS CA 1C3" };
	static const char *const names[] = { "", "www.example.org", "a.example.com" };
	static const uint16_t ports[] = { 443, 80, 53, 4433, 22, 993 };
	struct r_flow f = { 0 };
	f.key.id = (struct id){ seed, pick(1000) };
	f.key.first = 1700000000ull * S;
	f.key.client.b[10] = f.key.client.b[11] = f.key.server.b[10] = f.key.server.b[11] = 0xff;
	f.key.client.b[12] = f.key.server.b[12] = 10;
	f.key.client.b[15] = (uint8_t)pick(20);
	f.key.server.b[15] = (uint8_t)pick(20);
	f.key.server_port = ports[pick(6)];
	f.key.client_port = (uint16_t)pick(60000);
	f.key.proto = pick(2) ? 6 : 17;
	f.n.start = f.key.first;
	f.n.last = f.key.first + pick(100) * S;
	f.n.client_bytes = pick(30) ? pick(2000000) : 5000000000ull;
	f.n.server_bytes = pick(30) ? pick(2000000) : 5000000000ull;
	f.n.client_packets = pick(1000);
	f.n.server_packets = pick(1000);
	f.app.app = one_of(arena, apps, 8);
	f.app.master = one_of(arena, apps, 8);
	f.app.host = one_of(arena, names, 3);
	f.app.tls_issuer = one_of(arena, issuers, 3);
	f.app.tls_sni = one_of(arena, names, 3);
	f.app.rtp_kind = text_of(arena, pick(3) ? "" : "audio");
	f.n.client_rtp_packets = pick(3) ? 0 : 500;
	f.n.rtp_mos = pick(3) ? 4.2 : 2.5;
	f.judge.client_local = pick(2);
	f.judge.server_local = pick(2);
	return f;
}

static struct r_host any_host(void)
{
	struct r_host h = { 0 };
	h.host.ip.b[10] = h.host.ip.b[11] = 0xff;
	h.host.ip.b[12] = 10;
	h.host.ip.b[14] = (uint8_t)pick(256);
	h.host.ip.b[15] = (uint8_t)pick(256);
	h.host.local = pick(4) > 0;
	h.host.bytes_sent = pick(30) ? pick(200000000) : 5000000000ull;
	h.host.bytes_rcvd = pick(200000000);
	h.host.peers = pick(1000);
	return h;
}

static void one_batch(struct bench *b, uint64_t clock)
{
	static struct r_flow f[LUA_ROWS];
	struct buf arena = { 0 };
	buf_reserve(&arena, 1 << 20);
	for (unsigned i = 0; i < LUA_ROWS; i++) {
		f[i] = any_flow(&arena);
		bench_flow(b, 1u << LUA_START | 1u << LUA_DETECTED | 1u << LUA_PERIODIC | 1u << LUA_END, &f[i], &arena);
	}
	bench_run(b, LUA_FLOWS, clock);
	for (unsigned i = 0; i < LUA_ROWS; i++) {
		struct r_host h = any_host();
		bench_host(b, 1u << LUA_MINUTE | 1u << LUA_5MINUTES | 1u << LUA_HOUR | 1u << LUA_DAY, &h, NULL);
	}
	bench_run(b, LUA_HOSTS, clock);
	for (unsigned i = 0; i < LUA_ROWS; i++) {
		struct r_alert a = { .flow = f[i].key };
		a.alert.check = one_of(&arena, (const char *const[]){ "syn_scan", "blacklisted", "dns_traffic", "zz" }, 4);
		a.alert.attacker = f[i].key.client;
		const struct lua_part part[] = { { &a.alert, arena.p }, { &a.flow, arena.p }, { 0 }, { 0 }, { 0 }, { 0 }, { 0 } };
		lua_add(b->lua, LUA_ALERTS, 1u << LUA_ALERT, part);
	}
	bench_run(b, LUA_ALERTS, clock);
	buf_release(&arena);
}

static int is_lua(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return n > 4 && strcmp(d->d_name + n - 4, ".lua") == 0;
}

/*
 * It comes to rest: a round in which nothing is given up and hardly anything is added. False after saying what goes on.
 * *jit: counts of the start.
 */
static bool rests(struct bench *b, const struct lua_jit *jit)
{
	struct lua_jit later = *jit, before;
	unsigned rounds = 0;
	do {
		before = later;
		for (unsigned i = 0; i < BATCHES; i++)
			one_batch(b, (1700000400ull + rounds * BATCHES + i) * S);
		lua_jit_state(b->lua, "none", &later);
	} while (++rounds < MAX_ROUNDS && (later.aborts > before.aborts || later.traces > before.traces + 2));
	if (rounds < MAX_ROUNDS && !later.flushes)
		return true;
	print_message("compiler: %u traces, %u given up, %u flushes; then %u, %u, %u\n", before.traces, before.aborts,
		      before.flushes, later.traces, later.aborts, later.flushes);
	return false;
}

/* False after saying what is not compiled, or not at rest. */
static bool is_compiled(const char *dir)
{
	struct bench b = { 0 };
	struct dirent **names;
	struct lua_jit jit;
	bool good = true;
	int n = scandir(dir, &names, is_lua, alphasort);
	assert_true(n >= 2);
	bench_script(&b, "none", "return { flow = function() end }");
	b.more = "checks/lua/examples";
	bench_start(&b, "");
	lua_jit_state(b.lua, "", &jit); /* counts from here on */
	for (unsigned i = 0; i < BATCHES; i++)
		one_batch(&b, (1700000000ull + i) * S);
	for (int i = 0; i < n; i++) {
		char *key = xstrndup(names[i]->d_name, strlen(names[i]->d_name) - 4);
		lua_jit_state(b.lua, key, &jit);
		if (bench_metric(&b, "lua_check_errors", key) != 0)
			fail_msg("%s: had errors", key);
		if (jit.loops == 0 || jit.compiled < jit.loops) {
			print_message("%s: %u of %u loops are compiled\n", key, jit.compiled, jit.loops);
			good = false;
		}
		free(key);
		free(names[i]);
	}
	free(names);
	good = good && jit.flushes == 0 && rests(&b, &jit);
	bench_end(&b);
	return good;
}

/*
 * What LuaJIT compiles, and when, depends on where things lie in memory: once in hundreds of runs it gives up a loop that it
 * compiles in all others. What it cannot compile it gives up every time.
 */
static void in_some_state(bool (*compiled)(const char *what), const char *what)
{
	unsigned tries = 0;
	while (!compiled(what))
		if (++tries == 5)
			fail_msg("%s: not compiled in five states", what);
}

static void test_shipped(void **state)
{
	(void)state;
	in_some_state(is_compiled, "checks/lua");
}

static void test_examples(void **state)
{
	(void)state;
	in_some_state(is_compiled, "checks/lua/examples");
}

/* The test can fail: what LuaJIT cannot compile is noticed. Returns whether it compiled the script beside it. */
static bool tells_apart(const char *what)
{
	(void)what;
	struct bench b = { 0 };
	struct lua_jit jit;
	bench_script(&b, "closure", "return { flow = function(f) local g = function() return f end return g() == nil end }");
	bench_script(&b, "plain", "return { flow = function(f) return f.client.port == 7 end }");
	bench_start(&b, "");
	lua_jit_state(b.lua, "", &jit);
	for (unsigned i = 0; i < 100; i++)
		one_batch(&b, (1700000000ull + i) * S);
	lua_jit_state(b.lua, "closure", &jit);
	assert_int_equal(jit.compiled, 0);
	assert_true(jit.aborts > 0);
	lua_jit_state(b.lua, "plain", &jit);
	bench_end(&b);
	return jit.compiled == 1;
}

static void test_not_compiled(void **state)
{
	(void)state;
	in_some_state(tells_apart, "a plain script");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_shipped), cmocka_unit_test(test_examples),
					    cmocka_unit_test(test_not_compiled) };
	return cmocka_run_group_tests_name("lua jit", tests, NULL, NULL);
}

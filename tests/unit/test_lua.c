#include "lua_common.h"

#include "id.h"

static struct r_flow make_flow(struct buf *arena, unsigned i)
{
	struct r_flow f = { 0 };
	if (!arena->cap)
		buf_reserve(arena, 1 << 20); /* rows refer to it: it must not move */
	f.key.id = (struct id){ 0x0123456789abcdefull, i };
	f.key.first = 1700000000ull * S;
	f.key.client.b[10] = f.key.client.b[11] = 0xff;
	f.key.client.b[12] = 10;
	f.key.client.b[15] = (uint8_t)i;
	addr_parse("192.0.2.9", 9, &f.key.server);
	f.key.client_port = (uint16_t)(40000 + i);
	f.key.server_port = 443;
	f.key.proto = 6;
	f.key.sensor = text_of(arena, "lan");
	f.n.client_bytes = 1000 * i;
	f.n.server_bytes = 5ull << 40;
	f.n.client_packets = f.n.server_packets = 3;
	f.n.rtt_client = S / 4;
	f.n.client_flags = 0x12;
	f.n.end_reason = END_FIN;
	f.app.app = text_of(arena, i % 2 ? "TLS" : "Example");
	f.app.master = text_of(arena, "TLS");
	f.app.app_id = i % 2 ? 91 : 700;
	f.app.master_id = 91;
	f.app.tls_issuer = text_of(arena, "O=Example Ltd, CN=ca");
	f.app.tls_names = text_of(arena, "a.example\nb.example");
	f.judge.client_local = 1;
	return f;
}

static void add_one(struct bench *b, struct buf *arena, unsigned i)
{
	struct r_flow f = make_flow(arena, i);
	bench_flow(b, 1 << LUA_DETECTED, &f, arena);
}

/* -- the view -- */

static void test_fields(void **state)
{
	(void)state;
	struct bench b = { 0 };
	struct buf arena = { 0 };
	bench_script(&b, "one", "return { on = 'end', flow = function(f)\n"
				"local t = { f.id, f.client.ip, f.server.ip, f.client.port, f.proto, f.client.bytes,"
				" f.server.bytes, f.tcp.rtt_client, f.client.tcp_flags, f.end_reason, f.app.name, f.app.master,"
				" f.tls.issuer, #f.tls.names, f.tls.names[2], tostring(f.client['local']),"
				" tostring(f.server['local']), f.first, f.http.url, f.sensor, f.client.mac }\n"
				"return true, table.concat(t, ' ') end }");
	bench_start(&b, "");
	struct r_flow f = make_flow(&arena, 7);
	bench_flow(&b, 1 << LUA_END, &f, &arena);
	char id[ID_STRLEN], want[300];
	snprintf(want, sizeof want,
		 "0 one 50 %s 10.0.0.7 192.0.2.9 40007 tcp 7000 5497558138880 0.25 SA fin TLS TLS O=Example Ltd, CN=ca 2 "
		 "b.example true false 1700000000  lan \n",
		 id_str(f.key.id, id));
	assert_string_equal(bench_run(&b, LUA_FLOWS, 1700000001 * S), want);
	buf_release(&arena);
	bench_end(&b);
}

/* A walk over everything that pairs shows comes to every field of the record, by its name. */
static void test_every_field(void **state)
{
	(void)state;
	static const char text[] =
		"local function walk(v, at, out)\n"
		"  for k, x in pairs(v) do\n"
		"    local name = at == '' and k or at .. '.' .. k\n"
		"    if type(x) == 'userdata' then walk(x, name, out) else out[#out + 1] = name end\n"
		"  end\n"
		"  return out\n"
		"end\n"
		"return { on = 'end', flow = function(f)\n"
		"  local names = walk(f, '', {})\n"
		"  for _, n in ipairs(names) do raise { host = '10.0.0.1', message = n } end\n"
		"end,\n"
		"host = function(h)\n"
		"  for _, n in ipairs(walk(h, '', {})) do raise { host = '10.0.0.1', message = n } end\n"
		"end,\n"
		"alert = function(a)\n"
		"  for _, n in ipairs(walk(a, '', {})) do raise { host = '10.0.0.1', message = n } end\n"
		"end }";
	static const struct {
		enum lua_set set;
		enum rtype type;
		unsigned hook;
	} sets[] = { { LUA_FLOWS, R_FLOW, LUA_END }, { LUA_HOSTS, R_HOST, LUA_MINUTE }, { LUA_ALERTS, R_ALERT, LUA_ALERT } };
	struct bench b = { 0 };
	static const struct lua_part part[RECORD_MAX_GROUPS];
	bench_script(&b, "walk", text);
	bench_start(&b, "");
	for (size_t i = 0; i < 3; i++) {
		const struct rdesc *rd = rdesc_get(sets[i].type);
		lua_add(b.lua, sets[i].set, 1u << sets[i].hook, part);
		const char *said = bench_run(&b, sets[i].set, S);
		for (unsigned g = 0; g < rd->n_groups; g++)
			for (unsigned k = 0; k < rd->groups[g].n_fields; k++) {
				const char *name = rd->groups[g].fields[k].name;
				char want[120];
				snprintf(want, sizeof want, "%s|10.0.0.1@0", name);
				bool found = strstr(said, want) != NULL;
				snprintf(want, sizeof want, "%s.name|10.0.0.1@0", name);
				if (!found && !strstr(said, want))
					fail_msg("%s records: no field %s", rd->name, name);
			}
	}
	bench_end(&b);
}

/* -- when -- */

static void test_hooks(void **state)
{
	(void)state;
	struct bench b = { 0 };
	struct buf arena = { 0 };
	bench_script(&b, "a", "return { on = { 'start', 'detected' }, flow = function(f) return true, 'a' .. f.client.port end }");
	bench_script(&b, "b", "return { flow = function(f) return f.client.bytes > 1500, 'b' .. f.client.port end }");
	bench_start(&b, "");
	static const unsigned hooks[] = { 1 << LUA_START | 1 << LUA_DETECTED, 1 << LUA_END, 1 << LUA_END, 0, 1 << LUA_PERIODIC };
	for (unsigned i = 0; i < 5; i++) {
		struct r_flow f = make_flow(&arena, i);
		bench_flow(&b, hooks[i], &f, &arena);
	}
	assert_string_equal(bench_run(&b, LUA_FLOWS, S), "0 a 50 a40000\n0 a 50 a40000\n2 b 50 b40002\n");
	assert_string_equal(bench_run(&b, LUA_FLOWS, S), "");
	assert_true(lua_has(b.lua, LUA_START));
	assert_false(lua_has(b.lua, LUA_PERIODIC));
	assert_true(lua_has(b.lua, LUA_MINUTE)); /* a shipped one */
	buf_release(&arena);
	bench_end(&b);
}

static void test_params(void **state)
{
	(void)state;
	struct bench b = { 0 };
	struct buf arena = { 0 };
	bench_script(&b, "p",
		     "return { title = 'T', severity = 'error', params = { threshold = { default = 5, unit = 'bytes', doc = 'x' }, "
		     "who = 'nobody', on = false, list = { 'a' } },\n"
		     "flow = function(f) return f.client.bytes >= param.threshold, param.who .. tostring(param.on) .. "
		     "table.concat(param.list, '+'), { value = f.client.bytes, threshold = param.threshold } end }");
	bench_script(&b, "q", "return { params = { threshold = 1 }, flow = function() return true end }");
	bench_script(&b, "r", "return { params = { who = 'nobody' }, flow = function() return true end }");
	bench_start(&b, "p: {threshold: 2K, who: me, on: yes, list: [x, y]}, q: {treshold: 1}, r: {who: [me, you]}");
	struct r_flow f = make_flow(&arena, 3);
	bench_flow(&b, 1 << LUA_END, &f, &arena);
	f = make_flow(&arena, 2);
	bench_flow(&b, 1 << LUA_END, &f, &arena);
	/* q is left out: it has no parameter of that name, r: it takes one text. */
	assert_string_equal(bench_run(&b, LUA_FLOWS, S), "0 p 100 metrue" "x+y|threshold=2048\nvalue=3000\n");
	buf_release(&arena);
	bench_end(&b);
}

/* -- failing -- */

static void test_errors(void **state)
{
	(void)state;
	struct bench b = { 0 };
	struct buf arena = { 0 };
	const char *key, *why;
	bench_script(&b, "bad", "return { flow = function(f)\n"
				"if f.client.port == 40002 then error('no') end\n"
				"if f.client.port == 40004 then return f.nothing end\n"
				"return true, tostring(f.client.port) end }");
	bench_script(&b, "good", "return { flow = function(f) return f.client.port == 40004, 'good' end }");
	bench_script(&b, "syntax", "return { flow = function(f) return end");
	bench_script(&b, "bytecode", "\x1bLJ\x02");
	bench_script(&b, "nothing", "return 5");
	bench_script(&b, "thrown", "error({})");
	bench_start(&b, "");
	for (unsigned round = 0; round < 6; round++) {
		for (unsigned i = 0; i < 6; i++) {
			struct r_flow f = make_flow(&arena, i);
			bench_flow(&b, 1 << LUA_END, &f, &arena);
		}
		const char *said = bench_run(&b, LUA_FLOWS, S);
		/* Ten errors are enough: the fifth round is its last. */
		if (round < 4)
			assert_string_equal(said, "0 bad 50 40000\n1 bad 50 40001\n3 bad 50 40003\n5 bad 50 40005\n"
						  "4 good 50 good\n");
		else if (round == 5)
			assert_string_equal(said, "4 good 50 good\n");
	}
	assert_true(lua_next_disabled(b.lua, &key, &why));
	assert_string_equal(key, "bad");
	assert_non_null(strstr(why, "bad.lua:3: flow has no field 'nothing'"));
	assert_false(lua_next_disabled(b.lua, &key, &why));
	assert_true(bench_metric(&b, "lua_check_errors", "bad") == 10);
	assert_true(bench_metric(&b, "lua_check_disabled", "bad") == 1);
	buf_release(&arena);
	bench_end(&b);
}

/* What a script says of itself is checked before it runs; what it returns, when it does. */
static void test_mistakes(void **state)
{
	(void)state;
	static const struct {
		const char *name, *text;
		bool loaded;
	} all[] = {
		{ "member", "return { titel = 'x', flow = function() return true end }", false },
		{ "first", "return { 'x', flow = function() return true end }", false },
		{ "param", "return { params = { a = print }, flow = function() return true end }", false },
		{ "items", "return { params = { a = { 1, 2 } }, flow = function() return true end }", false },
		{ "title", "return { title = 5, flow = function() return true end }", false },
		{ "message", "return { flow = function() return true, {} end }", true },
		{ "values", "return { flow = function() return true, 'x', 'y' end }", true },
	};
	struct bench b = { 0 };
	struct buf arena = { 0 };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		bench_script(&b, all[i].name, all[i].text);
	bench_start(&b, "");
	struct r_flow f = make_flow(&arena, 1);
	bench_flow(&b, 1 << LUA_END, &f, &arena);
	assert_string_equal(bench_run(&b, LUA_FLOWS, S), "");
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		assert_int_equal(lua_flow_def(b.lua, all[i].name) != NULL, all[i].loaded);
		assert_true(!all[i].loaded || bench_metric(&b, "lua_check_errors", all[i].name) == 1);
	}
	/* Those that were left out are told of as others that are out of service. */
	char names[100], few[12];
	assert_int_equal(lua_disabled(b.lua, names, sizeof names), 5);
	assert_string_equal(names, "first, items, member, param, title");
	assert_int_equal(lua_disabled(b.lua, few, sizeof few), 5);
	assert_string_equal(few, "first, item");
	assert_true(bench_metric(&b, "lua_left_out", NULL) == 5);
	buf_release(&arena);
	bench_end(&b);
}

static void test_memory(void **state)
{
	(void)state;
	struct bench b = { 0 };
	const char *key, *why;
	static const struct lua_part part[4];
	bench_script(&b, "eats",
		     "local t = {}\nreturn { flow = function() for i = 1, 1e9 do t[#t + 1] = 'x' .. i .. ('y'):rep(1000) end end }");
	bench_script(&b, "lives", "return { flow = function() return true, ('z'):rep(100) end }");
	bench_start(&b, "");
	lua_add(b.lua, LUA_FLOWS, 1 << LUA_END, part);
	bench_run(&b, LUA_FLOWS, S);
	assert_true(lua_next_disabled(b.lua, &key, &why));
	assert_string_equal(key, "eats");
	lua_add(b.lua, LUA_FLOWS, 1 << LUA_END, part);
	assert_non_null(strstr(bench_run(&b, LUA_FLOWS, S), "0 lives 50 zzzz"));
	/* What it held is there for the others. */
	assert_true(bench_metric(&b, "lua_memory", NULL) <= 32 << 20);
	bench_end(&b);
}

/*
 * One that would catch the error, in compiled code, which the library does not stand twice: the test is that there is no crash.
 */
static void test_memory_in_pcall(void **state)
{
	(void)state;
	struct bench b = { 0 };
	const char *key, *why;
	static const struct lua_part part[4];
	bench_script(&b, "catches",
		     "local t, n = {}, 0\nreturn { flow = function() while true do pcall(function()\n"
		     "local i = 0 while true do i = i + 1 t[i] = ('x'):rep(1000) .. i end end) end end }");
	bench_start(&b, "");
	lua_add(b.lua, LUA_FLOWS, 1 << LUA_END, part);
	bench_run(&b, LUA_FLOWS, S);
	assert_true(lua_next_disabled(b.lua, &key, &why));
	assert_non_null(strstr(why, "used up the memory"));
	assert_true(bench_metric(&b, "lua_memory", NULL) <= 32 << 20);
	bench_end(&b);
}

/* Loading is watched too: a script whose text never ends is tried until the guard knows it. */
static bool known_to_hang(void *arg, const char *script, uint64_t work)
{
	unsigned *entered = arg;
	*entered += work != 0;
	return strcmp(script, "hangs") != 0;
}

static void left(void *arg)
{
	unsigned *entered = arg;
	*entered += 100;
}

static unsigned no_strikes(void *arg, const char *script)
{
	(void)arg;
	(void)script;
	return 0;
}

static void test_guard_of_loading(void **state)
{
	(void)state;
	unsigned entered = 0;
	const struct lua_guard guard = { &entered, known_to_hang, left, no_strikes };
	struct bench b = { .guard = &guard };
	bench_script(&b, "hangs", "while true do end");
	bench_script(&b, "works", "return { flow = function() return true end }");
	bench_start(&b, BENCH_ALONE);
	assert_int_equal(lua_count(b.lua), 1);
	assert_int_equal(entered, 102); /* asked for both, and came back from one */
	bench_end(&b);
}

/* What raise is given and is not what it takes is an error, and nothing is made of a part of it. */
static void test_raise(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"score = '50'", "score = 'reset'", "score = 0", "score = 251", "score = 0/0", "message = {}", "values = 5",
		"mesage = 'x'",  "vlan = 'x'",     "host = 5",
	};
	struct buf arena = { 0 }, text = { 0 };
	struct bench b = { 0 };
	buf_adds(&text, "return { on = 'detected', flow = function(f)\n");
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		buf_addf(&text, "assert(not pcall(raise, { host = '10.0.0.9', %s }), '%zu')\n", wrong[i], i);
	buf_adds(&text, "assert(not pcall(raise, {}))\n"
			"raise { host = '10.0.0.9', score = 250, message = 'm', values = { ['a=\\n'] = 'b\\nc=1' } }\n"
			"return true, ('\\195\\169'):rep(200), { a = ('x'):rep(100), b = ('y'):rep(100) } end }");
	bench_script(&b, "raises", buf_cstr(&text));
	bench_start(&b, "");
	add_one(&b, &arena, 1);
	const char *said = bench_run(&b, LUA_FLOWS, S);
	assert_true(bench_metric(&b, "lua_errors", NULL) == 0);
	const char *second = strchr(said, '\n') + 1;
	assert_memory_equal(said, "0 raises 250 m|a  =b c=1|10.0.0.9@0\n", (size_t)(second - said));
	/* A text that is too long ends with a whole character, values with a whole line. */
	const char *values = strchr(second, '|');
	assert_int_equal(values - second, strlen("0 raises 50 ") + 254);
	assert_int_equal(strlen(values), strlen("|a=\n") + 100);
	bench_end(&b);
	buf_release(&arena);
	buf_release(&text);
}

/* -- what is kept -- */

static const char counting[] =
	"local seen = state.global { name = 'seen', ttl = 100, max = 3 }\n"
	"local per = state.flow { name = 'per' }\n"
	"timer.every(60, 'sweep')\n"
	"return { on = 'detected', flow = function(f)\n"
	"  timer.after(30, 'later', f.client.ip)\n"
	"  return true, seen:add(f.client.ip) .. ' ' .. per:add(2) .. ' of ' .. seen:count()\n"
	"end,\n"
	"timers = { sweep = function() raise { host = '10.9.9.9', message = 'sweep ' .. now() } end,\n"
	"later = function(ip) raise { host = ip, vlan = 5, score = 70, message = 'later' } end } }";

static const char *tick(struct bench *b, uint64_t clock)
{
	buf_reset(&b->said);
	lua_tick(b->lua, clock, bench_found, b);
	return buf_cstr(&b->said);
}

static void test_state(void **state)
{
	(void)state;
	struct bench b = { 0 }, c = { 0 };
	struct buf arena = { 0 }, saved = { 0 }, again = { 0 };
	bench_script(&b, "counts", counting);
	bench_start(&b, "");
	assert_string_equal(tick(&b, 1000 * S), "");
	add_one(&b, &arena, 1);
	add_one(&b, &arena, 1);
	add_one(&b, &arena, 2);
	assert_string_equal(bench_run(&b, LUA_FLOWS, 1000 * S),
			    "0 counts 50 1 2 of 1\n1 counts 50 2 4 of 1\n2 counts 50 1 2 of 2\n");
	assert_string_equal(tick(&b, 1010 * S), "");
	/* Into another instance, which goes on from there. */
	bench_script(&c, "counts", counting);
	bench_start(&c, "");
	luacheck_save(b.lua, &saved);
	assert_int_equal(luacheck_load(c.lua, saved.p, saved.len), 0);
	luacheck_save(c.lua, &again);
	assert_int_equal(saved.len, again.len);
	assert_memory_equal(saved.p, again.p, saved.len);
	struct bench *both[] = { &b, &c };
	for (int i = 0; i < 2; i++) {
		struct bench *x = both[i];
		assert_string_equal(tick(x, 1030 * S), "0 counts 50 sweep 1030|10.9.9.9@0\n0 counts 70 later|10.0.0.1@5\n"
						      "0 counts 70 later|10.0.0.1@5\n0 counts 70 later|10.0.0.2@5\n");
		assert_string_equal(tick(x, 1031 * S), "");
		add_one(x, &arena, 3);
		add_one(x, &arena, 4); /* the oldest makes room */
		add_one(x, &arena, 1);
		assert_string_equal(bench_run(x, LUA_FLOWS, 1040 * S),
				    "0 counts 50 1 2 of 3\n1 counts 50 1 2 of 3\n2 counts 50 1 6 of 3\n");
		add_one(x, &arena, 3); /* all have expired */
		assert_string_equal(bench_run(x, LUA_FLOWS, 1200 * S), "0 counts 50 1 4 of 1\n");
	}
	/* Broken in any place, it is refused or read, and never an error. */
	for (size_t cut = 0; cut < saved.len; cut++)
		assert_int_equal(luacheck_load(c.lua, saved.p, cut), cut ? -1 : 0);
	for (size_t at = 0; at < saved.len; at++) {
		saved.p[at] ^= 0x15;
		luacheck_load(c.lua, saved.p, saved.len);
		saved.p[at] ^= 0x15;
	}
	assert_int_equal(luacheck_load(c.lua, saved.p, saved.len), 0);
	buf_release(&arena);
	buf_release(&saved);
	buf_release(&again);
	bench_end(&b);
	bench_end(&c);
}

/* What would do nothing, or something else, is an error. */
static void test_state_mistakes(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"state.global { name = 'g' }",  "state.global { name = 'a b' }",         "state.global { name = 'x', ttll = 5 }",
		"state.global 'x'",             "state.global { name = 'x', ttl = 0/0 }", "state.global { name = 'x', max = 0/0 }",
		"state.global { name = 'x', max = 1e9 }", "timer.every(0/0, 'x')",        "per_host:get()", "per_flow:set(1)",
	};
	struct buf text = { 0 }, arena = { 0 };
	struct bench b = { 0 };
	buf_adds(&text, "local g, per_host, per_flow = state.global { name = 'g' }, state.host { name = 'h' }, state.flow { name = 'f' }\n"
			"local kept\n");
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		buf_addf(&text, "assert(not pcall(function() %s%s end), '%zu')\n", strchr(wrong[i], ':') ? "" : "local _ = ", wrong[i], i);
	buf_adds(&text, "timer.every(1, 'look')\n"
			"return { on = 'detected', flow = function(f)\n"
			"  assert(per_flow:add(1) == 1 and not pcall(per_host.get, per_host) and not pcall(state.global, { name = 'late' }))\n"
			"  kept = f\n"
			"  return true, 'port ' .. f.client.port\n"
			"end,\n"
			/* no record is at hand: nothing is there to be seen */
			"timers = { look = function() raise { host = '10.0.0.9', message = 'port ' .. kept.client.port } end } }");
	bench_script(&b, "s", buf_cstr(&text));
	bench_start(&b, "");
	assert_string_equal(tick(&b, 1000 * S), "");
	add_one(&b, &arena, 1);
	assert_string_equal(bench_run(&b, LUA_FLOWS, 1000 * S), "0 s 50 port 40001\n");
	assert_string_equal(tick(&b, 1001 * S), "0 s 50 port 0|10.0.0.9@0\n");
	bench_end(&b);
	buf_release(&arena);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields), cmocka_unit_test(test_every_field), cmocka_unit_test(test_hooks),
		cmocka_unit_test(test_params), cmocka_unit_test(test_errors), cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_memory), cmocka_unit_test(test_memory_in_pcall), cmocka_unit_test(test_guard_of_loading),
		cmocka_unit_test(test_raise), cmocka_unit_test(test_state), cmocka_unit_test(test_state_mistakes),
	};
	return cmocka_run_group_tests_name("lua", tests, NULL, NULL);
}

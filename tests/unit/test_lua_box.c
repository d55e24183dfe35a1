/* What a script may reach, and what it may not. */
#include "lua_common.h"

/* Everything that scripts reach from their globals, by all ways there are: keys, values, metatables. */
static const char walk[] =
	"local seen, bad, n = {}, {}, 0\n"
	"local forbidden = { ffi = 1, io = 1, debug = 1, require = 1, loadstring = 1, load = 1, loadfile = 1, dofile = 1,\n"
	"  collectgarbage = 1, getfenv = 1, setfenv = 1, newproxy = 1, jit = 1, dump = 1, randomseed = 1, module = 1,\n"
	"  coroutine = 1, package = 1, os = 1, gcinfo = 1 }\n"
	"local function walk(v, at)\n"
	"  local kind = type(v)\n"
	"  if kind == 'cdata' or kind == 'thread' then bad[#bad + 1] = at .. ' is ' .. kind end\n"
	"  if kind == 'userdata' and not at:find('^view') then bad[#bad + 1] = at .. ' is userdata' end\n"
	"  if kind ~= 'table' and kind ~= 'userdata' and kind ~= 'string' then return end\n"
	"  if kind ~= 'string' then if seen[v] then return end seen[v] = true end\n"
	"  n = n + 1\n"
	"  local mt = getmetatable(v)\n"
	"  if type(mt) == 'table' then walk(mt, at .. '<meta>') end\n"
	"  if kind == 'string' then return end\n"
	"  for k, x in pairs(v) do\n"
	"    if kind == 'table' and forbidden[k] then bad[#bad + 1] = at .. '.' .. k end\n"
	"    walk(k, at .. '<key>')\n"
	"    walk(x, at .. '.' .. tostring(k))\n"
	"  end\n"
	"end\n"
	"local g = state.global { name = 'g' }\n"
	"return { on = 'end', flow = function(f)\n"
	"  walk(_G, '_G') walk(g, 'state') walk(f, 'view')\n"
	"  return true, n .. ' ' .. table.concat(bad, ', ') end }";

static const char *one_flow(struct bench *b)
{
	static const struct lua_part part[4];
	lua_add(b->lua, LUA_FLOWS, 1u << LUA_END, part);
	return bench_run(b, LUA_FLOWS, 1000 * S);
}

static void test_walk(void **state)
{
	(void)state;
	struct bench b = { 0 };
	unsigned n;
	char rest[64] = "";
	bench_script(&b, "walk", walk);
	bench_start(&b, "");
	const char *said = one_flow(&b);
	if (sscanf(said, "0 walk 50 %u %60[^\n]", &n, rest) != 1)
		fail_msg("reached: %s", said);
	assert_true(n > 50); /* it did go somewhere */
	bench_end(&b);
}

/* Attempts. Each returns true and a text if it got through. */
static const char *const attempts[] = {
	"return ffi ~= nil or io ~= nil or debug ~= nil or jit ~= nil or package ~= nil or require ~= nil",
	"return load ~= nil or loadstring ~= nil or dofile ~= nil or loadfile ~= nil",
	"return getfenv ~= nil or setfenv ~= nil or newproxy ~= nil or coroutine ~= nil or collectgarbage ~= nil",
	"return string.dump ~= nil or ('').dump ~= nil",
	"return type(getmetatable('')) == 'table'",
	"return pcall(setmetatable, '', {})",
	"return pcall(function() getmetatable('').__index.upper = print end)",
	"return type(getmetatable(f)) == 'table' or type(getmetatable(f.client)) == 'table'",
	"return pcall(function() f.client.port = 1 end)",
	"return pcall(function() f.client = 1 end)",
	"return pcall(rawset, f, 'client', 1)",
	"return pcall(rawget, f, 'client')",
	"return pcall(setmetatable, f, {})",
	"return pcall(table.insert, f, 1)",
	"return pcall(table.sort, f)",
	"return pcall(function() return #f end)",
	"return pcall(function() return f + 1 end)",
	"return pcall(function() return f.client.port[1] end)",
	"return pcall(function() return f() end)",
	"return pcall(function() return f[1] end)",
	"return pcall(function() return f.client[-1] end)",
	"return pcall(function() return f.client.nothing end)",
	"return pcall(string.rep, 'x', 1e9)",
	"return pcall(function() return ('x'):rep(2^31) end)",
	"return pcall(string.rep, 'x', 100, ('y'):rep(100000))",
	"return pcall(string.format, '%p', 'x') or pcall(string.format, '%5p', f)",
	"return pcall(string.format, '%99999d', 1)",
	"return pcall(string.find, ('a'):rep(70000), 'b')",
	"return pcall(string.find, 'a', ('a*'):rep(20))",
	"return tostring({}):find('0x') or tostring(print):find('0x') or tostring(f):find('0x')",
	"return string.format('%s %s', {}, print):find('0x')",
	"return pcall(pairs, 5) or pcall(next, 5)",
	"return pcall(function() for k in pairs({ [{}] = 1 }) do end end)",
	/* error values and what is thrown through us */
	"local ok, e = pcall(error, setmetatable({}, { __tostring = function() return 'x' end })) return type(e) ~= 'table'",
	"local ok, e = pcall(error, f) return e ~= f",
	"local ok, e = pcall(string.rep) return type(e) ~= 'string'",
	/* callbacks into trusted code keep to its rules */
	"return pcall(raise, setmetatable({}, { __index = { host = '10.0.0.1' } }))",
	"return pcall(g.set, g, {}, 1) or pcall(g.set, g, 'x', {}) or pcall(g.set, g, 'x', print)",
	"return pcall(g.set, g, 0/0, 1)",
	"return pcall(g.add, g, 'x', 'y')",
	"return pcall(state.global, { name = 'g' })",
	"return pcall(timer.after, -1, 'x') or pcall(timer.after, 1, print)",
	"return pcall(localtime, {})",
	/* an environment that is not the real one */
	"string.upper = nil return ('x'):upper() ~= 'X'",
	"math.floor = nil local ok = pcall(math.random, 1, 5) return not ok",
	"_G.pairs = nil local n = 0 for k in next, { 1, 2 } do n = n + k end return n ~= 3",
	"local function deep(n) return 1 + deep(n + 1) end return pcall(deep, 1)",
	"return pcall(function() return unpack({}, 1, 1e8) end)",
	"return pcall(function() local t = setmetatable({}, { __index = function(t, k) return t[k] end }) return t.x end)",
	"return pcall(string.gsub, 'x', '.', setmetatable({}, { __index = error }))",
	/* back into what is written in C, again and again */
	"local function g(s) return (s:gsub('.', g)) end return pcall(g, 'x')",
	"local t = setmetatable({}, { __index = function(t, k) return (k:gsub('.', t)) end }) return pcall(string.gsub, 'x', '.', t)",
	"local function s() table.sort({ 3, 1, 2 }, s) end return pcall(s)",
	"return pcall(tostring, setmetatable({}, { __tostring = function(t) return t end }))",
};

static void test_escapes(void **state)
{
	(void)state;
	struct bench b = { 0 };
	size_t n = sizeof attempts / sizeof *attempts;
	char name[16];
	for (size_t i = 0; i < n; i++) {
		char *text = xasprintf("local g = state.global { name = 'g' }\nreturn { flow = function(f)\n%s\nend }", attempts[i]);
		snprintf(name, sizeof name, "try%02zu", i);
		bench_script(&b, name, text);
		free(text);
	}
	bench_script(&b, "zz_last", "return { flow = function(f) return string.upper('ok') == 'OK' and pairs ~= nil, 'last' end }");
	bench_start(&b, "");
	/* Twice: what a script breaks it breaks for itself. */
	for (int round = 0; round < 2; round++) {
		const char *said = one_flow(&b);
		if (strcmp(said, "0 zz_last 50 last\n") != 0)
			fail_msg("got through: %s", said);
	}
	assert_true(bench_metric(&b, "lua_errors", NULL) == 0);
	bench_end(&b);
}

/* The library's numbers of other types are cdata. What only looks like one is none. */
static void test_numbers(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		bool good;
	} cases[] = {
		{ "5LL", false }, { "0x5ull", false }, { "1i", false }, { ".5i", false }, { "1e5I", false }, { "#'a' -- '\r+ 5LL", false },
		{ "'\\\\' .. 5LL .. ''", false }, { "[==[ ]] ]==] .. 7ll", false }, { "'5LL'", true }, { "1 -- 5LL", true },
		{ "[=[ 5LL ]] ]=]", true }, { "({ x5LL = 1 }).x5LL", true }, { "0x1F", true }, { "1 --[[ ' ]] + 0x1p4", true },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		static const char *const names[] = { "check", "custom_flow_end_script" };
		struct bench b = { 0 };
		char *text = xasprintf("#! 'lua\nlocal x = %s\nlocal t = { flow = function() end }\nreturn t", cases[i].value);
		for (int k = 0; k < 2; k++)
			bench_script(&b, names[k], text);
		bench_start(&b, BENCH_ALONE);
		if (lua_count(b.lua) != (cases[i].good ? 2 : 0))
			fail_msg("%s: %u scripts", cases[i].value, lua_count(b.lua));
		bench_end(&b);
		free(text);
	}
}

/* Replacements that are called or looked up are ours: as in the library. */
static void test_gsub(void **state)
{
	(void)state;
	struct bench b = { 0 };
	bench_script(&b, "gsub",
		     "local function same(s, p, n)\n"
		     "  local a, an = s:gsub(p, '<%0>', n)\n"
		     "  local f, fn = s:gsub(p, function(m) return '<' .. m .. '>' end, n)\n"
		     "  assert(a == f and an == fn, p .. ': ' .. a .. ' ' .. an .. ', ' .. f .. ' ' .. fn)\n"
		     "end\n"
		     "return { flow = function()\n"
		     "  for _, p in ipairs { 'o', '', 'x*', '^h', '%w*', '%w+', '.', '$', '%s', '^', 'l+' } do\n"
		     "    for _, s in ipairs { 'hello world', '', 'xxx', 'a b  c' } do\n"
		     "      for n = -1, 4 do same(s, p, n >= 0 and n or nil) end\n"
		     "    end\n"
		     "  end\n"
		     "  local swapped = ('k = v, a=b'):gsub('(%w+)%s*=%s*(%w+)', function(k, v) return v .. '=' .. k end)\n"
		     "  assert(swapped == 'v=k, b=a')\n"
		     "  assert(('abc'):gsub('%w', { a = 1, b = false }) == '1bc')\n"
		     "  assert(('abc'):gsub('()', function(at) return at end) == '1a2b3c4')\n"
		     "  assert(('abc'):gsub('b', function() end) == 'abc')\n"
		     "  assert(not pcall(string.gsub, 'abc', 'b', function() return {} end))\n"
		     "  assert(not pcall(string.gsub, 'abc', '(', function() end))\n"
		     "  return true, 'same'\n"
		     "end }");
	bench_start(&b, "");
	assert_string_equal(one_flow(&b), "0 gsub 50 same\n");
	bench_end(&b);
}

static void test_bytecode(void **state)
{
	(void)state;
	struct bench b = { 0 };
	char *path;
	bench_script(&b, "x", "");
	path = xasprintf("%s/x.lua", b.dir);
	FILE *f = fopen(path, "w");
	fwrite("\x1bLJ\x02\x02\x1d\x00\x01\x02\x00\x01\x00\x03\x36\x01\x00\x00\x00", 1, 18, f);
	fclose(f);
	free(path);
	bench_start(&b, "");
	assert_string_equal(one_flow(&b), "");
	bench_end(&b);
}

/* The same rows, the same findings, in the same order, whatever the order of memory is. */
static void test_same_every_time(void **state)
{
	(void)state;
	struct buf first = { 0 };
	for (int round = 0; round < 3; round++) {
		struct bench b = { 0 };
		void *noise = malloc((size_t)(round + 1) * 10007);
		bench_script(&b, "order",
			     "local t = {} for i = 1, 50 do t['k' .. (i * 7919 % 101)] = i end\n"
			     "return { flow = function(f) local out = {} for k, v in pairs(t) do out[#out + 1] = k .. v end\n"
			     "return true, math.random(1, 1e9) .. ' ' .. math.random() .. ' ' .. tostring(t) .. "
			     "table.concat(out, ',', 1, 9) .. next(t) end }");
		bench_start(&b, "");
		for (int i = 0; i < 3; i++) {
			static const struct lua_part part[4];
			lua_add(b.lua, LUA_FLOWS, 1u << LUA_END, part);
		}
		const char *said = bench_run(&b, LUA_FLOWS, 1234 * S);
		if (round == 0)
			buf_adds(&first, said);
		assert_string_equal(said, buf_cstr(&first));
		free(noise);
		bench_end(&b);
	}
	buf_release(&first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_gsub),
		cmocka_unit_test(test_bytecode),
		cmocka_unit_test(test_same_every_time),
	};
	return cmocka_run_group_tests_name("lua box", tests, NULL, NULL);
}

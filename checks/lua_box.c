/* The Lua state: its memory, what C lends to luart/, and how errors are told. */
#include "lua_priv.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "checkdef.h"

/*
 * LuaJIT's own limits overflow at a few hundred checks, and then it throws all compiled code away, again and again. And after four tries
 * at a branch, each begun at a random moment, it gives that up for good: such a check took ten times as long, in one run of ten.
 */
static const char jit_limits[] = "require('jit.opt').start('maxtrace=20000', 'maxmcode=32768', 'maxside=400', 'maxsnap=1000', 'tryside=64')";

/*
 * -- memory: bounded --
 * Compiled code that is refused memory needs a little to get back to the interpreter, and crashes if that is refused too.
 */

static void *allocate(void *arg, void *p, size_t old, size_t size)
{
	struct lua *l = arg;
	size_t before = p ? old : 0;
	if (size == 0) {
		free(p);
		l->memory -= before;
		return NULL;
	}
	if (size > before && l->memory + (size - before) > MAX_MEMORY + (l->refused ? RESERVE : 0)) {
		l->refused = true;
		return NULL;
	}
	void *q = realloc(p, size);
	if (q)
		l->memory += size - before;
	return q;
}

/* -- what luart/ calls -- */

static struct lua *self(lua_State *L)
{
	return lua_touserdata(L, lua_upvalueindex(1));
}

/* load(text, name): source text only, bytecode is a way out of any sandbox. The function, or nil and the reason. */
static int sys_load(lua_State *L)
{
	size_t len;
	const char *text = luaL_checklstring(L, 1, &len);
	if (luaL_loadbufferx(L, text, len, luaL_checkstring(L, 2), "t") == 0)
		return 1;
	lua_pushnil(L);
	lua_insert(L, -2);
	return 2;
}

/* print(key, text) */
static int sys_print(lua_State *L)
{
	struct lua *l = self(L);
	const char *key = luaL_checkstring(L, 1), *text = luaL_checkstring(L, 2);
	if (!l->topo->checks.lua_print)
		log_limited(&l->running->print_limit, "lua check %s: %.1000s", key, text);
	while (l->topo->checks.lua_print && *text) {
		int n = (int)strcspn(text, "\n");
		log_warn("lua check %s: %.*s", key, n > 1000 ? 1000 : n, text);
		text += n + (text[n] == '\n');
	}
	return 0;
}

/* want(set, column number) */
static int sys_want(lua_State *L)
{
	struct lua *l = self(L);
	const char *name = luaL_checkstring(L, 1);
	unsigned column = (unsigned)luaL_checkinteger(L, 2);
	for (int i = 0; i < LUA_SETS; i++)
		if (strcmp(l->set[i].rd->name, name) == 0)
			view_want(l, &l->set[i], column);
	return 0;
}

static bool broken_down(lua_State *L, int arg, struct tm *ret)
{
	double d = luaL_checknumber(L, arg);
	time_t t = d >= 0 && d < 4e10 ? (time_t)d : 0;
	return localtime_r(&t, ret) != NULL;
}

/* localtime(time): a table */
static int sys_localtime(lua_State *L)
{
	struct tm tm;
	if (!broken_down(L, 1, &tm))
		return 0;
	const struct {
		const char *name;
		int value;
	} parts[] = { { "hour", tm.tm_hour }, { "min", tm.tm_min },       { "sec", tm.tm_sec },       { "wday", tm.tm_wday + 1 },
		      { "day", tm.tm_mday },  { "month", tm.tm_mon + 1 }, { "year", tm.tm_year + 1900 } };
	lua_createtable(L, 0, 8);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		lua_pushinteger(L, parts[i].value);
		lua_setfield(L, -2, parts[i].name);
	}
	return 1;
}

/* date(format, time): text */
static int sys_date(lua_State *L)
{
	char out[256];
	struct tm tm;
	const char *format = luaL_checkstring(L, 1);
	if (*format == '!' || strncmp(format, "*t", 2) == 0)
		return luaL_error(L, "os.date: weir knows no format '%s'", format);
	if (!broken_down(L, 2, &tm))
		return 0;
	lua_pushlstring(L, out, strftime(out, sizeof out, format, &tm));
	return 1;
}

/* -- opening -- */

const char *box_error(lua_State *L)
{
	if (lua_type(L, -1) == LUA_TSTRING || lua_type(L, -1) == LUA_TNUMBER)
		return lua_tostring(L, -1);
	return luaL_typename(L, -1);
}

static void must(struct lua *l, int rc, const char *what)
{
	if (rc != 0)
		fatalx("lua: %s: %s", what, box_error(l->state));
}

static void load_text(struct lua *l, const struct lua_text *t)
{
	char name[32];
	snprintf(name, sizeof name, "=weir:%s", t->name);
	must(l, luaL_loadbufferx(l->state, t->p, (size_t)(t->end - t->p), name, "t"), t->name);
}

static void set_function(struct lua *l, const char *name, lua_CFunction f)
{
	lua_pushlightuserdata(l->state, l);
	lua_pushcclosure(l->state, f, 1);
	lua_setfield(l->state, -2, name);
}

static void set_number(struct lua *l, const char *name, double v)
{
	lua_pushnumber(l->state, v);
	lua_setfield(l->state, -2, name);
}

static void push_severity_scores(struct lua *l)
{
	lua_newtable(l->state);
	for (int s = SEV_INFO; s <= SEV_EMERGENCY; s++)
		for (unsigned score = 1; score <= 250; score++)
			if ((int)severity_of_score(score) == s) {
				set_number(l, enum_severity[s], score);
				break;
			}
}

const char *const lua_hook_names[LUA_N_HOOKS] = { "start",  "detected", "periodic", "end",
						  "minute", "5min",     "hour",     "day", "alert" };

/* sys.index[set][hook]: where the numbers of a hook's rows are. */
static void push_indexes(struct lua *l)
{
	lua_newtable(l->state);
	for (int i = 0; i < LUA_SETS; i++) {
		lua_newtable(l->state);
		for (int h = 0; h < LUA_N_HOOKS; h++) {
			lua_pushlightuserdata(l->state, l->set[i].index[h]);
			lua_setfield(l->state, -2, lua_hook_names[h]);
		}
		lua_setfield(l->state, -2, l->set[i].rd->name);
	}
}

static void push_sys(struct lua *l)
{
	lua_State *L = l->state;
	lua_newtable(L);
	set_function(l, "load", sys_load);
	set_function(l, "print", sys_print);
	set_function(l, "want", sys_want);
	set_function(l, "localtime", sys_localtime);
	set_function(l, "date", sys_date);
	set_number(l, "api", 1);
	set_number(l, "max_hits", MAX_HITS);
	lua_pushlightuserdata(L, l->cell);
	lua_setfield(L, -2, "cell");
	lua_createtable(L, 5 * MAX_HITS + 1, 0);
	lua_pushvalue(L, -1);
	l->hits = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_setfield(L, -2, "hits");
	lua_newtable(L);
	for (int i = 0; i < LUA_SETS; i++)
		set_number(l, l->set[i].rd->name, i);
	lua_setfield(L, -2, "set_number");
	push_severity_scores(l);
	lua_setfield(L, -2, "severity_score");
	lua_newtable(L);
	lua_pushliteral(L, "start, detected, periodic and end");
	lua_setfield(L, -2, "on");
	lua_pushliteral(L, "minute, 5min, hour and day");
	lua_setfield(L, -2, "every");
	lua_setfield(L, -2, "hook_names");
	push_indexes(l);
	lua_setfield(L, -2, "index");
	lua_newtable(L);
	for (int i = 0; i < LUA_SETS; i++) {
		view_describe(l, i);
		lua_rawseti(L, -2, i + 1);
	}
	lua_setfield(L, -2, "sets");
	lua_newtable(L);
	for (const struct lua_text *t = lua_texts; t->name; t++) {
		load_text(l, t);
		lua_setfield(L, -2, t->name);
	}
	lua_setfield(L, -2, "part");
}

void box_open(struct lua *l)
{
	l->state = lua_newstate(allocate, l);
	if (!l->state)
		fatalx("LuaJIT does not start");
	lua_State *L = l->state;
	luaL_openlibs(L);
	must(l, luaL_loadstring(L, jit_limits) || lua_pcall(L, 0, 0, 0), "jit.opt");
	const struct lua_text *boot = lua_texts;
	while (strcmp(boot->name, "boot") != 0)
		boot++;
	load_text(l, boot);
	push_sys(l);
	must(l, lua_pcall(L, 1, 1, 0), "boot");
	l->runtime = luaL_ref(L, LUA_REGISTRYINDEX);
}

void box_push(struct lua *l, const char *name)
{
	lua_rawgeti(l->state, LUA_REGISTRYINDEX, l->runtime);
	lua_getfield(l->state, -1, name);
	lua_remove(l->state, -2);
}

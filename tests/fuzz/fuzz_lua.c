/*
 * Any text as a check in Lua, or as a script for ntopng: it ends, it changes no record, and nothing of what can leave the box is
 * ever called. The functions of io, os and debug, and the more dangerous ones of ffi and package, are replaced by one that aborts
 * before the runtime sees them. Loops are ended by a hook, so nothing is compiled here: tests/unit/test_lua_jit.c is about that.
 */
#include <dlfcn.h>
#include <luajit.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checks/lua_priv.h"

#define INSTRUCTIONS 200000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A leak check cannot follow the pointers inside LuaJIT. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libluajit";
}

static int escaped(lua_State *L)
{
	fprintf(stderr, "a script called %s\n", lua_tostring(L, lua_upvalueindex(1)));
	abort();
}

static void trap(lua_State *L, const char *lib, const char *name)
{
	lua_getglobal(L, "require");
	lua_pushstring(L, lib);
	lua_call(L, 1, 1);
	lua_pushfstring(L, "%s.%s", lib, name);
	lua_pushcclosure(L, escaped, 1);
	lua_setfield(L, -2, name);
	lua_pop(L, 1);
}

static void trap_all(lua_State *L, const char *lib)
{
	lua_getglobal(L, lib);
	for (lua_pushnil(L); lua_next(L, -2);) {
		lua_pop(L, 1);
		trap(L, lib, lua_tostring(L, -1));
	}
	lua_pop(L, 1);
}

/* From the first time on at each instruction: pcall does not help. */
static void too_long(lua_State *L, lua_Debug *ar)
{
	(void)ar;
	lua_sethook(L, too_long, LUA_MASKCOUNT, 1);
	luaL_error(L, "too long");
}

/* In place of the library's, which is called from here. */
void luaL_openlibs(lua_State *L)
{
	static const char *const more[][2] = { { "ffi", "load" },    { "ffi", "gc" },        { "ffi", "metatype" }, { "ffi", "copy" },
					       { "ffi", "fill" },    { "ffi", "string" },    { "ffi", "errno" },    { "package", "loadlib" },
					       { "package", "seeall" } };
	void *libs = dlsym(RTLD_NEXT, "luaL_openlibs");
	((void (*)(lua_State *))libs)(L);
	for (size_t i = 0; i < sizeof more / sizeof *more; i++)
		trap(L, more[i][0], more[i][1]);
	trap_all(L, "io");
	trap_all(L, "os");
	trap_all(L, "debug");
	luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
	lua_sethook(L, too_long, LUA_MASKCOUNT, INSTRUCTIONS);
}

static char dir[] = "/tmp/weir-fuzz-XXXXXX";

static void remove_dir(void)
{
	rmdir(dir);
}

static struct topo *make_topology(void)
{
	struct buf err = { 0 }, text = { 0 };
	if (!mkdtemp(dir) || atexit(remove_dir))
		abort();
	buf_addf(&text, "sensors: {s: {file: x}}\nlua: {paths: [%s]}\n", dir);
	struct topo *t = topo_parse("t", text.p, text.len, &err);
	if (!t)
		abort();
	buf_release(&text);
	return t;
}

static void no_finding(void *arg, const struct lua_finding *f)
{
	(void)arg;
	(void)f;
}

/* A record of each kind, and whether it is still what it was. */
static void run(struct lua *l)
{
	static const struct lua_part none[RECORD_MAX_GROUPS];
	static const unsigned hooks[LUA_SETS] = { [LUA_FLOWS] = 1u << LUA_START | 1u << LUA_DETECTED | 1u << LUA_PERIODIC | 1u << LUA_END,
						  [LUA_HOSTS] = 1u << LUA_MINUTE | 1u << LUA_5MINUTES | 1u << LUA_HOUR | 1u << LUA_DAY,
						  [LUA_ALERTS] = 1u << LUA_ALERT };
	for (int i = 0; i < LUA_SETS; i++) {
		const struct lua_rows *s = &l->set[i];
		lua_add(l, i, hooks[i], none);
		lua_run(l, i, 1700000000ull * 1000000000ull, no_finding, NULL);
		for (unsigned k = 0; k < s->rd->size; k++)
			if (s->rows[k])
				abort();
	}
	lua_tick(l, 1700003600ull * 1000000000ull, no_finding, NULL);
}

/* The first byte tells what the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "check", "custom_flow_end_script", "custom_host_lua_script" };
	static struct topo *t;
	char path[80];
	if (!t) {
		log_init("fuzz", LOG_LV_ERROR);
		t = make_topology();
	}
	if (!size)
		return 0;
	snprintf(path, sizeof path, "%s/%s.lua", dir, names[data[0] % 3]);
	FILE *f = fopen(path, "w");
	if (!f)
		abort();
	fwrite(data + 1, 1, size - 1, f);
	fclose(f);
	struct lua *l = lua_new(t, NULL);
	run(l);
	lua_free(l);
	unlink(path);
	return 0;
}

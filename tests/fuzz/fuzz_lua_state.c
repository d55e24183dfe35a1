/* Any bytes as the saved state of Lua checks: refused, or read, and then what is written can be read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "checks/luacheck.h"
#include "log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A leak check cannot follow the pointers inside LuaJIT. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libluajit";
}

static void no_finding(void *arg, const struct lua_finding *f)
{
	(void)arg;
	(void)f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct lua *l;
	struct buf saved = { 0 };
	if (!l) {
		static const char text[] = "sensors: {s: {file: x}}\nlua: {paths: [tests/unit/lua, checks/lua/examples]}\n";
		struct buf err = { 0 };
		struct topo *t = topo_parse("t", text, strlen(text), &err);
		if (!t)
			abort();
		log_init("fuzz", LOG_LV_ERROR);
		l = lua_new(t, NULL);
	}
	if (size && luacheck_load(l, (const char *)data, size) == 0) {
		luacheck_save(l, &saved);
		if (luacheck_load(l, saved.p, saved.len) != 0)
			abort();
		lua_tick(l, 1700000000ull * 1000000000ull, no_finding, NULL);
	}
	buf_release(&saved);
	return 0;
}

/* The only file that knows LuaJIT. */
#include "luacheck.h"

#include <dirent.h>
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "hash.h"
#include "log.h"

#define MAX_SCRIPTS 64
#define MAX_SOURCE  (1u << 20)
#define MAX_MEMORY  (256u << 20)
#define MAX_ERRORS  10 /* of a script, then it is disabled */

struct script {
	struct checkdef def;
	char *path;
	int function;    /* reference in the registry */
	unsigned errors;
	bool disabled;
};

struct lua {
	lua_State *state;
	struct script scripts[MAX_SCRIPTS];
	unsigned n;
	uint64_t hash, errors;
	size_t memory;
	/* the record at hand */
	const struct rdesc *rd;
	const char *rec, *base;
	struct log_limit limit;
};

/* -- memory: bounded -- */

static void *allocate(void *arg, void *p, size_t old, size_t size)
{
	struct lua *l = arg;
	if (size == 0) {
		free(p);
		l->memory -= p ? old : 0;
		return NULL;
	}
	size_t before = p ? old : 0;
	if (size > before && l->memory + (size - before) > MAX_MEMORY)
		return NULL;
	void *q = realloc(p, size);
	if (q)
		l->memory += size - before;
	return q;
}

/* -- the view of a record -- */

static struct lua *self(lua_State *L)
{
	lua_getfield(L, LUA_REGISTRYINDEX, "weir");
	struct lua *l = lua_touserdata(L, -1);
	lua_pop(L, 1);
	return l;
}

static void push_list(lua_State *L, const char *p, size_t len)
{
	int i = 0;
	lua_newtable(L);
	while (len) {
		const char *nl = memchr(p, '\n', len);
		size_t n = nl ? (size_t)(nl - p) : len;
		lua_pushlstring(L, p, n);
		lua_rawseti(L, -2, ++i);
		p += n + (nl != NULL);
		len -= n + (nl != NULL);
	}
}

static void push_value(lua_State *L, const struct field *f, const void *v, const char *base)
{
	char tmp[64];
	const struct str *s = v;
	switch (f->type) {
	case FT_FLAG:
		lua_pushboolean(L, *(const uint8_t *)v);
		return;
	case FT_U8:
		lua_pushnumber(L, *(const uint8_t *)v);
		return;
	case FT_U16:
		lua_pushnumber(L, *(const uint16_t *)v);
		return;
	case FT_U32:
		lua_pushnumber(L, *(const uint32_t *)v);
		return;
	case FT_U64:
		lua_pushnumber(L, (double)*(const uint64_t *)v);
		return;
	case FT_TIME:
	case FT_DUR:
		lua_pushnumber(L, (double)*(const uint64_t *)v / 1e9);
		return;
	case FT_F64:
		lua_pushnumber(L, *(const double *)v);
		return;
	case FT_ADDR:
		lua_pushstring(L, addr_str(v, tmp));
		return;
	case FT_MAC:
		lua_pushstring(L, mac_str(v, tmp));
		return;
	case FT_ID:
		lua_pushstring(L, id_str(*(const struct id *)v, tmp));
		return;
	case FT_ENUM:
		lua_pushstring(L, enum_name(f->names, *(const uint8_t *)v));
		return;
	case FT_PROTO:
		lua_pushstring(L, proto_name(*(const uint8_t *)v, tmp));
		return;
	case FT_TCPFLAGS:
		lua_pushstring(L, tcpflags_str(*(const uint8_t *)v, tmp));
		return;
	case FT_STR:
	case FT_BIN:
		lua_pushlstring(L, base + s->off, s->len);
		return;
	case FT_LIST:
	case FT_MAP:
		push_list(L, base + s->off, s->len);
		return;
	}
	lua_pushnil(L);
}

static bool is_prefix(const struct rdesc *rd, const char *name)
{
	size_t n = strlen(name);
	for (unsigned g = 0; g < rd->n_groups; g++)
		for (unsigned i = 0; i < rd->groups[g].n_fields; i++) {
			const char *f = rd->groups[g].fields[i].name;
			if (strncmp(f, name, n) == 0 && f[n] == '.')
				return true;
		}
	return false;
}

static int view_index(lua_State *L);

/* A view of all fields that begin with a prefix: a userdata that holds nothing but the prefix. */
static void push_view(lua_State *L, const char *prefix)
{
	size_t n = strlen(prefix) + 1;
	memcpy(lua_newuserdata(L, n), prefix, n);
	luaL_getmetatable(L, "weir.view");
	lua_setmetatable(L, -2);
}

/*
 * flow.client.ip: 'client' is a prefix, 'ip' completes a field. A field that is a prefix too (app, app.master) is a view
 * whose 'name' is the field.
 */
static int view_index(lua_State *L)
{
	struct lua *l = self(L);
	const char *prefix = luaL_checkudata(L, 1, "weir.view");
	const char *key = luaL_checkstring(L, 2);
	char name[96];
	unsigned off;
	snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", key);
	if (!l->rd)
		return luaL_error(L, "a record must not be kept beyond the call it came in");
	if (is_prefix(l->rd, name)) {
		push_view(L, name);
		return 1;
	}
	const struct field *f = rdesc_field(l->rd, name, &off);
	if (!f && strcmp(key, "name") == 0)
		f = rdesc_field(l->rd, prefix, &off);
	if (!f)
		return luaL_error(L, "%s records have no field '%s'", l->rd->name, name);
	push_value(L, f, l->rec + off, l->base);
	return 1;
}

static int view_newindex(lua_State *L)
{
	return luaL_error(L, "records are read-only");
}

/* -- the sandbox -- */

static int lua_log(lua_State *L)
{
	struct lua *l = self(L);
	log_limited(&l->limit, "lua: %s", luaL_checkstring(L, 1));
	return 0;
}

static const char *const safe_globals[] = { "assert", "error", "ipairs", "next", "pairs", "select", "tonumber", "tostring",
					    "type", "unpack", NULL };
static const char *const safe_libs[] = { "string", "table", "math", NULL };

static void copy_lib(lua_State *L, const char *lib)
{
	lua_getglobal(L, lib);
	lua_newtable(L);
	lua_pushnil(L);
	while (lua_next(L, -3)) {
		const char *name = lua_tostring(L, -2);
		/* dump gives bytecode away, randomness would make runs differ. */
		if (strcmp(name, "dump") == 0 || strncmp(name, "random", 6) == 0) {
			lua_pop(L, 1);
			continue;
		}
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_settable(L, -4);
	}
	lua_remove(L, -2);
}

/* An environment of its own for each script, with what is harmless. */
static void push_environment(lua_State *L)
{
	lua_newtable(L);
	for (int i = 0; safe_globals[i]; i++) {
		lua_getglobal(L, safe_globals[i]);
		lua_setfield(L, -2, safe_globals[i]);
	}
	for (int i = 0; safe_libs[i]; i++) {
		copy_lib(L, safe_libs[i]);
		lua_setfield(L, -2, safe_libs[i]);
	}
	lua_pushcfunction(L, lua_log);
	lua_setfield(L, -2, "print");
}

/* -- loading -- */

static int read_file(const char *path, struct buf *out)
{
	char chunk[8192];
	size_t n;
	FILE *fp = fopen(path, "re");
	if (!fp)
		return -1;
	while ((n = fread(chunk, 1, sizeof chunk, fp)) > 0 && out->len <= MAX_SOURCE)
		buf_add(out, chunk, n);
	fclose(fp);
	if (out->len > MAX_SOURCE) {
		errno = EFBIG;
		return -1;
	}
	return 0;
}

static char *string_field(lua_State *L, const char *name, const char *def)
{
	lua_getfield(L, -1, name);
	const char *s = lua_isstring(L, -1) ? lua_tostring(L, -1) : def;
	char *copy = s ? xstrdup(s) : NULL;
	lua_pop(L, 1);
	return copy;
}

static double number_field(lua_State *L, const char *name, double def)
{
	lua_getfield(L, -1, name);
	double d = lua_isnumber(L, -1) ? lua_tonumber(L, -1) : def;
	lua_pop(L, 1);
	return d;
}

static unsigned hook_of(const char *on)
{
	static const struct {
		const char *name;
		unsigned hook;
	} hooks[] = { { "detected", HOOK_DETECTED }, { "periodic", HOOK_PERIODIC }, { "end", HOOK_END } };
	for (size_t i = 0; i < 3; i++)
		if (on && strcmp(on, hooks[i].name) == 0)
			return hooks[i].hook;
	return 0;
}

/* Takes the function 'flow' or 'host' out of the table on the stack. */
static bool take_function(lua_State *L, struct script *s, const char *name)
{
	lua_getfield(L, -1, name);
	if (!lua_isfunction(L, -1)) {
		lua_pop(L, 1);
		return false;
	}
	s->function = luaL_ref(L, LUA_REGISTRYINDEX);
	return true;
}

static const char *take_metadata(lua_State *L, struct script *s, const char *key)
{
	char *category = string_field(L, "category", "security"), *on = string_field(L, "on", "end");
	struct checkdef *d = &s->def;
	int cat = enum_value(enum_category, category);
	unsigned hook = hook_of(on);
	double score = number_field(L, "score", 50);
	free(category);
	free(on);
	if (cat < 0)
		return "category is none that weir-fields(7) lists";
	if (score < 1 || score > 250)
		return "score must be from 1 to 250";
	d->key = xstrdup(key);
	d->title = string_field(L, "title", key);
	d->description = string_field(L, "description", "");
	d->mitre = string_field(L, "mitre", "");
	d->category = (enum category)cat;
	d->score = (uint16_t)score;
	d->client_score = (uint16_t)number_field(L, "client_score", score / 2);
	if (d->client_score > d->score)
		return "client_score is larger than score";
	d->enabled = d->attention = true;
	if (take_function(L, s, "flow")) {
		d->entity = ENT_FLOW;
		d->hooks = hook;
		d->type_id = 87; /* a flow alert of a user's script, as ntopng counts */
		return hook ? NULL : "on must be detected, periodic or end";
	}
	if (take_function(L, s, "host")) {
		d->entity = ENT_HOST;
		d->hooks = HOOK_HOST_MINUTE;
		d->type_id = 24;
		return NULL;
	}
	return "the table has neither a function flow nor a function host";
}

static void load_script(struct lua *l, const char *path, const char *key)
{
	lua_State *L = l->state;
	struct buf text = { 0 };
	struct script *s = &l->scripts[l->n];
	const char *why = NULL;
	memset(s, 0, sizeof *s);
	if (read_file(path, &text) < 0) {
		log_error("%s: %s", path, strerror(errno));
		goto out;
	}
	l->hash = hash_content(text.p, text.len, l->hash);
	char *chunk = xasprintf("@%s", path);
	/* Source text only: bytecode is a way out of any sandbox. */
	int rc = luaL_loadbufferx(L, text.p, text.len, chunk, "t");
	free(chunk);
	if (rc == 0) {
		push_environment(L);
		lua_setfenv(L, -2);
		rc = lua_pcall(L, 0, 1, 0);
	}
	if (rc != 0)
		why = lua_tostring(L, -1);
	else if (!lua_istable(L, -1))
		why = "the script does not return a table";
	else
		why = take_metadata(L, s, key);
	if (why)
		log_error("lua check %s is left out: %s", path, why);
	else {
		s->path = xstrdup(path);
		l->n++;
	}
	lua_pop(L, 1);
out:
	buf_release(&text);
}

static int is_lua(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return n > 4 && d->d_name[0] != '.' && strcmp(d->d_name + n - 4, ".lua") == 0;
}

static void load_directory(struct lua *l, const struct topo *t, const char *dir, bool must)
{
	struct dirent **names;
	int n = scandir(dir, &names, is_lua, alphasort);
	if (n < 0) {
		if (must)
			log_error("lua checks: %s: %s", dir, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s", dir, names[i]->d_name);
		char *key = xstrndup(names[i]->d_name, strlen(names[i]->d_name) - 4);
		const struct topo_check *tc = topo_check(t, key);
		if (tc && tc->enabled_set && !tc->enabled)
			log_info("lua check %s is disabled", key);
		else if (l->n == MAX_SCRIPTS)
			log_error("more than %d Lua checks: %s is left out", MAX_SCRIPTS, path);
		else
			load_script(l, path, key);
		free(path);
		free(key);
		free(names[i]);
	}
	free(names);
}

struct lua *lua_new(const struct topo *t)
{
	struct lua *l = xcalloc(1, sizeof *l);
	if (!t->checks.lua)
		return l;
	l->state = lua_newstate(allocate, l);
	if (!l->state)
		fatalx("LuaJIT does not start");
	luaL_openlibs(l->state);
	lua_pushlightuserdata(l->state, l);
	lua_setfield(l->state, LUA_REGISTRYINDEX, "weir");
	luaL_newmetatable(l->state, "weir.view");
	lua_pushcfunction(l->state, view_index);
	lua_setfield(l->state, -2, "__index");
	lua_pushcfunction(l->state, view_newindex);
	lua_setfield(l->state, -2, "__newindex");
	lua_pushboolean(l->state, 0);
	lua_setfield(l->state, -2, "__metatable");
	lua_pop(l->state, 1);
	/* From where it was built, else from where it is installed: never both. */
	DIR *d = opendir("checks/lua");
	if (d)
		closedir(d);
	load_directory(l, t, d ? "checks/lua" : WEIR_PREFIX "/share/weir/lua", false);
	for (char **p = t->checks.lua_paths; p && *p; p++)
		load_directory(l, t, *p, true);
	log_info("lua checks: %u", l->n);
	return l;
}

void lua_free(struct lua *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < l->n; i++) {
		struct script *s = &l->scripts[i];
		free((char *)s->def.key);
		free((char *)s->def.title);
		free((char *)s->def.description);
		free((char *)s->def.mitre);
		free(s->path);
	}
	if (l->state)
		lua_close(l->state);
	free(l);
}

uint64_t lua_hash(const struct lua *l)
{
	return l->hash;
}

uint64_t lua_errors(const struct lua *l)
{
	return l->errors;
}

bool lua_has(const struct lua *l, enum check_hook hook)
{
	for (unsigned i = 0; i < l->n; i++)
		if ((l->scripts[i].def.hooks & hook) && !l->scripts[i].disabled)
			return true;
	return false;
}

/* -- running -- */

static void script_failed(struct lua *l, struct script *s)
{
	l->errors++;
	s->errors++;
	log_limited(&l->limit, "lua check %s: %s", s->def.key, lua_tostring(l->state, -1));
	if (s->errors == MAX_ERRORS) {
		log_error("lua check %s failed %u times and is disabled", s->def.key, s->errors);
		s->disabled = true;
	}
}

static void run_script(struct lua *l, struct script *s, void (*cb)(void *arg, const struct lua_finding *f), void *arg)
{
	lua_State *L = l->state;
	lua_rawgeti(L, LUA_REGISTRYINDEX, s->function);
	push_view(L, "");
	if (lua_pcall(L, 1, 2, 0) != 0) {
		script_failed(l, s);
		lua_pop(L, 1);
		return;
	}
	if (lua_toboolean(L, -2)) {
		struct lua_finding f = { .def = &s->def };
		const char *text = lua_isstring(L, -1) ? lua_tostring(L, -1) : s->def.title;
		snprintf(f.message, sizeof f.message, "%s", text);
		cb(arg, &f);
	}
	lua_pop(L, 2);
}

void lua_run(struct lua *l, enum check_hook hook, enum rtype type, const void *rec, const char *base,
	     void (*cb)(void *arg, const struct lua_finding *f), void *arg)
{
	l->rd = rdesc_get(type);
	l->rec = rec;
	l->base = base;
	for (unsigned i = 0; i < l->n; i++)
		if ((l->scripts[i].def.hooks & hook) && !l->scripts[i].disabled)
			run_script(l, &l->scripts[i], cb, arg);
	l->rd = NULL;
}

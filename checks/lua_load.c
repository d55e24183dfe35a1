/* Finds the scripts, reads them, and takes what they say of themselves. */
#include "lua_priv.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkrec.h"
#include "codec.h"
#include "hash.h"

/* Names that ntopng gives its custom scripts. What follows the name is free: any number may lie in a directory. */
static const struct {
	const char *name, *hook;
} ntopng_names[] = {
	{ "custom_flow_protocol_detected_script", "detected" }, { "custom_flow_lua_script", "detected" },
	{ "custom_flow_periodic_script", "periodic" },          { "custom_flow_end_script", "end" },
	{ "custom_host_lua_script", "minute" },
};

static const char *ntopng_hook(const char *key)
{
	for (size_t i = 0; i < sizeof ntopng_names / sizeof *ntopng_names; i++)
		if (strncmp(key, ntopng_names[i].name, strlen(ntopng_names[i].name)) == 0)
			return ntopng_names[i].hook;
	return NULL;
}

static int read_file(const char *path, struct buf *out)
{
	char chunk[8192];
	size_t n;
	FILE *fp = fopen(path, "re");
	if (!fp)
		return -1;
	while ((n = fread(chunk, 1, sizeof chunk, fp)) > 0 && out->len <= MAX_SOURCE)
		buf_add(out, chunk, n);
	bool bad = ferror(fp);
	fclose(fp);
	if (bad || out->len > MAX_SOURCE) {
		errno = bad ? EIO : EFBIG;
		return -1;
	}
	return 0;
}

/* -- metadata: luart/boot.lua has checked it; the table on the top of the stack has no metatable -- */

#define MAX_METADATA (64u << 10) /* bytes of one text */

static char *take_text(lua_State *L, const char *name)
{
	struct buf clean = { 0 };
	lua_getfield(L, -1, name);
	const char *s = lua_isstring(L, -1) ? lua_tostring(L, -1) : "";
	str_put(&clean, s, strlen(s), MAX_METADATA);
	lua_pop(L, 1);
	char *text = xstrdup(buf_cstr(&clean));
	buf_release(&clean);
	return text;
}

static uint16_t take_score(lua_State *L, const char *name)
{
	lua_getfield(L, -1, name);
	uint16_t v = (uint16_t)lua_tonumber(L, -1);
	lua_pop(L, 1);
	return v;
}

static void take_loops(struct lua *l, struct lua_script *s)
{
	lua_State *L = l->state;
	lua_getfield(L, -1, "loops");
	for (int h = 0; h < LUA_N_HOOKS; h++) {
		lua_getfield(L, -1, lua_hook_names[h]);
		s->hooks |= lua_isfunction(L, -1) ? 1u << h : 0;
		s->loop[h] = lua_isfunction(L, -1) ? luaL_ref(L, LUA_REGISTRYINDEX) : (lua_pop(L, 1), LUA_NOREF);
	}
	lua_pop(L, 1);
}

static bool take_metadata(struct lua *l, struct lua_script *s)
{
	lua_State *L = l->state;
	char *category = take_text(L, "category");
	int cat = enum_value(enum_category, category);
	struct checkdef d = { .key = s->key, .category = (enum category)cat, .enabled = true, .attention = true };
	free(category);
	if (cat < 0)
		return false;
	d.title = take_text(L, "title");
	d.description = take_text(L, "description");
	d.mitre = take_text(L, "mitre");
	s->params = take_text(L, "params");
	d.score = take_score(L, "score");
	d.client_score = take_score(L, "client_score");
	take_loops(l, s);
	lua_getfield(L, -1, "timers");
	s->has_timers = lua_toboolean(L, -1);
	lua_pop(L, 1);
	for (int i = 0; i < N_DEFS; i++) {
		s->def[i] = d;
		s->def[i].entity = i == DEF_FLOW ? ENT_FLOW : ENT_HOST;
		s->def[i].type_id = i == DEF_FLOW ? 87 : 24; /* ntopng's numbers of alerts from custom scripts */
	}
	for (enum lua_hook h = LUA_MINUTE; h <= LUA_DAY; h++)
		if (s->hooks >> h & 1)
			s->def[DEF_HOST].hooks |= period_hook((enum period)(h - LUA_MINUTE));
	return true;
}

/* -- loading -- */

/* Parameters of the topology: name -> list of texts. */
static void push_params(struct lua *l, const struct topo_check *tc, uint64_t *hash)
{
	lua_State *L = l->state;
	lua_newtable(L);
	for (size_t i = 0; tc && i < tc->n_params; i++) {
		lua_newtable(L);
		*hash = hash_content(tc->params[i].name, strlen(tc->params[i].name), *hash);
		for (int k = 0; tc->params[i].values[k]; k++) {
			const char *v = tc->params[i].values[k];
			lua_pushstring(L, v);
			lua_rawseti(L, -2, k + 1);
			*hash = hash_content(v, strlen(v), *hash);
		}
		lua_setfield(L, -2, tc->params[i].name);
	}
}

static struct lua_script *script_by_key(struct lua *l, const char *key)
{
	for (unsigned i = 0; i < l->n; i++)
		if (strcmp(l->scripts[i].key, key) == 0)
			return &l->scripts[i];
	return NULL;
}

static void script_release(struct lua_script *s)
{
	for (int i = 0; i < N_DEFS; i++)
		for (int k = 0; k < 251; k++)
			free(s->scored[i][k]);
	free((char *)s->def[0].title);
	free((char *)s->def[0].description);
	free((char *)s->def[0].mitre);
	free(s->params);
	free(s->key);
	free(s->path);
	free(s->why);
}

/* The call of the runtime is on the stack; why the script is left out, NULL = it is not. Its text may do anything, also not end. */
static const char *run_script_text(struct lua *l, struct lua_script *s)
{
	const char *why = NULL;
	if (!guard_enter(l, s, s->hash))
		return "it ended or hung the process when it was loaded";
	if (lua_pcall(l->state, 6, 1, 0) != 0)
		why = box_error(l->state);
	else if (!take_metadata(l, s))
		why = "category is none that weir-fields(7) lists";
	guard_leave(l);
	return why;
}

/* Nobody reads the log of a start: it is told of as one that is disabled later is. */
static void leave_out(struct lua *l, const char *path, const char *key, const char *fmt, ...)
{
	va_list ap;
	char why[400];
	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	log_error("lua check %s is left out: %s", path, why);
	buf_add(&l->left_out, key, strlen(key) + 1);
}

static void load_script(struct lua *l, const char *path, const char *key, const struct topo_check *tc)
{
	lua_State *L = l->state;
	struct buf text = { 0 };
	int top = lua_gettop(L);
	struct lua_script *s = &l->scripts[l->n];
	const char *style = ntopng_hook(key);
	if (read_file(path, &text) < 0) {
		leave_out(l, path, key, "%s", strerror(errno));
		buf_release(&text);
		return;
	}
	memset(s, 0, sizeof *s);
	s->key = xstrdup(key);
	s->path = xstrdup(path);
	s->hash = hash_content(text.p, text.len, hash_content(key, strlen(key), 0));
	l->running = s;
	box_push(l, "load_script");
	lua_pushinteger(L, l->n + 1);
	lua_pushstring(L, key);
	lua_pushstring(L, path);
	lua_pushlstring(L, text.p, text.len);
	push_params(l, tc, &s->hash);
	if (style)
		lua_pushstring(L, style);
	else
		lua_pushnil(L);
	const char *why = run_script_text(l, s);
	l->running = NULL;
	if (why) {
		leave_out(l, path, key, "%s", why);
		script_release(s);
	} else {
		l->hash = hash_content(&s->hash, sizeof s->hash, l->hash);
		l->n++;
		guard_strike_out(l, s);
	}
	lua_settop(L, top);
	if (l->refused)
		lua_out_of_memory(l);
	buf_release(&text);
}

static int is_lua(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return n > 4 && d->d_name[0] != '.' && strcmp(d->d_name + n - 4, ".lua") == 0;
}

static void load_file(struct lua *l, const char *path, const char *key)
{
	const struct topo_check *tc = topo_check(l->topo, key);
	struct lua_script *same = script_by_key(l, key);
	if (tc && tc->enabled_set && !tc->enabled)
		log_info("lua check %s is disabled", key);
	else if (checkdef_find(key, ENT_OTHER))
		leave_out(l, path, key, "a native check has this name");
	else if (same)
		leave_out(l, path, key, "%s has this name", same->path);
	else if (l->n == LUA_MAX_SCRIPTS)
		leave_out(l, path, key, "there are %d already", LUA_MAX_SCRIPTS);
	else if (l->memory > MAX_MEMORY - RESERVE)
		leave_out(l, path, key, "the others took the memory of all Lua checks, %u MiB", MAX_MEMORY >> 20);
	else
		load_script(l, path, key, tc);
}

static void load_directory(struct lua *l, const char *dir)
{
	struct dirent **names;
	int n = scandir(dir, &names, is_lua, alphasort);
	if (n < 0) {
		log_error("lua checks: %s: %s", dir, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s", dir, names[i]->d_name);
		char *key = xstrndup(names[i]->d_name, strlen(names[i]->d_name) - 4);
		load_file(l, path, key);
		free(path);
		free(key);
		free(names[i]);
	}
	free(names);
}

static void load_scripts(struct lua *l)
{
	load_directory(l, l->topo->checks.lua_shipped);
	for (char **p = l->topo->checks.lua_paths; p && *p; p++)
		load_directory(l, *p);
	log_info("lua checks: %u", l->n);
}

struct lua *lua_new(const struct topo *t, const struct lua_guard *guard)
{
	struct lua *l = xcalloc(1, sizeof *l);
	l->topo = t;
	if (guard)
		l->guard = *guard;
	view_init(l);
	if (!t->checks.lua)
		return l;
	l->scripts = xcalloc(LUA_MAX_SCRIPTS, sizeof *l->scripts);
	box_open(l);
	load_scripts(l);
	return l;
}

void lua_free(struct lua *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < l->n; i++)
		script_release(&l->scripts[i]);
	if (l->state)
		lua_close(l->state);
	view_release(l);
	buf_release(&l->left_out);
	free(l->scripts);
	free(l);
}

uint64_t lua_hash(const struct lua *l)
{
	return l->hash;
}

/* -- what is loaded, for people -- */

/* Those of hooks that native checks have too are named as theirs are. */
static const char *hook_in_words(enum lua_hook h)
{
	if (h == LUA_START)
		return "at the start of a flow";
	return h == LUA_ALERT ? "when an alert is raised or changes" : checkdef_hook_names[h - LUA_DETECTED];
}

static struct str put_hooks(struct buf *strs, const struct lua_script *s, enum lua_hook from, enum lua_hook to)
{
	struct buf b = { 0 };
	for (enum lua_hook h = from; h <= to; h++)
		if (s->hooks >> h & 1)
			buf_addf(&b, "%s%s", b.len ? "\n" : "", hook_in_words(h));
	struct str text = str_put_raw(strs, b.p, b.len);
	buf_release(&b);
	return text;
}

static uint32_t describe(const struct lua *l, const struct lua_script *s, struct buf *out)
{
	struct buf strs = { 0 };
	uint32_t n = 0;
	for (int i = 0; i < N_DEFS; i++) {
		struct r_check r;
		buf_reset(&strs);
		checkrec_def(&r.check, &strs, &s->def[i], topo_check(l->topo, s->key), "lua");
		r.check.enabled = !s->disabled;
		r.check.params = str_put_raw(&strs, s->params, strlen(s->params));
		r.check.when = i == DEF_FLOW ? put_hooks(&strs, s, LUA_START, LUA_END) : put_hooks(&strs, s, LUA_MINUTE, LUA_ALERT);
		/* One that has timers only may raise alerts for hosts. */
		if (r.check.when.len || (i == DEF_HOST && n == 0)) {
			codec_pack(out, R_CHECK, &r, strs.p);
			n++;
		}
	}
	buf_release(&strs);
	return n;
}

uint32_t lua_describe(const struct lua *l, struct buf *out)
{
	uint32_t n = 0;
	for (unsigned i = 0; i < l->n; i++)
		n += describe(l, &l->scripts[i], out);
	return n;
}

/* What of scripts outlives the process: how often each failed, then state tables and timers, which luart/state.lua writes. */
#include "lua_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "weir lua scripts 1 "

/* 'errors disabled hash key' lines, then an empty one. */
static void save_scripts(const struct lua *l, struct buf *out)
{
	buf_addf(out, HEAD "%" PRIu64 "\n", l->errors);
	for (unsigned i = 0; i < l->n; i++) {
		const struct lua_script *s = &l->scripts[i];
		if (s->errors && !strchr(s->key, '\n'))
			buf_addf(out, "%u %d %016" PRIx64 " %s\n", s->errors, s->disabled, s->hash, s->key);
	}
	buf_addc(out, '\n');
}

/* A script that was changed begins anew. */
static void load_script_line(struct lua *l, const char *line)
{
	unsigned errors, disabled;
	uint64_t hash;
	int at = 0;
	if (sscanf(line, "%u %u %16" SCNx64 " %n", &errors, &disabled, &hash, &at) != 3 || !at)
		return;
	for (unsigned i = 0; i < l->n; i++) {
		struct lua_script *s = &l->scripts[i];
		if (strcmp(s->key, line + at) != 0 || s->hash != hash)
			continue;
		s->errors = errors;
		if (disabled && !s->disabled)
			script_disable(s, "%u errors before the last start", errors);
	}
}

/* Where the head ends, or NULL if it is none. */
static const char *load_scripts_head(struct lua *l, const char *p, const char *end, bool apply)
{
	for (unsigned n = 0;; n++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl || (n == 0 && ((size_t)(nl - p) < strlen(HEAD) || memcmp(p, HEAD, strlen(HEAD)) != 0)))
			return NULL;
		char *line = xstrndup(p, (size_t)(nl - p));
		if (apply && n == 0)
			l->errors = strtoull(line + strlen(HEAD), NULL, 10);
		else if (apply)
			load_script_line(l, line);
		free(line);
		if (nl == p)
			return nl + 1;
		p = nl + 1;
	}
}

void luacheck_save(struct lua *l, struct buf *out)
{
	size_t len, at = out->len;
	if (!l->state)
		return;
	save_scripts(l, out);
	box_push(l, "save");
	if (lua_pcall(l->state, 0, 1, 0) == 0) {
		const char *p = lua_tolstring(l->state, -1, &len);
		buf_add(out, p, len);
	} else {
		log_error("lua checks: state is not saved: %s", box_error(l->state));
		out->len = at;
	}
	lua_pop(l->state, 1);
}

int luacheck_load(struct lua *l, const char *p, size_t len)
{
	if (!l->state || !len)
		return 0;
	const char *state = load_scripts_head(l, p, p + len, false);
	if (!state) {
		log_warn("lua checks: not a saved state");
		return -1;
	}
	box_push(l, "load");
	lua_pushlstring(l->state, state, (size_t)(p + len - state));
	if (lua_pcall(l->state, 1, 0, 0) != 0) {
		log_warn("lua checks: %s", box_error(l->state));
		lua_pop(l->state, 1);
		return -1;
	}
	load_scripts_head(l, p, p + len, true);
	return 0;
}

/*
 * Checks written in Lua. The only interface to LuaJIT. A script returns a table:
 *
 *   return { title = "...", category = "security", score = 50, on = "end",
 *            flow = function(flow) ... return true, "message" end }      -- or host = function(host)
 *
 * on is "detected", "periodic" or "end" for flows. The record is read-only; fields are those of weir-fields(7).
 */
#ifndef WEIR_LUACHECK_H
#define WEIR_LUACHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "checkdef.h"
#include "topo.h"

struct lua;

/* A Lua check that fired. */
struct lua_finding {
	const struct checkdef *def; /* key, title, category, score ... made from the script's table */
	char message[256];
};

/* Loads every script of the topology's directories and those shipped. A script that is wrong is logged and left out. */
struct lua *lua_new(const struct topo *t);
void lua_free(struct lua *l);
/* Hash of the scripts, for the epoch. */
uint64_t lua_hash(const struct lua *l);
/* Are there scripts for a hook? */
bool lua_has(const struct lua *l, enum check_hook hook);
/* Runs the scripts of a hook on a record; cb is called for each that fires. */
void lua_run(struct lua *l, enum check_hook hook, enum rtype type, const void *rec, const char *base,
	     void (*cb)(void *arg, const struct lua_finding *f), void *arg);
uint64_t lua_errors(const struct lua *l);

#endif

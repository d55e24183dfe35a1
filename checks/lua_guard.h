/* The guard of scripts that writes what is under way where the next life of the process finds it (poison.h). */
#ifndef WEIR_LUA_GUARD_H
#define WEIR_LUA_GUARD_H

#include "luacheck.h"
#include "poison.h"

/* p stays the caller's, for as long as the guard is used; NULL = nothing is ever refused. */
struct lua_guard lua_guard(struct poison *p);

#endif

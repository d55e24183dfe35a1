/*
 * Checks written in Lua. The only interface to LuaJIT (lua_*.c, and the Lua in luart).
 *
 * The engine puts records into rows and runs all scripts on a full set of rows at once: each check is called once per hook
 * and batch, with a loop around it that LuaJIT compiles. Pure: what comes out depends on the rows, the scripts and the
 * time that is given only. weir-lua(7) is the contract with those who write checks.
 */
#ifndef WEIR_LUACHECK_H
#define WEIR_LUACHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "checkdef.h"
#include "metrics.h"
#include "topo.h"

#define LUA_ROWS        256 /* of a batch */
#define LUA_MAX_SCRIPTS 1024

/* What a script sees. */
enum lua_set { LUA_FLOWS, LUA_HOSTS, LUA_ALERTS, LUA_SETS };

/* When it is called. Hooks of a row are a set of 1 << hook. */
enum lua_hook {
	LUA_START,    /* first record of the flow */
	LUA_DETECTED, /* a verdict came */
	LUA_PERIODIC, /* the flow goes on, each 60 s of packet time */
	LUA_END,      /* the flow ended */
	LUA_MINUTE,   /* hosts, each minute of packet time */
	LUA_5MINUTES,
	LUA_HOUR,
	LUA_DAY,
	LUA_ALERT,    /* an alert was raised or changed */
	LUA_N_HOOKS,
};

struct lua;

/* What a script says of a row. */
enum lua_said {
	LUA_FIRED,
	LUA_RESET,   /* the host's contact counters begin anew (ntopng's resetHostContacts) */
	LUA_SKIPPED, /* it did not look at the host (ntopng's skipVisitedHost): what it said of it before stands */
};

struct lua_finding {
	const struct checkdef *def; /* of the script; lives as long as struct lua */
	unsigned script;            /* its number */
	unsigned row;
	enum lua_said said;
	bool about_host;            /* raised for the host below and not for the row's entity */
	struct addr host;
	uint16_t vlan;
	char message[256];
	char values[160];           /* 'name=value' lines */
};

/* A group of a record with the bytes that its strings refer to; p NULL = all zero. */
struct lua_part {
	const void *p;
	const char *base;
};

/*
 * A compiled loop cannot be interrupted, so a script that never ends ends the process. The guard is told what is under way,
 * keeps it where the next life of the process finds it, and then says what to leave out. work names a script's batch: the
 * same records have the same number.
 */
struct lua_guard {
	void *arg;
	/* False: this killed the process before, more than once; it is not tried again. */
	bool (*enter)(void *arg, const char *script, uint64_t work);
	void (*leave)(void *arg);
	/* How many pieces of work of a script are not tried again. */
	unsigned (*strikes)(void *arg, const char *script);
};

/*
 * Loads every script of the topology's directories and those shipped. A script that is wrong is logged and left out. guard NULL =
 * none; it is copied, and disables scripts with LUA_STRIKES strikes.
 */
struct lua *lua_new(const struct topo *t, const struct lua_guard *guard);
void lua_free(struct lua *l);
/* Hash of the scripts and their parameters, for the epoch. */
uint64_t lua_hash(const struct lua *l);
#define LUA_STRIKES 3
/* Are there scripts for a hook? */
bool lua_has(const struct lua *l, enum lua_hook hook);
bool lua_has_any(const struct lua *l, enum lua_set set);

/*
 * Adds a row: the record's groups in the order of its type (FLOW, HOST, ALERT). What part[].base points to must stay until
 * lua_run. Returns its number. At most LUA_ROWS.
 */
unsigned lua_add(struct lua *l, enum lua_set set, unsigned hooks, const struct lua_part *part);
/*
 * Runs all checks on the rows and empties the set. cb is called for each finding, ordered by script, not by row. clock is the
 * packet time.
 */
void lua_run(struct lua *l, enum lua_set set, uint64_t clock, void (*cb)(void *arg, const struct lua_finding *f), void *arg);
/* Timers that are due. Findings have about_host set. */
void lua_tick(struct lua *l, uint64_t clock, void (*cb)(void *arg, const struct lua_finding *f), void *arg);

/* Scripts are numbered from 0 on. */
unsigned lua_count(const struct lua *l);
bool lua_is_on(const struct lua *l, unsigned script);
/* Packs a CHECK record for each script and kind of thing that it looks at; how many. */
uint32_t lua_describe(const struct lua *l, struct buf *out);
/* The definition by which a script raises alerts for hosts. hooks: when it looks at them, 0 if it has no function of hosts. */
const struct checkdef *lua_host_def(const struct lua *l, unsigned script);
/* The definition by which a script raises alerts for flows; NULL if there is no such script. */
const struct checkdef *lua_flow_def(const struct lua *l, const char *key);

/*
 * State tables and timers of all scripts, for the engine's snapshot; taken between batches. luacheck_load returns -1 and changes
 * nothing if it is not what luacheck_save wrote; what belongs to scripts that are gone is left out.
 */
void luacheck_save(struct lua *l, struct buf *out);
int luacheck_load(struct lua *l, const char *p, size_t len);

/* How often scripts ended with an error so far. */
uint64_t lua_errors(const struct lua *l);
/* Number of scripts out of service, those that were left out first, and their keys, cut at size. */
unsigned lua_disabled(const struct lua *l, char *ret_keys, size_t size);
void lua_metrics(const struct lua *l, struct metrics *m);

/* For tests: a script that was disabled since the last call, with the reason; false if there is none. */
bool lua_next_disabled(struct lua *l, const char **ret_key, const char **ret_why);
/* For tests and benchmarks: what the compiler did with a script's loops. */
struct lua_jit {
	unsigned loops, compiled; /* loops that have run, and those of them that a trace starts at */
	unsigned traces, aborts, flushes; /* since the start, of all scripts */
};
void lua_jit_state(struct lua *l, const char *key, struct lua_jit *ret);

#endif

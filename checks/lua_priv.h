/* What the parts of the Lua module share. Only lua_*.c includes this. */
#ifndef WEIR_LUA_PRIV_H
#define WEIR_LUA_PRIV_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "log.h"
#include "luacheck.h"
#include "record.h"

#define MAX_SOURCE  (1u << 20)
#define MAX_MEMORY  (256u << 20)
#define RESERVE     (4u << 20) /* beyond it, for the way out after a refusal */
#define MAX_ERRORS  10   /* of a script, then it is disabled */
#define MAX_HITS    1024 /* of a script in one batch */

/* What generated code and C both look at. The FFI declares it in luart/boot.lua: keep the two the same. */
struct lua_cell {
	int32_t row;  /* at hand */
	int32_t at;   /* its place among the rows of the hook */
	int32_t hits; /* of this call so far */
	int32_t dropped;
	double now;   /* packet time, seconds */
	uint32_t draws; /* random numbers of this row so far */
	int32_t set;  /* enum lua_set of the row, -1 = there is none */
};

/* A field whose value is made for Lua ahead: texts, addresses, lists. */
struct lua_column {
	const struct field *field;
	unsigned group;
	uint16_t off; /* in the record */
	bool wanted;
	int ref;      /* table of values by row */
};

struct lua_rows {
	const struct rdesc *rd;
	char *rows;          /* LUA_ROWS records; never moves: compiled code has its address */
	const char *(*base)[RECORD_MAX_GROUPS]; /* of each row's groups */
	unsigned n;
	int32_t *index[LUA_N_HOOKS]; /* rows of a hook; never move */
	unsigned n_index[LUA_N_HOOKS];
	struct lua_column *columns;
	unsigned n_columns;
};

enum { DEF_FLOW, DEF_HOST, N_DEFS };

struct lua_script {
	char *key, *path, *why; /* why: disabled */
	char *params;           /* 'name=value' lines */
	uint64_t hash;
	struct checkdef def[N_DEFS];
	struct checkdef *scored[N_DEFS][251]; /* the same with another score, made when asked for */
	int loop[LUA_N_HOOKS];  /* reference of the generated loop, LUA_NOREF = none */
	unsigned hooks;         /* those it has, 1 << enum lua_hook */
	unsigned errors;
	bool disabled, told;
	bool has_timers;
	uint64_t calls, rows, ns, alerts;
	uint64_t skipped;       /* batches that the guard left out */
	struct log_limit limit, print_limit;
	int64_t grown;          /* bytes more in use after its calls than before */
};

struct lua {
	lua_State *state;
	const struct topo *topo;
	struct lua_script *scripts; /* LUA_MAX_SCRIPTS */
	unsigned n;
	struct buf left_out;        /* names of files that are no check, an end after each */
	uint64_t hash, errors, dropped, skipped;
	size_t memory;
	bool refused; /* memory, since lua_out_of_memory */
	struct lua_rows set[LUA_SETS];
	struct lua_cell *cell;
	int runtime;  /* reference of what luart/boot.lua returned */
	int hits;     /* reference of the table of hits of the call at hand */
	int strings;  /* reference of the cache of address texts */
	struct {
		struct addr addr;
		bool used;
	} *cached;
	struct lua_script *running;
	size_t before; /* memory in use when it began */
	struct log_limit limit;
	struct lua_guard guard; /* enter NULL = none */
	uint64_t work;          /* number of the batch at hand, for the guard */
};

/* -- lua_box.c: the state, and what it may use -- */

extern const char *const lua_hook_names[LUA_N_HOOKS];

void box_open(struct lua *l);
/* Pushes a function of the runtime. */
void box_push(struct lua *l, const char *name);
/* Text of the error on the top of the stack, whatever it is; pops nothing. */
const char *box_error(lua_State *L);

/* -- lua_view.c: records as Lua sees them -- */

/* Pushes a table that describes a set's record to luart/view.lua. */
void view_describe(struct lua *l, enum lua_set set);
void view_init(struct lua *l);
void view_release(struct lua *l);
/* Fills the columns that somebody reads. */
void view_fill(struct lua *l, struct lua_rows *s);
/* Fills one and keeps filling it. */
void view_want(struct lua *l, struct lua_rows *s, unsigned column);

/* -- lua_run.c -- */

/* After memory was refused, and what asked for it has failed: the script that took most pays. */
void lua_out_of_memory(struct lua *l);

/* Between these a script is running; false: it ended or hung the process over this before, and is not to run. */
bool guard_enter(struct lua *l, const struct lua_script *s, uint64_t work);
void guard_leave(struct lua *l);
/* Disables a script with LUA_STRIKES strikes. */
void guard_strike_out(struct lua *l, struct lua_script *s);

void script_disable(struct lua_script *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* -- lua_text.c: the files of luart -- */

struct lua_text {
	const char *name, *p, *end;
};
extern const struct lua_text lua_texts[]; /* NULL name ends */

#endif

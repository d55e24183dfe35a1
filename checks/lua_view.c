/*
 * Records as Lua sees them. luart/view.lua reads numbers straight from the rows; what needs memory in Lua (texts, addresses,
 * lists) is made here, a column for all rows of a batch, and only for fields that some script reads.
 */
#include "lua_priv.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"

#define CACHE 4096 /* texts of addresses */

static const enum rtype types[LUA_SETS] = { R_FLOW, R_HOST, R_ALERT };

static const struct {
	const char *name; /* as luart/view.lua knows it */
	uint16_t size;
	bool column;
} kinds[] = {
	[FT_FLAG] = { "flag", 1, false },
	[FT_U8] = { "u8", 1, false },
	[FT_U16] = { "u16", 2, false },
	[FT_U32] = { "u32", 4, false },
	[FT_U64] = { "u64", 8, false },
	[FT_F64] = { "f64", 8, false },
	[FT_TIME] = { "time", 8, false },
	[FT_DUR] = { "dur", 8, false },
	[FT_ADDR] = { "addr", sizeof(struct addr), true },
	[FT_MAC] = { "mac", sizeof(struct mac), true },
	[FT_ID] = { "id", sizeof(struct id), true },
	[FT_STR] = { "str", sizeof(struct str), true },
	[FT_LIST] = { "list", sizeof(struct str), true },
	[FT_MAP] = { "map", sizeof(struct str), true },
	[FT_BIN] = { "str", sizeof(struct str), true },
	[FT_ENUM] = { "enum", 1, false },
	[FT_PROTO] = { "proto", 1, false },
	[FT_TCPFLAGS] = { "tcpflags", 1, false },
};

/* -- rows -- */

void view_init(struct lua *l)
{
	for (int i = 0; i < LUA_SETS; i++) {
		struct lua_rows *s = &l->set[i];
		unsigned n = 0;
		s->rd = rdesc_get(types[i]);
		/* One more in front, all zero: a script that kept a view may look when no record is at hand, at row -1. */
		s->rows = (char *)xcalloc(LUA_ROWS + 1, s->rd->size) + s->rd->size;
		s->base = xcalloc(LUA_ROWS, sizeof *s->base);
		for (int h = 0; h < LUA_N_HOOKS; h++)
			s->index[h] = xcalloc(LUA_ROWS, sizeof *s->index[h]);
		for (unsigned g = 0; g < s->rd->n_groups; g++)
			n += s->rd->groups[g].n_fields;
		s->columns = xcalloc(n, sizeof *s->columns);
	}
	l->cell = xcalloc(1, sizeof *l->cell);
	l->cell->row = l->cell->set = -1;
	l->cached = xcalloc(CACHE, sizeof *l->cached);
}

void view_release(struct lua *l)
{
	for (int i = 0; i < LUA_SETS; i++) {
		struct lua_rows *s = &l->set[i];
		free(s->rows - s->rd->size);
		free(s->base);
		free(s->columns);
		for (int h = 0; h < LUA_N_HOOKS; h++)
			free(s->index[h]);
	}
	free(l->cell);
	free(l->cached);
}

unsigned lua_add(struct lua *l, enum lua_set set, unsigned hooks, const struct lua_part *part)
{
	struct lua_rows *s = &l->set[set];
	unsigned row = s->n++;
	char *rec = s->rows + (size_t)row * s->rd->size;
	for (unsigned g = 0; g < s->rd->n_groups; g++) {
		const struct rgroup *rg = &s->rd->groups[g];
		unsigned end = g + 1 < s->rd->n_groups ? rg[1].off : s->rd->size;
		if (part[g].p)
			memcpy(rec + rg->off, part[g].p, end - rg->off);
		else
			memset(rec + rg->off, 0, end - rg->off);
		s->base[row][g] = part[g].p ? part[g].base : NULL;
	}
	for (int h = 0; h < LUA_N_HOOKS; h++)
		if (hooks >> h & 1)
			s->index[h][s->n_index[h]++] = (int32_t)row;
	return row;
}

/* -- description, once -- */

/* Values of an enumeration as a table from 0 on. */
static void push_names(lua_State *L, const struct field *f)
{
	char tmp[9];
	lua_createtable(L, 256, 0);
	for (unsigned v = 0; v < 256; v++) {
		const char *name = "?";
		if (f->type == FT_PROTO)
			name = proto_name((uint8_t)v, tmp);
		else if (f->type == FT_TCPFLAGS)
			name = tcpflags_str((uint8_t)v, tmp);
		else
			name = enum_name(f->names, v);
		lua_pushstring(L, name);
		lua_rawseti(L, -2, (int)v);
	}
}

/* Of an alert its own fields, and those of its flow and host below their names. */
static const char *prefix_of(enum lua_set set, const struct rgroup *g)
{
	if (set != LUA_ALERTS || strcmp(g->name, "alert") == 0)
		return "";
	return strncmp(g->name, "flow_", 5) == 0 ? "flow." : strcmp(g->name, "host") == 0 ? "host." : "note.";
}

static void push_field(struct lua *l, struct lua_rows *s, enum lua_set set, unsigned group, const struct field *f)
{
	lua_State *L = l->state;
	const struct rgroup *g = &s->rd->groups[group];
	lua_newtable(L);
	lua_pushstring(L, f->name);
	lua_setfield(L, -2, "name");
	lua_pushstring(L, kinds[f->type].name);
	lua_setfield(L, -2, "kind");
	lua_pushstring(L, prefix_of(set, g));
	lua_setfield(L, -2, "prefix");
	lua_pushinteger(L, g->off + f->off);
	lua_setfield(L, -2, "off");
	lua_pushinteger(L, kinds[f->type].size);
	lua_setfield(L, -2, "size");
	if (f->type == FT_ENUM || f->type == FT_PROTO || f->type == FT_TCPFLAGS) {
		push_names(L, f);
		lua_setfield(L, -2, "names");
	}
	if (!kinds[f->type].column)
		return;
	struct lua_column *c = &s->columns[s->n_columns];
	*c = (struct lua_column){ .field = f, .group = group, .off = (uint16_t)(g->off + f->off) };
	lua_createtable(L, LUA_ROWS, 0);
	lua_pushvalue(L, -1);
	c->ref = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_setfield(L, -2, "column");
	lua_pushinteger(L, s->n_columns++);
	lua_setfield(L, -2, "number");
}

void view_describe(struct lua *l, enum lua_set set)
{
	lua_State *L = l->state;
	struct lua_rows *s = &l->set[set];
	int n = 0;
	if (!l->strings) {
		lua_createtable(L, CACHE, 0);
		l->strings = luaL_ref(L, LUA_REGISTRYINDEX);
	}
	lua_newtable(L);
	lua_pushstring(L, s->rd->name);
	lua_setfield(L, -2, "name");
	lua_pushinteger(L, s->rd->size);
	lua_setfield(L, -2, "size");
	lua_pushlightuserdata(L, s->rows);
	lua_setfield(L, -2, "rows");
	lua_newtable(L);
	for (unsigned g = 0; g < s->rd->n_groups; g++)
		for (unsigned i = 0; i < s->rd->groups[g].n_fields; i++) {
			push_field(l, s, set, g, &s->rd->groups[g].fields[i]);
			lua_rawseti(L, -2, ++n);
		}
	lua_setfield(L, -2, "fields");
}

/* -- columns -- */

/* Text of an address takes longer to make than all else of a row, and the same ones come again and again. */
static void push_addr(struct lua *l, const struct addr *a)
{
	char tmp[ADDR_STRLEN];
	unsigned slot = (unsigned)hash_content(a, sizeof *a, 0) % CACHE;
	lua_rawgeti(l->state, LUA_REGISTRYINDEX, l->strings);
	if (l->cached[slot].used && addr_cmp(&l->cached[slot].addr, a) == 0) {
		lua_rawgeti(l->state, -1, (int)slot);
	} else {
		lua_pushstring(l->state, addr_str(a, tmp));
		lua_pushvalue(l->state, -1);
		lua_rawseti(l->state, -3, (int)slot);
		l->cached[slot].addr = *a;
		l->cached[slot].used = true;
	}
	lua_remove(l->state, -2);
}

static void push_value(struct lua *l, const struct lua_column *c, const char *v, const char *base)
{
	char tmp[64];
	struct str s;
	struct id id;
	switch (c->field->type) {
	case FT_ADDR:
		push_addr(l, (const struct addr *)v);
		return;
	case FT_MAC:
		lua_pushstring(l->state, mac_str((const struct mac *)v, tmp));
		return;
	case FT_ID:
		memcpy(&id, v, sizeof id);
		lua_pushstring(l->state, id_str(id, tmp));
		return;
	default:
		memcpy(&s, v, sizeof s);
		lua_pushlstring(l->state, s.len && base ? base + s.off : "", base ? s.len : 0);
		return;
	}
}

static void fill(struct lua *l, struct lua_rows *s, const struct lua_column *c)
{
	lua_State *L = l->state;
	lua_rawgeti(L, LUA_REGISTRYINDEX, c->ref);
	for (unsigned row = 0; row < s->n; row++) {
		push_value(l, c, s->rows + (size_t)row * s->rd->size + c->off, s->base[row][c->group]);
		lua_rawseti(L, -2, (int)row);
	}
	lua_pop(L, 1);
}

void view_fill(struct lua *l, struct lua_rows *s)
{
	for (unsigned i = 0; i < s->n_columns; i++)
		if (s->columns[i].wanted)
			fill(l, s, &s->columns[i]);
}

void view_want(struct lua *l, struct lua_rows *s, unsigned column)
{
	if (column >= s->n_columns || s->columns[column].wanted)
		return;
	s->columns[column].wanted = true;
	fill(l, s, &s->columns[column]);
}

/* Records as rows: names, types, binding and reading, by the descriptors. */
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "store_sqlite.h"

static bool name_taken(const struct columns *cs, const char *name)
{
	for (unsigned i = 0; i < cs->n; i++)
		if (strcmp(cs->c[i].name, name) == 0)
			return true;
	return false;
}

static void plain_name(const char *field, char *out, size_t size)
{
	size_t i = 0;
	for (; field[i] && i + 1 < size; i++)
		out[i] = field[i] == '.' ? '_' : field[i];
	out[i] = '\0';
}

/* A name that an earlier group has is told apart by what the group is about: flow_score, host_first. */
static void make_name(struct column *c, const struct columns *before, const struct rgroup *g)
{
	char plain[48];
	int about = (int)strcspn(g->name, "_");
	plain_name(c->field->name, plain, sizeof plain);
	c->own_name = !name_taken(before, plain);
	if (c->own_name)
		snprintf(c->name, sizeof c->name, "%s", plain);
	else
		snprintf(c->name, sizeof c->name, "%.*s_%s", about, g->name, plain);
	if (!c->own_name && name_taken(before, c->name))
		snprintf(c->name, sizeof c->name, "%s_%s", g->name, plain);
}

static bool skipped(const char *const *skip, const char *group)
{
	for (; skip && *skip; skip++)
		if (strcmp(*skip, group) == 0)
			return true;
	return false;
}

void columns_init(struct columns *cs, enum rtype type, const char *const *skip)
{
	const struct rdesc *rd = rdesc_get(type);
	*cs = (struct columns){ 0 };
	for (unsigned i = 0; i < rd->n_groups; i++) {
		const struct rgroup *g = &rd->groups[i];
		if (skipped(skip, g->name))
			continue;
		cs->c = xrealloc(cs->c, (cs->n + g->n_fields) * sizeof *cs->c);
		for (unsigned k = 0; k < g->n_fields; k++) {
			cs->c[cs->n] = (struct column){ .field = &g->fields[k], .off = g->off + g->fields[k].off };
			make_name(&cs->c[cs->n], cs, g);
			cs->n++;
		}
	}
}

void columns_release(struct columns *cs)
{
	free(cs->c);
	*cs = (struct columns){ 0 };
}

/* Text compares without regard to case, as the match language does, so that an index serves it. */
static const char *sql_type(const struct field *f)
{
	switch (f->type) {
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
		return "TEXT NOT NULL COLLATE NOCASE DEFAULT ''";
	case FT_ADDR:
	case FT_MAC:
	case FT_ID:
	case FT_BIN:
		return "BLOB NOT NULL DEFAULT x''";
	case FT_F64:
		return "REAL NOT NULL DEFAULT 0";
	default:
		return "INTEGER NOT NULL DEFAULT 0";
	}
}

void columns_ddl(const struct columns *cs, unsigned from, unsigned n, struct buf *out)
{
	for (unsigned i = from; i < n; i++)
		buf_addf(out, "%s\"%s\" %s", i > from ? ", " : "", cs->c[i].name, sql_type(cs->c[i].field));
}

void columns_names(const struct columns *cs, unsigned from, unsigned n, const char *prefix, struct buf *out)
{
	for (unsigned i = from; i < n; i++) {
		const char *comma = i > from ? "," : "";
		if (cs->c[i].missing)
			buf_addf(out, "%sNULL", comma);
		else
			buf_addf(out, "%s%s\"%s\"", comma, prefix, cs->c[i].name);
	}
}

/* Ids sort by time as bytes only when the bytes are big-endian. */
void id_to_blob(struct id id, uint8_t out[static 16])
{
	for (int i = 0; i < 8; i++) {
		out[i] = (uint8_t)(id.hi >> (56 - 8 * i));
		out[8 + i] = (uint8_t)(id.lo >> (56 - 8 * i));
	}
}

void value_bind(sqlite3_stmt *st, int at, const struct field *f, const void *v, const char *base)
{
	const struct str *s = v;
	uint8_t raw[16];
	switch (f->type) {
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
		sqlite3_bind_text(st, at, s->len ? base + s->off : "", (int)s->len, SQLITE_STATIC);
		return;
	case FT_BIN:
		sqlite3_bind_blob(st, at, s->len ? base + s->off : "", (int)s->len, SQLITE_STATIC);
		return;
	case FT_ADDR:
		sqlite3_bind_blob(st, at, v, addr_is_set(v) ? 16 : 0, SQLITE_STATIC);
		return;
	case FT_MAC:
		sqlite3_bind_blob(st, at, v, mac_is_set(v) ? 6 : 0, SQLITE_STATIC);
		return;
	case FT_ID:
		id_to_blob(*(const struct id *)v, raw);
		sqlite3_bind_blob(st, at, raw, id_is_set(*(const struct id *)v) ? 16 : 0, SQLITE_TRANSIENT);
		return;
	case FT_F64:
		sqlite3_bind_double(st, at, *(const double *)v);
		return;
	case FT_U16:
		sqlite3_bind_int64(st, at, *(const uint16_t *)v);
		return;
	case FT_U32:
		sqlite3_bind_int64(st, at, *(const uint32_t *)v);
		return;
	case FT_U64:
	case FT_TIME:
	case FT_DUR:
		sqlite3_bind_int64(st, at, (sqlite3_int64)*(const uint64_t *)v);
		return;
	default:
		sqlite3_bind_int64(st, at, *(const uint8_t *)v);
	}
}

static bool is_zero(const struct field *f, const void *v)
{
	switch (f->type) {
	case FT_ADDR:
		return !addr_is_set(v);
	case FT_MAC:
		return !mac_is_set(v);
	case FT_ID:
		return !id_is_set(*(const struct id *)v);
	case FT_F64:
		return *(const double *)v == 0;
	default:
		return type_refers(f->type) ? ((const struct str *)v)->len == 0 : field_uint(f, v) == 0;
	}
}

void columns_bind(sqlite3_stmt *st, const struct columns *cs, bool *zero, const void *rec, const char *base)
{
	for (unsigned i = 0; i < cs->n; i++) {
		const struct field *f = cs->c[i].field;
		const char *v = (const char *)rec + cs->c[i].off;
		bool now = zero && is_zero(f, v);
		if (now && zero[i])
			continue;
		value_bind(st, (int)i + 1, f, v, base);
		if (zero)
			zero[i] = now;
	}
}

struct id id_from_column(sqlite3_stmt *st, int at)
{
	struct id id = { 0, 0 };
	const uint8_t *p = sqlite3_column_blob(st, at);
	for (int i = 0; i < 8 && sqlite3_column_bytes(st, at) == 16; i++) {
		id.hi = id.hi << 8 | p[i];
		id.lo = id.lo << 8 | p[8 + i];
	}
	return id;
}

static void read_one(sqlite3_stmt *st, int at, const struct field *f, void *v, struct buf *arena)
{
	const void *p;
	int n;
	switch (f->type) {
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
	case FT_BIN:
		n = sqlite3_column_bytes(st, at); /* most are empty */
		p = n ? sqlite3_column_blob(st, at) : NULL;
		*(struct str *)v = p ? str_put_raw(arena, p, (size_t)n) : (struct str){ 0, 0 };
		return;
	case FT_ID:
		*(struct id *)v = id_from_column(st, at);
		return;
	case FT_ADDR:
	case FT_MAC:
		p = sqlite3_column_blob(st, at);
		n = sqlite3_column_bytes(st, at);
		if (n == (f->type == FT_MAC ? 6 : 16))
			memcpy(v, p, (size_t)n);
		return;
	case FT_F64:
		*(double *)v = sqlite3_column_double(st, at);
		return;
	case FT_U16:
		*(uint16_t *)v = (uint16_t)sqlite3_column_int64(st, at);
		return;
	case FT_U32:
		*(uint32_t *)v = (uint32_t)sqlite3_column_int64(st, at);
		return;
	case FT_U64:
	case FT_TIME:
	case FT_DUR:
		*(uint64_t *)v = (uint64_t)sqlite3_column_int64(st, at);
		return;
	default:
		*(uint8_t *)v = (uint8_t)sqlite3_column_int64(st, at);
	}
}

void columns_read(sqlite3_stmt *st, int first, const struct columns *cs, void *rec, struct buf *arena)
{
	for (unsigned i = 0; i < cs->n; i++)
		read_one(st, first + (int)i, cs->c[i].field, (char *)rec + cs->c[i].off, arena);
}

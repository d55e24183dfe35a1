/* Records as rows: names, types, binding and reading, by the descriptors. */
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "store_sqlite_query.h"

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

static bool is_listed(const char *const *list, const char *name)
{
	for (; *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

/*
 * A column costs about the same in every row, whether there is something in it or not, and most would be empty. So those fields
 * have one that flows and alerts are searched, sorted and added up by every day; of the others any can still be asked for.
 */
static bool is_rare(enum rtype type, const char *group, const struct column *c)
{
	static const char *const whole[] = { "alert", "flow_key", "note", NULL };
	static const char *const often[] = { "last", "client.packets", "server.packets", "client.bytes", "server.bytes", "app",
					     "app.category", "hostname", "client.local", "server.local", "client.country",
					     "server.country", NULL };
	static const char *const of_flows[] = { "part", "revision", "score", "verdict.state", NULL };
	const char *name = c->field->name;
	if ((type != R_ALERT && type != R_FLOW) || is_listed(whole, group))
		return false;
	return !(c->own_name && (is_listed(often, name) || (type == R_FLOW && (is_listed(of_flows, name) || sums_have(name)))));
}

void columns_init(struct columns *cs, enum rtype type, const char *const *skip)
{
	const struct rdesc *rd = rdesc_get(type);
	*cs = (struct columns){ .type = type };
	for (unsigned i = 0; i < rd->n_groups; i++) {
		const struct rgroup *g = &rd->groups[i];
		if (skip && is_listed(skip, g->name))
			continue;
		cs->c = xrealloc(cs->c, (cs->n + g->n_fields) * sizeof *cs->c);
		for (unsigned k = 0; k < g->n_fields; k++) {
			struct column *c = &cs->c[cs->n];
			*c = (struct column){ .field = &g->fields[k], .off = g->off + g->fields[k].off, .group = i,
					       .place = k };
			make_name(c, cs, g);
			c->rare = is_rare(type, g->name, c);
			cs->rare |= (unsigned)c->rare << i;
			cs->n++;
		}
	}
}

void columns_release(struct columns *cs)
{
	free(cs->c);
	*cs = (struct columns){ 0 };
}

void columns_own(struct columns *own, const struct columns *cs, unsigned n)
{
	*own = (struct columns){ .type = cs->type, .c = xcalloc(n, sizeof *own->c) };
	for (unsigned i = 0; i < n; i++)
		if (!cs->c[i].rare)
			own->c[own->n++] = cs->c[i];
}

bool columns_has(const struct columns *cs, unsigned i)
{
	return !cs->c[i].missing || (cs->c[i].rare && cs->rest);
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
	const char *comma = "";
	for (unsigned i = from; i < n; i++) {
		if (!cs->c[i].missing)
			buf_addf(out, "%s%s\"%s\"", comma, prefix, cs->c[i].name);
		else if (!columns_has(cs, i))
			buf_addf(out, "%sNULL", comma);
		else
			continue;
		comma = ",";
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

/* What a field's column has; room: for an id. */
static inline struct match_value value_of(const struct field *f, const void *v, const char *base, uint8_t room[static 16])
{
	const struct str *s = v;
	switch (f->type) {
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
		return (struct match_value){ .kind = MB_TEXT, .p = s->len ? base + s->off : "", .len = s->len };
	case FT_BIN:
		return (struct match_value){ .kind = MB_BLOB, .p = s->len ? base + s->off : "", .len = s->len };
	case FT_ADDR:
		return (struct match_value){ .kind = MB_BLOB, .p = v, .len = addr_is_set(v) ? 16 : 0 };
	case FT_MAC:
		return (struct match_value){ .kind = MB_BLOB, .p = v, .len = mac_is_set(v) ? 6 : 0 };
	case FT_ID:
		id_to_blob(*(const struct id *)v, room);
		return (struct match_value){ .kind = MB_BLOB, .p = room, .len = id_is_set(*(const struct id *)v) ? 16 : 0 };
	case FT_F64:
		return (struct match_value){ .kind = MB_REAL, .d = *(const double *)v };
	default:
		return (struct match_value){ .kind = MB_INT, .i = (int64_t)field_uint(f, v) };
	}
}

void value_bind(sqlite3_stmt *st, int at, const struct field *f, const void *v, const char *base)
{
	uint8_t room[16];
	struct match_value x = value_of(f, v, base, room);
	if (x.p == room)
		sqlite3_bind_blob(st, at, room, (int)x.len, SQLITE_TRANSIENT);
	else
		match_value_bind(st, at, &x);
}

void value_result(sqlite3_context *ctx, const struct field *f, const void *v, const char *base)
{
	uint8_t room[16];
	struct match_value x = value_of(f, v, base, room);
	if (x.kind == MB_INT)
		sqlite3_result_int64(ctx, x.i);
	else if (x.kind == MB_REAL)
		sqlite3_result_double(ctx, x.d);
	else if (x.kind == MB_TEXT)
		sqlite3_result_text(ctx, x.len ? x.p : "", (int)x.len, x.len ? SQLITE_TRANSIENT : SQLITE_STATIC);
	else
		sqlite3_result_blob(ctx, x.len ? x.p : "", (int)x.len, x.len ? SQLITE_TRANSIENT : SQLITE_STATIC);
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

/* Strings of a record that is unpacked refer to what it was packed in, so that has to be in the arena. */
static void read_rest(sqlite3_stmt *st, int at, const struct columns *cs, void *rec, struct buf *arena)
{
	const void *p = sqlite3_column_blob(st, at);
	int n = sqlite3_column_bytes(st, at);
	if (!n)
		return; /* a row from before there was 'rest' has all in columns */
	struct str s = str_put_raw(arena, p, (size_t)n);
	struct codec_reader r = { .base = arena->p, .pos = s.off, .len = s.off + s.len };
	codec_read_some(&r, cs->type, cs->rare, rec);
}

int columns_read(sqlite3_stmt *st, int first, const struct columns *cs, void *rec, struct buf *arena)
{
	for (unsigned i = 0; i < cs->n; i++)
		if (!cs->c[i].missing || !columns_has(cs, i))
			read_one(st, first++, cs->c[i].field, (char *)rec + cs->c[i].off, arena);
	if (cs->rest)
		read_rest(st, first++, cs, rec, arena);
	return first;
}

void columns_pack_rest(const struct columns *cs, const void *rec, const char *base, struct buf *out)
{
	const struct rdesc *rd = rdesc_get(cs->type);
	struct codec_part part[RECORD_MAX_GROUPS];
	for (unsigned g = 0; g < rd->n_groups; g++)
		part[g] = (struct codec_part){ .p = cs->rare >> g & 1 ? (const char *)rec + rd->groups[g].off : NULL, .base = base };
	codec_pack_parts(out, cs->type, part);
}

/* Fields that have no column of their own, in SQL: rest_field(rest, i) is what the column with number i would have. */
#include "codec.h"
#include "store_sqlite.h"

static void rest_field(sqlite3_context *ctx, int n, sqlite3_value **arg)
{
	const struct columns *cs = sqlite3_user_data(ctx);
	const struct column *c = &cs->c[sqlite3_value_int(arg[1])];
	struct codec_reader r = { .base = sqlite3_value_blob(arg[0]), .len = (size_t)sqlite3_value_bytes(arg[0]) };
	uint64_t value[2] = { 0 }; /* the largest are 16 bytes */
	(void)n;
	codec_read_field(&r, cs->type, c->group, c->place, value);
	value_result(ctx, c->field, value, r.base);
}

int columns_serve(sqlite3 *db, const struct columns *cs)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
	return sqlite3_create_function_v2(db, "rest_field", 2, flags, (void *)(uintptr_t)cs, rest_field, NULL, NULL, NULL);
}

void columns_expression(const struct columns *cs, unsigned i, const char *prefix, struct buf *out)
{
	const struct column *c = &cs->c[i];
	if (!c->rare || !cs->rest) {
		buf_addf(out, "%s\"%s\"", prefix, c->name);
		return;
	}
	if (!c->missing) /* rows from before there was 'rest' */
		buf_addf(out, "CASE WHEN %srest = x'' THEN %s\"%s\" ELSE ", prefix, prefix, c->name);
	buf_addf(out, "rest_field(%srest, %u)%s%s AS \"%s\"", prefix, i, c->missing ? "" : " END",
		 c->field->type == FT_STR || c->field->type == FT_LIST || c->field->type == FT_MAP ? " COLLATE NOCASE" : "", c->name);
}

/*
 * Any text as a condition, and as a list of columns: what is taken must be an expression of the match language, in which
 * nothing from outside is more than a value, and its columns must be told from any record.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apid/compat_sql.h"
#include "match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct r_flow rec;
	struct sql_query q;
	struct match_error e;
	struct buf text = { 0 }, out = { 0 };
	double n;
	buf_add(&text, data, size);
	const char *s = buf_cstr(&text);
	if (sql_parse(&q, &sql_flows, &(struct sql_clauses){ .where = s })) {
		struct match *m = match_parse(buf_cstr(&q.where), R_FLOW, &e);
		if (!m)
			abort();
		match_eval(m, &rec, "");
		match_free(m);
	}
	sql_release(&q);
	if (sql_parse(&q, &sql_flows, &(struct sql_clauses){ .select = s, .group = s, .order = s }))
		for (size_t i = 0; i < q.n_items; i++)
			if (q.items[i].column)
				sql_value(&q.items[i], &rec, "", &out, &n);
	sql_release(&q);
	buf_release(&text);
	buf_release(&out);
	return 0;
}

/* Any text as an expression: what is taken must print and parse back to the same, and never read out of bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct r_flow rec;
	struct match_error e;
	struct match_value values[64];
	struct buf text = { 0 }, again = { 0 }, sql = { 0 };
	bool exact;
	buf_add(&text, data, size);
	struct match *m = match_parse(buf_cstr(&text), R_FLOW, &e);
	if (m) {
		match_eval(m, &rec, "");
		match_sql(m, NULL, &sql, values, 64, &exact);
		buf_reset(&text);
		match_print(m, &text);
		struct match *n = match_parse(buf_cstr(&text), R_FLOW, &e);
		if (!n)
			abort();
		match_print(n, &again);
		if (text.len != again.len || memcmp(text.p ? text.p : "", again.p ? again.p : "", text.len) != 0)
			abort();
		match_free(n);
	}
	match_free(m);
	buf_release(&text);
	buf_release(&again);
	buf_release(&sql);
	return 0;
}

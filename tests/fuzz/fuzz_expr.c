/* Any text as an expression; what parses is evaluated over an empty record. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct r_flow flow;
	struct match_error e;
	char *text = malloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';
	struct expr *x = expr_parse(text, R_FLOW, &e);
	if (x)
		expr_eval(x, &flow, "");
	else if (e.column == 0 || !e.text[0])
		abort();
	expr_free(x);
	free(text);
	return 0;
}

/* Any text as a topology: what is taken must print and read back to the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "topo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf err = { 0 }, show = { 0 };
	struct topo *t = topo_parse("fuzz", (const char *)data, size, &err);
	if (t) {
		topo_show(t, &show);
		struct topo *u = topo_parse("shown", show.p, show.len, &err);
		if (!u || strcmp(t->hash, u->hash) != 0)
			abort();
		topo_free(u);
	} else if (err.len == 0) {
		abort(); /* refused without a word */
	}
	topo_free(t);
	buf_release(&err);
	buf_release(&show);
	return 0;
}

#include "flow.h"

#include <stdlib.h>

#include "buf.h"

const struct flow_extra flow_extra_none;

struct flow_extra *flow_extra(struct flow *f)
{
	if (!f->extra) {
		f->extra = xcalloc(1, sizeof *f->extra);
		f->extra->start = f->extra->updated = f->first;
	}
	return f->extra;
}

void flow_extra_free(struct flow *f)
{
	if (!f->extra)
		return;
	free(f->extra->rtp);
	free(f->extra);
	f->extra = NULL;
}

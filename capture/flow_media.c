#include "flow.h"

#include <stdlib.h>

#include "buf.h"

void flow_media_free(struct flow *f, uint32_t *measured)
{
	if (!f->extra || !f->extra->rtp)
		return;
	free(f->extra->rtp);
	f->extra->rtp = NULL;
	(*measured)--;
}

static struct rtp *begin(struct flow *f, const struct decoded *d, uint32_t *measured)
{
	if (*measured == FLOWTAB_MEDIA || !rtp_plausible(d->payload, d->payload_caplen))
		return NULL;
	(*measured)++;
	return flow_extra(f)->rtp = xcalloc(1, sizeof(struct rtp));
}

void flow_media_packet(struct flow *f, const struct decoded *d, unsigned dir, uint64_t time, uint32_t *measured)
{
	if (f->no_rtp || !d->payload || d->frag == FRAG_LATER)
		return;
	struct rtp *r = f->extra && f->extra->rtp ? f->extra->rtp : begin(f, d, measured);
	if (r && !rtp_packet(r, dir, d->payload, d->payload_caplen, time)) {
		flow_media_free(f, measured);
		f->no_rtp = true;
	}
}

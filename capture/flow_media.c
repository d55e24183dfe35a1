#include "flow.h"

#include <stdlib.h>

#include "buf.h"

void flow_media_free(struct flow *f, uint32_t *measured)
{
	if (!f->rtp)
		return;
	free(f->rtp);
	f->rtp = NULL;
	(*measured)--;
}

void flow_media_packet(struct flow *f, const struct decoded *d, unsigned dir, uint64_t time, uint32_t *measured)
{
	if (f->no_rtp || !d->payload || d->frag == FRAG_LATER)
		return;
	if (!f->rtp) {
		if (*measured == FLOWTAB_MEDIA || !rtp_plausible(d->payload, d->payload_caplen))
			return;
		f->rtp = xcalloc(1, sizeof *f->rtp);
		(*measured)++;
	}
	if (!rtp_packet(f->rtp, dir, d->payload, d->payload_caplen, time)) {
		flow_media_free(f, measured);
		f->no_rtp = true;
	}
}

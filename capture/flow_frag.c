#include "flow.h"

#include <stdlib.h>

#include "buf.h"
#include "hash.h"

#define WAYS   4
#define MAX_NS 30000000000ull /* RFC 791: reassembly is given up after 15 s or more */

struct fragment {
	struct addr src, dst;
	uint32_t id;
	uint8_t proto;
	uint16_t sport, dport;
	uint64_t time;
};

struct flow_frags {
	struct fragment slot[FLOWTAB_FRAGMENTS];
};

struct flow_frags *flow_frags_new(void)
{
	return xcalloc(1, sizeof(struct flow_frags));
}

size_t flow_frags_memory(void)
{
	return sizeof(struct flow_frags);
}

void flow_frags_free(struct flow_frags *t)
{
	free(t);
}

void flow_frags_reset(struct flow_frags *t)
{
	memset(t, 0, sizeof *t);
}

/* Unkeyed on purpose: which packet loses its slot must not depend on a seed. The table is small and only loses counts. */
static struct fragment *set_of(struct flow_frags *t, const struct decoded *d)
{
	struct {
		struct addr src, dst;
		uint32_t id, proto;
	} k = { d->src, d->dst, d->frag_id, d->proto };
	return &t->slot[hash_content(&k, sizeof k, 0) % (FLOWTAB_FRAGMENTS / WAYS) * WAYS];
}

static bool is_of(const struct fragment *g, const struct decoded *d, uint64_t time)
{
	return g->time && g->id == d->frag_id && g->proto == d->proto && addr_cmp(&g->src, &d->src) == 0 &&
	       addr_cmp(&g->dst, &d->dst) == 0 && (time <= g->time || time - g->time <= MAX_NS);
}

void flow_frags_put(struct flow_frags *t, const struct decoded *d, uint64_t time)
{
	struct fragment *set = set_of(t, d), *oldest = set;
	for (int i = 0; i < WAYS; i++) {
		if (is_of(&set[i], d, time)) {
			oldest = &set[i];
			break;
		}
		if (set[i].time < oldest->time)
			oldest = &set[i];
	}
	*oldest = (struct fragment){ d->src, d->dst, d->frag_id, d->proto, d->sport, d->dport, time ? time : 1 };
}

bool flow_frags_get(struct flow_frags *t, struct decoded *d, uint64_t time)
{
	struct fragment *set = set_of(t, d);
	for (int i = 0; i < WAYS; i++)
		if (is_of(&set[i], d, time)) {
			d->sport = set[i].sport;
			d->dport = set[i].dport;
			return true;
		}
	return false;
}

/* Records of flows: joins verdict and counters, runs the hook, tells the history. */
#include "engine_priv.h"

#include <stdlib.h>

#include "codec.h"
#include "id.h"

void flow_run_packed(struct flow_run *run)
{
	if (run->n_packed.len)
		return;
	run->packed_in = run->texts;
	run->key_packed = codec_pack_group(run->texts, R_FLOW, RG_flow_key, &run->f->key, run->e->names.p);
	run->n_packed = codec_pack_group(run->texts, R_FLOW, RG_flow_n, run->v.n, NULL);
}

void pack_flow(struct flow_run *run, struct buf *out)
{
	const struct g_flow_judge *judge = flow_run_judge(run);
	flow_run_packed(run);
	const char *packed = run->packed_in->p;
	const struct codec_part part[] = { { NULL, packed, run->key_packed }, { NULL, packed, run->n_packed },
					   { &run->app, run->v.app_base, run->app_packed }, { judge, run->texts->p } };
	codec_pack_parts(out, R_FLOW, part);
}

static void count_total(struct g_totals *t, uint64_t first, const struct g_flow_count *n)
{
	if (n->end_reason == END_ACTIVE)
		return;
	t->flows++;
	if (!t->first || first < t->first)
		t->first = first;
	if (n->last > t->last)
		t->last = n->last;
}

void emit_flow(struct engine *e, struct flow_run *run)
{
	count_total(&e->totals, run->f->key.first, run->v.n);
	run->f->revision++;
	buf_reset(&e->packed);
	pack_flow(run, &e->packed);
	e->ops.history(e->arg, e->packed.p, e->packed.len);
}

/* What the flow has not needed since its last record, and will when the batch is judged: by then it has come from memory. */
static inline __attribute__((always_inline)) void fetch_ahead(const struct openflow *f)
{
	const char *why = f->why;
	if (!why)
		return;
	__builtin_prefetch(why);
	__builtin_prefetch(why + 64);
	__builtin_prefetch(why + 128);
}

static struct openflow *open_flow(struct engine *e, const struct g_flow_key *key, const char *base)
{
	bool made;
	struct openflow *oldest = flow_oldest(e->flows);
	/* A flow that may have to make room must not have something to say yet. */
	if (oldest && oldest->waiting && flow_full(e->flows))
		batch_flush(e);
	struct openflow *f = flow_get(e->flows, key->id, &made);
	if (f->closing) {
		batch_flush(e);
		f = flow_get(e->flows, key->id, &made);
	}
	struct sensor *s = sensor_get(e, str_ptr(base, key->sensor), key->sensor.len);
	if (addr_cmp(&f->key.client, &key->client) != 0 || addr_cmp(&f->key.server, &key->server) != 0 || f->key.vlan != key->vlan)
		f->host[0] = f->host[1] = NULL;
	f->key = *key;
	f->key.sensor = s->str;
	if (made) {
		f->n.start = f->n.last = f->periodic = key->first;
	}
	if (!f->counted)
		count_flow(e, f);
	else
		fetch_ahead(f);
	flow_touch(e->flows, f);
	return f;
}

void engine_verdict(struct engine *e, const struct r_verdict *r, const char *base, const struct codec_places *at)
{
	struct str app = at->group[RG_verdict_app];
	struct batch_in in = { .base = base, .app_at = app, .app = &r->app };

	if (!id_is_set(r->key.id))
		return;
	struct openflow *f = open_flow(e, &r->key, base);
	free(f->app);
	f->app = xmalloc(app.len ? app.len : 1);
	memcpy(f->app, base + app.off, app.len);
	f->app_len = app.len;
	e->self.poisoned += r->app.state == VERDICT_CRASHED || r->app.state == VERDICT_TIMED_OUT;
	learn_verdict(e, f, r, base);
	/* What the flow had carried by then: an alert raised now says so. */
	if (r->n.client_packets + r->n.server_packets) {
		count_traffic(e, f, &r->n, &r->app, base);
		in.key = at->group[RG_verdict_key];
		in.n = at->group[RG_verdict_n];
	}
	batch_add(e, f, HOOK_DETECTED, &in);
	batch_put(e, BATCH_JUDGE);
}

void close_flow(struct engine *e, struct openflow *f)
{
	uncount_flow(e, f);
	rules_flow_end(e->rules, f->id);
	flow_remove(e->flows, f);
}

void engine_update(struct engine *e, const struct r_update *r, const char *base, const struct codec_places *at)
{
	struct batch_in in = { .base = base, .key = at->group[RG_update_key], .n = at->group[RG_update_n] };
	struct openflow *f = open_flow(e, &r->key, base);
	struct flow_run *run = batch_add(e, f, HOOK_PERIODIC, &in);
	bool due = r->n.last >= f->periodic + MINUTE;
	count_traffic(e, f, &r->n, &run->app, run->v.app_base);
	if (due)
		f->periodic = r->n.last;
	batch_put(e, due ? BATCH_JUDGE | BATCH_TELL : BATCH_TELL);
}

void engine_end(struct engine *e, const struct r_end *r, const char *base, const struct codec_places *at)
{
	struct batch_in in = { .base = base, .key = at->group[RG_end_key], .n = at->group[RG_end_n] };
	struct openflow *f = open_flow(e, &r->key, base);
	bool over = r->n.end_reason != END_TIMEOUT;
	struct flow_run *run = batch_add(e, f, over ? HOOK_END : HOOK_PERIODIC, &in);
	count_traffic(e, f, &r->n, &run->app, run->v.app_base);
	if (over)
		count_end(e, f, &run->app);
	batch_put(e, BATCH_JUDGE | BATCH_TELL | (over ? BATCH_OVER : 0));
}

void lose_flow(struct engine *e, struct openflow *f)
{
	struct flow_run run;
	f->n.end_reason = END_LOST;
	flow_run_init(e, &run, f, HOOK_END);
	emit_flow(e, &run);
	uncount_flow(e, f);
	rules_flow_end(e->rules, f->id);
}

void engine_lost(struct engine *e, const char *sensor)
{
	batch_flush(e);
	for (struct openflow *f = flow_oldest(e->flows), *next; f; f = next) {
		next = flow_newer(e->flows, f);
		if (!str_eq(e->names.p, f->key.sensor, sensor))
			continue;
		flow_will_change(e->flows, f);
		lose_flow(e, f);
		flow_remove(e->flows, f);
	}
}

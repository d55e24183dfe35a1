/* Records of flows: joins verdict and counters, runs the hook, tells the history. */
#include "engine_priv.h"

#include <stdlib.h>

#include "codec.h"
#include "id.h"

void pack_flow(struct engine *e, const struct flow_run *run, struct buf *out)
{
	struct g_flow_judge judge;
	e->arena.len = 0;
	fill_judge(e, run, &judge);
	const struct codec_part part[] = { { &run->f->key, e->names.p }, { &run->f->n, NULL },
					   { &run->verdict.app, run->v.app_base }, { &judge, e->arena.p } };
	codec_pack_parts(out, R_FLOW, part);
}

static void emit_flow(struct engine *e, struct flow_run *run)
{
	run->f->revision++;
	buf_reset(&e->packed);
	pack_flow(e, run, &e->packed);
	e->ops.history(e->arg, e->packed.p, e->packed.len);
}

static struct openflow *open_flow(struct engine *e, const struct g_flow_key *key, const char *base)
{
	bool made;
	struct openflow *f = flow_get(e->flows, key->id, &made);
	struct sensor *s = sensor_get(e, str_ptr(base, key->sensor), key->sensor.len);
	f->key = *key;
	f->key.sensor = s->str;
	if (made) {
		f->predominant = CONF_MAX_CHECKS;
		f->n.start = f->n.last = f->periodic = key->first;
	}
	if (!f->counted)
		count_flow(e, f);
	flow_touch(e->flows, f);
	return f;
}

void engine_verdict(struct engine *e, const struct r_verdict *r, const char *base, const char *raw, size_t raw_len)
{
	struct flow_run run;
	if (!id_is_set(r->key.id))
		return;
	struct openflow *f = open_flow(e, &r->key, base);
	free(f->verdict);
	f->verdict = xmalloc(raw_len);
	memcpy(f->verdict, raw, raw_len);
	f->verdict_len = (uint32_t)raw_len;
	learn_verdict(e, f, r, base);
	flow_run_init(e, &run, f, HOOK_DETECTED);
	run_flow_checks(&run);
}

static void close_flow(struct engine *e, struct openflow *f)
{
	uncount_flow(e, f);
	flow_remove(e->flows, f);
}

void engine_update(struct engine *e, const struct r_update *r, const char *base)
{
	struct flow_run run;
	struct openflow *f = open_flow(e, &r->key, base);
	flow_run_init(e, &run, f, HOOK_PERIODIC);
	count_traffic(e, f, &r->n, &run.verdict.app, run.v.app_base);
	if (r->n.last >= f->periodic + MINUTE) {
		f->periodic = r->n.last;
		run_flow_checks(&run);
	}
	emit_flow(e, &run);
}

void engine_end(struct engine *e, const struct r_end *r, const char *base)
{
	struct flow_run run;
	struct openflow *f = open_flow(e, &r->key, base);
	bool over = r->n.end_reason != END_TIMEOUT;
	flow_run_init(e, &run, f, over ? HOOK_END : HOOK_PERIODIC);
	count_traffic(e, f, &r->n, &run.verdict.app, run.v.app_base);
	if (over)
		count_end(e, f);
	run_flow_checks(&run);
	emit_flow(e, &run);
	if (over)
		close_flow(e, f);
}

void lose_flow(struct engine *e, struct openflow *f)
{
	struct flow_run run;
	f->n.end_reason = END_LOST;
	flow_run_init(e, &run, f, HOOK_END);
	emit_flow(e, &run);
	uncount_flow(e, f);
}

void engine_lost(struct engine *e, const char *sensor)
{
	for (struct openflow *f = flow_oldest(e->flows), *next; f; f = next) {
		next = flow_newer(e->flows, f);
		if (!str_eq(e->names.p, f->key.sensor, sensor))
			continue;
		flow_will_change(e->flows, f);
		lose_flow(e, f);
		flow_remove(e->flows, f);
	}
}

/*
 * Flows that wait to be judged. Lua checks run on many records at once, so a flow's checks run when a batch is full or when
 * time goes on. Both are properties of the records, never of the messages they came in: what comes out stays the same.
 */
#include "engine_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec.h"
#include "id.h"

#define TEXT_BYTES (1u << 20) /* of packed groups in a batch; what is larger is alone in its batch */

struct pending {
	struct flow_run run;    /* with the verdict as it was then */
	struct g_flow_count n;  /* the counters as they were then */
	unsigned hooks;         /* for Lua */
	bool judged, told, over;
	uint32_t first, last;   /* its findings, 1 = the first of all; 0 = none */
};

struct found {
	struct lua_finding f;
	uint32_t next;
};

struct batch {
	struct pending rows[LUA_ROWS];
	unsigned n, max;
	uint16_t shown[LUA_ROWS];    /* row of each that scripts see */
	struct buf packed, texts;    /* what the rows refer to; packed does not move while there are rows */
	struct found *found;
	uint32_t n_found, cap_found;
	struct buf alerts;           /* for the alert hook: length, record, length, record ... */
	unsigned n_alerts;
	bool telling;                /* alerts raised by the alert hook do not go to it again */
	struct {
		struct addr ip;
		uint16_t vlan;
	} about[LUA_ROWS];
};

struct batch *batch_new(const struct lua *lua)
{
	struct batch *b = xcalloc(1, sizeof *b);
	b->max = lua_has_any(lua, LUA_FLOWS) ? LUA_ROWS : 1;
	buf_reserve(&b->packed, TEXT_BYTES);
	return b;
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	buf_release(&b->packed);
	buf_release(&b->texts);
	buf_release(&b->alerts);
	free(b->found);
	free(b);
}

bool batch_empty(const struct batch *b)
{
	return b->n == 0 && b->n_alerts == 0;
}

/* -- adding -- */

/* The record's groups are packed as they would be packed again. */
static void keep_packed(struct batch *b, struct flow_run *run, const struct batch_in *in)
{
	run->packed_in = &b->packed;
	run->key_packed = str_put_raw(&b->packed, in->base + in->key.off, in->key.len);
	run->n_packed = str_put_raw(&b->packed, in->base + in->n.off, in->n.len);
}

struct flow_run *batch_add(struct engine *e, struct openflow *f, enum check_hook hook, const struct batch_in *in)
{
	struct batch *b = e->batch;
	size_t more = f->app_len + in->key.len + in->n.len, start;
	if (b->n && b->packed.len + more > b->packed.cap)
		batch_flush(e);
	struct pending *p = &b->rows[b->n];
	buf_reserve(&b->packed, more); /* may move it, if the record is alone */
	start = b->packed.len;
	buf_add(&b->packed, f->app, f->app_len);
	const char *copy = b->packed.p + start;
	if (in->app) {
		p->run.app = *in->app;
		p->run.app_packed = (struct str){ 0, f->app_len };
		codec_shift_group(R_VERDICT, RG_verdict_app, &p->run.app, in->app_at.off);
		flow_run_begin(e, &p->run, f, hook, copy);
	} else {
		flow_run_init_from(e, &p->run, f, hook, copy);
	}
	if (in->key.len && in->n.len)
		keep_packed(b, &p->run, in);
	p->hooks = 0;
	p->judged = p->told = p->over = false;
	p->first = p->last = 0;
	return &p->run;
}

static unsigned hooks_of(enum check_hook hook)
{
	return hook == HOOK_DETECTED ? 1u << LUA_DETECTED : hook == HOOK_PERIODIC ? 1u << LUA_PERIODIC : 1u << LUA_END;
}

void batch_put(struct engine *e, unsigned what)
{
	struct batch *b = e->batch;
	struct pending *p = &b->rows[b->n++];
	struct openflow *f = p->run.f;
	p->n = f->n;
	p->run.v.n = &p->n;
	p->judged = what & BATCH_JUDGE;
	p->told = what & BATCH_TELL;
	p->over = what & BATCH_OVER;
	if (p->judged)
		p->hooks = hooks_of(p->run.v.hook) | (f->started ? 0 : 1u << LUA_START);
	f->started |= p->judged;
	f->closing |= p->over;
	f->waiting++;
	if (b->n >= b->max)
		batch_flush(e);
}

/* -- findings -- */

static void on_found(void *arg, const struct lua_finding *f)
{
	struct engine *e = arg;
	struct batch *b = e->batch;
	if (f->about_host) {
		lua_event(e, &f->host, f->vlan, f);
		return;
	}
	if (b->n_found == b->cap_found) {
		b->cap_found = b->cap_found ? 2 * b->cap_found : 256;
		b->found = xrealloc(b->found, b->cap_found * sizeof *b->found);
	}
	struct pending *p = &b->rows[b->shown[f->row]];
	b->found[b->n_found++] = (struct found){ *f, 0 };
	if (p->last)
		b->found[p->last - 1].next = b->n_found;
	else
		p->first = b->n_found;
	p->last = b->n_found;
}

/* Hooks of flows that some script has. */
static unsigned hooks_in_use(const struct lua *lua)
{
	unsigned hooks = 0;
	for (unsigned h = LUA_START; h <= LUA_END; h++)
		hooks |= lua_has(lua, h) ? 1u << h : 0;
	return hooks;
}

/*
 * Scripts see each flow as it was when the record came, with the alerts it had when the batch began. Rows that no script looks at are
 * not shown.
 */
static void run_lua(struct engine *e)
{
	struct batch *b = e->batch;
	b->n_found = 0;
	if (b->max == 1)
		return;
	unsigned hooks = hooks_in_use(e->lua);
	for (unsigned i = 0; i < b->n; i++)
		if (b->rows[i].hooks & hooks)
			flow_run_judge(&b->rows[i].run);
	for (unsigned i = 0; i < b->n; i++) {
		struct pending *p = &b->rows[i];
		if (!(p->hooks & hooks))
			continue;
		if (p->run.f->waiting > 1) /* another row of the flow may find something before this one is judged */
			p->run.judged = false;
		const struct lua_part part[] = { { &p->run.f->key, e->names.p }, { &p->n, NULL },
						 { &p->run.app, p->run.v.app_base },
						 { &p->run.judge, b->texts.p } };
		b->shown[lua_add(e->lua, LUA_FLOWS, p->hooks, part)] = (uint16_t)i;
	}
	lua_run(e->lua, LUA_FLOWS, e->clock, on_found, e);
}

void batch_flush(struct engine *e)
{
	struct batch *b = e->batch;
	unsigned n = b->n;
	buf_reset(&b->texts);
	for (unsigned i = 0; i < n; i++)
		judge_ends(&b->rows[i].run, &b->texts);
	if (n)
		run_lua(e);
	for (unsigned i = 0; i < n; i++) {
		struct pending *p = &b->rows[i];
		struct openflow *f = p->run.f;
		if (p->judged)
			judge_native(&p->run);
		run_flow_policy(&p->run, !p->judged);
		for (uint32_t k = p->first; k; k = b->found[k - 1].next)
			judge_lua(&p->run, &b->found[k - 1].f);
		judge_end(&p->run);
		if (p->told)
			emit_flow(e, &p->run);
		f->waiting--;
		if (p->over)
			close_flow(e, f);
	}
	b->n = 0;
	buf_reset(&b->packed);
	batch_alerts(e);
}

/* -- the alert hook -- */

void batch_alert(struct engine *e, const char *rec, size_t len)
{
	struct batch *b = e->batch;
	uint32_t n = (uint32_t)len;
	if (b->telling || !lua_has(e->lua, LUA_ALERT))
		return;
	buf_add(&b->alerts, &n, sizeof n);
	buf_add(&b->alerts, rec, len);
	b->n_alerts++;
}

static void on_alert_found(void *arg, const struct lua_finding *f)
{
	struct engine *e = arg;
	struct batch *b = e->batch;
	if (f->about_host)
		lua_event(e, &f->host, f->vlan, f);
	else
		lua_event(e, &b->about[f->row].ip, b->about[f->row].vlan, f);
}

/* Whom an alert is about: the attacker, else the client, else the host. */
static void who(struct batch *b, unsigned row, const struct r_alert *a)
{
	b->about[row].ip = addr_is_set(&a->alert.attacker) ? a->alert.attacker
			   : addr_is_set(&a->flow.client)  ? a->flow.client
							   : a->host.ip;
	b->about[row].vlan = a->host.vlan ? a->host.vlan : a->flow.vlan;
}

void batch_alerts(struct engine *e)
{
	static struct r_alert a;
	struct batch *b = e->batch;
	if (!b->n_alerts)
		return;
	b->telling = true;
	for (size_t at = 0; at < b->alerts.len;) {
		uint32_t n;
		memcpy(&n, b->alerts.p + at, sizeof n);
		struct codec_reader r = { .base = b->alerts.p + at + sizeof n, .len = n };
		at += sizeof n + n;
		if (codec_read(&r, &a) != 1)
			continue;
		const struct lua_part part[] = { { &a.alert, r.base },    { &a.flow, r.base },       { &a.flow_n, r.base },
						 { &a.flow_app, r.base }, { &a.flow_judge, r.base }, { &a.host, r.base },
						 { &a.note, r.base } };
		unsigned row = lua_add(e->lua, LUA_ALERTS, 1u << LUA_ALERT, part);
		who(b, row, &a);
		if (row == LUA_ROWS - 1)
			lua_run(e->lua, LUA_ALERTS, e->clock, on_alert_found, e);
	}
	lua_run(e->lua, LUA_ALERTS, e->clock, on_alert_found, e);
	b->telling = false;
	buf_reset(&b->alerts);
	b->n_alerts = 0;
}

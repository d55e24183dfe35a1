/*
 * The check engine: flow records in, alerts and history out. Joins verdicts and counters to flows, flows to hosts, runs the
 * checks at their hooks, engages and releases alerts. Pure: time is that of the records, output depends on input only.
 */
#ifndef WEIR_ENGINE_H
#define WEIR_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "codec.h"
#include "conf.h"
#include "luacheck.h"
#include "metrics.h"
#include "record.h"
#include "topo.h"

struct engine;

/* Records of the stream of alerts, and of the history. rec is packed. */
struct engine_ops {
	void (*alert)(void *arg, const char *rec, size_t len);
	void (*history)(void *arg, const char *rec, size_t len);
	const struct lua_guard *guard; /* who keeps watch over scripts, NULL = nobody */
};

struct engine *engine_new(const struct topo *t, const struct engine_ops *ops, void *arg);
void engine_free(struct engine *e);
/* Goes into alert ids: the same alerts of the same run have the same ids. */
void engine_set_epoch(struct engine *e, uint64_t epoch);
/* Hash of all that shapes alerts: checks, parameters, Lua scripts. */
uint64_t engine_conf_hash(const struct engine *e);

/* at: where in base the groups of the record are packed. */
void engine_verdict(struct engine *e, const struct r_verdict *r, const char *base, const struct codec_places *at);
void engine_update(struct engine *e, const struct r_update *r, const char *base, const struct codec_places *at);
void engine_end(struct engine *e, const struct r_end *r, const char *base, const struct codec_places *at);
/* Time goes on; minute checks run when a minute is full. */
void engine_tick(struct engine *e, const struct r_tick *r, const char *base);
void engine_gap(struct engine *e, const struct r_gap *r, const char *base);
void engine_arp(struct engine *e, const struct r_arp *r, const char *base);
/*
 * What a process of weir tells of itself, in the last minute; only when the input is live, where nothing depends on a replay
 * that gives the same. The largest of all processes is what the checks look at.
 */
struct engine_health {
	enum { HEALTH_SILENT, HEALTH_FULL, HEALTH_FAILING, HEALTH_DROPPED } kind;
	const char *process;
	double value;
};
void engine_health(struct engine *e, const struct engine_health *h);
void engine_config(struct engine *e, const struct r_config *r, const char *base);
/* A sensor began a new run, or lost its flows: they end here as lost. */
void engine_lost(struct engine *e, const char *sensor);
/* The input is over: last minute run, engaged alerts end, all hosts are told. */
void engine_finish(struct engine *e);
/* All flows or hosts as records, from *cursor on, into out until it is full; *cursor becomes 0 at the end. */
uint32_t engine_snapshot(struct engine *e, bool hosts, uint64_t *cursor, struct buf *out);
/* Packs a CHECK record for each script and kind of thing that it looks at; how many. */
uint32_t engine_scripts(const struct engine *e, struct buf *out);
/*
 * A copy of the whole state, as bytes in pieces. May begin only when engine_is_idle. The small things are copied at once, into
 * out; hosts and flows follow by calls of engine_copy_step, n or so at a time, until it returns false. Meanwhile the engine
 * goes on: what is about to change is copied before it does.
 */
bool engine_is_idle(const struct engine *e);
void engine_copy_begin(struct engine *e, struct buf *out);
bool engine_copy_step(struct engine *e, unsigned n, struct buf *out);
/*
 * Into an engine that is new, piece by piece (pieces as they were made), then the end. False: it is not sound or not whole,
 * and the engine is good for nothing but engine_free. Checks are found by their keys; the configuration may be another one.
 */
bool engine_load(struct engine *e, const char *p, size_t len);
bool engine_load_end(struct engine *e);
/* What was told so far: complete after engine_finish. Texts are put into base. */
struct g_totals engine_totals(const struct engine *e, struct buf *base);
uint64_t engine_clock(const struct engine *e);
void engine_metrics(struct engine *e, struct metrics *m);

#endif

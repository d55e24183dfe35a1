/* What the tests of Lua checks share: scripts in a directory of their own, rows made here, findings collected. */
#ifndef WEIR_LUA_COMMON_H
#define WEIR_LUA_COMMON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checks/luacheck.h"
#include "codec.h"
#include "record.h"
#include "scratch.h"

#define S 1000000000ull

struct bench {
	char dir[SCRATCH];
	struct topo *topo;
	struct lua *lua;
	struct buf said; /* 'row key score message|values' lines */
	unsigned n;
	const char *more; /* another directory of scripts */
	const struct lua_guard *guard;
};

static inline void bench_script(struct bench *b, const char *name, const char *text)
{
	if (!*b->dir)
		assert_non_null(scratch(b->dir, "lua"));
	char *path = xasprintf("%s/%s.lua", b->dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(path);
}

/* checks: what stands in the topology's section of that name. */
static inline void bench_start(struct bench *b, const char *checks)
{
	struct buf err = { 0 }, text = { 0 };
	buf_addf(&text, "sensors: {s: {file: x}}\nlua: {paths: [%s%s%s]}\nchecks: {%s}\ntimezone: UTC\n", b->dir,
		 b->more ? ", " : "", b->more ? b->more : "", checks);
	b->topo = topo_parse("t", text.p, text.len, &err);
	if (!b->topo)
		fail_msg("%s", buf_cstr(&err));
	buf_release(&err);
	buf_release(&text);
	b->lua = lua_new(b->topo, b->guard);
}

/* Without those that come with weir. */
#define BENCH_ALONE "tls_to_unusual_port: {enabled: no}, upload_heavy_host: {enabled: no}"

static inline int bench_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void bench_end(struct bench *b)
{
	lua_free(b->lua);
	topo_free(b->topo);
	if (*b->dir)
		nftw(b->dir, bench_remove, 8, FTW_DEPTH | FTW_PHYS);
	buf_release(&b->said);
	*b = (struct bench){ 0 };
}

static inline void bench_found(void *arg, const struct lua_finding *f)
{
	struct bench *b = arg;
	char ip[ADDR_STRLEN];
	b->n++;
	if (f->said != LUA_FIRED)
		buf_addf(&b->said, "%u %s %s", f->row, f->def->key, f->said == LUA_RESET ? "reset" : "skip");
	else
		buf_addf(&b->said, "%u %s %u %s", f->row, f->def->key, f->def->score, f->message);
	if (*f->values)
		buf_addf(&b->said, "|%s", f->values);
	if (f->about_host)
		buf_addf(&b->said, "|%s@%u", addr_str(&f->host, ip), f->vlan);
	buf_addc(&b->said, '\n');
}

/* Strings of a record made here. */
static inline struct str text_of(struct buf *arena, const char *s)
{
	struct str r = { (uint32_t)arena->len, (uint32_t)strlen(s) };
	buf_adds(arena, s);
	return r;
}

static inline void bench_flow(struct bench *b, unsigned hooks, const struct r_flow *f, const struct buf *arena)
{
	const char *base = arena ? arena->p : NULL;
	const struct lua_part part[] = { { &f->key, base }, { &f->n, base }, { &f->app, base }, { &f->judge, base } };
	lua_add(b->lua, LUA_FLOWS, hooks, part);
}

static inline void bench_host(struct bench *b, unsigned hooks, const struct r_host *h, const struct buf *arena)
{
	lua_add(b->lua, LUA_HOSTS, hooks, &(struct lua_part){ &h->host, arena ? arena->p : NULL });
}

static inline const char *bench_run(struct bench *b, enum lua_set set, uint64_t clock)
{
	buf_reset(&b->said);
	b->n = 0;
	lua_run(b->lua, set, clock, bench_found, b);
	return buf_cstr(&b->said);
}

static inline void bench_metrics(void *arg, struct metrics *m)
{
	lua_metrics(((struct bench *)arg)->lua, m);
}

static inline double bench_metric(struct bench *b, const char *name, const char *label)
{
	struct metrics *m = metrics_new("t");
	struct buf out = { 0 };
	double v = -1;
	metrics_source(m, bench_metrics, b);
	metrics_pack(m, &out);
	struct codec_reader r = { .base = out.p, .len = out.len };
	struct r_metric rec;
	while (codec_read(&r, &rec) == 1)
		if (str_eq(out.p, rec.metric.name, name) && (!label || str_eq(out.p, rec.metric.label, label)))
			v = rec.metric.value;
	buf_release(&out);
	metrics_free(m);
	return v;
}

#endif

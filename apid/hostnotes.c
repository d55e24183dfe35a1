#include "hostnotes.h"

#include <stdlib.h>

#include "apid.h"
#include "codec.h"

#define ASK_MS    5000
#define MAX_NOTED 4096 /* more than alertd keeps */

struct load {
	struct apid *k;
	void (*done)(void *arg, bool good);
	void *arg;
};

struct noted {
	struct r_host h;
	struct buf arena;
};

static void add_texts(void *arg, const void *rec, const char *base)
{
	struct noted *n = arg;
	const struct g_host *said = &((const struct r_host *)rec)->host;
	n->h.host.alias = str_put_raw(&n->arena, str_ptr(base, said->alias), said->alias.len);
	n->h.host.notes = str_put_raw(&n->arena, str_ptr(base, said->notes), said->notes.len);
}

void hostnotes_put(struct apid *k, const char *raw, size_t len, bool old)
{
	static struct noted n;
	static struct buf packed;
	buf_reset(&n.arena);
	buf_add(&n.arena, raw, len);
	struct codec_reader r = { .base = n.arena.p, .len = len };
	if (codec_read(&r, &n.h) != 1)
		return;
	n.h.host.alias = n.h.host.notes = (struct str){ 0, 0 };
	if (k->noted)
		live_find(k->noted, &n.h, add_texts, &n);
	buf_reset(&packed);
	codec_pack(&packed, R_HOST, &n.h, n.arena.p);
	(old ? live_put_old : live_put)(k->hosts, &n.h, n.arena.p, packed.p, packed.len);
}

static void pack(void *arg, const void *rec, const char *base)
{
	codec_pack(arg, R_HOST, rec, base);
}

/* What is said of this host is no longer what it was. */
static bool renew(void *arg, const void *rec, const char *base)
{
	struct apid *k = arg;
	struct buf raw = { 0 };
	(void)base;
	if (live_find(k->hosts, rec, pack, &raw))
		hostnotes_put(k, raw.p, raw.len, false);
	buf_release(&raw);
	return true;
}

static void take(struct apid *k, uint32_t count, struct codec_reader *r)
{
	struct live *before = k->noted;
	struct buf alone = { 0 };
	struct r_host h;
	k->noted = live_new(R_HOST, MAX_NOTED);
	for (uint32_t i = 0; i < count && codec_peek(r) == R_HOST && codec_read(r, &h) == 1; i++) {
		buf_reset(&alone);
		pack(&alone, &h, r->base);
		live_put(k->noted, &h, r->base, alone.p, alone.len);
	}
	buf_release(&alone);
	if (before)
		live_each(before, NULL, renew, k);
	live_each(k->noted, NULL, renew, k);
	live_free(before);
}

static void on_hosts(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	struct load *l = arg;
	bool good = a && a->status == 200;
	l->k->asked--;
	if (good)
		take(l->k, a->count, r);
	if (l->done)
		l->done(l->arg, good);
	free(l);
}

void hostnotes_load(struct apid *k, void (*done)(void *arg, bool good), void *arg)
{
	struct buf strs = { 0 };
	struct r_query q = { .query.what = str_put_raw(&strs, "hosts", 5) };
	struct load *l = xmalloc(sizeof *l);
	*l = (struct load){ k, done, arg };
	k->asked++;
	if (link_ask(k->c->loop, k->query_url, R_QUERY, &q, strs.p, ASK_MS, on_hosts, l) < 0)
		on_hosts(l, NULL, NULL);
	buf_release(&strs);
}

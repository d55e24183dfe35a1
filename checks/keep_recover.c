/* The newest snapshot that is whole, then the segments of the journal from its number on. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "keep_priv.h"

#define MAX_TOPOS 16 /* configurations one recovery goes through */

struct recovery {
	struct keep *k;
	struct pipeline *p;
	uint64_t conf;                  /* what p's engine has now */
	struct topo *topos[MAX_TOPOS];  /* read for it; the last may still be in use */
	unsigned n_topos;
	uint64_t entries;               /* of the segment at hand */
	bool first;                     /* the next piece of a snapshot is that of the pipeline */
};

/* The topology of that hash: ours, or the copy that was made when it was in force. */
static const struct topo *topo_of(struct recovery *r, uint64_t conf)
{
	struct buf err = { 0 };
	if (conf == r->k->conf)
		return r->k->topo;
	char *path = keep_conf_path(r->k, conf);
	struct topo *t = r->n_topos < MAX_TOPOS ? topo_load(path, &err) : NULL;
	if (t)
		r->topos[r->n_topos++] = t;
	else
		log_warn("%s, the configuration that was in force, cannot be read: going on under the one of today", path);
	buf_release(&err);
	free(path);
	return t ? t : r->k->topo;
}

static bool load_piece(void *arg, const char *bytes, size_t len)
{
	struct recovery *r = arg;
	bool first = r->first;
	r->first = false;
	return first ? pipeline_load(r->p, bytes, len) : engine_load(r->p->engine, bytes, len);
}

static bool replay_entry(void *arg, const struct journal_entry *e)
{
	struct recovery *r = arg;
	r->entries++;
	if (e->kind == JR_LANES && e->base != r->conf) {
		if (!pipeline_switch(r->p, topo_of(r, e->base)))
			return false;
		r->conf = e->base;
	}
	return pipeline_apply(r->p, e);
}

/* From a snapshot, or from the beginning if number is 0 and there is none. NULL, or why not. */
static const char *load_snapshot(struct recovery *r, uint64_t number, bool from_file)
{
	uint64_t conf = r->k->conf;
	const char *why = NULL;
	r->first = true;
	if (from_file) {
		/* The first reading tells the configuration; pieces are read into an engine of it. */
		why = snapshot_read(r->k->dir, number, &conf, NULL, NULL);
		if (why)
			return why;
	}
	r->conf = conf;
	pipeline_reset(r->p, topo_of(r, conf));
	if (from_file)
		why = snapshot_read(r->k->dir, number, &conf, load_piece, r);
	if (from_file && !why && !engine_load_end(r->p->engine))
		why = "it is not whole";
	return why;
}

/* Where reading the segments ended. */
struct reach {
	bool any, refused; /* any: the first is there */
	uint64_t last, len;
};

/* Segments from number on. */
static struct reach replay(struct recovery *r, uint64_t number)
{
	struct reach at = { 0 };
	for (uint64_t n = number;; n++) {
		uint64_t len;
		r->entries = 0;
		enum journal_end end = journal_read(r->k->dir, n, replay_entry, r, &len);
		if (end == JOURNAL_MISSING)
			return at;
		if (end == JOURNAL_OTHER) {
			log_error("%s/journal.%" PRIu64 " is of a version of weir that this one does not know", r->k->dir, n);
			at.refused = true;
			return at;
		}
		at = (struct reach){ .any = true, .last = n, .len = r->entries ? len : 0 };
		if (end == JOURNAL_WHOLE)
			continue;
		log_warn("%s/journal.%" PRIu64 ": cut off behind byte %" PRIu64 ": %s", r->k->dir, n, len,
			 end == JOURNAL_TORN ? "the entry there was not finished, or is damaged" : "the entry there makes no sense");
		return at;
	}
}

static void free_topos(struct recovery *r)
{
	for (unsigned i = 0; i < r->n_topos; i++)
		topo_free(r->topos[i]);
}

/* What an earlier life has written may not be on the disk yet. */
static void sync_segments(const struct keep *k)
{
	uint64_t numbers[KEEP_MAX_FILES];
	size_t n = keep_list(k, KEEP_JOURNAL, numbers);
	for (size_t i = 0; i < n; i++) {
		char *path = journal_path(k->dir, numbers[i]);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0) {
			snapshot_sync(k->snapshots, fd);
			close(fd);
		}
		free(path);
	}
}

/* Goes on behind what was read. Under another configuration, or behind nothing, in a segment of its own. */
static void go_on(struct keep *k, const struct recovery *r, const struct reach *at, uint64_t from)
{
	uint64_t later[KEEP_MAX_FILES];
	size_t n = keep_list(k, KEEP_JOURNAL, later);
	for (size_t i = 0; i < n && at->any && later[i] > at->last; i++) { /* behind a cut nothing counts */
		char *path = journal_path(k->dir, later[i]);
		unlink(path);
		free(path);
	}
	sync_segments(k);
	if (at->len && r->conf == k->conf && journal_resume(k->journal, at->last, at->len) == 0) {
		keep_count_older(k);
		return;
	}
	keep_begin_segment(k, r->p, at->any ? at->last + (at->len != 0) : from);
}

/* A snapshot that is damaged is put aside: it must not count as one of the two that are kept. */
static void put_aside(const struct keep *k, uint64_t number)
{
	char *path = snapshot_path(k->dir, number), *bad = xasprintf("%s/damaged.snapshot", k->dir);
	if (rename(path, bad) < 0)
		log_warn("%s: %s", path, strerror(errno));
	free(path);
	free(bad);
}

bool keep_recover(struct keep *k, struct pipeline *p)
{
	uint64_t snaps[KEEP_MAX_FILES], from = 0;
	size_t n = keep_list(k, KEEP_SNAPSHOT, snaps);
	struct recovery r = { .k = k, .p = p };
	struct reach at = { 0 };
	bool good = false;
	keep_remove_below(k, 0);
	for (size_t i = 0; i <= n && !good && !at.refused; i++) {
		from = i < n ? snaps[i] : 0;
		const char *why = load_snapshot(&r, from, i < n);
		if (why)
			log_error("%s/snapshot.%" PRIu64 " is not used: %s", k->dir, from, why);
		if (why == snapshot_other_version)
			at.refused = true;
		else if (why)
			put_aside(k, from);
		else
			at = replay(&r, from);
		good = !why && !at.refused && (at.any || i < n);
	}
	if (at.refused) {
		log_error("start the version that wrote it, or remove %s: then hosts, open flows and engaged alerts are forgotten",
			  k->dir);
		free_topos(&r);
		return false;
	}
	if (!good && n)
		log_error("nothing in %s can be used: hosts, open flows and engaged alerts are forgotten", k->dir);
	if (good && r.conf != k->conf && pipeline_switch(p, k->topo))
		log_info("the configuration has changed: going on under the new one");
	if (good)
		go_on(k, &r, &at, from);
	else
		keep_forget(k, p);
	free_topos(&r);
	k->recovered_records = good ? p->records : 0;
	return true;
}

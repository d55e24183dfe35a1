#include "keep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "keep_priv.h"

#define PIECE_BYTES   (1u << 20)
#define STEP          4000         /* hosts and flows copied at a time: some 6 ms */
#define WAITING_MAX   (64u << 20)  /* copied and not yet written: then copying waits */
#define SHARE         2            /* the journal grows to this part of the snapshot before the next one */
#define PAUSE_NS      100000000ull /* at least between snapshots */
#define PAUSE_MAX_NS  10000000000ull /* the same when they fail again and again */
#define BOUND_SHARE   4            /* a snapshot is due at this part of the journal's bound: two of them have to fit */

struct keep *keep_new(const struct topo *t)
{
	struct keep *k = xcalloc(1, sizeof *k);
	k->topo = t;
	k->pause = PAUSE_NS;
	k->claim = -1;
	k->dir = xasprintf("%s/checks", t->state);
	k->conf_dir = xasprintf("%s/config", t->state);
	k->conf = strtoull(t->hash, NULL, 16);
	if ((mkdir(k->dir, 0750) < 0 && errno != EEXIST) || (mkdir(k->conf_dir, 0750) < 0 && errno != EEXIST)) {
		log_error("%s: %s", t->state, strerror(errno));
		keep_free(k);
		return NULL;
	}
	k->claim = io_claim_dir(k->dir);
	if (k->claim < 0 && errno == EWOULDBLOCK) {
		log_error("%s: another weir is using this directory", k->dir);
		keep_free(k);
		return NULL;
	}
	keep_conf_write(k);
	k->journal = journal_new(k->dir);
	k->snapshots = snapshots_new(k->dir);
	return k;
}

void keep_free(struct keep *k)
{
	if (!k)
		return;
	journal_free(k->journal);
	snapshots_free(k->snapshots);
	if (k->claim >= 0)
		close(k->claim);
	buf_release(&k->waiting);
	buf_release(&k->piece);
	free(k->dir);
	free(k->conf_dir);
	free(k);
}

void keep_forget(struct keep *k, struct pipeline *p)
{
	keep_remove_below(k, UINT64_MAX);
	pipeline_reset(p, k->topo);
	keep_begin_segment(k, p, 0);
}

/* -- the journal -- */

static void set_trouble(struct keep *k, const char *what, int error)
{
	char text[sizeof k->trouble];
	snprintf(text, sizeof text, "%s: %s", what, strerror(error));
	if (strcmp(text, k->trouble) != 0) /* said once, not at each try */
		log_limited(&k->limit, "%s/%s; nothing is lost, trying again", k->dir, text);
	memcpy(k->trouble, text, sizeof text);
	k->failed++;
}

static bool append(struct keep *k, const struct pipeline *p, struct journal_entry *e)
{
	e->durable[0] = stream_durable(p->alerts.stream);
	e->durable[1] = stream_durable(p->history.stream);
	if (journal_fd(k->journal) < 0)
		errno = EBADF;
	else if (journal_append(k->journal, e) == 0) {
		k->bytes += e->len;
		*k->trouble = '\0';
		return true;
	}
	set_trouble(k, "journal", errno);
	return false;
}

/* A segment counts when it names its lanes. */
void keep_begin_segment(struct keep *k, const struct pipeline *p, uint64_t number)
{
	struct buf names = { 0 };
	for (size_t i = 0; i < p->n_positions; i++)
		buf_addf(&names, "%s%s", i ? "\n" : "", p->positions[i].sensor);
	struct journal_entry e = { .kind = JR_LANES, .base = k->conf, .body = names.p, .len = (uint32_t)names.len };
	/* Until there is a snapshot the end of the last segment is needed as much as this one. */
	if (!k->unnamed && journal_fd(k->journal) >= 0)
		snapshot_sync(k->snapshots, journal_fd(k->journal));
	k->next = number;
	k->unnamed = true;
	if (journal_start(k->journal, number) < 0)
		set_trouble(k, "journal", errno);
	else
		k->unnamed = !append(k, p, &e);
	keep_count_older(k);
	buf_release(&names);
}

bool keep_ready(struct keep *k, const struct pipeline *p)
{
	if (k->unnamed)
		keep_begin_segment(k, p, k->next);
	if (k->unnamed)
		return false;
	if (k->has_waiting) {
		k->waits.body = k->waiting.p;
		if (!append(k, p, &k->waits))
			return false;
		k->has_waiting = false;
		buf_release(&k->waiting);
	}
	return true;
}

bool keep_entry(struct keep *k, const struct pipeline *p, const struct journal_entry *e)
{
	struct journal_entry copy = *e;
	if (!k->unnamed && !k->has_waiting && append(k, p, &copy))
		return true;
	/* Callers stop after the first, so there is never a second one. */
	buf_reset(&k->waiting);
	buf_add(&k->waiting, e->body, e->len);
	k->waits = copy;
	k->has_waiting = true;
	return false;
}

const char *keep_trouble(const struct keep *k)
{
	return *k->trouble ? k->trouble : NULL;
}

/* -- snapshots -- */

static uint64_t held(const struct keep *k)
{
	return k->older + journal_bytes(k->journal);
}

/* Bytes of the segment that make a snapshot due. */
static uint64_t due_at(const struct keep *k)
{
	uint64_t max = k->topo->checks.journal_max, limit = k->topo->checks.journal_bytes;
	if (limit < k->last_size / SHARE)
		limit = k->last_size / SHARE;
	return held(k) >= max ? 0 : limit < max / BOUND_SHARE ? limit : max / BOUND_SHARE;
}

bool keep_is_full(const struct keep *k, const struct pipeline *p)
{
	return held(k) >= k->topo->checks.journal_max && (k->under_way || engine_is_idle(p->engine));
}

bool keep_is_due(const struct keep *k, const struct pipeline *p)
{
	return journal_bytes(k->journal) > due_at(k) && !k->under_way && k->now - k->last_done > k->pause && p->has_epoch && !p->finished &&
	       !p->alerts.overflow.len && !p->history.overflow.len && !k->has_waiting && !k->unnamed;
}

static void begin_snapshot(struct keep *k, struct pipeline *p, uint64_t now)
{
	struct buf first = { 0 };
	k->number = journal_number(k->journal) + 1;
	k->last_done = now;
	keep_begin_segment(k, p, k->number);
	if (k->unnamed)
		return; /* no room for a file: what is there is not touched */
	k->heads[0] = stream_head(p->alerts.stream);
	k->heads[1] = stream_head(p->history.stream);
	snapshot_begin(k->snapshots, k->number, k->conf);
	pipeline_save(p, &first);
	snapshot_put(k->snapshots, &first);
	engine_copy_begin(p->engine, &k->piece);
	k->copying = k->under_way = true;
}

static void copy_on(struct keep *k, struct pipeline *p)
{
	bool more = engine_copy_step(p->engine, STEP, &k->piece);
	if (more && k->piece.len < PIECE_BYTES)
		return;
	snapshot_put(k->snapshots, &k->piece);
	if (more)
		return;
	k->copying = false;
	snapshot_end(k->snapshots);
}

static bool is_stored(const struct keep *k, const struct pipeline *p)
{
	return stream_durable(p->alerts.stream) >= k->heads[0] && stream_durable(p->history.stream) >= k->heads[1];
}

/* The newest and the one before it stay, with the journal from the older one on. */
static void tidy(struct keep *k)
{
	uint64_t snaps[KEEP_MAX_FILES];
	size_t n = keep_list(k, KEEP_SNAPSHOT, snaps);
	if (n > 1)
		keep_remove_below(k, snaps[1]);
	keep_count_older(k);
}

static void settle(struct keep *k, uint64_t now, bool kept)
{
	int error = snapshot_done(k->snapshots);
	if (kept) {
		k->taken++;
		k->pause = PAUSE_NS;
		k->last_size = snapshot_size(k->snapshots);
		tidy(k);
	} else {
		k->failed++;
		k->pause = 2 * k->pause < PAUSE_MAX_NS ? 2 * k->pause : PAUSE_MAX_NS;
		log_limited(&k->limit, "%s/snapshot.%" PRIu64 ": %s; the journal goes on", k->dir, k->number, strerror(error));
	}
	k->last_done = now;
	k->under_way = false;
}

static void sync_now_and_then(struct keep *k, uint64_t now)
{
	int error = snapshot_sync_error(k->snapshots);
	if (error) {
		k->failed++;
		log_limited(&k->limit, "%s: sync of the journal: %s", k->dir, strerror(error));
	}
	if (now - k->last_sync < k->topo->checks.journal_sync || k->synced_bytes == k->bytes || journal_fd(k->journal) < 0 ||
	    snapshot_is_syncing(k->snapshots))
		return;
	k->last_sync = now;
	k->synced_bytes = k->bytes;
	snapshot_sync(k->snapshots, journal_fd(k->journal));
}

/* Said and counted once each time. */
static void note_full(struct keep *k, const struct pipeline *p)
{
	bool full = keep_is_full(k, p);
	if (full && !k->was_full) {
		k->full++;
		log_limited(&k->limit, "%s: the journal has reached recovery.journal_max: nothing is taken in until a snapshot has made room",
			    k->dir);
	}
	k->was_full = full;
}

bool keep_work(struct keep *k, struct pipeline *p, uint64_t now)
{
	k->now = now;
	note_full(k, p);
	sync_now_and_then(k, now);
	switch (snapshot_state(k->snapshots)) {
	case SNAPSHOT_NONE:
		if (keep_is_due(k, p) && engine_is_idle(p->engine))
			begin_snapshot(k, p, now);
		break;
	case SNAPSHOT_WRITTEN:
		if (is_stored(k, p))
			snapshot_keep(k->snapshots);
		break;
	case SNAPSHOT_KEPT:
	case SNAPSHOT_FAILED:
		if (!k->copying)
			settle(k, now, snapshot_state(k->snapshots) == SNAPSHOT_KEPT);
		break;
	case SNAPSHOT_WRITING:
	case SNAPSHOT_KEEPING:
		break;
	}
	if (k->copying && snapshot_waiting(k->snapshots) < WAITING_MAX)
		copy_on(k, p);
	return k->copying && snapshot_waiting(k->snapshots) < WAITING_MAX;
}

void keep_metrics(struct keep *k, struct metrics *m)
{
	metrics_put(m, "journal", NULL, "bytes", true, (double)k->bytes);
	metrics_put(m, "journal_segment", NULL, "bytes", false, (double)journal_bytes(k->journal));
	metrics_put(m, "journal_held", NULL, "bytes", false, (double)held(k));
	metrics_bound(m, "journal_max", NULL, "bytes", (double)k->topo->checks.journal_max);
	metrics_put(m, "journal_full", NULL, "times", true, (double)k->full);
	metrics_bound(m, "snapshot_waiting_max", NULL, "bytes", WAITING_MAX);
	metrics_put(m, "snapshots", NULL, "files", true, (double)k->taken);
	metrics_put(m, "snapshot_size", NULL, "bytes", false, (double)k->last_size);
	metrics_put(m, "keep_failures", NULL, "failures", true, (double)k->failed);
	metrics_put(m, "recovered_records", NULL, "records", false, (double)k->recovered_records);
}

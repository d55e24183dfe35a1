#include "keep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"
#include "io.h"
#include "snapshot.h"

#define PIECE_BYTES   (1u << 20)
#define STEP          4000         /* hosts and flows copied at a time: some 6 ms */
#define WAITING_MAX   (64u << 20)  /* copied and not yet written: then copying waits */
#define SHARE         8            /* the journal grows to this part of the snapshot before the next one */
#define PAUSE_NS      100000000ull /* at least between snapshots */
#define PAUSE_MAX_NS  10000000000ull /* the same when they fail again and again */
#define BOUND_SHARE   4            /* a snapshot is due at this part of the journal's bound: two of them have to fit */
#define MAX_FILES     64
#define MAX_TOPOS     16           /* configurations one recovery goes through */

struct keep {
	const struct topo *topo;
	char *dir, *conf_dir;
	uint64_t conf; /* of the topology in force */
	struct journal *journal;
	struct snapshots *snapshots;
	uint64_t older;     /* bytes of the segments before the one that is written to */
	struct buf waiting; /* body of an entry that could not be written */
	struct journal_entry waits;
	bool has_waiting;
	bool was_full;
	bool unnamed;  /* the segment could not be begun */
	uint64_t next; /* its number */
	char trouble[160];
	/* the snapshot under way */
	bool copying, under_way;
	struct buf piece;
	uint64_t number, heads[2]; /* its own, and where the outputs stood */
	uint64_t now, last_done, last_sync, last_size, synced_bytes;
	uint64_t pause; /* before the next one */
	/* told */
	uint64_t taken, failed, bytes, recovered_records, full;
	struct log_limit limit;
};

/* -- files -- */

enum file_kind { OTHER, SNAPSHOT, JOURNAL, UNFINISHED };

static enum file_kind kind_of(const char *name, uint64_t *ret)
{
	int n = 0;
	if (sscanf(name, "snapshot.%" SCNu64 "%n", ret, &n) == 1 && n)
		return !name[n] ? SNAPSHOT : strcmp(name + n, ".tmp") == 0 ? UNFINISHED : OTHER;
	n = 0;
	if (sscanf(name, "journal.%" SCNu64 "%n", ret, &n) == 1 && n && !name[n])
		return JOURNAL;
	return OTHER;
}

static int newest_first(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? 1 : x > y ? -1 : 0;
}

/* Numbers of the files of a kind, the newest first. */
static size_t list(const struct keep *k, enum file_kind kind, uint64_t *numbers, size_t max)
{
	DIR *d = opendir(k->dir);
	struct dirent *e;
	uint64_t number;
	size_t n = 0;
	while (d && (e = readdir(d)) != NULL && n < max)
		if (kind_of(e->d_name, &number) == kind)
			numbers[n++] = number;
	if (d)
		closedir(d);
	qsort(numbers, n, sizeof *numbers, newest_first);
	return n;
}

/* Removes snapshots and segments with numbers below, and what was not finished. */
static void remove_below(struct keep *k, uint64_t number)
{
	DIR *d = opendir(k->dir);
	struct dirent *e;
	uint64_t x;
	while (d && (e = readdir(d)) != NULL) {
		enum file_kind kind = kind_of(e->d_name, &x);
		if (kind != OTHER && (x < number || kind == UNFINISHED) && unlinkat(dirfd(d), e->d_name, 0) < 0)
			log_warn("%s/%s: %s", k->dir, e->d_name, strerror(errno));
	}
	if (d)
		closedir(d);
}

static void count_older(struct keep *k)
{
	DIR *d = opendir(k->dir);
	struct dirent *e;
	struct stat st;
	uint64_t number;
	k->older = 0;
	while (d && (e = readdir(d)) != NULL)
		if (kind_of(e->d_name, &number) == JOURNAL && number != journal_number(k->journal) &&
		    fstatat(dirfd(d), e->d_name, &st, 0) == 0)
			k->older += (uint64_t)st.st_size;
	if (d)
		closedir(d);
}

/* -- configurations by content -- */

static char *conf_path(const struct keep *k, uint64_t conf)
{
	return xasprintf("%s/%016" PRIx64 ".yaml", k->conf_dir, conf);
}

/* What is in force is kept under its hash: the journal may have to be read under it when the file has long changed. */
static void keep_conf(const struct keep *k)
{
	char *path = conf_path(k, k->conf), *tmp = xasprintf("%s.tmp", path);
	struct buf text = { 0 };
	if (access(path, F_OK) < 0) {
		int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		topo_show(k->topo, &text);
		bool good = fd >= 0 && io_write(fd, text.p, text.len) == 0 && fsync(fd) == 0;
		if (!good || rename(tmp, path) < 0)
			log_warn("%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	buf_release(&text);
	free(tmp);
	free(path);
}

struct keep *keep_new(const struct topo *t)
{
	struct keep *k = xcalloc(1, sizeof *k);
	k->topo = t;
	k->pause = PAUSE_NS;
	k->dir = xasprintf("%s/checks", t->state);
	k->conf_dir = xasprintf("%s/config", t->state);
	k->conf = strtoull(t->hash, NULL, 16);
	if ((mkdir(k->dir, 0750) < 0 && errno != EEXIST) || (mkdir(k->conf_dir, 0750) < 0 && errno != EEXIST)) {
		log_error("%s: %s", t->state, strerror(errno));
		keep_free(k);
		return NULL;
	}
	keep_conf(k);
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
	buf_release(&k->waiting);
	buf_release(&k->piece);
	free(k->dir);
	free(k->conf_dir);
	free(k);
}

/* -- recovery -- */

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
	char *path = conf_path(r->k, conf);
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

static void begin_segment(struct keep *k, const struct pipeline *p, uint64_t number);

/* Goes on behind what was read. Under another configuration, or behind nothing, in a segment of its own. */
static void go_on(struct keep *k, const struct recovery *r, const struct reach *at, uint64_t from)
{
	uint64_t later[MAX_FILES];
	size_t n = list(k, JOURNAL, later, MAX_FILES);
	for (size_t i = 0; i < n && at->any && later[i] > at->last; i++) { /* behind a cut nothing counts */
		char *path = journal_path(k->dir, later[i]);
		unlink(path);
		free(path);
	}
	if (at->len && r->conf == k->conf && journal_resume(k->journal, at->last, at->len) == 0) {
		count_older(k);
		return;
	}
	begin_segment(k, r->p, at->any ? at->last + (at->len != 0) : from);
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
	uint64_t snaps[MAX_FILES], from = 0;
	size_t n = list(k, SNAPSHOT, snaps, MAX_FILES);
	struct recovery r = { .k = k, .p = p };
	struct reach at = { 0 };
	bool good = false;
	remove_below(k, 0);
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

void keep_forget(struct keep *k, struct pipeline *p)
{
	remove_below(k, UINT64_MAX);
	pipeline_reset(p, k->topo);
	begin_segment(k, p, 0);
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
static void begin_segment(struct keep *k, const struct pipeline *p, uint64_t number)
{
	struct buf names = { 0 };
	for (size_t i = 0; i < p->n_positions; i++)
		buf_addf(&names, "%s%s", i ? "\n" : "", p->positions[i].sensor);
	struct journal_entry e = { .kind = JR_LANES, .base = k->conf, .body = names.p, .len = (uint32_t)names.len };
	k->next = number;
	k->unnamed = true;
	if (journal_start(k->journal, number) < 0)
		set_trouble(k, "journal", errno);
	else
		k->unnamed = !append(k, p, &e);
	count_older(k);
	buf_release(&names);
}

bool keep_ready(struct keep *k, const struct pipeline *p)
{
	if (k->unnamed)
		begin_segment(k, p, k->next);
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
	begin_segment(k, p, k->number);
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
	uint64_t snaps[MAX_FILES];
	size_t n = list(k, SNAPSHOT, snaps, MAX_FILES);
	if (n > 1)
		remove_below(k, snaps[1]);
	count_older(k);
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
	if (now - k->last_sync < k->topo->checks.journal_sync || k->synced_bytes == k->bytes || journal_fd(k->journal) < 0)
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

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checks/keep.h"
#include "checks/snapshot.h"
#include "hash.h"
#include "loop.h"
#include "scratch.h"

#define N_BATCHES 60
#define PER_BATCH 40

static char dir[SCRATCH];
static uint64_t work_now; /* the clock of keep_work */

static void clean_dir(void)
{
	char cmd[128];
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
}

static struct topo *topology(const char *more)
{
	struct buf err = { 0 }, text = { 0 };
	buf_addf(&text, "state: %s\nruntime: %s\nsensors: {s: {file: x}}\nlua: {enabled: no}\n%s", dir, dir, more);
	struct topo *t = topo_parse("t", text.p, text.len, &err);
	if (!t)
		fail_msg("%s", buf_cstr(&err));
	buf_release(&err);
	buf_release(&text);
	return t;
}

/* Records of batch b of the sensor. Always the same. */
static void make_batch(unsigned b, struct buf *out)
{
	buf_reset(out);
	for (unsigned i = 0; i < PER_BATCH; i++) {
		unsigned n = b * PER_BATCH + i;
		uint64_t now = 1600000000000000000ull + n * 100000000ull;
		struct r_end e = { .key = { .id = { 1, n / 2 + 1 }, .first = now, .proto = 6, .client_port = 1,
					  .server_port = (uint16_t)(n % 900),
					    .sensor = { 0, 1 } },
				   .n = { .start = now, .last = now, .client_packets = 1 + n % 2, .client_bytes = 60, .client_syns = 1,
					  .server_packets = n % 2, .server_flags = 0x14, .end_reason = n % 2 ? END_RST : END_TIMEOUT } };
		addr_parse("10.0.0.1", 8, &e.key.client);
		addr_parse("10.0.0.2", 8, &e.key.server);
		codec_pack(out, R_END, &e, "s");
	}
	uint64_t to = 1600000000000000000ull + (b + 1) * PER_BATCH * 100000000ull;
	struct r_tick t = { .tick = { .from = to, .to = to, .sensor = { 0, 1 } } };
	codec_pack(out, R_TICK, &t, "s");
}

/* checks as far as it is pure, and a consumer that stores what it gets. */
struct life {
	struct pipeline p;
	struct keep *keep;
	struct topo *t;
	char name[8], *names[2];
};

struct consumer {
	uint64_t next[2], sum[2];
};

static void live(struct life *l, const char *more)
{
	memset(l, 0, sizeof *l);
	l->t = topology(more);
	snprintf(l->name, sizeof l->name, "alertd");
	l->names[0] = l->name;
	struct output *o[2] = { &l->p.alerts, &l->p.history };
	for (int i = 0; i < 2; i++) {
		o[i]->stream = stream_new(i ? "history" : "alerts", 0, 16 << 20);
		o[i]->durable = l->names;
		stream_add_durable(o[i]->stream, "alertd");
	}
	pipeline_init(&l->p, l->t);
	l->keep = keep_new(l->t);
	assert_non_null(l->keep);
}

static void die(struct life *l)
{
	keep_free(l->keep);
	pipeline_release(&l->p);
	stream_free(l->p.alerts.stream);
	stream_free(l->p.history.stream);
	topo_free(l->t);
}

/* The same however the records are cut into pieces. */
static uint64_t add_records(uint64_t sum, const char *p, size_t len)
{
	struct codec_reader r = { .base = p, .len = len };
	size_t at, n;
	while (codec_skip(&r, &at, &n) == 1)
		sum = hash_content(p + at, n, sum);
	return sum;
}

static void consume(struct life *l, struct consumer *c, unsigned which)
{
	struct stream *s = which ? l->p.history.stream : l->p.alerts.stream;
	const char *p;
	size_t len;
	uint32_t n;
	while ((n = stream_read(s, c->next[which], 1 << 16, &p, &len)) > 0) {
		c->sum[which] = add_records(c->sum[which], p, len);
		c->next[which] += n;
	}
	assert_true(c->next[which] == stream_head(s));
	stream_set_durable(s, "alertd", c->next[which]);
}

static unsigned count_files(const char *prefix)
{
	char path[96];
	snprintf(path, sizeof path, "%s/checks", dir);
	DIR *d = opendir(path);
	unsigned n = 0;
	for (struct dirent *e; d && (e = readdir(d)) != NULL;)
		n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
	if (d)
		closedir(d);
	return n;
}

static unsigned long newest_number(const char *prefix, unsigned back)
{
	char path[96];
	unsigned long numbers[64];
	unsigned n = 0;
	snprintf(path, sizeof path, "%s/checks", dir);
	DIR *d = opendir(path);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		if (strncmp(e->d_name, prefix, strlen(prefix)) == 0 && !strstr(e->d_name, ".tmp"))
			numbers[n++] = strtoul(e->d_name + strlen(prefix), NULL, 10);
	closedir(d);
	for (unsigned i = 0; i < n; i++)
		for (unsigned k = i + 1; k < n; k++)
			if (numbers[k] > numbers[i]) {
				unsigned long t = numbers[i];
				numbers[i] = numbers[k];
				numbers[k] = t;
			}
	assert_true(back < n);
	return numbers[back];
}

static void newest(const char *prefix, unsigned back, char *out, size_t size)
{
	snprintf(out, size, "%s%lu", prefix, newest_number(prefix, back));
}

static void put_metrics(void *arg, struct metrics *m)
{
	keep_metrics(arg, m);
}

/* Snapshots that have their names, and with which keep is done. */
static double taken(struct life *l)
{
	struct metrics *m = metrics_new("test");
	struct buf out = { 0 };
	struct r_metric rec;
	double n = -1;
	metrics_source(m, put_metrics, l->keep);
	metrics_pack(m, &out);
	struct codec_reader r = { .base = out.p, .len = out.len };
	while (n < 0 && codec_read(&r, &rec) == 1)
		if (str_eq(r.base, rec.metric.name, "snapshots"))
			n = rec.metric.value;
	assert_true(n >= 0);
	buf_release(&out);
	metrics_free(m);
	return n;
}

/* Goes on until the file is there, or keep is done with more snapshots than these, however long the disk takes. */
static void work_until(struct life *l, const char *name, double more_than)
{
	char *path = name ? xasprintf("%s/checks/%s", dir, name) : NULL;
	for (unsigned i = 0; path ? access(path, F_OK) < 0 : taken(l) <= more_than; i++) {
		if (i == 600000)
			fail_msg("no %s", name ? name : "snapshot is kept");
		keep_work(l->keep, &l->p, work_now);
		usleep(100);
	}
	free(path);
}

/* One step of a clock of our own, so that what is due does not depend on the machine; to the end of the snapshot that begins. */
static void work(struct life *l, bool consuming)
{
	unsigned long before = newest_number("journal.", 0), number = before;
	for (int i = 0; i < 2 && number == before; i++) { /* to end the last one, and to begin another */
		work_now += 1000000000;
		while (keep_work(l->keep, &l->p, work_now))
			;
		number = newest_number("journal.", 0);
	}
	if (number == before)
		return;
	char *name = xasprintf("snapshot.%lu.tmp", number);
	work_until(l, consuming ? NULL : name, taken(l)); /* what begins in a step does not end in it */
	free(name);
}

/* Batches from where the pipeline stands to below 'to'; records are consumed one by one so that sums do not depend on batches. */
static void run(struct life *l, unsigned to, struct consumer *c, bool consuming)
{
	struct buf b = { 0 };
	if (!l->p.has_epoch) {
		pipeline_epoch(&l->p, 0, 5);
		assert_true(keep_entry(l->keep, &l->p, &(struct journal_entry){ .kind = JR_EPOCH, .epoch = 5 }));
		pipeline_begin(&l->p, 77, 0);
		assert_true(keep_entry(l->keep, &l->p, &(struct journal_entry){ .kind = JR_BEGIN, .epoch = 77 }));
	}
	for (unsigned i = (unsigned)(l->p.positions[0].next - 1) / (PER_BATCH + 1); i < to; i++) {
		make_batch(i, &b);
		struct codec_reader r = { .base = b.p, .len = b.len };
		uint64_t base = l->p.positions[0].next;
		assert_int_equal(base, 1 + i * (PER_BATCH + 1));
		assert_int_equal(pipeline_records(&l->p, 0, base, PER_BATCH + 1, &r, NULL, NULL), PER_BATCH + 1);
		assert_true(keep_entry(l->keep, &l->p, &(struct journal_entry){ .kind = JR_RECORDS, .count = PER_BATCH + 1, .base = base,
										  .body = b.p, .len = (uint32_t)b.len }));
		for (unsigned w = 0; w < 2 && consuming; w++)
			consume(l, c, w);
		work(l, consuming);
	}
	buf_release(&b);
}

static const char small[] = "recovery: {journal: 8K}\n";

static long size_of_files(const char *prefix)
{
	char path[96];
	struct stat st;
	snprintf(path, sizeof path, "%s/checks", dir);
	DIR *d = opendir(path);
	long n = 0;
	for (struct dirent *e; d && (e = readdir(d)) != NULL;)
		if (strncmp(e->d_name, prefix, strlen(prefix)) == 0 && fstatat(dirfd(d), e->d_name, &st, 0) == 0)
			n += st.st_size;
	if (d)
		closedir(d);
	return n;
}

/* Sums of what a run without deaths says, per stream: one number for each record. */
static struct consumer clean(const char *more)
{
	struct life l;
	struct consumer c = { .next = { 1, 1 } };
	clean_dir();
	live(&l, more);
	assert_true(keep_recover(l.keep, &l.p));
	run(&l, N_BATCHES, &c, true);
	die(&l);
	return c;
}

static void same(const struct consumer *a, const struct consumer *b)
{
	for (int w = 0; w < 2; w++) {
		assert_int_equal(a->next[w], b->next[w]);
		assert_int_equal(a->sum[w], b->sum[w]);
	}
}

static void test_lives(void **state)
{
	(void)state;
	struct consumer want = clean("recovery: {journal: 1G}\n");
	assert_true(want.next[0] > 5 && want.next[1] > N_BATCHES * PER_BATCH / 2);
	assert_int_equal(count_files("snapshot"), 0);
	for (int with = 0; with < 2; with++) { /* with snapshots and without: what comes out does not depend on them */
		struct consumer c = { .next = { 1, 1 } };
		struct life l;
		clean_dir();
		for (unsigned to = 7; to <= N_BATCHES + 6; to += 7) {
			live(&l, with ? small : "recovery: {journal: 1G}\n");
			assert_true(keep_recover(l.keep, &l.p));
			assert_true(l.p.has_epoch == (to > 7));
			run(&l, to < N_BATCHES ? to : N_BATCHES, &c, to % 2);
			die(&l); /* what was not consumed is made again */
		}
		live(&l, small);
		assert_true(keep_recover(l.keep, &l.p));
		for (unsigned w = 0; w < 2; w++)
			consume(&l, &c, w);
		same(&want, &c);
		if (with) {
			assert_true(count_files("snapshot") >= 1 && count_files("snapshot") <= 3);
			assert_true(count_files("journal") <= 12);
		}
		die(&l);
	}
}

/* A snapshot is not named before what came out before it is stored. */
static void test_waits_for_consumers(void **state)
{
	struct consumer c = { .next = { 1, 1 } };
	struct life l;
	(void)state;
	clean_dir();
	live(&l, small);
	assert_true(keep_recover(l.keep, &l.p));
	run(&l, 20, &c, false);
	assert_int_equal(count_files("snapshot.1.tmp"), 1);
	assert_int_equal(count_files("snapshot"), 1);
	for (unsigned w = 0; w < 2; w++)
		consume(&l, &c, w);
	work_until(&l, "snapshot.1", 0);
	assert_int_equal(count_files("snapshot.1.tmp"), 0);
	die(&l);
}

/*
 * Consumers that are away: no snapshot gets its name, the journal grows up to its bound and no further. When they are back
 * snapshots make room, and in the end all has come out.
 */
static void test_bound(void **state)
{
	static const char bounded[] = "recovery: {journal: 4K, journal_max: 64K}\n";
	struct consumer want = clean(bounded), c = { .next = { 1, 1 } };
	struct life l;
	unsigned at = 0, times = 0;
	(void)state;
	clean_dir();
	live(&l, bounded);
	assert_true(keep_recover(l.keep, &l.p));
	while (at < N_BATCHES) {
		for (; at < N_BATCHES && !keep_is_full(l.keep, &l.p); at++)
			run(&l, at + 1, &c, false);
		/* One batch may go over it. */
		assert_true(size_of_files("journal") < (64 << 10) + (16 << 10));
		times += keep_is_full(l.keep, &l.p);
		for (unsigned w = 0; w < 2; w++)
			consume(&l, &c, w);
		for (unsigned i = 0; i < 60000 && keep_is_full(l.keep, &l.p); i++) {
			work(&l, true);
			usleep(1000); /* for the disk */
		}
		assert_false(keep_is_full(l.keep, &l.p));
	}
	assert_true(times > 1);
	same(&want, &c);
	die(&l);
}

/* Returns the size that the file had. */
static off_t damage(const char *name, long at, int how)
{
	char path[128];
	struct stat st;
	snprintf(path, sizeof path, "%s/checks/%s", dir, name);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	off_t where = at < 0 ? st.st_size + at : at;
	if (how == 't') {
		assert_int_equal(ftruncate(fd, where), 0);
	} else {
		char x;
		assert_int_equal(pread(fd, &x, 1, where), 1);
		x = (char)(x ^ 0x55);
		assert_int_equal(pwrite(fd, &x, 1, where), 1);
	}
	close(fd);
	return st.st_size;
}

/* Two snapshots and a journal; then something is broken, and the run goes on. */
static void broken(const struct consumer *want, const char *prefix, unsigned back, long at, int how, bool exact)
{
	struct consumer c = { .next = { 1, 1 } };
	struct life l;
	char name[64];
	clean_dir();
	live(&l, small);
	assert_true(keep_recover(l.keep, &l.p));
	run(&l, 40, &c, true);
	die(&l);
	assert_true(count_files("snapshot") >= 2);
	newest(prefix, back, name, sizeof name);
	bool small_file = damage(name, at, how) < 2000; /* nothing but its first entry */
	live(&l, small);
	assert_true(keep_recover(l.keep, &l.p));
	assert_true(l.p.has_epoch);
	if (exact) {
		run(&l, N_BATCHES, &c, true);
		same(want, &c);
	} else { /* the end of the journal was lost: it is fetched again, and comes out the same */
		assert_true(small_file || l.p.positions[0].next < 1 + 40 * (PER_BATCH + 1));
		stream_set_durable(l.p.alerts.stream, "alertd", c.next[0]);
		struct buf b = { 0 };
		while (l.p.positions[0].next < 1 + 40 * (PER_BATCH + 1)) {
			make_batch((unsigned)(l.p.positions[0].next - 1) / (PER_BATCH + 1), &b);
			struct codec_reader r = { .base = b.p, .len = b.len };
			uint64_t base = l.p.positions[0].next;
			pipeline_records(&l.p, 0, base, PER_BATCH + 1, &r, NULL, NULL);
			assert_true(keep_entry(l.keep, &l.p, &(struct journal_entry){ .kind = JR_RECORDS, .count = PER_BATCH + 1, .base = base,
											  .body = b.p, .len = (uint32_t)b.len }));
		}
		buf_release(&b);
		run(&l, N_BATCHES, &c, true);
		same(want, &c);
	}
	die(&l);
}

static void test_broken(void **state)
{
	(void)state;
	struct consumer want = clean("recovery: {journal: 1G}\n");
	broken(&want, "snapshot.", 0, -10, 't', true);
	broken(&want, "snapshot.", 0, 0, 't', true);
	broken(&want, "snapshot.", 0, 200, 'x', true);
	broken(&want, "snapshot.", 0, 3, 'x', true);
	broken(&want, "snapshot.", 1, 200, 'x', true); /* the older one is not needed */
	broken(&want, "journal.", 0, -1, 't', false);
	broken(&want, "journal.", 0, -1, 'x', false);
	broken(&want, "journal.", 1, -1, 'x', true); /* the one before the snapshot is not needed */
}

static void test_nothing_left(void **state)
{
	struct consumer c = { .next = { 1, 1 } };
	struct life l;
	char name[64];
	(void)state;
	clean_dir();
	live(&l, small);
	assert_true(keep_recover(l.keep, &l.p));
	run(&l, 40, &c, true);
	die(&l);
	for (unsigned i = count_files("snapshot"); i-- > 0;) {
		newest("snapshot.", i, name, sizeof name);
		damage(name, 300, 'x');
	}
	live(&l, small);
	assert_true(keep_recover(l.keep, &l.p));
	assert_false(l.p.has_epoch); /* from the beginning */
	assert_int_equal(l.p.positions[0].next, 1);
	die(&l);
}

/* What another version wrote stays where it is, and nothing starts. */
static void test_other_version(void **state)
{
	struct consumer c = { .next = { 1, 1 } };
	struct life l;
	char name[64];
	(void)state;
	for (int which = 0; which < 2; which++) {
		clean_dir();
		live(&l, small);
		assert_true(keep_recover(l.keep, &l.p));
		c = (struct consumer){ .next = { 1, 1 } };
		run(&l, 40, &c, true);
		die(&l);
		newest(which ? "journal." : "snapshot.", 0, name, sizeof name);
		damage(name, 8, 'x'); /* the schema */
		unsigned files = count_files("");
		live(&l, small);
		assert_false(keep_recover(l.keep, &l.p));
		die(&l);
		assert_int_equal(count_files(""), files);
	}
}

/* Other settings of today do not change what the journal says of yesterday. */
static void test_other_configuration(void **state)
{
	struct consumer c = { .next = { 1, 1 } }, want = clean("recovery: {journal: 1G}\n");
	struct life l;
	(void)state;
	clean_dir();
	live(&l, "recovery: {journal: 1G}\n");
	assert_true(keep_recover(l.keep, &l.p));
	run(&l, N_BATCHES, &c, false);
	die(&l);
	live(&l, "recovery: {journal: 1G}\nchecks: {syn_scan: {enabled: no}, flow_flood: {enabled: no}, rst_scan: {enabled: no}}\n");
	assert_true(keep_recover(l.keep, &l.p));
	for (unsigned w = 0; w < 2; w++)
		consume(&l, &c, w);
	same(&want, &c);
	die(&l);
	/* And again, from the segment that was begun under them. */
	live(&l, "recovery: {journal: 1G}\nchecks: {syn_scan: {enabled: no}, flow_flood: {enabled: no}, rst_scan: {enabled: no}}\n");
	assert_true(keep_recover(l.keep, &l.p));
	assert_int_equal(stream_head(l.p.alerts.stream), want.next[0]);
	die(&l);
}

static int make_dir(void **state)
{
	(void)state;
	return scratch(dir, "keep") ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	char cmd[128];
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	return system(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lives),	 cmocka_unit_test(test_waits_for_consumers),
					    cmocka_unit_test(test_bound),
					    cmocka_unit_test(test_broken),	 cmocka_unit_test(test_nothing_left),
					    cmocka_unit_test(test_other_version), cmocka_unit_test(test_other_configuration) };
	log_set_level(LOG_LV_ERROR);
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

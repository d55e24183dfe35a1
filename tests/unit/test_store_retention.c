/* What the store forgets, and that nobody is in the way of anybody then. */
#include "store_lab.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Minutes go first, then more: the answer stays whole, coarser where it must be. */
static void tiers_join(void **arg)
{
	(void)arg;
	struct writer w;
	struct store_pruned did;
	struct question q = { .what = "series" }, by = { .what = "series", .by = "app" };
	conf.kept[KEPT_MINUTES].age = 3 * HOUR;
	conf.kept[KEPT_5MINUTES].age = 8 * HOUR;
	conf.kept[KEPT_HOURS].age = 30 * DAY;
	writer_open(&w, 7);
	w.gap = 10;
	for (unsigned i = 0; i < 12; i++)
		write_some(&w, 360, T0 + i * HOUR);
	struct store *r = open_store(STORE_READ);
	struct totals t = total(r, &q), apps = total(r, &by), now;
	for (uint64_t h = 12; h < 24; h += 2) {
		prune_all(w.s, T0 + h * HOUR, &did);
		if (h == 12)
			assert_true(did.n[KEPT_MINUTES] > 1000 && did.n[KEPT_5MINUTES] > 50 && did.n[KEPT_HOURS] == 0);
		now = total(r, &q);
		same_totals(now, t);
		same_totals(total(r, &by), apps);
		assert_true(now.n < t.n);
		same_totals(total(r, &(struct question){ .what = "series", .step = DAY }), t);
	}
	/* A range in the part that is coarse, and one that is not. */
	assert_int_equal(total(r, &(struct question){ .what = "series", .end = T0 + 2 * HOUR - 1 }).n, 2);
	store_sqlite.close(r);
	writer_close(&w);
}

static void bytes_bound_each_tier(void **arg)
{
	(void)arg;
	struct writer w;
	struct store_pruned did;
	conf.kept[KEPT_MINUTES].bytes = 10000;
	writer_open(&w, 7);
	w.gap = 10;
	for (unsigned i = 0; i < 5; i++)
		write_some(&w, 360, T0 + i * HOUR);
	struct store *r = open_store(STORE_READ);
	struct question q = { .what = "series", .by = "app" };
	struct totals t = total(r, &q);
	prune_all(w.s, T0 + 5 * HOUR, &did);
	assert_true(did.n[KEPT_MINUTES] > 100);
	assert_int_equal(did.n[KEPT_5MINUTES], 0);
	same_totals(total(r, &q), t);
	prune_all(w.s, T0 + 5 * HOUR, &did);
	assert_int_equal(did.n[KEPT_MINUTES], 0);
	store_sqlite.close(r);
	writer_close(&w);
}

static void flow_files_are_bounded(void **arg)
{
	(void)arg;
	struct writer w;
	struct store_pruned did;
	struct buf out = { 0 };
	struct store_page page;
	writer_open(&w, 7);
	for (unsigned i = 0; i < 5; i++)
		write_some(&w, 500, T0 + i * HOUR);
	conf.kept[KEPT_FLOWS].age = 90 * MINUTE;
	struct store *u = open_store(STORE_UPKEEP), *r = open_store(STORE_READ);
	prune_all(u, T0 + 4 * HOUR + HOUR / 2, &did);
	assert_int_equal(did.n[KEPT_FLOWS], 2);
	must_ask(r, &(struct question){ .what = "flows" }, &out, &page);
	assert_true(page.count > 1000 && page.count < 1200);
	store_sqlite.close(u);
	conf.kept[KEPT_FLOWS] = (struct retention){ .age = 3650 * DAY, .bytes = 65536 };
	u = open_store(STORE_UPKEEP);
	/* One that cannot be deleted is an error and counts as none: a directory cannot be unlinked. */
	char oldest[600], aside[610];
	oldest_flow_file(oldest, sizeof oldest);
	snprintf(aside, sizeof aside, "%s.aside", oldest);
	assert_int_equal(rename(oldest, aside), 0);
	assert_int_equal(mkdir(oldest, 0700), 0);
	did = (struct store_pruned){ 0 };
	assert_int_equal(store_sqlite.prune(u, T0 + 4 * HOUR + HOUR / 2, &did), -1);
	assert_int_equal(did.n[KEPT_FLOWS], 0);
	assert_int_equal(rmdir(oldest), 0);
	assert_int_equal(rename(aside, oldest), 0);
	prune_all(u, T0 + 4 * HOUR + HOUR / 2, &did);
	assert_int_equal(did.n[KEPT_FLOWS], 2); /* not the one that is written */
	must_ask(r, &(struct question){ .what = "flows" }, &out, &page);
	assert_true(page.count > 300);
	store_sqlite.close(u);
	store_sqlite.close(r);
	writer_close(&w);
	buf_release(&out);
}

/* Deleted files that somebody in this process has open. */
static unsigned deleted_but_open(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		char target[256] = "";
		if (readlinkat(dirfd(d), e->d_name, target, sizeof target - 1) > 0)
			n += strncmp(target, dir, strlen(dir)) == 0 && strstr(target, " (deleted)");
	}
	closedir(d);
	return n;
}

/* A file that stays open between questions is not read when it is no longer the one of that name, nor kept for long. */
static void open_files_are_let_go_of(void **arg)
{
	(void)arg;
	static const struct question q = { .what = "flows" };
	struct writer w;
	struct store_pruned did;
	struct buf out = { 0 }, again = { 0 };
	struct store_page page;
	char cmd[400];
	writer_open(&w, 7);
	for (unsigned i = 0; i < 3; i++)
		write_some(&w, 200, T0 + i * HOUR);
	struct store *u = open_store(STORE_UPKEEP), *r = open_store(STORE_READ);
	for (int rc = 1; rc > 0;)
		good(u, rc = store_sqlite.tidy(u, T0 + 3 * HOUR));
	must_ask(r, &q, &out, &page);
	uint32_t all = page.count;
	snprintf(cmd, sizeof cmd, "cd '%s' && cp flows-%llu.db copy && mv copy flows-%llu.db", dir, T0 / SEC, T0 / SEC);
	assert_int_equal(system(cmd), 0);
	assert_true(deleted_but_open() > 0);
	must_ask(r, &q, &again, &page);
	assert_int_equal(deleted_but_open(), 0);
	assert_int_equal(again.len, out.len);
	assert_memory_equal(again.p, out.p, out.len);
	conf.kept[KEPT_FLOWS].age = HOUR;
	store_sqlite.close(u);
	u = open_store(STORE_UPKEEP);
	prune_all(u, T0 + 2 * HOUR + HOUR / 2, &did);
	assert_int_equal(did.n[KEPT_FLOWS], 1);
	must_ask(r, &q, &out, &page);
	assert_true(page.count > 0 && page.count < all);
	store_sqlite.rest(r);
	assert_int_equal(deleted_but_open(), 0);
	must_ask(r, &q, &again, &page);
	assert_int_equal(again.len, out.len);
	store_sqlite.close(u);
	store_sqlite.close(r);
	writer_close(&w);
	buf_release(&out);
	buf_release(&again);
}

static void alerts_are_bounded(void **arg)
{
	(void)arg;
	struct sampler m;
	struct store_pruned did;
	struct buf out = { 0 };
	struct store_page page;
	sampler_init(&m, TOTALS_MAX);
	conf.kept[KEPT_ALERTS].age = HOUR;
	struct store *s = open_store(STORE_ALERTS), *r = open_store(STORE_READ);
	put_alerts(s, 0, 1000, T0, &m);
	put_alerts(s, 1000, 500, T0 + HOUR, &m);
	prune_all(s, T0 + HOUR + MINUTE, &did);
	assert_int_equal(did.n[KEPT_ALERTS], 1000);
	must_ask(r, &(struct question){ .what = "alerts" }, &out, &page);
	assert_int_equal(page.count, 500);
	store_sqlite.close(s);
	conf.kept[KEPT_ALERTS] = (struct retention){ .age = DAY, .bytes = 200000 };
	s = open_store(STORE_ALERTS);
	prune_all(s, T0 + HOUR + MINUTE, &did);
	assert_true(did.n[KEPT_ALERTS] > 50 && did.n[KEPT_ALERTS] < 500);
	/* What they were is still counted. */
	assert_int_equal(total(r, &(struct question){ .what = "series" }).alerts, 1500);
	store_sqlite.close(s);
	store_sqlite.close(r);
	sampler_release(&m);
	buf_release(&out);
}

/* Stored while the clock was ahead: it goes with what was stored after it, and is not in its way. */
static void clock_was_ahead(void **arg)
{
	(void)arg;
	struct sampler m;
	struct store_pruned did;
	sampler_init(&m, TOTALS_MAX);
	conf.kept[KEPT_ALERTS].age = 3 * HOUR;
	struct store *s = open_store(STORE_ALERTS);
	put_alerts(s, 0, 300, T0 + 5000 * DAY, &m);
	put_alerts(s, 300, 250, T0, &m);
	put_alerts(s, 550, 300, T0 + 2 * HOUR, &m);
	prune_all(s, T0 + 2 * HOUR, &did);
	assert_int_equal(did.n[KEPT_ALERTS], 0);
	prune_all(s, T0 + 4 * HOUR, &did);
	assert_int_equal(did.n[KEPT_ALERTS], 550);
	store_sqlite.close(s);
	sampler_release(&m);
}

struct reader {
	pthread_t thread;
	const bool *stop;
	unsigned asked;
	char why[200];
};

static void *keep_asking(void *arg)
{
	static const struct question q[] = { { .what = "flows" },
					     { .what = "top.flows", .by = "client.ip" },
					     { .what = "series" },
					     { .what = "series", .by = "app", .step = HOUR },
					     { .what = "runs" },
					     { .what = "top.flows", .by = "app", .start = T0 + 1234 * SEC } };
	struct reader *me = arg;
	struct store_conf c = conf;
	struct buf out = { 0 }, err = { 0 };
	struct store *s = store_sqlite.open(&c, STORE_READ, &err);
	while (!*me->why && (!__atomic_load_n(me->stop, __ATOMIC_ACQUIRE) || me->asked < 20)) {
		struct store_page page;
		const struct question *a = &q[me->asked++ % (sizeof q / sizeof *q)];
		unsigned status = ask(s, a, &out, &page, &err);
		if (status != 200 || err.len)
			snprintf(me->why, sizeof me->why, "%s by %s: %u %s", a->what, a->by ? a->by : "", status, buf_cstr(&err));
	}
	store_sqlite.close(s);
	buf_release(&out);
	buf_release(&err);
	return NULL;
}

static void nobody_is_in_the_way(void **arg)
{
	(void)arg;
	struct writer w;
	struct store_pruned did;
	struct reader readers[3];
	bool stop = false;
	uint64_t deleted = 0;
	conf.kept[KEPT_FLOWS].age = 2 * HOUR;
	conf.kept[KEPT_MINUTES].age = 2 * HOUR;
	writer_open(&w, 7);
	write_some(&w, 100, T0);
	struct sampler m;
	sampler_init(&m, TOTALS_MAX);
	struct store *a = open_store(STORE_ALERTS), *u = open_store(STORE_UPKEEP);
	for (size_t i = 0; i < 3; i++) {
		readers[i] = (struct reader){ .stop = &stop };
		assert_int_equal(pthread_create(&readers[i].thread, NULL, keep_asking, &readers[i]), 0);
	}
	for (unsigned i = 1; i < 40; i++) {
		uint64_t now = T0 + i * HOUR / 4;
		write_some(&w, 100, now);
		put_alerts(a, i * 20, 20, now, &m);
		prune_all(w.s, now, &did);
		deleted += did.n[KEPT_MINUTES];
		good(u, store_sqlite.tidy(u, now));
		prune_all(u, now, &did);
		deleted += did.n[KEPT_FLOWS];
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (size_t i = 0; i < 3; i++) {
		pthread_join(readers[i].thread, NULL);
		assert_string_equal(readers[i].why, "");
	}
	assert_true(deleted > 20);
	store_sqlite.close(u);
	store_sqlite.close(a);
	sampler_release(&m);
	writer_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(tiers_join, fresh),
		cmocka_unit_test_setup(bytes_bound_each_tier, fresh),
		cmocka_unit_test_setup(flow_files_are_bounded, fresh),
		cmocka_unit_test_setup(open_files_are_let_go_of, fresh),
		cmocka_unit_test_setup(alerts_are_bounded, fresh),
		cmocka_unit_test_setup(clock_was_ahead, fresh),
		cmocka_unit_test_setup(nobody_is_in_the_way, fresh),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("store_retention", tests, store_begin, store_end);
}

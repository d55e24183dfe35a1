/*
 * A store to try: a directory of its own, a writer as intake.c is, questions and what is expected of the answers. Times are ns
 * since 1970.
 */
#ifndef WEIR_TEST_STORE_LAB_H
#define WEIR_TEST_STORE_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alertd/sampler.h"
#include "alertd/store.h"
#include "codec.h"

#define SEC    1000000000ull
#define MINUTE (60 * SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define T0     (1600000000ull * SEC / DAY * DAY)
#define TOTALS_MAX 100000

extern char dir[64];
extern struct store_conf conf; /* that the next store is opened with */

/* Of a group of tests. */
int store_begin(void **state);
int store_end(void **state);
/* Before each test: nothing is stored, all is kept forever. */
int fresh(void **state);
struct store *open_store(enum store_role role);
/* Fails with what the store says. */
void good(struct store *s, int rc);
/* A number below; the same in every run. */
uint64_t draw(uint64_t below);
/* Flow n; its texts are in b. */
void make_flow(struct r_flow *f, struct buf *b, uint64_t n, uint64_t last, uint32_t revision);

extern const struct sampler_ops sampler_ops; /* into a store */
void restore(void *arg, const void *key, size_t key_len, const void *value, size_t len);

/* What it stores is a stream whose record n is always the same. */
struct writer {
	struct store *s;
	struct sampler m;
	uint64_t epoch, next;
	unsigned gap; /* s between two records */
	struct buf b;
};
void writer_open(struct writer *w, uint64_t epoch);
void writer_close(struct writer *w);
/*
 * Record n: of every 4 one says how a long flow goes on, of every 50 one is a tick; the others are flows that ended. now is wall
 * clock; packet time goes on by a second a record, or w->gap.
 */
void write_some(struct writer *w, uint64_t n, uint64_t now);
/* Alerts from .. from + n - 1 of flows, a second apart. */
void put_alerts(struct store *s, uint64_t from, unsigned n, uint64_t now, struct sampler *m);

struct question {
	const char *what, *filter, *by, *key, *sort, *run, *cursor;
	uint64_t start, end, step;
	uint32_t limit; /* 0 = as many as a page may have */
};
struct str put(struct buf *b, const char *s);
/* Returns the status. */
unsigned ask(struct store *s, const struct question *a, struct buf *out, struct store_page *page, struct buf *err);
void must_ask(struct store *s, const struct question *a, struct buf *out, struct store_page *page);

/* A series, added up. */
struct totals {
	uint64_t bytes, sent, rcvd, packets, flows, alerts, n, first, last;
};
struct totals total(struct store *s, const struct question *a);
void same_totals(struct totals a, struct totals b);

int prune_all(struct store *s, uint64_t now, struct store_pruned *did);
/* Its path. */
void oldest_flow_file(char *ret, size_t size);

#endif

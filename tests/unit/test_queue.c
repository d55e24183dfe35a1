#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "notify/queue.h"
#include "scratch.h"

#define SEC 1000000000ull

static char dir[SCRATCH];
static char path[64];

static int make_dir(void **state)
{
	(void)state;
	assert_non_null(scratch(dir, "queue-test"));
	snprintf(path, sizeof path, "%s/q.db", dir);
	return 0;
}

static int clear(void **state)
{
	(void)state;
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	for (size_t i = 0; i < 3; i++) {
		char name[80];
		snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
		unlink(name);
	}
	return 0;
}

static int remove_dir(void **state)
{
	clear(state);
	rmdir(dir);
	return 0;
}

static struct queue *open_queue(uint64_t max_rows)
{
	struct buf err = { 0 };
	struct queue *q = queue_open(path, max_rows, &err);
	if (!q)
		fail_msg("%s", buf_cstr(&err));
	buf_release(&err);
	return q;
}

static struct queue_item item(unsigned n, const char *recipient, uint64_t now)
{
	return (struct queue_item){ .alert_id = { 1000u << 16, n }, .revision = 1, .recipient = recipient, .check = "scan",
				    .severity = SEV_ERROR, .record = "record", .len = 6, .now = now, .expires = now + 100 * SEC };
}

static int add(struct queue *q, unsigned n, const char *recipient, uint64_t now)
{
	struct queue_item i = item(n, recipient, now);
	assert_int_equal(queue_begin(q), 0);
	int rc = queue_add(q, &i);
	assert_int_equal(queue_commit(q), 0);
	return rc;
}

static struct id start_one(struct queue *q, const char *recipient, uint64_t now)
{
	struct queue_row row;
	assert_int_equal(queue_due(q, recipient, now, 1, &row), 1);
	assert_int_equal(queue_begin(q), 0);
	assert_int_equal(queue_start(q, row.id), 0);
	assert_int_equal(queue_commit(q), 0);
	queue_row_release(&row);
	return row.id;
}

static void finish(struct queue *q, struct id id, enum dstate state, uint64_t next, bool maybe, uint64_t now)
{
	struct queue_outcome o = { state, next, maybe, state == DLV_SENT ? NULL : "it failed" };
	assert_int_equal(queue_begin(q), 0);
	assert_int_equal(queue_finish(q, id, &o, now), 0);
	assert_int_equal(queue_commit(q), 0);
}

/* queued = sent + dropped + what has a row and is not sent. */
static void check_sums(struct queue *q, const char *recipient)
{
	struct queue_totals t;
	queue_totals(q, recipient, &t);
	assert_int_equal(t.queued, t.sent + t.dropped + t.rows[DLV_PENDING] + t.rows[DLV_SENDING] + t.rows[DLV_RETRY] +
					   t.rows[DLV_DEAD] + t.rows[DLV_EXPIRED]);
}

/* What is silenced is never due, takes no room from what is, and is sent when somebody says so. */
static void test_silenced(void **state)
{
	(void)state;
	struct queue *q = open_queue(4);
	struct queue_totals t;
	struct queue_row row;
	for (unsigned n = 1; n <= 4; n++) {
		struct queue_item i = item(n, "a", 10 * SEC);
		i.silenced = true;
		assert_int_equal(queue_begin(q), 0);
		assert_int_equal(queue_add(q, &i), QUEUE_ADDED);
		assert_int_equal(queue_commit(q), 0);
	}
	queue_totals(q, "a", &t);
	assert_int_equal(t.rows[DLV_SILENCED], 4);
	assert_int_equal(t.queued, 0);
	assert_int_equal(queue_next(q, "a"), 0);
	assert_int_equal(queue_due(q, "a", 99 * SEC, 1, &row), 0);
	assert_int_equal(add(q, 5, "a", 11 * SEC), QUEUE_ADDED);
	queue_totals(q, "a", &t);
	assert_int_equal(t.rows[DLV_SILENCED], 3);
	assert_int_equal(t.dropped, 0);
	assert_int_equal(queue_begin(q), 0);
	assert_int_equal(queue_retry(q, queue_id((struct id){ 1000u << 16, 4 }, 1, "a"), 12 * SEC, 99 * SEC), 1);
	assert_int_equal(queue_drop(q, queue_id((struct id){ 1000u << 16, 3 }, 1, "a")), 1);
	assert_int_equal(queue_commit(q), 0);
	queue_totals(q, "a", &t);
	assert_int_equal(t.rows[DLV_PENDING], 2);
	assert_int_equal(t.dropped, 0);
	check_sums(q, "a");
	queue_close(q);
}

static void test_life(void **state)
{
	(void)state;
	struct queue *q = open_queue(100);
	struct queue_row row;
	assert_int_equal(add(q, 1, "a", 10 * SEC), QUEUE_ADDED);
	assert_int_equal(add(q, 1, "b", 10 * SEC), QUEUE_ADDED);
	assert_int_equal(add(q, 1, "a", 11 * SEC), QUEUE_KNOWN); /* the stream was read twice */
	assert_int_equal(queue_next(q, "a"), 10 * SEC);

	struct id id = start_one(q, "a", 10 * SEC);
	assert_int_equal(id_cmp(id, queue_id((struct id){ 1000u << 16, 1 }, 1, "a")), 0);
	assert_int_equal(queue_due(q, "a", 10 * SEC, 1, &row), 0);
	finish(q, id, DLV_RETRY, 15 * SEC, true, 11 * SEC);
	assert_int_equal(queue_due(q, "a", 14 * SEC, 1, &row), 0);
	assert_int_equal(queue_next(q, "a"), 15 * SEC);
	assert_int_equal(queue_due(q, "a", 15 * SEC, 1, &row), 1);
	assert_int_equal(row.attempts, 1);
	assert_true(row.maybe_duplicate);
	assert_int_equal(row.len, 6);
	assert_memory_equal(row.record, "record", 6);
	queue_row_release(&row);

	start_one(q, "a", 15 * SEC);
	finish(q, id, DLV_SENT, 0, false, 16 * SEC);
	finish(q, id, DLV_DEAD, 0, false, 16 * SEC); /* a result that comes twice changes nothing */
	start_one(q, "b", 15 * SEC);
	finish(q, queue_id((struct id){ 1000u << 16, 1 }, 1, "b"), DLV_DEAD, 0, false, 16 * SEC);
	struct queue_totals t;
	queue_totals(q, "a", &t);
	assert_int_equal(t.sent, 1);
	assert_int_equal(t.rows[DLV_SENT], 1);
	queue_totals(q, "b", &t);
	assert_int_equal(t.rows[DLV_DEAD], 1);
	check_sums(q, "a");
	check_sums(q, "b");
	queue_close(q);
}

/* What was queued an hour from now, before the clock was set back, is due at the next start. */
static void test_set_back(void **state)
{
	(void)state;
	struct queue *q = open_queue(100);
	struct queue_row rows[2];
	struct queue_item late = item(1, "a", 3600 * SEC), now = item(2, "a", SEC);
	assert_int_equal(queue_begin(q), 0);
	assert_int_equal(queue_add(q, &late), QUEUE_ADDED);
	assert_int_equal(queue_add(q, &now), QUEUE_ADDED);
	assert_int_equal(queue_commit(q), 0);
	assert_int_equal(queue_due(q, "a", 3 * SEC, 2, rows), 1);
	queue_row_release(&rows[0]);
	assert_int_equal(queue_recover(q, 3 * SEC, 100 * SEC), 0);
	assert_int_equal(queue_due(q, "a", 3 * SEC, 2, rows), 2);
	queue_row_release(&rows[0]);
	queue_row_release(&rows[1]);
	queue_close(q);
}

/* An attempt failed while the clock was ahead: the next one does not wait until it is there again. */
static void test_ahead_for_a_while(void **state)
{
	(void)state;
	struct queue *q = open_queue(100);
	struct queue_row row;
	add(q, 1, "a", SEC);
	start_one(q, "a", SEC);
	const struct queue_outcome again = { .state = DLV_RETRY, .next = 5000 * SEC };
	assert_int_equal(queue_begin(q), 0);
	assert_int_equal(queue_finish(q, queue_id((struct id){ 1000u << 16, 1 }, 1, "a"), &again, 4990 * SEC), 0);
	assert_int_equal(queue_commit(q), 0);
	assert_int_equal(queue_recover(q, 4000 * SEC, 1000 * SEC), 0); /* so long it may take */
	assert_int_equal(queue_due(q, "a", 4000 * SEC, 1, &row), 0);
	assert_int_equal(queue_recover(q, 3 * SEC, 1000 * SEC), 0);
	assert_int_equal(queue_due(q, "a", 3 * SEC, 1, &row), 1);
	queue_row_release(&row);
	/* Queued then, it expires as if it had been queued now. */
	add(q, 2, "a", 9000 * SEC);
	assert_int_equal(queue_recover(q, 10 * SEC, 1000 * SEC), 0);
	assert_int_equal(queue_expire(q, 109 * SEC, 109 * SEC), 1);
	assert_int_equal(queue_expire(q, 110 * SEC, 110 * SEC), 1);
	check_sums(q, "a");
	queue_close(q);
}

/* What a kill -9 leaves behind. */
static void test_recover(void **state)
{
	(void)state;
	struct queue *q = open_queue(100);
	struct queue_row row;
	uint64_t epoch, next;
	assert_false(queue_cursor(q, &epoch, &next));
	assert_int_equal(queue_begin(q), 0);
	struct queue_item i = item(1, "a", SEC);
	assert_int_equal(queue_add(q, &i), QUEUE_ADDED);
	assert_int_equal(queue_set_cursor(q, 77, 5), 0);
	assert_int_equal(queue_commit(q), 0);
	start_one(q, "a", SEC);
	queue_close(q); /* while the attempt is under way */

	q = open_queue(100);
	assert_true(queue_cursor(q, &epoch, &next));
	assert_int_equal(epoch, 77);
	assert_int_equal(next, 5);
	assert_int_equal(queue_recover(q, 2 * SEC, 100 * SEC), 1);
	assert_int_equal(queue_due(q, "a", 2 * SEC, 1, &row), 1);
	assert_true(row.maybe_duplicate);
	assert_int_equal(row.attempts, 1);
	queue_row_release(&row);
	check_sums(q, "a");

	/* A transaction that is taken back leaves nothing, in memory or on disk. */
	assert_int_equal(queue_begin(q), 0);
	i = item(2, "a", SEC);
	assert_int_equal(queue_add(q, &i), QUEUE_ADDED);
	assert_int_equal(queue_set_cursor(q, 77, 6), 0);
	queue_rollback(q);
	queue_cursor(q, &epoch, &next);
	assert_int_equal(next, 5);
	check_sums(q, "a");
	queue_close(q);
	q = open_queue(100);
	check_sums(q, "a");
	struct queue_totals t;
	queue_totals(q, "a", &t);
	assert_int_equal(t.queued, 1);

	const char *const names[] = { "other", NULL };
	assert_int_equal(queue_orphans(q, names, SEC), 1);
	check_sums(q, "a");
	queue_close(q);
}

static void test_expire(void **state)
{
	(void)state;
	struct queue *q = open_queue(100);
	add(q, 1, "a", SEC);
	add(q, 2, "a", 50 * SEC);
	assert_int_equal(queue_expire(q, 100 * SEC, 100 * SEC), 0);
	assert_int_equal(queue_expire(q, 101 * SEC, 101 * SEC), 1);
	struct queue_totals t;
	queue_totals(q, "a", &t);
	assert_int_equal(t.rows[DLV_EXPIRED], 1);
	assert_int_equal(t.rows[DLV_PENDING], 1);
	check_sums(q, "a");

	/* An expired one can be sent after all. */
	assert_int_equal(queue_begin(q), 0);
	assert_int_equal(queue_retry(q, queue_id((struct id){ 1000u << 16, 1 }, 1, "a"), 200 * SEC, 900 * SEC), 1);
	assert_int_equal(queue_retry(q, (struct id){ 1, 1 }, 200 * SEC, 900 * SEC), 0);
	assert_int_equal(queue_commit(q), 0);
	assert_int_equal(queue_expire(q, 300 * SEC, 300 * SEC), 1); /* the other one */
	struct queue_row row;
	assert_int_equal(queue_due(q, "a", 300 * SEC, 1, &row), 1);
	queue_row_release(&row);
	check_sums(q, "a");
	queue_close(q);
}

static void test_bound(void **state)
{
	(void)state;
	struct queue *q = open_queue(10);
	struct queue_totals t;
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(add(q, i, "a", SEC), QUEUE_ADDED);
	for (unsigned i = 10; i < 15; i++)
		assert_int_equal(add(q, i, "a", SEC), QUEUE_COALESCED);
	assert_int_equal(add(q, 1, "b", SEC), QUEUE_ADDED); /* another recipient has its own bound */
	queue_totals(q, "a", &t);
	assert_int_equal(t.coalesced, 5);
	assert_int_equal(t.rows[DLV_SUPPRESSED], 1);
	check_sums(q, "a");

	/* What is finished makes room: sent ones first, dead ones last. */
	for (int i = 0; i < 4; i++) {
		struct id id = start_one(q, "a", SEC);
		finish(q, id, i < 2 ? DLV_DEAD : DLV_SENT, 0, false, SEC);
	}
	for (unsigned i = 20; i < 24; i++)
		assert_int_equal(add(q, i, "a", SEC), QUEUE_ADDED);
	assert_int_equal(add(q, 24, "a", SEC), QUEUE_COALESCED);
	queue_totals(q, "a", &t);
	assert_int_equal(t.dropped, 2);
	assert_int_equal(t.sent, 2);
	assert_int_equal(t.rows[DLV_SENT] + t.rows[DLV_DEAD], 0);
	check_sums(q, "a");
	queue_close(q);
	q = open_queue(10);
	check_sums(q, "a");
	queue_close(q);
}

struct seen {
	unsigned n, suppressed;
	uint64_t last;
};

static bool see(void *arg, const struct r_delivery *d, const char *base, uint64_t position)
{
	struct seen *s = arg;
	assert_true(str_eq(base, d->delivery.recipient, "a"));
	assert_true(str_eq(base, d->delivery.check, "scan"));
	if (s->last)
		assert_true(position < s->last);
	s->last = position;
	s->n++;
	if (d->delivery.state == DLV_SUPPRESSED) {
		s->suppressed++;
		assert_int_equal(memcmp(str_ptr(base, d->delivery.error), "2 alerts", 8), 0);
	}
	return s->n != 100;
}

static void test_list(void **state)
{
	(void)state;
	struct queue *q = open_queue(300);
	struct seen s = { 0 };
	for (unsigned i = 0; i < 302; i++)
		add(q, i, "a", SEC);
	assert_int_equal(queue_list(q, 0, see, &s), 0);
	assert_int_equal(s.n, 100);
	s.n = 101;
	assert_int_equal(queue_list(q, s.last, see, &s), 0);
	assert_int_equal(s.n, 101 + 201);
	assert_int_equal(s.suppressed, 1);

	struct id id = queue_id((struct id){ 1000u << 16, 7 }, 1, "a");
	assert_int_equal(queue_begin(q), 0);
	assert_int_equal(queue_drop(q, id), 1);
	assert_int_equal(queue_drop(q, id), 0);
	assert_int_equal(queue_commit(q), 0);
	check_sums(q, "a");
	queue_close(q);
}

static void test_backoff(void **state)
{
	(void)state;
	struct id id = { 1, 2 };
	uint64_t before = 0;
	for (uint32_t n = 1; n < 8; n++) {
		uint64_t w = queue_backoff(id, n, SEC, 60 * SEC), nominal = SEC << (n - 1);
		if (nominal > 60 * SEC)
			nominal = 60 * SEC;
		assert_true(w >= nominal - nominal / 4 && w <= nominal + nominal / 4);
		assert_int_equal(w, queue_backoff(id, n, SEC, 60 * SEC)); /* the same in every run */
		before = w;
	}
	assert_true(queue_backoff(id, 4000000000u, SEC, 60 * SEC) <= 75 * SEC);
	assert_int_not_equal(before, queue_backoff((struct id){ 1, 3 }, 7, SEC, 60 * SEC));
	assert_true(queue_backoff(id, 5, 0, 0) <= 1);
	assert_true(queue_backoff(id, 60, UINT64_MAX / 2, UINT64_MAX) > 0);
}

static void test_refused(void **state)
{
	(void)state;
	struct buf err = { 0 };
	FILE *fp = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("this is no database ", fp);
	fclose(fp);
	assert_null(queue_open(path, 10, &err));
	assert_non_null(strstr(buf_cstr(&err), path));
	clear(NULL);
	buf_reset(&err);
	assert_null(queue_open("/nonexistent/dir/q.db", 10, &err));
	assert_true(err.len > 0);
	buf_release(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_life, clear),   cmocka_unit_test_teardown(test_silenced, clear),
		cmocka_unit_test_teardown(test_set_back, clear),
		cmocka_unit_test_teardown(test_ahead_for_a_while, clear),
		cmocka_unit_test_teardown(test_recover, clear),
		cmocka_unit_test_teardown(test_expire, clear), cmocka_unit_test_teardown(test_bound, clear),
		cmocka_unit_test_teardown(test_list, clear),   cmocka_unit_test(test_backoff),
		cmocka_unit_test_teardown(test_refused, clear),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

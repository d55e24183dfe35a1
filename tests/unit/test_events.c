#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apid/events.h"
#include "codec.h"

#define EPOCH 0x1122334455667788u

static void add_alert(struct events *e, uint64_t seq, enum severity severity)
{
	struct r_alert a = { 0 };
	struct buf b = { 0 };
	a.alert.id = (struct id){ 1, seq };
	a.alert.severity = (uint8_t)severity;
	codec_pack(&b, R_ALERT, &a, NULL);
	events_add(e, TOPIC_ALERTS, seq, "alert.raised", b.p, b.len);
	buf_release(&b);
}

static void add_flow(struct events *e, uint64_t seq)
{
	struct r_flow f = { 0 };
	struct buf b = { 0 };
	f.key.id = (struct id){ 2, seq };
	codec_pack(&b, R_FLOW, &f, NULL);
	events_add(e, TOPIC_FLOWS, seq, "flow.end", b.p, b.len);
	buf_release(&b);
}

static struct events_client *join(struct events *e, unsigned topics, const struct events_place *since, bool ndjson)
{
	struct match *none[N_TOPICS] = { NULL };
	struct events_client *c = events_join(e, topics, none, since, ndjson);
	assert_non_null(c);
	return c;
}

/* What a client reads: events, gaps, records lost in gaps, and the id it would come back with. */
struct seen {
	unsigned events, gaps, unknown;
	uint64_t lost, first, last;
	struct events_place place;
};

static void read_event(struct seen *s, json_t *ev)
{
	json_t *data = json_object_get(ev, "data");
	const char *name = json_string_value(json_object_get(ev, "event"));
	assert_true(events_parse(json_string_value(json_object_get(ev, "id")), &s->place));
	if (strcmp(name, "gap") == 0) {
		s->gaps++;
		s->lost += (uint64_t)json_integer_value(json_object_get(data, "lost"));
		s->unknown += json_is_null(json_object_get(data, "lost"));
		return;
	}
	struct id id;
	const char *text = json_string_value(json_object_get(data, "id"));
	assert_int_equal(id_parse(text, strlen(text), &id), 0);
	s->last = id.lo;
	if (s->events++ == 0)
		s->first = id.lo;
}

static struct seen read_all(struct events_client *c)
{
	struct seen s = { 0 };
	struct buf out = { 0 };
	while (events_pending(c)) {
		buf_reset(&out);
		events_pull(c, &out);
		char *save = NULL;
		for (char *line = strtok_r((char *)buf_cstr(&out), "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
			assert_non_null(j);
			read_event(&s, j);
			json_decref(j);
		}
	}
	buf_release(&out);
	return s;
}

static void test_places(void **state)
{
	(void)state;
	struct events_place p = { { { 1, 2 }, { 0xffffffff, UINT64_MAX }, { 3, 0 } } }, q;
	char text[EVENTS_ID];
	assert_true(events_parse(events_print(&p, text), &q));
	for (int t = 0; t < N_TOPICS; t++) {
		assert_int_equal(p.at[t].epoch, q.at[t].epoch);
		assert_int_equal(p.at[t].seq, q.at[t].seq);
	}
	static const char *const bad[] = { "", "0", "5", "1-", "1-00000001.1", "1-00000001.1-00000001.1", "2-00000001.1-00000001.1-00000001.1",
					   "1-00000001.1-00000001.1-00000001.1-", "1-00000001.1-00000001.1-00000001.",
					   "1-0000001.1-00000001.1-00000001.1", "1-00000001.-1-00000001.1-00000001.1",
					   "1-00000001.1-00000001.1-00000001.1x" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (events_parse(bad[i], &q))
			fail_msg("'%s' was taken", bad[i]);
}

static void test_live(void **state)
{
	(void)state;
	struct events *e = events_new(100, 1 << 20);
	events_begin(e, TOPIC_ALERTS, EPOCH, 1);
	events_begin(e, TOPIC_FLOWS, EPOCH + 1, 1);
	add_alert(e, 1, SEV_ERROR);
	struct events_client *c = join(e, 1u << TOPIC_ALERTS, NULL, true);
	struct seen s = read_all(c);
	assert_int_equal(s.events, 0); /* only what is new */
	add_alert(e, 3, SEV_ERROR);
	add_flow(e, 4); /* another topic */
	add_alert(e, 5, SEV_ERROR);
	s = read_all(c);
	assert_int_equal(s.events, 2);
	assert_int_equal(s.gaps, 0);
	assert_int_equal(s.first, 3);
	assert_false(events_pending(c));
	events_leave(c);

	/* Comes back with the id of the event before the last. */
	struct events_place since = s.place;
	since.at[TOPIC_ALERTS].seq = 3;
	c = join(e, 1u << TOPIC_ALERTS | 1u << TOPIC_FLOWS, &since, true);
	s = read_all(c);
	assert_int_equal(s.gaps, 0);
	assert_int_equal(s.events, 2); /* alert 5, and the flow: it had not asked for flows, so its id names where it joined */
	events_leave(c);
	since = (struct events_place){ 0 };
	c = join(e, 1u << TOPIC_ALERTS | 1u << TOPIC_FLOWS, &since, true);
	s = read_all(c);
	assert_int_equal(s.events, 4); /* all that is held */
	assert_int_equal(s.gaps, 0);
	events_leave(c);
	assert_int_equal(events_clients(e), 0);
	events_free(e);
}

static void test_gaps(void **state)
{
	(void)state;
	struct events *e = events_new(10, 1 << 20);
	events_begin(e, TOPIC_ALERTS, EPOCH, 1);
	add_alert(e, 1, SEV_ERROR);
	struct events_client *slow = join(e, 1u << TOPIC_ALERTS, &(struct events_place){ 0 }, true);
	struct seen s = read_all(slow);
	assert_int_equal(s.last, 1);
	struct events_place since = s.place;
	for (uint64_t i = 2; i <= 31; i++)
		add_alert(e, i, SEV_ERROR);
	s = read_all(slow); /* fell behind: told, goes on */
	assert_int_equal(s.gaps, 1);
	assert_int_equal(s.lost, 20);
	assert_int_equal(s.events, 10);
	assert_int_equal(s.first, 22);
	struct events_client *back = join(e, 1u << TOPIC_ALERTS, &since, true);
	s = read_all(back); /* comes back too late: told */
	assert_int_equal(s.gaps, 1);
	assert_int_equal(s.lost, 20);
	assert_int_equal(s.events, 10);

	/* Records were lost before they came here. */
	events_begin(e, TOPIC_ALERTS, EPOCH, 40);
	add_alert(e, 40, SEV_ERROR);
	s = read_all(back);
	assert_int_equal(s.gaps, 1);
	assert_int_equal(s.lost, 8);
	assert_int_equal(s.events, 1);

	/* Another run of the source. */
	events_begin(e, TOPIC_ALERTS, EPOCH + 7, 1);
	add_alert(e, 1, SEV_ERROR);
	s = read_all(back);
	assert_int_equal(s.unknown, 1);
	assert_int_equal(s.events, 1);
	events_leave(slow);
	events_leave(back);
	back = join(e, 1u << TOPIC_ALERTS, &since, true);
	s = read_all(back);
	assert_int_equal(s.unknown, 1);
	assert_int_equal(s.events, 1);
	events_leave(back);
	events_free(e);
}

/* This process was started again: the stream is read anew, the ids hold. */
static void test_restart(void **state)
{
	(void)state;
	struct events *e = events_new(100, 1 << 20);
	events_begin(e, TOPIC_ALERTS, EPOCH, 1);
	for (uint64_t i = 1; i <= 20; i++)
		add_alert(e, i, SEV_ERROR);
	struct events_client *c = join(e, 1u << TOPIC_ALERTS, &(struct events_place){ 0 }, true);
	struct seen s = read_all(c);
	struct events_place since = s.place;
	events_leave(c);
	events_free(e);

	e = events_new(100, 1 << 20);
	c = join(e, 1u << TOPIC_ALERTS, &since, true); /* even before the stream is there */
	s = read_all(c);
	assert_int_equal(s.events, 0);
	events_begin(e, TOPIC_ALERTS, EPOCH, 11); /* the producer holds from 11 on */
	for (uint64_t i = 11; i <= 25; i++)
		add_alert(e, i, SEV_ERROR);
	s = read_all(c);
	assert_int_equal(s.events, 5);
	assert_int_equal(s.first, 21);
	assert_int_equal(s.gaps, 0);
	events_leave(c);
	since.at[TOPIC_ALERTS].seq = 5;
	c = join(e, 1u << TOPIC_ALERTS, &since, true);
	s = read_all(c);
	assert_int_equal(s.lost, 5);
	assert_int_equal(s.first, 11);
	events_leave(c);
	events_free(e);
}

static void test_filter(void **state)
{
	(void)state;
	struct events *e = events_new(5000, 1 << 24);
	struct match_error me;
	struct match *filter[N_TOPICS] = { match_parse("severity >= error", R_ALERT, &me) };
	events_begin(e, TOPIC_ALERTS, EPOCH, 1);
	for (uint64_t i = 1; i <= 4000; i++)
		add_alert(e, i, i == 3000 ? SEV_CRITICAL : SEV_NOTICE);
	struct events_client *c = events_join(e, 1u << TOPIC_ALERTS, filter, &(struct events_place){ 0 }, true);
	struct seen s = read_all(c);
	assert_int_equal(s.events, 1);
	assert_int_equal(s.first, 3000);
	events_leave(c);
	events_free(e);
}

static void test_sse(void **state)
{
	(void)state;
	struct events *e = events_new(10, 1 << 20);
	struct buf out = { 0 };
	events_begin(e, TOPIC_ALERTS, EPOCH, 7);
	struct events_client *c = join(e, 1u << TOPIC_ALERTS, NULL, false);
	events_pull(c, &out);
	assert_string_equal(buf_cstr(&out), "retry: 3000\n\n");
	assert_false(events_pending(c));
	add_alert(e, 7, SEV_ERROR);
	buf_reset(&out);
	events_pull(c, &out);
	assert_int_equal(strncmp(buf_cstr(&out), "id: 1-", 6), 0);
	assert_non_null(strstr(out.p, "\nevent: alert.raised\ndata: {\"id\":\""));
	assert_string_equal(out.p + out.len - 3, "}\n\n");
	events_comment(c);
	buf_reset(&out);
	events_pull(c, &out);
	assert_string_equal(buf_cstr(&out), ": \n\n");
	events_leave(c);
	events_free(e);
	buf_release(&out);
}

static void test_bounds(void **state)
{
	(void)state;
	struct events *e = events_new(1000, 2000);
	events_begin(e, TOPIC_ALERTS, EPOCH, 1);
	for (uint64_t i = 1; i <= 500; i++)
		add_alert(e, i, SEV_ERROR);
	struct events_client *c = join(e, 1u << TOPIC_ALERTS, &(struct events_place){ 0 }, true);
	struct seen s = read_all(c);
	assert_true(s.events > 5 && s.events < 200); /* 2000 bytes of records */
	assert_int_equal(s.last, 500);
	struct events_client *more[200];
	size_t n = 0;
	struct match *none[N_TOPICS] = { NULL };
	while (n < 200 && (more[n] = events_join(e, 1, none, NULL, true)))
		n++;
	assert_true(n < 200);
	while (n)
		events_leave(more[--n]);
	events_leave(c);
	events_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_places), cmocka_unit_test(test_live),   cmocka_unit_test(test_gaps),
					    cmocka_unit_test(test_restart), cmocka_unit_test(test_filter), cmocka_unit_test(test_sse),
					    cmocka_unit_test(test_bounds) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The table of hosts is full, and more and more of them come. */
#include "lab.h"

#define MOST 500

/* What the history says of hosts. */
static struct {
	unsigned over;  /* hosts told for the last time */
	uint64_t bytes; /* that those had received */
} told;

static void on_history(void *arg, const char *rec, size_t len)
{
	struct codec_reader r = { .base = rec, .len = len };
	struct r_host h;
	(void)arg;
	if (codec_peek(&r) != R_HOST)
		return;
	assert_int_equal(codec_read(&r, &h), 1);
	told.over += h.host.final;
	told.bytes += h.host.final ? h.host.bytes_rcvd : 0;
}

static void open_small(struct lab *l)
{
	static const struct engine_ops ops = { lab_on_alert, on_history };
	static const char text[] = "sensors: {s: {file: x}}\nlua: {enabled: no}\nnetworks: {local: [10.0.0.0/8]}\n"
				   "limits: {hosts: 500, flows: 1000}\n"
				   "rules: {much: {entity: host, match: 'host = 10.9.9.9', value: bytes_rcvd, above: 1, window: 1h}}\n";
	struct buf err = { 0 };
	memset(l, 0, sizeof *l);
	memset(&told, 0, sizeof told);
	l->t = topo_parse("lab", text, strlen(text), &err);
	if (!l->t)
		fail_msg("%s", buf_cstr(&err));
	buf_release(&err);
	l->e = engine_new(l->t, &ops, l);
}

static void on_metrics(void *engine, struct metrics *m)
{
	engine_metrics(engine, m);
}

static double metric(const struct lab *l, const char *name)
{
	struct metrics *m = metrics_new("checks");
	struct buf out = { 0 };
	struct r_metric r;
	double value = -1;
	metrics_source(m, on_metrics, l->e);
	metrics_pack(m, &out);
	struct codec_reader c = { .base = out.p, .len = out.len };
	while (codec_peek(&c) == R_METRIC && codec_read(&c, &r) == 1)
		if (str_eq(out.p, r.metric.name, name))
			value = r.metric.value;
	buf_release(&out);
	metrics_free(m);
	return value;
}

static void say(struct lab *l, double at, const char *client)
{
	struct lab_flow f = lab_flow(l, at);
	f.key.client = lab_addr(client);
	lab_run(&f);
}

static void say_number(struct lab *l, double at, unsigned i)
{
	char text[24];
	snprintf(text, sizeof text, "10.1.%u.%u", i / 250, 1 + i % 250);
	say(l, at, text);
}

/* Never more than the bound; each that makes room is told of a last time, with all that it had; who is heard of often stays. */
static void test_more_hosts_than_there_is_room_for(void **state)
{
	struct lab l;
	(void)state;
	open_small(&l);
	for (unsigned i = 0; i < 20000; i++) {
		say_number(&l, i * 0.01, i);
		if (i % 100 == 0) {
			say(&l, i * 0.01, "10.7.7.7");
			assert_in_range((uint64_t)metric(&l, "hosts"), 1, MOST);
		}
		if (i % 1000 == 0)
			lab_tick(&l, i * 0.01);
	}
	assert_int_equal((uint64_t)metric(&l, "hosts"), MOST);
	assert_int_equal((uint64_t)metric(&l, "hosts_max"), MOST);
	/* The server and 10.7.7.7 are among those that stayed. */
	assert_int_equal((uint64_t)metric(&l, "hosts_evicted"), 20000 - (MOST - 2));
	assert_int_equal(told.over, 20000 - (MOST - 2));
	assert_int_equal(told.bytes, 20000ull * (20000 - (MOST - 2)));
	engine_finish(l.e);
	assert_int_equal(told.over, 20000 + 2);
	lab_close(&l);
}

/* An alert of a host that makes room ends, and says why; it is never left open. */
static void test_alerts_of_who_makes_room(void **state)
{
	struct lab l;
	(void)state;
	open_small(&l);
	lab_tick(&l, 0);
	say(&l, 1, "10.9.9.9");
	lab_tick(&l, 61);
	assert_int_equal(lab_count(&l, "much", ACT_ENGAGE), 1);
	for (unsigned i = 0; i < 2 * MOST; i++)
		say_number(&l, 62, i);
	lab_tick(&l, 63);
	assert_int_equal(lab_count(&l, "much", ACT_RELEASE), 1);
	assert_int_equal(lab_last(&l, "much")->r.alert.release_cause, CAUSE_EVICTED);
	lab_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_more_hosts_than_there_is_room_for),
		cmocka_unit_test(test_alerts_of_who_makes_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

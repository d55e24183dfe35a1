/* Checks of flows: their golden tests, and what becomes of all that fired on one. */
#include "golden/golden.h"

static const struct goldens *const families[] = {
	&goldens_flow_device,
	&goldens_flow_dns,
	&goldens_flow_http,
	&goldens_flow_learned,
	&goldens_flow_lists,
	&goldens_flow_policy,
	&goldens_flow_scada,
	&goldens_flow_tcp,
	&goldens_flow_tls,
	&goldens_flow_traffic,
	NULL,
};

static void test_goldens(void **state)
{
	(void)state;
	golden_test(families);
}

/* Checks that need a database are tested in test_checks_place.c, which makes one up. */
static bool ours(const struct checkdef *d)
{
	return d->entity == ENT_FLOW && check_fns[d - checkdefs].flow &&
	       strcmp(d->key, "country_check") != 0 && strcmp(d->key, "ndpi_risky_asn") != 0;
}

static void test_all_have_one(void **state)
{
	(void)state;
	golden_complete(families, ours);
}

static void at_risk(struct lab *l, unsigned risk)
{
	struct lab_flow f = lab_flow(l, risk);
	f.app.risk_bits = 1ull << risk;
	lab_run(&f);
}

/* Each risk of nDPI raises its check, and that alone; not when it is off. */
static void test_risks(void **state)
{
	(void)state;
	struct lab l;
	lab_open(&l, "");
	for (unsigned risk = 1; risk <= 41; risk++) {
		at_risk(&l, risk);
		assert_int_equal(l.n, risk);
		assert_string_equal(l.alerts[risk - 1].key, checkdef_risk(risk)->key);
		assert_string_equal(l.alerts[risk - 1].all, checkdef_risk(risk)->key);
		assert_int_equal(l.alerts[risk - 1].r.alert.score, checkdef_risk(risk)->score);
	}
	lab_close(&l);
	struct buf off = {0};
	for (unsigned risk = 1; risk <= 41; risk++)
		buf_addf(&off, "%s%s: {enabled: no}", risk > 1 ? ", " : "", checkdef_risk(risk)->key);
	lab_open(&l, buf_cstr(&off));
	for (unsigned risk = 1; risk <= 41; risk++)
		at_risk(&l, risk);
	assert_int_equal(l.n, 0);
	lab_close(&l);
	buf_release(&off);
}

/* An ordinary flow is left alone, with every check on. */
static void test_ordinary(void **state)
{
	(void)state;
	struct lab l;
	struct buf all = {0};
	for (size_t i = 0; i < n_checkdefs; i++)
		buf_addf(&all, "%s%s: {enabled: yes}", i ? ", " : "", checkdefs[i].key);
	lab_open(&l, buf_cstr(&all));
	struct lab_flow f = lab_flow(&l, 1);
	lab_tick(&l, 0);
	lab_run(&f);
	engine_finish(l.e);
	for (size_t i = 0; i < l.n; i++)
		fail_msg("%s: %s", l.alerts[i].key, l.alerts[i].message);
	lab_close(&l);
	buf_release(&all);
}

/* Many names below one domain, long ones: a tunnel through many small flows. */
static void test_dns_names(void **state)
{
	(void)state;
	static const struct {
		unsigned names;
		const char *pad;
		bool raised;
	} runs[] = {{300, "abcdefghijklmnopqrstuvwxyz", true},
		    {60, "abcdefghijklmnopqrstuvwxyz", false},
		    {300, "", false}};
	for (size_t r = 0; r < 3; r++) {
		struct lab l;
		lab_open(&l, "dns_data_exfiltration: {names: 100, label: 15}");
		lab_tick(&l, 0);
		dns_tunnel(&l, runs[r].names, runs[r].pad);
		const struct lab_alert *a = lab_last(&l, "dns_data_exfiltration");
		assert_int_equal(a != NULL, runs[r].raised);
		assert_true(!a || strstr(a->message, " long names below tunnel.example"));
		lab_close(&l);
	}
}

/*
 * One alert per flow: the sum of the scores, the strongest check (the first of equals), and the
 * values of all that fired; severity from the sum. What the flow weighs on its hosts ends with it.
 */
static void test_alert_of_a_flow(void **state)
{
	(void)state;
	struct lab l;
	lab_open(&l, "zero_tcp_window: {count: 1}, long_lived: {duration: 60}");
	struct lab_flow f = lab_flow(&l, 1);
	f.lasts = 70;
	f.n.client_zwin = 5;
	f.app.risk_bits = 1ull << 6 | 1ull << 7; /* 100 each */
	lab_run(&f);
	const struct lab_alert *a = lab_last(&l, "tls_certificate_selfsigned");
	assert_non_null(a);
	assert_int_equal(l.n, 2); /* at detection, and in the periodic run */
	assert_int_equal(a->r.alert.revision, 2);
	assert_int_equal(a->r.alert.action, ACT_UPDATE);
	assert_int_equal(a->r.alert.score, 220);
	assert_int_equal(a->r.alert.client_score, 90 + 90 + 9 + 5);
	assert_int_equal(a->r.alert.severity, SEV_CRITICAL);
	assert_true(lab_has_line(a->all, "ndpi_tls_old_protocol_version") &&
		    lab_has_line(a->all, "zero_tcp_window"));
	assert_non_null(strstr(a->values, "risk=6"));
	assert_non_null(strstr(a->values, "zero_tcp_window.count=5\nzero_tcp_window.threshold=1"));
	assert_non_null(strstr(a->values, "long_lived.threshold=60"));
	lab_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_goldens),   cmocka_unit_test(test_all_have_one),
	    cmocka_unit_test(test_risks),     cmocka_unit_test(test_ordinary),
	    cmocka_unit_test(test_dns_names), cmocka_unit_test(test_alert_of_a_flow),
	};
	return cmocka_run_group_tests_name("checks_flow", tests, NULL, NULL);
}

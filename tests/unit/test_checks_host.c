/* Checks of hosts: their golden tests, and the life of an episode. */
#include "golden/host.h"

static const struct goldens *const families[] = {
	&goldens_host_contacts,
	&goldens_host_dhcp,
	&goldens_host_scan,
	&goldens_host_score,
	&goldens_host_volume,
	NULL,
};

static void test_goldens(void **state)
{
	(void)state;
	golden_test(families);
}

/* countries_contacts needs a database: test_checks_place.c makes one up. */
static bool ours(const struct checkdef *d)
{
	return d->entity == ENT_HOST && strcmp(d->key, "countries_contacts") != 0;
}

static void test_all_have_one(void **state)
{
	(void)state;
	golden_complete(families, ours);
}

/* The life of an episode: raised after two runs, told again when grown, kept within the band, ended
 * below it. */
static void test_life(void **state)
{
	(void)state;
	static const struct {
		unsigned packets;
		unsigned engaged, updated, released;
	} minutes[] = {{110, 0, 0, 0}, {90, 0, 0, 0},  {110, 0, 0, 0},
		       {110, 1, 0, 0}, {140, 1, 0, 0}, {170, 1, 1, 0},
		       {60, 1, 1, 0},  {50, 1, 1, 1},  {0, 1, 1, 1}};
	struct lab l;
	lab_open(
	    &l, "pkt_threshold: {enabled: no}, dns_traffic: {threshold: 100, after: 2, clear: 50}");
	lab_tick(&l, 0);
	for (size_t i = 0; i < sizeof minutes / sizeof *minutes; i++) {
		if (minutes[i].packets)
			carry(&l, (double)i * 60 + 1, minutes[i].packets, APP_DNS);
		lab_tick(&l, (double)i * 60 + 61);
		/* client and server each have theirs */
		assert_int_equal(lab_count(&l, "dns_traffic", ACT_ENGAGE), 2 * minutes[i].engaged);
		assert_int_equal(lab_count(&l, "dns_traffic", ACT_UPDATE), 2 * minutes[i].updated);
		assert_int_equal(lab_count(&l, "dns_traffic", ACT_RELEASE),
				 2 * minutes[i].released);
	}
	const struct lab_alert *a = lab_last(&l, "dns_traffic");
	assert_int_equal(a->r.alert.action, ACT_RELEASE);
	assert_int_equal(a->r.alert.revision, 3);
	assert_int_equal(a->r.alert.release_cause, CAUSE_CLEARED);
	assert_int_equal(a->r.alert.end - a->r.alert.time, 240 * SEC_NS);
	assert_non_null(strstr(a->values, "threshold=100\nduration=240"));
	lab_close(&l);
}

/* An engaged alert weighs on its host, as attacker or as victim, until it ends. */
static void test_score(void **state)
{
	(void)state;
	struct lab l;
	lab_open(&l, "syn_scan: {threshold: 50}, scan_detection: {enabled: no}, rx_only_host_scan: "
		     "{enabled: no}");
	lab_tick(&l, 0);
	attempts(&l, 60, false);
	lab_tick(&l, 61);
	assert_int_equal(lab_count(&l, "syn_scan", ACT_ENGAGE), 2);
	for (size_t i = 0; i < l.n; i++) {
		const struct r_alert *r = &l.alerts[i].r;
		bool attacker = addr_is_set(&r->alert.attacker);
		if (strcmp(l.alerts[i].key, "syn_scan") != 0)
			continue;
		assert_int_equal(r->alert.client_score, attacker ? 50 : 0);
		assert_int_equal(r->alert.server_score, attacker ? 0 : 50);
		assert_int_equal(attacker ? r->host.client_score : r->host.server_score, 50);
		assert_string_equal(l.alerts[i].who, attacker ? "10.0.0.1" : "10.0.0.2");
	}
	lab_tick(&l, 121);
	assert_int_equal(lab_count(&l, "syn_scan", ACT_RELEASE), 2);
	assert_int_equal(lab_last(&l, "syn_scan")->r.host.score, 0);
	lab_close(&l);
}

/* Each period tells of itself, with its own granularity. */
static void test_periods(void **state)
{
	(void)state;
	struct lab l;
	bool seen[PERIODS] = {false};
	lab_open(&l,
		 "host_traffic_volume: {minute: 1000, five_minutes: 1000, hour: 1000, day: 1000}");
	lab_tick(&l, 0);
	carry(&l, 1, 5000, APP_QUIC);
	lab_tick(&l, 86401);
	for (size_t i = 0; i < l.n; i++)
		for (unsigned p = 0; p < PERIODS; p++)
			seen[p] |=
			    strcmp(l.alerts[i].key, "host_traffic_volume") == 0 &&
			    l.alerts[i].r.alert.granularity == period_seconds((enum period)p);
	for (unsigned p = 0; p < PERIODS; p++)
		assert_true(seen[p]);
	lab_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_goldens), cmocka_unit_test(test_all_have_one),
	    cmocka_unit_test(test_life), cmocka_unit_test(test_score),
	    cmocka_unit_test(test_periods)};
	return cmocka_run_group_tests_name("checks_host", tests, NULL, NULL);
}

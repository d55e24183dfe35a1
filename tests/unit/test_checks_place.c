/* Checks of networks, sensors, MAC addresses and weir itself: their golden tests, and whom alerts are about. */
#include <unistd.h>

#include "checks/hll.h"
#include "checks/rows.h"
#include "golden/place.h"
#include "hash.h"
#include "scratch.h"

static const struct goldens *const families[] = {
	&goldens_place_iface,
	&goldens_place_mac,
	&goldens_place_net,
	&goldens_place_system,
	NULL,
};

static void test_goldens(void **state)
{
	(void)state;
	golden_test(families);
}

/* lua_check_failing and lua_check_disabled are shown by the tests of scripts that fail. */
static bool ours(const struct checkdef *d)
{
	return d->entity != ENT_FLOW && d->entity != ENT_HOST && strncmp(d->key, "lua_check_", 10) != 0;
}

static void test_all_have_one(void **state)
{
	(void)state;
	golden_complete(families, ours);
}

/* What the alerts of each kind of thing are named after. */
static void test_entities(void **state)
{
	(void)state;
	struct lab l;
	lab_open(&l, "network_inner: {minute: 10}, sensor_input_failed: {}, ip_reassignment: {}, "
		     "dropped_alerts: {}");
	lab_tick(&l, 0);
	carry(&l, 1, "10.0.0.2", "10.0.0.1", 4000, 1001, APP_QUIC);
	arp(&l, 1, "10.0.0.1", 1, "10.0.0.2", 1);
	arp(&l, 2, "10.0.0.1", 2, "10.0.0.2", 1);
	struct engine_health h = {.kind = HEALTH_DROPPED, .process = "notify", .value = 1};
	engine_health(l.e, &h);
	struct g_sensor_count n = {.input_errors = 1};
	lab_tick_count(&l, 61, &n);
	static const struct {
		const char *key, *who;
		enum entity entity;
	} want[] = {{"network_inner", "10.0.0.0/8", ENT_NETWORK},
		    {"sensor_input_failed", "s", ENT_INTERFACE},
		    {"ip_reassignment", "02:00:00:00:00:02", ENT_MAC},
		    {"dropped_alerts", "weir", ENT_SYSTEM}};
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		const struct lab_alert *a = lab_last(&l, want[i].key);
		assert_non_null(a);
		assert_string_equal(a->who, want[i].who);
		assert_int_equal(a->r.alert.entity, want[i].entity);
	}
	assert_string_equal(lab_last(&l, "dropped_alerts")->message, "notify dropped 1 alerts in the minute");
	/* A minute later what was an episode has ended; what was an event has not begun one. */
	lab_tick_count(&l, 121, &n);
	assert_int_equal(lab_count(&l, "network_inner", ACT_RELEASE), 1);
	assert_int_equal(lab_count(&l, "sensor_input_failed", ACT_RELEASE), 1);
	assert_int_equal(lab_count(&l, "ip_reassignment", ACT_RELEASE), 0);
	assert_int_equal(lab_count(&l, "ip_reassignment", ACT_STORE), 1);
	lab_close(&l);
}

/* A script that ends with an error once a flow; the threshold is one in the minute. */
static void test_failing_script(void **state)
{
	(void)state;
	static const char script[] = "return {title = 'x', score = 10, on = 'end', flow = function(flow) error('no') end}\n";
	char dir[SCRATCH], path[64], lua[64];
	assert_non_null(scratch(dir, "lab"));
	snprintf(path, sizeof path, "%s/fails.lua", dir);
	snprintf(lua, sizeof lua, "paths: [%s]", dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(script, f);
	fclose(f);
	for (unsigned flows = 1; flows <= 2; flows++) {
		struct lab l;
		lab_open_lua(&l, "lua_check_failing: {threshold: 1}", lua);
		lab_tick(&l, 0);
		for (unsigned i = 0; i < flows; i++) {
			struct lab_flow x = lab_flow(&l, 1 + i);
			lab_run(&x);
		}
		lab_tick(&l, 61);
		assert_int_equal(lab_raised(&l, "lua_check_failing"), flows == 2);
		lab_close(&l);
	}
	unlink(path);
	rmdir(dir);
}

/* Hosts as a database would have filled them: the checks that go by country and autonomous system.
 */
static void test_places(void **state)
{
	(void)state;
	struct lab l;
	static struct conf c;
	struct host de = {.local = true, .place = {.country = "DE", .asn = 64500}},
		    fr = {.place = {.country = "FR"}};
	struct flow_view v = {.client = &fr, .server = &de};
	struct finding f;
	struct observation o;
	lab_open(&l, "country_check: {countries: [de, NL]}, ndpi_risky_asn: {asns: [1, 64500]}, "
		     "countries_contacts: {threshold: 20}");
	conf_init(&c, l.t);
	const struct check_conf *country = &c.checks[conf_index(&c, "country_check", ENT_FLOW)];
	const struct check_conf *asn = &c.checks[conf_index(&c, "ndpi_risky_asn", ENT_FLOW)];
	const struct check_conf *many = &c.checks[conf_index(&c, "countries_contacts", ENT_HOST)];
	assert_true(check_flow_country_check(&v, country, &f) &&
		    check_flow_ndpi_risky_asn(&v, asn, &f));
	v.server = &fr;
	assert_false(check_flow_country_check(&v, country, &f) ||
		     check_flow_ndpi_risky_asn(&v, asn, &f));
	for (uint64_t i = 0; i < 40; i++) {
		hll_add(de.asked.countries, HOST_NAMES, hash_content(&i, sizeof i, 0));
		if (i == 9)
			assert_false(check_host_countries_contacts(&de, PER_5MIN, many, &o));
	}
	assert_true(check_host_countries_contacts(&de, PER_5MIN, many, &o));
	conf_release(&c);
	lab_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_goldens), cmocka_unit_test(test_all_have_one),
	    cmocka_unit_test(test_entities), cmocka_unit_test(test_failing_script), cmocka_unit_test(test_places)};
	return cmocka_run_group_tests_name("checks_place", tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "apid/totals.h"
#include "codec.h"

static struct buf strs;

static struct str text(const char *s)
{
	return str_put(&strs, s, strlen(s), 99);
}

static struct r_flow flow(const char *app, uint64_t client, uint64_t server)
{
	struct r_flow f = { 0 };
	f.key.sensor = text("lan");
	f.key.proto = 6;
	f.app.app = text(app);
	f.n.client_bytes = client;
	f.n.server_bytes = server;
	f.judge.client_local = true;
	return f;
}

static void change(struct totals *t, const struct r_flow *before, const struct r_flow *now)
{
	const struct live_change c = { before, now, strs.p, strs.p };
	totals_flow(t, &c);
	totals_traffic(t, &c);
}

static double printed(const struct totals *t, const char *family, const char *label, const char *value)
{
	struct prom *p = prom_new();
	totals_print(t, p);
	double sum = prom_sum(p, family, label, value);
	prom_free(p);
	return sum;
}

static void test_growth(void **state)
{
	(void)state;
	struct totals *t = totals_new();
	struct r_flow a = flow("TLS", 100, 1000), b = flow("TLS", 150, 1700), less = flow("TLS", 90, 1700);
	change(t, NULL, &a);
	change(t, &a, &b);
	change(t, &b, &less); /* never backwards */
	change(t, &less, NULL);
	const struct totals_sensor *s = totals_sensor(t, "lan");
	assert_int_equal(s->sum.tx_bytes, 150);
	assert_int_equal(s->sum.rx_bytes, 1700);
	assert_int_equal(totals_sensor(t, "wan")->sum.rx_bytes, 0);
	assert_int_equal(printed(t, "weir_app_bytes", "app", "TLS"), 1850);
	assert_int_equal(printed(t, "weir_app_flows", "app", "TLS"), 1);
	assert_int_equal(printed(t, "weir_l4_bytes", "proto", "tcp"), 1850);
	totals_free(t);
}

static void test_locality(void **state)
{
	(void)state;
	struct totals *t = totals_new();
	struct r_flow out = flow("TLS", 1, 1), in = out, within, over;
	in.judge.client_local = false;
	in.judge.server_local = true;
	change(t, NULL, &out);
	change(t, NULL, &in);
	assert_int_equal(printed(t, "weir_flows_active", "locality", "local_to_remote"), 1);
	assert_int_equal(printed(t, "weir_flows_active", "locality", "remote_to_local"), 1);
	within = out;
	within.judge.server_local = true; /* as it turned out */
	change(t, &out, &within);
	assert_int_equal(printed(t, "weir_flows_active", "locality", "local_to_remote"), 0);
	assert_int_equal(printed(t, "weir_flows_active", "locality", "local"), 1);
	over = within;
	over.n.end_reason = END_FIN;
	change(t, &within, &over);
	assert_int_equal(printed(t, "weir_flows_active", "interface", "lan"), 1);
	totals_free(t);
}

static void test_names_are_bounded(void **state)
{
	(void)state;
	struct totals *t = totals_new();
	char name[16];
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof name, "app%d", i);
		struct r_flow f = flow(name, 1, 0);
		change(t, NULL, &f);
	}
	assert_int_equal(printed(t, "weir_app_flows", "interface", "lan"), 1000);
	assert_int_equal(printed(t, "weir_app_flows", "app", "app7"), 1);
	assert_int_equal(printed(t, "weir_app_flows", "app", "other"), 800);
	totals_free(t);
}

static void test_alerted(void **state)
{
	(void)state;
	struct totals *t = totals_new();
	struct r_flow a = flow("TLS", 1, 1), b = a, c = a;
	b.judge.score = 60;
	b.judge.severity = SEV_WARNING;
	c.judge.score = 160;
	c.judge.severity = SEV_ERROR;
	change(t, NULL, &a);
	change(t, &a, &b);
	assert_int_equal(totals_sensor(t, "lan")->alerted[1], 1);
	change(t, &b, &c);
	assert_int_equal(totals_sensor(t, "lan")->alerted[1], 0);
	assert_int_equal(totals_sensor(t, "lan")->alerted[2], 1);
	b = c;
	b.n.end_reason = END_FIN;
	change(t, &c, &b);
	assert_int_equal(totals_sensor(t, "lan")->alerted[2], 0);
	totals_free(t);
}

static void test_engaged(void **state)
{
	(void)state;
	struct totals *t = totals_new();
	struct r_alert a = { .alert = { .revision = 1, .action = ACT_ENGAGE, .entity = ENT_HOST, .severity = SEV_ERROR } };
	a.alert.sensor = text("lan");
	a.alert.check = text("syn_scan");
	/* Ids that fall upon the same place: those that are left are found when one goes. */
	for (uint64_t i = 0; i < 100; i++) {
		a.alert.id = (struct id){ i, 5 };
		totals_alert(t, &a, strs.p);
	}
	assert_int_equal(printed(t, "weir_alerts_engaged", "severity", "error"), 100);
	assert_int_equal(printed(t, "weir_alerts", "type", "syn_scan"), 100);
	a.alert.revision = 2;
	a.alert.severity = SEV_WARNING;
	a.alert.action = ACT_UPDATE;
	totals_alert(t, &a, strs.p);
	assert_int_equal(printed(t, "weir_alerts_engaged", "severity", "error"), 99);
	assert_int_equal(printed(t, "weir_alerts_engaged", "severity", "warning"), 1);
	a.alert.action = ACT_RELEASE;
	for (uint64_t i = 0; i < 100; i += 2) {
		a.alert.id = (struct id){ i, 5 };
		totals_alert(t, &a, strs.p);
		totals_alert(t, &a, strs.p); /* what is not engaged is not released */
	}
	assert_int_equal(totals_sensor(t, "lan")->engaged[2] + totals_sensor(t, "lan")->engaged[1], 50);
	assert_int_equal(printed(t, "weir_alerts", "type", "syn_scan"), 100);
	totals_no_engaged(t);
	assert_int_equal(totals_sensor(t, "lan")->engaged[2], 0);
	totals_free(t);
}

static void test_hosts_and_rates(void **state)
{
	(void)state;
	struct totals *t = totals_new();
	struct r_host h = { .host = { .local = true, .sensor = text("lan"), .mac = { { 2 } } } }, gone = h;
	gone.host.final = true;
	totals_host(t, &(struct live_change){ NULL, &h, strs.p, strs.p });
	assert_int_equal(totals_sensor(t, "lan")->local_hosts, 1);
	assert_int_equal(totals_sensor(t, "lan")->devices, 1);
	totals_host(t, &(struct live_change){ &h, &gone, strs.p, strs.p });
	totals_host(t, &(struct live_change){ &gone, NULL, strs.p, strs.p });
	assert_int_equal(totals_sensor(t, "lan")->local_hosts, 0);
	struct r_flow a = flow("TLS", 0, 0), b = a;
	for (uint64_t s = 1; s <= 100; s++) { /* 300 bytes a second */
		b.n.server_bytes = a.n.server_bytes + 600;
		change(t, &a, &b);
		a = b;
		totals_sample(t, s * 2000000000ull);
		assert_int_equal(totals_rate(totals_sensor(t, "lan"), 0).rx_bytes, s > 5 ? 300 : 0);
	}
	assert_int_equal(totals_rate(totals_sensor(t, "lan"), 29).rx_bytes, 300);
	assert_int_equal(totals_rate(totals_sensor(t, "lan"), TOTALS_SAMPLES).rx_bytes, 0);
	totals_free(t);
}

/* What the live view has is counted as it comes, changes and goes; nothing is left of it. */
static void test_live_view(void **state)
{
	(void)state;
	static const struct totals_live empty;
	struct totals *t = totals_new();
	struct r_flow a = flow("TLS", 100, 1000), ended = flow("TLS", 300, 3000);
	struct r_host h = { .host = { .local = true, .sensor = text("lan"), .mac = { { 2 } }, .engaged = text("syn_scan") } }, other = h;
	ended.n.end_reason = END_FIN;
	other.host.local = false;
	other.host.final = true;
	other.host.packets_sent = 1;
	change(t, NULL, &a);
	totals_host(t, &(struct live_change){ NULL, &h, strs.p, strs.p });
	const struct totals_live *v = &totals_sensor(t, "lan")->live;
	const struct totals_live first = { .hosts = 1, .local = 1, .devices = 1, .receivers = 1, .local_receivers = 1, .anomalies = 1,
					   .local2remote = 100, .remote2local = 1000, .flows = 1, .flows_by = { [1] = { 1, 0 } } };
	assert_memory_equal(v, &first, sizeof first);
	change(t, &a, &ended);
	totals_host(t, &(struct live_change){ &h, &other, strs.p, strs.p });
	const struct totals_live then = { .hosts = 1, .devices = 1, .remote_anomalies = 1, .local2remote = 300, .remote2local = 3000 };
	assert_memory_equal(v, &then, sizeof then);
	change(t, &ended, NULL);
	totals_host(t, &(struct live_change){ &other, NULL, strs.p, strs.p });
	assert_memory_equal(v, &empty, sizeof empty);
	change(t, NULL, &a);
	totals_clear_live(t);
	assert_memory_equal(v, &empty, sizeof empty);
	totals_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_growth), cmocka_unit_test(test_locality),
					    cmocka_unit_test(test_names_are_bounded),
					    cmocka_unit_test(test_alerted), cmocka_unit_test(test_engaged),
					    cmocka_unit_test(test_hosts_and_rates), cmocka_unit_test(test_live_view) };
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	buf_release(&strs);
	return rc;
}

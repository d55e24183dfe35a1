/* Golden tests of the checks of networks, sensors, MAC addresses and weir itself. */
#include "lab.h"

#include <unistd.h>

#include "checks/hll.h"
#include "checks/rows.h"
#include "hash.h"
#include "scratch.h"

/* -- local networks -- */

static void into(struct lab *l, unsigned n, double gap, bool answered, uint32_t syns)
{
	for (unsigned i = 0; i < n; i++) {
		struct lab_flow f = lab_flow(l, 1 + i * gap);
		f.key.client = lab_addr("192.0.2.1");
		f.key.server = lab_addr("10.0.0.2");
		f.key.server_port = (uint16_t)(i + 1);
		f.lasts = 0;
		f.n.client_syns = syns;
		if (!answered)
			f.n.server_flags = 0;
		lab_run(&f);
	}
}

HIT(flow_flood_victim)
{
	into(l, 31, 0.01, true, 1);
}
MISS(flow_flood_victim)
{
	into(l, 60, 0.05, true, 1);
}
HIT(syn_scan_victim)
{
	into(l, 31, 0.1, false, 1);
}
MISS(syn_scan_victim)
{
	into(l, 30, 0.1, false, 1);
	into(l, 9, 0.1, true, 1);
}
HIT(syn_flood_victim)
{
	into(l, 7, 0.1, true, 5);
}
MISS(syn_flood_victim)
{
	into(l, 6, 0.1, true, 5);
}

static void lossy(struct lab *l, uint32_t lost)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_packets = f.n.server_packets = 1000;
	f.n.server_lost = lost;
	lab_run(&f);
}

HIT(network_issues)
{
	lossy(l, 201);
}
MISS(network_issues)
{
	lossy(l, 200);
}

/* Open flows with a risk of 100 between two local hosts. */
static void weighed(struct lab *l, double at, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct lab_flow f = lab_flow(l, at);
		struct r_verdict v;
		f.key.server = lab_addr("10.0.0.2");
		v = (struct r_verdict){.key = f.key, .app = f.app};
		v.app.risk_bits = 1ull << 6;
		v.key.first = lab_time(at);
		lab_verdict(l, &v, &f.text);
		buf_release(&f.text);
	}
}

HIT(network_score_per_host)
{
	weighed(l, 1, 3);
	lab_tick(l, 61);
}
MISS(network_score_per_host)
{
	weighed(l, 1, 2);
	lab_tick(l, 61);
}

static void carry(struct lab *l, double at, const char *client, const char *server, uint64_t out,
		  uint64_t in, unsigned app)
{
	struct lab_flow f = lab_udp(l, at, app, 5000);
	f.key.client = lab_addr(client);
	f.key.server = lab_addr(server);
	f.n.client_bytes = out;
	f.n.server_bytes = in;
	lab_run(&f);
}

static void inwards(struct lab *l, double at, unsigned units, unsigned seconds)
{
	(void)seconds;
	carry(l, at, "192.0.2.1", "10.0.0.1", units * 100, 1, APP_QUIC);
}
ALL_PERIOD_RUNS(inwards)

static void outwards(struct lab *l, double at, unsigned units, unsigned seconds)
{
	(void)seconds;
	carry(l, at, "192.0.2.1", "10.0.0.1", 1, units * 100, APP_QUIC);
}
ALL_PERIOD_RUNS(outwards)

static void inside(struct lab *l, double at, unsigned units, unsigned seconds)
{
	(void)seconds;
	carry(l, at, "10.0.0.2", "10.0.0.1", units * 60, units * 40, APP_QUIC);
}
ALL_PERIOD_RUNS(inside)

/* What goes the other way is not counted. */
static void all_but_inwards(struct lab *l)
{
	carry(l, 1, "10.0.0.1", "192.0.2.1", 9000, 1000, APP_QUIC);
	carry(l, 1, "10.0.0.1", "10.0.0.2", 9000, 9000, APP_QUIC);
}

static void all_but_outwards(struct lab *l)
{
	carry(l, 1, "10.0.0.1", "192.0.2.1", 1000, 9000, APP_QUIC);
	carry(l, 1, "10.0.0.1", "10.0.0.2", 9000, 9000, APP_QUIC);
}

static void all_but_inside(struct lab *l)
{
	carry(l, 1, "10.0.0.1", "192.0.2.1", 9000, 9000, APP_QUIC);
}

static void megabytes(struct lab *l, double at, double size)
{
	carry(l, at, "10.0.0.1", "192.0.2.1", (uint64_t)(size * 1e6), 0, APP_QUIC);
}

HIT(network_traffic_behaviour)
{
	lab_steady(l, 50, megabytes);
}
MISS(network_traffic_behaviour)
{
	lab_steady(l, 6, megabytes);
}

/* The number of open flows that weigh 100 grows to this. */
static void heavier(struct lab *l, double at, double size)
{
	static unsigned open;
	open = at < 60 ? 0 : open; /* the first of a series */
	if ((unsigned)size > open)
		weighed(l, at, (unsigned)size - open);
	open = (unsigned)size > open ? (unsigned)size : open;
}

HIT(network_score_behaviour)
{
	lab_steady(l, 60, heavier);
}
MISS(network_score_behaviour)
{
	lab_steady(l, 6, heavier);
}

/* -- sensors -- */

static void minute(struct lab *l, struct g_sensor_count n)
{
	struct g_sensor_count none = {0};
	lab_tick_count(l, 1, &none);
	lab_tick_count(l, 61, &n);
}
#define COUNT(...) minute(l, (struct g_sensor_count){__VA_ARGS__})

HIT(too_many_drops)
{
	COUNT(.packets = 97, .kernel_drops = 3);
}
MISS(too_many_drops)
{
	COUNT(.packets = 98, .kernel_drops = 2);
}
HIT(sensor_blind)
{
	COUNT(.packets = 9, .shed_heads = 2, .shed_flows = 4);
}
MISS(sensor_blind)
{
	COUNT(.packets = 9, .shed_heads = 2, .shed_flows = 3);
}
HIT(sensor_input_failed)
{
	COUNT(.packets = 9, .input_errors = 1);
}
MISS(sensor_input_failed)
{
	COUNT(.packets = 9);
}
HIT(sensor_clock)
{
	COUNT(.packets = 9, .time_jump = 3, .time_regress = 3);
}
MISS(sensor_clock)
{
	COUNT(.packets = 9, .time_jump = 3, .time_regress = 2);
}
HIT(too_many_flows)
{
	COUNT(.packets = 9, .flows_evicted = 6);
}
MISS(too_many_flows)
{
	COUNT(.packets = 9, .flows_evicted = 5);
}
HIT(interface_throughput)
{
	COUNT(.packets = 9, .bytes = 39000000);
}
MISS(interface_throughput)
{
	COUNT(.packets = 9, .bytes = 37000000);
}
static void sensor_counts(struct lab *l, double at, unsigned units, unsigned seconds)
{
	(void)at;
	(void)seconds;
	l->count.bytes += units * 100;
	l->count.packets += units * 100;
}
ALL_PERIOD_RUNS(sensor_counts)

static void dns_bytes(struct lab *l, double at, unsigned units, unsigned seconds)
{
	(void)seconds;
	carry(l, at, "10.0.0.1", "192.0.2.1", units * 100, 0, APP_DNS);
}
ALL_PERIOD_RUNS(dns_bytes)

static void p2p_bytes(struct lab *l, double at, unsigned units, unsigned seconds)
{
	(void)seconds;
	carry(l, at, "10.0.0.1", "192.0.2.1", units * 100, 0, APP_BITTORRENT);
}
ALL_PERIOD_RUNS(p2p_bytes)

/* Minutes without a packet, after one with some. */
static void quiet(struct lab *l, unsigned minutes)
{
	struct g_sensor_count n = {.packets = 5};
	for (unsigned i = 0; i <= minutes; i++)
		lab_tick_count(l, 1 + i * 60, &n);
}

HIT(no_if_activity)
{
	quiet(l, 4);
}
MISS(no_if_activity)
{
	quiet(l, 2);
}

static void arp(struct lab *l, double at, const char *ip, uint8_t mac, const char *target,
		uint32_t packets)
{
	struct r_arp r = {.arp = {.op = 1,
				  .time = lab_time(at),
				  .packets = packets,
				  .sender_mac = {{2, 0, 0, 0, 0, mac}}}};
	r.arp.sender_ip = lab_addr(ip);
	r.arp.target_ip = lab_addr(target);
	r.arp.sensor = (struct str){0, 1};
	engine_arp(l->e, &r, "s");
}

HIT(ghost_networks)
{
	arp(l, 1, "172.16.9.1", 1, "172.16.9.2", 2);
	lab_tick(l, 61);
}
MISS(ghost_networks)
{
	arp(l, 1, "10.3.9.1", 1, "10.3.9.2", 2);
	arp(l, 1, "172.16.9.1", 1, "172.16.9.2", 1);
	lab_tick(l, 61);
}
HIT(arp_storm)
{
	arp(l, 1.1, "10.0.0.1", 1, "10.0.0.2", 60);
	arp(l, 1.2, "10.0.0.1", 1, "10.0.0.3", 50);
	lab_tick(l, 61);
}
MISS(arp_storm)
{
	arp(l, 1.1, "10.0.0.1", 1, "10.0.0.2", 60);
	arp(l, 2.2, "10.0.0.1", 1, "10.0.0.3", 50);
	lab_tick(l, 61);
}

static void dhcp(struct lab *l, unsigned n, double seconds)
{
	struct lab_flow f = lab_udp(l, 1, APP_DHCP, 67);
	f.n.client_packets = n;
	f.n.server_packets = 0;
	f.lasts = seconds;
	lab_run(&f);
	lab_tick(l, 121);
}

HIT(dhcp_storm)
{
	dhcp(l, 101, 1);
}
MISS(dhcp_storm)
{
	dhcp(l, 190, 2);
}

HIT(active_local_hosts)
{
	into(l, 1, 1, true, 1);
	carry(l, 2, "10.0.0.3", "10.0.0.4", 1, 1, APP_QUIC);
	lab_tick(l, 61);
}
MISS(active_local_hosts)
{
	into(l, 1, 1, true, 1);
	carry(l, 2, "10.0.0.2", "10.0.0.4", 1, 1, APP_QUIC);
	lab_tick(l, 61);
}

/* A sensor's own totals, five minutes apart. */
static void totals(struct lab *l, double last)
{
	struct g_sensor_count n = {0};
	for (int i = 0; i < 19; i++) {
		n.packets++;
		n.bytes += (uint64_t)((i == 18 ? last : 5 + i % 2) * 1e6);
		lab_tick_count(l, (i + 1) * 300 + 1, &n);
	}
}

HIT(traffic_behaviour)
{
	totals(l, 60);
}
MISS(traffic_behaviour)
{
	totals(l, 6);
}

static void earned(struct lab *l, double at, double size)
{
	weighed(l, at, (unsigned)size);
}

HIT(score_behaviour)
{
	lab_steady(l, 60, earned);
}
MISS(score_behaviour)
{
	lab_steady(l, 6, earned);
}

/* -- weir itself -- */

static void hosts(struct lab *l, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char a[20];
		snprintf(a, sizeof a, "10.1.%u.%u", i / 250, i % 250 + 1);
		carry(l, 1, a, "192.0.2.1", 1, 1, APP_QUIC);
	}
	lab_tick(l, 61);
}

HIT(too_many_hosts)
{
	hosts(l, 5005);
}
MISS(too_many_hosts)
{
	hosts(l, 4990);
}

HIT(not_purged)
{
	weighed(l, 1, 6);
	lab_tick(l, 361);
}
MISS(not_purged)
{
	weighed(l, 1, 5);
	weighed(l, 100, 5);
	lab_tick(l, 361);
}

static void health(struct lab *l, int kind, double value)
{
	struct engine_health h = {.process = "notify", .value = value};
	h.kind = kind;
	engine_health(l->e, &h);
	lab_tick(l, 61);
}

HIT(slow_consumer)
{
	health(l, HEALTH_FULL, 61);
}
MISS(slow_consumer)
{
	health(l, HEALTH_FULL, 60);
}
HIT(delivery_failing)
{
	health(l, HEALTH_FAILING, 4);
}
MISS(delivery_failing)
{
	health(l, HEALTH_FAILING, 3);
}
HIT(dropped_alerts)
{
	health(l, HEALTH_DROPPED, 1);
}
MISS(dropped_alerts)
{
	health(l, HEALTH_FAILING, 1);
}
HIT(system_error)
{
	health(l, HEALTH_SILENT, 3);
}
MISS(system_error)
{
	health(l, HEALTH_SILENT, 2);
}

static void crashed(struct lab *l, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct lab_flow f = lab_flow(l, 1);
		f.app.state = VERDICT_CRASHED;
		lab_run(&f);
	}
	lab_tick(l, 61);
}

HIT(poison_record)
{
	crashed(l, 3);
}
MISS(poison_record)
{
	crashed(l, 2);
}

/* -- MAC addresses -- */

HIT(ip_reassignment)
{
	arp(l, 1, "10.0.0.1", 1, "10.0.0.2", 1);
	arp(l, 2, "10.0.0.1", 2, "10.0.0.2", 1);
}
MISS(ip_reassignment)
{
	arp(l, 1, "10.0.0.9", 1, "10.0.0.2", 1);
	arp(l, 2, "10.0.0.9", 2, "10.0.0.2", 1);
	arp(l, 3, "10.0.0.3", 1, "10.0.0.2", 1);
	arp(l, 4, "10.0.0.3", 1, "10.0.0.2", 1);
}
HIT(broadcast_domain_too_large)
{
	arp(l, 1, "10.0.0.1", 1, "10.1.0.2", 1);
}
MISS(broadcast_domain_too_large)
{
	arp(l, 1, "10.0.0.1", 1, "10.0.255.2", 1);
	arp(l, 1, "169.254.0.1", 1, "10.0.255.2", 1);
}
HIT(device_connection_disconnection)
{
	arp(l, 1, "10.0.0.1", 3, "10.0.0.2", 1);
	lab_tick(l, 61);
}
MISS(device_connection_disconnection)
{
	arp(l, 1, "10.0.0.1", 2, "10.0.0.2", 1);
	lab_tick(l, 61);
}
HIT(unexpected_new_device)
{
	arp(l, 1, "10.0.0.1", 1, "10.0.0.2", 1);
	into(l, 1, 1, true, 1);
	arp(l, 200, "10.0.0.3", 3, "10.0.0.2", 1);
}
MISS(unexpected_new_device)
{
	arp(l, 1, "10.0.0.1", 1, "10.0.0.2", 1);
	arp(l, 100, "10.0.0.3", 3, "10.0.0.2", 1);
	into(l, 100, 1, true, 1);
	arp(l, 200, "10.0.0.1", 1, "10.0.0.2", 1);
}

/* -- other parameters -- */

static void network_losses(struct lab *l, unsigned packets, uint32_t retrans, uint32_t ooo)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_packets = f.n.server_packets = packets / 2;
	f.n.server_retrans = retrans;
	f.n.server_ooo = ooo;
	lab_run(&f);
}

static void many_repeated(struct lab *l)
{
	network_losses(l, 2000, 201, 0);
}

static void some_repeated(struct lab *l)
{
	network_losses(l, 2000, 200, 0);
}

static void many_out_of_order(struct lab *l)
{
	network_losses(l, 2000, 0, 201);
}

static void some_out_of_order(struct lab *l)
{
	network_losses(l, 2000, 0, 200);
}

static void enough_packets(struct lab *l)
{
	network_losses(l, 100, 50, 0);
}

static void few_packets(struct lab *l)
{
	network_losses(l, 98, 50, 0);
}

static void to_eight_megabytes(struct lab *l)
{
	lab_steady(l, 8.1, megabytes);
}

static void to_seven_megabytes(struct lab *l)
{
	lab_steady(l, 7.9, megabytes);
}

static void open_scores_to_41(struct lab *l)
{
	lab_steady(l, 41, heavier);
}

static void open_scores_to_40(struct lab *l)
{
	lab_steady(l, 40, heavier);
}

static void earned_scores_to_41(struct lab *l)
{
	lab_steady(l, 41, earned);
}

static void earned_scores_to_40(struct lab *l)
{
	lab_steady(l, 40, earned);
}

static void total_of_41(struct lab *l)
{
	totals(l, 41);
}

static void total_of_39(struct lab *l)
{
	totals(l, 39);
}

static void device_is_there(struct lab *l)
{
	arp(l, 1, "10.0.0.1", 3, "10.0.0.2", 1);
	lab_tick(l, 120);
}

static void device_was_there(struct lab *l)
{
	arp(l, 1, "10.0.0.1", 3, "10.0.0.2", 1);
	lab_tick(l, 122);
}

static void most_hosts(struct lab *l)
{
	hosts(l, 5020);
}

static void some_hosts(struct lab *l)
{
	hosts(l, 5008);
}

static void six_dropped(struct lab *l)
{
	health(l, HEALTH_DROPPED, 6);
}

static void five_dropped(struct lab *l)
{
	health(l, HEALTH_DROPPED, 5);
}

static const struct golden goldens[] = {
    PERIOD_GOLDENS(network_ingress, inwards, "1000"),
    PERIOD_GOLDENS(network_egress, outwards, "1000"),
    PERIOD_GOLDENS(network_inner, inside, "1000"),
    PARAM(network_ingress, "minute: 1000", inwards_in_a_minute, all_but_inwards),
    PARAM(network_egress, "minute: 1000", outwards_in_a_minute, all_but_outwards),
    PARAM(network_inner, "minute: 1000", inside_in_a_minute, all_but_inside),
    PERIOD_GOLDENS(interface_traffic, sensor_counts, "1000"),
    PERIOD_GOLDENS(interface_packets, sensor_counts, "1000"),
    PERIOD_GOLDENS(interface_dns_traffic, dns_bytes, "1000"),
    PERIOD_GOLDENS(interface_p2p_traffic, p2p_bytes, "1000"),
    PARAM(interface_p2p_traffic, "minute: 1000", p2p_bytes_in_a_minute, dns_bytes_in_a_minute),
    PARAM(network_issues, "retransmissions: 10", many_repeated, some_repeated),
    PARAM(network_issues, "out_of_order: 10", many_out_of_order, some_out_of_order),
    PARAM(network_issues, "packets: 100", enough_packets, few_packets),
    PARAM(network_traffic_behaviour, "learning: 10, floor: 8000000", to_eight_megabytes, to_seven_megabytes),
    PARAM(network_score_behaviour, "learning: 10, floor: 4000", open_scores_to_41, open_scores_to_40),
    PARAM(traffic_behaviour, "learning: 10, floor: 40000000", total_of_41, total_of_39),
    PARAM(score_behaviour, "learning: 10, floor: 4000", earned_scores_to_41, earned_scores_to_40),
    PARAM(device_connection_disconnection, "idle: 120, allowed: [\"02:00:00:00:00:02\"]", device_is_there,
	  device_was_there),
    PARAM(too_many_hosts, "threshold: 15", most_hosts, some_hosts),
    PARAM(dropped_alerts, "threshold: 5", six_dropped, five_dropped),
    GOLDEN(flow_flood_victim, "threshold: 30"),
    GOLDEN(syn_scan_victim, "threshold: 30"),
    GOLDEN(syn_flood_victim, "threshold: 30"),
    GOLDEN(network_issues, "lost: 10"),
    GOLDEN(network_score_per_host, "threshold: 100"),
    GOLDEN(network_traffic_behaviour, "learning: 10"),
    GOLDEN(network_score_behaviour, "learning: 10"),
    GOLDEN(too_many_drops, "threshold: 2"),
    GOLDEN(sensor_blind, "threshold: 5"),
    GOLDEN(sensor_input_failed, ""),
    GOLDEN(no_if_activity, "minutes: 2"),
    GOLDEN(sensor_clock, "threshold: 5"),
    GOLDEN(ghost_networks, "threshold: 1"),
    GOLDEN(dhcp_storm, "threshold: 100"),
    GOLDEN(arp_storm, "threshold: 100"),
    GOLDEN(interface_throughput, "threshold: 50, speed: 10"),
    GOLDEN(active_local_hosts, "threshold: 2"),
    GOLDEN(too_many_flows, "threshold: 5"),
    GOLDEN(traffic_behaviour, "learning: 10"),
    GOLDEN(score_behaviour, "learning: 10"),
    GOLDEN(too_many_hosts, ""),
    GOLDEN(not_purged, "silence: 5m, threshold: 5"),
    GOLDEN(slow_consumer, "threshold: 60"),
    GOLDEN(delivery_failing, "threshold: 3"),
    GOLDEN(dropped_alerts, ""),
    GOLDEN(poison_record, "threshold: 2"),
    GOLDEN(system_error, "minutes: 2"),
    GOLDEN(ip_reassignment, "except: [10.0.0.9]"),
    GOLDEN(broadcast_domain_too_large, ""),
    GOLDEN(device_connection_disconnection, "allowed: [\"02:00:00:00:00:02\"]"),
    GOLDEN(unexpected_new_device, "learning: 2m"),
};

static void test_goldens(void **state)
{
	(void)state;
	golden_test(goldens, sizeof goldens / sizeof *goldens);
}

/* lua_check_failing and lua_check_disabled are shown by the tests of scripts that fail. */
static bool ours(const struct checkdef *d)
{
	return d->entity != ENT_FLOW && d->entity != ENT_HOST && strncmp(d->key, "lua_check_", 10) != 0;
}

static void test_all_have_one(void **state)
{
	(void)state;
	golden_complete(goldens, sizeof goldens / sizeof *goldens, ours);
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

/* Golden tests of checks/iface_checks.c. */
#include "place.h"

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

static const struct golden table[] = {
    PERIOD_GOLDENS(interface_traffic, sensor_counts, "1000"),
    PERIOD_GOLDENS(interface_packets, sensor_counts, "1000"),
    PERIOD_GOLDENS(interface_dns_traffic, dns_bytes, "1000"),
    PERIOD_GOLDENS(interface_p2p_traffic, p2p_bytes, "1000"),
    PARAM(interface_p2p_traffic, "minute: 1000", p2p_bytes_in_a_minute, dns_bytes_in_a_minute),
    PARAM(traffic_behaviour, "learning: 10, floor: 40000000", total_of_41, total_of_39),
    PARAM(score_behaviour, "learning: 10, floor: 4000", earned_scores_to_41, earned_scores_to_40),
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
};
GOLDENS(place_iface, table);

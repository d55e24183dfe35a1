/* Golden tests of checks/host_volume.c. */
#include "host.h"

static void bytes(struct lab *l, double at, unsigned units, unsigned seconds)
{
	(void)seconds;
	carry(l, at, units * 100000ull, APP_QUIC);
}
ALL_PERIOD_RUNS(bytes)

static void mbits(struct lab *l, double at, unsigned units, unsigned seconds)
{
	carry(l, at, units * 1000000ull / 8 * seconds, APP_QUIC);
}
ALL_PERIOD_RUNS(mbits)

static void new_flows(struct lab *l, double at, unsigned units, unsigned seconds)
{
	(void)seconds;
	for (unsigned i = 0; i < units; i++)
		attempt(l, at + i * 0.1, "10.0.0.1", "10.0.0.2", 1000 + i, true);
}
ALL_PERIOD_RUNS(new_flows)

static void kilopackets(struct lab *l, double at, unsigned units, unsigned seconds)
{
	(void)seconds;
	carry(l, at, units * 1000000ull, APP_QUIC);
}
ALL_PERIOD_RUNS(kilopackets)

HIT(dns_traffic)
{
	carry(l, 1, 2001, APP_DNS);
}

MISS(dns_traffic)
{
	carry(l, 1, 2001, APP_NTP);
}

HIT(ntp_traffic)
{
	carry(l, 1, 2001, APP_NTP);
}

MISS(ntp_traffic)
{
	carry(l, 1, 2000, APP_NTP);
}

HIT(p2p_traffic)
{
	carry(l, 1, 2001, APP_BITTORRENT);
}

MISS(p2p_traffic)
{
	carry(l, 1, 2001, APP_HTTP);
}

static void active(struct lab *l, unsigned minutes)
{
	for (unsigned i = 0; i < minutes; i++) {
		carry(l, i * 60 + 1, 1000, APP_QUIC);
		lab_tick(l, i * 60 + 61);
	}
	lab_tick(l, 3601);
}

HIT(host_active_time)
{
	active(l, 11);
}

MISS(host_active_time)
{
	active(l, 10);
}

static void active_in_a_day(struct lab *l)
{
	active(l, 11);
	lab_tick(l, 86401);
}

static void less_active_in_a_day(struct lab *l)
{
	active(l, 10);
	lab_tick(l, 86401);
}

static const struct golden table[] = {
    PERIOD_GOLDENS(host_traffic_volume, bytes, "1000000"),
    PERIOD_GOLDENS(host_bytes_sent, bytes, "1000000"),
    PERIOD_GOLDENS(host_throughput, mbits, "10"),
    PERIOD_GOLDENS(host_new_flows, new_flows, "10"),
    PERIOD_GOLDENS(pkt_threshold, kilopackets, "10000"),
    PARAM(host_active_time, "day: 10", active_in_a_day, less_active_in_a_day),
    GOLDEN(dns_traffic, "threshold: 2000"),
    GOLDEN(ntp_traffic, "threshold: 2000"),
    GOLDEN(p2p_traffic, "threshold: 2000"),
    GOLDEN(host_active_time, "hour: 10"),
};
GOLDENS(host_volume, table);

/* Golden tests of checks/net_checks.c. */
#include "place.h"

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

static const struct golden table[] = {
    PERIOD_GOLDENS(network_ingress, inwards, "1000"),
    PERIOD_GOLDENS(network_egress, outwards, "1000"),
    PERIOD_GOLDENS(network_inner, inside, "1000"),
    PARAM(network_ingress, "minute: 1000", inwards_in_a_minute, all_but_inwards),
    PARAM(network_egress, "minute: 1000", outwards_in_a_minute, all_but_outwards),
    PARAM(network_inner, "minute: 1000", inside_in_a_minute, all_but_inside),
    PARAM(network_issues, "retransmissions: 10", many_repeated, some_repeated),
    PARAM(network_issues, "out_of_order: 10", many_out_of_order, some_out_of_order),
    PARAM(network_issues, "packets: 100", enough_packets, few_packets),
    PARAM(network_traffic_behaviour, "learning: 10, floor: 8000000", to_eight_megabytes, to_seven_megabytes),
    PARAM(network_score_behaviour, "learning: 10, floor: 4000", open_scores_to_41, open_scores_to_40),
    GOLDEN(flow_flood_victim, "threshold: 30"),
    GOLDEN(syn_scan_victim, "threshold: 30"),
    GOLDEN(syn_flood_victim, "threshold: 30"),
    GOLDEN(network_issues, "lost: 10"),
    GOLDEN(network_score_per_host, "threshold: 100"),
    GOLDEN(network_traffic_behaviour, "learning: 10"),
    GOLDEN(network_score_behaviour, "learning: 10"),
};
GOLDENS(place_net, table);

/* Golden tests of checks/flow_traffic.c. */
#include "golden.h"

static void received(struct lab *l, uint64_t bytes)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_bytes = bytes;
	lab_run(&f);
}

static void elephant_in(struct lab *l)
{
	received(l, 1100000);
}

static void no_elephant_in(struct lab *l)
{
	received(l, 1000000);
}

static void lasts(struct lab *l, const char *client)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr(client);
	f.lasts = 50000;
	lab_run(&f);
}

static void lasts_long(struct lab *l)
{
	lasts(l, "10.0.0.1");
}

static void lasts_long_and_may(struct lab *l)
{
	lasts(l, "10.0.0.5");
}

static void pings(struct lab *l, uint64_t payload)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.proto = 1;
	f.key.icmp_type = 8;
	f.n.client_payload = payload;
	f.n.server_payload = 0;
	lab_run(&f);
}

static void heavy_pings(struct lab *l)
{
	pings(l, 10001);
}

static void lighter_pings(struct lab *l)
{
	pings(l, 9999);
}

HIT(ndpi_unidirectional_traffic)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_packets = 0;
	lab_run(&f);
}

MISS(ndpi_unidirectional_traffic)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_packets = 1;
	lab_run(&f);
}

HIT(ndpi_fully_encrypted)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.looks_random = true;
	f.app.state = VERDICT_UNKNOWN;
	lab_run(&f);
}

MISS(ndpi_fully_encrypted)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.looks_random = true;
	lab_run(&f);
}

HIT(elephant_flows)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_bytes = 2000000;
	lab_run(&f);
}

MISS(elephant_flows)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_bytes = 2000000;
	f.key.client = lab_addr("10.0.0.5");
	lab_run(&f);
}

HIT(long_lived)
{
	struct lab_flow f = lab_flow(l, 1);
	f.lasts = 121;
	lab_run(&f);
}

MISS(long_lived)
{
	struct lab_flow f = lab_flow(l, 1);
	f.lasts = 119;
	lab_run(&f);
}

HIT(broadcast_non_udp_traffic)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.server = lab_addr("255.255.255.255");
	lab_run(&f);
}

MISS(broadcast_non_udp_traffic)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.server = lab_addr("255.255.255.255");
	f.key.proto = 17;
	lab_run(&f);
}

HIT(data_exfiltration)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.proto = 1;
	f.key.icmp_type = 8;
	f.n.client_payload = f.n.server_payload = 20 * 151;
	f.n.client_payload = 40000;
	lab_run(&f);
}

MISS(data_exfiltration)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.proto = 1;
	f.key.icmp_type = 3;
	f.n.client_payload = 40000;
	lab_run(&f);
}

HIT(vlan_bidirectional_traffic)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.vlan = 9;
	lab_run(&f);
}

MISS(vlan_bidirectional_traffic)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.vlan = 8;
	lab_run(&f);
}

static const struct golden table[] = {
    PARAM(elephant_flows, "bytes_in: 1M", elephant_in, no_elephant_in),
    PARAM(long_lived, "except: [10.0.0.5]", lasts_long, lasts_long_and_may),
    PARAM(data_exfiltration, "bytes: 10000", heavy_pings, lighter_pings),
    GOLDEN(ndpi_unidirectional_traffic, ""),
    GOLDEN(ndpi_fully_encrypted, ""),
    GOLDEN(elephant_flows, "bytes_out: 1M, except: 10.0.0.5"),
    GOLDEN(long_lived, "duration: 2m"),
    GOLDEN(broadcast_non_udp_traffic, ""),
    GOLDEN(data_exfiltration, "packets: 30, payload: 150"),
    GOLDEN(vlan_bidirectional_traffic, "vlans: [7, 9]"),
};
GOLDENS(flow_traffic, table);

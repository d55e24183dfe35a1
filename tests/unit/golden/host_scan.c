/* Golden tests of checks/host_scan.c. */
#include "host.h"

HIT(syn_scan)
{
	attempts(l, 51, false);
}

MISS(syn_scan)
{
	attempts(l, 50, false);
	attempts(l, 50, true);
}

HIT(scan_detection)
{
	attempts(l, 21, false);
}

MISS(scan_detection)
{
	attempts(l, 20, false);
	attempts(l, 20, true);
}

static void fins(struct lab *l, unsigned n, unsigned flags)
{
	for (unsigned i = 0; i < n; i++) {
		struct lab_flow f = lab_flow(l, 1 + i * 0.1);
		f.key.midstream = true;
		f.n = (struct g_flow_count){
		    .client_packets = 1, .client_bytes = 60, .client_flags = (uint8_t)flags};
		lab_run(&f);
	}
}

HIT(fin_scan)
{
	fins(l, 31, 1);
}

MISS(fin_scan)
{
	fins(l, 30, 1);
	fins(l, 30, 0x11);
}

/* n flows within a second or spread over more. */
static void flows(struct lab *l, unsigned n, double gap, uint32_t rsts, uint32_t syns)
{
	for (unsigned i = 0; i < n; i++) {
		struct lab_flow f = lab_flow(l, 1 + i * gap);
		f.lasts = 0;
		f.n.client_rsts = rsts;
		f.n.client_syns = syns;
		lab_run(&f);
	}
}

HIT(rst_scan)
{
	flows(l, 21, 0.01, 1, 1);
}

MISS(rst_scan)
{
	flows(l, 30, 0.2, 1, 1);
}

HIT(flow_flood)
{
	flows(l, 31, 0.01, 0, 1);
}

MISS(flow_flood)
{
	flows(l, 60, 0.05, 0, 1);
}

HIT(syn_flood)
{
	flows(l, 9, 0.01, 0, 5);
}

MISS(syn_flood)
{
	flows(l, 8, 0.01, 0, 5);
}

static void packets(struct lab *l, unsigned app, unsigned proto, uint64_t n, double seconds)
{
	struct lab_flow f = lab_udp(l, 1, app, 1234);
	f.key.proto = (uint8_t)proto;
	f.lasts = seconds;
	f.n.client_packets = n;
	lab_run(&f);
}

HIT(icmp_flood)
{
	packets(l, APP_ICMP, 1, 4100, 40);
}

MISS(icmp_flood)
{
	packets(l, APP_ICMP, 1, 3900, 40);
}

HIT(dns_flood)
{
	packets(l, APP_DNS, 17, 101, 1);
}

MISS(dns_flood)
{
	packets(l, APP_DNS, 17, 150, 2);
}

HIT(snmp_flood)
{
	packets(l, APP_SNMP, 17, 101, 1);
}

MISS(snmp_flood)
{
	packets(l, APP_NTP, 17, 101, 1);
}

static void sweep(struct lab *l, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char server[20];
		snprintf(server, sizeof server, "10.0.1.%u", i + 1);
		attempt(l, 1 + i * 0.1, "10.0.0.1", server, 22, false);
	}
}

HIT(host_scanner)
{
	sweep(l, 30);
}

MISS(host_scanner)
{
	sweep(l, 12);
}

HIT(rx_only_host_scan)
{
	for (unsigned i = 0; i < 40; i++)
		attempt(l, 1 + i * 0.1, "192.0.2.1", "10.0.0.9", 1 + i, false);
}

MISS(rx_only_host_scan)
{
	attempt(l, 1, "10.0.0.9", "192.0.2.1", 443, true); /* it speaks */
	for (unsigned i = 0; i < 40; i++)
		attempt(l, 2 + i * 0.1, "192.0.2.1", "10.0.0.9", 1 + i, false);
}

static const struct golden table[] = {
    GOLDEN(syn_scan, "threshold: 50"),
    GOLDEN(fin_scan, "threshold: 30"),
    GOLDEN(rst_scan, "threshold: 20"),
    GOLDEN(scan_detection, "threshold: 20"),
    GOLDEN(host_scanner, "threshold: 16"),
    GOLDEN(rx_only_host_scan, "callers: 30, ports: 20"),
    GOLDEN(flow_flood, "threshold: 30"),
    GOLDEN(syn_flood, "threshold: 40"),
    GOLDEN(icmp_flood, "threshold: 100"),
    GOLDEN(dns_flood, "threshold: 100"),
    GOLDEN(snmp_flood, "threshold: 100"),
};
GOLDENS(host_scan, table);

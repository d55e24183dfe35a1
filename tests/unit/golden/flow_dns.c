/* Golden tests of checks/flow_dns.c. */
#include "golden.h"

static void dns_bytes(struct lab *l, uint64_t bytes)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.n.client_bytes = 0;
	f.n.server_bytes = bytes;
	lab_run(&f);
}

static void much_dns(struct lab *l)
{
	dns_bytes(l, 5001);
}

static void less_dns(struct lab *l)
{
	dns_bytes(l, 5000);
}

/* Names below one domain. */
void dns_tunnel(struct lab *l, unsigned names, const char *pad)
{
	for (unsigned i = 0; i < names; i++) {
		char name[80];
		struct lab_flow f = lab_udp(l, 1 + i * 0.1, APP_DNS, 53);
		snprintf(name, sizeof name, "%u%s.tunnel.example", i * 7919, pad);
		f.app.dns_query = lab_text(&f, name);
		lab_run(&f);
	}
}

static void many_names(struct lab *l)
{
	dns_tunnel(l, 300, "abcdefghijklmnopqrstuvwxyz");
}

static void few_names(struct lab *l)
{
	dns_tunnel(l, 60, "abcdefghijklmnopqrstuvwxyz");
}

static void short_names(struct lab *l)
{
	dns_tunnel(l, 300, "");
}

HIT(ndpi_punicody_idn)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "xn--e1afmkfd.example");
	lab_run(&f);
}

MISS(ndpi_punicody_idn)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "xn-e1afmkfd.example");
	lab_run(&f);
}

HIT(dns_data_exfiltration)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.n.client_packets = 26;
	f.n.server_packets = 25;
	lab_run(&f);
}

MISS(dns_data_exfiltration)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.n.client_packets = f.n.server_packets = 25;
	lab_run(&f);
}

HIT(dns_invalid_query)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.app.dns_query = lab_text(&f, "a23456789.123456789.b");
	lab_run(&f);
}

MISS(dns_invalid_query)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.app.dns_query = lab_text(&f, "a23456789.123456789b");
	lab_run(&f);
}

HIT(ndpi_minor_issues)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.app.dns_reply = true;
	f.app.dns_addresses = lab_text(&f, "192.0.2.1");
	lab_run(&f);
}

MISS(ndpi_minor_issues)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.app.dns_reply = true;
	f.app.dns_ttl = 1;
	f.app.dns_addresses = lab_text(&f, "192.0.2.1");
	lab_run(&f);
}

static const struct golden table[] = {
    PARAM(dns_data_exfiltration, "bytes: 5000", much_dns, less_dns),
    PARAM(dns_data_exfiltration, "names: 100", many_names, few_names),
    PARAM(dns_data_exfiltration, "label: 15, names: 100", many_names, short_names),
    GOLDEN(ndpi_punicody_idn, ""),
    GOLDEN(dns_data_exfiltration, "packets: 50"),
    GOLDEN(dns_invalid_query, "length: 20"),
    GOLDEN(ndpi_minor_issues, ""),
};
GOLDENS(flow_dns, table);

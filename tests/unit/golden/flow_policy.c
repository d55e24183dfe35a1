/* Golden tests of checks/flow_policy.c. */
#include "golden.h"

HIT(unexpected_dns)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.app.dns_reply = true;
	lab_run(&f);
}

MISS(unexpected_dns)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.app.dns_reply = true;
	f.key.server = lab_addr("192.0.2.53");
	lab_run(&f);
}

HIT(unexpected_ntp)
{
	struct lab_flow f = lab_udp(l, 1, APP_NTP, 123);
	f.key.server = lab_addr("192.0.2.4");
	lab_run(&f);
}

MISS(unexpected_ntp)
{
	struct lab_flow f = lab_udp(l, 1, APP_NTP, 123);
	f.key.server = lab_addr("192.0.2.3");
	lab_run(&f);
}

HIT(unexpected_smtp)
{
	struct lab_flow f = lab_udp(l, 1, APP_SMTP, 25);
	lab_run(&f);
}

MISS(unexpected_smtp)
{
	struct lab_flow f = lab_udp(l, 1, APP_SMTP, 25);
	f.key.server = lab_addr("192.0.2.25");
	lab_run(&f);
}

HIT(unexpected_dhcp)
{
	struct lab_flow f = lab_udp(l, 1, APP_DHCP, 68);
	f.key.client = lab_addr("10.0.0.68");
	f.key.server = lab_addr("255.255.255.255");
	f.key.client_port = 67;
	lab_run(&f);
}

MISS(unexpected_dhcp)
{
	struct lab_flow f = lab_udp(l, 1, APP_DHCP, 68);
	f.key.client = lab_addr("10.0.0.67");
	f.key.server = lab_addr("255.255.255.255");
	f.key.client_port = 67;
	lab_run(&f);
}

HIT(remote_access)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.category_id = CAT_ID_VPN;
	lab_run(&f);
}

MISS(remote_access)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.category_id = CAT_ID_VPN;
	f.key.server = lab_addr("10.0.0.2");
	lab_run(&f);
}

HIT(remote_to_remote)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr("192.0.2.1");
	lab_run(&f);
}

MISS(remote_to_remote)
{
	struct lab_flow f = lab_flow(l, 1);
	lab_run(&f);
}

HIT(remote_to_local_insecure_flow)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr("192.0.2.1");
	f.key.server = lab_addr("10.0.0.2");
	f.app.breed = lab_text(&f, "Unsafe");
	lab_run(&f);
}

MISS(remote_to_local_insecure_flow)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr("192.0.2.1");
	f.key.server = lab_addr("10.0.0.2");
	f.app.breed = lab_text(&f, "Fun");
	lab_run(&f);
}

static const struct golden table[] = {
    GOLDEN(unexpected_dns, "servers: [192.0.2.53]"),
    GOLDEN(unexpected_ntp, "servers: [192.0.2.0/30]"),
    GOLDEN(unexpected_smtp, "servers: [192.0.2.25]"),
    GOLDEN(unexpected_dhcp, "servers: [10.0.0.67]"),
    GOLDEN(remote_access, ""),
    GOLDEN(remote_to_remote, ""),
    GOLDEN(remote_to_local_insecure_flow, ""),
};
GOLDENS(flow_policy, table);

/* Golden tests of what is said of addresses that DHCP gives. */
#include "golden.h"

static void lease(struct lab *l, const char *given)
{
	struct lab_flow f = lab_udp(l, 1, APP_DHCP, 68);
	f.key.client = lab_addr("10.0.0.67");
	f.key.server = lab_addr("255.255.255.255");
	f.key.client_port = 67;
	f.app.dhcp_address = lab_addr(given);
	lab_run(&f);
}

HIT(ip_outside_dhcp_range)
{
	lease(l, "10.0.2.5");
}

MISS(ip_outside_dhcp_range)
{
	lease(l, "10.0.1.5");
}

static const struct golden table[] = {
    GOLDEN(ip_outside_dhcp_range, "pools: [10.0.1.0/24]"),
};
GOLDENS(host_dhcp, table);

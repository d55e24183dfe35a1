/* Golden tests of what is said of MAC addresses. */
#include "place.h"

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

static const struct golden table[] = {
    PARAM(device_connection_disconnection, "idle: 120, allowed: [\"02:00:00:00:00:02\"]", device_is_there,
	  device_was_there),
    GOLDEN(ip_reassignment, "except: [10.0.0.9]"),
    GOLDEN(broadcast_domain_too_large, ""),
    GOLDEN(device_connection_disconnection, "allowed: [\"02:00:00:00:00:02\"]"),
    GOLDEN(unexpected_new_device, "learning: 2m"),
};
GOLDENS(place_mac, table);

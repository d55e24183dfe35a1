/*
 * ARP (RFC 826): packets that are in no flow and still say who owns an address. One record stands for all packets of the same
 * sender, target and kind within a second, so that a storm does not fill the stream. Pure.
 */
#ifndef WEIR_ARP_H
#define WEIR_ARP_H

#include <stdbool.h>

#include "packet.h"
#include "record.h"

#define ARP_SLOTS 1024

struct arp_cache {
	struct {
		uint64_t key, time;
		uint32_t held_back; /* packets since the record of that time */
	} slots[ARP_SLOTS];
};

/* Is the packet Ethernet and IPv4's ARP? Fills all of *ret but the sensor and packets. */
bool arp_parse(const struct packet *p, struct g_arp *ret);
/* Is there to be a record of it? Then a->packets is set. */
bool arp_due(struct arp_cache *c, struct g_arp *a);

#endif

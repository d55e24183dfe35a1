/* Pools: hosts that belong together, by their MAC or IP address, as the topology names them. Pure. */
#ifndef WEIR_POOLS_H
#define WEIR_POOLS_H

#include "topo.h"

/*
 * Name of the pool of a host, "" if it is in none: a MAC address decides before a network, the longest network before a
 * shorter one, and among equals the first. mac may be NULL.
 */
const char *pools_find(const struct topo *t, const struct addr *ip, const struct mac *mac);
/* The local network of an address as the topology names it (the longest), NULL if none has it. */
const struct cidr *pools_network(const struct topo *t, const struct addr *ip);

#endif

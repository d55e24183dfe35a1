/* What only a live interface can tell. */
#ifndef WEIR_SOURCE_LIVE_H
#define WEIR_SOURCE_LIVE_H

#include "addr.h"

/* The networks of an interface's addresses ("any": of all), at most max. Returns their number. */
int source_live_networks(const char *ifname, struct cidr *out, int max);

/* Packets that the interface has sent and received, all of them for "any"; 0 if it does not say. */
uint64_t source_live_counter(const char *ifname);

#endif

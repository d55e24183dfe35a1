/* What only a live interface can tell. */
#ifndef WEIR_SOURCE_LIVE_H
#define WEIR_SOURCE_LIVE_H

#include "addr.h"

/* The networks of an interface's addresses ("any": of all), at most max. Returns their number. */
int source_live_networks(const char *ifname, struct cidr *out, int max);

#endif

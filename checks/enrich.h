/* What is known of hosts beside the packets: vendor, country, autonomous system, pool, network. Pure but for its databases. */
#ifndef WEIR_ENRICH_H
#define WEIR_ENRICH_H

#include <stdint.h>

#include "host.h"
#include "topo.h"

struct enrich;

/* Opens the databases: before the sandbox. Those that are missing are logged and not missed. */
struct enrich *enrich_new(const struct topo *t);
void enrich_free(struct enrich *x);
/* Fills h->place if it is not known yet. The callee's MAC address decides vendor and pool: set 'known' to false when it changes. */
void enrich_host(struct enrich *x, struct host *h);
/* Versions of the databases: others, other records. */
uint64_t enrich_hash(const struct enrich *x);

#endif

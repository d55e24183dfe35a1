/* The live view, its totals and this process's own requests as metrics. */
#ifndef WEIR_PROM_LIVE_H
#define WEIR_PROM_LIVE_H

#include "apid.h"
#include "prom.h"

#define PROM_HOSTS     200  /* unless asked for another number */
#define PROM_MAX_HOSTS 5000

/* Adds all but hosts. */
void prom_live(const struct apid *k, struct prom *p);
/* Adds the busiest hosts, at most max. */
void prom_hosts(const struct apid *k, struct prom *p, uint32_t max);
/* Adds what ntopng's exporter has, under its names; all: what the processes have told. */
void prom_ntopng(const struct apid *k, const struct prom *all, struct prom *p, uint32_t max);

#endif

/* Exclusions: findings that are not to become alerts, and how many did not. Pure: time is that of the records. */
#ifndef WEIR_EXCLUDE_H
#define WEIR_EXCLUDE_H

#include <stdbool.h>
#include <stdint.h>

#include "metrics.h"
#include "topo.h"

struct exclude;

struct exclude *exclude_new(const struct topo *t);
void exclude_free(struct exclude *x);
/* Is there anything to ask for? */
bool exclude_any(const struct exclude *x);
/*
 * The alert that is about to be: name of the first exclusion that covers it and has not expired by now (packet time), NULL if
 * none does. Counts the hit.
 */
const char *exclude_find(struct exclude *x, const struct r_alert *a, const char *base, uint64_t now);
/* Of what decides. */
uint64_t exclude_hash(const struct exclude *x);
void exclude_metrics(const struct exclude *x, struct metrics *m);

#endif

/* What may take long and nobody has to wait for: indexes and sums of flow files that are complete, their retention. A thread. */
#ifndef WEIR_UPKEEP_H
#define WEIR_UPKEEP_H

#include "ageclock.h"
#include "store.h"

struct upkeep;

/* NULL after logging why. age: the clock that retention measures by. */
struct upkeep *upkeep_start(const struct store_ops *ops, const struct store_conf *conf, struct ageclock *age);
/* Ends what is being done, if the store's cancel flag is set. */
void upkeep_stop(struct upkeep *u);
/* Retention now; done is called in the thread: what was deleted, or error. */
void upkeep_prune_now(struct upkeep *u, void (*done)(void *arg, const struct store_pruned *did, const char *error), void *arg);
/* Flow files deleted. */
uint64_t upkeep_pruned(const struct upkeep *u);

#endif

/* Asks the other processes how they are, and tells the engine each minute. Wiring, of checks alone. */
#ifndef WEIR_WATCH_H
#define WEIR_WATCH_H

#include "engine.h"
#include "loop.h"
#include "topo.h"

struct watch;

/* tell is called four times a minute, with findings of the minute. */
struct watch *watch_new(struct loop *l, const struct topo *t, void (*tell)(void *arg, const struct engine_health *h), void *arg);

#endif

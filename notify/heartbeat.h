/*
 * A sign of life for whoever watches from outside: a recipient with 'heartbeat' gets a small document each so often, as long as
 * alerts would reach it. When the machine, the network or weir stops, it does not, and the one at the other end knows (a dead
 * man's switch). Nothing is kept of a heartbeat: one that was not sent is worth nothing later.
 */
#ifndef WEIR_HEARTBEAT_H
#define WEIR_HEARTBEAT_H

#include <stdbool.h>
#include <stddef.h>

#include "loop.h"
#include "metrics.h"
#include "recipient.h"
#include "sink.h"

/* Jobs of heartbeats have numbers from here on, those of deliveries are below. */
#define HEARTBEAT_JOBS 0x80000000u

struct heartbeats;

/* alive tells whether alerts would be sent; asked before each. The recipients outlive it. */
struct heartbeats *heartbeats_new(struct loop *l, struct recipient *r, size_t n, bool (*alive)(void *arg), void *arg);
/* How an attempt ended, if it was a heartbeat; else false. */
bool heartbeats_result(struct heartbeats *h, const struct sink_result *res);
void heartbeats_metrics(const struct heartbeats *h, struct metrics *m);

#endif

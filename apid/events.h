/*
 * The last events, numbered, for streams over HTTP: whoever comes back with the number of the last one seen gets what came
 * since, or is told how many are gone. Bounded.
 */
#ifndef WEIR_EVENTS_H
#define WEIR_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "http.h"

struct events;

#define EVENTS_ALERTS 1
#define EVENTS_FLOWS  2

struct events *events_new(size_t max_events, size_t max_bytes);
void events_free(struct events *e);
/* data is one line of JSON. */
void events_add(struct events *e, unsigned topic, const char *name, const char *data, size_t len);
/* Serves a stream to a client; after = number of the last event it has seen, UINT64_MAX = only new ones. ndjson: bare lines. */
void events_serve(struct events *e, struct request *r, unsigned topics, uint64_t after, bool ndjson);
/* Called now and then: a comment keeps connections open. */
void events_keepalive(struct events *e);
unsigned events_clients(const struct events *e);

#endif

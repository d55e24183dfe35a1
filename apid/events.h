/*
 * The last alerts, ended flows and hosts, for streams over HTTP. Each topic has a bounded ring of its own, so that a flood
 * of flows does not push alerts out. Whoever comes back with the id of the last event seen gets what came since; what is no
 * longer held is told as an event 'gap'. Nothing is kept per client but its place: a slow one costs no memory.
 *
 * The id of an event is the place in the streams it came from, epochs included: it holds after a restart of this process.
 */
#ifndef WEIR_EVENTS_H
#define WEIR_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "match.h"
#include "record.h"

enum topic { TOPIC_ALERTS, TOPIC_FLOWS, TOPIC_HOSTS, N_TOPICS };
extern const char *const topic_names[N_TOPICS];
/* Type of the records of a topic. */
enum rtype topic_type(enum topic t);

/* A place in all topics: what a client has seen. */
struct events_place {
	struct {
		uint32_t epoch; /* folded; 0 = not known */
		uint64_t seq;
	} at[N_TOPICS];
};
#define EVENTS_ID 112
/* The id as text and back. Returns false for what is none. */
bool events_parse(const char *id, struct events_place *ret);
const char *events_print(const struct events_place *p, char buf[static EVENTS_ID]);

struct events;
struct events *events_new(size_t max_events, size_t max_bytes); /* of each topic */
void events_free(struct events *e);

/* The topic is read from place seq of this epoch on: what was before is not known here. */
void events_begin(struct events *e, enum topic t, uint64_t epoch, uint64_t seq);
/* An event: a packed record, with its number in its stream. name is kept, not copied. */
void events_add(struct events *e, enum topic t, uint64_t seq, const char *name, const void *rec, size_t len);
/* The stream has been read up to seq, excluded. */
void events_progress(struct events *e, enum topic t, uint64_t seq);

#define EVENTS_MAX_CLIENTS 64

struct events_client;
/*
 * A client of some topics (bit set), with a filter for each (taken over, may be NULL). since: what it has seen, NULL = only
 * new events. NULL if there are too many.
 */
struct events_client *events_join(struct events *e, unsigned topics, struct match *filter[N_TOPICS],
				  const struct events_place *since, bool ndjson);
void events_leave(struct events_client *c);
/* Appends what the client is to get now, a bounded piece at a time. */
void events_pull(struct events_client *c, struct buf *out);
/* Is there anything it has not got? */
bool events_pending(const struct events_client *c);
/* It gets a comment with the next piece, if that would be empty otherwise. */
void events_comment(struct events_client *c);
unsigned events_clients(const struct events *e);

#endif

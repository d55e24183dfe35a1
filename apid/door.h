/*
 * The door: who asks, may they, how often, and what is written down of it. A request passes it when its headers are here,
 * before its body is taken and before anybody learns what exists.
 */
#ifndef WEIR_DOOR_H
#define WEIR_DOOR_H

#include "apid.h"
#include "metrics.h"
#include "prom.h"

struct door;
/* Tokens, limits and audit as the topology says. NULL after appending to err. */
struct door *door_open(struct apid *k, struct buf *err);
/* The callbacks for http_new, whose arg is struct apid. */
extern const struct http_ops door_ops;
/* Takes changes of the file of tokens: to be called now and then. */
void door_reload(struct apid *k);
/* Path of that file. */
const char *door_tokens(const struct apid *k);
void door_metrics(const struct apid *k, struct metrics *m);
/* Requests by path. */
void door_print(const struct apid *k, struct prom *p);

/* Has whoever asks this right? False: the request is answered with 403. */
bool door_may(struct apid *k, struct request *r, enum scope scope);
/* A request that searches the history: false if it was answered with 429, because there are too many of whoever asks. */
bool door_heavy(struct apid *k, struct request *r);
/* What a write is about, for the audit, if the path does not say. */
void door_about(struct request *r, const char *about);

#endif

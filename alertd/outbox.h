/*
 * The stream "deliveries" for notify, made from the delivery log: rows are in the database until notify has them, the stream is
 * the part of them in memory.
 */
#ifndef WEIR_OUTBOX_H
#define WEIR_OUTBOX_H

#include "link.h"
#include "store.h"
#include "topo.h"

struct outbox;

struct outbox *outbox_new(const struct store_ops *ops, const struct topo_link *link);
void outbox_free(struct outbox *o);
struct stream *outbox_stream(struct outbox *o);
/* Takes from the log what there is room for, some rows at a time: true if there is more. s: no transaction open. */
bool outbox_load(struct outbox *o, struct store *s);
/* Deletes from the log what the consumers that count have reported safe. */
void outbox_forget(struct outbox *o, struct store *s);
/* Rows of the log, and how many were dropped to keep it bounded, as of the last call. */
const uint64_t *outbox_backlog(const struct outbox *o);
const uint64_t *outbox_dropped(const struct outbox *o);

#endif

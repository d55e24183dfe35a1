/*
 * A log with a cursor: the bounded, ordered records that a producer holds for its consumers. In memory, or in a file on
 * tmpfs that outlives the producer (stream_file.h); no sockets, no clock.
 *
 * Records have consecutive sequence numbers from 1. tail is the oldest held, head the number that the next one will
 * get. Consumers that the topology marks durable hold the log back: what they have not reported durable is kept, and
 * when the bound is reached stream_append refuses. Without durable consumers the oldest records make room.
 */
#ifndef WEIR_STREAM_H
#define WEIR_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

struct stream;

/* name is copied. max_bytes bounds the record bytes held. */
struct stream *stream_new(const char *name, uint64_t epoch, size_t max_bytes);
/*
 * The same in the file path, which is made for epoch when it is not there; when it is, its epoch, records, clock and durable
 * positions go on. What cannot be gone on with (other size, version, owner; damaged) is replaced, and why says so. Records
 * are at most STREAM_SLOT_DATA long. NULL with the reason in why if no file can be had.
 */
struct stream *stream_new_shared(const char *name, const char *path, uint64_t epoch, size_t max_bytes, struct buf *why);
/* STREAM_AREA bytes that live with it, 0 at first, for the producer's own use. NULL if it is in memory only. */
void *stream_area(const struct stream *s);
/* Does it go on from an earlier life of the producer? */
bool stream_resumed(const struct stream *s);
void stream_free(struct stream *s);
const char *stream_name(const struct stream *s);
uint64_t stream_epoch(const struct stream *s);
uint64_t stream_head(const struct stream *s);
uint64_t stream_tail(const struct stream *s);
size_t stream_bytes(const struct stream *s);
size_t stream_max(const struct stream *s);
uint64_t stream_clock(const struct stream *s);
void stream_set_clock(struct stream *s, uint64_t time_ns);

/* Names a consumer as durable. At most 8. Known by name before it first asks. */
void stream_add_durable(struct stream *s, const char *consumer);
bool stream_is_durable(const struct stream *s, const char *consumer);
/* Smallest position that all durable consumers have reported; head if there are none. */
uint64_t stream_durable(const struct stream *s);
/* The largest position that one of them has reported. */
uint64_t stream_claimed(const struct stream *s);
/* The consumer says that records before seq are safe with it. Never moves back. */
void stream_set_durable(struct stream *s, const char *consumer, uint64_t seq);

/* Appends a record, which gets number *ret_seq (may be NULL). -1 when full of records that must be kept. */
int stream_append(struct stream *s, const void *rec, size_t len, uint64_t *ret_seq);
/*
 * Numbers a record without holding it: for a producer that re-reads its input and knows that it is durable. Only
 * while the stream holds nothing.
 */
void stream_skip(struct stream *s, uint64_t n);
/* Room left before stream_append refuses. */
size_t stream_room(const struct stream *s);
/* Is it more than n bytes? Does not look at all that is held unless room is scarce: it can be asked for every record. */
bool stream_has_room(const struct stream *s, size_t n);
/* Drops all and starts again with another epoch (or the same) at seq. */
void stream_restart(struct stream *s, uint64_t epoch, uint64_t seq);

/*
 * Records from on, as many as fit into max bytes, at least one: *ret_p, *ret_len are their bytes, valid until the next
 * append, and the return value their number. 0 if there is none yet. from must be in [tail, head].
 */
uint32_t stream_read(const struct stream *s, uint64_t from, size_t max, const char **ret_p, size_t *ret_len);
/*
 * Of n records from 'from' on, as many as stream_read has just told, appends those of these types (bit n = type n) to out; returns
 * their number.
 */
uint32_t stream_pick(const struct stream *s, uint64_t from, uint32_t n, uint64_t types, struct buf *out);
/*
 * Passes records from 'from' on that are surely of none of these types, as far as it can tell without a look at each of them; adds their
 * bytes to *bytes. Returns the number of the next one, the head if all were passed. from must be in [tail, head].
 */
uint64_t stream_pass(const struct stream *s, uint64_t from, uint64_t types, size_t *bytes);

#endif

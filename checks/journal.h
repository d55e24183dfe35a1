/*
 * The input journal of checks: what it took in, in the order it worked on it. Segments "journal.<number>" in a directory;
 * segment n begins where snapshot n stands. Written with write(2), so that a killed process leaves all that it reported
 * durable; against loss of power somebody calls fdatasync on journal_fd now and then.
 *
 * A frame is a head and a body under one checksum. The last one may be torn: it was never reported to anybody.
 */
#ifndef WEIR_JOURNAL_H
#define WEIR_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define JOURNAL_SCHEMA 1

/* Append only. */
enum journal_kind {
	JR_LANES = 1, /* first in a segment: names of the sensors, one per line; lane is a line's number. base: configuration */
	JR_BEGIN,     /* all sensors have begun: epoch is that of the outputs, base the nonce */
	JR_RECORDS,   /* count records of a lane from base on, as they came */
	JR_EPOCH,     /* a lane began a new run */
	JR_LOST,      /* a lane's records before base are gone */
	JR_HEALTH,    /* body: what a process of weir told of itself, as a METRIC record */
};

struct journal_entry {
	uint16_t kind, lane;
	uint32_t count, len; /* len: of body */
	uint64_t epoch, base;
	uint64_t durable[2]; /* of the streams of alerts and history when it was written: what is before needs not be held again */
	const char *body;
};

struct journal;

struct journal *journal_new(const char *dir);
void journal_free(struct journal *j);
/* Begins a segment and makes it the one written to. -1 with errno. */
int journal_start(struct journal *j, uint64_t number);
/* Goes on with a segment behind its first len bytes; what follows them is cut off. */
int journal_resume(struct journal *j, uint64_t number, uint64_t len);
/* -1 with errno: nothing of it is there. */
int journal_append(struct journal *j, const struct journal_entry *e);
uint64_t journal_number(const struct journal *j);
/* Bytes of the segment written to. */
uint64_t journal_bytes(const struct journal *j);
int journal_fd(const struct journal *j); /* -1: no segment */
char *journal_path(const char *dir, uint64_t number);

/* How reading ended. */
enum journal_end {
	JOURNAL_WHOLE,
	JOURNAL_TORN,    /* something follows the last good frame; what is said of ret_len holds */
	JOURNAL_OTHER,   /* of a schema we do not know */
	JOURNAL_MISSING,
	JOURNAL_STOPPED, /* by the callback */
};
/* Calls back for each frame; body is valid during the call. *ret_len: bytes up to the end of the last frame. */
enum journal_end journal_read(const char *dir, uint64_t number, bool (*cb)(void *arg, const struct journal_entry *e), void *arg,
			      uint64_t *ret_len);

#endif

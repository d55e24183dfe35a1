/*
 * The file behind a stream that outlives its producer: a header page and slots of 1 MiB, each with consecutive records, mapped
 * shared. Memory that is written is safe from the death of the process (not of the machine), so nothing is ever synced; the
 * order of the stores is what makes a record whole: its bytes, its end, and last the slot's count. What lies behind the count
 * was being written when the producer died and is written over.
 */
#ifndef WEIR_STREAM_FILE_H
#define WEIR_STREAM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define STREAM_FILE_VERSION 1 /* a file of another one is not gone on with */
#define STREAM_SLOT_BYTES   (1u << 20)
#define STREAM_SLOT_RECORDS 16384u /* in a slot at most: 60 bytes each fill it */
#define STREAM_SLOT_DATA    (STREAM_SLOT_BYTES - STREAM_SLOT_RECORDS * 4 - 64)
#define STREAM_AREA         4096 /* bytes for the producer's own use */
#define STREAM_FILE_DURABLE 8    /* durable consumers */

struct stream_slot {
	uint64_t base; /* number of its first record */
	uint32_t n;    /* records, stored last */
	uint32_t used;
	uint8_t reserved[48];
	uint32_t end[STREAM_SLOT_RECORDS]; /* of each record in data */
	char data[STREAM_SLOT_DATA];
};
_Static_assert(sizeof(struct stream_slot) == STREAM_SLOT_BYTES, "slots lie one behind the other");

struct stream_file_head {
	uint32_t magic, version;
	uint64_t size, epoch, clock;
	uint64_t first; /* the record that comes after those that were dropped */
	uint32_t n_slots, ready;
	char name[128];
	struct {
		char consumer[64];
		uint64_t seq;
	} durable[STREAM_FILE_DURABLE];
	uint8_t area[STREAM_AREA] __attribute__((aligned(64)));
};

struct stream_file {
	int fd;
	struct stream_file_head *head;
	struct stream_slot *slots;
	struct stream_slot **used; /* in order, as they were found at the start */
	uint32_t n_used, n_free;
	bool resumed;
};

/* As stream_new_shared. */
struct stream_file *stream_file_open(const char *path, const char *name, uint64_t epoch, size_t max_bytes, struct buf *why);
void stream_file_close(struct stream_file *f);
bool stream_file_has_free(const struct stream_file *f);
/* A free slot, now used, whose first record will be number base. */
struct stream_slot *stream_file_take(struct stream_file *f, uint64_t base);
/* Gives the oldest slot back; next is the number of the record behind it. */
void stream_file_drop(struct stream_file *f, struct stream_slot *slot, uint64_t next);
uint64_t stream_file_durable(const struct stream_file *f, const char *consumer);
void stream_file_set_durable(struct stream_file *f, const char *consumer, uint64_t seq);
/* Forgets all; the next record is number seq of epoch. */
void stream_file_restart(struct stream_file *f, uint64_t epoch, uint64_t seq);

#endif

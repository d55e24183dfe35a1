/*
 * Snapshot files: "snapshot.<number>", pieces of bytes each with a checksum, a mark at the end. Written by a thread of its own
 * from pieces handed over, so that nobody waits for the disk; first under the name with ".tmp", synced, and renamed only when
 * told: a file under its final name is whole, or the disk has lied.
 */
#ifndef WEIR_SNAPSHOT_H
#define WEIR_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define SNAPSHOT_SCHEMA 1
#define SNAPSHOT_MAX_PIECE (1u << 30)

struct snapshots;

enum snapshot_state {
	SNAPSHOT_NONE,
	SNAPSHOT_WRITING,
	SNAPSHOT_WRITTEN, /* and synced: waits for snapshot_keep */
	SNAPSHOT_KEEPING,
	SNAPSHOT_KEPT,    /* under its name */
	SNAPSHOT_FAILED,
};

/* Starts the thread. dir is there. */
struct snapshots *snapshots_new(const char *dir);
/* Ends the thread; what is not kept is removed. */
void snapshots_free(struct snapshots *s);
/* Begins a file; conf is told to whoever reads it. Only when none is under way. */
void snapshot_begin(struct snapshots *s, uint64_t number, uint64_t conf);
/* Hands a piece over: piece is empty afterwards. */
void snapshot_put(struct snapshots *s, struct buf *piece);
/* No more pieces. */
void snapshot_end(struct snapshots *s);
/* Gives it its name. */
void snapshot_keep(struct snapshots *s);
enum snapshot_state snapshot_state(struct snapshots *s);
/* After SNAPSHOT_KEPT or SNAPSHOT_FAILED: another may begin. Returns the errno of a failure. */
int snapshot_done(struct snapshots *s);
/* Bytes handed over and not yet written. */
size_t snapshot_waiting(struct snapshots *s);
uint64_t snapshot_size(struct snapshots *s); /* of the one under way or the last */
/* Syncs a file and its name in the thread; fd is duplicated. */
void snapshot_sync(struct snapshots *s, int fd);
bool snapshot_is_syncing(struct snapshots *s);
/* errno of the last sync that failed, then 0. */
int snapshot_sync_error(struct snapshots *s);

char *snapshot_path(const char *dir, uint64_t number);
/* What snapshot_read returns for a file that is no worse than of another schema: nobody may remove it unasked. */
extern const char snapshot_other_version[];
/*
 * Reads a file that is whole: verified from begin to end before the first piece is given. NULL if all is well, else what is
 * wrong. A callback that returns false stops, and that is wrong too; without one the file is only verified.
 */
const char *snapshot_read(const char *dir, uint64_t number, uint64_t *ret_conf, bool (*piece)(void *arg, const char *p, size_t len),
			  void *arg);

#endif

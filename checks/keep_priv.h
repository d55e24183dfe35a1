/* What keep.c, its recovery (keep_recover.c) and its files (keep_files.c) share. */
#ifndef WEIR_KEEP_PRIV_H
#define WEIR_KEEP_PRIV_H

#include "keep.h"
#include "snapshot.h"

#define KEEP_MAX_FILES 64 /* of a kind that are looked at */

struct keep {
	const struct topo *topo;
	char *dir, *conf_dir; /* of the journals and snapshots; of configurations */
	int claim;            /* on dir; -1 = none */
	uint64_t conf; /* of the topology in force */
	struct journal *journal;
	struct snapshots *snapshots;
	uint64_t older;     /* bytes of the segments before the one that is written to */
	struct buf waiting; /* body of an entry that could not be written */
	struct journal_entry waits;
	bool has_waiting;
	bool was_full;
	bool unnamed;  /* the segment could not be begun */
	uint64_t next; /* its number */
	char trouble[160];
	/* the snapshot under way */
	bool copying, under_way;
	struct buf piece;
	uint64_t number, heads[2]; /* its own, and where the outputs stood */
	uint64_t now, last_done, last_sync, last_size, synced_bytes;
	uint64_t pause; /* before the next one */
	/* told */
	uint64_t taken, failed, bytes, recovered_records, full;
	struct log_limit limit;
};

/* keep_files.c. The directory has snapshot.<number> and journal.<number>. */
enum keep_file { KEEP_OTHER, KEEP_SNAPSHOT, KEEP_JOURNAL, KEEP_UNFINISHED };
/* Numbers of the files of a kind, the newest first, at most KEEP_MAX_FILES. Returns how many. */
size_t keep_list(const struct keep *k, enum keep_file kind, uint64_t *numbers);
/* Removes snapshots and segments with numbers below, and what was not finished. */
void keep_remove_below(struct keep *k, uint64_t number);
/* Brings k->older up to date. */
void keep_count_older(struct keep *k);
/* Where a configuration of this hash is kept; the caller frees it. */
char *keep_conf_path(const struct keep *k, uint64_t conf);
/* Keeps the one in force: the journal may have to be read under it when the user's file has long changed. */
void keep_conf_write(const struct keep *k);

/* keep.c: the segment of this number becomes the one that is written to. */
void keep_begin_segment(struct keep *k, const struct pipeline *p, uint64_t number);

#endif

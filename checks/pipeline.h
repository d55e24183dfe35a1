/*
 * What is the same in every run: entries (journal.h) in, engine, streams out. Everything that changes the state of checks goes
 * through here, when it happens and when it is read again from the journal. Pure.
 */
#ifndef WEIR_PIPELINE_H
#define WEIR_PIPELINE_H

#include "codec.h"
#include "engine.h"
#include "journal.h"
#include "log.h"
#include "stream.h"

/* What has come out of the engine; overflow is what the stream had no room for, while one record is worked on. */
struct output {
	struct stream *stream;
	char **durable;      /* its durable consumers, NULL-terminated, or NULL */
	struct buf overflow; /* length, record, length, record ... */
	size_t drained;
};

/* How far a sensor's stream has been worked on. clock: packet time it has reached. */
struct position {
	const char *sensor;
	uint64_t epoch, next, clock;
	bool started, ended;
};

struct pipeline {
	struct engine *engine;
	const struct topo *topo; /* of the engine */
	struct lua_guard guard; /* of every engine that is made; given before pipeline_init, enter NULL = none */
	bool fresh;           /* nothing has been done yet */
	struct position *positions; /* in the order of the topology */
	size_t n_positions;
	struct output alerts, history;
	bool has_epoch, finished;
	uint64_t nonce;       /* live: this run's own, else 0 */
	uint64_t records, unreadable;
	struct log_limit limit;
	/* of the journal that is read */
	uint16_t map[256];    /* its lanes to places; UINT16_MAX = that sensor is gone */
};

/* The streams are there already; they belong to the caller. */
void pipeline_init(struct pipeline *p, const struct topo *t);
void pipeline_release(struct pipeline *p);
/* As it was after init, with an engine of this topology. The streams are empty and of no epoch. */
void pipeline_reset(struct pipeline *p, const struct topo *t);

/* Moves what overflowed into the streams. True if there is room for the outputs of some more records. */
bool pipeline_has_room(struct pipeline *p);

/* The epoch that the outputs have: the same input and the same checks give the same records under the same numbers. */
uint64_t pipeline_make_epoch(const struct pipeline *p);

/* -- the entries -- */

void pipeline_begin(struct pipeline *p, uint64_t epoch, uint64_t nonce);
/* A sensor's stream is (now) of this run. */
void pipeline_epoch(struct pipeline *p, unsigned lane, uint64_t epoch);
/* What a process of weir told of itself: a packed METRIC record, see pipeline_pack_health. False if it is none. */
bool pipeline_health(struct pipeline *p, const char *rec, size_t len);
void pipeline_pack_health(struct buf *out, const struct engine_health *h);
void pipeline_lost(struct pipeline *p, unsigned lane, uint64_t next);
/*
 * Works on count records, while go (may be NULL) says so before each. Returns how many; the reader is behind them. A record
 * that cannot be read ends it: the rest counts as unreadable, for where the next one begins is not known.
 */
uint32_t pipeline_records(struct pipeline *p, unsigned lane, uint64_t base, uint32_t count, struct codec_reader *r,
			  bool (*go)(void *arg), void *arg);
/* One of the above, from the journal. False if it is none, or makes no sense. */
bool pipeline_apply(struct pipeline *p, const struct journal_entry *e);

/* -- for snapshots: all but the engine, as lines of text -- */

void pipeline_save(const struct pipeline *p, struct buf *out);
bool pipeline_load(struct pipeline *p, const char *text, size_t len);
/* Goes on with an engine of another topology, which has the same state. */
bool pipeline_switch(struct pipeline *p, const struct topo *t);

#endif

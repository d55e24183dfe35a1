/*
 * The store: alerts, what people noted on them, the delivery log, ended flows, and how far each stream has been stored. One
 * interface; SQLite behind it (store_sqlite.c). A handle belongs to one thread; writer and readers have their own.
 */
#ifndef WEIR_STORE_H
#define WEIR_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "record.h"

struct store;

struct store_conf {
	const char *dir;
	uint64_t period;     /* ns one flow file covers */
	uint64_t max_age;    /* ns */
	uint64_t max_bytes;  /* of flow files */
	uint64_t max_alerts;
	bool deliveries;     /* somebody is to be notified: keep a delivery log */
};

struct store_cursor {
	uint64_t epoch, next;
};

struct store_stats {
	uint64_t alerts, flows_files, flows_bytes, alerts_bytes, deliveries;
};

/* Every function that can fail returns -1 and leaves the reason here. The store stays usable: the caller tries again. */
const char *store_error(const struct store *s);
/* A store that exists is migrated; one made by a newer program is refused. writer: makes directory and files. */
struct store *store_open(const struct store_conf *conf, bool writer, struct buf *err);
void store_close(struct store *s);

/* Alerts, with their cursor and delivery rows in one transaction. */
int store_alerts_begin(struct store *s);
int store_alerts_put(struct store *s, const struct r_alert *a, const char *base, uint64_t now);
int store_alerts_commit(struct store *s, const struct store_cursor *c);
void store_alerts_rollback(struct store *s);
int store_alerts_cursor(struct store *s, struct store_cursor *c);
/* Episodes that were engaged when their run was lost end here. */
int store_alerts_lost(struct store *s, uint64_t end);

/* Ended flows: now (wall clock, ns) chooses the file. */
int store_flows_begin(struct store *s, uint64_t now);
int store_flows_put(struct store *s, const struct r_flow *f, const char *base);
int store_flows_commit(struct store *s, const struct store_cursor *c);
void store_flows_rollback(struct store *s);
int store_flows_cursor(struct store *s, struct store_cursor *c);

/* The delivery log. cb gets rows after seq in order until it returns false. */
int store_deliveries_read(struct store *s, uint64_t after, bool (*cb)(void *arg, uint64_t seq, const void *rec, size_t len),
			  void *arg);
int store_deliveries_forget(struct store *s, uint64_t before);
uint64_t store_id(const struct store *s); /* random, made with the store: the epoch of its delivery log */

/*
 * A page of alerts or flows: filter in the match language, sort a field with '-' for descending, cursor as an earlier
 * answer gave it. Appends packed records to out. Returns an HTTP status: 200, or 400 and why in err.
 */
struct store_page {
	uint32_t count;
	uint64_t total, scanned;
	char next[160]; /* cursor, "" at the end */
};
unsigned store_query(struct store *s, const struct g_query *q, const char *base, struct buf *out, struct store_page *page,
		     struct buf *err);
/* A note on an alert: ack, unack, comment. 200, 404, 503. */
unsigned store_note(struct store *s, struct id id, const char *op, const char *actor, const char *text, uint64_t now,
		    struct buf *err);

int store_backup(struct store *s, const char *path);
/* Deletes what is too old or too much. Returns how many alerts and files went, or -1. */
int store_prune(struct store *s, uint64_t now);
int store_stats(struct store *s, struct store_stats *st);

#endif

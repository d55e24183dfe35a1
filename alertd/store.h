/*
 * The store: alerts, what people noted on them, the log of what notify is to deliver, ended flows, time series, and how far each
 * run has been stored. One table of functions; SQLite is behind it (store_sqlite.c), another backend is one more such table.
 *
 * A handle belongs to one thread. There are four kinds of handle, so that alerts never wait for history, neither waits for a
 * query, and none for upkeep: one writes alerts, one writes flows and series, one reads all, one looks after what is complete.
 *
 * Functions that can fail return -1 and leave the reason in error(). After a failure of a writer the transaction is rolled
 * back; the caller closes the handle and opens another when it tries again.
 */
#ifndef WEIR_STORE_H
#define WEIR_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "record.h"
#include "retention.h"

#define STORE_SILENCES 1000   /* those that are over but not yet pruned included */
#define STORE_NOTED    2000   /* hosts that something is said of; all of them fit into one answer */
#define STORE_GROUPS   200000 /* that one question about sums can find */

struct store;

enum store_role { STORE_ALERTS, STORE_FLOWS, STORE_READ, STORE_UPKEEP };

struct store_conf {
	const char *dir;
	uint64_t period;         /* ns of ingest time that one flow file covers */
	struct retention kept[KEPT_KINDS];
	uint64_t max_alerts;
	uint64_t max_deliveries; /* rows of the delivery log; the oldest make room */
	const char *quarantine;  /* folder of packets that crashed a process, for its numbers */
	bool deliveries;         /* keep a delivery log: somebody is to be notified */
	const bool *cancel;      /* set by another thread: what takes long ends soon, with failure. May be NULL. */
	uint64_t *revision;      /* moved by the writer of alerts after each commit, before anybody hears of it. May be NULL. */
};

/* How far a run (a stream's epoch) is stored. next 0: nothing of it. */
struct store_cursor {
	uint64_t epoch, next;
	bool ended;     /* the end of its input is stored */
	uint64_t clock; /* packet time stored, ns */
};

/* A page of an answer. */
struct store_page {
	uint32_t count;
	uint64_t total;   /* all that match; only when asked for */
	uint64_t scanned; /* rows looked at */
	char next[128];   /* cursor of the next page, "" on the last */
};

/* What retention deleted: alerts, files of flows, samples, files of packets. */
struct store_pruned {
	uint64_t n[KEPT_KINDS];
	/* The backend's place between slices; all zero to begin. */
	uint64_t from, seq; /* alerts up to these are deleted, are looked at */
	int64_t excess;
	bool begun;
};

/* What somebody adds to an alert. */
struct store_note {
	const char *op;     /* ack, unack, or comment */
	const char *actor;
	const char *text;   /* "" leaves the comment as it is */
	const char *labels; /* words, one a line, instead of those that it has; "" leaves them, "-" takes them away */
};

/* What somebody says of a host. */
struct store_host {
	struct addr ip;
	uint16_t vlan;
	const char *actor;
	const char *alias, *notes; /* NULL: stays as it is */
};

struct store_log {
	uint64_t epoch;   /* random, made with the store */
	uint64_t first;   /* oldest row held; next if there is none */
	uint64_t next;    /* number of the next row */
	uint64_t dropped; /* rows that made room without having been delivered, since the store was made */
};

struct store_ops {
	const char *name;
	/*
	 * A store that is there is migrated; one that a newer program made is refused with advice in err. The writers
	 * make the directory and what is missing in it.
	 */
	struct store *(*open)(const struct store_conf *conf, enum store_role role, struct buf *err);
	void (*close)(struct store *s);
	const char *(*error)(const struct store *s);

	/* -- both writers -- */

	/* The run stored last, all zero in a new store; and how far a given one is stored. */
	int (*last_run)(struct store *s, struct store_cursor *c);
	int (*run)(struct store *s, uint64_t epoch, struct store_cursor *c);
	/*
	 * Begins a transaction for records of a run. When it is not the one stored last, the episodes of that one that are
	 * still engaged are released with cause 'lost'. now: wall clock, ns, by which it is stored (ageclock.h).
	 */
	int (*begin)(struct store *s, uint64_t epoch, uint64_t now);
	/*
	 * Puts one record: an alert (STORE_ALERTS), an ended flow (STORE_FLOWS), or what says how far the run is (CONFIG,
	 * TICK, EOS). 1 stored, 0 known already, -1. Strings need not outlive the call. SAMPLE: of a minute; adds to those
	 * of the same time, kind and key, in all spans that are kept. number: of the record in its stream, so that what comes
	 * again is known; 0 for a SAMPLE.
	 */
	int (*put)(struct store *s, enum rtype type, const void *rec, const char *base, uint64_t number);
	/* Records before next are stored: with them, in one transaction. */
	int (*commit)(struct store *s, uint64_t next);
	void (*rollback)(struct store *s);

	/* -- STORE_FLOWS: what has been counted of a run's totals, in the transactions that have the samples -- */

	/* len 0: no longer. */
	int (*keep)(struct store *s, const void *key, size_t key_len, const void *value, size_t len);
	/* All that is kept of the run that was begun. */
	int (*kept)(struct store *s, void (*cb)(void *arg, const void *key, size_t key_len, const void *value, size_t len),
		    void *arg);

	/* -- all but STORE_READ -- */

	/*
	 * One slice of retention, some milliseconds of work, outside a transaction; ages are measured to now (ageclock.h). 1: there
	 * is more to do, 0: done. Each handle has its kinds: alerts and samples of them, samples of flows, files of flows (upkeep).
	 */
	int (*prune)(struct store *s, uint64_t now, struct store_pruned *did);
	/* One piece of work that waits for a quiet moment; of STORE_UPKEEP it may take long. 1: there may be more. */
	int (*tidy)(struct store *s, uint64_t now);

	/* -- STORE_ALERTS -- */

	/* Returns an HTTP status: 200, 404, 503 and why in err. */
	unsigned (*note)(struct store *s, struct id id, const struct store_note *n, uint64_t now, struct buf *err);
	/*
	 * Makes a silence, or changes the one that has its id: alerts that are stored while it is active are marked with it,
	 * in the delivery log too. rec.updated is now. 200, 400, 409 (too many), 503 and why in err.
	 */
	unsigned (*silence)(struct store *s, const struct g_silence *rec, const char *base, struct buf *err);
	/* Ends one now; it is kept as long as alerts are. 200, 404 (none, or over), 503 and why in err. */
	unsigned (*unsilence)(struct store *s, struct id id, const char *actor, uint64_t now, struct buf *err);
	/*
	 * Gives a host an alias, notes or both; empty ones take them away. 200, 400, 409 (too many hosts have some), 503 and why
	 * in err.
	 */
	unsigned (*host)(struct store *s, const struct store_host *h, uint64_t now, struct buf *err);
	/* The delivery log: every alert revision stored, packed, in order of its commit. */
	int (*log)(struct store *s, struct store_log *l);
	/* Calls cb for at most max rows from number from on, until it returns false. */
	int (*log_read)(struct store *s, uint64_t from, unsigned max,
			bool (*cb)(void *arg, uint64_t seq, const void *rec, size_t len), void *arg);
	/* Rows before this one are delivered. Outside a transaction. */
	int (*log_forget)(struct store *s, uint64_t before);

	/* -- STORE_READ -- */

	/*
	 * A page of 'alerts', 'flows', 'runs' or 'stats': packed ALERT, FLOW, RUN or METRIC records appended to out. Filter in
	 * the match language, sort by up to three fields ("-score,time", '-': descending), cursor as an earlier answer gave it: then
	 * nothing is skipped or doubled while new rows come.
	 * 'silences': SILENCE records, the latest made first.
	 * 'hosts': HOST records with the address, VLAN, alias and notes of all hosts that have one of the last two.
	 * 'top.flows', 'top.alerts': TOP records, one for each value of the fields in 'by' (for flows also 'ip': either
	 * end), the first ones by 'sort', a field of TOP ("-bytes" for flows, "-alerts" for alerts if absent).
	 * 'series': SAMPLE records, oldest first, of spans of 'step' (a minute if absent), one for each key in a span. 'by' is a
	 * kind of sampler.h, or 'app', or absent for all sensors together; 'key' restricts it. Where the samples of a span are
	 * no longer kept, those of the next larger one stand for them. With a filter, other fields in 'by', or a step that is
	 * not of whole minutes, flows by the time of their end instead. 'series.alerts': the same from stored alerts, of which any
	 * field may be in 'by'.
	 * 'run' restricts any of them to one.
	 * Bounded in rows, bytes and time. Returns an HTTP status: 200 (err may hold a warning), 400, 410 (the
	 * cursor is of another question) or 503 and why in err.
	 */
	unsigned (*query)(struct store *s, const struct g_query *q, const char *base, struct buf *out,
			  struct store_page *page, struct buf *err);
	/* Lets go of what is kept for the next question, files that retention deletes among it: none has come for some time. */
	void (*rest)(struct store *s);
	/*
	 * A consistent copy below dir, which must not be there yet. flows: with the history. 200, 409 (it is there), 507 (it
	 * would not fit), 503.
	 */
	unsigned (*backup)(struct store *s, const char *dir, bool flows, struct buf *err);
};

extern const struct store_ops store_sqlite;

/* "alerts", "flows", "series.1m" ..., as in weir.yaml. */
extern const char *const store_kinds[KEPT_KINDS];
/* A METRIC of alertd, packed. */
void store_put_metric(struct buf *out, const char *name, const char *label, const char *unit, bool counter, double value);

#endif

/*
 * Open flows: what is remembered between the records of a flow. Bounded; the one without news for longest makes room.
 */
#ifndef WEIR_FLOWSTATE_H
#define WEIR_FLOWSTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "aged.h"
#include "conf.h"
#include "record.h"

struct host;

#define FLOW_CHECK_WORDS (CONF_FLOW_CHECKS / 64)

/* What the engine has learned of a flow beside its records. Plain data. */
struct flow_facts {
	bool new_edge, new_name;  /* local client and server and service, or client and domain, were not seen before */
	bool periodic;            /* this flow comes at a steady pace */
	int8_t pace;              /* +1: the pace began with this flow, -1: it ended */
	bool edge_done, name_done, query_done; /* looked at */
	uint8_t dns_label;        /* average length of the names asked for, in front of the domain */
	uint32_t period;          /* seconds */
	uint32_t times;           /* intervals of that length in a row */
	uint32_t dns_names;       /* distinct names the client asked for below the domain of this one (estimate, error 18%) */
	char new_order[16];       /* industrial protocols: 'from>to' that was never seen before */
};

struct openflow {
	struct aged age;
	struct id id;
	bool counted;            /* its hosts know of it */
	bool remote;             /* counted as remote access */
	bool started;            /* checks at its start have run */
	bool closing;            /* its last record waits to be judged */
	uint16_t waiting;        /* records of it that do */
	struct g_flow_key key;   /* key.sensor refers to the engine's arena of names */
	struct g_flow_count n;   /* as of the last record */
	char *app;               /* what the last verdict found, packed */
	uint32_t app_len;
	uint64_t periodic;       /* time of the last periodic run */
	uint64_t fired[FLOW_CHECK_WORDS]; /* checks that fired, by index */
	uint16_t top_score;      /* of the predominant check: the one with the highest score */
	uint16_t top;            /* its index + 1, 0 = it is not in conf */
	uint16_t score, client_score, server_score;
	uint32_t revision;       /* of FLOW records */
	uint32_t alert_revision; /* 0 = no alert */
	uint8_t told;            /* severity of the last alert record, + 1; 0 = there was none */
	char *lua_top;           /* key of the predominant check where it is in Lua, or gone since; else NULL */
	char *lists;             /* names of lists that have something of it, newline-separated */
	char *excluded;          /* 'check:exclusion' of findings that exclusions kept out, newline-separated */
	char *lua_alerts;        /* keys of Lua checks that fired, newline-separated */
	struct flow_facts facts;
	struct host *host[2];    /* of client and server, valid while host_removed() is host_at; not kept */
	uint64_t host_at;
	char *why;               /* 'check.name=value' lines: what decided, of all checks that fired; owned, may be NULL */
};

struct flow_table;

struct flow_table *flow_table_new(uint64_t max, void (*evict)(void *arg, struct openflow *f), void *arg);
void flow_table_free(struct flow_table *t);
/* Finds or makes; *ret_new tells which. */
struct openflow *flow_get(struct flow_table *t, struct id id, bool *ret_new);
void flow_touch(struct flow_table *t, struct openflow *f);
void flow_remove(struct flow_table *t, struct openflow *f);
/* Will the next new flow make another one go? */
bool flow_full(const struct flow_table *t);
struct openflow *flow_oldest(const struct flow_table *t);
struct openflow *flow_newer(const struct flow_table *t, const struct openflow *f);
/* A copy of the table while it goes on changing: as aged_copy_begin, aged.h. */
void flow_copy_begin(struct flow_table *t, void (*copy)(void *arg, struct openflow *f));
/* Whoever changes a flow that it did not get from flow_get says so first. */
void flow_will_change(struct flow_table *t, struct openflow *f);
bool flow_copy_step(struct flow_table *t, unsigned n);
/* Puts back the order of activity after flows were made from a copy, and what the table counted. */
void flow_table_restored(struct flow_table *t, uint64_t evicted);
uint64_t flow_count(const struct flow_table *t);
uint64_t flow_evicted(const struct flow_table *t);

#endif

/*
 * Open flows: what is remembered between the records of a flow. Bounded; the one without news for longest makes room.
 */
#ifndef WEIR_FLOWSTATE_H
#define WEIR_FLOWSTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "record.h"

#define FLOW_CHECK_WORDS (CONF_MAX_CHECKS / 64)

struct openflow {
	struct id id;
	uint32_t hash_next, lru_prev, lru_next;
	bool used, counted;      /* counted: its hosts know of it */
	bool final_run;          /* checks on the final verdict have run */
	bool remote;             /* counted as remote access */
	struct g_flow_key key;   /* key.sensor refers to the engine's arena of names */
	struct g_flow_count n;   /* as of the last record */
	char *verdict;           /* packed VERDICT record */
	uint32_t verdict_len;
	uint64_t periodic;       /* time of the last periodic run */
	uint64_t fired[FLOW_CHECK_WORDS]; /* checks that fired, by index */
	uint16_t predominant;    /* index of the check with the highest score */
	uint16_t top_score;
	uint16_t score, client_score, server_score;
	uint32_t revision;       /* of FLOW records */
	uint32_t alert_revision; /* 0 = no alert */
	char *lua_alerts;        /* keys of Lua checks that fired, newline-separated */
};

struct flow_table;

struct flow_table *flow_table_new(uint64_t max, void (*evict)(void *arg, struct openflow *f), void *arg);
void flow_table_free(struct flow_table *t);
/* Finds or makes; *ret_new tells which. */
struct openflow *flow_get(struct flow_table *t, struct id id, bool *ret_new);
void flow_touch(struct flow_table *t, struct openflow *f);
void flow_remove(struct flow_table *t, struct openflow *f);
struct openflow *flow_oldest(const struct flow_table *t);
struct openflow *flow_newer(const struct flow_table *t, const struct openflow *f);
uint64_t flow_count(const struct flow_table *t);
uint64_t flow_evicted(const struct flow_table *t);

#endif

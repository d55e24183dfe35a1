/*
 * Checks without code: the rules of the topology. A rule is a match and, maybe, a value that is above or below a threshold:
 * the value of the record itself, or what it grew by within a window. Pure: time is that of the records.
 */
#ifndef WEIR_RULES_H
#define WEIR_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "checkdef.h"
#include "topo.h"

struct rules;

/* A rule whose condition holds. Texts may hold what came from packets. */
struct rule_finding {
	unsigned rule;           /* from 0 in the order of the topology */
	double value, threshold; /* 0 for a rule without a value */
	char message[256], values[160];
};

typedef void rules_cb(void *arg, const struct rule_finding *f);

/* Sets TZ of this process to that of the topology: rules know times of the week. */
struct rules *rules_new(const struct topo *t);
void rules_free(struct rules *r);
unsigned rules_count(const struct rules *r);
/* The row of the catalogue that a rule stands for. */
const struct checkdef *rules_def(const struct rules *r, unsigned rule);
/* Are there rules that look at flows (those of sensors too), at hosts? */
bool rules_has(const struct rules *r, enum rtype type);
bool rules_has_sensors(const struct rules *r);
/* Are there rules that look at what flows grow by? They want to see each update. */
bool rules_look_at_updates(const struct rules *r);
/* A flow as it is now: rules on flows fire, those on sensors add it up. update: those only that look at updates. */
void rules_flow(struct rules *r, const struct r_flow *f, const char *base, uint64_t now, bool update, rules_cb *cb, void *arg);
/* The flow is over: its windows are forgotten. */
void rules_flow_end(struct rules *r, struct id id);
/* A host at its minute run. A rule that does not call back no longer holds. */
void rules_host(struct rules *r, const struct r_host *h, const char *base, uint64_t now, rules_cb *cb, void *arg);
void rules_host_end(struct rules *r, const struct addr *ip, uint16_t vlan);
/* A sensor, at any time: what its flows came to. A rule that does not call back no longer holds. */
void rules_sensor(struct rules *r, const char *sensor, uint64_t now, rules_cb *cb, void *arg);
/* Windows held, their bound, and how many had to make room. */
void rules_windows(const struct rules *r, uint64_t *ret_held, uint64_t *ret_max, uint64_t *ret_evicted);
/* Of what decides. */
uint64_t rules_hash(const struct rules *r);
void rules_save(const struct rules *r, struct buf *out);
bool rules_load(struct rules *r, const char *p, size_t len);

#endif

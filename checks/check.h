/*
 * What a check sees and what it says. To add one: a row in common/catalogue/, and a function, named after the row's entity and
 * key, in the file of its family; the linker misses it otherwise. A function is pure: it looks at the record, at the
 * state of its host or network and at its parameters.
 */
#ifndef WEIR_CHECK_H
#define WEIR_CHECK_H

#include <stdbool.h>

#include "conf.h"
#include "episode.h"
#include "flowstate.h"
#include "host.h"
#include "place.h"
#include "record.h"

/* -- flows -- */

/* A flow as known at this moment. Strings of app refer to app_base. */
struct flow_view {
	const struct g_flow_key *key;
	const struct g_flow_count *n;
	const struct g_flow_app *app;
	const char *app_base;
	const struct flow_facts *facts;
	const struct host *client, *server; /* NULL: no host */
	uint64_t since; /* when the engine began to learn: first packet time */
	bool client_local, server_local;
	bool final;  /* no later verdict will come */
	bool ended;  /* the flow, or this part of it, is over */
	enum check_hook hook;
};

/* Filled by a check that fires. */
struct finding {
	char message[256]; /* one sentence; may hold what came from packets, it is cleaned later */
	char values[160];  /* 'name=value' lines: what was seen and what the threshold was */
};

/* The conditions of enum check_if that the flow meets. */
unsigned flow_about(const struct flow_view *v);

/* Is asked only of flows that meet the conditions of its row. */
typedef bool flow_check_fn(const struct flow_view *v, const struct check_conf *k, struct finding *f);
#define FLOW_CHECK(key)                                                                                                        \
	bool check_flow_##key(__attribute__((unused)) const struct flow_view *v,                                               \
			      __attribute__((unused)) const struct check_conf *k, __attribute__((unused)) struct finding *f)

/* -- what has episodes -- */

typedef bool host_check_fn(const struct host *h, enum period p, const struct check_conf *k, struct observation *o);
typedef bool place_check_fn(const struct place *w, enum period p, const struct check_conf *k, struct observation *o);
#define HOST_CHECK(key)                                                                                                        \
	bool check_host_##key(__attribute__((unused)) const struct host *h, __attribute__((unused)) enum period p,             \
			      __attribute__((unused)) const struct check_conf *k, struct observation *o)
#define PLACE_CHECK(entity, key)                                                                                               \
	bool check_##entity##_##key(__attribute__((unused)) const struct place *w, __attribute__((unused)) enum period p,      \
				    __attribute__((unused)) const struct check_conf *k, struct observation *o)

/* The function of each row of the catalogue, in its order; NULL where the engine decides by itself. */
struct check_fn {
	flow_check_fn *flow;
	host_check_fn *host;
	place_check_fn *place;
};
extern const struct check_fn check_fns[];

#endif

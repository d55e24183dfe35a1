/*
 * What a check sees and what it says. To add one: a row in common/checks.def, a function here, its line in the table of its
 * file. A function is pure: it looks at the record and at its parameters.
 */
#ifndef WEIR_CHECK_H
#define WEIR_CHECK_H

#include <stdbool.h>

#include "conf.h"
#include "host.h"
#include "record.h"

/* A flow as known at this moment. Strings of app refer to app_base. */
struct flow_view {
	const struct g_flow_key *key;
	const struct g_flow_count *n;
	const struct g_flow_app *app;
	const char *app_base;
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

struct flow_check {
	const char *key;
	bool (*fires)(const struct flow_view *v, const struct check_conf *k, struct finding *f);
};

/* Remote access, VPN or file sharing, by its category. */
bool flow_is_remote_access(const struct g_flow_app *app);

extern const struct flow_check flow_checks[];
extern const size_t n_flow_checks;

struct host_finding {
	bool attacker; /* the host is the attacker, else the victim */
	double value, threshold;
	char message[256];
};

struct host_check {
	const char *key;
	bool (*fires)(const struct host *h, const struct check_conf *k, struct host_finding *f);
};

extern const struct host_check host_checks[];
extern const size_t n_host_checks;

#endif

/*
 * The catalogue of native checks: one row each, in catalogue/<family>.def. checks/ runs them, the topology is validated against
 * them, weir checks and weir-checks(7) print them.
 */
#ifndef WEIR_CHECKDEF_H
#define WEIR_CHECKDEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "record.h"

/* When a check runs. */
enum check_hook {
	HOOK_DETECTED = 1,    /* flow: a verdict came; rules on an absence wait for the final one */
	HOOK_PERIODIC = 2,    /* flow: counters of a flow that goes on, each 60 s of packet time */
	HOOK_END = 4,         /* flow: it ended */
	HOOK_MINUTE = 8,      /* all others: each minute of packet time */
	HOOK_5MIN = 16,
	HOOK_HOUR = 32,
	HOOK_DAY = 64,
	HOOK_EVENT = 128,     /* as it happens; a single event, no episode */
	HOOK_HOST_MINUTE = HOOK_MINUTE,
};

#define CHECKDEF_HOOKS 8
/* In words, by bit. */
extern const char *const checkdef_hook_names[CHECKDEF_HOOKS];

/* What a flow must be for a check to be about it. Nearly all checks are about few flows, and are not asked of the others. */
enum check_if {
	IF_UNICAST = 1, /* to one host: the server is neither a multicast nor a broadcast address */
	IF_TCP = 2,
	IF_ICMP = 4,    /* ICMPv6 too */
	IF_NAMED = 8,   /* a name is asked for: app.host */
	IF_HTTP = 16,   /* for these, anything of the protocol is known */
	IF_TLS = 32,
	IF_DNS = 64,
	IF_SCADA = 128, /* industrial protocols */
	IF_LEARNED = 256, /* it is new, or has a pace: struct flow_facts */
};
#define CHECKDEF_IFS 9
/* In words, by bit: flows ... */
extern const char *const checkdef_if_names[CHECKDEF_IFS];

/* Granularities of what is not a flow, in the order of their hooks. */
enum period { PER_MINUTE, PER_5MIN, PER_HOUR, PER_DAY, PERIODS };
/* In seconds. */
unsigned period_seconds(enum period p);
static inline unsigned period_hook(enum period p)
{
	return (unsigned)HOOK_MINUTE << p;
}

enum param_kind {
	PARAM_NUMBER,
	PARAM_NETS,    /* a list of addresses and networks */
	PARAM_TEXTS,   /* a list of texts: names, applications, country codes, fingerprints ... */
	PARAM_NUMBERS, /* a list of whole numbers */
};

struct checkdef_param {
	const char *name; /* NULL ends the list */
	const char *unit;
	const char *doc;
	bool list;        /* any kind but PARAM_NUMBER */
	bool needed;      /* while the list is empty the check never fires */
	enum param_kind kind;
	double def, min, max;
	const char *items; /* of a list: default, separated by spaces; NULL = empty */
};

#define CHECKDEF_MAX_PARAMS 6

struct checkdef {
	const char *key;
	enum entity entity;
	const char *title;
	const char *description; /* one or two sentences: what it means, what to do */
	enum category category;
	bool enabled;            /* by default */
	uint16_t score;          /* total */
	uint16_t client_score;   /* of it, on the client or attacker; the rest on the server or victim */
	uint16_t type_id;        /* ntopng's number of the alert type, 0 = it has none */
	uint8_t risk_id;         /* nDPI risk that it reports, 0 = none */
	bool attention;          /* not acknowledged from the start */
	bool client_attacker, server_attacker, client_victim, server_victim;
	unsigned hooks;
	unsigned ifs;            /* of a flow: all of these */
	const char *mitre;       /* technique id or "" */
	struct checkdef_param params[CHECKDEF_MAX_PARAMS + 1];
};

extern const struct checkdef checkdefs[];
extern const size_t n_checkdefs;
/* Appends the names of the bits that are set, with the separator between them. */
void checkdef_names(struct buf *out, const char *separator, unsigned bits, const char *const *names);
/* The default items of a list in words. */
const char *checkdef_items(const struct checkdef_param *p);
/* By key; an alert key may exist for a flow and for a host: entity ENT_OTHER takes the first. NULL if none. */
const struct checkdef *checkdef_find(const char *key, enum entity entity);
/* The check that reports an nDPI risk, or NULL. */
const struct checkdef *checkdef_risk(unsigned risk_id);
/* Severity that follows from a score: >= 250 emergency, 200 critical, 100 error, 50 warning, 10 notice, 1 info. */
enum severity severity_of_score(unsigned score);

#endif

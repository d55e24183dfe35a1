/* The checks as configured: each row of the catalogue with its switch and parameters in force. */
#ifndef WEIR_CONF_H
#define WEIR_CONF_H

#include <stdbool.h>

#include "checkdef.h"
#include "cost.h"
#include "luacheck.h"
#include "topo.h"

#define CONF_FLOW_CHECKS  512 /* rows of the catalogue, rules and lists */
#define CONF_MAX_CHECKS   (CONF_FLOW_CHECKS + LUA_MAX_SCRIPTS) /* and scripts that look at hosts */
#define CONF_MAX_NETWORKS 64
#define CONF_DEFAULT_NETWORKS 6

/* A list parameter: what of it is addresses, numbers and texts. */
struct conf_list {
	struct cidr *nets;
	char **texts;
	uint32_t *numbers;
	size_t n_nets, n_texts, n_numbers;
	size_t n_pairs; /* texts that have a '=' */
};

struct check_conf {
	const struct checkdef *def;
	bool enabled;
	double number[CHECKDEF_MAX_PARAMS]; /* in the order of the row's parameters */
	struct conf_list list;              /* of the row's list parameter; a row has at most one */
	bool by_period;                     /* it has a threshold for each period: */
	double limit[PERIODS];              /* 0 = this one is not looked at */
	unsigned after;                     /* EPISODE: runs in a row before it is raised */
	double clear;                       /* EPISODE: share of the threshold, in per cent, at which it ends; 100 if it has none */
	uint64_t alerts;                    /* raised since the start */
	struct cost cost;
};

struct conf {
	struct check_conf checks[CONF_MAX_CHECKS];
	size_t n;
	struct cidr *local; /* local networks */
	size_t n_local;
	bool local_default; /* no networks are named: those of 'defaults' */
	struct cidr defaults[CONF_DEFAULT_NETWORKS]; /* RFC 1918, ULA and link-local */
};

void conf_init(struct conf *c, const struct topo *t);
/* Adds a check that has no row in the catalogue, with its switch on. def must outlive c. Returns its index. */
unsigned conf_add(struct conf *c, const struct checkdef *def);
void conf_release(struct conf *c);
/* Networks that a live sensor found on its interface; they count only when the topology names none. */
void conf_add_local(struct conf *c, const char *list, size_t len);
bool conf_is_local(const struct conf *c, const struct addr *a);
/*
 * The local network of an address as a number below CONF_MAX_NETWORKS, -1 if it is in none; conf_network gives it back. Without
 * named networks these are the blocks of RFC 1918, ULA and link-local.
 */
int conf_network_of(const struct conf *c, const struct addr *a);
struct cidr conf_network(const struct conf *c, unsigned i);
/* The check's index by key and entity, CONF_MAX_CHECKS if there is none. */
unsigned conf_index(const struct conf *c, const char *key, enum entity entity);
/* Can it ever fire? Not while a list that it needs is empty. */
bool conf_can_fire(const struct check_conf *k);
/* The same of a check that is not about flows, at the end of such a period. */
bool conf_looks_at(const struct check_conf *k, enum period p);
bool conf_in_nets(const struct check_conf *k, const struct addr *a);
bool conf_has_number(const struct check_conf *k, uint32_t n);
/* Is the text in the list? Case does not matter. */
bool conf_has_text(const struct check_conf *k, const char *s, size_t len);
/* Is it a domain of the list, or below one? */
bool conf_has_domain(const struct check_conf *k, const char *s, size_t len);
/* Hash of all that is in force. */
uint64_t conf_hash(const struct conf *c, uint64_t h);

#endif

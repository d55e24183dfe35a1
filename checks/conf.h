/* The checks as configured: each row of the catalogue with its switch and parameters in force. */
#ifndef WEIR_CONF_H
#define WEIR_CONF_H

#include <stdbool.h>

#include "checkdef.h"
#include "topo.h"

#define CONF_MAX_CHECKS 512 /* rows of the catalogue, rules and lists */

struct check_conf {
	const struct checkdef *def;
	bool enabled;
	double number[CHECKDEF_MAX_PARAMS]; /* in the order of the row's parameters */
	struct cidr *nets;                  /* of a list parameter: what of it is addresses */
	size_t n_nets;
	uint64_t alerts;                    /* raised since the start */
};

struct conf {
	struct check_conf checks[CONF_MAX_CHECKS];
	size_t n;
	struct cidr *local; /* local networks */
	size_t n_local;
	bool local_default; /* no networks are named: RFC 1918, ULA and link-local */
};

void conf_init(struct conf *c, const struct topo *t);
/* Adds a check that has no row in the catalogue, with its switch on. def must outlive c. Returns its index. */
unsigned conf_add(struct conf *c, const struct checkdef *def);
void conf_release(struct conf *c);
/* Networks that a live sensor found on its interface; they count only when the topology names none. */
void conf_add_local(struct conf *c, const char *list, size_t len);
bool conf_is_local(const struct conf *c, const struct addr *a);
bool conf_in_nets(const struct check_conf *k, const struct addr *a);

#endif

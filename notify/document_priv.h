/* The document of an alert (document.c) and what flows have in theirs (document_flow.c). */
#ifndef WEIR_DOCUMENT_PRIV_H
#define WEIR_DOCUMENT_PRIV_H

#include "object.h"
#include "topo.h"

struct source {
	const struct r_alert *a;
	const char *base;
	const struct topo *t; /* may be NULL */
};

/* The number of the local network that an address is in. */
unsigned document_network(const struct source *s, const struct addr *a);
/* Is a host in this role of the alert (attacker, victim)? */
bool document_role(const struct addr *role, const struct addr *ip);
/* The member 'json': a text that holds a document, what fill puts into it and the values that decided. */
void document_nested(struct object *o, const struct source *s, void (*fill)(struct object *o, const struct source *s));

/* document_flow.c: the members of an alert of a flow. */
void document_flow(struct object *o, const struct source *s);

#endif

/*
 * Lists of addresses, domains, URLs and JA3 fingerprints that others keep (threat feeds, allow lists), read from files:
 *
 *   plain   one entry a line; '#' or ';' begins a comment; addresses as 1.2.3.4, 1.2.3.0/24 or 1.2.3.4-1.2.3.9
 *   hosts   hosts(5): an address that does not matter, then domains
 *   csv     a column by its number or its name in the first line; RFC 4180 quotes
 *   json    one object a line, a member by its name ('ioc.value' goes into objects)
 *
 * A domain stands for all below it. URLs are compared without scheme, host in lower case. What cannot be read is counted and
 * the first of it logged with file and line; the rest is used. Pure but for reading the files.
 */
#ifndef WEIR_LISTS_H
#define WEIR_LISTS_H

#include <stdbool.h>
#include <stdint.h>

#include "checkdef.h"
#include "metrics.h"
#include "topo.h"

#define LISTS_MAX_BYTES   (256u << 20) /* of one file */
#define LISTS_MAX_ENTRIES 8000000u     /* of one list */

struct lists;

/* Loads all lists of the topology. One that cannot be opened is logged and empty. */
struct lists *lists_new(const struct topo *t);
void lists_free(struct lists *l);
unsigned lists_count(const struct lists *l);
/* The row of the catalogue that a list stands for; score 0: it raises no alert. */
const struct checkdef *lists_def(const struct lists *l, unsigned list);
uint64_t lists_entries(const struct lists *l, unsigned list);
/* Hash of all entries: another one, other alerts. */
uint64_t lists_hash(const struct lists *l);

/* A list has something of the flow: 'what' is it, as text. */
typedef void lists_cb(void *arg, unsigned list, const char *what);
/*
 * Asks all lists about a flow: both addresses, the name asked for and its URL, both fingerprints. Calls back once for each list
 * that has something, unless a list with 'allow' has the same. Counts hits.
 */
void lists_flow(struct lists *l, const struct r_flow *f, const char *base, lists_cb *cb, void *arg);
/* Is the address on any list, and on none with 'allow'? Counts no hit. */
bool lists_has_addr(const struct lists *l, const struct addr *a);
/* Does the list have it? For tests and 'weir checks'. */
bool lists_has(const struct lists *l, unsigned list, const char *text);
void lists_metrics(const struct lists *l, struct metrics *m);

#endif

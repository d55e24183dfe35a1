/* A BPF filter for packets of mixed link types: compiled once for each. */
#ifndef WEIR_FILTER_H
#define WEIR_FILTER_H

#include <stdbool.h>

#include "buf.h"
#include "packet.h"

struct filter;

/* Is it right for Ethernet, or for raw IP? Names in it are looked up. Else why says what is wrong. */
bool filter_good(const char *expression, struct buf *why);
/*
 * NULL if it is not good; then err says why. Names are looked up here, for all link types that are decoded: later the sandbox
 * is closed.
 */
struct filter *filter_new(const char *expression, struct buf *err);
void filter_free(struct filter *f);
/* An expression that does not fit a link type ('ether host' on raw IP) lets none of its packets through. */
bool filter_match(struct filter *f, const struct packet *p);

#endif

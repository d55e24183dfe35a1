/* A BPF filter for packets of mixed link types: compiled once for each. */
#ifndef WEIR_FILTER_H
#define WEIR_FILTER_H

#include <stdbool.h>

#include "buf.h"
#include "packet.h"

struct filter;

/* NULL if the expression is wrong for Ethernet and raw IP alike; then err says why. */
struct filter *filter_new(const char *expression, struct buf *err);
void filter_free(struct filter *f);
/* An expression that does not fit a link type ('ether host' on raw IP) lets none of its packets through. */
bool filter_match(struct filter *f, const struct packet *p);

#endif

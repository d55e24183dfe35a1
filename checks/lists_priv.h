/* What reading and asking share: one list in memory. Only lists*.c includes this. */
#ifndef WEIR_LISTS_PRIV_H
#define WEIR_LISTS_PRIV_H

#include <stdio.h>

#include "lists.h"

enum list_kind { LIST_ADDRESS, LIST_DOMAIN, LIST_URL, LIST_JA3 };

struct range {
	struct addr lo, hi;
};

/* Texts are kept as hashes of 128 bits: smaller, and all of one size. */
struct digest {
	uint64_t a, b; /* both 0 = free slot */
};

struct list {
	const struct topo_list *t;
	struct checkdef def;
	enum list_kind kind;
	struct range *ranges; /* sorted, none overlaps */
	size_t n_ranges, cap_ranges;
	struct digest *set;   /* open addressing, at most half full */
	size_t n_set, cap_set;
	uint64_t hits, bad;
	size_t line;          /* being read */
};

/* An entry as it stands in the file. False if it is none of the list's kind. */
bool list_add(struct list *l, const char *s, size_t len);
/* The kind and the row of the catalogue of a list of the topology. */
void list_define(struct list *l, const struct topo_list *t);
/* Sorts what was added. */
void list_tidy(struct list *l);
void list_release(struct list *l);
/* Adds what a stream has, in the format of the topology. */
void list_read_from(struct list *l, FILE *f);
/* The same for the list's file. */
void list_read(struct list *l);

#endif

/*
 * Country and autonomous system of an address, from databases on disk: libloc's (Debian's libloc-database), and files in
 * MaxMind's format that the site has. The only interface to both libraries. Optional: without them nothing is known. Files are
 * mapped at start and not opened again.
 */
#ifndef WEIR_LOCATE_H
#define WEIR_LOCATE_H

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

struct locator;

struct location {
	char country[3];   /* ISO 3166-1 alpha-2; "" if it is not known */
	uint32_t asn;      /* 0 if it is not known */
	const char *as_name; /* "" if it is not known; lives as long as the locator */
};

/* location: path of libloc's database, NULL or "none" for none; mmdb: NULL-terminated paths, may be NULL. */
struct locator *locator_new(const char *location, char *const *mmdb);
void locator_free(struct locator *l);
/* False if nothing is known. About 1.5 us: ask once per host. */
bool locator_find(struct locator *l, const struct addr *a, struct location *ret);
/* Names the databases in use, for logs and the hash of the configuration. */
uint64_t locator_version(const struct locator *l);

#endif

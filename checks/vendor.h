/*
 * Vendors of MAC addresses, by the IEEE's lists (MA-L, MA-M, MA-S: prefixes of 24, 28 and 36 bits) as Debian's ieee-data has
 * them: oui.csv, mam.csv, oui36.csv. Optional: without them nobody has a vendor.
 */
#ifndef WEIR_VENDOR_H
#define WEIR_VENDOR_H

#include <stddef.h>

#include "addr.h"

struct vendors;

/* Reads the lists of a directory; what is missing is logged once. dir NULL or "none": empty. */
struct vendors *vendors_new(const char *dir);
void vendors_free(struct vendors *v);
size_t vendors_count(const struct vendors *v);
/* The name, "" if there is none: unknown, or an address that its owner made up (IEEE 802: local bit). */
const char *vendors_find(const struct vendors *v, const struct mac *mac);

#endif

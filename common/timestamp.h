/* Points in time as text: RFC 3339. In memory they are nanoseconds since 1970 UTC. */
#ifndef WEIR_TIMESTAMP_H
#define WEIR_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

/*
 * '2026-01-31', '2026-01-31T12:00[:00[.5]][Z|+01:00]' (UTC without a zone), or seconds since 1970; up to the year 2500. What
 * is finer than a nanosecond is cut off.
 */
bool timestamp_parse(const char *s, uint64_t *ret);
/* In UTC, with microseconds. */
void timestamp_print(struct buf *out, uint64_t ns);

#endif

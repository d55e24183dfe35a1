/* Requests by path, method and status, and how long they took, for Prometheus. Bounded: what does not fit is path "other". Pure. */
#ifndef WEIR_WEBSTAT_H
#define WEIR_WEBSTAT_H

#include <stdint.h>

#include "prom.h"

#define WEBSTAT_MAX 512 /* rows */

struct webstat;
struct webstat *webstat_new(void);
void webstat_free(struct webstat *w);
/* path is that of a route, with its braces; it is kept, not copied. ns: UINT64_MAX for what has no end of its own, a stream. */
void webstat_add(struct webstat *w, const char *path, const char *method, unsigned status, uint64_t ns);
void webstat_print(const struct webstat *w, struct prom *p);

#endif

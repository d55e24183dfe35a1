/*
 * From the first packets of a flow to its application, risks and metadata. What is behind it (nDPI) is known to
 * app_ndpi.c alone.
 */
#ifndef WEIR_APP_H
#define WEIR_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "record.h"

struct app;

/* NULL after logging why. */
struct app *app_new(void);
const char *app_version(void);
/*
 * Looks at the packets of a HEAD (headpkt.h) and fills *out; strings are put into arena. Does not depend on flows seen
 * before (unless app_caches was switched on). Any bytes may come.
 */
void app_classify(struct app *a, const struct g_flow_key *key, const void *data, uint32_t len, struct g_flow_app *out,
		  struct buf *arena);

/* ndpi_caches.c: lets nDPI carry knowledge from flow to flow, as it does by itself. Off by default. */
void app_caches(bool on);

#endif

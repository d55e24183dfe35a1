/* What the app_ndpi files share. Private to them: nobody else includes nDPI. */
#ifndef WEIR_APP_NDPI_H
#define WEIR_APP_NDPI_H

#include <ndpi/ndpi_api.h>
#include <ndpi/ndpi_main.h>
#include <ndpi/ndpi_typedefs.h>

#include "app.h"
#include "codec.h"
#include "headpkt.h"
#include "parse.h"

#define MAX_TEXT 256
#define MAX_URL  2048

struct app {
	struct ndpi_detection_module_struct *ndpi;
	struct ndpi_flow_struct *flow; /* used again for every flow */
	struct buf scratch;
};

/* What is at hand while one HEAD is looked at. */
struct look {
	struct app *a;
	const struct g_flow_key *key;
	struct g_flow_app *out;
	struct buf *arena;
	struct ndpi_flow_struct *f;
	ndpi_protocol proto;
	/*
	 * What was detected before guessing began. f->protos is a union: only the protocol that filled it may read it, and
	 * a guess from a port number does not say which one did.
	 */
	uint16_t detected[NDPI_PROTOCOL_SIZE];
	const void *data; /* of the HEAD */
	uint32_t len;
	uint64_t last_time; /* of the last packet looked at */
};

static inline bool look_is(const struct look *k, uint16_t id)
{
	return k->proto.master_protocol == id || k->proto.app_protocol == id;
}

static inline struct str text(struct look *k, const char *s)
{
	return s ? str_put(k->arena, s, strlen(s), MAX_TEXT) : (struct str){ 0, 0 };
}

static inline bool next_payload(const struct look *k, struct payload_walk *w)
{
	return payload_next(k->data, k->len, k->key->proto, w);
}

/* ndpi_quick.c: the lists of networks are read, and do not change from now on. */
void quick_networks(void);
/* app_ndpi_meta.c: everything that is known of the flow beside its application. */
void app_fill_metadata(struct look *k);
/* app_ndpi_risk.c: risks, their score, and what raised them; after the metadata. */
void app_fill_risks(struct look *k);

#endif

/*
 * How a whole reply leaves: with an ETag, as 304 if the client has it already, compressed if it takes that. The only file of
 * apid that knows zlib. Pure.
 */
#ifndef WEIR_REPLY_H
#define WEIR_REPLY_H

#include <stdbool.h>

#include "buf.h"

#define REPLY_GZIP_MIN 1024       /* bytes below which it is not worth it */
#define REPLY_GZIP_MAX (8u << 20) /* above which it would keep others waiting */

struct reply {
	char etag[24];      /* strong: of the body as it is sent; "" = none */
	unsigned status;    /* 200, or 304: then the body is empty */
	bool gzip;
};

/* accept: Accept-Encoding, have: If-None-Match; both may be NULL. */
void reply_make(struct reply *r, const char *accept, const char *have, struct buf *body);

#endif

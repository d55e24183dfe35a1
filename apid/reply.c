#include "reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "accept.h"
#include "hash.h"

static bool compress_body(struct buf *body)
{
	z_stream z = { 0 };
	struct buf out = { 0 };
	if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	buf_reserve(&out, deflateBound(&z, body->len));
	z.next_in = (unsigned char *)body->p;
	z.avail_in = (unsigned)body->len;
	z.next_out = (unsigned char *)out.p;
	z.avail_out = (unsigned)deflateBound(&z, body->len);
	bool good = deflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out < body->len;
	out.len = z.total_out;
	deflateEnd(&z);
	if (good) {
		struct buf plain = *body;
		*body = out;
		out = plain;
	}
	buf_release(&out);
	return good;
}

void reply_make(struct reply *r, const char *accept, const char *have, struct buf *body)
{
	*r = (struct reply){ .status = 200 };
	/* The compressed one is another representation: its tag says so. */
	r->gzip = body->len >= REPLY_GZIP_MIN && body->len <= REPLY_GZIP_MAX && accept_q(accept, "gzip") > 0;
	uint64_t hash = hash_content(body->p ? body->p : "", body->len, 0);
	snprintf(r->etag, sizeof r->etag, "\"%016" PRIx64 "%s\"", hash, r->gzip ? "-gz" : "");
	if (have && (strcmp(have, "*") == 0 || strstr(have, r->etag))) {
		buf_release(body);
		r->status = 304;
		r->gzip = false;
		return;
	}
	if (r->gzip && !compress_body(body)) {
		r->gzip = false;
		snprintf(r->etag, sizeof r->etag, "\"%016" PRIx64 "\"", hash);
	}
}

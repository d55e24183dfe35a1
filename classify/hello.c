#include "hello.h"

#include <string.h>

#include "bytes.h"

#define MAX_HELLO 8192 /* those of today are below 2 KiB, post-quantum keys included */

enum { RECORD_HANDSHAKE = 22, CLIENT_HELLO = 1, EXT_SERVER_NAME = 0, EXT_ECH = 0xfe0d, EXT_ESNI = 0xffce };

/* The handshake bytes of the records at p, put together in out. */
static size_t unwrap(const uint8_t *p, size_t len, uint8_t out[static MAX_HELLO])
{
	size_t n = 0;
	while (len >= 5 && p[0] == RECORD_HANDSHAKE && p[1] == 3 && n < MAX_HELLO) {
		size_t part = get16(p + 3);
		size_t have = len - 5 < part ? len - 5 : part;
		size_t copy = have < MAX_HELLO - n ? have : MAX_HELLO - n;
		memcpy(out + n, p + 5, copy);
		n += copy;
		p += 5 + have;
		len -= 5 + have;
	}
	return n;
}

/* A field with a length before it, of width bytes: moves *at behind it. */
static bool skip_vector(const uint8_t *p, size_t len, size_t *at, unsigned width)
{
	if (len - *at < width)
		return false;
	size_t n = width == 1 ? p[*at] : get16(p + *at);
	*at += width;
	if (len - *at < n)
		return false;
	*at += n;
	return true;
}

/* server_name: list length, type 0 = host name, length, name (RFC 6066 section 3). */
static void take_name(struct hello *h, const uint8_t *p, size_t len)
{
	if (len < 5 || p[2] != 0)
		return;
	size_t n = get16(p + 3);
	if (n > len - 5 || n >= sizeof h->sni)
		return;
	for (size_t i = 0; i < n; i++)
		h->sni[i] = (char)(p[5 + i] >= 'A' && p[5 + i] <= 'Z' ? p[5 + i] + 32 : p[5 + i]);
	h->sni[n] = '\0';
}

bool hello_parse(const uint8_t *p, size_t len, struct hello *h)
{
	uint8_t hs[MAX_HELLO];
	size_t n = unwrap(p, len, hs);
	memset(h, 0, sizeof *h);
	if (n < 4 + 34 || hs[0] != CLIENT_HELLO)
		return false;
	size_t at = 4 + 34; /* header; version and random */
	if (!skip_vector(hs, n, &at, 1) || !skip_vector(hs, n, &at, 2) || !skip_vector(hs, n, &at, 1) || n - at < 2)
		return true;
	at += 2; /* length of all extensions: those that are here count */
	while (n - at >= 4) {
		unsigned type = get16(hs + at);
		size_t ext = get16(hs + at + 2);
		at += 4;
		if (type == EXT_ECH)
			h->ech = true;
		if (type == EXT_ESNI)
			h->esni = true;
		if (n - at < ext)
			return true;
		if (type == EXT_SERVER_NAME)
			take_name(h, hs + at, ext);
		at += ext;
	}
	return true;
}

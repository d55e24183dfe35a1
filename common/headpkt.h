/*
 * Packets inside head.data: one after the other, each a fixed little-endian header and caplen bytes that begin with the
 * innermost IP header.
 */
#ifndef WEIR_HEADPKT_H
#define WEIR_HEADPKT_H

#include <stdint.h>
#include <string.h>

struct headpkt {
	uint64_t time;   /* ns since 1970 */
	uint32_t caplen; /* bytes that follow */
	uint32_t len;    /* bytes of the IP packet on the wire, >= caplen */
	uint8_t dir;     /* 0 from the client, 1 from the server */
	uint8_t pad[7];
};
_Static_assert(sizeof(struct headpkt) == 24, "head packet header is 24 bytes");

/*
 * Reads the packet at *pos of data, moves *pos behind it. Returns its bytes and fills *h, or NULL at the end or if it
 * does not fit (then *pos is not len).
 */
static inline const uint8_t *headpkt_next(const void *data, uint32_t len, uint32_t *pos, struct headpkt *h)
{
	if (len - *pos < sizeof *h)
		return NULL;
	memcpy(h, (const char *)data + *pos, sizeof *h);
	if (h->caplen > len - *pos - sizeof *h)
		return NULL;
	const uint8_t *p = (const uint8_t *)data + *pos + sizeof *h;
	*pos += sizeof *h + h->caplen;
	return p;
}

#endif

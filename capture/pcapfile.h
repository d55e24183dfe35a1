/*
 * The formats of capture files, parsed from bytes in memory: pcap (either byte order, micro- and nanoseconds, Kuznetzov's
 * variant) and pcapng (sections of either byte order, several interfaces with link types and clocks of their own). Pure.
 *
 * https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html, draft-ietf-opsawg-pcapng-02.html
 */
#ifndef WEIR_PCAPFILE_H
#define WEIR_PCAPFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packet.h"

#define PCAPFILE_MAX_PACKET (256u << 10)
#define PCAPFILE_MAX_BLOCK  (1u << 20)  /* with a packet or an interface in it */
#define PCAPFILE_MAX_OTHER  (16u << 20) /* names, secrets of TLS ...: as much as libpcap passes over */
#define PCAPFILE_MAX_IFACES 1024

struct pcapfile {
	enum { PF_START, PF_PCAP, PF_NG } format;
	bool swapped, nano;
	uint32_t record_header; /* pcap: 16, Kuznetzov's 24 */
	uint16_t linktype;      /* pcap */
	uint16_t minor;         /* pcap: version 2.minor */
	uint32_t snaplen;       /* pcap */
	struct pcapfile_iface *ifaces;
	uint32_t n_ifaces;
	uint32_t block, block_left; /* pcapng: length of a block that is passed over in pieces, and what is left of it; 0 = none */
	const char *error;
};

enum pcapfile_result {
	PF_PACKET, /* *p is filled, *used bytes are done */
	PF_SKIP,   /* *used bytes are done, no packet in them */
	PF_MORE,   /* *used bytes must be there before anything can be said */
	PF_ERROR,  /* pf->error; nothing after this can be read */
};

void pcapfile_init(struct pcapfile *pf);
void pcapfile_release(struct pcapfile *pf);
/* Looks at what begins at buf. */
enum pcapfile_result pcapfile_next(struct pcapfile *pf, const uint8_t *buf, size_t len, size_t *used, struct packet *p);

#endif

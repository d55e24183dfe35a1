#include "pcapfile.h"

#include <stdlib.h>

#include "buf.h"

struct pcapfile_iface {
	uint64_t units;  /* of a timestamp per second */
	int64_t offset;  /* seconds */
	uint32_t snaplen;
	uint16_t linktype;
};

enum {
	MAGIC_MICRO = 0xa1b2c3d4,
	MAGIC_NANO = 0xa1b23c4d,
	MAGIC_KUZNETZOV = 0xa1b2cd34,
	NG_SECTION = 0x0a0d0d0a,
	NG_BYTE_ORDER = 0x1a2b3c4d,
	NG_INTERFACE = 1,
	NG_PACKET = 2, /* obsolete */
	NG_SIMPLE = 3,
	NG_ENHANCED = 6,
	NG_OPT_TSRESOL = 9,
	NG_OPT_TSOFFSET = 14,
};

void pcapfile_init(struct pcapfile *pf)
{
	*pf = (struct pcapfile){ .format = PF_START };
}

void pcapfile_release(struct pcapfile *pf)
{
	free(pf->ifaces);
	*pf = (struct pcapfile){ .format = PF_START };
}

static const char lengths_differ[] = "the two lengths of a block differ";

static uint32_t u32(const struct pcapfile *pf, const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, 4);
	return pf->swapped ? __builtin_bswap32(v) : v;
}

static uint16_t u16(const struct pcapfile *pf, const uint8_t *p)
{
	uint16_t v;
	memcpy(&v, p, 2);
	return pf->swapped ? __builtin_bswap16(v) : v;
}

static enum pcapfile_result bad(struct pcapfile *pf, const char *why)
{
	pf->error = why;
	return PF_ERROR;
}

/* -- pcap -- */

static enum pcapfile_result pcap_header(struct pcapfile *pf, const uint8_t *buf, size_t len, size_t *used)
{
	uint32_t magic;
	if (len < 24) {
		*used = 24;
		return PF_MORE;
	}
	memcpy(&magic, buf, 4);
	pf->swapped = magic == __builtin_bswap32(MAGIC_MICRO) || magic == __builtin_bswap32(MAGIC_NANO) ||
		      magic == __builtin_bswap32(MAGIC_KUZNETZOV);
	magic = u32(pf, buf);
	pf->nano = magic == MAGIC_NANO;
	pf->minor = u16(pf, buf + 6);
	pf->record_header = magic == MAGIC_KUZNETZOV ? 24 : 16;
	pf->snaplen = u32(pf, buf + 16);
	pf->linktype = (uint16_t)u32(pf, buf + 20); /* the upper half tells of a checksum at the end */
	pf->format = PF_PCAP;
	*used = 24;
	return PF_SKIP;
}

/* Before version 2.3 the length on the wire came first; some programs that wrote 2.3 went on so. */
static bool lengths_swapped(const struct pcapfile *pf, uint32_t first, uint32_t second)
{
	return pf->minor < 3 || (pf->minor == 3 && first > second);
}

static enum pcapfile_result pcap_next(struct pcapfile *pf, const uint8_t *buf, size_t len, size_t *used,
				      struct packet *p)
{
	*used = pf->record_header;
	if (len < *used)
		return PF_MORE;
	uint32_t first = u32(pf, buf + 8), second = u32(pf, buf + 12);
	bool swapped = lengths_swapped(pf, first, second);
	uint32_t caplen = swapped ? second : first;
	if (caplen > PCAPFILE_MAX_PACKET)
		return bad(pf, "packet is longer than any that can be captured");
	*used += caplen;
	if (len < *used)
		return PF_MORE;
	uint64_t sec = u32(pf, buf), frac = u32(pf, buf + 4);
	p->time = sec * 1000000000u + (pf->nano ? frac : frac * 1000u);
	p->caplen = caplen;
	p->len = swapped ? first : second;
	if (p->len < caplen)
		p->len = caplen;
	p->linktype = pf->linktype;
	p->data = buf + pf->record_header;
	return PF_PACKET;
}

/* -- pcapng -- */

static uint64_t power(uint64_t base, unsigned exp)
{
	uint64_t v = 1;
	while (exp--) {
		if (v > UINT64_MAX / base)
			return 0;
		v *= base;
	}
	return v;
}

static void iface_options(const struct pcapfile *pf, struct pcapfile_iface *i, const uint8_t *p, size_t len)
{
	while (len >= 4) {
		uint16_t code = u16(pf, p), n = u16(pf, p + 2);
		size_t padded = ((size_t)n + 3) & ~(size_t)3;
		if (code == 0 || len - 4 < n)
			return;
		if (code == NG_OPT_TSRESOL && n >= 1) {
			uint64_t units = power(p[4] & 0x80 ? 2 : 10, p[4] & 0x7f);
			if (units)
				i->units = units;
		} else if (code == NG_OPT_TSOFFSET && n == 8) {
			uint32_t a = u32(pf, p + 4), b = u32(pf, p + 8);
			i->offset = (int64_t)(pf->swapped == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
						      ? (uint64_t)a << 32 | b
						      : (uint64_t)b << 32 | a);
		}
		if (len - 4 < padded)
			return;
		p += 4 + padded;
		len -= 4 + padded;
	}
}

static enum pcapfile_result ng_interface(struct pcapfile *pf, const uint8_t *body, size_t len)
{
	if (len < 8)
		return bad(pf, "interface block is too short");
	if (pf->n_ifaces == PCAPFILE_MAX_IFACES)
		return bad(pf, "more interfaces than a section can sensibly have");
	pf->ifaces = xrealloc(pf->ifaces, (pf->n_ifaces + 1) * sizeof *pf->ifaces);
	struct pcapfile_iface *i = &pf->ifaces[pf->n_ifaces++];
	*i = (struct pcapfile_iface){ .units = 1000000, .linktype = u16(pf, body), .snaplen = u32(pf, body + 4) };
	iface_options(pf, i, body + 8, len - 8);
	return PF_SKIP;
}

static uint64_t iface_time(const struct pcapfile_iface *i, uint64_t stamp)
{
	uint64_t sec = stamp / i->units, rest = stamp % i->units;
	uint64_t ns = (uint64_t)((unsigned __int128)rest * 1000000000u / i->units);
	int64_t s;
	if (sec > INT64_MAX || __builtin_add_overflow((int64_t)sec, i->offset, &s) || s < 0 || s >= INT64_MAX / 1000000000)
		return 0;
	return (uint64_t)s * 1000000000u + ns;
}

static enum pcapfile_result ng_packet(struct pcapfile *pf, uint32_t type, const uint8_t *body, size_t len,
				      struct packet *p)
{
	uint32_t hdr = type == NG_SIMPLE ? 4 : 20, index = 0;
	if (len < hdr)
		return bad(pf, "packet block is too short");
	if (type == NG_ENHANCED)
		index = u32(pf, body);
	else if (type == NG_PACKET)
		index = u16(pf, body);
	if (index >= pf->n_ifaces)
		return bad(pf, "packet of an interface that was not described");
	const struct pcapfile_iface *i = &pf->ifaces[index];
	if (type == NG_SIMPLE) {
		p->len = u32(pf, body);
		p->caplen = p->len;
		if (i->snaplen && p->caplen > i->snaplen)
			p->caplen = i->snaplen;
		if (p->caplen > len - hdr)
			p->caplen = (uint32_t)(len - hdr);
		p->time = 0; /* the format has no place for it */
	} else {
		p->time = iface_time(i, (uint64_t)u32(pf, body + 4) << 32 | u32(pf, body + 8));
		p->caplen = u32(pf, body + 12);
		p->len = u32(pf, body + 16);
	}
	if (p->caplen > len - hdr || p->caplen > PCAPFILE_MAX_PACKET)
		return bad(pf, "packet is longer than its block");
	if (p->len < p->caplen)
		p->len = p->caplen;
	p->linktype = i->linktype;
	p->data = body + hdr;
	return PF_PACKET;
}

static enum pcapfile_result ng_section(struct pcapfile *pf, const uint8_t *buf, size_t len, size_t *used)
{
	uint32_t magic;
	*used = 28;
	if (len < *used)
		return PF_MORE;
	memcpy(&magic, buf + 8, 4);
	if (magic != NG_BYTE_ORDER && magic != __builtin_bswap32(NG_BYTE_ORDER))
		return bad(pf, "section without a byte-order mark");
	pf->swapped = magic != NG_BYTE_ORDER;
	if (u16(pf, buf + 12) != 1)
		return bad(pf, "pcapng of a major version other than 1");
	pf->n_ifaces = 0;
	pf->format = PF_NG;
	return PF_SKIP;
}

/* A piece of a block. Its end is left until all of that is there: the length is told again, and a file that ends before is cut off. */
static enum pcapfile_result ng_pass_over(struct pcapfile *pf, const uint8_t *buf, size_t len, size_t *used)
{
	enum { TRAILER = 4 };
	*used = TRAILER + 1;
	if (len < *used && len < pf->block_left)
		return PF_MORE;
	*used = len < pf->block_left ? len - TRAILER : pf->block_left;
	pf->block_left -= (uint32_t)*used;
	if (!pf->block_left && u32(pf, buf + *used - TRAILER) != pf->block)
		return bad(pf, lengths_differ);
	return PF_SKIP;
}

static bool is_read(uint32_t type)
{
	return type == NG_SECTION || type == NG_INTERFACE || type == NG_PACKET || type == NG_SIMPLE || type == NG_ENHANCED;
}

static enum pcapfile_result ng_next(struct pcapfile *pf, const uint8_t *buf, size_t len, size_t *used,
				    struct packet *p)
{
	uint32_t raw;
	if (pf->block_left)
		return ng_pass_over(pf, buf, len, used);
	*used = 12;
	if (len < *used)
		return PF_MORE;
	memcpy(&raw, buf, 4);
	if (raw == NG_SECTION) { /* the same in both byte orders */
		enum pcapfile_result r = ng_section(pf, buf, len, used);
		if (r != PF_SKIP)
			return r;
	}
	uint32_t type = u32(pf, buf), total = u32(pf, buf + 4);
	if (total < 12 || total % 4 || total > (is_read(type) ? PCAPFILE_MAX_BLOCK : PCAPFILE_MAX_OTHER))
		return bad(pf, "block length makes no sense");
	if (!is_read(type)) {
		pf->block = pf->block_left = total;
		return ng_pass_over(pf, buf, len, used);
	}
	*used = total;
	if (len < total)
		return PF_MORE;
	if (u32(pf, buf + total - 4) != total)
		return bad(pf, lengths_differ);
	const uint8_t *body = buf + 8;
	switch (type) {
	case NG_SECTION:
		return PF_SKIP;
	case NG_INTERFACE:
		return ng_interface(pf, body, total - 12);
	default:
		return ng_packet(pf, type, body, total - 12, p);
	}
}

/* What it is instead, if that can be helped; files by gzip are not given to us so. */
static const char *not_a_capture(const uint8_t *buf)
{
	static const struct {
		const char magic[4]; /* or as much of it as is not 0 */
		const char *what;
	} known[] = {
		{ "\x1f\x8b", "compressed by gzip: what comes through a pipe must not be, zcat(1) helps" },
		{ "\x28\xb5\x2f\xfd", "compressed by zstd: standard input takes what zstdcat(1) makes of it" },
		{ "\xfd""7zX", "compressed by xz: standard input takes what xzcat(1) makes of it" },
		{ "BZh", "compressed by bzip2: standard input takes what bzcat(1) makes of it" },
		{ "\x04\x22\x4d\x18", "compressed by lz4: standard input takes what lz4cat(1) makes of it" },
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (memcmp(buf, known[i].magic, strnlen(known[i].magic, sizeof known[i].magic)) == 0)
			return known[i].what;
	return "neither pcap nor pcapng";
}

enum pcapfile_result pcapfile_next(struct pcapfile *pf, const uint8_t *buf, size_t len, size_t *used, struct packet *p)
{
	uint32_t magic;
	if (pf->format == PF_PCAP)
		return pcap_next(pf, buf, len, used, p);
	if (pf->format == PF_NG)
		return ng_next(pf, buf, len, used, p);
	*used = 4;
	if (len < 4)
		return PF_MORE;
	memcpy(&magic, buf, 4);
	if (magic == NG_SECTION)
		return ng_next(pf, buf, len, used, p);
	static const uint32_t magics[] = { MAGIC_MICRO, MAGIC_NANO, MAGIC_KUZNETZOV };
	for (int i = 0; i < 3; i++)
		if (magic == magics[i] || magic == __builtin_bswap32(magics[i]))
			return pcap_header(pf, buf, len, used);
	return bad(pf, not_a_capture(buf));
}

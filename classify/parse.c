#include "parse.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "bytes.h"

/* Length of the IPv6 headers up to the transport, 0 if they are cut off. */
static size_t ipv6_headers(const uint8_t *p, size_t len, uint8_t proto)
{
	size_t at = 40;
	uint8_t next = p[6];
	for (int i = 0; i < 8 && next != proto; i++) {
		if (len < at + 8 || (next != 0 && next != 43 && next != 44 && next != 60))
			return 0;
		size_t n = next == 44 ? 8 : ((size_t)p[at + 1] + 1) * 8;
		next = p[at];
		at += n;
	}
	return at;
}

bool parse_payload(const uint8_t *ip, size_t len, uint8_t proto, struct payload *ret)
{
	size_t at, total;
	if (len < 20)
		return false;
	if (ip[0] >> 4 == 4) {
		at = (size_t)(ip[0] & 15) * 4;
		total = get16(ip + 2);
	} else {
		if (len < 40)
			return false;
		at = ipv6_headers(ip, len, proto);
		total = 40u + get16(ip + 4);
	}
	if (total >= 20 && total < len) /* what lies behind fills up the frame; 0 = left to the network card */
		len = total;
	if (at < 20 || len < at + 8)
		return false;
	*ret = (struct payload){ 0 };
	if (proto == IPPROTO_TCP) {
		if (len < at + 20)
			return false;
		ret->seq = get32(ip + at + 4);
		at += (size_t)(ip[at + 12] >> 4) * 4;
	} else if (proto == IPPROTO_UDP) {
		at += 8;
	}
	if (at >= len)
		return false;
	ret->p = ip + at;
	ret->len = len - at;
	return true;
}

bool payload_next(const void *head, uint32_t len, uint8_t proto, struct payload_walk *w)
{
	const uint8_t *ip;
	while ((ip = headpkt_next(head, len, &w->pos, &w->h)) != NULL)
		if (parse_payload(ip, w->h.caplen, proto, &w->l4))
			return true;
	return false;
}

/* -- text -- */

size_t parse_header(const uint8_t *p, size_t len, const char *name, const char **ret)
{
	size_t n = strlen(name), i = 0;
	while (i < len) {
		const uint8_t *nl = memchr(p + i, '\n', len - i);
		size_t line = nl ? (size_t)(nl - (p + i)) : len - i;
		if (line == 0 || (line == 1 && p[i] == '\r'))
			return 0;
		if (line > n && p[i + n] == ':' && strncasecmp((const char *)p + i, name, n) == 0) {
			const char *v = (const char *)p + i + n + 1, *end = (const char *)p + i + line;
			while (v < end && (*v == ' ' || *v == '\t'))
				v++;
			while (end > v && (end[-1] == '\r' || end[-1] == ' '))
				end--;
			*ret = v;
			return (size_t)(end - v);
		}
		i += line + 1;
	}
	return 0;
}

/* -- SNMP: SEQUENCE { INTEGER version ... } in BER -- */

unsigned parse_snmp_version(const uint8_t *p, size_t len)
{
	size_t at = 1;
	if (len < 5 || p[0] != 0x30)
		return 0;
	if (p[at] & 0x80)
		at += p[at] & 0x7f;
	at++;
	if (at + 3 > len || p[at] != 0x02 || p[at + 1] != 1)
		return 0;
	switch (p[at + 2]) {
	case 0:
		return 1;
	case 1:
		return 2;
	case 3:
		return 3;
	default:
		return 0;
	}
}

/* -- QUIC -- */

bool parse_quic_version(const uint8_t *p, size_t len, char ret[static QUIC_VERSION_LEN])
{
	const uint8_t *at = NULL;
	if (len >= 7 && p[0] & 0x80)
		at = p + 1;
	else if (len >= 13 && (p[0] & 0x09) == 0x09) /* Google's before Q044: flags, 8 bytes of connection id */
		at = p + 9;
	if (!at)
		return false;
	uint32_t v = get32(at);
	bool google = (at[0] == 'Q' || at[0] == 'T') && at[1] >= '0' && at[1] <= '9' && at[2] >= '0' && at[2] <= '9' &&
		      at[3] >= '0' && at[3] <= '9';
	if (google)
		snprintf(ret, QUIC_VERSION_LEN, "%.4s", (const char *)at);
	else if (!(p[0] & 0x80) || v == 0) /* 0: the server lists what it knows */
		return false;
	else if (v == 1 || v == 0x6b3343cf)
		snprintf(ret, QUIC_VERSION_LEN, "%d", v == 1 ? 1 : 2);
	else if (v >> 8 == 0xff0000)
		snprintf(ret, QUIC_VERSION_LEN, "draft-%u", (unsigned)(v & 0xff));
	else
		snprintf(ret, QUIC_VERSION_LEN, "0x%08x", (unsigned)v);
	return true;
}

/* -- RTP -- */

const char *parse_rtp_kind(const uint8_t *p, size_t len)
{
	if (len < 12 || p[0] >> 6 != 2)
		return NULL;
	unsigned type = p[1] & 0x7f;
	if (type <= 18 && type != 1 && type != 2)
		return "audio";
	if (type == 25 || type == 26 || type == 28 || (type >= 31 && type <= 34))
		return "video";
	return NULL;
}

/* -- STUN: type, length, cookie, 12 bytes of id, then attributes padded to four bytes -- */

const char *parse_stun_kind(const uint8_t *p, size_t len)
{
	static const char *const kinds[] = { [1] = "audio", [2] = "video", [3] = "video", [4] = "data" };
	if (len < 20 || p[0] & 0xc0 || get32(p + 4) != 0x2112a442)
		return NULL;
	size_t at = 20;
	while (len - at >= 4) {
		size_t n = get16(p + at + 2), padded = (n + 3) & ~(size_t)3;
		if (len - at - 4 < n)
			return NULL;
		if (get16(p + at) == 0x8055 && n >= 4) {
			unsigned kind = get16(p + at + 4);
			return kind < sizeof kinds / sizeof *kinds ? kinds[kind] : NULL;
		}
		if (len - at - 4 < padded)
			return NULL;
		at += 4 + padded;
	}
	return NULL;
}

/* -- TLS -- */

int parse_tls_alert(const uint8_t *p, size_t len)
{
	size_t at = 0;
	while (len - at >= 5 && p[at] >= 20 && p[at] <= 24 && p[at + 1] == 3) {
		size_t n = get16(p + at + 3);
		if (p[at] == 21 && n == 2 && len - at >= 7)
			return p[at + 5] == 2 ? p[at + 6] : -1;
		if (len - at - 5 < n)
			return -1;
		at += 5 + n;
	}
	return -1;
}

#include "parse.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

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

const uint8_t *parse_payload(const uint8_t *ip, size_t len, uint8_t proto, size_t *ret_len)
{
	size_t at;
	if (len < 20)
		return NULL;
	if (ip[0] >> 4 == 4)
		at = (size_t)(ip[0] & 15) * 4;
	else
		at = len >= 40 ? ipv6_headers(ip, len, proto) : 0;
	if (at < 20 || at >= len)
		return NULL;
	if (proto == 6)
		at += len >= at + 13 ? (size_t)(ip[at + 12] >> 4) * 4 : len;
	else if (proto == 17)
		at += 8;
	if (at >= len)
		return NULL;
	*ret_len = len - at;
	return ip + at;
}

/* -- DNS -- */

/* Reads a name at *at, following pointers only backwards, so that they cannot go round. */
static bool read_name(const uint8_t *p, size_t len, size_t *at, char *out)
{
	size_t i = *at, n = 0, limit = i;
	bool jumped = false;
	for (;;) {
		if (i >= len)
			return false;
		uint8_t c = p[i];
		if (c >= 0xc0) {
			if (i + 1 >= len)
				return false;
			size_t to = (size_t)(c & 0x3f) << 8 | p[i + 1];
			if (!jumped)
				*at = i + 2;
			if (to >= limit)
				return false;
			jumped = true;
			limit = i = to;
			continue;
		}
		if (c & 0xc0)
			return false;
		i++;
		if (c == 0)
			break;
		if (i + c > len || n + c + 1 >= DNS_MAX_NAME)
			return false;
		if (n)
			out[n++] = '.';
		for (uint8_t k = 0; k < c; k++)
			out[n++] = p[i + k] ? (char)p[i + k] : '?';
		i += c;
	}
	if (!jumped)
		*at = i;
	out[n] = '\0';
	return true;
}

static void read_answer(struct dns_message *m, const uint8_t *p, size_t len, uint16_t type, uint32_t ttl, size_t at,
			uint16_t n)
{
	bool address = (type == 1 && n == 4) || (type == 28 && n == 16);
	if (address && m->n_addresses < DNS_MAX_ADDRESSES) {
		struct addr *a = &m->addresses[m->n_addresses++];
		if (type == 1)
			addr_from_v4(a, p + at);
		else
			addr_from_v6(a, p + at);
		if (m->n_addresses == 1 || ttl < m->ttl)
			m->ttl = ttl;
	}
	if (!*m->answer && (type == 12 || type == 5 || (type == 33 && n > 6))) {
		size_t name = type == 33 ? at + 6 : at;
		if (!read_name(p, len, &name, m->answer))
			*m->answer = '\0';
	}
}

bool parse_dns(const uint8_t *p, size_t len, struct dns_message *m)
{
	memset(m, 0, sizeof *m);
	if (len < 12)
		return false;
	unsigned questions = get16(p + 4), answers = get16(p + 6);
	size_t at = 12;
	m->reply = p[2] & 0x80;
	m->rcode = p[3] & 0x0f;
	if (questions > 16)
		return false;
	for (unsigned i = 0; i < questions; i++) {
		char name[DNS_MAX_NAME];
		if (!read_name(p, len, &at, name) || len - at < 4)
			return false;
		if (i == 0) {
			memcpy(m->name, name, sizeof name);
			m->type = get16(p + at);
		}
		at += 4;
	}
	for (unsigned i = 0; i < answers && i < 64; i++) {
		char name[DNS_MAX_NAME];
		if (!read_name(p, len, &at, name) || len - at < 10)
			break; /* cut off: what came before is good */
		uint16_t type = get16(p + at), n = get16(p + at + 8);
		uint32_t ttl = get32(p + at + 4);
		at += 10;
		if (len - at < n)
			break;
		if (i == 0 && !questions)
			memcpy(m->name, name, sizeof name);
		read_answer(m, p, len, type, ttl, at, n);
		at += n;
	}
	return true;
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

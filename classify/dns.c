#include "dns.h"

#include <string.h>

#include "bytes.h"

#define MAX_QUESTIONS 16
#define MAX_ANSWERS   64

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_PTR = 12, TYPE_AAAA = 28, TYPE_SRV = 33 };

static char name_char(uint8_t c)
{
	if (c == 0)
		return '?';
	return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Reads a name at *at and moves *at behind it. Pointers are followed only backwards, so that they cannot go round. */
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
			out[n++] = name_char(p[i + k]);
		i += c;
	}
	if (!jumped)
		*at = i;
	out[n] = '\0';
	return true;
}

/* The data of an answer: n bytes at p + at. */
static void take_answer(struct dns_message *m, const uint8_t *p, size_t len, uint16_t type, uint32_t ttl, size_t at,
			uint16_t n)
{
	if ((type == TYPE_A && n == 4) || (type == TYPE_AAAA && n == 16)) {
		if (m->n_addresses == 0 || ttl < m->ttl)
			m->ttl = ttl;
		if (m->n_addresses == DNS_MAX_ADDRESSES)
			return;
		struct addr *a = &m->addresses[m->n_addresses++];
		if (type == TYPE_A)
			addr_from_v4(a, p + at);
		else
			addr_from_v6(a, p + at);
		return;
	}
	size_t skip = type == TYPE_SRV ? 6 : 0; /* priority, weight, port */
	if (*m->answer || (type != TYPE_PTR && type != TYPE_CNAME && type != TYPE_SRV) || n <= skip)
		return;
	at += skip;
	if (!read_name(p, len, &at, m->answer))
		*m->answer = '\0';
}

static void read_answers(struct dns_message *m, const uint8_t *p, size_t len, size_t at, unsigned count)
{
	for (unsigned i = 0; i < count && i < MAX_ANSWERS; i++) {
		char name[DNS_MAX_NAME];
		if (!read_name(p, len, &at, name) || len - at < 10)
			return;
		uint16_t type = get16(p + at), n = get16(p + at + 8);
		uint32_t ttl = get32(p + at + 4);
		at += 10;
		if (len - at < n)
			return;
		if (!*m->name)
			memcpy(m->name, name, sizeof name);
		take_answer(m, p, len, type, ttl, at, n);
		at += n;
	}
}

bool dns_parse(const uint8_t *p, size_t len, struct dns_message *m)
{
	memset(m, 0, sizeof *m);
	if (len < 12)
		return false;
	unsigned opcode = p[2] >> 3 & 15, questions = get16(p + 4), answers = get16(p + 6);
	size_t at = 12;
	m->id = get16(p);
	m->reply = p[2] & 0x80;
	m->rcode = p[3] & 0x0f;
	if (opcode > 6 || questions > MAX_QUESTIONS || (!m->reply && !questions && !answers))
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
	read_answers(m, p, len, at, answers);
	return true;
}

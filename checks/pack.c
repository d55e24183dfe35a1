#include "pack.h"

#include <string.h>

#define LENGTH 3
#define SMALL 16 /* up to here a value only loses the zeros at its end; larger ones lose all runs of zeros */

void pack_u64(struct buf *out, uint64_t v)
{
	unsigned char t[10];
	size_t n = 0;
	for (; v >= 0x80; v >>= 7)
		t[n++] = (unsigned char)(v | 0x80);
	t[n++] = (unsigned char)v;
	buf_add(out, t, n);
}

void pack_bytes(struct buf *out, const void *p, size_t len)
{
	pack_u64(out, len);
	buf_add(out, p, len);
}

static uint64_t word(const unsigned char *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

/* Most of what is kept is zero: it is looked at by words. */
static size_t zeros(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *q = p;
	while (end - q >= 8 && !word(q))
		q += 8;
	while (q < end && !*q)
		q++;
	return (size_t)(q - p);
}

/* Without the zeros at its end. */
static size_t without_zeros(const unsigned char *p, size_t size)
{
	while (size >= 8 && !word(p + size - 8))
		size -= 8;
	while (size && !p[size - 1])
		size--;
	return size;
}

/* Where the next run of at least four zeros begins: fewer are not worth it. */
static size_t literals(const unsigned char *p, const unsigned char *end)
{
	const unsigned char *q = p;
	while (q < end && (*q || zeros(q, end) < 4))
		q++;
	return (size_t)(q - p);
}

/* zeros, literals, bytes ... */
static void pack_large(struct buf *out, const unsigned char *p, size_t size)
{
	const unsigned char *end = p + size;
	while (p < end) {
		size_t z = zeros(p, end), n = literals(p + z, end);
		pack_u64(out, z);
		pack_bytes(out, p + z, n);
		p += z + n;
	}
}

/* A number like pack_u64's in three bytes, whatever it is: for lengths that are known only afterwards. */
static void put_length(char *p, size_t v)
{
	p[0] = (char)(v | 0x80);
	p[1] = (char)(v >> 7 | 0x80);
	p[2] = (char)(v >> 14 & 0x7f);
}

static const void *value_of(const struct member *m, const void *obj)
{
	const char *p = (const char *)obj + m->off;
	return m->part ? *(void *const *)p : p;
}

void pack_members(struct buf *out, const struct member *m, size_t n, const void *obj)
{
	for (size_t i = 0; i < n; i++) {
		const unsigned char *p = value_of(&m[i], obj);
		size_t size = p ? without_zeros(p, m[i].size) : 0;
		if (!size)
			continue;
		buf_addc(out, (char)m[i].id);
		if (m[i].size <= SMALL) {
			pack_bytes(out, p, size);
			continue;
		}
		size_t at = out->len;
		buf_add(out, "\0\0\0", LENGTH);
		pack_large(out, p, size);
		put_length(out->p + at, out->len - at - LENGTH);
	}
	buf_addc(out, 0);
}

uint64_t unpack_u64(struct unpack *u)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64 && u->p < u->end; shift += 7) {
		unsigned char c = (unsigned char)*u->p++;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return v;
	}
	u->failed = true;
	u->p = u->end;
	return 0;
}

const char *unpack_bytes(struct unpack *u, size_t *ret_len)
{
	uint64_t n = unpack_u64(u);
	const char *p = u->p;
	if (n > (size_t)(u->end - p)) {
		u->failed = true;
		u->p = u->end;
		n = 0;
	}
	u->p += n;
	*ret_len = (size_t)n;
	return p;
}

char *unpack_string(struct unpack *u)
{
	size_t n;
	const char *p = unpack_bytes(u, &n);
	return n ? xstrndup(p, n) : NULL;
}

static void unpack_large(struct unpack *u, struct unpack in, char *to, size_t size)
{
	char *end = to + size;
	while (in.p < in.end && !in.failed) {
		uint64_t z = unpack_u64(&in);
		size_t n;
		const char *p = unpack_bytes(&in, &n);
		if (z > (size_t)(end - to) || n > (size_t)(end - to) - z) {
			in.failed = true;
			break;
		}
		memcpy(to + z, p, n);
		to += z + n;
	}
	u->failed |= in.failed;
}

static const struct member *find(const struct member *m, size_t n, uint8_t id, size_t guess)
{
	if (guess < n && m[guess].id == id)
		return &m[guess];
	for (size_t i = 0; i < n; i++)
		if (m[i].id == id)
			return &m[i];
	return NULL;
}

void unpack_members(struct unpack *u, const struct member *m, size_t n, void *obj)
{
	size_t guess = 0, len;
	while (u->p < u->end && *u->p) {
		uint8_t id = (uint8_t)*u->p++;
		const char *p = unpack_bytes(u, &len);
		const struct member *k = find(m, n, id, guess);
		if (!k)
			continue;
		guess = (size_t)(k - m) + 1;
		char *to = (char *)obj + k->off;
		if (k->part) {
			void **part = (void **)to;
			to = *part ? *part : (*part = xcalloc(1, k->size));
		}
		if (k->size > SMALL)
			unpack_large(u, (struct unpack){ .p = p, .end = p + len }, to, k->size);
		else if (len > k->size)
			u->failed = true;
		else
			memcpy(to, p, len);
	}
	if (u->p == u->end)
		u->failed = true; /* the end mark is missing */
	else
		u->p++;
}

void move_members(const struct member *m, size_t n, void *to, const void *from)
{
	for (size_t i = 0; i < n; i++)
		memcpy((char *)to + m[i].off, (const char *)from + m[i].off, m[i].part ? sizeof(void *) : m[i].size);
}

size_t pack_begin(struct buf *out, uint8_t kind)
{
	uint32_t room = 0;
	buf_addc(out, (char)kind);
	buf_add(out, &room, sizeof room);
	return out->len;
}

void pack_end(struct buf *out, size_t at)
{
	uint32_t n = (uint32_t)(out->len - at);
	memcpy(out->p + at - sizeof n, &n, sizeof n);
}

bool unpack_entry(struct unpack *u, uint8_t *ret_kind, struct unpack *ret)
{
	uint32_t n;
	if (u->failed || u->p == u->end)
		return false;
	if ((size_t)(u->end - u->p) < 1 + sizeof n) {
		u->failed = true;
		return false;
	}
	*ret_kind = (uint8_t)*u->p;
	memcpy(&n, u->p + 1, sizeof n);
	u->p += 1 + sizeof n;
	if (n > (size_t)(u->end - u->p)) {
		u->failed = true;
		return false;
	}
	*ret = (struct unpack){ .p = u->p, .end = u->p + n };
	u->p += n;
	return true;
}

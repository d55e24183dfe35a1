/* Records to msgpack. Written here and not by msgpack-c, which calls a function for each value: half of packing was that. */
#include <endian.h>

#include "codec.h"
#include "copy.h"
#include "record_kinds.h"

/* No value without bytes of its own takes more: an address or an id. */
#define MAX_SCALAR 18

enum { EMPTY = 0xa0, NIL = 0xc0, BIN8 = 0xc4, FLOAT64 = 0xcb, UINT8 = 0xcc, STR8 = 0xd9, ARRAY16 = 0xdc };

/* The least of n bytes that holds v, as log2: 0 for 1 byte, 3 for 8. */
static unsigned width_of(uint64_t v)
{
	return v > UINT32_MAX ? 3 : v > UINT16_MAX ? 2 : v > UINT8_MAX;
}

/* A byte and then v in 1 << width bytes. Eight bytes must be writable behind it. */
static char *put_tagged(char *p, unsigned tag, uint64_t v, unsigned width)
{
	uint64_t be = htobe64(v << (64 - (8u << width)));
	*p = (char)tag;
	memcpy(p + 1, &be, sizeof be);
	return p + 1 + (1u << width);
}

static inline char *put_uint(char *p, uint64_t v)
{
	if (v < 0x80) {
		*p = (char)v;
		return p + 1;
	}
	unsigned width = width_of(v);
	return put_tagged(p, UINT8 + width, v, width);
}

static char *put_array(char *p, unsigned n)
{
	if (n < 16) {
		*p = (char)(0x90 | n);
		return p + 1;
	}
	return put_tagged(p, ARRAY16, n, 1);
}

static char *put_bin(char *p, const void *v, unsigned n)
{
	p[0] = (char)BIN8;
	p[1] = (char)n;
	memcpy(p + 2, v, n);
	return p + 2 + n;
}

/* Tag and length of a string or blob; what it refers to follows. */
static char *put_length(char *p, enum ftype type, uint32_t n)
{
	if (type != FT_BIN && n < 32) {
		*p = (char)(0xa0 | n);
		return p + 1;
	}
	unsigned width = width_of(n);
	return put_tagged(p, (type == FT_BIN ? BIN8 : STR8) + width, n, width);
}

/* Addresses and ids. */
static inline bool is_zero16(const char *v)
{
	static const char zero[16];
	return memcmp(v, zero, sizeof zero) == 0;
}

static bool is_zero(const struct slot *f, const char *v)
{
	switch (f->type) {
	case FT_U16:
		return !*(const uint16_t *)v;
	case FT_U32:
		return !*(const uint32_t *)v;
	case FT_U64:
	case FT_F64:
	case FT_TIME:
	case FT_DUR:
		return !*(const uint64_t *)v;
	case FT_ADDR:
	case FT_ID:
		return is_zero16(v);
	case FT_MAC:
		return !mac_is_set((const struct mac *)v);
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
	case FT_BIN:
		return !((const struct str *)v)->len;
	default:
		return !*v;
	}
}

/* A string or blob. Room is made for it and for 'more' bytes behind it. */
static char *put_str(struct buf *out, char *p, enum ftype type, const struct str *s, const char *base, size_t more)
{
	p = put_length(p, type, s->len);
	if (out->cap - (size_t)(p - out->p) < s->len + more) {
		out->len = (size_t)(p - out->p);
		buf_reserve(out, s->len + more);
		p = out->p + out->len;
	}
	return copy_few(p, base + s->off, s->len);
}

/* One value. What is behind it in the group takes 'more' bytes at most, but for strings. */
static inline __attribute__((always_inline)) char *put_value(struct buf *out, char *p, enum ftype kind, const char *v, const char *base,
							     size_t more)
{
	uint64_t bits;
	switch (kind) {
	case FT_U16:
		return put_uint(p, *(const uint16_t *)v);
	case FT_U32:
		return put_uint(p, *(const uint32_t *)v);
	case FT_U64:
	case FT_TIME:
	case FT_DUR:
		return put_uint(p, *(const uint64_t *)v);
	case FT_F64:
		memcpy(&bits, v, sizeof bits);
		return put_tagged(p, FLOAT64, bits, 3);
	case FT_ADDR:
	case FT_ID:
		if (is_zero16(v)) {
			*p = (char)NIL;
			return p + 1;
		}
		if (kind == FT_ADDR && addr_is_v4((const struct addr *)v))
			return put_bin(p, v + 12, 4);
		return put_bin(p, v, 16);
	case FT_MAC:
		return put_bin(p, v, 6);
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
		if (!((const struct str *)v)->len) {
			*p = (char)EMPTY;
			return p + 1;
		}
		return put_str(out, p, kind, (const struct str *)v, base, more);
	case FT_BIN:
		return put_str(out, p, kind, (const struct str *)v, base, more);
	default:
		return put_uint(p, *(const uint8_t *)v);
	}
}

/*
 * The first n values of a group. Of those that nearly all records are made of the compiler knows kind and place of each value, all others
 * are packed by the descriptors.
 */
typedef char *values_writer(struct buf *out, char *p, unsigned n, const void *values, const char *base);
static values_writer *writers[RECORD_MAX_LAYOUTS];

#define ROWS_BEGIN(group)                                                                                                      \
	static char *put_##group(struct buf *out, char *p, unsigned n, const void *values, const char *base)                   \
	{                                                                                                                      \
		const struct g_##group *v = values;                                                                            \
		unsigned i = 0;
#define FIELD(type, member, name, unit, flags, doc)                                                                            \
	if (i == n)                                                                                                            \
		return p;                                                                                                      \
	p = put_value(out, p, KIND(type), (const char *)&v->member, base, (n - i++) * MAX_SCALAR);
#define ROWS_END                                                                                                               \
		return p;                                                                                                      \
	}

#include "codec_rows.def"
#undef FIELD
#undef ROWS_END
#undef ROWS_BEGIN

static void __attribute__((constructor(RECORD_CONSTRUCTOR + 1))) prepare(void)
{
	const struct rgroup *alert = rdesc_get(R_ALERT)->groups;
#define ROWS(group, member) writers[alert[RG_alert_##member].layout.number] = put_##group;
#include "codec_rows.def"
#undef ROWS
}

static char *put_values(struct buf *out, char *p, const struct layout *l, unsigned n, const char *values, const char *base)
{
	const struct slot *s = l->slots;
	if (writers[l->number])
		return writers[l->number](out, p, n, values, base);
	for (unsigned i = 0; i < n; i++)
		p = put_value(out, p, s[i].type, values + s[i].off, base, (n - i) * MAX_SCALAR);
	return p;
}

static void pack_group(struct buf *out, const struct rgroup *g, const char *values, const char *base)
{
	const struct slot *slots = g->layout.slots;
	unsigned n = values ? g->n_fields : 0;
	while (n > 0 && is_zero(&slots[n - 1], values + slots[n - 1].off))
		n--;
	/* Room for all that remains is made at once; a string makes room for itself and for what is behind it. */
	buf_reserve(out, (n + 1) * MAX_SCALAR);
	char *p = out->p + out->len;
	if (n == 0)
		*p++ = (char)NIL;
	else
		p = put_values(out, put_array(p, n), &g->layout, n, values, base);
	out->len = (size_t)(p - out->p);
}

struct str codec_pack_group(struct buf *out, enum rtype type, unsigned group, const void *values, const char *base)
{
	size_t at = out->len;
	pack_group(out, &rdesc_get(type)->groups[group], values, base);
	return (struct str){ (uint32_t)at, (uint32_t)(out->len - at) };
}

void codec_pack_parts(struct buf *out, enum rtype type, const struct codec_part *part)
{
	const struct rdesc *rd = rdesc_get(type);
	buf_reserve(out, 3 * MAX_SCALAR);
	char *p = put_array(out->p + out->len, 2u + rd->n_groups);
	p = put_uint(p, type);
	p = put_uint(p, RECORD_SCHEMA);
	out->len = (size_t)(p - out->p);
	for (unsigned i = 0; i < rd->n_groups; i++)
		if (part[i].packed.len)
			buf_add(out, part[i].base + part[i].packed.off, part[i].packed.len);
		else
			pack_group(out, &rd->groups[i], part[i].p, part[i].base);
}

void codec_pack(struct buf *out, enum rtype type, const void *rec, const char *base)
{
	const struct rdesc *rd = rdesc_get(type);
	struct codec_part part[RECORD_MAX_GROUPS];
	for (unsigned i = 0; i < rd->n_groups; i++)
		part[i] = (struct codec_part){ .p = (const char *)rec + rd->groups[i].off, .base = base };
	codec_pack_parts(out, type, part);
}

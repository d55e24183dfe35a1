/*
 * The groups that nearly all records are made of, read by code that the compiler makes of their rows: for each value it knows the kind
 * and the place. All that is not written in the shortest form, as we write it, is left to the loop over descriptors.
 */
#include "codec_rows.h"

#include <endian.h>

#include "record_kinds.h"

#define QUICK static inline __attribute__((always_inline))

/* No kind but those that refer looks at more bytes behind its first. */
#define AHEAD 17

enum { NIL = 0xc0, BIN8 = 0xc4, FLOAT64 = 0xcb, UINT8 = 0xcc, UINT64 = 0xcf, EMPTY = 0xa0, STR8 = 0xd9 };

/* One to eight bytes. Returns the number of bytes with the first one, 0 if it is no such number. */
QUICK unsigned wide_number(const uint8_t *p, uint64_t *ret)
{
	unsigned size = 1u << (*p & 3);
	uint64_t n;
	if (*p < UINT8 || *p > UINT64)
		return 0;
	memcpy(&n, p + 1, sizeof n);
	*ret = be64toh(n) >> (64 - 8 * size);
	return 1 + size;
}

QUICK unsigned quick_number(const uint8_t *p, uint64_t max, uint64_t *ret)
{
	*ret = *p;
	if (*p < 0x80)
		return *p <= max;
	unsigned n = wide_number(p, ret);
	return *ret <= max ? n : 0;
}

QUICK unsigned quick_bytes(const uint8_t *p, unsigned size, void *v)
{
	if (*p == NIL)
		return 1;
	if (p[0] != BIN8 || p[1] != size)
		return 0;
	memcpy(v, p + 2, size);
	return 2 + size;
}

static unsigned quick_text(const uint8_t *p, const uint8_t *end, const char *base, bool lines, struct str *s)
{
	unsigned head = (*p & 0xe0) == EMPTY ? 1 : 2;
	size_t len = head == 1 ? *p & 0x1f : p[1];
	const char *text = (const char *)p + head;
	if ((head == 2 && *p != STR8) || len > (size_t)(end - p) - head || utf8_span(text, len, lines) != len)
		return 0;
	*s = (struct str){ len ? (uint32_t)(text - base) : 0, (uint32_t)len };
	return head + (unsigned)len;
}

/* One value at p, which has AHEAD bytes behind it. Returns the bytes it takes; 0: not by the quick way. */
QUICK unsigned quick_value(enum ftype kind, const uint8_t *p, const uint8_t *end, const char *base, void *v)
{
	uint64_t n;
	unsigned took;
	switch (kind) {
	case FT_FLAG:
	case FT_U8:
	case FT_ENUM:
	case FT_PROTO:
	case FT_TCPFLAGS:
		took = quick_number(p, kind == FT_FLAG ? 1 : UINT8_MAX, &n);
		*(uint8_t *)v = took ? (uint8_t)n : 0;
		return took;
	case FT_U16:
		took = quick_number(p, UINT16_MAX, &n);
		*(uint16_t *)v = took ? (uint16_t)n : 0;
		return took;
	case FT_U32:
		took = quick_number(p, UINT32_MAX, &n);
		*(uint32_t *)v = took ? (uint32_t)n : 0;
		return took;
	case FT_U64:
	case FT_TIME:
	case FT_DUR:
		took = quick_number(p, UINT64_MAX, &n);
		*(uint64_t *)v = took ? n : 0;
		return took;
	case FT_F64:
		if (*p != FLOAT64)
			return *p == 0;
		memcpy(&n, p + 1, sizeof n);
		n = be64toh(n);
		memcpy(v, &n, sizeof n);
		return 9;
	case FT_ADDR:
		if (p[0] == BIN8 && p[1] == 4) {
			addr_from_v4(v, (const char *)p + 2);
			return 6;
		}
		return quick_bytes(p, 16, v);
	case FT_ID:
		return quick_bytes(p, 16, v);
	case FT_MAC:
		return quick_bytes(p, 6, v);
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
		return *p == EMPTY ? 1 : quick_text(p, end, base, kind != FT_STR, v);
	case FT_BIN:
		return *p == NIL;
	}
	return 0;
}

#define ROWS_BEGIN(group)                                                                                                      \
	static unsigned read_##group(struct codec_reader *r, uint64_t n, void *values)                                         \
	{                                                                                                                      \
		struct g_##group *v = values;                                                                                  \
		const uint8_t *p = (const uint8_t *)r->base + r->pos, *end = (const uint8_t *)r->base + r->len;                \
		unsigned i = 0;
#define FIELD(type, member, name, unit, flags, doc)                                                                            \
	if (i < n && end - p > AHEAD) {                                                                                        \
		unsigned took = quick_value(KIND(type), p, end, r->base, &v->member);                                          \
		if (!took)                                                                                                     \
			goto out;                                                                                              \
		p += took;                                                                                                     \
		i++;                                                                                                           \
	} else {                                                                                                               \
		goto out;                                                                                                      \
	}
#define ROWS_END                                                                                                               \
	out:                                                                                                                   \
		r->pos = (size_t)(p - (const uint8_t *)r->base);                                                               \
		return i;                                                                                                      \
	}

#include "codec_rows.def"
#undef FIELD
#undef ROWS_END
#undef ROWS_BEGIN

rows_reader *rows_readers[RECORD_MAX_LAYOUTS];

static void __attribute__((constructor(RECORD_CONSTRUCTOR + 1))) prepare(void)
{
	const struct rgroup *alert = rdesc_get(R_ALERT)->groups;
#define ROWS(group, member) rows_readers[alert[RG_alert_##member].layout.number] = read_##group;
#include "codec_rows.def"
#undef ROWS
}

/* msgpack to records. What arrives is hostile. */
#include <endian.h>

#include "codec.h"
#include "codec_rows.h"

/* One msgpack item, header only: for str and bin the bytes follow at r->pos. */
struct item {
	enum { IT_NIL, IT_UINT, IT_NEG, IT_REAL, IT_STR, IT_BIN, IT_ARRAY, IT_MAP, IT_EXT } kind;
	uint64_t n; /* value, or length, or number of elements */
	double d;
};

static int fail(struct codec_reader *r, const char *why)
{
	r->error = why;
	return -1;
}

static uint64_t be(const uint8_t *p, unsigned n)
{
	uint16_t s;
	uint32_t l;
	uint64_t q;
	switch (n) {
	case 1:
		return *p;
	case 2:
		memcpy(&s, p, sizeof s);
		return be16toh(s);
	case 4:
		memcpy(&l, p, sizeof l);
		return be32toh(l);
	case 8:
		memcpy(&q, p, sizeof q);
		return be64toh(q);
	default:
		return 0;
	}
}

/* Lengths of what follows the first byte, for 0xc0 to 0xdf (msgpack specification, "Overview"). */
static const uint8_t tail_len[32] = {
	/* c0 */ 0, 0, 0, 0, /* bin */ 1, 2, 4, /* ext */ 1, 2, 4, /* float */ 4, 8, /* uint */ 1, 2, 4, 8,
	/* d0 int */ 1, 2, 4, 8, /* fixext */ 1, 1, 1, 1, 1, /* str */ 1, 2, 4, /* array */ 2, 4, /* map */ 2, 4,
};

/* Every element takes a byte at least, so a count beyond what is left is a lie. */
static int bounded(struct codec_reader *r, const struct item *it)
{
	return it->n > r->len - r->pos ? fail(r, "length beyond the end") : 0;
}

/* An item whose first byte is not all of it. */
static int read_tail(struct codec_reader *r, struct item *it, uint8_t c)
{
	unsigned n = tail_len[c - 0xc0];
	if (r->len - r->pos < n)
		return fail(r, "record ends early");
	uint64_t v = be((const uint8_t *)r->base + r->pos, n);
	uint32_t bits = (uint32_t)v;
	float real;
	r->pos += n;
	it->n = v;
	switch (c) {
	case 0xc0:
		it->kind = IT_NIL;
		return 0;
	case 0xc1:
		return fail(r, "byte 0xc1 is not msgpack");
	case 0xc2 ... 0xc3:
		it->kind = IT_UINT;
		it->n = c & 1;
		return 0;
	case 0xc4 ... 0xc6:
		it->kind = IT_BIN;
		return bounded(r, it);
	case 0xc7 ... 0xc9:
		it->kind = IT_EXT;
		it->n = v + 1;
		return bounded(r, it);
	case 0xca:
		memcpy(&real, &bits, sizeof real);
		it->kind = IT_REAL;
		it->d = real;
		return 0;
	case 0xcb:
		it->kind = IT_REAL;
		memcpy(&it->d, &v, sizeof it->d);
		return 0;
	case 0xcc ... 0xcf:
		it->kind = IT_UINT;
		return 0;
	case 0xd0 ... 0xd3: /* packers may write a positive number as a signed one */
		it->kind = v >> (n * 8 - 1) ? IT_NEG : IT_UINT;
		return 0;
	case 0xd4 ... 0xd8:
		it->kind = IT_EXT;
		it->n = 1u << (c - 0xd4); /* the type byte is already behind us */
		return bounded(r, it);
	default:
		it->kind = c <= 0xdb ? IT_STR : c <= 0xdd ? IT_ARRAY : IT_MAP;
		return bounded(r, it);
	}
}

static int read_item(struct codec_reader *r, struct item *it)
{
	if (r->pos >= r->len)
		return fail(r, "record ends early");
	uint8_t c = (uint8_t)r->base[r->pos++];
	if (c < 0x80 || c >= 0xe0) {
		it->kind = c < 0x80 ? IT_UINT : IT_NEG;
		it->n = c;
		return 0;
	}
	if (c >= 0xc0)
		return read_tail(r, it, c);
	it->kind = c < 0x90 ? IT_MAP : c < 0xa0 ? IT_ARRAY : IT_STR;
	it->n = c < 0xa0 ? c & 0x0f : c & 0x1f;
	return bounded(r, it);
}

/* Bytes that a value takes by its first byte, where that tells; what msgpack-c and we write of a record mostly does. */
#define FIXSTR(n) [0xa0 + (n)] = 1 + (n), [0xa1 + (n)] = 2 + (n), [0xa2 + (n)] = 3 + (n), [0xa3 + (n)] = 4 + (n)
static const uint8_t steps[256] = {
	[0 ... 0x7f] = 1,
	FIXSTR(0), FIXSTR(4), FIXSTR(8), FIXSTR(12), FIXSTR(16), FIXSTR(20), FIXSTR(24), FIXSTR(28),
	[0xc0] = 1, [0xcb] = 9, [0xcc] = 2, [0xcd] = 3, [0xce] = 5, [0xcf] = 9,
};

/* How many of these eight bytes, from the first on, are a number each: most fields of a record are 0 or small. */
static inline unsigned small_numbers(const uint8_t *p)
{
	uint64_t w;
	memcpy(&w, p, sizeof w);
	w = le64toh(w) & 0x8080808080808080u;
	return w ? (unsigned)__builtin_ctzll(w) / 8 : 8;
}

/* Skips such values, and texts and blobs below 256 bytes, up to n; returns how many. */
static uint64_t skip_scalars(struct codec_reader *r, uint64_t n)
{
	const uint8_t *p = (const uint8_t *)r->base;
	size_t pos = r->pos, len = r->len;
	uint64_t i = 0;
	while (i < n && pos < len) {
		uint64_t run = len - pos < 8 ? 0 : small_numbers(p + pos);
		if (run) {
			run = run < n - i ? run : n - i;
			pos += run;
			i += run;
			continue;
		}
		size_t step = steps[p[pos]];
		if (!step && (p[pos] == 0xc4 || p[pos] == 0xd9) && pos + 1 < len)
			step = 2u + p[pos + 1];
		if (!step || step > len - pos)
			break;
		pos += step;
		i++;
	}
	r->pos = pos;
	return i;
}

static int skip_value(struct codec_reader *r, unsigned depth)
{
	struct item it;
	if (depth > CODEC_MAX_DEPTH)
		return fail(r, "nested too deep");
	if (read_item(r, &it) < 0)
		return -1;
	switch (it.kind) {
	case IT_STR:
	case IT_BIN:
	case IT_EXT:
		r->pos += it.n;
		return 0;
	case IT_ARRAY:
	case IT_MAP:
		for (uint64_t n = it.kind == IT_MAP ? 2 * it.n : it.n; (n -= skip_scalars(r, n)) > 0; n--)
			if (skip_value(r, depth + 1) < 0)
				return -1;
		return 0;
	default:
		return 0;
	}
}

static int read_uint(struct codec_reader *r, const struct item *it, uint64_t max, uint64_t *ret)
{
	if (it->kind != IT_UINT)
		return fail(r, "a number was expected");
	if (it->n > max)
		return fail(r, "number out of range");
	*ret = it->n;
	return 0;
}

static int read_number(struct codec_reader *r, uint8_t c, uint64_t max, uint64_t *ret)
{
	struct item it;
	unsigned n = 1u << (c & 3);
	if (c < 0x80) {
		r->pos++;
		*ret = c;
	} else if (c >= 0xcc && c <= 0xcf && r->len - r->pos > n) {
		*ret = be((const uint8_t *)r->base + r->pos + 1, n);
		r->pos += 1 + n;
	} else {
		return read_item(r, &it) < 0 ? -1 : read_uint(r, &it, max, ret);
	}
	return *ret > max ? fail(r, "number out of range") : 0;
}

static int read_real(struct codec_reader *r, double *ret)
{
	struct item it;
	if (read_item(r, &it) < 0)
		return -1;
	if (it.kind != IT_REAL && it.kind != IT_UINT)
		return fail(r, "a number was expected");
	*ret = it.kind == IT_REAL ? it.d : (double)it.n;
	return 0;
}

static int read_bytes(struct codec_reader *r, enum ftype type, size_t n, void *v)
{
	struct item it;
	if (read_item(r, &it) < 0)
		return -1;
	if (type == FT_ADDR && it.kind == IT_BIN && it.n == 4) {
		addr_from_v4(v, r->base + r->pos);
		r->pos += 4;
		return 0;
	}
	if (it.kind != IT_BIN || it.n != n)
		return fail(r, "wrong type or length");
	memcpy(v, r->base + r->pos, n);
	r->pos += n;
	return 0;
}

static int read_str(struct codec_reader *r, uint8_t c, enum ftype type, struct str *s)
{
	struct item it = { .kind = IT_STR, .n = c & 0x1fu };
	if ((c & 0xe0) == 0xa0 && r->len - r->pos > it.n)
		r->pos++;
	else if (read_item(r, &it) < 0)
		return -1;
	if (it.kind != (type == FT_BIN ? IT_BIN : IT_STR))
		return fail(r, "a string was expected");
	if (type != FT_BIN && utf8_span(r->base + r->pos, it.n, type != FT_STR) != it.n)
		return fail(r, "string is not clean UTF-8");
	s->off = it.n ? (uint32_t)r->pos : 0;
	s->len = (uint32_t)it.n;
	r->pos += it.n;
	return 0;
}

/* c: its first byte. */
static int read_value(struct codec_reader *r, uint8_t c, const struct slot *f, void *v)
{
	uint64_t n = 0;
	switch (f->type) {
	case FT_FLAG:
	case FT_U8:
	case FT_ENUM:
	case FT_PROTO:
	case FT_TCPFLAGS:
		if (read_number(r, c, f->type == FT_FLAG ? 1 : UINT8_MAX, &n) < 0)
			return -1;
		*(uint8_t *)v = (uint8_t)n;
		return 0;
	case FT_U16:
		if (read_number(r, c, UINT16_MAX, &n) < 0)
			return -1;
		*(uint16_t *)v = (uint16_t)n;
		return 0;
	case FT_U32:
		if (read_number(r, c, UINT32_MAX, &n) < 0)
			return -1;
		*(uint32_t *)v = (uint32_t)n;
		return 0;
	case FT_U64:
	case FT_TIME:
	case FT_DUR:
		return read_number(r, c, UINT64_MAX, v);
	case FT_F64:
		return read_real(r, v);
	case FT_ADDR:
	case FT_ID:
		return read_bytes(r, f->type, 16, v);
	case FT_MAC:
		return read_bytes(r, f->type, 6, v);
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
	case FT_BIN:
		return read_str(r, c, f->type, v);
	}
	return fail(r, "type of field not known");
}

/* values are zero before, and stay so when they are absent, as most are: those take one look at one byte. */
static int read_fields(struct codec_reader *r, const struct slot *slots, uint64_t n, char *values)
{
	for (const struct slot *s = slots; s < slots + n; s++) {
		if (r->pos >= r->len)
			return fail(r, "record ends early");
		uint8_t c = (uint8_t)r->base[r->pos];
		if (c == s->absent || c == 0xc0)
			r->pos++;
		else if (read_value(r, c, s, values + s->off) < 0)
			return -1;
	}
	return 0;
}

static int read_group(struct codec_reader *r, const struct rgroup *g, char *values)
{
	struct item it;
	if (read_item(r, &it) < 0)
		return -1;
	if (it.kind == IT_NIL)
		return 0;
	if (it.kind != IT_ARRAY)
		return fail(r, "a group of fields was expected");
	uint64_t n = it.n < g->n_fields ? it.n : g->n_fields, done = rows_read(r, &g->layout, n, values);
	if (read_fields(r, g->layout.slots + done, n - done, values) < 0)
		return -1;
	for (uint64_t i = g->n_fields; i < it.n; i++)
		if (skip_value(r, 2) < 0)
			return -1;
	return 0;
}

/* As read_item; most heads are one byte. */
static inline int read_small(struct codec_reader *r, struct item *it)
{
	if (r->pos < r->len && (uint8_t)r->base[r->pos] < 0x80) {
		it->kind = IT_UINT;
		it->n = (uint8_t)r->base[r->pos++];
		return 0;
	}
	return read_item(r, it);
}

/* The head of a record: number of elements after type and schema in *ret_n, type in *ret_type. */
static int read_head(struct codec_reader *r, uint64_t *ret_n, uint64_t *ret_type)
{
	struct item it;
	uint64_t schema;
	if (read_item(r, &it) < 0)
		return -1;
	if (it.kind != IT_ARRAY || it.n < 2)
		return fail(r, "a record was expected");
	*ret_n = it.n - 2;
	if (read_small(r, &it) < 0 || read_uint(r, &it, UINT16_MAX, ret_type) < 0)
		return -1;
	if (read_small(r, &it) < 0 || read_uint(r, &it, UINT16_MAX, &schema) < 0)
		return -1;
	if (schema != RECORD_SCHEMA)
		return fail(r, "schema of the record is not ours");
	return 0;
}

enum rtype codec_peek(const struct codec_reader *r)
{
	struct codec_reader at = *r;
	uint64_t n, type;
	if (at.pos >= at.len || read_head(&at, &n, &type) < 0)
		return R_NONE;
	return (enum rtype)type;
}

/* The n groups of a record that began at start. ret may be NULL. */
static int read_groups(struct codec_reader *r, const struct rdesc *rd, uint64_t n, size_t start, unsigned groups, char *rec,
		       struct codec_places *ret)
{
	for (uint64_t i = 0; i < n; i++) {
		bool known = i < rd->n_groups;
		size_t at = r->pos;
		if ((known && groups >> i & 1 ? read_group(r, &rd->groups[i], rec + rd->groups[i].off) : skip_value(r, 1)) < 0)
			return -1;
		if (ret && known)
			ret->group[i] = (struct str){ (uint32_t)at, (uint32_t)(r->pos - at) };
	}
	return r->pos - start > CODEC_MAX_RECORD ? fail(r, "record too large") : 1;
}

int codec_read_places(struct codec_reader *r, void *rec, struct codec_places *ret)
{
	size_t start = r->pos;
	uint64_t n, type;
	if (r->pos >= r->len)
		return 0;
	if (read_head(r, &n, &type) < 0)
		return -1;
	const struct rdesc *rd = rdesc_get(type);
	if (!rd)
		return fail(r, "type of record not known");
	memset(rec, 0, rd->size);
	if (ret)
		*ret = (struct codec_places){ 0 };
	return read_groups(r, rd, n, start, ~0u, rec, ret);
}

int codec_read(struct codec_reader *r, void *rec)
{
	return codec_read_places(r, rec, NULL);
}

int codec_read_parts(struct codec_reader *r, enum rtype type, unsigned groups, void *rec, struct codec_places *ret)
{
	size_t start = r->pos;
	uint64_t n, found;
	const struct rdesc *rd = rdesc_get(type);
	if (r->pos >= r->len)
		return 0;
	if (read_head(r, &n, &found) < 0)
		return -1;
	if (found != type)
		return fail(r, "a record of another type");
	if (ret)
		*ret = (struct codec_places){ 0 };
	for (unsigned i = 0; i < rd->n_groups; i++)
		if (groups >> i & 1)
			memset((char *)rec + rd->groups[i].off, 0, rd->groups[i].size);
	return read_groups(r, rd, n, start, groups, rec, ret);
}

int codec_read_some(struct codec_reader *r, enum rtype type, unsigned groups, void *rec)
{
	return codec_read_parts(r, type, groups, rec, NULL);
}

int codec_skip(struct codec_reader *r, size_t *ret_at, size_t *ret_len)
{
	size_t start = r->pos;
	if (r->pos >= r->len)
		return 0;
	if (skip_value(r, 0) < 0)
		return -1;
	if (r->pos - start > CODEC_MAX_RECORD)
		return fail(r, "record too large");
	*ret_at = start;
	*ret_len = r->pos - start;
	return 1;
}

bool codec_read_group(const char *base, struct str packed, enum rtype type, unsigned group, void *values)
{
	const struct rgroup *g = &rdesc_get(type)->groups[group];
	struct codec_reader r = { .base = base, .pos = packed.off, .len = (size_t)packed.off + packed.len };
	memset(values, 0, g->size);
	if (read_group(&r, g, values) == 0)
		return true;
	memset(values, 0, g->size);
	return false;
}

static bool skip_values(struct codec_reader *r, uint64_t n)
{
	for (; (n -= skip_scalars(r, n)) > 0; n--)
		if (skip_value(r, 1) < 0)
			return false;
	return true;
}

void codec_read_field(const struct codec_reader *r, enum rtype type, unsigned group, unsigned field, void *value)
{
	struct codec_reader at = *r;
	const struct slot *f = &rdesc_get(type)->groups[group].layout.slots[field];
	uint64_t n, found;
	struct item it;
	if (read_head(&at, &n, &found) < 0 || found != type || group >= n || !skip_values(&at, group) || read_item(&at, &it) < 0)
		return;
	if (it.kind != IT_ARRAY || field >= it.n || !skip_values(&at, field) || at.pos >= at.len)
		return;
	uint8_t c = (uint8_t)at.base[at.pos];
	if (c != 0xc0 && c != f->absent)
		read_value(&at, c, f, value);
}

void codec_shift_group(enum rtype type, unsigned group, void *values, size_t by)
{
	const struct rgroup *g = &rdesc_get(type)->groups[group];
	for (unsigned i = 0; i < g->layout.n_texts; i++) {
		struct str *s = (struct str *)((char *)values + g->layout.slots[g->layout.texts[i]].off);
		if (s->len)
			s->off -= (uint32_t)by;
	}
}

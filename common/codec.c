#include "codec.h"

#include <msgpack.h>
#include <stdio.h>

/* Bytes a value of each type takes in its struct. */
static const uint8_t type_size[] = {
	[FT_FLAG] = 1,
	[FT_U8] = 1,
	[FT_U16] = 2,
	[FT_U32] = 4,
	[FT_U64] = 8,
	[FT_F64] = 8,
	[FT_TIME] = 8,
	[FT_DUR] = 8,
	[FT_ADDR] = sizeof(struct addr),
	[FT_MAC] = sizeof(struct mac),
	[FT_ID] = sizeof(struct id),
	[FT_STR] = sizeof(struct str),
	[FT_LIST] = sizeof(struct str),
	[FT_MAP] = sizeof(struct str),
	[FT_BIN] = sizeof(struct str),
	[FT_ENUM] = 1,
	[FT_PROTO] = 1,
	[FT_TCPFLAGS] = 1,
};

/* -- pack -- */

static int add_bytes(void *b, const char *p, size_t n)
{
	buf_add(b, p, n);
	return 0;
}

static bool is_zero(const struct field *f, const void *v)
{
	static const char zero[16];
	switch (f->type) {
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
	case FT_BIN:
		return ((const struct str *)v)->len == 0;
	default:
		return memcmp(v, zero, type_size[f->type]) == 0;
	}
}

static void pack_bin(msgpack_packer *pk, const void *p, size_t n)
{
	msgpack_pack_bin(pk, n);
	msgpack_pack_bin_body(pk, p, n);
}

static void pack_value(msgpack_packer *pk, const struct field *f, const void *v, const char *base)
{
	const struct str *s = v;
	switch (f->type) {
	case FT_FLAG:
	case FT_U8:
	case FT_ENUM:
	case FT_PROTO:
	case FT_TCPFLAGS:
		msgpack_pack_uint8(pk, *(const uint8_t *)v);
		break;
	case FT_U16:
		msgpack_pack_uint16(pk, *(const uint16_t *)v);
		break;
	case FT_U32:
		msgpack_pack_uint32(pk, *(const uint32_t *)v);
		break;
	case FT_U64:
	case FT_TIME:
	case FT_DUR:
		msgpack_pack_uint64(pk, *(const uint64_t *)v);
		break;
	case FT_F64:
		msgpack_pack_double(pk, *(const double *)v);
		break;
	case FT_ADDR:
		if (addr_is_v4(v))
			pack_bin(pk, ((const struct addr *)v)->b + 12, 4);
		else
			pack_bin(pk, v, 16);
		break;
	case FT_MAC:
		pack_bin(pk, v, 6);
		break;
	case FT_ID:
		pack_bin(pk, v, 16);
		break;
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
		msgpack_pack_str(pk, s->len);
		msgpack_pack_str_body(pk, base + s->off, s->len);
		break;
	case FT_BIN:
		pack_bin(pk, base + s->off, s->len);
		break;
	}
}

static void pack_group(msgpack_packer *pk, const struct rgroup *g, const char *p, const char *base)
{
	unsigned n = p ? g->n_fields : 0;
	while (n > 0 && is_zero(&g->fields[n - 1], p + g->fields[n - 1].off))
		n--;
	if (n == 0) {
		msgpack_pack_nil(pk);
		return;
	}
	msgpack_pack_array(pk, n);
	for (unsigned i = 0; i < n; i++) {
		const struct field *f = &g->fields[i];
		if (type_size[f->type] > 8 && is_zero(f, p + f->off))
			msgpack_pack_nil(pk);
		else
			pack_value(pk, f, p + f->off, base);
	}
}

void codec_pack_parts(struct buf *out, enum rtype type, const struct codec_part *part)
{
	const struct rdesc *rd = rdesc_get(type);
	msgpack_packer pk;
	msgpack_packer_init(&pk, out, add_bytes);
	msgpack_pack_array(&pk, 2 + rd->n_groups);
	msgpack_pack_uint8(&pk, type);
	msgpack_pack_uint8(&pk, RECORD_SCHEMA);
	for (unsigned i = 0; i < rd->n_groups; i++)
		pack_group(&pk, &rd->groups[i], part[i].p, part[i].base);
}

void codec_pack(struct buf *out, enum rtype type, const void *rec, const char *base)
{
	const struct rdesc *rd = rdesc_get(type);
	struct codec_part part[RECORD_MAX_GROUPS];
	for (unsigned i = 0; i < rd->n_groups; i++)
		part[i] = (struct codec_part){ (const char *)rec + rd->groups[i].off, base };
	codec_pack_parts(out, type, part);
}

/* -- read -- */

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
	uint64_t v = 0;
	while (n--)
		v = v << 8 | *p++;
	return v;
}

/* Lengths of what follows the first byte, for 0xc0 to 0xdf (msgpack specification, "Overview"). */
static const uint8_t tail_len[32] = {
	/* c0 */ 0, 0, 0, 0, /* bin */ 1, 2, 4, /* ext */ 1, 2, 4, /* float */ 4, 8, /* uint */ 1, 2, 4, 8,
	/* d0 int */ 1, 2, 4, 8, /* fixext */ 1, 1, 1, 1, 1, /* str */ 1, 2, 4, /* array */ 2, 4, /* map */ 2, 4,
};

static int read_item(struct codec_reader *r, struct item *it)
{
	if (r->pos >= r->len)
		return fail(r, "record ends early");
	const uint8_t *p = (const uint8_t *)r->base + r->pos;
	uint8_t c = *p++;
	r->pos++;
	if (c < 0x80 || c >= 0xe0) {
		it->kind = c < 0x80 ? IT_UINT : IT_NEG;
		it->n = c;
		return 0;
	}
	if (c < 0xc0) {
		it->kind = c < 0x90 ? IT_MAP : c < 0xa0 ? IT_ARRAY : IT_STR;
		it->n = c < 0xa0 ? c & 0x0f : c & 0x1f;
		goto check;
	}
	unsigned n = tail_len[c - 0xc0];
	if (r->len - r->pos < n)
		return fail(r, "record ends early");
	uint64_t v = be(p, n);
	r->pos += n;
	it->n = v;
	switch (c) {
	case 0xc0:
		it->kind = IT_NIL;
		return 0;
	case 0xc1:
		return fail(r, "byte 0xc1 is not msgpack");
	case 0xc2:
	case 0xc3:
		it->kind = IT_UINT;
		it->n = c & 1;
		return 0;
	case 0xc4:
	case 0xc5:
	case 0xc6:
		it->kind = IT_BIN;
		break;
	case 0xc7:
	case 0xc8:
	case 0xc9:
		it->kind = IT_EXT;
		it->n = v + 1;
		break;
	case 0xca: {
		uint32_t bits = (uint32_t)v;
		float fl;
		memcpy(&fl, &bits, sizeof fl);
		it->kind = IT_REAL;
		it->d = fl;
		return 0;
	}
	case 0xcb:
		it->kind = IT_REAL;
		memcpy(&it->d, &v, sizeof it->d);
		return 0;
	case 0xcc:
	case 0xcd:
	case 0xce:
	case 0xcf:
		it->kind = IT_UINT;
		return 0;
	case 0xd0:
	case 0xd1:
	case 0xd2:
	case 0xd3:
		/* Packers may write a positive number as a signed one. */
		it->kind = v >> (n * 8 - 1) ? IT_NEG : IT_UINT;
		return 0;
	case 0xd4:
	case 0xd5:
	case 0xd6:
	case 0xd7:
	case 0xd8:
		it->kind = IT_EXT;
		it->n = 1u << (c - 0xd4); /* the type byte is already behind us */
		break;
	case 0xd9:
	case 0xda:
	case 0xdb:
		it->kind = IT_STR;
		break;
	case 0xdc:
	case 0xdd:
		it->kind = IT_ARRAY;
		break;
	default:
		it->kind = IT_MAP;
		break;
	}
check:
	/* Every element takes a byte at least, so a count beyond what is left is a lie. */
	if (it->n > r->len - r->pos)
		return fail(r, "length beyond the end");
	return 0;
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
		for (uint64_t i = 0, n = it.kind == IT_MAP ? 2 * it.n : it.n; i < n; i++)
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

static int read_bytes(struct codec_reader *r, const struct item *it, void *v, size_t n)
{
	if (it->kind != IT_BIN || it->n != n)
		return fail(r, "wrong type or length");
	memcpy(v, r->base + r->pos, n);
	r->pos += n;
	return 0;
}

static int read_str(struct codec_reader *r, const struct item *it, enum ftype type, struct str *s)
{
	if (it->kind != (type == FT_BIN ? IT_BIN : IT_STR))
		return fail(r, "a string was expected");
	if (type != FT_BIN && utf8_span(r->base + r->pos, it->n, type != FT_STR) != it->n)
		return fail(r, "string is not clean UTF-8");
	s->off = it->n ? (uint32_t)r->pos : 0;
	s->len = (uint32_t)it->n;
	r->pos += it->n;
	return 0;
}

static int read_value(struct codec_reader *r, const struct field *f, void *v)
{
	struct item it;
	uint64_t n = 0;
	if (read_item(r, &it) < 0)
		return -1;
	if (it.kind == IT_NIL)
		return 0; /* zeroed before */
	switch (f->type) {
	case FT_FLAG:
		if (read_uint(r, &it, 1, &n) < 0)
			return -1;
		*(uint8_t *)v = n;
		return 0;
	case FT_U8:
	case FT_ENUM:
	case FT_PROTO:
	case FT_TCPFLAGS:
		if (read_uint(r, &it, UINT8_MAX, &n) < 0)
			return -1;
		*(uint8_t *)v = n;
		return 0;
	case FT_U16:
		if (read_uint(r, &it, UINT16_MAX, &n) < 0)
			return -1;
		*(uint16_t *)v = n;
		return 0;
	case FT_U32:
		if (read_uint(r, &it, UINT32_MAX, &n) < 0)
			return -1;
		*(uint32_t *)v = n;
		return 0;
	case FT_U64:
	case FT_TIME:
	case FT_DUR:
		return read_uint(r, &it, UINT64_MAX, v);
	case FT_F64:
		if (it.kind != IT_REAL && it.kind != IT_UINT)
			return fail(r, "a number was expected");
		*(double *)v = it.kind == IT_REAL ? it.d : (double)it.n;
		return 0;
	case FT_ADDR:
		if (it.kind == IT_BIN && it.n == 4) {
			addr_from_v4(v, r->base + r->pos);
			r->pos += 4;
			return 0;
		}
		return read_bytes(r, &it, v, 16);
	case FT_MAC:
		return read_bytes(r, &it, v, 6);
	case FT_ID:
		return read_bytes(r, &it, v, 16);
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
	case FT_BIN:
		return read_str(r, &it, f->type, v);
	}
	return fail(r, "type of field not known");
}

static int read_group(struct codec_reader *r, const struct rgroup *g, char *p)
{
	struct item it;
	if (read_item(r, &it) < 0)
		return -1;
	if (it.kind == IT_NIL)
		return 0;
	if (it.kind != IT_ARRAY)
		return fail(r, "a group of fields was expected");
	for (uint64_t i = 0; i < it.n; i++) {
		int rc = i < g->n_fields ? read_value(r, &g->fields[i], p + g->fields[i].off)
					 : skip_value(r, 2);
		if (rc < 0)
			return -1;
	}
	return 0;
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
	if (read_item(r, &it) < 0 || read_uint(r, &it, UINT16_MAX, ret_type) < 0)
		return -1;
	if (read_item(r, &it) < 0 || read_uint(r, &it, UINT16_MAX, &schema) < 0)
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

int codec_read(struct codec_reader *r, void *rec)
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
	for (uint64_t i = 0; i < n; i++) {
		int rc = i < rd->n_groups ? read_group(r, &rd->groups[i], (char *)rec + rd->groups[i].off)
					  : skip_value(r, 1);
		if (rc < 0)
			return -1;
	}
	if (r->pos - start > CODEC_MAX_RECORD)
		return fail(r, "record too large");
	return 1;
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

/* -- strings -- */

/* Length of the clean character at p, 0 if it is not one (RFC 3629; C0, DEL and C1 controls are not clean). */
static size_t utf8_char(const uint8_t *p, size_t n)
{
	uint8_t c = p[0];
	if (c < 0x80)
		return c >= 0x20 && c != 0x7f;
	size_t len = c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
	if (len == 0 || n < len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xc2 && p[1] < 0xa0) || (c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] >= 0xa0) ||
	    (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] >= 0x90))
		return 0;
	return len;
}

/* Are these eight bytes all printable ASCII? */
static bool plain8(const uint8_t *p)
{
	const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
	uint64_t w;
	memcpy(&w, p, sizeof w);
	uint64_t del = w ^ ones * 0x7f;
	return !((w | (w - ones * 0x20) | (del - ones)) & tops);
}

size_t utf8_span(const char *s, size_t len, bool lines)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t i = 0;
	while (i < len) {
		if (len - i >= 8 && plain8(p + i)) {
			i += 8;
			continue;
		}
		size_t n = utf8_char(p + i, len - i);
		if (n == 0 && !(lines && p[i] == '\n'))
			break;
		i += n ? n : 1;
	}
	return i;
}

struct str str_put_raw(struct buf *arena, const void *p, size_t len)
{
	struct str s = { (uint32_t)arena->len, (uint32_t)len };
	buf_add(arena, p, len);
	return s;
}

struct str str_put(struct buf *arena, const char *s, size_t len, size_t max)
{
	struct str r = { (uint32_t)arena->len, 0 };
	size_t i = 0;
	while (i < len && s[i] != '\0') {
		size_t room = max - r.len, clean = utf8_span(s + i, len - i < room ? len - i : room, false);
		buf_add(arena, s + i, clean);
		r.len += (uint32_t)clean;
		i += clean;
		if (i == len || s[i] == '\0')
			break;
		size_t n = utf8_char((const uint8_t *)s + i, len - i);
		if (r.len + (n ? n : 3) > max)
			break;
		buf_add(arena, n ? s + i : "\xef\xbf\xbd", n ? n : 3);
		r.len += n ? n : 3;
		i += n ? n : 1;
	}
	return r;
}

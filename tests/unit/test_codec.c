#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

static int to_buf(void *b, const char *p, size_t n)
{
	buf_add(b, p, n);
	return 0;
}

static struct r_flow sample(struct buf *arena)
{
	struct r_flow f = { 0 };
	f.key.id = (struct id){ 0x0192aabbccddeeff, 0x1122334455667788 };
	f.key.first = 1731000412000000123;
	addr_parse("192.0.2.1", 9, &f.key.client);
	addr_parse("2001:db8::7", 11, &f.key.server);
	f.key.server_port = 443;
	f.key.proto = 6;
	f.key.sensor = str_put(arena, "lan", 3, 16);
	f.n.client_bytes = UINT64_MAX;
	f.n.rtt_server = 12345678;
	f.app.host = str_put(arena, "ex\xc3\xa4mple.org", 12, 64);
	f.app.risks = str_put_raw(arena, "a\nb", 3);
	f.judge.score = 250;
	return f;
}

static void assert_same_flow(const struct r_flow *a, const char *abase, const struct r_flow *b, const char *bbase)
{
	assert_memory_equal(&a->key.id, &b->key.id, sizeof a->key.id);
	assert_memory_equal(&a->key.client, &b->key.client, 16);
	assert_memory_equal(&a->key.server, &b->key.server, 16);
	assert_int_equal(a->key.first, b->key.first);
	assert_int_equal(a->n.client_bytes, b->n.client_bytes);
	assert_int_equal(a->n.rtt_server, b->n.rtt_server);
	assert_int_equal(a->judge.score, b->judge.score);
	assert_int_equal(a->app.host.len, b->app.host.len);
	assert_memory_equal(abase + a->app.host.off, bbase + b->app.host.off, a->app.host.len);
	assert_int_equal(a->app.risks.len, b->app.risks.len);
}

static void test_round_trip(void **state)
{
	(void)state;
	struct buf arena = { 0 }, out = { 0 };
	struct r_flow f = sample(&arena), g;
	codec_pack(&out, R_FLOW, &f, arena.p);
	codec_pack(&out, R_FLOW, &f, arena.p);
	struct codec_reader r = { .base = out.p, .len = out.len };
	for (int i = 0; i < 2; i++) {
		assert_int_equal(codec_peek(&r), R_FLOW);
		assert_int_equal(codec_read(&r, &g), 1);
		assert_same_flow(&f, arena.p, &g, out.p);
	}
	assert_int_equal(codec_read(&r, &g), 0);
	buf_release(&arena);
	buf_release(&out);
}

/*
 * Values that are written as we write them are read by another way than all others, and than values that are read alone: all come to the
 * same, whatever becomes of a byte.
 */
static void test_both_ways(void **state)
{
	(void)state;
	struct buf arena = { 0 }, out = { 0 };
	struct r_alert alert = { 0 }, whole, alone;
	struct r_flow f = sample(&arena);
	const struct rdesc *rd = rdesc_get(R_ALERT);
	alert.flow = f.key;
	alert.flow_n = f.n;
	alert.flow_app = f.app;
	alert.flow_judge = f.judge;
	alert.alert.check = alert.alert.others = str_put(&arena, "a_check", 7, 99);
	alert.alert.score = 300;
	codec_pack(&out, R_ALERT, &alert, arena.p);
	for (size_t at = 0; at < out.len; at++)
		for (unsigned flip = 0; flip < 256; flip = 2 * flip + 1) {
			out.p[at] ^= (char)flip;
			struct codec_reader r = { .base = out.p, .len = out.len };
			bool good = codec_peek(&r) == R_ALERT && codec_read(&r, &whole) == 1;
			memset(&alone, 0, sizeof alone);
			r.pos = 0;
			for (unsigned g = 0; good && g < rd->n_groups; g++)
				for (unsigned i = 0; i < rd->groups[g].n_fields; i++)
					codec_read_field(&r, R_ALERT, g, i,
							 (char *)&alone + rd->groups[g].off + rd->groups[g].fields[i].off);
			if (good)
				assert_memory_equal(&whole, &alone, sizeof whole);
			out.p[at] ^= (char)flip;
		}
	buf_release(&arena);
	buf_release(&out);
}

/* Every field of every record keeps a value of its own over a round trip, also when it is read alone. */
static void test_every_field(void **state)
{
	(void)state;
	for (unsigned t = 1; t < 64; t++) {
		const struct rdesc *rd = rdesc_get(t);
		if (!rd)
			continue;
		struct buf arena = { 0 }, out = { 0 }, again = { 0 };
		char *rec = calloc(1, rd->size), *back = malloc(rd->size), *alone = calloc(1, rd->size);
		buf_adds(&arena, "0123456789");
		for (unsigned g = 0; g < rd->n_groups; g++)
			for (unsigned i = 0; i < rd->groups[g].n_fields; i++) {
				const struct field *f = &rd->groups[g].fields[i];
				char *v = rec + rd->groups[g].off + f->off;
				switch (f->type) {
				case FT_STR:
				case FT_LIST:
				case FT_MAP:
				case FT_BIN:
					*(struct str *)v = (struct str){ i % 7, 1 + i % 3 };
					break;
				case FT_ADDR:
				case FT_ID:
					memset(v, 1 + (int)i, 16);
					break;
				case FT_MAC:
					memset(v, 1 + (int)i, 6);
					break;
				case FT_F64:
					*(double *)v = i + 0.5;
					break;
				case FT_FLAG:
					*v = 1;
					break;
				case FT_U16:
					*(uint16_t *)v = (uint16_t)(UINT16_MAX - i);
					break;
				case FT_U32:
					*(uint32_t *)v = UINT32_MAX - i;
					break;
				case FT_U64:
				case FT_TIME:
				case FT_DUR:
					*(uint64_t *)v = UINT64_MAX - i;
					break;
				default:
					*(uint8_t *)v = (uint8_t)(255 - i);
				}
			}
		codec_pack(&out, t, rec, arena.p);
		struct codec_reader r = { .base = out.p, .len = out.len };
		for (unsigned g = 0; g < rd->n_groups; g++)
			for (unsigned i = 0; i < rd->groups[g].n_fields; i++)
				codec_read_field(&r, t, g, i, alone + rd->groups[g].off + rd->groups[g].fields[i].off);
		assert_int_equal(codec_read(&r, back), 1);
		assert_memory_equal(alone, back, rd->size);
		codec_pack(&again, t, back, out.p);
		assert_int_equal(out.len, again.len);
		assert_memory_equal(out.p, again.p, out.len);
		free(rec);
		free(back);
		free(alone);
		buf_release(&arena);
		buf_release(&out);
		buf_release(&again);
	}
}

/* A field as msgpack-c writes it. */
static void theirs_value(msgpack_packer *pk, const struct field *f, const char *v, const char *base)
{
	const struct str *s = (const struct str *)v;
	size_t size = f->type == FT_MAC ? 6 : f->type == FT_ADDR && addr_is_v4((const struct addr *)v) ? 4 : 16;
	double d;
	switch (f->type) {
	case FT_STR:
	case FT_LIST:
	case FT_MAP:
		msgpack_pack_str(pk, s->len);
		msgpack_pack_str_body(pk, base + s->off, s->len);
		break;
	case FT_BIN:
		msgpack_pack_bin(pk, s->len);
		msgpack_pack_bin_body(pk, base + s->off, s->len);
		break;
	case FT_MAC:
	case FT_ADDR:
	case FT_ID:
		msgpack_pack_bin(pk, size);
		msgpack_pack_bin_body(pk, v + (size == 4 ? 12 : 0), size);
		break;
	case FT_F64:
		memcpy(&d, v, sizeof d);
		msgpack_pack_double(pk, d);
		break;
	default:
		msgpack_pack_uint64(pk, field_uint(f, v));
	}
}

/* Whole records, byte for byte: no field is zero, numbers and lengths are those around each change of width. */
static void test_like_msgpack(void **state)
{
	(void)state;
	static const uint64_t numbers[] = { 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, UINT32_MAX, UINT32_MAX + 1ull, UINT64_MAX };
	static const uint32_t lengths[] = { 1, 31, 32, 255, 256, 65535, 65536, 100000 };
	static const enum rtype types[] = { R_METRIC, R_TICK, R_ARP, R_QUARANTINE, R_VERDICT };
	static char text[100000];
	memset(text, 'x', sizeof text);
	for (size_t n = 0; n < 10 * 8 * 5; n++) {
		const struct rdesc *rd = rdesc_get(types[n % 5]);
		struct buf ours = { 0 }, theirs = { 0 };
		msgpack_packer pk;
		char *rec = calloc(1, rd->size);
		msgpack_packer_init(&pk, &theirs, to_buf);
		msgpack_pack_array(&pk, 2u + rd->n_groups);
		msgpack_pack_int(&pk, (int)rd->type);
		msgpack_pack_int(&pk, RECORD_SCHEMA);
		for (unsigned g = 0; g < rd->n_groups; g++) {
			const struct rgroup *rg = &rd->groups[g];
			msgpack_pack_array(&pk, rg->n_fields);
			for (unsigned i = 0; i < rg->n_fields; i++) {
				const struct field *f = &rg->fields[i];
				char *v = rec + rg->off + f->off;
				uint64_t number = numbers[n / 5 % 10];
				double real = (double)number;
				bool wide = f->type == FT_U64 || f->type == FT_TIME || f->type == FT_DUR;
				if (f->type == FT_F64)
					memcpy(v, &real, sizeof real);
				else if (f->type == FT_STR || f->type == FT_LIST || f->type == FT_MAP || f->type == FT_BIN)
					*(struct str *)v = (struct str){ 0, lengths[n / 50] };
				else if (f->type == FT_ADDR && i % 2)
					addr_parse("192.0.2.1", 9, (struct addr *)v);
				else if (f->type == FT_ADDR || f->type == FT_ID || f->type == FT_MAC)
					memset(v, 0x55, f->type == FT_MAC ? 6 : 16);
				else if (wide)
					memcpy(v, &number, sizeof number);
				else
					*v = 1;
				theirs_value(&pk, f, v, text);
			}
		}
		codec_pack(&ours, rd->type, rec, text);
		assert_int_equal(ours.len, theirs.len);
		assert_memory_equal(ours.p, theirs.p, ours.len);
		free(rec);
		buf_release(&ours);
		buf_release(&theirs);
	}
}

/* The upgrade rule: an older peer writes fewer fields and groups, a newer one more. */
static void test_older_peer(void **state)
{
	(void)state;
	struct buf out = { 0 };
	msgpack_packer pk;
	msgpack_packer_init(&pk, &out, to_buf);
	msgpack_pack_array(&pk, 3); /* flow_key only, two fields of it */
	msgpack_pack_int(&pk, R_FLOW);
	msgpack_pack_int(&pk, RECORD_SCHEMA);
	msgpack_pack_array(&pk, 2);
	msgpack_pack_nil(&pk);
	msgpack_pack_uint64(&pk, 77);
	struct r_flow f;
	struct codec_reader r = { .base = out.p, .len = out.len };
	memset(&f, 0xee, sizeof f);
	assert_int_equal(codec_read(&r, &f), 1);
	assert_int_equal(f.key.first, 77);
	assert_int_equal(f.key.server_port, 0);
	assert_int_equal(f.judge.score, 0);
	buf_release(&out);
}

static void test_newer_peer(void **state)
{
	(void)state;
	struct buf out = { 0 };
	const struct rdesc *rd = rdesc_get(R_TICK);
	msgpack_packer pk;
	msgpack_packer_init(&pk, &out, to_buf);
	msgpack_pack_array(&pk, 2 + rd->n_groups + 1);
	msgpack_pack_int(&pk, R_TICK);
	msgpack_pack_int(&pk, RECORD_SCHEMA);
	msgpack_pack_array(&pk, rd->groups[0].n_fields + 2);
	msgpack_pack_str(&pk, 3);
	msgpack_pack_str_body(&pk, "lan", 3);
	for (unsigned i = 1; i < rd->groups[0].n_fields; i++)
		msgpack_pack_int(&pk, 1);
	msgpack_pack_map(&pk, 1); /* a field we do not know, of a kind we do not use */
	msgpack_pack_int(&pk, 1);
	msgpack_pack_array(&pk, 0);
	msgpack_pack_double(&pk, 1.5);
	msgpack_pack_nil(&pk);
	msgpack_pack_array(&pk, 1); /* a group we do not know */
	msgpack_pack_int(&pk, 9);
	struct r_tick t;
	struct codec_reader r = { .base = out.p, .len = out.len };
	assert_int_equal(codec_read(&r, &t), 1);
	assert_true(str_eq(out.p, t.tick.sensor, "lan"));
	assert_int_equal(r.pos, out.len);
	buf_release(&out);
}

static void test_truncated_everywhere(void **state)
{
	(void)state;
	struct buf arena = { 0 }, out = { 0 };
	struct r_flow f = sample(&arena), g;
	codec_pack(&out, R_FLOW, &f, arena.p);
	for (size_t n = 1; n < out.len; n++) {
		char *copy = malloc(n); /* exact size, so that a read beyond it is caught */
		memcpy(copy, out.p, n);
		struct codec_reader r = { .base = copy, .len = n };
		assert_int_equal(codec_read(&r, &g), -1);
		assert_non_null(r.error);
		free(copy);
	}
	buf_release(&arena);
	buf_release(&out);
}

static void test_hostile(void **state)
{
	(void)state;
	static const struct {
		const char *what, *bytes;
		size_t len;
	} bad[] = {
		{ "not an array", "\x01", 1 },
		{ "other schema", "\x93\x04\x63\xc0", 4 },
		{ "unknown type", "\x92\x7f\x01", 3 },
		{ "group is a number", "\x93\x04\x01\x05", 4 },
		{ "string where a time goes", "\x93\x04\x01\x92\xa1x\xa1y", 8 },
		{ "control character", "\x93\x04\x01\x91\xa1\x1b", 6 },
		{ "bad UTF-8", "\x93\x04\x01\x91\xa2\xc0\x80", 7 },
		{ "4 GiB string", "\x93\x04\x01\x91\xdb\xff\xff\xff\xff", 9 },
		{ "4 G elements", "\x93\x04\x01\xdd\xff\xff\xff\xff", 8 },
		{ "negative time", "\x93\x04\x01\x92\xc0\xff", 6 },
		{ "byte 0xc1", "\x93\x04\x01\xc1", 4 },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct r_tick t;
		struct codec_reader r = { .base = bad[i].bytes, .len = bad[i].len };
		if (codec_read(&r, &t) != -1)
			fail_msg("%s was taken", bad[i].what);
	}
	char deep[64];
	memset(deep, 0x91, sizeof deep);
	struct codec_reader r = { .base = deep, .len = sizeof deep };
	size_t at, len;
	assert_int_equal(codec_skip(&r, &at, &len), -1);
	assert_string_equal(r.error, "nested too deep");
}

static void test_skip(void **state)
{
	(void)state;
	struct buf arena = { 0 }, out = { 0 };
	struct r_flow f = sample(&arena);
	codec_pack(&out, R_FLOW, &f, arena.p);
	size_t one = out.len, at, len;
	codec_pack(&out, R_FLOW, &f, arena.p);
	struct codec_reader r = { .base = out.p, .len = out.len };
	assert_int_equal(codec_skip(&r, &at, &len), 1);
	assert_int_equal(codec_skip(&r, &at, &len), 1);
	assert_int_equal(at, one);
	assert_int_equal(len, one);
	assert_int_equal(codec_skip(&r, &at, &len), 0);
	buf_release(&arena);
	buf_release(&out);
}

/* One group of a record, its packed form put into another one, and its strings after the bytes were moved. */
static void test_group(void **state)
{
	(void)state;
	struct buf arena = { 0 }, out = { 0 }, again = { 0 };
	struct r_flow f = sample(&arena);
	struct g_flow_app app, moved;
	struct r_flow whole;
	struct codec_places at;
	buf_adds(&out, "before");
	codec_pack(&out, R_FLOW, &f, arena.p);
	struct codec_reader r = { .base = out.p, .len = out.len, .pos = 6 };
	assert_int_equal(codec_read_places(&r, &whole, &at), 1);
	struct str packed = at.group[RG_flow_app];
	assert_true(codec_read_group(out.p, packed, R_FLOW, RG_flow_app, &app));
	assert_memory_equal(&app, &whole.app, sizeof app);
	assert_int_equal(app.host.len, f.app.host.len);
	assert_memory_equal(out.p + app.host.off, arena.p + f.app.host.off, app.host.len);
	const struct codec_part part[] = { { .p = &f.key, .base = arena.p }, { .p = &f.n }, { .base = out.p, .packed = packed },
					   { .p = &f.judge, .base = arena.p } };
	codec_pack_parts(&again, R_FLOW, part);
	assert_int_equal(again.len, out.len - 6);
	assert_memory_equal(again.p, out.p + 6, again.len);
	moved = app;
	codec_shift_group(R_FLOW, RG_flow_app, &moved, 6);
	assert_memory_equal(again.p + moved.host.off, "ex\xc3\xa4mple.org", moved.host.len);
	for (uint32_t n = 0; n < packed.len; n++)
		assert_false(codec_read_group(out.p, (struct str){ packed.off, n }, R_FLOW, RG_flow_app, &app));
	for (unsigned i = 0; i + 1 < RECORD_MAX_GROUPS && at.group[i + 1].len; i++)
		assert_int_equal(at.group[i].off + at.group[i].len, at.group[i + 1].off);
	buf_release(&arena);
	buf_release(&out);
	buf_release(&again);
}

/* Some groups of a record are read, the others are left as they were, and the reader stands behind all of it. */
static void test_some(void **state)
{
	(void)state;
	struct buf arena = { 0 }, out = { 0 }, again = { 0 };
	struct r_flow f = sample(&arena), got, zero;
	codec_pack(&out, R_FLOW, &f, arena.p);
	memset(&got, 0xa5, sizeof got);
	memset(&zero, 0xa5, sizeof zero);
	struct codec_reader r = { .base = out.p, .len = out.len };
	assert_int_equal(codec_read_some(&r, R_FLOW, 1u << RG_flow_key | 1u << RG_flow_judge, &got), 1);
	assert_int_equal(r.pos, out.len);
	assert_memory_equal(&got.key.id, &f.key.id, sizeof f.key.id);
	assert_int_equal(got.judge.score, f.judge.score);
	assert_memory_equal(&got.n, &zero.n, sizeof got.n);
	assert_memory_equal(&got.app, &zero.app, sizeof got.app);
	assert_int_equal(codec_read_some(&r, R_FLOW, 1, &got), 0);
	struct codec_places at;
	r.pos = 0;
	assert_int_equal(codec_read_parts(&r, R_FLOW, 1u << RG_flow_key, &got, &at), 1);
	const struct codec_part part[] = { { .base = out.p, .packed = at.group[0] }, { .base = out.p, .packed = at.group[1] },
					   { .base = out.p, .packed = at.group[2] }, { .base = out.p, .packed = at.group[3] } };
	codec_pack_parts(&again, R_FLOW, part);
	assert_int_equal(again.len, out.len);
	assert_memory_equal(again.p, out.p, out.len);
	assert_int_equal(at.group[4].len, 0);
	r.pos = 0;
	assert_int_equal(codec_read_some(&r, R_HOST, 1, &got), -1);
	for (size_t n = 1; n < out.len; n++) {
		struct codec_reader cut = { .base = out.p, .len = n };
		uint64_t last[2] = { 0 };
		assert_int_equal(codec_read_some(&cut, R_FLOW, 1u << RG_flow_n, &got), -1);
		codec_read_field(&cut, R_FLOW, RG_flow_judge, rdesc_get(R_FLOW)->groups[RG_flow_judge].n_fields - 1, last);
		assert_true(last[0] == 0 && last[1] == 0);
	}
	buf_release(&arena);
	buf_release(&out);
	buf_release(&again);
}

/* Each byte in each place, as a text and as lines, against what a clean byte is. */
static void test_span(void **state)
{
	(void)state;
	for (size_t len = 1; len <= 17; len++)
		for (size_t at = 0; at < len; at++)
			for (unsigned c = 0; c < 256; c++) {
				char s[17];
				memset(s, at % 2 ? '\n' : 'a', sizeof s);
				s[at] = (char)c;
				bool clean = c >= 0x20 && c < 0x7f;
				assert_int_equal(utf8_span(s, len, true), clean || c == '\n' ? len : at);
				memset(s, 'a', sizeof s);
				s[at] = (char)c;
				assert_int_equal(utf8_span(s, len, false), clean ? len : at);
			}
}

static void test_str_put(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		size_t len, max;
		const char *out;
	} cases[] = {
		{ "plain", 5, 99, "plain" },
		{ "cut here", 8, 3, "cut" },
		{ "\xc3\xa4\xc3\xa4", 4, 3, "\xc3\xa4" },
		{ "a\x1b[31m", 6, 99, "a\xef\xbf\xbd[31m" },
		{ "\xff\xfe", 2, 99, "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xc2\x9b", 2, 99, "\xef\xbf\xbd\xef\xbf\xbd" }, /* C1 control: starts an escape sequence */
		{ "\xed\xa0\x80", 3, 99, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* surrogate */
		{ "nul\0tail", 8, 99, "nul" },
		{ "seven__\x7f", 8, 99, "seven__\xef\xbf\xbd" },
		{ "\x1f" "eight___" "ni\xc3\xa4", 13, 99, "\xef\xbf\xbd" "eight___" "ni\xc3\xa4" },
		{ "", 0, 99, "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf a = { 0 };
		buf_adds(&a, "x");
		struct str s = str_put(&a, cases[i].in, cases[i].len, cases[i].max);
		assert_int_equal(s.len, strlen(cases[i].out));
		assert_memory_equal(a.p + s.off, cases[i].out, s.len);
		buf_release(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_both_ways), cmocka_unit_test(test_every_field),
		cmocka_unit_test(test_like_msgpack),
		cmocka_unit_test(test_older_peer),
		cmocka_unit_test(test_newer_peer),
		cmocka_unit_test(test_truncated_everywhere),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_some),
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_str_put),
	};
	return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}

/* Capture files built here in every form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "capture/pcapfile.h"

#define SECONDS 1700000000u
#define NS      1700000000123456000ull

static uint8_t file[1024];
static size_t len;
static bool swap;

static void put32(uint32_t v)
{
	if (swap)
		v = __builtin_bswap32(v);
	memcpy(file + len, &v, 4);
	len += 4;
}

static void put16(uint16_t v)
{
	if (swap)
		v = __builtin_bswap16(v);
	memcpy(file + len, &v, 2);
	len += 2;
}

static void put_data(const char *s)
{
	size_t n = strlen(s);
	memcpy(file + len, s, n);
	memset(file + len + n, 0, 3);
	len += n;
}

/* Reads all packets, giving the parser one byte more at a time, as a growing file does. */
static enum pcapfile_result read_all(struct packet *p, char (*data)[8], unsigned max, unsigned *n, const char **error)
{
	struct pcapfile pf;
	size_t at = 0, have = 0, used;
	enum pcapfile_result r = PF_MORE;
	pcapfile_init(&pf);
	*n = 0;
	for (;;) {
		uint8_t *copy = malloc(have - at ? have - at : 1);
		memcpy(copy, file + at, have - at);
		r = pcapfile_next(&pf, copy, have - at, &used, &p[*n]);
		if (r == PF_PACKET) {
			memset(data[*n], 0, 8);
			memcpy(data[*n], p[*n].data, p[*n].caplen < 7 ? p[*n].caplen : 7);
			assert_true(++*n < max);
		}
		free(copy);
		if (r == PF_ERROR || (r == PF_MORE && have == len))
			break;
		if (r == PF_MORE)
			have++;
		else
			at += used;
	}
	*error = pf.error;
	pcapfile_release(&pf);
	return at == len ? PF_PACKET : r;
}

static void one_packet(uint16_t linktype, uint64_t time)
{
	struct packet p[4];
	char data[4][8];
	unsigned n;
	const char *error;
	assert_int_equal(read_all(p, data, 4, &n, &error), PF_PACKET);
	assert_int_equal(n, 1);
	assert_int_equal(p[0].linktype, linktype);
	assert_int_equal(p[0].time, time);
	assert_int_equal(p[0].caplen, 5);
	assert_int_equal(p[0].len, 1500);
	assert_string_equal(data[0], "hello");
}

static void test_pcap(void **state)
{
	(void)state;
	static const uint32_t magics[] = { 0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34 };
	for (int i = 0; i < 6; i++) {
		swap = i & 1;
		len = 0;
		put32(magics[i / 2]);
		put16(2);
		put16(4);
		put32(0);
		put32(0);
		put32(65535);
		put32(0xf0000000u | 113); /* the upper half is no link type */
		put32(SECONDS);
		put32(i / 2 == 1 ? 123456000 : 123456);
		put32(5);
		put32(1500);
		if (i / 2 == 2) {
			put32(1);
			put32(2);
		}
		put_data("hello");
		one_packet(113, NS);
	}
}

static void test_old_pcap(void **state)
{
	(void)state;
	static const struct {
		uint16_t minor;
		uint32_t first, second;
	} lengths[] = { { 2, 1500, 5 }, { 3, 1500, 5 }, { 3, 5, 1500 } };
	swap = false;
	for (int i = 0; i < 3; i++) {
		len = 0;
		put32(0xa1b2c3d4);
		put16(2);
		put16(lengths[i].minor);
		put32(0);
		put32(0);
		put32(65535);
		put32(113);
		put32(SECONDS);
		put32(123456);
		put32(lengths[i].first);
		put32(lengths[i].second);
		put_data("hello");
		one_packet(113, NS);
	}
}

static void section(void)
{
	put32(0x0a0d0d0a);
	put32(28);
	put32(0x1a2b3c4d);
	put16(1);
	put16(0);
	put32(UINT32_MAX);
	put32(UINT32_MAX);
	put32(28);
}

static void interface(uint16_t linktype, uint8_t resolution, uint32_t offset)
{
	put32(1);
	put32(44);
	put16(linktype);
	put16(0);
	put32(0);
	put16(9);
	put16(1);
	file[len] = resolution;
	memset(file + len + 1, 0, 3);
	len += 4;
	put16(14);
	put16(8);
	put32(swap ? 0 : offset); /* 64 bits in the section's order */
	put32(swap ? offset : 0);
	put16(0);
	put16(0);
	put32(44);
}

static void enhanced(uint32_t index, uint64_t stamp, const char *data)
{
	uint32_t n = (uint32_t)strlen(data), padded = (n + 3) & ~3u;
	put32(6);
	put32(32 + padded);
	put32(index);
	put32((uint32_t)(stamp >> 32));
	put32((uint32_t)stamp);
	put32(n);
	put32(1500);
	put_data(data);
	len += padded - n;
	put32(32 + padded);
}

static void test_pcapng(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct packet p[8];
		char data[8][8];
		unsigned n;
		const char *error;
		swap = i;
		len = 0;
		section();
		interface(1, 6, 0);           /* microseconds */
		interface(101, 9, 100);       /* nanoseconds, 100 s off */
		interface(113, 0x80 | 10, 0); /* 1/1024 s */
		enhanced(0, NS / 1000, "one");
		enhanced(1, NS - 100000000000ull, "two");
		enhanced(2, (uint64_t)SECONDS << 10 | 512, "three");
		put32(0xbad); /* a block of a kind that we do not know */
		put32(16);
		put32(0);
		put32(16);
		swap = !swap;
		section(); /* another section, in the other byte order, knows no interfaces of the first */
		interface(127, 6, 0);
		enhanced(0, NS / 1000, "four");
		assert_int_equal(read_all(p, data, 8, &n, &error), PF_PACKET);
		assert_int_equal(n, 4);
		assert_string_equal(data[2], "three");
		assert_int_equal(p[0].time, NS);
		assert_int_equal(p[1].time, NS);
		assert_int_equal(p[2].time, NS / 1000000000 * 1000000000 + 500000000);
		assert_int_equal(p[1].linktype, 101);
		assert_int_equal(p[2].linktype, 113);
		assert_int_equal(p[3].linktype, 127);
	}
}

/* A block without a packet is longer than what is read at a time: it is passed over, but not its end unseen. */
static void test_long_block(void **state)
{
	(void)state;
	enum { LENGTH = 3 << 20, PIECE = 1000 };
	struct pcapfile pf;
	struct packet p;
	static const uint8_t zeros[PIECE];
	size_t used, left = LENGTH - 12;
	swap = false;
	len = 0;
	section();
	pcapfile_init(&pf);
	assert_int_equal(pcapfile_next(&pf, file, len, &used, &p), PF_SKIP);
	len = 0;
	put32(10); /* secrets, for those who decrypt */
	put32(LENGTH);
	put32(0);
	assert_int_equal(pcapfile_next(&pf, file, len, &used, &p), PF_SKIP);
	assert_true(used <= len);
	for (left += len - used; left > PIECE; left -= used) {
		assert_int_equal(pcapfile_next(&pf, zeros, PIECE, &used, &p), PF_SKIP);
		assert_true(used > 0 && used < PIECE);
	}
	assert_int_equal(pcapfile_next(&pf, zeros, 4, &used, &p), PF_MORE);
	uint8_t end[PIECE] = { 0 };
	memcpy(end + left - 4, &(uint32_t){ LENGTH }, 4);
	assert_int_equal(pcapfile_next(&pf, end, left, &used, &p), PF_SKIP);
	assert_int_equal(used, left);
	len = 0;
	interface(1, 6, 0);
	assert_int_equal(pcapfile_next(&pf, file, len, &used, &p), PF_SKIP);
	pcapfile_release(&pf);
}

/* Times that no clock can have are none. */
static void test_absurd_times(void **state)
{
	(void)state;
	struct packet p[4];
	char data[4][8];
	unsigned n;
	const char *error;
	swap = false;
	len = 0;
	section();
	interface(1, 0, UINT32_MAX); /* whole seconds */
	memset(file + len - 12, 0x7f, 8); /* and a distance of as many as there can be */
	enhanced(0, INT64_MAX, "one");
	enhanced(0, UINT64_MAX, "two");
	assert_int_equal(read_all(p, data, 4, &n, &error), PF_PACKET);
	assert_int_equal(n, 2);
	assert_int_equal(p[0].time, 0);
	assert_int_equal(p[1].time, 0);
}

static void fails(const char *why)
{
	struct packet p[8];
	char data[8][8];
	unsigned n;
	const char *error;
	assert_int_equal(read_all(p, data, 8, &n, &error), PF_ERROR);
	assert_non_null(strstr(error, why));
}

static void test_corrupt(void **state)
{
	(void)state;
	swap = false;
	len = 0;
	put_data("#!/bin/sh");
	fails("neither pcap nor pcapng");
	len = 0;
	put_data("\x28\xb5\x2f\xfd????");
	fails("zstdcat");
	len = 0;
	put_data("\x1f\x8b??");
	fails("zcat");
	len = 0;
	section();
	enhanced(0, NS, "x");
	fails("not described");
	len = 0;
	section();
	interface(1, 6, 0);
	enhanced(0, NS, "x");
	file[len - 4]++;
	fails("two lengths");
	len = 0;
	section();
	put32(0xbad);
	put32(16);
	put32(0);
	put32(20);
	fails("two lengths");
	len = 0;
	section();
	put32(1);
	put32(13);
	put32(0);
	fails("makes no sense");
	len = 0;
	section();
	file[12] = 2;
	fails("major version");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_pcap), cmocka_unit_test(test_old_pcap), cmocka_unit_test(test_pcapng),
					    cmocka_unit_test(test_long_block), cmocka_unit_test(test_absurd_times),
					    cmocka_unit_test(test_corrupt) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec.h"
#include "stream.h"
#include "stream_file.h"

static void fill(struct stream *s, unsigned n, size_t len)
{
	char rec[4096];
	for (unsigned i = 0; i < n; i++) {
		memset(rec, (int)stream_head(s), sizeof rec);
		assert_int_equal(stream_append(s, rec, len, NULL), 0);
	}
}

/* However it is asked, there is the same room. */
static void expect_room(const struct stream *s)
{
	size_t room = stream_room(s);
	assert_false(stream_has_room(s, room));
	assert_false(stream_has_room(s, room + 1));
	if (room) {
		assert_true(stream_has_room(s, room - 1));
		assert_true(stream_has_room(s, 0));
	}
}

static void test_numbers(void **state)
{
	(void)state;
	struct stream *s = stream_new("x", 7, 1 << 20);
	uint64_t seq;
	assert_int_equal(stream_head(s), 1);
	assert_int_equal(stream_tail(s), 1);
	assert_int_equal(stream_append(s, "a", 1, &seq), 0);
	assert_int_equal(seq, 1);
	assert_int_equal(stream_head(s), 2);
	assert_int_equal(stream_epoch(s), 7);
	stream_free(s);
}

static void test_read_back(void **state)
{
	(void)state;
	struct stream *s = stream_new("x", 1, 64 << 20);
	fill(s, 3000, 1000);
	uint64_t at = 1;
	while (at < stream_head(s)) {
		const char *p;
		size_t len;
		uint32_t n = stream_read(s, at, 10000, &p, &len);
		assert_true(n > 0);
		assert_int_equal(len, n * 1000);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal((uint8_t)p[i * 1000], (uint8_t)(at + i));
		at += n;
	}
	const char *p;
	size_t len;
	assert_int_equal(stream_read(s, at, 10000, &p, &len), 0);
	assert_int_equal(stream_read(s, at + 5, 10000, &p, &len), 0);
	assert_int_equal(stream_read(s, 5, 10, &p, &len), 1); /* at least one, however small max is */
	stream_free(s);
}

/* Records of some types, told by their heads; others are not copied, and of what is not a record nothing is wanted. */
static void test_pick(void **state)
{
	(void)state;
	struct stream *s = stream_new("x", 1, 64 << 20);
	struct buf tick = { 0 }, arp = { 0 }, out = { 0 };
	const char *p;
	size_t len;
	codec_pack(&tick, R_TICK, &(struct r_tick){ 0 }, NULL);
	codec_pack(&arp, R_ARP, &(struct r_arp){ 0 }, NULL);
	stream_append(s, "a", 1, NULL);
	for (int i = 0; i < 10; i++)
		stream_append(s, i % 5 ? tick.p : arp.p, i % 5 ? tick.len : arp.len, NULL);
	assert_int_equal(stream_read(s, 1, 1 << 20, &p, &len), 11);
	assert_int_equal(stream_pick(s, 1, 11, 1ull << R_ARP, &out), 2);
	assert_int_equal(out.len, 2 * arp.len);
	assert_memory_equal(out.p, arp.p, arp.len);
	assert_int_equal(stream_pick(s, 3, 9, 1ull << R_ARP, &out), 1);
	assert_int_equal(stream_pick(s, 1, 11, 1ull << R_EOS, &out), 0);
	assert_int_equal(stream_pick(s, 1, 11, 1ull << R_ARP | 1ull << R_TICK, &out), 10);
	buf_release(&tick);
	buf_release(&arp);
	buf_release(&out);
	stream_free(s);
}

/* Chunks without a wanted type are passed without a look, and as far as the records go; their bytes are told. */
static void test_pass(void **state)
{
	(void)state;
	struct stream *s = stream_new("x", 1, 64 << 20);
	struct buf tick = { 0 }, arp = { 0 };
	size_t bytes = 0, n = (2 << 20) / 16; /* more than one chunk */
	codec_pack(&tick, R_TICK, &(struct r_tick){ 0 }, NULL);
	codec_pack(&arp, R_ARP, &(struct r_arp){ 0 }, NULL);
	assert_int_equal(stream_pass(s, 1, 1ull << R_ARP, &bytes), 1);
	for (size_t i = 0; i < n; i++)
		stream_append(s, tick.p, tick.len, NULL);
	assert_int_equal(stream_pass(s, 1, 1ull << R_TICK, &bytes), 1);
	assert_int_equal(bytes, 0);
	assert_int_equal(stream_pass(s, 3, 1ull << R_ARP, &bytes), n + 1);
	assert_int_equal(bytes, (n - 2) * tick.len);
	stream_append(s, arp.p, arp.len, NULL);
	bytes = 0;
	uint64_t at = stream_pass(s, 1, 1ull << R_ARP, &bytes);
	assert_in_range(at, 2, n + 1); /* the chunk that has it, or has begun before it */
	assert_int_equal(bytes, (at - 1) * tick.len);
	assert_int_equal(stream_pass(s, at, 1ull << R_ARP, &bytes), at);
	buf_release(&tick);
	buf_release(&arp);
	stream_free(s);
}

static void test_durable_holds(void **state)
{
	(void)state;
	struct stream *s = stream_new("x", 1, 4 << 20);
	char rec[4000] = { 0 };
	stream_add_durable(s, "keeper");
	expect_room(s);
	while (stream_append(s, rec, sizeof rec, NULL) == 0)
		expect_room(s);
	uint64_t full = stream_head(s);
	assert_int_equal(stream_tail(s), 1);
	assert_true(stream_bytes(s) <= stream_max(s));
	assert_true(stream_room(s) < sizeof rec);
	assert_false(stream_has_room(s, sizeof rec));
	expect_room(s);
	assert_int_equal(stream_append(s, rec, sizeof rec, NULL), -1);
	stream_set_durable(s, "somebody", full);
	assert_int_equal(stream_append(s, rec, sizeof rec, NULL), -1);
	stream_set_durable(s, "keeper", full / 2);
	stream_set_durable(s, "keeper", 3); /* never back */
	assert_true(stream_room(s) > (1 << 20));
	assert_true(stream_has_room(s, 1 << 20)); /* nothing is dropped yet, but it could be */
	expect_room(s);
	assert_int_equal(stream_append(s, rec, sizeof rec, NULL), 0);
	assert_true(stream_tail(s) > 1 && stream_tail(s) <= full / 2);
	stream_free(s);
}

static void test_without_durable_oldest_goes(void **state)
{
	(void)state;
	struct stream *s = stream_new("x", 1, 1 << 20);
	fill(s, 5000, 1000);
	expect_room(s);
	assert_true(stream_bytes(s) <= stream_max(s));
	assert_true(stream_tail(s) > 1);
	assert_int_equal(stream_head(s), 5001);
	stream_free(s);
}

static void test_too_large(void **state)
{
	(void)state;
	struct stream *s = stream_new("x", 1, 1000);
	static const char rec[2000];
	assert_int_equal(stream_append(s, rec, sizeof rec, NULL), -1);
	assert_int_equal(stream_append(s, rec, 500, NULL), 0);
	stream_free(s);
}

static void test_restart_and_skip(void **state)
{
	(void)state;
	struct stream *s = stream_new("x", 1, 1 << 20);
	stream_add_durable(s, "keeper");
	fill(s, 10, 100);
	stream_set_durable(s, "keeper", 8);
	stream_restart(s, 2, 1);
	assert_int_equal(stream_head(s), 1);
	assert_int_equal(stream_durable(s), 0);
	stream_skip(s, 41);
	assert_int_equal(stream_head(s), 42);
	assert_int_equal(stream_tail(s), 42);
	fill(s, 1, 10);
	assert_int_equal(stream_tail(s), 42);
	stream_free(s);
}

/* -- in a file -- */

static char path[64];

static struct stream *shared(const char *reason)
{
	struct buf why = { 0 };
	struct stream *s = stream_new_shared("packets/lan", path, 99, 4 << 20, &why);
	assert_non_null(s);
	if (reason)
		assert_non_null(strstr(buf_cstr(&why), reason));
	else
		assert_int_equal(why.len, 0);
	buf_release(&why);
	return s;
}

/* What a crash leaves: the mapping goes, nothing is said or done. */
static void crash(struct stream *s)
{
	stream_free(s);
}

static void expect(const struct stream *s, uint64_t from, uint64_t to)
{
	uint64_t at = from;
	assert_int_equal(stream_tail(s), from);
	assert_int_equal(stream_head(s), to);
	while (at < to) {
		const char *p;
		size_t len;
		uint32_t n = stream_read(s, at, 100000, &p, &len);
		assert_true(n > 0);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal((uint8_t)p[i * (len / n)], (uint8_t)(at + i));
		at += n;
	}
}

static void poke(long offset, const void *bytes, size_t n)
{
	int fd = open(path, O_RDWR);
	assert_int_equal(pwrite(fd, bytes, n, offset), n);
	close(fd);
}

static void test_survives(void **state)
{
	(void)state;
	struct stream *s = shared(NULL);
	assert_false(stream_resumed(s));
	stream_add_durable(s, "checks");
	strcpy(stream_area(s), "mine");
	fill(s, 2000, 1000);
	expect_room(s);
	stream_set_durable(s, "checks", 1500);
	stream_set_clock(s, 77);
	fill(s, 1000, 1000);
	expect_room(s);
	uint64_t tail = stream_tail(s);
	assert_true(tail > 1);
	crash(s);
	s = shared(NULL);
	assert_true(stream_resumed(s));
	stream_add_durable(s, "checks");
	assert_int_equal(stream_epoch(s), 99);
	assert_int_equal(stream_clock(s), 77);
	assert_int_equal(stream_durable(s), 1500);
	assert_string_equal(stream_area(s), "mine");
	expect(s, tail, 3001);
	expect_room(s);
	fill(s, 10, 1000);
	expect(s, tail, 3011);
	while (stream_append(s, path, sizeof path, NULL) == 0) /* full: what is not durable is kept */
		expect_room(s);
	assert_true(stream_tail(s) <= 1500);
	assert_true(stream_room(s) < sizeof path + 1000);
	assert_false(stream_has_room(s, sizeof path + 1000));
	crash(s);
	unlink(path);
}

/* Killed at any store: what is whole is there, what is not is gone, and numbers go on. */
static void test_half_written(void **state)
{
	(void)state;
	long slot = (long)((sizeof(struct stream_file_head) + 4095) & ~4095ul);
	struct stream *s = shared(NULL);
	fill(s, 5, 100);
	crash(s);
	poke(slot + (long)offsetof(struct stream_slot, data) + 500, "half a rec", 10);
	poke(slot + (long)offsetof(struct stream_slot, end) + 5 * 4, &(uint32_t){ 510 }, 4);
	s = shared(NULL);
	expect(s, 1, 6);
	fill(s, 1, 100);
	expect(s, 1, 7);
	crash(s);
	/* A slot taken for records to come. */
	poke(slot + STREAM_SLOT_BYTES, &(uint64_t){ 7 }, 8);
	poke(slot + STREAM_SLOT_BYTES + 12, &(uint32_t){ 1 }, 4);
	s = shared(NULL);
	expect(s, 1, 7);
	fill(s, 1, 100);
	expect(s, 1, 8);
	crash(s);
	unlink(path);
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		long offset;
		uint32_t value;
		const char *why;
	} damage[] = {
		{ offsetof(struct stream_file_head, magic), 5, "no ring" },
		{ offsetof(struct stream_file_head, version), 99, "another version" },
		{ offsetof(struct stream_file_head, name), 5, "another stream's" },
		{ offsetof(struct stream_file_head, first), 0, "header is damaged" },
		{ ((sizeof(struct stream_file_head) + 4095) & ~4095ul) + offsetof(struct stream_slot, n), 1u << 30, "damaged" },
		{ ((sizeof(struct stream_file_head) + 4095) & ~4095ul) + offsetof(struct stream_slot, end), 0, "damaged" },
		{ ((sizeof(struct stream_file_head) + 4095) & ~4095ul), 3, "missing in the middle" },
	};
	for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
		struct stream *s = shared(NULL);
		fill(s, 5, 100);
		crash(s);
		poke(damage[i].offset, &damage[i].value, 4);
		s = shared(damage[i].why);
		assert_false(stream_resumed(s));
		assert_int_equal(stream_head(s), 1);
		crash(s);
		unlink(path);
	}
	struct stream *s = shared(NULL);
	crash(s);
	assert_int_equal(truncate(path, 5000), 0);
	crash(shared("another size"));
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	crash(shared("symbolic link"));
	unlink(path);
	if (geteuid() == 0) {
		crash(shared(NULL));
		assert_int_equal(chown(path, 1, 1), 0);
		crash(shared("somebody else"));
		unlink(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_read_back), cmocka_unit_test(test_pick),
		cmocka_unit_test(test_pass),
		cmocka_unit_test(test_durable_holds),
		cmocka_unit_test(test_survives),
		cmocka_unit_test(test_half_written),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_without_durable_oldest_goes),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_restart_and_skip),
	};
	snprintf(path, sizeof path, "/tmp/test_stream-%d", (int)getpid());
	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}

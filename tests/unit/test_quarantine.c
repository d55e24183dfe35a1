#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alertd/quarantine.h"
#include "headpkt.h"
#include "id.h"
#include "loop.h"

#define QUARANTINE_BYTES (16u << 20)

static char dir[64];
static const struct retention keep = { .age = 3600000000000ull, .bytes = QUARANTINE_BYTES };

/* One packet of n bytes of a flow that began at this second. */
static void put(uint64_t second, uint32_t n)
{
	struct headpkt h = { .time = second * 1000000000u + 5, .caplen = n, .len = n + 4 };
	struct r_quarantine q = { .key = { .id = id_make(second * 1000000000u, 1, "x", 1) } };
	char *data = calloc(1, sizeof h + n);
	memcpy(data, &h, sizeof h);
	memset(data + sizeof h, 0x45, n);
	q.packets.data = (struct str){ 0, (uint32_t)(sizeof h + n) };
	quarantine_put(dir, &keep, wall_ns(), &q, data);
	free(data);
}

static unsigned files(uint64_t *bytes)
{
	unsigned n = 0;
	DIR *d = opendir(dir);
	*bytes = 0;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		char name[400];
		struct stat st;
		snprintf(name, sizeof name, "%s/%s", dir, e->d_name);
		if (e->d_name[0] == '.' || stat(name, &st) < 0)
			continue;
		*bytes += (uint64_t)st.st_size;
		n++;
	}
	closedir(d);
	return n;
}

static void empty(void)
{
	char cmd[100];
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	assert_int_equal(system(cmd), 0);
}

static void test_file(void **state)
{
	static const uint8_t head[] = { 0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, [20] = 101 };
	uint8_t got[64];
	uint64_t bytes;
	char name[128], id[ID_STRLEN];
	(void)state;
	put(1000, 20);
	put(1000, 20); /* delivered again */
	assert_int_equal(files(&bytes), 1);
	assert_int_equal(bytes, 24 + 16 + 20);
	snprintf(name, sizeof name, "%s/%s.pcap", dir, id_str(id_make(1000 * 1000000000ull, 1, "x", 1), id));
	FILE *f = fopen(name, "rb");
	assert_non_null(f);
	assert_int_equal(fread(got, 1, sizeof got, f), 60);
	fclose(f);
	assert_memory_equal(got, head, 8);
	assert_int_equal(got[20], 101);
	assert_int_equal(got[28], 5); /* nanoseconds */
	assert_int_equal(got[36], 24); /* length on the wire */
	empty();
}

static void test_bound(void **state)
{
	uint64_t bytes;
	(void)state;
	for (uint64_t i = 0; i < 20; i++)
		put(1000 + i, 2u << 20);
	assert_int_equal(files(&bytes), 7);
	assert_true(bytes <= QUARANTINE_BYTES);
	empty();
	put(1, QUARANTINE_BYTES + 1); /* the newest is kept whatever its size */
	assert_int_equal(files(&bytes), 1);
	empty();
}

static void test_age(void **state)
{
	uint64_t bytes, now = wall_ns();
	(void)state;
	put(1, 100);
	put(2, 100);
	assert_int_equal(quarantine_prune(dir, &keep, now), 0);
	assert_int_equal(quarantine_size(dir, &bytes), 2);
	assert_int_equal(bytes, 2 * (24 + 16 + 100));
	assert_int_equal(quarantine_prune(dir, &keep, now + keep.age + 60000000000ull), 2);
	assert_int_equal(files(&bytes), 0);
	empty();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_file), cmocka_unit_test(test_bound), cmocka_unit_test(test_age) };
	snprintf(dir, sizeof dir, "/tmp/test_quarantine.%d", (int)getpid());
	return cmocka_run_group_tests_name("quarantine", tests, NULL, NULL);
}

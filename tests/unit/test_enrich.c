/* Vendors, places and pools: what is known beside the packets, and that nothing is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checks/locate.h"
#include "checks/pools.h"
#include "checks/vendor.h"
#include "scratch.h"

static char dir[SCRATCH];

static void put_file(const char *name, const void *p, size_t len)
{
	char path[100];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, len, f), len);
	fclose(f);
}

static const char *vendor(const struct vendors *v, const char *text)
{
	struct mac m;
	assert_int_equal(mac_parse(text, strlen(text), &m), 0);
	return vendors_find(v, &m);
}

static void test_vendors(void **state)
{
	(void)state;
	static const char head[] = "Registry,Assignment,Organization Name,Organization Address\n";
	char text[400];
	int n = snprintf(text, sizeof text, "%sMA-L,001122,\"Large, Inc.\",Here\r\nMA-L,70B3D5,Registry,\nMA-L,zz,Bad,\nMA-L\n", head);
	put_file("oui.csv", text, (size_t)n);
	n = snprintf(text, sizeof text, "%sMA-M,0055DA1,Medium,There\n", head);
	put_file("mam.csv", text, (size_t)n);
	n = snprintf(text, sizeof text, "%sMA-S,70B3D5F12,Small,There\n", head);
	put_file("oui36.csv", text, (size_t)n);
	struct vendors *v = vendors_new(dir), *none = vendors_new("none");
	assert_int_equal(vendors_count(v), 4);
	assert_string_equal(vendor(v, "00:11:22:33:44:55"), "Large, Inc.");
	assert_string_equal(vendor(v, "00:55:da:1f:00:00"), "Medium");
	assert_string_equal(vendor(v, "00:55:da:2f:00:00"), "");
	assert_string_equal(vendor(v, "70:b3:d5:f1:2a:bc"), "Small");
	assert_string_equal(vendor(v, "70:b3:d5:f1:3a:bc"), "Registry");
	assert_string_equal(vendor(v, "02:11:22:33:44:55"), "");
	assert_string_equal(vendor(none, "00:11:22:33:44:55"), "");
	assert_string_equal(vendors_find(v, &(struct mac){ { 0 } }), "");
	vendors_free(v);
	vendors_free(none);
	v = vendors_new("/nowhere");
	assert_int_equal(vendors_count(v), 0);
	vendors_free(v);
}

static struct addr ip(const char *text)
{
	struct addr a;
	assert_int_equal(addr_parse(text, strlen(text), &a), 0);
	return a;
}

/*
 * The smallest file of MaxMind's format: a tree of one node of 24-bit records (::/1 leads to the data, 8000::/1 to nothing),
 * 16 bytes of zero, the data {"country_code": "NZ", "asn": "AS64500", "as_name": "Example"}, and the metadata.
 */
static void test_mmdb(void **state)
{
	(void)state;
	static const char file[] = "\x00\x00\x11\x00\x00\x01" "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		"\xe3\x4c" "country_code\x42NZ\x43" "asn\x47" "AS64500\x47" "as_name\x47" "Example"
		"\xab\xcd\xefMaxMind.com"
		"\xe9\x5b" "binary_format_major_version\xa1\x02\x5b" "binary_format_minor_version\xa0"
		"\x4b" "build_epoch\x01\x02\x07\x4d" "database_type\x41x\x4b" "description\xe0"
		"\x4a" "ip_version\xa1\x06\x49" "languages\x00\x04\x4a" "node_count\xc1\x01\x4b" "record_size\xa1\x18";
	char path[100], *list[] = { path, NULL };
	struct location where;
	snprintf(path, sizeof path, "%s/own.mmdb", dir);
	put_file("own.mmdb", file, sizeof file - 1);
	struct locator *l = locator_new("none", list);
	struct addr there = ip("2001:db8::1"), nowhere = ip("a001::1"), here = ip("192.168.1.1");
	assert_true(locator_find(l, &there, &where));
	assert_string_equal(where.country, "NZ");
	assert_int_equal(where.asn, 64500);
	assert_string_equal(where.as_name, "Example");
	assert_false(locator_find(l, &nowhere, &where));
	assert_false(locator_find(l, &here, &where));
	/* Found again, not made again. */
	assert_true(locator_find(l, &there, &where) && strcmp(where.as_name, "Example") == 0);
	locator_free(l);
	put_file("own.mmdb", "rubbish", 7);
	l = locator_new("/nowhere", list);
	assert_false(locator_find(l, &there, &where));
	locator_free(l);
}

/* Debian's database, where it is installed. */
static void test_libloc(void **state)
{
	(void)state;
	static const char path[] = "/var/lib/location/database.db";
	struct location where;
	if (access(path, R_OK) < 0)
		skip();
	struct locator *l = locator_new(path, NULL);
	struct addr quad8 = ip("8.8.8.8"), quad8_6 = ip("2001:4860:4860::8888");
	assert_true(locator_find(l, &quad8, &where));
	assert_string_equal(where.country, "US");
	assert_int_equal(where.asn, 15169);
	assert_true(*where.as_name);
	assert_true(locator_find(l, &quad8_6, &where));
	assert_int_equal(where.asn, 15169);
	assert_true(locator_version(l) != 0);
	locator_free(l);
}

static void test_pools(void **state)
{
	(void)state;
	static const char text[] = "sensors: {lan: {stdin: yes}}\nnetworks: {local: [10.0.0.0/8, 10.1.0.0/16]}\n"
				   "pools:\n  all: {networks: 10.0.0.0/8}\n  lab: {networks: [10.1.0.0/16, 'fd00::/8']}\n"
				   "  phones: {macs: ['00:11:22:33:44:55']}\n";
	struct buf err = { 0 };
	struct topo *t = topo_parse("test", text, strlen(text), &err);
	struct mac phone, other = { { 0, 1, 2, 3, 4, 5 } };
	if (!t)
		fail_msg("%s", buf_cstr(&err));
	assert_int_equal(mac_parse("00:11:22:33:44:55", 17, &phone), 0);
	struct addr lab = ip("10.1.2.3"), rest = ip("10.2.0.1"), six = ip("fd00::7"), far = ip("8.8.8.8");
	assert_string_equal(pools_find(t, &lab, &other), "lab");
	assert_string_equal(pools_find(t, &rest, NULL), "all");
	assert_string_equal(pools_find(t, &six, NULL), "lab");
	assert_string_equal(pools_find(t, &far, NULL), "");
	assert_string_equal(pools_find(t, &lab, &phone), "phones");
	assert_int_equal(pools_network(t, &lab)->bits, 112);
	assert_null(pools_network(t, &far));
	topo_free(t);
}

static int make_dir(void **state)
{
	(void)state;
	return scratch(dir, "enrich") ? 0 : -1;
}

static int remove_dir(void **state)
{
	static const char *const files[] = { "oui.csv", "mam.csv", "oui36.csv", "own.mmdb" };
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char path[100];
		snprintf(path, sizeof path, "%s/%s", dir, files[i]);
		unlink(path);
	}
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_vendors), cmocka_unit_test(test_mmdb), cmocka_unit_test(test_libloc),
					    cmocka_unit_test(test_pools) };
	return cmocka_run_group_tests_name("enrich", tests, make_dir, remove_dir);
}

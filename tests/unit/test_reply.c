#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <zlib.h>

#include "apid/accept.h"
#include "apid/reply.h"

static struct buf body_of(size_t n)
{
	struct buf b = { 0 };
	for (size_t i = 0; i < n; i++)
		buf_addc(&b, (char)('a' + i % 7));
	return b;
}

static void test_gzip(void **state)
{
	(void)state;
	static const struct {
		const char *accept;
		size_t len;
		bool gzip;
	} rows[] = { { NULL, 5000, false },	    { "gzip", 5000, true },	   { "deflate, gzip;q=0.5", 5000, true },
		     { "gzip;q=0", 5000, false },   { "gzip; q=0.0", 5000, false }, { "br", 5000, false },
		     { "gzip", REPLY_GZIP_MIN - 1, false }, { "gzip", REPLY_GZIP_MAX + 1, false } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf b = body_of(rows[i].len), plain = body_of(rows[i].len);
		struct reply r;
		reply_make(&r, rows[i].accept, NULL, &b);
		assert_int_equal(r.status, 200);
		assert_int_equal(r.gzip, rows[i].gzip);
		if (r.gzip) {
			unsigned char out[8192];
			z_stream z = { .next_in = (unsigned char *)b.p, .avail_in = (unsigned)b.len, .next_out = out,
				       .avail_out = sizeof out };
			assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
			assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
			assert_int_equal(z.total_out, plain.len);
			assert_memory_equal(out, plain.p, plain.len);
			inflateEnd(&z);
		} else {
			assert_int_equal(b.len, plain.len);
		}
		buf_release(&b);
		buf_release(&plain);
	}
}

static void test_etag(void **state)
{
	(void)state;
	struct buf a = body_of(2000), b = body_of(2000), c = body_of(2001), d = body_of(2000);
	struct reply first, again, other, zipped;
	reply_make(&first, NULL, NULL, &a);
	reply_make(&again, NULL, first.etag, &b);
	assert_int_equal(again.status, 304);
	assert_int_equal(b.len, 0);
	reply_make(&other, NULL, first.etag, &c);
	assert_int_equal(other.status, 200);
	assert_string_not_equal(other.etag, first.etag);
	reply_make(&zipped, "gzip", first.etag, &d); /* another representation */
	assert_int_equal(zipped.status, 200);
	assert_string_not_equal(zipped.etag, first.etag);
	buf_release(&a);
	buf_release(&b);
	buf_release(&c);
	buf_release(&d);
}

static void test_q(void **state)
{
	(void)state;
	static const struct {
		const char *accept, *name;
		double q;
	} rows[] = { { NULL, "gzip", 0 },
		     { "", "gzip", 0 },
		     { "gzip", "gzip", 1 },
		     { "GZIP ; Q=0.5", "gzip", 0.5 },
		     { "x-gzip, gzipped", "gzip", 0 },
		     { "*", "gzip", 0 },
		     { "a/b;q=0", "a/b", 0 },
		     { "a/b;version=1;q=0.25, c/d", "a/b", 0.25 },
		     { "a/b;q=0.1,a/b;q=0.7 , a/b;q=0.3", "a/b", 0.7 },
		     { ",,a/b,", "a/b", 1 } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (accept_q(rows[i].accept, rows[i].name) != rows[i].q)
			fail_msg("%s in %s: %f", rows[i].name, rows[i].accept, accept_q(rows[i].accept, rows[i].name));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_gzip), cmocka_unit_test(test_q), cmocka_unit_test(test_etag) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "notify/recipient.h"
#include "notify/secret.h"
#include "scratch.h"

#define SEC 1000000000ull

static struct sink_ops no_ops;
static struct sink no_sink = { &no_ops };

static struct topo_recipient conf(void)
{
	return (struct topo_recipient){ .name = (char *)"oncall", .type = RCP_EXEC, .max_attempts = 3, .concurrency = 2,
					.retry_min = SEC, .retry_max = 60 * SEC };
}

static void test_wants(void **state)
{
	(void)state;
	static char *on[] = { (char *)"engage", (char *)"update", NULL };
	struct buf err = { 0 };
	struct topo_recipient c = conf();
	struct recipient r;
	struct r_alert a = { 0 };
	c.match = (char *)"severity >= error";
	assert_int_equal(recipient_init(&r, &c, &err), 0);
	a.alert.severity = SEV_ERROR;
	a.alert.action = ACT_STORE;
	assert_true(recipient_wants(&r, &a, ""));
	a.alert.action = ACT_UPDATE;
	assert_false(recipient_wants(&r, &a, "")); /* not by default */
	a.alert.action = ACT_RELEASE;
	assert_true(recipient_wants(&r, &a, ""));
	a.alert.severity = SEV_WARNING;
	assert_false(recipient_wants(&r, &a, ""));
	recipient_release(&r);

	c.match = NULL;
	c.on = on;
	assert_int_equal(recipient_init(&r, &c, &err), 0);
	assert_false(recipient_wants(&r, &a, ""));
	a.alert.action = ACT_UPDATE;
	assert_true(recipient_wants(&r, &a, ""));
	recipient_release(&r);

	c.match = (char *)"severty = error";
	assert_int_equal(recipient_init(&r, &c, &err), -1);
	assert_non_null(strstr(buf_cstr(&err), "oncall"));
	recipient_release(&r);
	buf_release(&err);
}

static enum dstate outcome(struct recipient *r, uint32_t n, struct sink_result res, uint64_t now, struct queue_outcome *o)
{
	static char text[64];
	recipient_outcome(r, (struct id){ 1, 1 }, n, &res, now, o, text, sizeof text);
	return o->state;
}

static void test_outcome(void **state)
{
	(void)state;
	struct buf err = { 0 };
	struct topo_recipient c = conf();
	struct recipient r;
	struct queue_outcome o;
	assert_int_equal(recipient_init(&r, &c, &err), 0);
	r.sink = &no_sink;
	assert_int_equal(outcome(&r, 1, (struct sink_result){ .verdict = SINK_SENT }, SEC, &o), DLV_SENT);
	assert_null(o.error);
	assert_int_equal(outcome(&r, 1, (struct sink_result){ .verdict = SINK_DEAD, .text = "no" }, SEC, &o), DLV_DEAD);
	assert_int_equal(outcome(&r, 2, (struct sink_result){ .verdict = SINK_RETRY, .maybe_arrived = true }, SEC, &o), DLV_RETRY);
	assert_true(o.maybe_duplicate);
	assert_true(o.next > SEC + SEC && o.next < 5 * SEC);
	assert_int_equal(outcome(&r, 1, (struct sink_result){ .verdict = SINK_RETRY, .retry_after = 40 * SEC }, SEC, &o),
			 DLV_RETRY);
	assert_int_equal(o.next, 41 * SEC);
	assert_int_equal(outcome(&r, 3, (struct sink_result){ .verdict = SINK_RETRY, .text = "down" }, SEC, &o), DLV_DEAD);
	assert_string_equal(o.error, "given up after 3 attempts: down");
	r.sink = NULL;
	recipient_release(&r);
	buf_release(&err);
}

static void test_breaker(void **state)
{
	(void)state;
	struct buf err = { 0 };
	struct topo_recipient c = conf();
	struct recipient r;
	struct queue_outcome o;
	const struct sink_result down = { .verdict = SINK_RETRY }, up = { .verdict = SINK_SENT };
	assert_int_equal(recipient_init(&r, &c, &err), 0);
	assert_int_equal(recipient_slots(&r, 0), 0); /* no sink */
	r.sink = &no_sink;
	assert_int_equal(recipient_slots(&r, 0), 2);
	r.in_flight = 1;
	assert_int_equal(recipient_slots(&r, 0), 1);
	r.in_flight = 0;
	outcome(&r, 1, down, SEC, &o);
	outcome(&r, 1, down, SEC, &o);
	assert_int_equal(recipient_slots(&r, SEC), 2); /* two failures are no outage */
	outcome(&r, 1, down, SEC, &o);
	assert_int_equal(recipient_slots(&r, SEC), 0);
	assert_int_equal(recipient_slots(&r, 3 * SEC), 1); /* one probe */
	r.in_flight = 1;
	assert_int_equal(recipient_slots(&r, 3 * SEC), 0);
	uint64_t hold = r.hold_until;
	outcome(&r, 1, down, 3 * SEC, &o);
	assert_true(r.hold_until - 3 * SEC > hold - SEC); /* farther apart each time */
	outcome(&r, 1, up, 9 * SEC, &o);
	assert_int_equal(recipient_slots(&r, 9 * SEC), 1);
	r.in_flight = 0;
	outcome(&r, 1, (struct sink_result){ .verdict = SINK_RETRY, .retry_after = 30 * SEC }, 10 * SEC, &o);
	assert_int_equal(recipient_slots(&r, 39 * SEC), 0); /* it asked to be left alone */
	assert_int_equal(recipient_slots(&r, 41 * SEC), 2);
	r.sink = NULL;
	recipient_release(&r);
	buf_release(&err);
}

static void write_secret(const char *path, const char *text, mode_t mode)
{
	FILE *fp = fopen(path, "w");
	assert_non_null(fp);
	fputs(text, fp);
	fclose(fp);
	assert_int_equal(chmod(path, mode), 0);
}

static void test_secret(void **state)
{
	(void)state;
	char path[] = "/tmp/secret-test-XXXXXX", text[128];
	struct buf out = { 0 }, err = { 0 };
	close(mkstemp(path));
	write_secret(path, "s3cret\n", 0600);
	snprintf(text, sizeof text, "a ${file:%s} b", path);
	assert_int_equal(secret_expand(text, &out, &err), 0);
	assert_string_equal(buf_cstr(&out), "a s3cret b");
	buf_reset(&out);
	assert_int_equal(secret_expand("plain", &out, &err), 0);
	assert_string_equal(buf_cstr(&out), "plain");

	write_secret(path, "s3cret\n", 0644);
	assert_int_equal(secret_expand(text, &out, &err), -1);
	assert_non_null(strstr(buf_cstr(&err), "everybody"));
	assert_null(strstr(err.p, "s3cret"));
	write_secret(path, "two\nlines\n", 0600);
	assert_int_equal(secret_expand(text, &out, &err), -1);
	unlink(path);
	assert_int_equal(secret_expand(text, &out, &err), -1);

	char dir[SCRATCH], cred[64];
	assert_non_null(scratch(dir, "secret-dir"));
	snprintf(cred, sizeof cred, "%s/token", dir);
	write_secret(cred, "from systemd", 0400);
	unsetenv("CREDENTIALS_DIRECTORY");
	buf_reset(&out);
	assert_int_equal(secret_expand("${cred:token}", &out, &err), -1);
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	assert_int_equal(secret_expand("${cred:token}", &out, &err), 0);
	assert_string_equal(buf_cstr(&out), "from systemd");
	assert_int_equal(secret_expand("${cred:../token}", &out, &err), -1);
	assert_int_equal(secret_expand("${env:HOME}", &out, &err), -1);
	assert_int_equal(secret_expand("${file:/x", &out, &err), -1);
	unlink(cred);
	rmdir(dir);
	buf_release(&out);
	buf_release(&err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wants),
		cmocka_unit_test(test_outcome),
		cmocka_unit_test(test_breaker),
		cmocka_unit_test(test_secret),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

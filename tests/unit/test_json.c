#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "codec.h"
#include "json.h"

static const char *quote(struct buf *b, const char *s, size_t n)
{
	buf_reset(b);
	json_quote(b, s, n);
	return buf_cstr(b);
}

static void test_strings(void **state)
{
	(void)state;
	struct buf b = { 0 };
	assert_string_equal(quote(&b, "a\"b\\c", 5), "\"a\\\"b\\\\c\"");
	assert_string_equal(quote(&b, "\n\t\x1b", 3), "\"\\n\\t\\u001b\"");
	assert_string_equal(quote(&b, "\xc3\xa4\xff", 3), "\"\xc3\xa4\xef\xbf\xbd\"");
	assert_string_equal(quote(&b, "\xe2\x80\xae", 3), "\"\\u202e\""); /* right-to-left override */
	assert_string_equal(quote(&b, "\xe2\x80\xa8", 3), "\"\\u2028\"");
	assert_string_equal(quote(&b, "\xe2\x81\xa6", 3), "\"\\u2066\"");
	assert_string_equal(quote(&b, "\xe2\x82\xac", 3), "\"\xe2\x82\xac\"");
	assert_string_equal(quote(&b, "a\0b", 3), "\"a\\u0000b\"");
	buf_release(&b);
}

static void test_flow(void **state)
{
	(void)state;
	struct buf a = { 0 }, out = { 0 };
	struct r_flow f = { 0 };
	f.key.first = 1731000412123456789;
	addr_parse("192.0.2.1", 9, &f.key.client);
	f.key.client_port = 51514;
	f.key.proto = 6;
	f.n.rtt_client = 1500000;
	f.n.client_flags = 0x12;
	f.app.app = str_put(&a, "Google", 6, 99);
	f.app.master = str_put(&a, "TLS", 3, 99);
	f.app.risks = str_put_raw(&a, "one\ntwo", 7);
	json_record(&out, R_FLOW, &f, a.p, JSON_TYPE, NULL);
	json_error_t err;
	json_t *j = json_loads(buf_cstr(&out), JSON_REJECT_DUPLICATES, &err);
	assert_non_null(j);
	assert_string_equal(json_string_value(json_object_get(j, "type")), "flow");
	assert_string_equal(json_string_value(json_object_get(j, "first")), "2024-11-07T17:26:52.123456Z");
	json_t *client = json_object_get(j, "client");
	assert_string_equal(json_string_value(json_object_get(client, "ip")), "192.0.2.1");
	assert_int_equal(json_integer_value(json_object_get(client, "port")), 51514);
	assert_string_equal(json_string_value(json_object_get(client, "tcp_flags")), "SA");
	assert_null(json_object_get(json_object_get(j, "server"), "ip")); /* absent */
	json_t *app = json_object_get(j, "app");
	assert_string_equal(json_string_value(json_object_get(app, "name")), "Google");
	assert_string_equal(json_string_value(json_object_get(app, "master")), "TLS");
	assert_int_equal(json_array_size(json_object_get(json_object_get(j, "risk"), "names")), 2);
	assert_true(json_real_value(json_object_get(json_object_get(j, "tcp"), "rtt_client")) == 0.0015);
	assert_null(json_object_get(j, "tls")); /* objects without content are left out */
	json_decref(j);

	static const char *const fields[] = { "app", "client.ip", NULL };
	buf_reset(&out);
	json_record(&out, R_FLOW, &f, a.p, 0, fields);
	assert_string_equal(buf_cstr(&out), "{\"client\":{\"ip\":\"192.0.2.1\"},\"app\":{\"name\":\"Google\"}}");
	buf_reset(&out);
	json_record(&out, R_FLOW, &f, a.p, JSON_FLAT, fields);
	assert_string_equal(buf_cstr(&out), "{\"client.ip\":\"192.0.2.1\",\"app\":\"Google\"}");
	buf_release(&a);
	buf_release(&out);
}

static void test_alert_objects(void **state)
{
	(void)state;
	struct buf a = { 0 }, out = { 0 };
	struct r_alert r = { 0 };
	r.alert.score = 100;
	r.alert.values = str_put_raw(&a, "value=12\nthreshold=1.5\nname=x=y\nodd=01", 38);
	json_record(&out, R_ALERT, &r, a.p, 0, NULL);
	json_t *j = json_loads(buf_cstr(&out), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	assert_null(json_object_get(j, "flow"));
	assert_null(json_object_get(j, "host"));
	json_t *v = json_object_get(j, "values");
	assert_int_equal(json_integer_value(json_object_get(v, "value")), 12);
	assert_true(json_real_value(json_object_get(v, "threshold")) == 1.5);
	assert_string_equal(json_string_value(json_object_get(v, "name")), "x=y");
	assert_string_equal(json_string_value(json_object_get(v, "odd")), "01");
	json_decref(j);
	r.flow.id = (struct id){ 1, 2 };
	r.flow_judge.score = 7;
	buf_reset(&out);
	json_record(&out, R_ALERT, &r, a.p, 0, NULL);
	j = json_loads(buf_cstr(&out), JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	assert_int_equal(json_integer_value(json_object_get(j, "score")), 100);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "flow"), "score")), 7);
	json_decref(j);
	buf_release(&a);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_flow),
		cmocka_unit_test(test_alert_objects),
	};
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}

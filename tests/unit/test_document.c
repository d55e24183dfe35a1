#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "notify/document.h"
#include "topo.h"

/* The documents are compared with tests/golden/document-*.json; ACCEPT=1 writes those anew. */

static struct str put(struct buf *b, const char *s)
{
	return str_put_raw(b, s, strlen(s));
}

static void parse(struct addr *a, const char *s)
{
	assert_int_equal(addr_parse(s, strlen(s), a), 0);
}

static const struct topo *topology(void)
{
	static struct cidr local[2];
	static struct topo_sensor sensors[2] = { { .name = (char *)"lan" }, { .name = (char *)"dmz" } };
	static struct topo t = { .sensors = sensors, .n_sensors = 2, .local = local, .n_local = 2 };
	cidr_parse("10.0.0.0/8", 10, &local[0]);
	cidr_parse("192.168.0.0/16", 14, &local[1]);
	return &t;
}

static void make_flow(struct r_alert *a, struct buf *s)
{
	memset(a, 0, sizeof *a);
	a->alert.id = (struct id){ 0x0193066f21a01234, 0x56789abcdef01234 };
	a->alert.revision = 2;
	a->alert.action = ACT_STORE;
	a->alert.entity = ENT_FLOW;
	a->alert.entity_val = put(s, "flow");
	a->alert.check = put(s, "ndpi_url_possible_sql_injection");
	a->alert.title = put(s, "SQL injection");
	a->alert.category = CAT_SECURITY;
	a->alert.severity = SEV_ERROR;
	a->alert.score = 260;
	a->alert.client_score = 235;
	a->alert.server_score = 25;
	a->alert.time = 1731000412500000000;
	a->alert.decided = 1731000413700000000;
	parse(&a->alert.attacker, "198.51.100.23");
	parse(&a->alert.victim, "192.168.77.10");
	a->alert.sensor = put(s, "dmz");
	a->alert.message = put(s, "the URL holds SQL");
	a->alert.values = put(s, "value=411\nthreshold=0.5\ntext=a \"b\"\nproto=hidden");
	a->alert.type_id = 40;
	a->alert.risk_id = 2;
	a->alert.attention = 1;
	a->alert.others = put(s, "ndpi_numeric_ip_host\nmade_up_lua_check");
	a->flow.id = (struct id){ 0x0193066f21a0aaaa, 0x1122334455667788 };
	a->flow.first = 1731000412500000000;
	parse(&a->flow.client, "198.51.100.23");
	parse(&a->flow.server, "192.168.77.10");
	a->flow.client_port = 51514;
	a->flow.server_port = 80;
	a->flow.proto = 6;
	a->flow.ip_version = 4;
	a->flow.vlan = 20;
	a->flow.sensor = put(s, "dmz");
	a->flow_n.client_bytes = 1834;
	a->flow_n.client_packets = 9;
	a->flow_n.server_bytes = 5120;
	a->flow_n.server_packets = 8;
	a->flow_n.server_ooo = 3;
	a->flow_app.n = 1;
	a->flow_app.state = VERDICT_DPI;
	a->flow_app.app = put(s, "HTTP");
	a->flow_app.master = put(s, "HTTP");
	a->flow_app.app_id = 7;
	a->flow_app.category_id = 5;
	a->flow_app.risk_bits = 4100;
	a->flow_app.risk_details = put(s, "ndpi_url_possible_sql_injection: id=1' or 1=1");
	a->flow_app.http_method = put(s, "GET");
	a->flow_app.http_url = put(s, "192.168.77.10/item?id=1%27%20or%201=1");
	a->flow_app.http_status = 200;
	a->flow_judge.server_local = 1;
	a->flow_judge.server_name = put(s, "shop.example");
}

static void make_host(struct r_alert *a, struct buf *s)
{
	memset(a, 0, sizeof *a);
	a->alert.id = (struct id){ 0x0193066f21a01234, 0x56789abcdef01235 };
	a->alert.revision = 2;
	a->alert.action = ACT_RELEASE;
	a->alert.entity = ENT_HOST;
	a->alert.entity_val = put(s, "192.168.77.44@20");
	a->alert.check = put(s, "syn_scan");
	a->alert.category = CAT_NETWORK;
	a->alert.severity = SEV_WARNING;
	a->alert.score = a->alert.client_score = 50;
	a->alert.time = 1731000720000000000;
	a->alert.end = 1731000840000000000;
	a->alert.decided = a->alert.end;
	parse(&a->alert.attacker, "192.168.77.44");
	a->alert.granularity = 60;
	a->alert.values = put(s, "value=411\nthreshold=256");
	a->alert.type_id = 5;
	parse(&a->host.ip, "192.168.77.44");
	a->host.vlan = 20;
	a->host.name = put(s, "lab-44");
	a->host.local = 1;
	mac_parse("02:00:00:00:00:01", 17, &a->host.mac);
}

static void make_other(struct r_alert *a, struct buf *s)
{
	memset(a, 0, sizeof *a);
	a->alert.id = (struct id){ 0x0193066f21a01234, 0x56789abcdef01236 };
	a->alert.revision = 1;
	a->alert.action = ACT_ENGAGE;
	a->alert.entity = ENT_INTERFACE;
	a->alert.entity_val = put(s, "lan");
	a->alert.sensor = put(s, "lan");
	a->alert.check = put(s, "sensor_blind");
	a->alert.category = CAT_INTERNALS;
	a->alert.severity = SEV_ERROR;
	a->alert.score = 100;
	a->alert.time = 1731000720000000000;
	a->alert.type_id = 4000;
	a->alert.values = put(s, "packets=12");
}

static char *write_document(void (*make)(struct r_alert *a, struct buf *s))
{
	struct buf strs = { 0 }, out = { 0 };
	struct r_alert a;
	struct document_delivery d = { { 0x0193066f21a00000, 1 }, "oncall", 2, true };
	make(&a, &strs);
	document_write(&out, &a, strs.p, topology(), &d);
	buf_release(&strs);
	buf_cstr(&out);
	return out.p;
}

static json_t *load(const char *text)
{
	json_error_t e;
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, &e);
	if (!j)
		fail_msg("%s at %d of %s", e.text, e.position, text);
	return j;
}

static void compare(const char *name, void (*make)(struct r_alert *a, struct buf *s))
{
	char path[128], *text = write_document(make);
	json_error_t e;
	json_t *got = load(text), *want;
	snprintf(path, sizeof path, "tests/golden/document-%s.json", name);
	if (getenv("ACCEPT"))
		assert_int_equal(json_dump_file(got, path, JSON_INDENT(1)), 0);
	want = json_load_file(path, JSON_REJECT_DUPLICATES, &e);
	if (!want)
		fail_msg("%s: %s", path, e.text);
	if (!json_equal(got, want))
		fail_msg("%s differs: %s", path, text);
	json_decref(got);
	json_decref(want);
	free(text);
}

static void test_flow(void **state)
{
	(void)state;
	compare("flow", make_flow);
}

static void test_host(void **state)
{
	(void)state;
	compare("host", make_host);
}

static void test_other(void **state)
{
	(void)state;
	compare("other", make_other);
}

static json_t *member(json_t *j, const char *name, json_type type)
{
	json_t *m = json_object_get(j, name);
	if (!m || json_typeof(m) != type)
		fail_msg("%s: %s", name, m ? "another type" : "missing");
	return m;
}

/* Names and types that handlers written for ntopng read. */
static void test_flow_types(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		json_type type;
	} rows[] = {
		{ "ifid", JSON_INTEGER }, { "action", JSON_STRING }, { "is_flow_alert", JSON_TRUE }, { "alert_id", JSON_INTEGER },
		{ "alert_category", JSON_INTEGER }, { "score", JSON_INTEGER }, { "acknowledged", JSON_FALSE },
		{ "first_seen", JSON_INTEGER }, { "tstamp", JSON_INTEGER }, { "entity_id", JSON_INTEGER },
		{ "entity_val", JSON_STRING }, { "is_cli_attacker", JSON_TRUE }, { "is_cli_victim", JSON_FALSE },
		{ "is_srv_attacker", JSON_FALSE }, { "is_srv_victim", JSON_TRUE }, { "pool_id", JSON_INTEGER },
		{ "vlan_id", JSON_INTEGER }, { "observation_point_id", JSON_INTEGER }, { "proto", JSON_INTEGER },
		{ "ip_version", JSON_INTEGER }, { "flow_risk_bitmap", JSON_INTEGER }, { "alerts_map", JSON_STRING },
		{ "proto.ndpi", JSON_STRING }, { "l7_master_proto", JSON_INTEGER }, { "l7_proto", JSON_INTEGER },
		{ "l7_cat", JSON_INTEGER }, { "cli2srv_bytes", JSON_INTEGER }, { "cli2srv_packets", JSON_INTEGER },
		{ "srv2cli_bytes", JSON_INTEGER }, { "srv2cli_packets", JSON_INTEGER }, { "cli_ip", JSON_STRING },
		{ "cli_port", JSON_INTEGER }, { "cli_blacklisted", JSON_FALSE }, { "cli_location", JSON_INTEGER },
		{ "cli_name", JSON_STRING }, { "cli_os", JSON_STRING }, { "cli_asn", JSON_INTEGER }, { "cli_localhost", JSON_FALSE },
		{ "cli_host_pool_id", JSON_INTEGER }, { "cli_network", JSON_INTEGER }, { "srv_ip", JSON_STRING },
		{ "srv_port", JSON_INTEGER }, { "srv_localhost", JSON_TRUE }, { "probe_ip", JSON_STRING },
		{ "input_snmp", JSON_INTEGER }, { "output_snmp", JSON_INTEGER }, { "community_id", JSON_STRING },
		{ "info", JSON_STRING }, { "json", JSON_STRING }, { "weir", JSON_OBJECT },
	};
	char *text = write_document(make_flow);
	json_t *j = load(text);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		member(j, rows[i].name, rows[i].type);
	assert_string_equal(json_string_value(json_object_get(j, "alerts_map")), "090000000000"); /* bits 40 and 43 */
	json_t *in = load(json_string_value(json_object_get(j, "json")));
	json_t *gen = member(in, "alert_generation", JSON_OBJECT);
	assert_string_equal(json_string_value(member(gen, "subdir", JSON_STRING)), "flow");
	json_t *risks = load(json_string_value(member(gen, "flow_risk_info", JSON_STRING)));
	assert_string_equal(json_string_value(json_object_get(risks, "2")), "id=1' or 1=1");
	assert_int_equal(json_integer_value(member(member(in, "proto", JSON_OBJECT), "confidence", JSON_INTEGER)), 1);
	assert_int_equal(json_integer_value(member(in, "value", JSON_INTEGER)), 411);
	assert_true(json_is_real(json_object_get(in, "threshold")));
	member(in, "alert_score", JSON_OBJECT);
	member(in, "traffic_stats", JSON_OBJECT);
	json_decref(risks);
	json_decref(in);
	json_decref(j);
	free(text);
}

/* What packets bring stays text, whatever it is. */
static void test_hostile(void **state)
{
	(void)state;
	static const char evil[] = "\"},\"x\":1,{$(reboot);`id`\\\r\n<script>\x1b[31m\xff\xfe\xe2\x80\xae";
	struct buf strs = { 0 }, out = { 0 };
	struct r_alert a;
	struct document_delivery d = { { 1, 1 }, "x", 1, false };
	make_flow(&a, &strs);
	struct str s = str_put_raw(&strs, evil, sizeof evil - 1);
	a.alert.message = a.flow_app.http_url = a.flow_app.http_host = a.flow_app.dns_query = a.flow_judge.client_name = s;
	a.alert.values = a.alert.others = a.flow_app.risk_details = a.alert.check = s;
	document_write(&out, &a, strs.p, NULL, &d);
	json_t *j = load(buf_cstr(&out));
	assert_null(json_object_get(j, "x"));
	assert_null(strchr(out.p, '\n'));
	assert_null(strchr(out.p, '\x1b'));
	json_decref(load(json_string_value(json_object_get(j, "json"))));
	json_decref(j);
	buf_release(&out);
	buf_release(&strs);
}

static void test_empty(void **state)
{
	(void)state;
	struct buf out = { 0 };
	struct document_delivery d = { { 1, 1 }, "x", 1, false };
	for (int e = ENT_INTERFACE; e <= ENT_OTHER; e++) {
		struct r_alert a = { .alert.entity = (uint8_t)e };
		buf_reset(&out);
		document_write(&out, &a, "", NULL, &d);
		json_decref(load(buf_cstr(&out)));
	}
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow),       cmocka_unit_test(test_host),    cmocka_unit_test(test_other),
		cmocka_unit_test(test_flow_types), cmocka_unit_test(test_hostile), cmocka_unit_test(test_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

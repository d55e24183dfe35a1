#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "topo.h"

static struct topo *parse(const char *text, struct buf *err)
{
	buf_reset(err);
	return topo_parse("t.yaml", text, strlen(text), err);
}

static void test_defaults(void **state)
{
	(void)state;
	struct buf err = { 0 };
	struct topo *t = parse("sensors: {lan: {interface: eth0}}\n", &err);
	assert_non_null(t);
	const struct topo_sensor *s = topo_sensor(t, "lan");
	assert_non_null(s);
	assert_int_equal(s->source, SRC_INTERFACE);
	assert_string_equal(s->inputs[0], "eth0");
	assert_int_equal(s->head_packets, 12);
	assert_int_equal(s->idle_timeout, 120000000000);
	assert_string_equal(t->api.listen, "127.0.0.1:8470");
	assert_string_equal(t->store.path, "/var/lib/weir/store");
	assert_string_equal(topo_link(t, "flows")->durable[0], "checks");
	topo_free(t);
	buf_release(&err);
}

static void test_everything(void **state)
{
	(void)state;
	static const char text[] =
		"runtime: /tmp/r\nstate: /tmp/s\nlog: {level: debug}\ntimezone: Europe/Berlin\n"
		"networks: {local: [10.0.0.0/8, 'fd00::/8']}\n"
		"flow: {idle_timeout: 90s, max_flows: 50K}\n"
		"sensors:\n  a: {files: [x.pcap, 'y z.pcap'], filter: 'tcp port 80', speed: 2.5}\n"
		"  b: {follow: /tmp/grow.pcap, idle_timeout: 250ms}\n"
		"links: {history: {bytes: 128M, durable: [alertd, x-mine]}}\n"
		"checks: {syn_scan: {threshold: 10, enabled: no}, unexpected_dns: {servers: [10.0.0.1, 10.0.0.2]}}\n"
		"recipients:\n  p: {exec: [/bin/cat, '', -n], match: 'severity >= error', on: [engage]}\n"
		"  w: {webhook: 'https://example.org/h', secret: '${file:/x}'}\n";
	struct buf err = { 0 }, show = { 0 }, again = { 0 };
	struct topo *t = parse(text, &err);
	if (!t)
		fail_msg("%s", buf_cstr(&err));
	assert_int_equal(t->n_sensors, 2);
	assert_int_equal(topo_sensor(t, "a")->idle_timeout, 90000000000);
	assert_int_equal(topo_sensor(t, "b")->idle_timeout, 250000000);
	assert_int_equal(topo_sensor(t, "b")->max_flows, 50000);
	assert_int_equal(t->n_local, 2);
	assert_int_equal(topo_link(t, "history")->bytes, 128 << 20);
	assert_false(topo_check(t, "syn_scan")->enabled);
	assert_string_equal(topo_check_param(topo_check(t, "unexpected_dns"), "servers")->values[1], "10.0.0.2");
	assert_int_equal(t->recipients[0].type, RCP_EXEC);
	assert_string_equal(t->recipients[0].argv[1], "");
	assert_string_equal(t->recipients[0].argv[2], "-n");
	assert_int_equal(t->recipients[1].type, RCP_WEBHOOK);
	/* What is printed reads back to itself. */
	topo_show(t, &show);
	struct topo *u = topo_parse("shown", show.p, show.len, &err);
	if (!u)
		fail_msg("%s", buf_cstr(&err));
	topo_show(u, &again);
	assert_string_equal(buf_cstr(&show), buf_cstr(&again));
	assert_string_equal(t->hash, u->hash);
	topo_free(t);
	topo_free(u);
	buf_release(&err);
	buf_release(&show);
	buf_release(&again);
}

static void test_mistakes(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "", "t.yaml:1:1: the file is empty" },
		{ "a: [1,", "t.yaml:" },
		{ "sensors: {lan: {interface: eth0}}\nsensor: 1\n", "t.yaml:2:1: unknown key 'sensor'" },
		{ "sensors: {lan: {interfaces: eth0}}\n", "t.yaml:1:17: unknown key 'interfaces'" },
		{ "sensors: {lan: {filter: x}}\n", "t.yaml:1:11: sensor 'lan' has no input" },
		{ "sensors: {lan: {interface: e, file: f}}\n", "t.yaml:1:31: sensor 'lan' has two inputs" },
		{ "sensors: {lan: {interface: e, snaplen: many}}\n", "t.yaml:1:40: snaplen: a number was expected, not 'many'" },
		{ "sensors: {lan: {interface: e, linger: 5x}}\n", "t.yaml:1:39: linger: a duration" },
		{ "sensors: {lan: {interface: e}}\nnetworks: {local: [10.0.0.1/8]}\n",
		  "t.yaml:2:20: networks.local: '10.0.0.1/8' has bits set" },
		{ "sensors: {lan: {interface: e}}\nchecks: {no_such: {}}\n", "t.yaml:2:10: no check is named 'no_such'" },
		{ "sensors: {lan: {interface: e}}\nchecks: {syn_scan: {limit: 3}}\n", "has no parameter 'limit'" },
		{ "sensors: {lan: {interface: e}}\nchecks: {syn_scan: {threshold: 0}}\n", "is not between" },
		{ "sensors: {lan: {interface: e}}\nrecipients: {p: {exec: ['', /b]}}\n", "t.yaml:2:24: exec: the absolute path" },
		{ "sensors: {lan: {interface: e}}\nrecipients: {p: {exec: [/b, ~]}}\n", "t.yaml:2:29: exec: a text or a list" },
		{ "sensors: {lan: {interface: e}}\nrecipients: {p: {webhook: 'http://h/', headers: ['']}}\n", "t.yaml:2:51: headers: a text" },
		{ "sensors: {lan: {interface: e}}\nrecipients: {p: {}}\n", "t.yaml:2:14: recipient 'p' needs exec or webhook" },
		{ "sensors: {lan: {interface: e}}\nrecipients: {p: {exec: [/b], match: 'severty = 1'}}\n",
		  "match, character 1: alert records have no field 'severty'; did you mean 'severity'?" },
		{ "sensors: {lan: {interface: e}}\nlinks: {flows: {durable: [nobody]}}\n",
		  "t.yaml:2:27: durable: 'nobody': no consumer has this name" },
		{ "a: &x 1\nb: *x\n", "t.yaml:1:4: anchors are not allowed" },
		{ "sensors: {lan: {interface: e}, lan: {interface: f}}\n", "t.yaml:1:32: key 'lan' is there twice" },
		{ "sensors: {l: {stdin: yes}}\npools: {p: {}}\n", "t.yaml:2:9: pool 'p' has neither networks nor macs" },
		{ "sensors: {l: {stdin: yes}}\nlists: {b: {file: /nowhere/at/all}}\n", "t.yaml:2:19: file: '/nowhere/at/all': no such file" },
		{ "sensors: {l: {stdin: yes}}\nexclusions: {e: {comment: x}}\n", "t.yaml:2:14: exclusion 'e' has no match" },
		{ "sensors: {l: {stdin: yes}}\nexclusions: {e: {match: 'chek = a', expires: soon}}\n",
		  "t.yaml:2:26: match, character 1: alert" },
		{ "sensors: {l: {stdin: yes}}\nexclusions: {e: {match: 'host = 10.0.0.1 and check in (mine, syn_scn)'}}\n"
		  "rules: {mine: {match: 'app = TLS'}}\n", "t.yaml:2:26: no check is named 'syn_scn'; did you mean 'syn_scan'?" },
		{ "sensors: {l: {stdin: yes}}\nrecipients: {p: {exec: [/b], match: 'not check != nothing_like_it'}}\n",
		  "t.yaml:2:38: no check is named 'nothing_like_it'" },
		{ "sensors: {l: {stdin: yes}}\nrules: {r: {value: byts, above: 1}}\n",
		  "t.yaml:2:20: value, character 1: flow records have no" },
		{ "sensors: {l: {stdin: yes}}\nrules: {r: {value: bytes}}\n", "one of above and below was expected" },
		{ "sensors: {l: {stdin: yes}}\nrules: {syn_scan: {match: 'app = TLS'}}\n", "a check is named 'syn_scan' already" },
		{ "sensors: {l: {stdin: yes}}\nrules: {r: {match: 'app = TLS', message: 'a {no}'}}\n", "flow records have no field 'no'" },
		{ "runtime: /a\nruntime: /b\nsensors: {l: {interface: e}}\n", "t.yaml:2:1: key 'runtime' is there twice" },
		{ "runtime: /a\n", "no sensors" },
		{ "- a\n- b\n", "the file must be a map" },
	};
	struct buf err = { 0 };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct topo *t = parse(bad[i].text, &err);
		if (t)
			fail_msg("taken: %s", bad[i].text);
		if (!strstr(buf_cstr(&err), bad[i].message))
			fail_msg("for: %s\nwanted: %s\ngot: %s", bad[i].text, bad[i].message, buf_cstr(&err));
	}
	/* All problems are told at once. */
	parse("sensors: {lan: {filter: x, snaplen: y}}\nbogus: 1\n", &err);
	int lines = 0;
	for (const char *p = buf_cstr(&err); *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 3);
	buf_release(&err);
}

static void test_units(void **state)
{
	(void)state;
	uint64_t v;
	assert_int_equal(topo_duration("1.5h", &v), 0);
	assert_int_equal(v, 5400000000000);
	assert_int_equal(topo_duration("10", &v), 0);
	assert_int_equal(v, 10000000000);
	assert_int_equal(topo_duration("-1s", &v), -1);
	assert_int_equal(topo_duration("1 s", &v), -1);
	assert_int_equal(topo_size("64M", &v), 0);
	assert_int_equal(v, 64 << 20);
	assert_int_equal(topo_size("1GiB", &v), 0);
	assert_int_equal(v, 1 << 30);
	assert_int_equal(topo_size("1Mx", &v), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_units),
	};
	return cmocka_run_group_tests_name("topo", tests, NULL, NULL);
}

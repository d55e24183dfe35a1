/* Scripts in the style of ntopng's custom scripts: every accessor, by name, shape and type. */
#include "lua_common.h"

static const char *flow_names[] = { "cli", "srv", "cli_port", "srv_port", "protocol", "vlan_id", "is_oneway", "is_unicast",
				    "cli2srv_bytes", "srv2cli_bytes", "bytes", "l7_master_proto", "l7_proto", "l7_proto_name",
				    "direction", "http", "dns", "ssh", "tls_quic", "triggerAlert" };

static struct r_flow tls_flow(struct buf *arena)
{
	struct r_flow f = { 0 };
	buf_reserve(arena, 1 << 16);
	addr_parse("10.0.0.7", 8, &f.key.client);
	addr_parse("192.0.2.9", 9, &f.key.server);
	f.key.client_port = 40000;
	f.key.server_port = 443;
	f.key.proto = 6;
	f.key.vlan = 12;
	f.n.client_packets = 3;
	f.n.client_bytes = 1000;
	f.n.server_bytes = 2;
	f.app.app_id = 126;
	f.app.master_id = 91;
	f.app.app = text_of(arena, "Google");
	f.app.master = text_of(arena, "TLS");
	f.app.tls_version_id = 0x303;
	f.app.tls_issuer = text_of(arena, "O=Example Ltd, CN=ca");
	f.app.tls_names = text_of(arena, "a.example\nb.example");
	f.app.tls_sni = text_of(arena, "a.example");
	f.app.tls_not_before = 1700000000ull * S;
	f.app.tls_not_after = 1800000000ull * S;
	f.judge.client_local = 1;
	return f;
}

static const char *flow_script(struct bench *b, const char *text, unsigned hook, const struct r_flow *f, const struct buf *arena)
{
	static const char *const names[] = { [LUA_DETECTED] = "custom_flow_protocol_detected_script",
					     [LUA_PERIODIC] = "custom_flow_periodic_script",
					     [LUA_END] = "custom_flow_end_script" };
	memset(b, 0, sizeof *b);
	bench_script(b, names[hook], text);
	bench_start(b, "");
	bench_flow(b, 1u << hook, f, arena);
	return bench_run(b, LUA_FLOWS, 1234 * S);
}

static void test_flow(void **state)
{
	(void)state;
	struct bench b;
	struct buf arena = { 0 };
	struct r_flow f = tls_flow(&arena);
	const char *said = flow_script(&b,
		"local t = flow.tls_quic()\n"
		"local out = { flow.cli(), flow.srv(), flow.cli_port(), flow.srv_port(), flow.protocol(), flow.vlan_id(),\n"
		"  tostring(flow.is_oneway()), tostring(flow.is_unicast()), flow.cli2srv_bytes(), flow.srv2cli_bytes(), flow.bytes(),\n"
		"  flow.l7_master_proto(), flow.l7_proto(), flow.l7_proto_name(), flow.direction(), t['protos.tls_version'],\n"
		"  t['protos.tls.server_names'], t['protos.tls.issuerDN'], t['protos.tls.client_requested_server_name'],\n"
		"  t['protos.tls.notBefore'], t['protos.tls.notAfter'], type(t), tostring(t['protos.tls.subjectDN']) }\n"
		"local n = 0 for k, v in pairs(t) do n = n + 1 end\n"
		"local m = 0 for k in pairs(flow.http()) do m = m + 1 end\n"
		"flow.triggerAlert(300, table.concat(out, ' ') .. ' ' .. n .. m .. tostring(next(flow.dns())))\n"
		"return(0)\n", LUA_DETECTED, &f, &arena);
	assert_string_equal(said, "0 custom_flow_protocol_detected_script 250 10.0.0.7 192.0.2.9 40000 443 6 12 true true 1000 2 "
				  "1002 91 126 TLS.Google local@remote 771 a.example,b.example O=Example Ltd, CN=ca a.example "
				  "1700000000 1800000000 table nil 60nil\n");
	bench_end(&b);
	buf_release(&arena);
}

static void test_http_dns_ssh(void **state)
{
	(void)state;
	struct bench b;
	struct buf arena = { 0 };
	struct r_flow f = tls_flow(&arena);
	f.app.http_url = text_of(&arena, "example.org/a");
	f.app.http_method = text_of(&arena, "GET");
	f.app.http_status = 404;
	f.app.http_host = text_of(&arena, "example.org");
	f.app.dns_query = text_of(&arena, "a b.example");
	f.app.dns_type = 28;
	f.app.ssh_client = text_of(&arena, "SSH-2.0-x");
	f.app.app = f.app.master = (struct str){ 0, 0 };
	f.app.app_id = f.app.master_id = 0;
	addr_parse("224.0.0.251", 11, &f.key.server);
	f.judge.client_local = 0;
	const char *said = flow_script(&b,
		"local h, d, s = flow.http(), flow.dns(), flow.ssh()\n"
		"flow.triggerAlert(7, h['protos.http.last_method'] .. h['protos.http.last_return_code'] .. h['protos.http.last_url'] ..\n"
		"  tostring(h['protos.http.last_user_agent']) .. h['protos.http.server_name'] .. d['protos.dns.last_query'] ..\n"
		"  d['protos.dns.last_query_type'] .. d['protos.dns.last_return_code'] ..\n"
		"  tostring(d['protos.dns.invalid_chars_in_query']) .. s['protos.ssh.client_signature'] ..\n"
		"  tostring(s['protos.ssh.hassh.client_hash']) .. flow.l7_proto_name() .. flow.direction() ..\n"
		"  tostring(flow.is_unicast()))\n", LUA_END, &f, &arena);
	assert_string_equal(said, "0 custom_flow_end_script 7 GET404example.org/anilexample.orga b.example280trueSSH-2.0-x"
				  "nilUnknownremote2remotefalse\n");
	bench_end(&b);
	buf_release(&arena);
}

/* No result, one, or several: all the same; and definitions of functions are made once. */
static void test_results(void **state)
{
	(void)state;
	static const char *const endings[] = { "", "return", "return(0)", "return 1, 2, 3", "return nil", "return false -- x" };
	struct buf arena = { 0 };
	struct r_flow f = tls_flow(&arena);
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
		struct bench b;
		char *text = xasprintf("function describe(x)\n  if(x) then\n    return('to ' .. flow.srv())\n  end\nend\n"
				       "local prefix = 'from ' .. flow.cli() .. ' '\n"
				       "function late() return prefix end -- uses a local: is made each time\n"
				       "flow.triggerAlert(60, late() .. describe(true))\n%s", endings[i]);
		assert_string_equal(flow_script(&b, text, LUA_PERIODIC, &f, &arena),
				    "0 custom_flow_periodic_script 60 from 10.0.0.7 to 192.0.2.9\n");
		bench_flow(&b, 1u << LUA_PERIODIC, &f, &arena);
		bench_flow(&b, 1u << LUA_PERIODIC, &f, &arena);
		bench_run(&b, LUA_FLOWS, 1234 * S);
		assert_int_equal(b.n, 2);
		assert_true(bench_metric(&b, "lua_errors", NULL) == 0);
		bench_end(&b);
		free(text);
	}
	buf_release(&arena);
}

/* The samples' habits. */
static void test_surroundings(void **state)
{
	(void)state;
	struct bench b;
	struct buf arena = { 0 };
	struct r_flow f = tls_flow(&arena);
	const char *said = flow_script(&b,
		"local dirs = ntop.getDirs()\n"
		"package.path = dirs.installdir .. \"/scripts/lua/modules/?.lua;\" .. package.path\n"
		"require \"lua_utils\"\n"
		"counter = (counter or 0) + 1\n"
		"io.write(\"-----\\n\", 5, \" \", 1.5)\nio.stdout:write(\"a\"):write(\"b\\n\")\nio.stdout:flush()\n"
		"print(\"a flow\")\nprint(5)\ntprint(flow.tls_quic())\ntprint({ a = { 1, 2 } })\n"
		"local ok1 = pcall(flow.triggerAlert, 'x', 'y')\n"
		"local result = flow.triggerAlert(80, counter .. ' ' .. os.time() .. ' ' .. os.date('%Y', 0) .. tostring(ok1))\n"
		"return(result)\n", LUA_END, &f, &arena);
	assert_string_equal(said, "0 custom_flow_end_script 80 1 1234 1970true\n");
	bench_end(&b);
	buf_release(&arena);
}

/* What is not there fails, and with its name. */
static void test_missing(void **state)
{
	(void)state;
	static const struct {
		const char *text, *name;
	} cases[] = {
		{ "flow.throughput()", "flow.throughput" },      { "ntop.setCache('a', 'b')", "ntop.setCache" },
		{ "interface.getStats()", "interface.getStats" }, { "require 'dkjson'", "dkjson" },
		{ "os.execute('ls')", "os.execute" },             { "io.open('/etc/passwd')", "io.open" },
		{ "network.foo()", "network.foo" },
	};
	struct buf arena = { 0 };
	struct r_flow f = tls_flow(&arena);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bench b;
		const char *key, *why;
		assert_string_equal(flow_script(&b, cases[i].text, LUA_END, &f, &arena), "");
		for (int k = 0; k < 9; k++) {
			bench_flow(&b, 1u << LUA_END, &f, &arena);
			bench_run(&b, LUA_FLOWS, 1234 * S);
		}
		assert_true(lua_next_disabled(b.lua, &key, &why));
		if (!strstr(why, cases[i].name))
			fail_msg("'%s' does not name %s", why, cases[i].name);
		bench_end(&b);
	}
	buf_release(&arena);
}

static void test_all_there(void **state)
{
	(void)state;
	struct buf arena = { 0 }, text = { 0 };
	struct r_flow f = tls_flow(&arena);
	struct bench b;
	for (size_t i = 0; i < sizeof flow_names / sizeof *flow_names; i++)
		buf_addf(&text, "assert(type(flow.%s) == 'function')\n", flow_names[i]);
	buf_adds(&text, "flow.triggerAlert(1, 'all')\n");
	assert_string_equal(flow_script(&b, buf_cstr(&text), LUA_END, &f, &arena), "0 custom_flow_end_script 1 all\n");
	bench_end(&b);
	buf_release(&arena);
	buf_release(&text);
}

/* -- hosts -- */

static const char *host_run(struct bench *b, uint64_t clock)
{
	struct r_host h = { 0 };
	struct buf arena = { 0 };
	addr_parse("10.0.0.7", 8, &h.host.ip);
	h.host.vlan = 3;
	h.host.mac = (struct mac){ { 0xaa, 0xbb, 0xcc, 1, 2, 3 } };
	h.host.bytes_sent = 500;
	h.host.bytes_rcvd = 70;
	h.host.score = 9;
	h.host.mute_servers = 4;
	h.host.mute_out = 6;
	h.host.local = 1;
	buf_reserve(&arena, 1000);
	h.host.name = text_of(&arena, "printer");
	h.host.listed = 1;
	h.host.app_counts = text_of(&arena, "TLS=400 0 4 5 6 60 Potentially Dangerous\nDNS=100 70 1 2 3 4 Acceptable");
	bench_host(b, 1u << LUA_MINUTE, &h, &arena);
	const char *said = bench_run(b, LUA_HOSTS, clock);
	buf_release(&arena);
	return said;
}

static void test_host(void **state)
{
	(void)state;
	struct bench b = { 0 };
	bench_script(&b, "custom_host_lua_script",
		     "local l7 = host.l7()\nlocal tls, dns = l7.ndpi.TLS, l7.ndpi.DNS\nlocal first = host.isFirstCheckRun()\n"
		     "if(first) then host.resetHostContacts() end\n"
		     "host.triggerAlert(90, host.ip() .. ' ' .. host.mac() .. ' ' .. host.name() .. ' ' .. host.vlan_id() .. ' ' ..\n"
		     "  host.score() .. ' ' .. tostring(host.is_local()) .. ' ' .. host.bytes_sent() .. ' ' .. host.bytes_rcvd() .. ' ' ..\n"
		     "  host.bytes() .. ' ' .. tls['bytes.sent'] .. tls.breed .. tls.duration ..\n"
		     "  dns['bytes.rcvd'] .. dns['packets.sent'] .. dns['packets.rcvd'] .. dns.num_flows .. dns.breed ..\n"
		     "  tostring(dns.throughput) .. tostring(host.is_blacklisted()) ..\n"
		     "  tostring(host.is_unicast()) .. tostring(host.is_multicast()) ..\n"
		     "  tostring(host.is_broadcast()) .. tostring(host.is_rx_only()) ..\n"
		     "  host.getNumContactedPeersAsClientTCPUDPNoTX() .. host.getNumContactsFromPeersAsServerTCPUDPNoTX() ..\n"
		     "  host.getNumContactedTCPUDPServerPortsNoTX() .. host.getUnidirectionalTCPUDPFlowsStats().num_egress ..\n"
		     "  tostring(first))\nreturn(0)\n");
	bench_start(&b, "upload_heavy_host: {enabled: no}");
	assert_string_equal(host_run(&b, 6000 * S),
			    "0 custom_host_lua_script reset\n"
			    "0 custom_host_lua_script 90 10.0.0.7 AA:BB:CC:01:02:03 printer 3 9 true 500 70 570 "
			    "400Potentially Dangerous6070123Acceptableniltruetruefalsefalsetrue4006true\n");
	/* Said again at each run: the engine makes one episode of it. */
	assert_non_null(strstr(host_run(&b, 6060 * S), "true4006false\n"));
	assert_non_null(strstr(host_run(&b, 6120 * S), "true4006false\n"));
	bench_end(&b);
}

static void test_skip(void **state)
{
	(void)state;
	struct bench b = { 0 };
	bench_script(&b, "custom_host_lua_script",
		     "n = (n or 0) + 1\nhost.triggerAlert(10, 'run ' .. ('x'):rep(n))\n"
		     "if(n == 2) then host.skipVisitedHost(true, 6300) else host.skipVisitedHost() end\n");
	bench_start(&b, "upload_heavy_host: {enabled: no}");
	assert_string_equal(host_run(&b, 6000 * S), "0 custom_host_lua_script 10 run x\n");
	assert_string_equal(host_run(&b, 6060 * S), "0 custom_host_lua_script 10 run xx\n");
	assert_string_equal(host_run(&b, 6120 * S), "0 custom_host_lua_script skip\n");
	assert_string_equal(host_run(&b, 6299 * S), "0 custom_host_lua_script skip\n");
	assert_string_equal(host_run(&b, 6301 * S), "0 custom_host_lua_script 10 run xxx\n");
	bench_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow),    cmocka_unit_test(test_http_dns_ssh), cmocka_unit_test(test_results),
		cmocka_unit_test(test_surroundings), cmocka_unit_test(test_missing), cmocka_unit_test(test_all_there),
		cmocka_unit_test(test_host),    cmocka_unit_test(test_skip),
	};
	return cmocka_run_group_tests_name("lua ntopng", tests, NULL, NULL);
}

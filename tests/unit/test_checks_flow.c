/* Golden tests of flow checks: what raises each, and what almost does. */
#include "flow_params.h"
#include "lab.h"

HIT(ndpi_punicody_idn)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "xn--e1afmkfd.example");
	lab_run(&f);
}

MISS(ndpi_punicody_idn)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "xn-e1afmkfd.example");
	lab_run(&f);
}

HIT(ndpi_http_crawler_bot)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_agent = lab_text(&f, "Foobot/2.1 (compatible)");
	lab_run(&f);
}

MISS(ndpi_http_crawler_bot)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_agent = lab_text(&f, "Mozilla/5.0 (X11)");
	lab_run(&f);
}

HIT(ndpi_http_obsolete_server)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_server = lab_text(&f, "nginx/1.21.6");
	lab_run(&f);
}

MISS(ndpi_http_obsolete_server)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_server = lab_text(&f, "nginx/1.22.0");
	lab_run(&f);
}

HIT(ndpi_error_code_detected)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_status = 404;
	lab_run(&f);
}

MISS(ndpi_error_code_detected)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_status = 399;
	lab_run(&f);
}

HIT(ndpi_binary_data_transfer)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_type = lab_text(&f, "application/X-Own");
	lab_run(&f);
}

MISS(ndpi_binary_data_transfer)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_type = lab_text(&f, "application/x-other");
	lab_run(&f);
}

HIT(ndpi_malware_host_contacted)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "a.evil.example");
	lab_run(&f);
}

MISS(ndpi_malware_host_contacted)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "notevil.example");
	lab_run(&f);
}

HIT(web_mining)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "xmr.pool.example");
	lab_run(&f);
}

MISS(web_mining)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "pool.example.org");
	lab_run(&f);
}

HIT(blacklisted)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "WORSE.example");
	lab_run(&f);
}

MISS(blacklisted)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "worse.example.net");
	lab_run(&f);
}

HIT(blacklisted_client_contact)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr("198.51.100.9");
	f.key.server = lab_addr("10.0.0.9");
	lab_run(&f);
}

MISS(blacklisted_client_contact)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr("198.51.101.9");
	f.key.server = lab_addr("10.0.0.9");
	lab_run(&f);
}

HIT(blacklisted_server_contact)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.server = lab_addr("198.51.100.9");
	lab_run(&f);
}

MISS(blacklisted_server_contact)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.server = lab_addr("198.51.101.9");
	lab_run(&f);
}

HIT(ndpi_anonymous_subscriber)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr("203.0.113.1");
	f.key.server = lab_addr("10.0.0.9");
	lab_run(&f);
}

MISS(ndpi_anonymous_subscriber)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr("203.0.114.1");
	f.key.server = lab_addr("10.0.0.9");
	lab_run(&f);
}

HIT(ndpi_tls_alpn_sni_mismatch)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.tls_sni.len = 0;
	lab_run(&f);
}

MISS(ndpi_tls_alpn_sni_mismatch)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.tls_sni.len = 0;
	f.app.tls_version_id = 0x0301;
	lab_run(&f);
}

HIT(ndpi_unidirectional_traffic)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_packets = 0;
	lab_run(&f);
}

MISS(ndpi_unidirectional_traffic)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_packets = 1;
	lab_run(&f);
}

HIT(low_goodput)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_payload = 800;
	f.n.server_payload = 4000;
	lab_run(&f);
}

MISS(low_goodput)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_payload = 801;
	f.n.server_payload = 4000;
	lab_run(&f);
}

HIT(zero_tcp_window)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_zwin = 2;
	f.n.server_zwin = 2;
	lab_run(&f);
}

MISS(zero_tcp_window)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_zwin = 2;
	f.n.server_zwin = 1;
	lab_run(&f);
}

HIT(tcp_packets_issues)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_lost = 300;
	f.n.client_packets = 1000;
	f.n.server_packets = 1000;
	lab_run(&f);
}

MISS(tcp_packets_issues)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_lost = 200;
	f.n.client_packets = 1000;
	f.n.server_packets = 1000;
	lab_run(&f);
}

HIT(tcp_flow_reset)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.tcp_state = TS_RESET;
	f.n.server_rsts = 1;
	lab_run(&f);
}

MISS(tcp_flow_reset)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_rsts = 1;
	lab_run(&f);
}

HIT(tcp_no_data_exchanged)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_payload = f.n.server_payload = 0;
	lab_run(&f);
}

MISS(tcp_no_data_exchanged)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_payload = 0;
	f.n.server_payload = 1;
	lab_run(&f);
}

HIT(connection_failed)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_packets = 0;
	f.n.client_flags = 2;
	lab_run(&f);
}

MISS(connection_failed)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_flags = 2;
	lab_run(&f);
}

HIT(tcp_connection_refused)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_flags = 2;
	f.n.server_flags = 0x14;
	lab_run(&f);
}

MISS(tcp_connection_refused)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_flags = 2;
	f.n.server_flags = 0x16;
	lab_run(&f);
}

HIT(ndpi_tcp_issues)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_flags = 0x29;
	f.key.midstream = true;
	lab_run(&f);
}

MISS(ndpi_tcp_issues)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_flags = 0x39;
	f.key.midstream = true;
	lab_run(&f);
}

HIT(ndpi_probing_attempt)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_payload = 0;
	lab_run(&f);
}

MISS(ndpi_probing_attempt)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_payload = 0;
	f.n.server_flags = 0x13;
	lab_run(&f);
}

HIT(ndpi_fully_encrypted)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.looks_random = true;
	f.app.state = VERDICT_UNKNOWN;
	lab_run(&f);
}

MISS(ndpi_fully_encrypted)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.looks_random = true;
	lab_run(&f);
}

HIT(elephant_flows)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_bytes = 2000000;
	lab_run(&f);
}

MISS(elephant_flows)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_bytes = 2000000;
	f.key.client = lab_addr("10.0.0.5");
	lab_run(&f);
}

HIT(long_lived)
{
	struct lab_flow f = lab_flow(l, 1);
	f.lasts = 121;
	lab_run(&f);
}

MISS(long_lived)
{
	struct lab_flow f = lab_flow(l, 1);
	f.lasts = 119;
	lab_run(&f);
}

HIT(broadcast_non_udp_traffic)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.server = lab_addr("255.255.255.255");
	lab_run(&f);
}

MISS(broadcast_non_udp_traffic)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.server = lab_addr("255.255.255.255");
	f.key.proto = 17;
	lab_run(&f);
}

HIT(data_exfiltration)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.proto = 1;
	f.key.icmp_type = 8;
	f.n.client_payload = f.n.server_payload = 20 * 151;
	f.n.client_payload = 40000;
	lab_run(&f);
}

MISS(data_exfiltration)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.proto = 1;
	f.key.icmp_type = 3;
	f.n.client_payload = 40000;
	lab_run(&f);
}

HIT(dns_data_exfiltration)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.n.client_packets = 26;
	f.n.server_packets = 25;
	lab_run(&f);
}

MISS(dns_data_exfiltration)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.n.client_packets = f.n.server_packets = 25;
	lab_run(&f);
}

HIT(dns_invalid_query)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.app.dns_query = lab_text(&f, "a23456789.123456789.b");
	lab_run(&f);
}

MISS(dns_invalid_query)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.app.dns_query = lab_text(&f, "a23456789.123456789b");
	lab_run(&f);
}

HIT(ndpi_minor_issues)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.app.dns_reply = true;
	f.app.dns_addresses = lab_text(&f, "192.0.2.1");
	lab_run(&f);
}

MISS(ndpi_minor_issues)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.app.dns_reply = true;
	f.app.dns_ttl = 1;
	f.app.dns_addresses = lab_text(&f, "192.0.2.1");
	lab_run(&f);
}

HIT(unexpected_dns)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.app.dns_reply = true;
	lab_run(&f);
}

MISS(unexpected_dns)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.app.dns_reply = true;
	f.key.server = lab_addr("192.0.2.53");
	lab_run(&f);
}

HIT(unexpected_ntp)
{
	struct lab_flow f = lab_udp(l, 1, APP_NTP, 123);
	f.key.server = lab_addr("192.0.2.4");
	lab_run(&f);
}

MISS(unexpected_ntp)
{
	struct lab_flow f = lab_udp(l, 1, APP_NTP, 123);
	f.key.server = lab_addr("192.0.2.3");
	lab_run(&f);
}

HIT(unexpected_smtp)
{
	struct lab_flow f = lab_udp(l, 1, APP_SMTP, 25);
	lab_run(&f);
}

MISS(unexpected_smtp)
{
	struct lab_flow f = lab_udp(l, 1, APP_SMTP, 25);
	f.key.server = lab_addr("192.0.2.25");
	lab_run(&f);
}

HIT(unexpected_dhcp)
{
	struct lab_flow f = lab_udp(l, 1, APP_DHCP, 68);
	f.key.client = lab_addr("10.0.0.68");
	f.key.server = lab_addr("255.255.255.255");
	f.key.client_port = 67;
	lab_run(&f);
}

MISS(unexpected_dhcp)
{
	struct lab_flow f = lab_udp(l, 1, APP_DHCP, 68);
	f.key.client = lab_addr("10.0.0.67");
	f.key.server = lab_addr("255.255.255.255");
	f.key.client_port = 67;
	lab_run(&f);
}

HIT(remote_access)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.category_id = CAT_ID_VPN;
	lab_run(&f);
}

MISS(remote_access)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.category_id = CAT_ID_VPN;
	f.key.server = lab_addr("10.0.0.2");
	lab_run(&f);
}

HIT(remote_to_remote)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr("192.0.2.1");
	lab_run(&f);
}

MISS(remote_to_remote)
{
	struct lab_flow f = lab_flow(l, 1);
	lab_run(&f);
}

HIT(remote_to_local_insecure_flow)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr("192.0.2.1");
	f.key.server = lab_addr("10.0.0.2");
	f.app.breed = lab_text(&f, "Unsafe");
	lab_run(&f);
}

MISS(remote_to_local_insecure_flow)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr("192.0.2.1");
	f.key.server = lab_addr("10.0.0.2");
	f.app.breed = lab_text(&f, "Fun");
	lab_run(&f);
}

HIT(vlan_bidirectional_traffic)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.vlan = 9;
	lab_run(&f);
}

MISS(vlan_bidirectional_traffic)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.vlan = 8;
	lab_run(&f);
}

HIT(device_protocol_not_allowed)
{
	struct lab_flow f = lab_flow(l, 1);
	lab_run(&f);
}

MISS(device_protocol_not_allowed)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr("10.0.0.3");
	lab_run(&f);
}

HIT(iec_unexpected_type_id)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.iec_types = lab_text(&f, "13\n45\n46");
	lab_run(&f);
}

MISS(iec_unexpected_type_id)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.iec_types = lab_text(&f, "13\n45\n13");
	lab_run(&f);
}

HIT(iec_invalid_command_transition)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.iec_types = lab_text(&f, "13\n45\n45\n45\n45");
	lab_run(&f);
}

MISS(iec_invalid_command_transition)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.iec_types = lab_text(&f, "13\n45\n45\n45\n70");
	lab_run(&f);
}

HIT(modbus_unexpected_function_code)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.modbus_codes = lab_text(&f, "3\n90");
	lab_run(&f);
}

MISS(modbus_unexpected_function_code)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.modbus_codes = lab_text(&f, "3\n3");
	lab_run(&f);
}

HIT(modbus_too_many_exceptions)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.modbus_errors = 3;
	lab_run(&f);
}

MISS(modbus_too_many_exceptions)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.modbus_errors = 2;
	lab_run(&f);
}

HIT(ndpi_url_possible_rce_injection)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_url = lab_text(&f, "/ping?host=1.1.1.1%3Bcat+/etc/passwd");
	lab_run(&f);
}

MISS(ndpi_url_possible_rce_injection)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.http_url = lab_text(&f, "/ping?host=cat+/etc/passwd");
	lab_run(&f);
}

HIT(tls_unsafe_ciphers)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.tls_strength = lab_text(&f, "insecure");
	lab_run(&f);
}

MISS(tls_unsafe_ciphers)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.tls_strength = lab_text(&f, "ok");
	lab_run(&f);
}

HIT(ndpi_risky_domain)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "risky.example");
	lab_run(&f);
}

MISS(ndpi_risky_domain)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.host = lab_text(&f, "briskly.example");
	lab_run(&f);
}

HIT(ndpi_malicious_fingerprint)
{
	struct lab_flow f = lab_flow(l, 1);
	lab_run(&f);
}

MISS(ndpi_malicious_fingerprint)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.tls_ja3c = lab_text(&f, "ff112233445566778899aabbccddeeff");
	lab_run(&f);
}

HIT(ndpi_malicious_sha1_certificate)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.tls_sha1 = lab_text(&f, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	lab_run(&f);
}

MISS(ndpi_malicious_sha1_certificate)
{
	struct lab_flow f = lab_flow(l, 1);
	f.app.tls_sha1 = lab_text(&f, "ea39a3ee5e6b4b0d3255bfef95601890afd80709");
	lab_run(&f);
}

/* -- what is learned -- */

HIT(ndpi_periodic_flow)
{
	series(l, 10, 6, 60);
}

MISS(ndpi_periodic_flow)
{
	series(l, 10, 5, 60);
	series(l, 400, 1, 60); /* late */
}

HIT(periodicity_changed)
{
	series(l, 10, 12, 60);
	series(l, 5000, 2, 7);
}

MISS(periodicity_changed)
{
	series(l, 10, 12, 60);
}

/* A connection between local hosts. */
static void local(struct lab *l, double at, const char *server)
{
	struct lab_flow f = lab_flow(l, at);
	f.key.server = lab_addr(server);
	lab_run(&f);
}

HIT(lateral_movement)
{
	local(l, 10, "10.0.0.2");
	local(l, 200, "10.0.0.3");
}

MISS(lateral_movement)
{
	local(l, 10, "10.0.0.2");
	local(l, 90, "10.0.0.3");
	local(l, 200, "10.0.0.2");
	local(l, 201, "10.0.0.3");
}

static void named(struct lab *l, double at, const char *name)
{
	struct lab_flow f = lab_flow(l, at);
	f.app.host = lab_text(&f, name);
	lab_run(&f);
}

HIT(rare_destination)
{
	named(l, 10, "a.example");
	named(l, 200, "b.example");
}

MISS(rare_destination)
{
	named(l, 10, "a.example");
	named(l, 50, "b.example");
	named(l, 200, "a.example");
	named(l, 300, "b.example");
}

HIT(iec_invalid_transition)
{
	iec(l, 10, "13\n45\n13");
	iec(l, 200, "13\n13");
}

MISS(iec_invalid_transition)
{
	iec(l, 10, "13\n45\n13");
	iec(l, 200, "45\n13\n45");
}

static void modbus(struct lab *l, double at, const char *codes)
{
	struct lab_flow f = lab_flow(l, at);
	f.app.modbus_codes = lab_text(&f, codes);
	lab_run(&f);
}

HIT(modbus_invalid_transition)
{
	modbus(l, 10, "3\n3\n6");
	modbus(l, 200, "6\n3");
}

MISS(modbus_invalid_transition)
{
	modbus(l, 10, "3\n3\n6");
	modbus(l, 200, "3\n6");
}

static const struct golden goldens[] = {
    PARAM(tcp_packets_issues, "retransmissions: 12, out_of_order: 40", many_repeated, some_of_each),
    PARAM(tcp_packets_issues, "out_of_order: 12, retransmissions: 40", many_out_of_order, some_of_each),
    PARAM(elephant_flows, "bytes_in: 1M", elephant_in, no_elephant_in),
    PARAM(long_lived, "except: [10.0.0.5]", lasts_long, lasts_long_and_may),
    PARAM(data_exfiltration, "bytes: 10000", heavy_pings, lighter_pings),
    PARAM(dns_data_exfiltration, "bytes: 5000", much_dns, less_dns),
    PARAM(dns_data_exfiltration, "names: 100", many_names, few_names),
    PARAM(dns_data_exfiltration, "label: 15, names: 100", many_names, short_names),
    PARAM(ndpi_periodic_flow, "period: 45", each_minute, each_half_minute),
    PARAM(iec_invalid_command_transition, "changes: 1", command_again, command_once),
    GOLDEN(ndpi_punicody_idn, ""),
    GOLDEN(ndpi_http_crawler_bot, ""),
    GOLDEN(ndpi_http_obsolete_server, ""),
    GOLDEN(ndpi_error_code_detected, ""),
    GOLDEN(ndpi_binary_data_transfer, "types: [application/x-own]"),
    GOLDEN(ndpi_malware_host_contacted, "hosts: [evil.example]"),
    GOLDEN(web_mining, "domains: [pool.example]"),
    GOLDEN(blacklisted, "domains: [bad.example, worse.example]"),
    GOLDEN(blacklisted_client_contact, "addresses: [198.51.100.0/24]"),
    GOLDEN(blacklisted_server_contact, "addresses: [198.51.100.0/24]"),
    GOLDEN(ndpi_anonymous_subscriber, "networks: [203.0.113.0/24]"),
    GOLDEN(ndpi_tls_alpn_sni_mismatch, ""),
    GOLDEN(ndpi_unidirectional_traffic, ""),
    GOLDEN(low_goodput, "ratio: 20, packets: 30"),
    GOLDEN(zero_tcp_window, "count: 3"),
    GOLDEN(tcp_packets_issues, "lost: 10"),
    GOLDEN(tcp_flow_reset, ""),
    GOLDEN(tcp_no_data_exchanged, ""),
    GOLDEN(connection_failed, ""),
    GOLDEN(tcp_connection_refused, ""),
    GOLDEN(ndpi_tcp_issues, ""),
    GOLDEN(ndpi_probing_attempt, ""),
    GOLDEN(ndpi_fully_encrypted, ""),
    GOLDEN(elephant_flows, "bytes_out: 1M, except: 10.0.0.5"),
    GOLDEN(long_lived, "duration: 2m"),
    GOLDEN(broadcast_non_udp_traffic, ""),
    GOLDEN(data_exfiltration, "packets: 30, payload: 150"),
    GOLDEN(dns_data_exfiltration, "packets: 50"),
    GOLDEN(dns_invalid_query, "length: 20"),
    GOLDEN(ndpi_minor_issues, ""),
    GOLDEN(unexpected_dns, "servers: [192.0.2.53]"),
    GOLDEN(unexpected_ntp, "servers: [192.0.2.0/30]"),
    GOLDEN(unexpected_smtp, "servers: [192.0.2.25]"),
    GOLDEN(unexpected_dhcp, "servers: [10.0.0.67]"),
    GOLDEN(remote_access, ""),
    GOLDEN(remote_to_remote, ""),
    GOLDEN(remote_to_local_insecure_flow, ""),
    GOLDEN(vlan_bidirectional_traffic, "vlans: [7, 9]"),
    GOLDEN(device_protocol_not_allowed, "policy: [\"printer:client:Web\", \"10.0.0.1=printer\"]"),
    GOLDEN(iec_unexpected_type_id, "types: [13, 45]"),
    GOLDEN(iec_invalid_command_transition, "commands: 2"),
    GOLDEN(modbus_unexpected_function_code, "functions: [3]"),
    GOLDEN(modbus_too_many_exceptions, "exceptions: 2"),
    GOLDEN(ndpi_url_possible_rce_injection, ""),
    GOLDEN(tls_unsafe_ciphers, ""),
    GOLDEN(ndpi_risky_domain, "domains: [risky.example]"),
    GOLDEN(ndpi_malicious_fingerprint, "fingerprints: [00112233445566778899aabbccddeeff]"),
    GOLDEN(ndpi_malicious_sha1_certificate,
	   "fingerprints: [da39a3ee5e6b4b0d3255bfef95601890afd80709]"),
    GOLDEN(ndpi_periodic_flow, "times: 4"),
    GOLDEN(periodicity_changed, "learning: 400"),
    GOLDEN(lateral_movement, "learning: 100"),
    GOLDEN(rare_destination, "learning: 100"),
    GOLDEN(iec_invalid_transition, "learning: 100"),
    GOLDEN(modbus_invalid_transition, "learning: 100"),
};

static void test_goldens(void **state)
{
	(void)state;
	golden_test(goldens, sizeof goldens / sizeof *goldens);
}

/* Checks that need a database are tested in test_checks_place.c, which makes one up. */
static bool ours(const struct checkdef *d)
{
	return d->entity == ENT_FLOW && check_fns[d - checkdefs].flow &&
	       strcmp(d->key, "country_check") != 0 && strcmp(d->key, "ndpi_risky_asn") != 0;
}

static void test_all_have_one(void **state)
{
	(void)state;
	golden_complete(goldens, sizeof goldens / sizeof *goldens, ours);
}

static void at_risk(struct lab *l, unsigned risk)
{
	struct lab_flow f = lab_flow(l, risk);
	f.app.risk_bits = 1ull << risk;
	lab_run(&f);
}

/* Each risk of nDPI raises its check, and that alone; not when it is off. */
static void test_risks(void **state)
{
	(void)state;
	struct lab l;
	lab_open(&l, "");
	for (unsigned risk = 1; risk <= 41; risk++) {
		at_risk(&l, risk);
		assert_int_equal(l.n, risk);
		assert_string_equal(l.alerts[risk - 1].key, checkdef_risk(risk)->key);
		assert_string_equal(l.alerts[risk - 1].all, checkdef_risk(risk)->key);
		assert_int_equal(l.alerts[risk - 1].r.alert.score, checkdef_risk(risk)->score);
	}
	lab_close(&l);
	struct buf off = {0};
	for (unsigned risk = 1; risk <= 41; risk++)
		buf_addf(&off, "%s%s: {enabled: no}", risk > 1 ? ", " : "", checkdef_risk(risk)->key);
	lab_open(&l, buf_cstr(&off));
	for (unsigned risk = 1; risk <= 41; risk++)
		at_risk(&l, risk);
	assert_int_equal(l.n, 0);
	lab_close(&l);
	buf_release(&off);
}

/* An ordinary flow is left alone, with every check on. */
static void test_ordinary(void **state)
{
	(void)state;
	struct lab l;
	struct buf all = {0};
	for (size_t i = 0; i < n_checkdefs; i++)
		buf_addf(&all, "%s%s: {enabled: yes}", i ? ", " : "", checkdefs[i].key);
	lab_open(&l, buf_cstr(&all));
	struct lab_flow f = lab_flow(&l, 1);
	lab_tick(&l, 0);
	lab_run(&f);
	engine_finish(l.e);
	for (size_t i = 0; i < l.n; i++)
		fail_msg("%s: %s", l.alerts[i].key, l.alerts[i].message);
	lab_close(&l);
	buf_release(&all);
}

/* Many names below one domain, long ones: a tunnel through many small flows. */
static void test_dns_names(void **state)
{
	(void)state;
	static const struct {
		unsigned names;
		const char *pad;
		bool raised;
	} runs[] = {{300, "abcdefghijklmnopqrstuvwxyz", true},
		    {60, "abcdefghijklmnopqrstuvwxyz", false},
		    {300, "", false}};
	for (size_t r = 0; r < 3; r++) {
		struct lab l;
		lab_open(&l, "dns_data_exfiltration: {names: 100, label: 15}");
		lab_tick(&l, 0);
		tunnel(&l, runs[r].names, runs[r].pad);
		const struct lab_alert *a = lab_last(&l, "dns_data_exfiltration");
		assert_int_equal(a != NULL, runs[r].raised);
		assert_true(!a || strstr(a->message, " long names below tunnel.example"));
		lab_close(&l);
	}
}

/*
 * One alert per flow: the sum of the scores, the strongest check (the first of equals), and the
 * values of all that fired; severity from the sum. What the flow weighs on its hosts ends with it.
 */
static void test_alert_of_a_flow(void **state)
{
	(void)state;
	struct lab l;
	lab_open(&l, "zero_tcp_window: {count: 1}, long_lived: {duration: 60}");
	struct lab_flow f = lab_flow(&l, 1);
	f.lasts = 70;
	f.n.client_zwin = 5;
	f.app.risk_bits = 1ull << 6 | 1ull << 7; /* 100 each */
	lab_run(&f);
	const struct lab_alert *a = lab_last(&l, "tls_certificate_selfsigned");
	assert_non_null(a);
	assert_int_equal(l.n, 2); /* at detection, and in the periodic run */
	assert_int_equal(a->r.alert.revision, 2);
	assert_int_equal(a->r.alert.action, ACT_UPDATE);
	assert_int_equal(a->r.alert.score, 220);
	assert_int_equal(a->r.alert.client_score, 90 + 90 + 9 + 5);
	assert_int_equal(a->r.alert.severity, SEV_CRITICAL);
	assert_true(lab_has_line(a->all, "ndpi_tls_old_protocol_version") &&
		    lab_has_line(a->all, "zero_tcp_window"));
	assert_non_null(strstr(a->values, "risk=6"));
	assert_non_null(strstr(a->values, "zero_tcp_window.count=5\nzero_tcp_window.threshold=1"));
	assert_non_null(strstr(a->values, "long_lived.threshold=60"));
	lab_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_goldens),   cmocka_unit_test(test_all_have_one),
	    cmocka_unit_test(test_risks),     cmocka_unit_test(test_ordinary),
	    cmocka_unit_test(test_dns_names), cmocka_unit_test(test_alert_of_a_flow),
	};
	return cmocka_run_group_tests_name("checks_flow", tests, NULL, NULL);
}

/* Golden tests of host checks: what raises each, and what almost does. */
#include "lab.h"

/* A SYN that gets no answer, or a connection that does, from a client to a server and port. */
static void attempt(struct lab *l, double at, const char *client, const char *server, unsigned port,
		    bool answered)
{
	struct lab_flow f = lab_flow(l, at);
	f.key.client = lab_addr(client);
	f.key.server = lab_addr(server);
	f.key.server_port = (uint16_t)port;
	f.lasts = 0.01;
	if (!answered) {
		f.n = (struct g_flow_count){.client_packets = 1,
					    .client_bytes = 60,
					    .client_syns = 1,
					    .client_flags = 2,
					    .end_reason = END_IDLE};
		memset(&f.app, 0, sizeof f.app);
	}
	lab_run(&f);
}

static void attempts(struct lab *l, unsigned n, bool answered)
{
	for (unsigned i = 0; i < n; i++)
		attempt(l, 1 + i * 0.1, "10.0.0.1", "10.0.0.2", 1000 + i, answered);
}

HIT(syn_scan)
{
	attempts(l, 51, false);
}
MISS(syn_scan)
{
	attempts(l, 50, false);
	attempts(l, 50, true);
}
HIT(scan_detection)
{
	attempts(l, 21, false);
}
MISS(scan_detection)
{
	attempts(l, 20, false);
	attempts(l, 20, true);
}

static void fins(struct lab *l, unsigned n, unsigned flags)
{
	for (unsigned i = 0; i < n; i++) {
		struct lab_flow f = lab_flow(l, 1 + i * 0.1);
		f.key.midstream = true;
		f.n = (struct g_flow_count){
		    .client_packets = 1, .client_bytes = 60, .client_flags = (uint8_t)flags};
		lab_run(&f);
	}
}

HIT(fin_scan)
{
	fins(l, 31, 1);
}
MISS(fin_scan)
{
	fins(l, 30, 1);
	fins(l, 30, 0x11);
}

/* n flows within a second or spread over more. */
static void flows(struct lab *l, unsigned n, double gap, uint32_t rsts, uint32_t syns)
{
	for (unsigned i = 0; i < n; i++) {
		struct lab_flow f = lab_flow(l, 1 + i * gap);
		f.lasts = 0;
		f.n.client_rsts = rsts;
		f.n.client_syns = syns;
		lab_run(&f);
	}
}

HIT(rst_scan)
{
	flows(l, 21, 0.01, 1, 1);
}
MISS(rst_scan)
{
	flows(l, 30, 0.2, 1, 1);
}
HIT(flow_flood)
{
	flows(l, 31, 0.01, 0, 1);
}
MISS(flow_flood)
{
	flows(l, 60, 0.05, 0, 1);
}
HIT(syn_flood)
{
	flows(l, 9, 0.01, 0, 5);
}
MISS(syn_flood)
{
	flows(l, 8, 0.01, 0, 5);
}

static void packets(struct lab *l, unsigned app, unsigned proto, uint64_t n, double seconds)
{
	struct lab_flow f = lab_udp(l, 1, app, 1234);
	f.key.proto = (uint8_t)proto;
	f.lasts = seconds;
	f.n.client_packets = n;
	lab_run(&f);
}

HIT(icmp_flood)
{
	packets(l, APP_ICMP, 1, 4100, 40);
}
MISS(icmp_flood)
{
	packets(l, APP_ICMP, 1, 3900, 40);
}
HIT(dns_flood)
{
	packets(l, APP_DNS, 17, 101, 1);
}
MISS(dns_flood)
{
	packets(l, APP_DNS, 17, 150, 2);
}
HIT(snmp_flood)
{
	packets(l, APP_SNMP, 17, 101, 1);
}
MISS(snmp_flood)
{
	packets(l, APP_NTP, 17, 101, 1);
}

static void sweep(struct lab *l, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char server[20];
		snprintf(server, sizeof server, "10.0.1.%u", i + 1);
		attempt(l, 1 + i * 0.1, "10.0.0.1", server, 22, false);
	}
}

HIT(host_scanner)
{
	sweep(l, 30);
}
MISS(host_scanner)
{
	sweep(l, 12);
}

HIT(rx_only_host_scan)
{
	for (unsigned i = 0; i < 40; i++)
		attempt(l, 1 + i * 0.1, "192.0.2.1", "10.0.0.9", 1 + i, false);
}

MISS(rx_only_host_scan)
{
	attempt(l, 1, "10.0.0.9", "192.0.2.1", 443, true); /* it speaks */
	for (unsigned i = 0; i < 40; i++)
		attempt(l, 2 + i * 0.1, "192.0.2.1", "10.0.0.9", 1 + i, false);
}

/* Servers of a kind that one client asks, 'base' and up. */
static void servers(struct lab *l, unsigned n, unsigned app, unsigned port)
{
	for (unsigned i = 0; i < n; i++) {
		char server[20];
		struct lab_flow f = lab_udp(l, 1 + i, app, port);
		snprintf(server, sizeof server, "192.0.2.%u", i + 1);
		f.key.server = lab_addr(server);
		lab_run(&f);
	}
}

HIT(dns_contacts)
{
	servers(l, 12, APP_DNS, 53);
}
MISS(dns_contacts)
{
	servers(l, 4, APP_DNS, 53);
}
HIT(ntp_contacts)
{
	servers(l, 12, APP_NTP, 123);
}
MISS(ntp_contacts)
{
	servers(l, 4, APP_NTP, 123);
}
HIT(smtp_contacts)
{
	servers(l, 12, APP_SMTP, 25);
}
MISS(smtp_contacts)
{
	servers(l, 4, APP_SMTP, 25);
}
HIT(contacts)
{
	servers(l, 40, APP_QUIC, 443);
}
MISS(contacts)
{
	servers(l, 20, APP_QUIC, 443);
}

static void names(struct lab *l, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char name[40];
		struct lab_flow f = lab_udp(l, 1 + i * 0.1, APP_DNS, 53);
		snprintf(name, sizeof name, "n%u.example.org", i * 31);
		f.app.host = lab_text(&f, name);
		lab_run(&f);
	}
}

HIT(domain_names_contacts)
{
	names(l, 150);
}
MISS(domain_names_contacts)
{
	names(l, 60);
}

/* An open session: its verdict, and no end. */
static void session(struct lab *l, unsigned category)
{
	struct lab_flow f = lab_flow(l, 1);
	struct r_verdict v;
	f.app.category_id = (uint16_t)category;
	v = (struct r_verdict){.key = f.key, .app = f.app};
	v.key.first = lab_time(1);
	lab_verdict(l, &v, &f.text);
	buf_release(&f.text);
	lab_tick(l, 61);
}

HIT(remote_connection)
{
	session(l, CAT_ID_REMOTE_ACCESS);
}
MISS(remote_connection)
{
	session(l, 5);
}

HIT(server_ports_contacts)
{
	attempt(l, 1, "192.0.2.1", "10.0.0.2", 22, true);
	attempt(l, 500, "192.0.2.1", "10.0.0.2", 23, true);
}
MISS(server_ports_contacts)
{
	attempt(l, 1, "192.0.2.1", "10.0.0.2", 22, true);
	attempt(l, 90, "192.0.2.1", "10.0.0.2", 23, true);
	attempt(l, 500, "192.0.2.1", "10.0.0.2", 23, true);
	attempt(l, 501, "192.0.2.1", "10.0.0.2", 24, false);
}

/* A MAC with a local address, and remote ones behind it. */
static void routed(struct lab *l, unsigned remote)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr("10.0.0.254");
	f.key.client_mac = f.key.server_mac;
	lab_run(&f);
	for (unsigned i = 0; i < remote; i++) {
		char server[20];
		f = lab_flow(l, 2 + i);
		snprintf(server, sizeof server, "198.51.100.%u", i * 7 + 1);
		f.key.server = lab_addr(server);
		lab_run(&f);
	}
}

HIT(unexpected_gateway)
{
	routed(l, 30);
}
MISS(unexpected_gateway)
{
	routed(l, 1);
}

static void asked(struct lab *l, unsigned n, unsigned answered)
{
	for (unsigned i = 0; i < n; i++) {
		struct lab_flow f = lab_udp(l, 1 + i, APP_DNS, 53);
		f.n.server_packets = i < answered;
		lab_run(&f);
	}
}

HIT(request_reply_ratio)
{
	asked(l, 21, 8);
}
MISS(request_reply_ratio)
{
	asked(l, 21, 9);
}

/* Open flows with a risk of score 100, 90 of it on the client. */
static void risky(struct lab *l, unsigned n, double until)
{
	for (unsigned i = 0; i < n; i++) {
		struct lab_flow f = lab_flow(l, 1);
		struct r_verdict v = {.key = f.key, .app = f.app};
		v.app.risk_bits = 1ull << 6;
		v.key.first = lab_time(1);
		lab_verdict(l, &v, &f.text);
		buf_release(&f.text);
	}
	for (double at = 60; at <= until; at += 60)
		lab_tick(l, at + 1);
}

HIT(score_threshold)
{
	risky(l, 12, 60);
}
MISS(score_threshold)
{
	risky(l, 11, 60);
}
HIT(dangerous_host)
{
	risky(l, 12, 240);
}
MISS(dangerous_host)
{
	risky(l, 12, 120);
}

/* So many flows are open at the end of the five minutes. */
static void open_flows(struct lab *l, double at, double n)
{
	static uint64_t id = 1000000;
	static unsigned open;
	open = at < 60 ? 0 : open; /* the first of a series */
	for (; open < (unsigned)n; open++) {
		struct lab_flow f = lab_flow(l, at);
		struct r_verdict v = {.key = f.key, .app = f.app};
		v.key.id.lo = id + open;
		v.app.risk_bits = 1ull << 6;
		v.key.first = lab_time(at);
		lab_verdict(l, &v, &f.text);
		buf_release(&f.text);
	}
	for (; open > (unsigned)n; open--) {
		struct lab_flow f = lab_flow(l, at);
		struct r_end end = {.key = f.key, .n = f.n};
		end.key.id.lo = id + open - 1;
		end.key.first = end.n.start = end.n.last = lab_time(at);
		end.key.sensor = str_put_raw(&f.text, "s", 1);
		engine_end(l->e, &end, f.text.p);
		buf_release(&f.text);
	}
}

HIT(flows_anomaly)
{
	lab_steady(l, 30, open_flows);
}
MISS(flows_anomaly)
{
	lab_steady(l, 6, open_flows);
}
HIT(score_anomaly)
{
	lab_steady(l, 30, open_flows);
}
MISS(score_anomaly)
{
	lab_steady(l, 6, open_flows);
}

static void carry(struct lab *l, double at, uint64_t bytes, unsigned app)
{
	struct lab_flow f = lab_udp(l, at, app, 5000);
	f.n.client_bytes = bytes;
	f.n.server_bytes = 0;
	f.n.client_packets = bytes / 1000;
	lab_run(&f);
}

static void bytes(struct lab *l, double at, unsigned units, unsigned seconds)
{
	(void)seconds;
	carry(l, at, units * 100000ull, APP_QUIC);
}
ALL_PERIOD_RUNS(bytes)

static void mbits(struct lab *l, double at, unsigned units, unsigned seconds)
{
	carry(l, at, units * 1000000ull / 8 * seconds, APP_QUIC);
}
ALL_PERIOD_RUNS(mbits)

static void new_flows(struct lab *l, double at, unsigned units, unsigned seconds)
{
	(void)seconds;
	for (unsigned i = 0; i < units; i++)
		attempt(l, at + i * 0.1, "10.0.0.1", "10.0.0.2", 1000 + i, true);
}
ALL_PERIOD_RUNS(new_flows)

static void kilopackets(struct lab *l, double at, unsigned units, unsigned seconds)
{
	(void)seconds;
	carry(l, at, units * 1000000ull, APP_QUIC);
}
ALL_PERIOD_RUNS(kilopackets)

HIT(dns_traffic)
{
	carry(l, 1, 2001, APP_DNS);
}
MISS(dns_traffic)
{
	carry(l, 1, 2001, APP_NTP);
}
HIT(ntp_traffic)
{
	carry(l, 1, 2001, APP_NTP);
}
MISS(ntp_traffic)
{
	carry(l, 1, 2000, APP_NTP);
}
HIT(p2p_traffic)
{
	carry(l, 1, 2001, APP_BITTORRENT);
}
MISS(p2p_traffic)
{
	carry(l, 1, 2001, APP_HTTP);
}

static void active(struct lab *l, unsigned minutes)
{
	for (unsigned i = 0; i < minutes; i++) {
		carry(l, i * 60 + 1, 1000, APP_QUIC);
		lab_tick(l, i * 60 + 61);
	}
	lab_tick(l, 3601);
}

HIT(host_active_time)
{
	active(l, 11);
}
MISS(host_active_time)
{
	active(l, 10);
}

static void lease(struct lab *l, const char *given)
{
	struct lab_flow f = lab_udp(l, 1, APP_DHCP, 68);
	f.key.client = lab_addr("10.0.0.67");
	f.key.server = lab_addr("255.255.255.255");
	f.key.client_port = 67;
	f.app.dhcp_address = lab_addr(given);
	lab_run(&f);
}

HIT(ip_outside_dhcp_range)
{
	lease(l, "10.0.2.5");
}
MISS(ip_outside_dhcp_range)
{
	lease(l, "10.0.1.5");
}

static void sessions(struct lab *l, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		session(l, CAT_ID_REMOTE_ACCESS);
}

static void two_sessions(struct lab *l)
{
	sessions(l, 2);
}

static void one_session(struct lab *l)
{
	sessions(l, 1);
}

static void active_in_a_day(struct lab *l)
{
	active(l, 11);
	lab_tick(l, 86401);
}

static void less_active_in_a_day(struct lab *l)
{
	active(l, 10);
	lab_tick(l, 86401);
}

static const struct golden goldens[] = {
    PERIOD_GOLDENS(host_traffic_volume, bytes, "1000000"),
    PERIOD_GOLDENS(host_bytes_sent, bytes, "1000000"),
    PERIOD_GOLDENS(host_throughput, mbits, "10"),
    PERIOD_GOLDENS(host_new_flows, new_flows, "10"),
    PERIOD_GOLDENS(pkt_threshold, kilopackets, "10000"),
    PARAM(remote_connection, "threshold: 1", two_sessions, one_session),
    PARAM(host_active_time, "day: 10", active_in_a_day, less_active_in_a_day),
    GOLDEN(syn_scan, "threshold: 50"),
    GOLDEN(fin_scan, "threshold: 30"),
    GOLDEN(rst_scan, "threshold: 20"),
    GOLDEN(scan_detection, "threshold: 20"),
    GOLDEN(host_scanner, "threshold: 16"),
    GOLDEN(rx_only_host_scan, "callers: 30, ports: 20"),
    GOLDEN(flow_flood, "threshold: 30"),
    GOLDEN(syn_flood, "threshold: 40"),
    GOLDEN(icmp_flood, "threshold: 100"),
    GOLDEN(dns_flood, "threshold: 100"),
    GOLDEN(snmp_flood, "threshold: 100"),
    GOLDEN(dns_contacts, "threshold: 7"),
    GOLDEN(ntp_contacts, "threshold: 7"),
    GOLDEN(smtp_contacts, "threshold: 7"),
    GOLDEN(domain_names_contacts, "threshold: 100"),
    GOLDEN(contacts, "threshold: 30"),
    GOLDEN(remote_connection, ""),
    GOLDEN(server_ports_contacts, "learning: 2m"),
    GOLDEN(unexpected_gateway, "gateways: [10.0.0.1]"),
    GOLDEN(request_reply_ratio, "ratio: 40, requests: 20"),
    GOLDEN(score_threshold, "threshold: 1000"),
    GOLDEN(dangerous_host, "threshold: 1000, minutes: 3"),
    GOLDEN(score_anomaly, "learning: 10, floor: 200"),
    GOLDEN(flows_anomaly, "learning: 10, floor: 3"),
    GOLDEN(dns_traffic, "threshold: 2000"),
    GOLDEN(ntp_traffic, "threshold: 2000"),
    GOLDEN(p2p_traffic, "threshold: 2000"),
    GOLDEN(host_active_time, "hour: 10"),
    GOLDEN(ip_outside_dhcp_range, "pools: [10.0.1.0/24]"),
};

static void test_goldens(void **state)
{
	(void)state;
	golden_test(goldens, sizeof goldens / sizeof *goldens);
}

/* countries_contacts needs a database: test_checks_place.c makes one up. */
static bool ours(const struct checkdef *d)
{
	return d->entity == ENT_HOST && strcmp(d->key, "countries_contacts") != 0;
}

static void test_all_have_one(void **state)
{
	(void)state;
	golden_complete(goldens, sizeof goldens / sizeof *goldens, ours);
}

/* The life of an episode: raised after two runs, told again when grown, kept within the band, ended
 * below it. */
static void test_life(void **state)
{
	(void)state;
	static const struct {
		unsigned packets;
		unsigned engaged, updated, released;
	} minutes[] = {{110, 0, 0, 0}, {90, 0, 0, 0},  {110, 0, 0, 0},
		       {110, 1, 0, 0}, {140, 1, 0, 0}, {170, 1, 1, 0},
		       {60, 1, 1, 0},  {50, 1, 1, 1},  {0, 1, 1, 1}};
	struct lab l;
	lab_open(
	    &l, "pkt_threshold: {enabled: no}, dns_traffic: {threshold: 100, after: 2, clear: 50}");
	lab_tick(&l, 0);
	for (size_t i = 0; i < sizeof minutes / sizeof *minutes; i++) {
		if (minutes[i].packets)
			carry(&l, (double)i * 60 + 1, minutes[i].packets, APP_DNS);
		lab_tick(&l, (double)i * 60 + 61);
		/* client and server each have theirs */
		assert_int_equal(lab_count(&l, "dns_traffic", ACT_ENGAGE), 2 * minutes[i].engaged);
		assert_int_equal(lab_count(&l, "dns_traffic", ACT_UPDATE), 2 * minutes[i].updated);
		assert_int_equal(lab_count(&l, "dns_traffic", ACT_RELEASE),
				 2 * minutes[i].released);
	}
	const struct lab_alert *a = lab_last(&l, "dns_traffic");
	assert_int_equal(a->r.alert.action, ACT_RELEASE);
	assert_int_equal(a->r.alert.revision, 3);
	assert_int_equal(a->r.alert.release_cause, CAUSE_CLEARED);
	assert_int_equal(a->r.alert.end - a->r.alert.time, 240 * SEC_NS);
	assert_non_null(strstr(a->values, "threshold=100\nduration=240"));
	lab_close(&l);
}

/* An engaged alert weighs on its host, as attacker or as victim, until it ends. */
static void test_score(void **state)
{
	(void)state;
	struct lab l;
	lab_open(&l, "syn_scan: {threshold: 50}, scan_detection: {enabled: no}, rx_only_host_scan: "
		     "{enabled: no}");
	lab_tick(&l, 0);
	attempts(&l, 60, false);
	lab_tick(&l, 61);
	assert_int_equal(lab_count(&l, "syn_scan", ACT_ENGAGE), 2);
	for (size_t i = 0; i < l.n; i++) {
		const struct r_alert *r = &l.alerts[i].r;
		bool attacker = addr_is_set(&r->alert.attacker);
		if (strcmp(l.alerts[i].key, "syn_scan") != 0)
			continue;
		assert_int_equal(r->alert.client_score, attacker ? 50 : 0);
		assert_int_equal(r->alert.server_score, attacker ? 0 : 50);
		assert_int_equal(attacker ? r->host.client_score : r->host.server_score, 50);
		assert_string_equal(l.alerts[i].who, attacker ? "10.0.0.1" : "10.0.0.2");
	}
	lab_tick(&l, 121);
	assert_int_equal(lab_count(&l, "syn_scan", ACT_RELEASE), 2);
	assert_int_equal(lab_last(&l, "syn_scan")->r.host.score, 0);
	lab_close(&l);
}

/* Each period tells of itself, with its own granularity. */
static void test_periods(void **state)
{
	(void)state;
	struct lab l;
	bool seen[PERIODS] = {false};
	lab_open(&l,
		 "host_traffic_volume: {minute: 1000, five_minutes: 1000, hour: 1000, day: 1000}");
	lab_tick(&l, 0);
	carry(&l, 1, 5000, APP_QUIC);
	lab_tick(&l, 86401);
	for (size_t i = 0; i < l.n; i++)
		for (unsigned p = 0; p < PERIODS; p++)
			seen[p] |=
			    strcmp(l.alerts[i].key, "host_traffic_volume") == 0 &&
			    l.alerts[i].r.alert.granularity == period_seconds((enum period)p);
	for (unsigned p = 0; p < PERIODS; p++)
		assert_true(seen[p]);
	lab_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_goldens), cmocka_unit_test(test_all_have_one),
	    cmocka_unit_test(test_life), cmocka_unit_test(test_score),
	    cmocka_unit_test(test_periods)};
	return cmocka_run_group_tests_name("checks_host", tests, NULL, NULL);
}

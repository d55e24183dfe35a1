/* Golden tests of checks/host_contacts.c. */
#include "host.h"

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

static const struct golden table[] = {
    PARAM(remote_connection, "threshold: 1", two_sessions, one_session),
    GOLDEN(dns_contacts, "threshold: 7"),
    GOLDEN(ntp_contacts, "threshold: 7"),
    GOLDEN(smtp_contacts, "threshold: 7"),
    GOLDEN(domain_names_contacts, "threshold: 100"),
    GOLDEN(contacts, "threshold: 30"),
    GOLDEN(remote_connection, ""),
    GOLDEN(server_ports_contacts, "learning: 2m"),
    GOLDEN(unexpected_gateway, "gateways: [10.0.0.1]"),
    GOLDEN(request_reply_ratio, "ratio: 40, requests: 20"),
};
GOLDENS(host_contacts, table);

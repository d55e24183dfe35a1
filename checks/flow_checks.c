/* Flow checks that are not risks of nDPI. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "check.h"

enum { TCP = 6, UDP = 17 };
enum { SYN = 2, RST = 4, ACK = 16 };

/* nDPI's numbers of applications and categories that rules name. */
enum {
	APP_DNS = 5,
	APP_NTP = 9,
	APP_DHCP = 18,
	APP_SMTP = 3,
	APP_SMTPS = 29,
	APP_MDNS = 8,
	APP_SYSLOG = 17,
	APP_NETFLOW = 128,
	APP_SFLOW = 129,
	APP_RTP = 87,
	APP_COLLECTD = 298,
	CAT_ID_VPN = 2,
	CAT_ID_FILE_SHARING = 7,
	CAT_ID_REMOTE_ACCESS = 12,
};

static bool is_app(const struct flow_view *v, uint16_t id)
{
	return v->app->app_id == id || v->app->master_id == id;
}

static bool is_unicast(const struct flow_view *v)
{
	const struct addr *a = &v->key->server;
	return !addr_is_multicast(a) && !addr_is_broadcast(a);
}

static void copy(char *out, size_t size, const struct flow_view *v, struct str s)
{
	int n = s.len < size - 1 ? (int)s.len : (int)size - 1;
	snprintf(out, size, "%.*s", n, str_ptr(v->app_base, s));
}

/* Finds a word in a text that need not end with a NUL, ignoring case. */
static bool contains(const struct flow_view *v, struct str s, const char *word)
{
	size_t n = strlen(word);
	const char *p = str_ptr(v->app_base, s);
	for (uint32_t i = 0; i + n <= s.len; i++)
		if (strncasecmp(p + i, word, n) == 0)
			return true;
	return false;
}

/* -- names and headers -- */

static bool punycode(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	(void)k;
	char name[120];
	if (!contains(v, v->app->host, "xn--"))
		return false;
	copy(name, sizeof name, v, v->app->host);
	snprintf(f->message, sizeof f->message, "The name %s is written in punycode", name);
	snprintf(f->values, sizeof f->values, "name=%s", name);
	return true;
}

static bool crawler(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	(void)k;
	char agent[120];
	struct str s = v->app->http_agent;
	if (!s.len || (!contains(v, s, "crawler") && !contains(v, s, "bot") && !contains(v, s, "+http:") &&
		       !contains(v, s, " http:")))
		return false;
	copy(agent, sizeof agent, v, s);
	snprintf(f->message, sizeof f->message, "The User-Agent '%s' is a crawler's", agent);
	snprintf(f->values, sizeof f->values, "user_agent=%s", agent);
	return true;
}

static bool older_than(const char *text, const char *product, unsigned major, unsigned minor)
{
	unsigned a, b, c;
	size_t n = strlen(product);
	if (strncasecmp(text, product, n) != 0 || sscanf(text + n, "/%u.%u.%u", &a, &b, &c) != 3)
		return false;
	return a < major || (a == major && b < minor);
}

static bool obsolete_server(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	(void)k;
	char server[100];
	copy(server, sizeof server, v, v->app->http_server);
	if (!older_than(server, "Apache", 2, 4) && !older_than(server, "nginx", 1, 22))
		return false;
	snprintf(f->message, sizeof f->message, "The web server says it is %s", server);
	snprintf(f->values, sizeof f->values, "server=%s", server);
	return true;
}

static bool error_code(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	(void)k;
	unsigned code = v->app->http_status >= 400 && v->app->http_status <= 509 ? v->app->http_status : v->app->dns_rcode;
	if (!code)
		return false;
	snprintf(f->message, sizeof f->message, "The server answered with error %u", code);
	snprintf(f->values, sizeof f->values, "code=%u", code);
	return true;
}

/* -- traffic -- */

static bool unidirectional(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	(void)k;
	static const uint16_t quiet[] = { APP_NETFLOW, APP_SFLOW, APP_RTP, APP_COLLECTD, APP_SYSLOG, APP_MDNS };
	if ((v->n->client_packets && v->n->server_packets) || !is_unicast(v) || v->n->part)
		return false;
	for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
		if (is_app(v, quiet[i]))
			return false;
	unsigned long long n = v->n->client_packets + v->n->server_packets;
	snprintf(f->message, sizeof f->message, "%llu packets in one direction and none in the other", n);
	snprintf(f->values, sizeof f->values, "packets=%llu", n);
	return true;
}

static bool low_goodput(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	uint64_t bytes = v->n->client_bytes + v->n->server_bytes;
	uint64_t payload = v->n->client_payload + v->n->server_payload;
	if (v->key->proto != TCP || v->n->tcp_state < TS_ESTABLISHED || !bytes ||
	    (double)(v->n->client_packets + v->n->server_packets) < k->number[1])
		return false;
	double ratio = 100.0 * (double)payload / (double)bytes;
	if (ratio > k->number[0])
		return false;
	snprintf(f->message, sizeof f->message, "Only %.0f %% of the bytes are payload", ratio);
	snprintf(f->values, sizeof f->values, "ratio=%.1f\nthreshold=%g", ratio, k->number[0]);
	return true;
}

static bool zero_window(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	uint32_t n = v->n->client_zwin + v->n->server_zwin;
	if (v->key->proto != TCP || n <= k->number[0])
		return false;
	snprintf(f->message, sizeof f->message, "A TCP receive window of zero was announced %u times (client %u, server %u)",
		 n, v->n->client_zwin, v->n->server_zwin);
	snprintf(f->values, sizeof f->values, "count=%u\nthreshold=%g", n, k->number[0]);
	return true;
}

static bool packets_issues(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	double all = (double)(v->n->client_packets + v->n->server_packets);
	if (v->key->proto != TCP || all < 10)
		return false;
	double re = 100.0 * (v->n->client_retrans + v->n->server_retrans) / all;
	double ooo = 100.0 * (v->n->client_ooo + v->n->server_ooo) / all;
	double lost = 100.0 * (v->n->client_lost + v->n->server_lost) / all;
	if (re <= k->number[0] && ooo <= k->number[1] && lost <= k->number[2])
		return false;
	snprintf(f->message, sizeof f->message, "%.0f %% of the packets repeated, %.0f %% out of order, %.0f %% lost", re, ooo,
		 lost);
	snprintf(f->values, sizeof f->values,
		 "retransmissions=%.1f\nretransmissions_threshold=%g\nout_of_order=%.1f\nout_of_order_threshold=%g\n"
		 "lost=%.1f\nlost_threshold=%g",
		 re, k->number[0], ooo, k->number[1], lost, k->number[2]);
	return true;
}

static bool flow_reset(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	(void)k;
	if (v->key->proto != TCP || v->n->tcp_state != TS_RESET)
		return false;
	snprintf(f->message, sizeof f->message, "The %s reset the connection", v->n->server_rsts ? "server" : "client");
	snprintf(f->values, sizeof f->values, "client_rsts=%u\nserver_rsts=%u", v->n->client_rsts, v->n->server_rsts);
	return true;
}

static bool no_data(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	(void)k;
	if (v->key->proto != TCP || !is_unicast(v) || v->n->client_payload || v->n->server_payload || v->n->part)
		return false;
	snprintf(f->message, sizeof f->message, "The TCP connection carried no payload");
	snprintf(f->values, sizeof f->values, "packets=%llu",
		 (unsigned long long)(v->n->client_packets + v->n->server_packets));
	return true;
}

static bool broadcast_non_udp(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	(void)k;
	static const struct mac all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	bool to_all = addr_is_broadcast(&v->key->server) || memcmp(&v->key->server_mac, &all, sizeof all) == 0;
	if (!to_all || v->key->proto == UDP)
		return false;
	char p[4];
	snprintf(f->message, sizeof f->message, "%s was sent to everybody", proto_name(v->key->proto, p));
	snprintf(f->values, sizeof f->values, "proto=%u", v->key->proto);
	return true;
}

static bool elephant(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	if (v->client_local == v->server_local || !is_unicast(v))
		return false;
	uint64_t out = v->client_local ? v->n->client_bytes : v->n->server_bytes;
	uint64_t in = v->client_local ? v->n->server_bytes : v->n->client_bytes;
	if ((double)out <= k->number[0] && (double)in <= k->number[1])
		return false;
	snprintf(f->message, sizeof f->message, "The flow carried %llu bytes out and %llu bytes in", (unsigned long long)out,
		 (unsigned long long)in);
	snprintf(f->values, sizeof f->values, "bytes_out=%llu\nbytes_out_threshold=%.0f\nbytes_in=%llu\nbytes_in_threshold=%.0f",
		 (unsigned long long)out, k->number[0], (unsigned long long)in, k->number[1]);
	return true;
}

static bool long_lived(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	double seconds = v->n->last > v->key->first ? (double)(v->n->last - v->key->first) / 1e9 : 0;
	if (seconds <= k->number[0] || !is_unicast(v))
		return false;
	snprintf(f->message, sizeof f->message, "The flow has gone on for %.0f s", seconds);
	snprintf(f->values, sizeof f->values, "duration=%.0f\nthreshold=%g", seconds, k->number[0]);
	return true;
}

/* -- who speaks to whom -- */

/* A server of a kind that has a list, and is not on it, and answered. */
static bool unexpected(const struct flow_view *v, const struct check_conf *k, struct finding *f, const char *kind)
{
	char a[ADDR_STRLEN];
	if (!k->n_nets || !is_unicast(v) || !v->app->final || conf_in_nets(k, &v->key->server))
		return false;
	snprintf(f->message, sizeof f->message, "%s is no %s server that is expected", addr_str(&v->key->server, a), kind);
	snprintf(f->values, sizeof f->values, "server=%s", addr_str(&v->key->server, a));
	return true;
}

static bool unexpected_dns(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	/* A reply in sight is proof enough, without waiting for the last verdict. */
	char a[ADDR_STRLEN];
	if (!is_app(v, APP_DNS) || !v->app->dns_reply || !k->n_nets || !is_unicast(v) ||
	    conf_in_nets(k, &v->key->server))
		return false;
	snprintf(f->message, sizeof f->message, "%s is no DNS server that is expected", addr_str(&v->key->server, a));
	snprintf(f->values, sizeof f->values, "server=%s", addr_str(&v->key->server, a));
	return true;
}

static bool unexpected_ntp(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	return is_app(v, APP_NTP) && unexpected(v, k, f, "NTP");
}

static bool unexpected_smtp(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	return (is_app(v, APP_SMTP) || is_app(v, APP_SMTPS)) && unexpected(v, k, f, "mail");
}

static bool unexpected_dhcp(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	return is_app(v, APP_DHCP) && v->key->server_port == 67 && unexpected(v, k, f, "DHCP");
}

bool flow_is_remote_access(const struct g_flow_app *app)
{
	return app->category_id == CAT_ID_REMOTE_ACCESS || app->category_id == CAT_ID_VPN ||
	       app->category_id == CAT_ID_FILE_SHARING;
}

static bool remote_access(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	(void)k;
	char app[40];
	if (!flow_is_remote_access(v->app) || (v->client_local && v->server_local) || !is_unicast(v))
		return false;
	copy(app, sizeof app, v, v->app->app);
	snprintf(f->message, sizeof f->message, "%s between a local and a remote host", app);
	snprintf(f->values, sizeof f->values, "app=%s", app);
	return true;
}

static bool remote_to_remote(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	(void)k;
	if (v->client_local || v->server_local || !is_unicast(v))
		return false;
	snprintf(f->message, sizeof f->message, "Neither side is in a local network");
	return true;
}

static bool remote_to_local_insecure(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	(void)k;
	char app[40];
	if (v->client_local || !v->server_local || v->app->state != VERDICT_DPI ||
	    (!contains(v, v->app->breed, "unsafe") && !contains(v, v->app->breed, "dangerous")))
		return false;
	copy(app, sizeof app, v, v->app->app);
	snprintf(f->message, sizeof f->message, "A remote host reached a local one over %s, which is unsafe", app);
	snprintf(f->values, sizeof f->values, "app=%s", app);
	return true;
}

const struct flow_check flow_checks[] = {
	{ "ndpi_punicody_idn", punycode },
	{ "ndpi_http_crawler_bot", crawler },
	{ "ndpi_http_obsolete_server", obsolete_server },
	{ "ndpi_error_code_detected", error_code },
	{ "ndpi_unidirectional_traffic", unidirectional },
	{ "low_goodput", low_goodput },
	{ "zero_tcp_window", zero_window },
	{ "tcp_packets_issues", packets_issues },
	{ "tcp_flow_reset", flow_reset },
	{ "tcp_no_data_exchanged", no_data },
	{ "unexpected_dns", unexpected_dns },
	{ "unexpected_ntp", unexpected_ntp },
	{ "unexpected_smtp", unexpected_smtp },
	{ "unexpected_dhcp", unexpected_dhcp },
	{ "remote_access", remote_access },
	{ "remote_to_remote", remote_to_remote },
	{ "remote_to_local_insecure_flow", remote_to_local_insecure },
	{ "broadcast_non_udp_traffic", broadcast_non_udp },
	{ "elephant_flows", elephant },
	{ "long_lived", long_lived },
};
const size_t n_flow_checks = sizeof flow_checks / sizeof *flow_checks;

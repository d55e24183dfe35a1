/* Addresses, names and fingerprints of lists that the topology gives. */
#include "flow_util.h"

static bool domain_listed(const struct flow_view *v, const struct check_conf *k, struct finding *f, const char *what)
{
	char name[120];
	struct str s = v->app->host;
	if (!conf_has_domain(k, str_ptr(v->app_base, s), s.len))
		return false;
	flow_text(name, sizeof name, v, s);
	SAY(f, "The name %s is %s", name, what);
	VALUES(f, "name=%s", name);
	return true;
}

FLOW_CHECK(blacklisted)
{
	return domain_listed(v, k, f, "listed");
}

FLOW_CHECK(ndpi_risky_domain)
{
	return domain_listed(v, k, f, "on the list of risky domains");
}

FLOW_CHECK(ndpi_malware_host_contacted)
{
	return domain_listed(v, k, f, "on the list of malware's hosts");
}

static bool address_listed(const struct flow_view *v, const struct check_conf *k, struct finding *f, bool server)
{
	char a[ADDR_STRLEN];
	const struct addr *ip = server ? &v->key->server : &v->key->client;
	if (!conf_in_nets(k, ip))
		return false;
	SAY(f, "The %s %s is listed", server ? "server" : "client", addr_str(ip, a));
	VALUES(f, "%s=%s\nanswered=%s", server ? "server" : "client", addr_str(ip, a), v->n->server_packets ? "yes" : "no");
	return true;
}

FLOW_CHECK(blacklisted_client_contact)
{
	return !v->client_local && v->server_local && address_listed(v, k, f, false);
}

/* An ICMP flow may be no more than the echo of an earlier contact: it is left to whoever looks at that. */
FLOW_CHECK(blacklisted_server_contact)
{
	bool icmp = v->key->proto == IPPROTO_ICMP || v->key->proto == IPPROTO_ICMPV6;
	return !icmp && v->client_local && !v->server_local && address_listed(v, k, f, true);
}

FLOW_CHECK(ndpi_anonymous_subscriber)
{
	char a[ADDR_STRLEN];
	if (!conf_in_nets(k, &v->key->client))
		return false;
	SAY(f, "The client %s belongs to a relay or VPN service", addr_str(&v->key->client, a));
	VALUES(f, "client=%s", addr_str(&v->key->client, a));
	return true;
}

FLOW_CHECK(country_check)
{
	char a[ADDR_STRLEN];
	for (int server = 0; server < 2; server++) {
		const struct host *h = server ? v->server : v->client;
		if (!h || !*h->place.country || !conf_has_text(k, h->place.country, strlen(h->place.country)))
			continue;
		SAY(f, "The %s %s is in %s", server ? "server" : "client", addr_str(&h->ip, a), h->place.country);
		VALUES(f, "country=%s", h->place.country);
		return true;
	}
	return false;
}

FLOW_CHECK(ndpi_risky_asn)
{
	if (!v->server || !v->server->place.asn || !conf_has_number(k, v->server->place.asn))
		return false;
	SAY(f, "The server is in AS %u", v->server->place.asn);
	VALUES(f, "asn=%u", v->server->place.asn);
	return true;
}

static bool fingerprint_listed(const struct flow_view *v, const struct check_conf *k, struct finding *f, struct str s,
			       const char *what)
{
	char text[64];
	if (!s.len || !conf_has_text(k, str_ptr(v->app_base, s), s.len))
		return false;
	flow_text(text, sizeof text, v, s);
	SAY(f, "The fingerprint of the %s is listed: %s", what, text);
	VALUES(f, "fingerprint=%s", text);
	return true;
}

FLOW_CHECK(ndpi_malicious_fingerprint)
{
	return fingerprint_listed(v, k, f, v->app->tls_ja3c, "client");
}

FLOW_CHECK(ndpi_malicious_sha1_certificate)
{
	return fingerprint_listed(v, k, f, v->app->tls_sha1, "certificate");
}

FLOW_CHECK(web_mining)
{
	char app[40];
	if (!is_app(v, APP_MINING) && v->app->category_id != CAT_ID_MINING)
		return domain_listed(v, k, f, "that of a mining pool");
	flow_text(app, sizeof app, v, v->app->app);
	SAY(f, "The flow mines cryptocurrency (%s)", app);
	VALUES(f, "app=%s", app);
	return true;
}

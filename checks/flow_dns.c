/* Names, and what is smuggled in them. */
#include "flow_util.h"
#include "host.h"

FLOW_CHECK(ndpi_punicody_idn)
{
	char name[120];
	if (!flow_contains(v, v->app->host, "xn--"))
		return false;
	flow_text(name, sizeof name, v, v->app->host);
	SAY(f, "The name %s is written in punycode", name);
	VALUES(f, "name=%s", name);
	return true;
}

FLOW_CHECK(dns_invalid_query)
{
	char name[120];
	struct str s = v->app->dns_query;
	bool odd = false;
	const char *p = str_ptr(v->app_base, s);
	for (uint32_t i = 0; i < s.len; i++)
		odd |= (unsigned char)p[i] < 0x21 || (unsigned char)p[i] > 0x7e;
	if (!odd && s.len <= k->number[0])
		return false;
	flow_text(name, sizeof name, v, s);
	SAY(f, "The name asked for %s: %s", odd ? "has unprintable characters" : "is very long", name);
	VALUES(f, "length=%u\nthreshold=%.15g", s.len, k->number[0]);
	return true;
}

/* The reply has addresses, and the smallest of their times to live is none. */
FLOW_CHECK(ndpi_minor_issues)
{
	char name[120];
	if (!v->app->dns_reply || !v->app->dns_addresses.len || v->app->dns_ttl || is_app(v, APP_MDNS))
		return false;
	flow_text(name, sizeof name, v, v->app->dns_query);
	SAY(f, "The addresses of %s must not be kept (time to live 0)", name);
	VALUES(f, "ttl=0\nname=%s", name);
	return true;
}

/* UDP: DNS over TCP or TLS keeps its connection and carries what it likes. */
static bool carries_much(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	double packets = (double)flow_packets(v), bytes = (double)(v->n->client_bytes + v->n->server_bytes);
	if (v->key->proto != IPPROTO_UDP || (packets <= k->number[0] && bytes <= k->number[1]))
		return false;
	SAY(f, "One DNS flow carried %.0f packets and %.0f bytes", packets, bytes);
	VALUES(f, "packets=%.0f\npackets_threshold=%.15g\nbytes=%.0f\nbytes_threshold=%.15g", packets, k->number[0], bytes,
	       k->number[1]);
	return true;
}

static bool asks_many(const struct flow_view *v, const struct check_conf *k, struct finding *f)
{
	char domain[120];
	struct str name = v->app->dns_query;
	if (v->facts->dns_names <= k->number[2] || v->facts->dns_label < k->number[3])
		return false;
	uint32_t at = (uint32_t)host_domain_at(str_ptr(v->app_base, name), name.len);
	flow_text(domain, sizeof domain, v, (struct str){ name.off + at, name.len - at });
	SAY(f, "The client asked for about %u long names below %s", v->facts->dns_names, domain);
	VALUES(f, "names=%u\nnames_threshold=%.15g\nlabel=%u\nlabel_threshold=%.15g", v->facts->dns_names, k->number[2],
	       v->facts->dns_label, k->number[3]);
	return true;
}

FLOW_CHECK(dns_data_exfiltration)
{
	if (!is_app(v, APP_DNS) || is_app(v, APP_MDNS))
		return false;
	return carries_much(v, k, f) || (v->hook == HOOK_DETECTED && asks_many(v, k, f));
}

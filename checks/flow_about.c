/* What a flow is: which of the conditions of enum check_if it meets. */
#include "flow_util.h"

/* Asked for each record of a flow: or'ed, since a branch for each part would often be guessed wrong. */
static bool has_http(const struct g_flow_app *a)
{
	return a->http_url.len | a->http_agent.len | a->http_server.len | a->http_type.len;
}

static bool has_tls(const struct g_flow_app *a)
{
	return a->tls_version_id | a->tls_ja3c.len | a->tls_sha1.len | a->tls_strength.len;
}

static bool has_dns(const struct g_flow_app *a)
{
	return app_is(a, APP_DNS) | (a->dns_query.len != 0) | a->dns_reply;
}

static bool has_scada(const struct g_flow_app *a)
{
	return a->iec_types.len | a->modbus_codes.len | a->modbus_errors;
}

static bool has_learned(const struct flow_facts *f)
{
	return f->new_edge | f->new_name | f->periodic | (f->pace != 0) | (*f->new_order != '\0');
}

unsigned flow_about(const struct flow_view *v)
{
	const struct addr *server = &v->key->server;
	uint8_t proto = v->key->proto;
	unsigned met = 0;
	met |= !addr_is_multicast(server) && !addr_is_broadcast(server) ? IF_UNICAST : 0;
	met |= proto == IPPROTO_TCP ? IF_TCP : 0;
	met |= proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6 ? IF_ICMP : 0;
	met |= v->app->host.len ? IF_NAMED : 0;
	met |= has_http(v->app) ? IF_HTTP : 0;
	met |= has_tls(v->app) ? IF_TLS : 0;
	met |= has_dns(v->app) ? IF_DNS : 0;
	met |= has_scada(v->app) ? IF_SCADA : 0;
	met |= has_learned(v->facts) ? IF_LEARNED : 0;
	return met;
}

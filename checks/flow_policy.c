/* Who may speak to whom, and how. */
#include "flow_util.h"

/* A server of a kind that has a list, and is not on it. */
static bool unexpected(const struct addr *server, const struct check_conf *k, struct finding *f, const char *kind)
{
	char a[ADDR_STRLEN];
	if (conf_in_nets(k, server))
		return false;
	SAY(f, "%s is no %s server that is expected", addr_str(server, a), kind);
	VALUES(f, "server=%s", addr_str(server, a));
	return true;
}

/* A DNS reply in sight is proof enough, without waiting for the last verdict. */
FLOW_CHECK(unexpected_dns)
{
	return is_app(v, APP_DNS) && v->app->dns_reply && unexpected(&v->key->server, k, f, "DNS");
}

FLOW_CHECK(unexpected_ntp)
{
	return is_app(v, APP_NTP) && v->final && unexpected(&v->key->server, k, f, "NTP");
}

FLOW_CHECK(unexpected_smtp)
{
	return (is_app(v, APP_SMTP) || is_app(v, APP_SMTPS)) && v->final && unexpected(&v->key->server, k, f, "mail");
}

/* Who speaks from port 67 is a server (RFC 2131 section 4.1); an answer that is broadcast is a flow of its own. */
FLOW_CHECK(unexpected_dhcp)
{
	if (!is_app(v, APP_DHCP) || !v->final)
		return false;
	if (v->key->client_port == 67)
		return unexpected(&v->key->client, k, f, "DHCP");
	if (v->key->server_port != 67 || !v->n->server_packets || addr_is_broadcast(&v->key->server))
		return false;
	return unexpected(&v->key->server, k, f, "DHCP");
}

FLOW_CHECK(remote_access)
{
	char app[40];
	if (!app_is_remote_access(v->app) || (v->client_local && v->server_local))
		return false;
	flow_text(app, sizeof app, v, v->app->app);
	SAY(f, "%s between a local and a remote host", app);
	VALUES(f, "app=%s", app);
	return true;
}

FLOW_CHECK(remote_to_remote)
{
	char a[2][ADDR_STRLEN];
	if (v->client_local || v->server_local)
		return false;
	SAY(f, "Neither %s nor %s is in a local network", addr_str(&v->key->client, a[0]), addr_str(&v->key->server, a[1]));
	return true;
}

FLOW_CHECK(remote_to_local_insecure_flow)
{
	char app[40];
	bool banned = v->app->category_id == CAT_ID_MALWARE || v->app->category_id == CAT_ID_BANNED;
	if (v->client_local || !v->server_local || v->app->state != VERDICT_DPI)
		return false;
	if (!banned && !flow_contains(v, v->app->breed, "unsafe") && !flow_contains(v, v->app->breed, "dangerous"))
		return false;
	flow_text(app, sizeof app, v, v->app->app);
	SAY(f, "A remote host reached a local one over %s, which is unsafe", app);
	VALUES(f, "app=%s", app);
	return true;
}

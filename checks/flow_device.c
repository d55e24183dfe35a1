/* What devices of a kind have no business with. */
#include <strings.h>

#include "flow_util.h"

/* The kind that the topology names for an address ("10.0.0.5=printer"), else what the host says of itself. */
static const char *kind_of(const struct check_conf *k, const struct addr *ip, const struct host *h)
{
	for (size_t i = 0; k->list.n_pairs && i < k->list.n_texts; i++) {
		const char *eq = strchr(k->list.texts[i], '=');
		struct cidr net;
		if (eq && cidr_parse(k->list.texts[i], (size_t)(eq - k->list.texts[i]), &net) == 0 && cidr_contains(&net, ip))
			return eq + 1;
	}
	return h && *h->kind ? h->kind : NULL;
}

static bool names_app(const struct flow_view *v, const char *app)
{
	return str_eq(v->app_base, v->app->app, app) || str_eq(v->app_base, v->app->master, app) ||
	       str_eq(v->app_base, v->app->category, app);
}

/* The line of the policy that forbids it: kind:role:application. */
static const char *forbidden(const struct flow_view *v, const struct check_conf *k, const char *kind, const char *role)
{
	size_t n = strlen(kind), m = strlen(role);
	for (size_t i = 0; i < k->list.n_texts; i++) {
		const char *line = k->list.texts[i];
		if (strncasecmp(line, kind, n) == 0 && line[n] == ':' && strncasecmp(line + n + 1, role, m) == 0 &&
		    line[n + 1 + m] == ':' && names_app(v, line + n + 1 + m + 1))
			return line;
	}
	return NULL;
}

FLOW_CHECK(device_protocol_not_allowed)
{
	char app[40], a[ADDR_STRLEN];
	if (is_app(v, APP_DNS) || is_app(v, APP_DHCP))
		return false;
	for (int server = 0; server < 2; server++) {
		const struct addr *ip = server ? &v->key->server : &v->key->client;
		const char *kind = kind_of(k, ip, server ? v->server : v->client);
		const char *rule = kind ? forbidden(v, k, kind, server ? "server" : "client") : NULL;
		if (!rule || (server && !v->n->server_packets)) /* a server is judged by what it answers */
			continue;
		flow_text(app, sizeof app, v, v->app->app);
		SAY(f, "%s is a %s and %s %s", addr_str(ip, a), kind, server ? "serves" : "uses", app);
		VALUES(f, "device=%s\nkind=%s\nrule=%s", addr_str(ip, a), kind, rule);
		return true;
	}
	return false;
}

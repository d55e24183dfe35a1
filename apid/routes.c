/* Every path that this server has. */
#include "apid.h"
#include "compat.h"
#include "params.h"

const struct route_param params_stream[] = {
	{ "topics", PT_CHOICES, "what to follow, alerts if absent", 0, 0, "alerts,flows,hosts" },
	{ "filter", PT_MATCH, "an expression that the records must meet, in the match language", 0, 0, NULL },
	{ "since", PT_TEXT, "id of the last event seen; 0 = all that is held. The header Last-Event-ID does the same", 0, 0, NULL },
	{ NULL, PT_TEXT, NULL, 0, 0, NULL },
};

const struct route_param params_status[] = {
	{ "metrics", PT_FLAG, "also all counters of each process", 0, 0, NULL },
	{ NULL, PT_TEXT, NULL, 0, 0, NULL },
};

const struct route_param params_ready[] = {
	{ "verbose", PT_FLAG, "also what is well", 0, 0, NULL },
	{ NULL, PT_TEXT, NULL, 0, 0, NULL },
};

static const struct route_param none[] = { { NULL, PT_TEXT, NULL, 0, 0, NULL } };

const struct route routes[] = {
	{ "GET", "/livez", SCOPE_OPEN, "the process runs", none, R_NONE, get_live },
	{ "GET", "/healthz", SCOPE_OPEN, "the same, under another name", none, R_NONE, get_live },
	{ "GET", "/-/healthy", SCOPE_OPEN, "the same, under another name", none, R_NONE, get_live },
	{ "GET", "/readyz", SCOPE_OPEN, "all that answers depend on is there", params_ready, R_NONE, get_ready },
	{ "GET", "/-/ready", SCOPE_OPEN, "the same, under another name", params_ready, R_NONE, get_ready },
	{ "GET", "/api/v1/me", SCOPE_READ_STATS, "rights of the token that asks", none, R_NONE, get_me },
	{ "GET", "/api/v1/compat", SCOPE_READ_STATS, "paths of ntopng's API that are answered, and what each has", none, R_NONE,
	  get_compat },
	{ "GET", "/api/v1/status", SCOPE_READ_STATS, "each process: version, lag, queue, drops, memory, packet time",
	  params_status, R_NONE, get_status },
	{ "GET", "/api/v1/flows", SCOPE_READ_FLOWS, "open flows and those that ended last", params_list, R_FLOW, get_flows },
	{ "GET", "/api/v1/flows/history", SCOPE_READ_FLOWS, "ended flows as stored", params_list, R_FLOW, get_history },
	{ "GET", "/api/v1/flows/{id}", SCOPE_READ_FLOWS, "one flow", none, R_NONE, get_flow },
	{ "GET", "/api/v1/hosts", SCOPE_READ_FLOWS, "hosts: traffic, names, score", params_list, R_HOST, get_hosts },
	{ "GET", "/api/v1/hosts/{ip}", SCOPE_READ_FLOWS, "one host, by address or address@vlan", none, R_NONE, get_host },
	{ "GET", "/api/v1/alerts", SCOPE_READ_ALERTS, "alerts, engaged ones and stored ones", params_list, R_ALERT, get_alerts },
	{ "GET", "/api/v1/alerts/{id}", SCOPE_READ_ALERTS, "one alert", none, R_NONE, get_alert },
	{ "GET", "/api/v1/stream", SCOPE_READ_ALERTS, "events as they happen: server-sent events, or JSON lines by Accept",
	  params_stream, R_NONE, get_stream },
};
const size_t n_routes = sizeof routes / sizeof *routes;

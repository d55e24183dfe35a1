/* Every path that this server has. */
#include "apid.h"
#include "compat.h"
#include "params.h"
#include "prom_live.h"

#define BODY 16384

static const struct route_param params_stream[] = {
	{ "topics", PT_CHOICES, "what to follow, alerts if absent", 0, 0, "alerts,flows,hosts" },
	{ "filter", PT_MATCH, "an expression that the records must meet, in the match language", 0, 0, NULL },
	{ "since", PT_TEXT, "id of the last event seen; 0 = all that is held. The header Last-Event-ID does the same", 0, 0, NULL },
	{ NULL, PT_TEXT, NULL, 0, 0, NULL },
};

static const struct route_param params_status[] = {
	{ "metrics", PT_FLAG, "also all counters of each process", 0, 0, NULL },
	{ NULL, PT_TEXT, NULL, 0, 0, NULL },
};

static const struct route_param params_ready[] = {
	{ "verbose", PT_FLAG, "also what is well", 0, 0, NULL },
	{ NULL, PT_TEXT, NULL, 0, 0, NULL },
};

static const struct route_param params_note[] = {
	{ "comment", PT_TEXT, "what to note beside it, in one line", 0, APID_MAX_TEXT, NULL },
	{ NULL, PT_TEXT, NULL, 0, 0, NULL },
};

static const struct route_param params_host_metrics[] = {
	{ "limit", PT_NUMBER, "hosts, 200 if absent", 1, PROM_MAX_HOSTS, NULL },
	{ NULL, PT_TEXT, NULL, 0, 0, NULL },
};

static const struct route_param params_patch_alert[] = {
	{ "acknowledged", PT_FLAG, "somebody took note of it", 0, 0, NULL },
	{ "comment", PT_TEXT, "what to note beside it, in one line", 0, APID_MAX_TEXT, NULL },
	{ "labels", PT_TEXT, "words to put on it instead of those it has; an empty list takes them away", 0, 0, NULL },
	{ NULL, PT_TEXT, NULL, 0, 0, NULL },
};

static const struct route_param params_patch_host[] = {
	{ "alias", PT_TEXT, "what people call it, at most 128 bytes; empty: nothing any more", 0, 0, NULL },
	{ "notes", PT_TEXT, "what is to be known about it, at most 1024 bytes; empty: nothing any more", 0, 0, NULL },
	{ NULL, PT_TEXT, NULL, 0, 0, NULL },
};

static const struct route_param params_silence[] = {
	{ "match", PT_TEXT, "which alerts: an expression in the match language", 0, APID_MAX_TEXT, NULL },
	{ "comment", PT_TEXT, "why, in one line", 0, APID_MAX_TEXT, NULL },
	{ "start", PT_TIME, "when it begins, now if absent", 0, 0, NULL },
	{ "end", PT_TIME, "when it ends", 0, 0, NULL },
	{ "duration", PT_NUMBER, "seconds that it lasts, instead of end", 1, 10 * 366 * 86400, NULL },
	{ "id", PT_TEXT, "of one that is to be changed", 0, 0, NULL },
	{ NULL, PT_TEXT, NULL, 0, 0, NULL },
};

static const struct route_param params_token[] = {
	{ "name", PT_TEXT, "name of the token", 0, 0, NULL },
	{ "scopes", PT_TEXT, "rights, or the short read, ack, silence, admin; read if absent", 0, 0, NULL },
	{ "expires", PT_TIME, "when it is good no more; never if absent", 0, 0, NULL },
	{ NULL, PT_TEXT, NULL, 0, 0, NULL },
};

static const struct route_param params_pcap[] = {
	{ "filter", PT_TEXT, "which packets", 0, 0, NULL },
	{ "start", PT_TIME, "oldest time wanted", 0, 0, NULL },
	{ "end", PT_TIME, "newest time wanted", 0, 0, NULL },
	{ "limit_bytes", PT_NUMBER, "size of the capture", 1, 1u << 30, NULL },
	{ NULL, PT_TEXT, NULL, 0, 0, NULL },
};

static const struct route_param none[] = { { NULL, PT_TEXT, NULL, 0, 0, NULL } };

const struct route routes[] = {
	{ "GET", "/livez", SCOPE_OPEN, "the process runs", none, R_NONE, get_live, REPLY_TEXT },
	{ "GET", "/healthz", SCOPE_OPEN, "the same, under another name", none, R_NONE, get_live, REPLY_TEXT },
	{ "GET", "/-/healthy", SCOPE_OPEN, "the same, under another name", none, R_NONE, get_live, REPLY_TEXT },
	{ "GET", "/readyz", SCOPE_OPEN, "all that answers depend on is there", params_ready, R_NONE, get_ready, REPLY_TEXT },
	{ "GET", "/-/ready", SCOPE_OPEN, "the same, under another name", params_ready, R_NONE, get_ready, REPLY_TEXT },
	{ "GET", "/metrics", SCOPE_READ_STATS, "counters of all processes for Prometheus; OpenMetrics by Accept", none, R_NONE,
	  get_metrics, REPLY_TEXT },
	{ "GET", "/metrics/hosts", SCOPE_READ_FLOWS, "counters of the busiest hosts for Prometheus; OpenMetrics by Accept",
	  params_host_metrics, R_NONE, get_host_metrics, REPLY_TEXT },
	{ "GET", "/metrics/ntopng", SCOPE_READ_FLOWS, "some of them under the names of ntopng's exporter", none, R_NONE, get_metrics,
	  REPLY_TEXT },
	{ "GET", "/docs", SCOPE_OPEN, "this interface, as a page for people", none, R_NONE, get_docs, REPLY_TEXT },
	{ "GET", "/api/v1/openapi.json", SCOPE_READ_STATS, "this interface, described (OpenAPI 3.1)", none, R_NONE, get_openapi },
	{ "GET", "/api/v1/me", SCOPE_READ_STATS, "rights of the token that asks", none, R_NONE, get_me },
	{ "GET", "/api/v1/compat", SCOPE_READ_STATS, "paths of ntopng's API that are answered, and what each has", none, R_NONE,
	  get_compat },
	{ "GET", "/api/v1/status", SCOPE_READ_STATS,
	  "each process: version, lag, queue, drops, memory, packet time; at most a second old (age)",
	  params_status, R_NONE, get_status },
	{ "GET", "/api/v1/flows", SCOPE_READ_FLOWS, "open flows and those that ended last", params_list, R_FLOW, get_flows, REPLY_LIST },
	{ "GET", "/api/v1/flows/history", SCOPE_READ_FLOWS, "ended flows as stored", params_stored, R_FLOW, get_history,
	  REPLY_LIST, .heavy = true },
	{ "GET", "/api/v1/flows/{id}", SCOPE_READ_FLOWS, "one flow", params_one, R_NONE, get_flow, REPLY_ONE, R_FLOW },
	{ "GET", "/api/v1/hosts", SCOPE_READ_FLOWS, "hosts: traffic, names, score", params_list, R_HOST, get_hosts, REPLY_LIST },
	{ "GET", "/api/v1/hosts/{ip}", SCOPE_READ_FLOWS, "one host, by address or address@vlan", params_one, R_NONE,
	  get_host, REPLY_ONE, R_HOST },
	{ "PATCH", "/api/v1/hosts/{ip}", SCOPE_WRITE_CONFIG, "gives a host an alias, notes or both", params_patch_host, R_NONE,
	  patch_host, REPLY_ONE, R_HOST, .body = BODY },
	{ "GET", "/api/v1/hosts/{ip}/apps", SCOPE_READ_FLOWS, "stored flows of a host by application", params_top, R_FLOW,
	  get_host_part, REPLY_LIST, R_TOP, .heavy = true },
	{ "GET", "/api/v1/hosts/{ip}/peers", SCOPE_READ_FLOWS, "by the other end", params_top, R_FLOW,
	  get_host_part, REPLY_LIST, R_TOP, .heavy = true },
	{ "GET", "/api/v1/hosts/{ip}/ports", SCOPE_READ_FLOWS, "by protocol and port that it serves", params_top, R_FLOW,
	  get_host_part, REPLY_LIST, R_TOP, .heavy = true },
	{ "GET", "/api/v1/hosts/{ip}/dns", SCOPE_READ_FLOWS, "by name asked for", params_top, R_FLOW,
	  get_host_part, REPLY_LIST, R_TOP, .heavy = true },
	{ "GET", "/api/v1/hosts/{ip}/tls", SCOPE_READ_FLOWS, "by server name, TLS version and JA3 fingerprint", params_top, R_FLOW,
	  get_host_part, REPLY_LIST, R_TOP, .heavy = true },
	{ "GET", "/api/v1/interfaces", SCOPE_READ_STATS, "sensors, and what each has carried", params_table, R_INTERFACE,
	  get_interfaces, REPLY_LIST },
	{ "GET", "/api/v1/interfaces/{id}", SCOPE_READ_STATS, "one sensor, by number or name", params_one, R_NONE, get_interface,
	  REPLY_ONE, R_INTERFACE },
	{ "GET", "/api/v1/apps", SCOPE_READ_FLOWS, "applications that nDPI knows, and what open and lately ended flows carry of each",
	  params_tally, R_TALLY, get_tally, REPLY_LIST },
	{ "GET", "/api/v1/categories", SCOPE_READ_FLOWS, "the same by category", params_tally, R_TALLY, get_tally, REPLY_LIST },
	{ "GET", "/api/v1/asns", SCOPE_READ_FLOWS, "hosts by autonomous system", params_tally, R_TALLY, get_tally, REPLY_LIST },
	{ "GET", "/api/v1/networks", SCOPE_READ_FLOWS, "hosts by local network", params_tally, R_TALLY, get_tally, REPLY_LIST },
	{ "GET", "/api/v1/checks", SCOPE_READ_STATS, "checks of the catalogue and rules, as they are set here", params_table,
	  R_CHECK, get_checks, REPLY_LIST },
	{ "GET", "/api/v1/checks/{key}", SCOPE_READ_STATS, "one check", params_one, R_NONE, get_check, REPLY_ONE, R_CHECK },
	{ "PATCH", "/api/v1/checks/{key}", SCOPE_WRITE_CONFIG, "nothing: checks are set in weir.yaml, and this says so", NULL, R_NONE,
	  patch_check, .status = 405, .body = BODY },
	{ "GET", "/api/v1/alert-types", SCOPE_READ_STATS, "what alerts there can be", params_table, R_CHECK, get_alert_types,
	  REPLY_LIST },
	{ "GET", "/api/v1/alerts", SCOPE_READ_ALERTS, "alerts, engaged ones and stored ones", params_alerts, R_ALERT, get_alerts,
	  REPLY_LIST },
	{ "GET", "/api/v1/alerts/{id}", SCOPE_READ_ALERTS, "one alert", params_one, R_NONE, get_alert, REPLY_ONE, R_ALERT },
	{ "PATCH", "/api/v1/alerts/{id}", SCOPE_WRITE_ALERTS, "acknowledges an alert, comments it, puts labels on it",
	  params_patch_alert, R_NONE, patch_alert, REPLY_ONE, R_ALERT, .body = BODY },
	{ "POST", "/api/v1/alerts/{id}/ack", SCOPE_WRITE_ALERTS, "acknowledges an alert", params_note, R_NONE, post_note,
	  .body = BODY },
	{ "POST", "/api/v1/alerts/{id}/unack", SCOPE_WRITE_ALERTS, "takes an acknowledgement back", params_note, R_NONE, post_note,
	  .body = BODY },
	{ "POST", "/api/v1/alerts/{id}/comment", SCOPE_WRITE_ALERTS, "notes something beside an alert", params_note, R_NONE,
	  post_note, .body = BODY },
	{ "GET", "/api/v1/alerts/top/{dimension}", SCOPE_READ_ALERTS, "alerts added up by a field: check, attacker, severity ...",
	  params_top, R_ALERT, get_alerts_top, REPLY_LIST, R_TOP, .heavy = true },
	{ "GET", "/api/v1/alerts/group-by", SCOPE_READ_ALERTS, "alerts added up by some fields", params_group, R_ALERT,
	  get_alerts_top, REPLY_LIST, R_TOP, .heavy = true },
	{ "GET", "/api/v1/top/{dimension}", SCOPE_READ_FLOWS, "stored flows added up by a field: app, ip, server.port ...",
	  params_top, R_FLOW, get_top, REPLY_LIST, R_TOP, .heavy = true },
	{ "GET", "/api/v1/group-by", SCOPE_READ_FLOWS, "stored flows added up by some fields", params_group, R_FLOW, get_top,
	  REPLY_LIST, R_TOP, .heavy = true },
	{ "GET", "/api/v1/series", SCOPE_READ_FLOWS, "what series there are: measures, and fields to tell them apart by", none, R_NONE,
	  get_series_list },
	{ "GET", "/api/v1/series/query", SCOPE_READ_FLOWS, "what sensors, hosts and applications did, in spans of time",
	  params_series, R_FLOW, get_series, REPLY_LIST, R_SAMPLE, .heavy = true },
	{ "GET", "/api/v1/runs", SCOPE_READ_STATS, "runs, as far as they are stored: a capture file or a time of an interface each",
	  params_runs, R_RUN, get_runs, REPLY_LIST, R_RUN },
	{ "GET", "/api/v1/graph", SCOPE_READ_FLOWS, "who talks to whom: hosts as nodes, stored flows added up as edges",
	  params_top, R_FLOW, get_graph, .heavy = true },
	{ "GET", "/api/v1/silences", SCOPE_READ_ALERTS, "silences, those that are over too", params_plain, R_SILENCE, get_silences,
	  REPLY_LIST },
	{ "GET", "/api/v1/silences/{id}", SCOPE_READ_ALERTS, "one silence", params_one, R_NONE, get_silence, REPLY_ONE, R_SILENCE },
	{ "POST", "/api/v1/silences", SCOPE_WRITE_CONFIG, "holds notifications back for a time, or changes when and which",
	  params_silence, R_NONE, post_silence, REPLY_ONE, R_SILENCE, .status = 201, .body = BODY },
	{ "DELETE", "/api/v1/silences/{id}", SCOPE_WRITE_CONFIG, "ends a silence", none, R_NONE, delete_silence, .status = 204 },
	{ "GET", "/api/v1/tokens", SCOPE_ADMIN, "tokens beside the first one, without their secrets", none, R_NONE, get_tokens },
	{ "POST", "/api/v1/tokens", SCOPE_ADMIN, "makes a token, which is told this once", params_token, R_NONE, post_token,
	  .status = 201, .body = BODY },
	{ "DELETE", "/api/v1/tokens/{name}", SCOPE_ADMIN, "removes a token", none, R_NONE, delete_token, .status = 204 },
	{ "GET", "/api/v1/pcap", SCOPE_READ_PCAP, "packets: not kept in this version", params_pcap, R_NONE, get_pcap, .status = 501 },
	{ "GET", "/api/v1/stream", SCOPE_READ_ALERTS,
	  "events as they happen: server-sent events, or JSON lines by Accept; flows and hosts"
	  " want read:flows, too",
	  params_stream, R_NONE, get_stream, REPLY_EVENTS },
};
const size_t n_routes = sizeof routes / sizeof *routes;

const struct route_table route_tables[] = {
	{ routes, sizeof routes / sizeof *routes },
};
const size_t n_route_tables = sizeof route_tables / sizeof *route_tables;

/* The parts of apid that its wiring and its resources share. */
#ifndef WEIR_APID_H
#define WEIR_APID_H

#include <stdbool.h>
#include <stdint.h>

#include "answers.h"
#include "events.h"
#include "http.h"
#include "live.h"
#include "login.h"
#include "proc.h"
#include "route.h"

#define APID_MAX_ASKED 48 /* questions to alertd at once */

#define HEARD_NS 5000000000ull /* an upstream that said nothing for longer is away */

/* A process that answers depend on, and since when it says nothing. */
struct upstream {
	const char *name;
	uint64_t heard; /* mono ns of its last word, 0 = never */
};

struct apid {
	struct proc_ctx *c;
	struct http *http, *local; /* local: over the socket in the runtime directory, NULL if there is none */
	struct door *door;
	struct logins *logins;
	char *listen_host; /* NULL: a unix socket */
	int listen_fd, local_fd;  /* local_fd: -1 = none */
	uint32_t max_connections; /* of those configured, as many as files may be open */
	struct live *flows, *hosts;
	struct live *noted;    /* hosts that people gave an alias or notes; NULL: not known yet */
	struct live *scripts;  /* checks that are scripts; NULL: not known yet */
	bool asking_scripts;
	struct totals *totals; /* of flows, hosts and alerts */
	struct events *events;
	struct follower *history, *alerts;
	char *checks_url, *query_url;
	struct upstream checks, alertd;
	bool have_snapshot;
	unsigned asked;    /* questions to alertd that wait for their answer */
	struct answers *answers;
	uint64_t answered_again; /* with a body that was at hand */
	struct listener *listeners;
	struct gather *gather; /* STATUS of all processes, being asked for */
	struct told {
		struct buf text;  /* a reply, but for its end */
		uint64_t asked;   /* mono ns, 0 = never */
	} told[2];             /* what they said when they were asked last: without metrics, with them */
	struct log_limit limit;
};

/* Resources: handlers of routes. arg is struct apid. */
void get_flows(void *arg, struct request *r, const struct route *rt, const char *id);
void get_flow(void *arg, struct request *r, const struct route *rt, const char *id);
void get_hosts(void *arg, struct request *r, const struct route *rt, const char *id);
void get_host(void *arg, struct request *r, const struct route *rt, const char *id);
void patch_host(void *arg, struct request *r, const struct route *rt, const char *id);
void get_history(void *arg, struct request *r, const struct route *rt, const char *id);
void get_alerts(void *arg, struct request *r, const struct route *rt, const char *id);
void get_alert(void *arg, struct request *r, const struct route *rt, const char *id);
void get_status(void *arg, struct request *r, const struct route *rt, const char *id);
void get_metrics(void *arg, struct request *r, const struct route *rt, const char *id);
void get_host_metrics(void *arg, struct request *r, const struct route *rt, const char *id);
void get_live(void *arg, struct request *r, const struct route *rt, const char *id);
void get_ready(void *arg, struct request *r, const struct route *rt, const char *id);
void get_me(void *arg, struct request *r, const struct route *rt, const char *id);
void post_note(void *arg, struct request *r, const struct route *rt, const char *id);
void get_top(void *arg, struct request *r, const struct route *rt, const char *id);
void get_alerts_top(void *arg, struct request *r, const struct route *rt, const char *id);
void get_runs(void *arg, struct request *r, const struct route *rt, const char *id);
void get_series(void *arg, struct request *r, const struct route *rt, const char *id);
void get_graph(void *arg, struct request *r, const struct route *rt, const char *id);
void get_series_list(void *arg, struct request *r, const struct route *rt, const char *id);
void get_host_part(void *arg, struct request *r, const struct route *rt, const char *id);
void get_interfaces(void *arg, struct request *r, const struct route *rt, const char *id);
void get_interface(void *arg, struct request *r, const struct route *rt, const char *id);
void get_tally(void *arg, struct request *r, const struct route *rt, const char *id);
void get_checks(void *arg, struct request *r, const struct route *rt, const char *id);
void get_check(void *arg, struct request *r, const struct route *rt, const char *id);
void patch_check(void *arg, struct request *r, const struct route *rt, const char *id);
void get_alert_types(void *arg, struct request *r, const struct route *rt, const char *id);
void get_silences(void *arg, struct request *r, const struct route *rt, const char *id);
void get_silence(void *arg, struct request *r, const struct route *rt, const char *id);
void post_silence(void *arg, struct request *r, const struct route *rt, const char *id);
void delete_silence(void *arg, struct request *r, const struct route *rt, const char *id);
void patch_alert(void *arg, struct request *r, const struct route *rt, const char *id);
void get_tokens(void *arg, struct request *r, const struct route *rt, const char *id);
void post_token(void *arg, struct request *r, const struct route *rt, const char *id);
void delete_token(void *arg, struct request *r, const struct route *rt, const char *id);
void get_pcap(void *arg, struct request *r, const struct route *rt, const char *id);
void get_docs(void *arg, struct request *r, const struct route *rt, const char *id);
void get_openapi(void *arg, struct request *r, const struct route *rt, const char *id);
void get_stream(void *arg, struct request *r, const struct route *rt, const char *id);

/* Streams: those who wait get what came. */
void streams_wake(struct apid *k);
void streams_keepalive(struct apid *k);

/* Whose request it is; NULL on open paths. */
const struct token *request_token(struct request *r);
/* Members of the body, a form or a JSON object, become parameters; params: those that the route has. False: *e says why not. */
bool body_params(struct request *r, const struct route_param *params, struct param_error *e);
/* What people wrote, as records have it: in one line, of at most so many bytes. NULL: nothing. */
#define APID_MAX_TEXT 4096
struct str put_text(struct buf *strs, const char *text);

/* All tables: routes.c has ours and the list of them. */
extern const struct route routes[];
extern const size_t n_routes;
extern const struct route_table route_tables[];
extern const size_t n_route_tables;

#endif

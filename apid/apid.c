/*
 * apid: answers over HTTP. Wiring: a snapshot and the streams of checks -> live view and events; alertd's query socket for what
 * is stored; every process for its status.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec.h"
#include "events.h"
#include "http.h"
#include "json.h"
#include "live.h"
#include "log.h"
#include "params.h"
#include "problem.h"
#include "proc.h"

#define MAX_LIVE_FLOWS 100000
#define MAX_EVENTS     20000
#define MAX_EVENT_BYTES (32u << 20)
#define ASK_MS         12000
#define STATUS_MS      1000
#define KEEPALIVE_MS   15000
#define TOKEN_BYTES    32

struct apid {
	struct proc_ctx *c;
	struct http *http;
	struct live *flows, *hosts;
	struct events *events;
	struct follower *history, *alerts;
	char *checks_url, *query_url;
	char token[2 * TOKEN_BYTES + 1];
	struct loop_timer *keepalive, *again;
	uint64_t head, epoch; /* where to follow the history from, after the snapshot */
	bool have_snapshot;
	struct buf line;
	struct log_limit limit;
};

/* -- the live view -- */

union live_record {
	struct r_flow flow;
	struct r_host host;
	struct r_alert alert;
};

static void add_event(struct apid *k, unsigned topic, const char *name, enum rtype type, const void *rec, const char *base)
{
	buf_reset(&k->line);
	json_record(&k->line, type, rec, base, JSON_NO_BIN, NULL);
	events_add(k->events, topic, name, k->line.p, k->line.len);
}

static void take_record(struct apid *k, struct codec_reader *r, bool events)
{
	static union live_record u;
	enum rtype type = codec_peek(r);
	size_t at = r->pos, len;
	bool ours = type == R_FLOW || type == R_HOST || type == R_ALERT;
	if ((ours ? codec_read(r, &u) : codec_skip(r, &at, &len)) != 1)
		return;
	const char *raw = r->base + at;
	struct codec_reader own = { .base = raw, .len = r->pos - at };
	/* Kept records stand alone, so their strings are read again relative to their own bytes when asked for. */
	if (type == R_FLOW)
		live_put(k->flows, &u, own.base, own.len);
	else if (type == R_HOST)
		live_put(k->hosts, &u, own.base, own.len);
	if (!events)
		return;
	static const char *const names[] = { "alert.raised", "alert.raised", "alert.updated", "alert.cleared" };
	if (type == R_ALERT)
		add_event(k, EVENTS_ALERTS, names[u.alert.alert.action & 3], type, &u, r->base);
	else if (type == R_FLOW && u.flow.n.end_reason != END_ACTIVE)
		add_event(k, EVENTS_FLOWS, "flow.end", type, &u, r->base);
}

static uint32_t on_batch(void *arg, struct follower *f, const struct g_batch *b, struct codec_reader *r)
{
	struct apid *k = arg;
	(void)f;
	for (uint32_t i = 0; i < b->count && !r->error; i++)
		take_record(k, r, true);
	if (r->error)
		log_limited(&k->limit, "record that cannot be read: %s", r->error);
	k->c->self->clock = b->clock;
	return b->count;
}

static void ask_snapshot(struct apid *k, const char *what, uint64_t cursor);

/* Another run, or a hole: the view is made anew. */
static void start_over(struct apid *k)
{
	live_clear(k->flows);
	live_clear(k->hosts);
	k->have_snapshot = false;
	follower_pause(k->history);
	ask_snapshot(k, "hosts", 0);
}

static bool on_gone(void *arg, struct follower *f, uint64_t tail)
{
	struct apid *k = arg;
	(void)tail;
	if (f == k->history)
		start_over(k);
	return f != k->history;
}

static bool on_epoch(void *arg, struct follower *f, uint64_t epoch)
{
	struct apid *k = arg;
	follower_set(f, epoch, f == k->history ? 1 : 0);
	if (f == k->history)
		start_over(k);
	return f != k->history;
}

static void on_snapshot(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	struct apid *k = arg;
	if (!a || a->status != 200) {
		loop_set_timer(k->again, 1000, 0);
		return;
	}
	if (!k->head) {
		k->head = a->head;
		k->epoch = a->epoch;
	}
	bool hosts = codec_peek(r) == R_HOST;
	for (uint32_t i = 0; i < a->count && !r->error; i++)
		take_record(k, r, false);
	char next[24];
	snprintf(next, sizeof next, "%.*s", (int)a->next.len, a->next.len ? str_ptr(r->base, a->next) : "");
	if (*next) {
		ask_snapshot(k, hosts ? "hosts" : "flows", strtoull(next, NULL, 10));
	} else if (!k->have_snapshot) {
		k->have_snapshot = true;
		ask_snapshot(k, "flows", 0);
	} else {
		follower_set(k->history, k->epoch, k->head);
		follower_resume(k->history);
	}
}

static void ask_snapshot(struct apid *k, const char *what, uint64_t cursor)
{
	struct r_snapshot q = { .snapshot = { .what = { 0, (uint32_t)strlen(what) }, .cursor = cursor } };
	if (strcmp(what, "hosts") == 0 && cursor == 0)
		k->head = 0;
	if (link_ask(k->c->loop, k->checks_url, R_SNAPSHOT, &q, what, ASK_MS, on_snapshot, k) < 0)
		loop_set_timer(k->again, 1000, 0);
}

static void on_again(void *arg)
{
	start_over(arg);
}

/* -- lists -- */

struct list {
	struct apid *k;
	struct request *r;
	struct params p;
	struct buf body;
	enum rtype type;
	uint32_t n;
	bool one; /* a single record and not a list */
};

static void list_free(struct list *l)
{
	params_release(&l->p);
	buf_release(&l->body);
	free(l);
}

static void list_add(void *arg, const void *rec, const char *base)
{
	struct list *l = arg;
	if (l->n++ && !l->one)
		buf_addc(&l->body, ',');
	json_record(&l->body, l->type, rec, base, JSON_NO_BIN, (const char *const *)l->p.fields);
}

static void list_end(struct list *l, const char *next, bool has_total, uint64_t total)
{
	if (l->one && l->n == 0) {
		request_problem(l->r, 404, "there is no such thing", NULL, NULL);
		list_free(l);
		return;
	}
	if (!l->one) {
		buf_adds(&l->body, "],\"next\":");
		if (*next)
			json_quote(&l->body, next, strlen(next));
		else
			buf_adds(&l->body, "null");
		if (has_total)
			buf_addf(&l->body, ",\"total\":%" PRIu64 "}", total);
		else
			buf_adds(&l->body, ",\"total\":null}");
	}
	buf_addc(&l->body, '\n');
	request_reply(l->r, 200, "application/json", &l->body);
	list_free(l);
}

/* Reads the parameters; on error the request is answered and NULL returned. */
static struct list *list_new(struct apid *k, struct request *r, enum rtype type)
{
	struct list *l = xcalloc(1, sizeof *l);
	*l = (struct list){ .k = k, .r = r, .type = type };
	if (params_read(&l->p, r, type)) {
		buf_adds(&l->body, "{\"data\":[");
		return l;
	}
	request_problem(r, 400, "a parameter is not right", l->p.param, l->p.reason);
	list_free(l);
	return NULL;
}

static void live_list(struct list *l, const struct live *live, const char *default_sort)
{
	char next[64];
	uint64_t total;
	const char *sort = *l->p.sort ? l->p.sort : default_sort;
	struct live_query q = { .match = l->p.match, .limit = l->p.limit, .desc = *sort == '-',
				.cursor = *l->p.cursor ? l->p.cursor : NULL };
	q.sort = rdesc_field(rdesc_get(l->type), sort + q.desc, &q.sort_off);
	if (!q.sort || q.sort->type == FT_F64 || (q.sort->type > FT_DUR && q.sort->type != FT_ENUM)) {
		request_problem(l->r, 400, "a parameter is not right", "sort", "no field to sort by: a number or a time");
		list_free(l);
		return;
	}
	if (live_page(live, &q, list_add, l, next, &total) < 0) {
		request_problem(l->r, 400, "a parameter is not right", "cursor", "not one that was given out");
		list_free(l);
		return;
	}
	list_end(l, next, true, total);
}

static void get_flows(struct apid *k, struct request *r, const char *rest)
{
	struct list *l;
	struct id id;
	if (*rest && id_parse(rest, strlen(rest), &id) < 0) {
		request_problem(r, 404, "there is no such flow", NULL, NULL);
		return;
	}
	l = list_new(k, r, R_FLOW);
	if (!l)
		return;
	if (*rest) {
		struct match_error e;
		char text[64];
		snprintf(text, sizeof text, "id = %s", rest);
		match_free(l->p.match);
		l->p.match = match_parse(text, R_FLOW, &e);
		l->p.limit = 1;
		l->one = true;
		buf_reset(&l->body);
	}
	live_list(l, k->flows, "-last");
}

static void get_hosts(struct apid *k, struct request *r, const char *rest)
{
	struct addr ip;
	struct list *l;
	size_t n = strcspn(rest, "@");
	if (*rest && addr_parse(rest, n, &ip) < 0) {
		request_problem(r, 404, "there is no such host", NULL, NULL);
		return;
	}
	l = list_new(k, r, R_HOST);
	if (!l)
		return;
	if (*rest) {
		struct match_error e;
		char text[128];
		snprintf(text, sizeof text, "ip = \"%.*s\" and vlan = %lu", (int)n, rest,
			 rest[n] ? strtoul(rest + n + 1, NULL, 10) & 0xffff : 0);
		match_free(l->p.match);
		l->p.match = match_parse(text, R_HOST, &e);
		l->p.limit = 1;
		l->one = true;
		buf_reset(&l->body);
	}
	live_list(l, k->hosts, "-score");
}

/* -- what is stored -- */

static void on_stored(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	static union live_record u;
	struct list *l = arg;
	char text[256] = "alertd does not answer";
	if (!a || a->status != 200) {
		if (a)
			snprintf(text, sizeof text, "%.*s", (int)a->error.len, str_ptr(r->base, a->error));
		request_problem(l->r, a ? a->status : 503, text, NULL, NULL);
		list_free(l);
		return;
	}
	for (uint32_t i = 0; i < a->count && codec_peek(r) == l->type && codec_read(r, &u) == 1; i++)
		list_add(l, &u, r->base);
	snprintf(text, sizeof text, "%.*s", (int)a->next.len, a->next.len ? str_ptr(r->base, a->next) : "");
	list_end(l, text, l->p.count, a->total);
}

static void ask_stored(struct list *l, const char *what)
{
	struct buf strs = { 0 };
	struct r_query q = { .query = { .limit = l->p.limit, .start = l->p.start, .end = l->p.end, .count = l->p.count } };
	q.query.what = str_put_raw(&strs, what, strlen(what));
	q.query.filter = str_put_raw(&strs, l->p.filter.p, l->p.filter.len);
	q.query.sort = str_put_raw(&strs, l->p.sort, strlen(l->p.sort));
	q.query.cursor = str_put_raw(&strs, l->p.cursor, strlen(l->p.cursor));
	if (link_ask(l->k->c->loop, l->k->query_url, R_QUERY, &q, strs.p, ASK_MS, on_stored, l) < 0)
		on_stored(l, NULL, NULL);
	buf_release(&strs);
}

static void get_alerts(struct apid *k, struct request *r, const char *rest)
{
	struct id id;
	struct list *l;
	if (*rest && id_parse(rest, strlen(rest), &id) < 0) {
		request_problem(r, 404, "there is no such alert", NULL, NULL);
		return;
	}
	l = list_new(k, r, R_ALERT);
	if (!l)
		return;
	if (*rest) {
		buf_reset(&l->p.filter);
		buf_addf(&l->p.filter, "id = %s", rest);
		l->one = true;
		buf_reset(&l->body);
	}
	ask_stored(l, "alerts");
}

static void get_history(struct apid *k, struct request *r, const char *rest)
{
	(void)rest;
	struct list *l = list_new(k, r, R_FLOW);
	if (l)
		ask_stored(l, "flows");
}

/* -- status -- */

struct status {
	struct apid *k;
	struct request *r;
	struct buf body;
	unsigned waiting, n;
	bool ready_only, all_up;
	struct buf failing;
};

struct status_ask {
	struct status *s;
	char name[64];
};

static void status_end(struct status *s)
{
	if (s->ready_only) {
		unsigned code = s->all_up ? 200 : 503;
		if (s->all_up)
			buf_adds(&s->failing, "ok\n");
		request_reply(s->r, code, "text/plain; charset=utf-8", &s->failing);
	} else {
		buf_adds(&s->body, "]}\n");
		request_reply(s->r, 200, "application/json", &s->body);
	}
	buf_release(&s->body);
	buf_release(&s->failing);
	free(s);
}

static void on_status(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	struct status_ask *q = arg;
	struct status *s = q->s;
	struct r_process p;
	if (s->n++)
		buf_addc(&s->body, ',');
	if (a && a->status == 200 && codec_peek(r) == R_PROCESS && codec_read(r, &p) == 1) {
		buf_adds(&s->body, "{\"up\":true,");
		struct buf one = { 0 };
		json_record(&one, R_PROCESS, &p, r->base, 0, NULL);
		buf_add(&s->body, one.p + 1, one.len - 1);
		buf_release(&one);
	} else {
		buf_addf(&s->body, "{\"up\":false,\"process\":\"%s\",\"state\":\"does not answer\"}", q->name);
		s->all_up = false;
		buf_addf(&s->failing, "%s does not answer\n", q->name);
	}
	free(q);
	if (--s->waiting == 0)
		status_end(s);
}

static void ask_status(struct status *s, const char *process, const char *instance)
{
	static const struct r_status rec;
	struct status_ask *q = xcalloc(1, sizeof *q);
	char *url = topo_url(s->k->c->topo, process, instance);
	q->s = s;
	snprintf(q->name, sizeof q->name, "%s%s%s", process, instance ? "/" : "", instance ? instance : "");
	if (link_ask(s->k->c->loop, url, R_STATUS, &rec, NULL, STATUS_MS, on_status, q) < 0)
		on_status(q, NULL, NULL);
	free(url);
}

static void all_status(struct apid *k, struct request *r, bool ready_only)
{
	static const char *const others[] = { "classify", "checks", "alertd", "notify", "apid" };
	const struct topo *t = k->c->topo;
	struct status *s = xcalloc(1, sizeof *s);
	*s = (struct status){ .k = k, .r = r, .ready_only = ready_only, .all_up = true };
	s->waiting = (unsigned)(t->n_sensors + sizeof others / sizeof *others);
	buf_addf(&s->body, "{\"version\":\"%s\",\"configuration\":\"%s\",\"flows\":%" PRIu64 ",\"hosts\":%" PRIu64
		 ",\"streams\":%u,\"processes\":[", WEIR_VERSION, t->hash, live_count(k->flows), live_count(k->hosts),
		 events_clients(k->events));
	for (size_t i = 0; i < t->n_sensors; i++)
		ask_status(s, "capture", t->sensors[i].name);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		ask_status(s, others[i], NULL);
}

static void get_status(struct apid *k, struct request *r, const char *rest)
{
	(void)rest;
	all_status(k, r, false);
}

static void get_ready(struct apid *k, struct request *r, const char *rest)
{
	(void)rest;
	all_status(k, r, true);
}

static void get_live(struct apid *k, struct request *r, const char *rest)
{
	(void)k;
	(void)rest;
	struct buf b = { 0 };
	buf_adds(&b, "ok\n");
	request_reply(r, 200, "text/plain; charset=utf-8", &b);
}

static void get_stream(struct apid *k, struct request *r, const char *rest)
{
	(void)rest;
	const char *topics = request_param(r, "topics"), *last = request_header(r, "Last-Event-ID");
	const char *since = request_param(r, "since"), *accept = request_header(r, "Accept");
	unsigned mask = 0;
	uint64_t after = UINT64_MAX;
	if (!topics)
		topics = "alerts";
	mask |= strstr(topics, "alerts") ? EVENTS_ALERTS : 0;
	mask |= strstr(topics, "flows") ? EVENTS_FLOWS : 0;
	if (!mask) {
		request_problem(r, 400, "a parameter is not right", "topics", "alerts, flows or both");
		return;
	}
	if (last || since)
		after = strtoull(last ? last : since, NULL, 10);
	events_serve(k->events, r, mask, after, accept && strstr(accept, "application/x-ndjson"));
}

/* -- routes -- */

/* One row per path: what is not here does not exist, and what is not open needs the token. */
static const struct route {
	const char *path;
	bool open, tail; /* tail: '/something' may follow */
	void (*get)(struct apid *k, struct request *r, const char *rest);
} routes[] = {
	{ "/livez", true, false, get_live },
	{ "/healthz", true, false, get_live },
	{ "/readyz", true, false, get_ready },
	{ "/api/v1/status", false, false, get_status },
	{ "/api/v1/flows/history", false, false, get_history },
	{ "/api/v1/flows", false, true, get_flows },
	{ "/api/v1/hosts", false, true, get_hosts },
	{ "/api/v1/alerts", false, true, get_alerts },
	{ "/api/v1/stream", false, false, get_stream },
};

static const struct route *find_route(const char *path, const char **rest)
{
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		size_t n = strlen(routes[i].path);
		*rest = "";
		if (strcmp(path, routes[i].path) == 0)
			return &routes[i];
		if (routes[i].tail && strncmp(path, routes[i].path, n) == 0 && path[n] == '/' && path[n + 1] &&
		    !strchr(path + n + 1, '/')) {
			*rest = path + n + 1;
			return &routes[i];
		}
	}
	return NULL;
}

static void on_request(void *arg, struct request *r)
{
	struct apid *k = arg;
	const char *rest;
	const struct route *route = find_route(request_path(r), &rest);
	if (!(route && route->open) && !request_authorized(r)) /* before anybody learns what exists */
		request_problem(r, 401, "a bearer token is needed, see api.token_file in weir.yaml(5)", NULL, NULL);
	else if (!route)
		request_problem(r, 404, "there is nothing at this path", NULL, NULL);
	else
		route->get(k, r, rest);
}

/* -- the token -- */

static int read_token(struct apid *k, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	char text[256];
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (strlen(text) < 32 || strlen(text) >= sizeof k->token) {
		log_error("%s: the token must have from 32 to %zu characters; delete the file to have one made", path,
			  sizeof k->token - 1);
		errno = EINVAL;
		return -1;
	}
	memcpy(k->token, text, strlen(text) + 1);
	return 0;
}

static int make_token(struct apid *k, const char *path)
{
	unsigned char raw[TOKEN_BYTES];
	if (getrandom(raw, sizeof raw, 0) != sizeof raw)
		fatal("getrandom");
	for (int i = 0; i < TOKEN_BYTES; i++)
		snprintf(k->token + 2 * i, 3, "%02x", raw[i]);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || dprintf(fd, "%s\n", k->token) < 0) {
		log_error("cannot write %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	close(fd);
	log_info("made a token for the API: %s", path);
	return 0;
}

/* -- start -- */

static void on_keepalive(void *arg)
{
	events_keepalive(((struct apid *)arg)->events);
}

static void metrics_cb(void *arg, struct metrics *m)
{
	struct apid *k = arg;
	const struct http_stats *st = http_stats(k->http);
	metrics_put(m, "http_requests", NULL, "requests", true, (double)st->requests);
	metrics_put(m, "http_refused", NULL, "requests", true, (double)st->refused);
	metrics_put(m, "http_streams", NULL, "streams", false, events_clients(k->events));
	metrics_put(m, "live_flows", NULL, "flows", false, (double)live_count(k->flows));
	metrics_put(m, "live_flows_max", NULL, "flows", false, MAX_LIVE_FLOWS);
	metrics_put(m, "live_hosts", NULL, "hosts", false, (double)live_count(k->hosts));
}

static int init(struct proc_ctx *c)
{
	static const struct follower_ops ops = { .batch = on_batch, .gone = on_gone, .epoch = on_epoch };
	struct apid *k = c->state;
	const struct topo *t = c->topo;
	struct buf err = { 0 };
	k->c = c;
	if (read_token(k, t->api.token_file) < 0 && (errno != ENOENT || make_token(k, t->api.token_file) < 0)) {
		log_error("no token: %s", t->api.token_file);
		return -1;
	}
	struct http_conf conf = { .listen = t->api.listen, .max_connections = t->api.max_connections,
				  .hosts = t->api.hosts, .token = k->token };
	k->flows = live_new(R_FLOW, MAX_LIVE_FLOWS);
	k->hosts = live_new(R_HOST, t->checks.max_hosts);
	k->events = events_new(MAX_EVENTS, MAX_EVENT_BYTES);
	k->http = http_new(c->loop, &conf, on_request, k, &err);
	if (!k->http) {
		log_error("%s", buf_cstr(&err));
		buf_release(&err);
		return -1;
	}
	if (strncmp(t->api.listen, "127.", 4) != 0 && strncmp(t->api.listen, "[::1]", 5) != 0 &&
	    strncmp(t->api.listen, "unix:", 5) != 0)
		log_warn("the API listens on %s without encryption: put a proxy with TLS before it", t->api.listen);
	k->checks_url = topo_url(t, "checks", NULL);
	k->query_url = topo_url(t, "alertd", "query");
	k->history = follower_new(c->loop, k->checks_url, "history", "apid", &ops, k);
	k->alerts = follower_new(c->loop, k->checks_url, "alerts", "apid", &ops, k);
	follower_set(k->alerts, 0, 0);
	follower_resume(k->alerts);
	k->keepalive = loop_add_timer(c->loop, on_keepalive, k);
	k->again = loop_add_timer(c->loop, on_again, k);
	loop_set_timer(k->keepalive, KEEPALIVE_MS, KEEPALIVE_MS);
	metrics_source(c->metrics, metrics_cb, k);
	ask_snapshot(k, "hosts", 0);
	log_info("listening on %s", t->api.listen);
	return 0;
}

static void status(struct proc_ctx *c, char *state, size_t size)
{
	struct apid *k = c->state;
	c->self->lag = follower_lag(k->history) + follower_lag(k->alerts);
	snprintf(state, size, follower_up(k->alerts) ? "running" : "waiting for checks");
}

int main(int argc, char **argv)
{
	static struct apid k;
	return proc_main(argc, argv, &(struct proc){ .name = "apid", .state = &k, .init = init, .status = status,
						     .needs = PROC_NET });
}

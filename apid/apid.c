/*
 * weir-apid: answers over HTTP. Wiring: a snapshot and the streams of checks -> live view and events; requests -> door ->
 * routes -> resources.
 */
#include "apid.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "codec.h"
#include "compat.h"
#include "door.h"
#include "fault.h"
#include "catalogue.h"
#include "hostnotes.h"
#include "log.h"
#include "totals.h"

#define MAX_LIVE        100000
#define MAX_EVENTS      10000        /* of each topic */
#define MAX_EVENT_BYTES (16u << 20)
#define SNAPSHOT_MS     5000
#define AGAIN_MS        1000
#define MAX_LOCAL       16           /* connections over the socket in the runtime directory */
#define OTHER_FILES     (44 + MAX_LOCAL) /* open beside connections: links, polls, questions under way */
#define KEEPALIVE_MS    15000
#define PING_MS         2000

/* -- from checks to the live view and the events -- */

struct snapshot_ask {
	struct apid *k;
	unsigned generation;
	bool flows;
};

static struct {
	unsigned generation;  /* answers to older questions are thrown away */
	uint64_t epoch, head; /* of the history when the snapshot began: what comes before is older than it */
	bool replay;          /* what the history still holds of before is wanted: flows and hosts that have ended */
	struct loop_timer *again, *keepalive, *ping;
	bool pinging;
	bool ever;            /* there was a whole view before this one */
} w;

static void add_event(struct apid *k, enum rtype type, const void *rec, uint64_t seq, const char *raw, size_t len)
{
	static const char *const alert_names[] = { [ACT_STORE] = "alert.raised", [ACT_ENGAGE] = "alert.raised",
						   [ACT_UPDATE] = "alert.updated", [ACT_RELEASE] = "alert.cleared" };
	const struct r_alert *a = rec;
	const struct r_flow *f = rec;
	FAULT("apid.publish.before");
	if (type == R_ALERT)
		events_add(k->events, TOPIC_ALERTS, seq, alert_names[a->alert.action & 3], raw, len);
	else if (type == R_HOST)
		events_add(k->events, TOPIC_HOSTS, seq, "host", raw, len);
	else if (f->n.end_reason != END_ACTIVE)
		events_add(k->events, TOPIC_FLOWS, seq, "flow.end", raw, len);
	FAULT("apid.publish.after");
}

/* Takes the next record. seq 0: of a snapshot, no event. */
static void take_record(struct apid *k, struct codec_reader *r, uint64_t seq)
{
	static union {
		struct r_flow flow;
		struct r_host host;
		struct r_alert alert;
	} u;
	enum rtype type = codec_peek(r);
	size_t at = r->pos, len;
	bool ours = type == R_FLOW || type == R_HOST || type == R_ALERT;
	if ((ours ? codec_read(r, &u) : codec_skip(r, &at, &len)) != 1 || !ours)
		return;
	const char *raw = r->base + at;
	len = r->pos - at;
	bool old = seq && seq < w.head;
	if (type == R_HOST && k->noted && live_count(k->noted))
		hostnotes_put(k, raw, len, old);
	else if (type == R_FLOW || type == R_HOST)
		(old ? live_put_old : live_put)(type == R_FLOW ? k->flows : k->hosts, &u, r->base, raw, len);
	if (seq)
		add_event(k, type, &u, seq, raw, len);
	if (type == R_ALERT)
		totals_alert(k->totals, &u.alert, r->base);
}

static void on_flow_change(void *arg, const struct live_change *c)
{
	struct apid *k = arg;
	totals_flow(k->totals, c);
	if (k->have_snapshot)
		totals_traffic(k->totals, c);
}

/* The first view that is whole is what was before; what another one begins with was counted in the one before. */
static bool add_before(void *arg, const void *rec, const char *base)
{
	totals_traffic(arg, &(struct live_change){ .now = rec, .now_base = base });
	return true;
}

static void on_host_change(void *arg, const struct live_change *c)
{
	struct apid *k = arg;
	totals_host(k->totals, c);
}

/* The view is whole when what was wanted of before the snapshot is there. */
static void look_if_whole(struct apid *k)
{
	if (k->have_snapshot || !w.head || follower_next(k->history) < w.head)
		return;
	k->have_snapshot = true;
	if (!w.ever)
		live_each(k->flows, NULL, add_before, k->totals);
	w.ever = true;
}

/* The topics that a stream has. */
static enum topic first_topic(const struct apid *k, const struct follower *f)
{
	return f == k->history ? TOPIC_FLOWS : TOPIC_ALERTS;
}

static enum topic last_topic(const struct apid *k, const struct follower *f)
{
	return f == k->history ? TOPIC_HOSTS : TOPIC_ALERTS;
}

/* What comes of this stream comes from here on. */
static void begin_topics(struct apid *k, const struct follower *f, uint64_t epoch, uint64_t seq)
{
	for (enum topic t = first_topic(k, f); t <= last_topic(k, f); t++)
		events_begin(k->events, t, epoch, seq);
	streams_wake(k);
}

static uint32_t on_batch(void *arg, struct follower *f, const struct g_batch *b, struct codec_reader *r)
{
	struct apid *k = arg;
	begin_topics(k, f, b->epoch, b->base);
	for (uint32_t i = 0; i < b->count && !r->error; i++)
		take_record(k, r, b->base + i);
	if (r->error)
		log_limited(&k->limit, "record that cannot be read: %s", r->error);
	for (enum topic t = first_topic(k, f); t <= last_topic(k, f); t++)
		events_progress(k->events, t, b->base + b->count);
	k->checks.heard = mono_ns();
	k->c->self->clock = b->clock;
	if (f == k->history)
		look_if_whole(k);
	streams_wake(k);
	return b->count;
}

static void on_idle(void *arg, struct follower *f, const struct g_batch *b)
{
	struct apid *k = arg;
	/* Whoever comes back to a stream in which nothing happens any more is to hear of a hole, too. */
	if (b->epoch && !b->count)
		begin_topics(k, f, b->epoch, b->head);
	k->checks.heard = mono_ns();
	k->c->self->clock = b->clock;
	if (f == k->history)
		look_if_whole(k);
}

static void ask_snapshot(struct apid *k, bool flows, uint64_t cursor);

/* Another run, or a hole: the view is made anew. */
static void start_over(struct apid *k, bool replay)
{
	w.generation++;
	w.replay = replay;
	w.epoch = w.head = 0;
	k->have_snapshot = false;
	live_clear(k->flows);
	live_clear(k->hosts);
	totals_clear_live(k->totals);
	follower_pause(k->history);
	ask_snapshot(k, false, 0);
}

/* Of what came before the snapshot there may be a part only; a hole after it is one. */
static bool on_gone(void *arg, struct follower *f, uint64_t tail)
{
	struct apid *k = arg;
	if (f != k->history || tail <= w.head)
		return true;
	start_over(k, false);
	return false;
}

static bool on_epoch(void *arg, struct follower *f, uint64_t epoch)
{
	struct apid *k = arg;
	follower_set(f, epoch, 0);
	if (f != k->history) {
		totals_no_engaged(k->totals);
		return true;
	}
	start_over(k, true);
	return false;
}

static void on_snapshot(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	struct snapshot_ask q = *(struct snapshot_ask *)arg;
	struct apid *k = q.k;
	char next[24];
	free(arg);
	if (q.generation != w.generation)
		return;
	FAULT("apid.snapshot");
	if (!a || a->status != 200 || (w.head && a->epoch != w.epoch)) {
		loop_set_timer(w.again, AGAIN_MS, 0);
		return;
	}
	k->checks.heard = mono_ns();
	if (!w.head) {
		w.head = a->head;
		w.epoch = a->epoch;
	}
	for (uint32_t i = 0; i < a->count && !r->error; i++)
		take_record(k, r, 0);
	snprintf(next, sizeof next, "%.*s", (int)a->next.len, a->next.len ? str_ptr(r->base, a->next) : "");
	if (*next) {
		ask_snapshot(k, q.flows, strtoull(next, NULL, 10));
	} else if (!q.flows) {
		ask_snapshot(k, true, 0);
	} else {
		follower_set(k->history, w.epoch, w.replay ? 1 : w.head);
		look_if_whole(k);
		follower_resume(k->history);
		catalogue_refresh(k);
	}
}

static void ask_snapshot(struct apid *k, bool flows, uint64_t cursor)
{
	const char *what = flows ? "flows" : "hosts";
	struct r_snapshot q = { .snapshot = { .what = { 0, (uint32_t)strlen(what) }, .cursor = cursor } };
	struct snapshot_ask *ask = xmalloc(sizeof *ask);
	*ask = (struct snapshot_ask){ k, w.generation, flows };
	if (link_ask(k->c->loop, k->checks_url, R_SNAPSHOT, &q, what, SNAPSHOT_MS, on_snapshot, ask) < 0)
		on_snapshot(ask, NULL, NULL);
}

static void on_again(void *arg)
{
	start_over(arg, w.replay);
}

/* -- alertd is asked now and then, so that readiness is known without asking; checks, what scripts it has -- */

static void on_pong(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	(void)r;
	struct apid *k = arg;
	w.pinging = false;
	if (a)
		k->alertd.heard = mono_ns();
	if (a && !k->noted)
		hostnotes_load(k, NULL, NULL);
}

static void on_ping(void *arg)
{
	static const struct r_status q;
	struct apid *k = arg;
	door_reload(k);
	totals_sample(k->totals, mono_ns());
	catalogue_refresh(k);
	if (w.pinging)
		return;
	w.pinging = link_ask(k->c->loop, k->query_url, R_STATUS, &q, NULL, PING_MS, on_pong, k) == 0;
}

static void on_keepalive(void *arg)
{
	streams_keepalive(arg);
}

/* -- start -- */

static void put_bounds(const struct apid *k, struct metrics *m)
{
	metrics_bound(m, "http_open_max", NULL, "connections", k->max_connections);
	metrics_bound(m, "http_local_max", NULL, "connections", MAX_LOCAL);
	metrics_bound(m, "http_reply_max", "each socket", "bytes", (double)k->c->topo->api.reply_bytes);
	metrics_bound(m, "sessions_max", NULL, "sessions", LOGIN_SESSIONS);
	metrics_bound(m, "questions_max", NULL, "questions", APID_MAX_ASKED);
	metrics_bound(m, "answers_max", NULL, "answers", ANSWERS_MAX);
	metrics_bound(m, "answer_bytes_max", NULL, "bytes", ANSWERS_MAX_BYTES);
	metrics_bound(m, "walks_max", NULL, "answers", COMPAT_MAX_WALKS);
	metrics_bound(m, "totals_max", "rows", "rows", TOTALS_ROWS);
	metrics_bound(m, "totals_max", "engaged", "alerts", TOTALS_ENGAGED);
	metrics_bound(m, "http_streams_max", NULL, "streams", EVENTS_MAX_CLIENTS);
	metrics_bound(m, "events_max", NULL, "events", MAX_EVENTS);
	metrics_bound(m, "event_bytes_max", NULL, "bytes", MAX_EVENT_BYTES);
	metrics_bound(m, "live_max", "flows", "flows", (double)live_max(k->flows));
	metrics_bound(m, "live_max", "hosts", "hosts", (double)live_max(k->hosts));
}

static void put_metrics(void *arg, struct metrics *m)
{
	struct apid *k = arg;
	struct http_stats st = { 0 };
	http_stats_add(k->http, &st);
	http_stats_add(k->local, &st);
	const struct {
		const char *name, *unit;
		bool counter;
		uint64_t value;
	} rows[] = {
		{ "http_requests", "requests", true, st.requests },
		{ "http_refused", "requests", true, st.refused },
		{ "http_connections", "connections", true, st.connections },
		{ "http_rejected", "connections", true, st.rejected },
		{ "http_timeouts", "connections", true, st.timeouts },
		{ "http_open", "connections", false, st.open },
		{ "http_reply", "bytes", false, st.reply_bytes },
		{ "http_streams", "streams", false, events_clients(k->events) },
		{ "answers_again", "answers", true, k->answered_again },
		{ "live_flows", "flows", false, live_count(k->flows) },
		{ "live_hosts", "hosts", false, live_count(k->hosts) },
		{ "live_evicted", "records", true, live_evicted(k->flows) + live_evicted(k->hosts) },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		metrics_put(m, rows[i].name, NULL, rows[i].unit, rows[i].counter, (double)rows[i].value);
	follower_metrics(k->history, m);
	follower_metrics(k->alerts, m);
	door_metrics(k, m);
	put_bounds(k, m);
}

/* A unix socket belongs to those whom the topology names. */
static void give_socket(const struct topo *t, const char *path)
{
	const struct passwd *pw = t->user ? getpwnam(t->user) : NULL;
	const struct group *gr = t->group ? getgrnam(t->group) : NULL;
	if (geteuid() == 0 && pw && chown(path, pw->pw_uid, gr ? gr->gr_gid : pw->pw_gid) < 0)
		log_warn("%s: %s", path, strerror(errno));
}

/* Beside an address: the socket over which members of the group need no token. The API does without it if it must. */
static void open_local(struct apid *k)
{
	struct buf err = { 0 };
	char *path = topo_api_socket(k->c->topo), *listen = xasprintf("unix:%s", path), *host;
	k->local_fd = http_listen(listen, &host, &err);
	if (k->local_fd < 0)
		log_warn("without a socket for the group: %s", buf_cstr(&err));
	else
		give_socket(k->c->topo, path);
	buf_release(&err);
	free(listen);
	free(path);
}

static int on_privileged(struct proc_ctx *c)
{
	struct apid *k = c->state;
	struct buf err = { 0 };
	struct addr host;
	k->listen_fd = http_listen(c->topo->api.listen, &k->listen_host, &err);
	if (k->listen_fd < 0) {
		log_error("%s", buf_cstr(&err));
		buf_release(&err);
		return -1;
	}
	k->c = c;
	k->local_fd = -1;
	if (!k->listen_host) {
		give_socket(c->topo, c->topo->api.listen + strlen("unix:"));
		return 0;
	}
	open_local(k);
	const char *h = k->listen_host;
	bool bracket = *h == '[';
	if (addr_parse(h + bracket, strlen(h) - 2u * bracket, &host) < 0 || !addr_is_loopback(&host))
		log_warn("the API listens on %s: whoever reads the network reads the token; put a proxy with TLS before it and"
			 " listen on 127.0.0.1", c->topo->api.listen);
	return 0;
}

/* As many connections as are configured, if that many files may be open: one that cannot be accepted is in nobody's count. */
static uint32_t connections_allowed(uint32_t wanted)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= wanted + OTHER_FILES)
		return wanted;
	rlim_t more = files.rlim_max < wanted + OTHER_FILES ? files.rlim_max : wanted + OTHER_FILES;
	struct rlimit raised = { more, files.rlim_max };
	if (setrlimit(RLIMIT_NOFILE, &raised) < 0)
		more = files.rlim_cur;
	if (more >= wanted + OTHER_FILES)
		return wanted;
	uint32_t left = more > OTHER_FILES ? (uint32_t)(more - OTHER_FILES) : 1;
	log_warn("%u connections at once, not %u: %llu files may be open", left, wanted, (unsigned long long)more);
	return left;
}

static int open_door(struct apid *k)
{
	const struct topo *t = k->c->topo;
	struct http_conf conf = { .listen = t->api.listen, .max_connections = k->max_connections,
				  .reply_bytes = t->api.reply_bytes };
	struct buf err = { 0 };
	k->door = door_open(k, &err);
	if (k->door)
		k->http = http_new(k->c->loop, k->listen_fd, &conf, &door_ops, k, &err);
	conf.max_connections = MAX_LOCAL;
	if (k->http && k->local_fd >= 0)
		k->local = http_new(k->c->loop, k->local_fd, &conf, &door_ops, k, &err);
	if (k->http)
		door_reload(k);
	if (err.len)
		log_error("%s", buf_cstr(&err));
	buf_release(&err);
	return k->http ? 0 : -1;
}

static int on_init(struct proc_ctx *c)
{
	static const struct follower_ops ops = { .batch = on_batch, .gone = on_gone, .epoch = on_epoch, .idle = on_idle };
	struct apid *k = c->state;
	uint64_t hosts = c->topo->checks.max_hosts;
	k->c = c;
	k->max_connections = connections_allowed(c->topo->api.max_connections);
	k->logins = logins_new();
	k->answers = answers_new();
	k->checks.name = "checks";
	k->alertd.name = "alertd";
	k->flows = live_new(R_FLOW, MAX_LIVE);
	k->hosts = live_new(R_HOST, hosts < MAX_LIVE ? hosts : MAX_LIVE);
	k->totals = totals_new();
	live_watch(k->flows, on_flow_change, k);
	live_watch(k->hosts, on_host_change, k);
	k->events = events_new(MAX_EVENTS, MAX_EVENT_BYTES);
	k->checks_url = topo_url(c->topo, "checks", NULL);
	k->query_url = topo_url(c->topo, "alertd", "query");
	if (open_door(k) < 0)
		return -1;
	k->history = follower_new(c->loop, k->checks_url, "history", "apid", &ops, k);
	k->alerts = follower_new(c->loop, k->checks_url, "alerts", "apid", &ops, k);
	follower_resume(k->alerts);
	w.again = loop_add_timer(c->loop, on_again, k);
	w.keepalive = loop_add_timer(c->loop, on_keepalive, k);
	w.ping = loop_add_timer(c->loop, on_ping, k);
	loop_set_timer(w.keepalive, KEEPALIVE_MS, KEEPALIVE_MS);
	loop_set_timer(w.ping, 1, PING_MS);
	metrics_source(c->metrics, put_metrics, k);
	start_over(k, true);
	log_info("listening on %s", c->topo->api.listen);
	return 0;
}

static void on_status(struct proc_ctx *c, char *state, size_t size)
{
	struct apid *k = c->state;
	c->self->lag = follower_lag(k->history) + follower_lag(k->alerts);
	c->self->drops = live_evicted(k->flows) + live_evicted(k->hosts);
	snprintf(state, size, "%s", !k->have_snapshot ? "waiting for checks" : !k->alertd.heard ? "waiting for alertd" : "running");
}

/* Nothing to flush: clients see their connections end. */
static void on_stop(struct proc_ctx *c)
{
	const char *listen = c->topo->api.listen;
	char *local = topo_api_socket(c->topo);
	unlink(strncmp(listen, "unix:", 5) == 0 ? listen + 5 : local);
	free(local);
	proc_exit(c, 0);
}

int main(int argc, char **argv)
{
	static struct apid k;
	return proc_main(argc, argv, &(struct proc){ .name = "apid", .state = &k, .privileged = on_privileged, .init = on_init,
						     .status = on_status, .stop = on_stop, .needs = PROC_NET });
}

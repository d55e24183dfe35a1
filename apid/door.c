#include "door.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit.h"
#include "auth.h"
#include "compat.h"
#include "hash.h"
#include "limit.h"
#include "log.h"
#include "problem.h"
#include "webstat.h"

/* Refusals that are written down: an address that tries all day must not push the writes out of the file. */
static const struct bucket_size refusals = { .rate = 2, .burst = 200 };

struct door {
	struct auth *auth;
	char *tokens_path;
	uint64_t tokens_stamp; /* of the file that was read */
	struct limits *limits;
	struct hash_key seed;
	struct audit *audit;
	struct webstat *web;
	struct bucket refused; /* room for more of them in the audit */
	uint64_t left_out;
	uint64_t limited, denied, audited, audit_failures;
	struct log_limit limit;
};

/* What is kept with a request from the door on. */
struct guest {
	struct token token; /* without a name: nobody, on an open path */
	uint64_t who;       /* for the limits */
	const char *path;   /* of the route, NULL = none */
	uint64_t since;     /* ns, mono; UINT64_MAX: has no end of its own */
	bool heavy;         /* holds one of the places for such */
	bool writes;
	char about[64];
};

static struct guest *guest_of(struct request *r)
{
	return request_user(r);
}

const struct token *request_token(struct request *r)
{
	struct guest *g = guest_of(r);
	return g && *g->token.name ? &g->token : NULL;
}

/* -- audit -- */

static const char *from_text(const struct request *r, char out[static ADDR_STRLEN])
{
	struct addr from;
	if (request_from(r, &from))
		return addr_str(&from, out);
	snprintf(out, ADDR_STRLEN, "uid:%" PRIu32, request_uid(r));
	return out;
}

static void write_down(struct door *d, struct request *r, const char *event, unsigned status, uint64_t left_out)
{
	char from[ADDR_STRLEN];
	const struct guest *g = guest_of(r);
	const struct audit_event e = {
		.event = event, .who = g ? g->token.name : "", .from = from_text(r, from), .method = request_method(r),
		.path = request_uri(r)->path, .about = g ? g->about : "", .request = request_id(r), .status = status,
		.left_out = left_out, .time = wall_ns(),
	};
	log_notice("audit: %s: %s %s%s%s by %s from %s: %u", event, e.method, e.path, *e.about ? " " : "", e.about,
		   *e.who ? e.who : "nobody known", e.from, status);
	d->audited++;
	if (audit_write(d->audit, &e) == 0)
		return;
	d->audit_failures++;
	log_limited(&d->limit, "the audit cannot be written: %s", strerror(errno));
}

/* Whoever wanted in and may not. */
static void deny(struct door *d, struct request *r, unsigned status, const char *detail)
{
	d->denied++;
	if (bucket_take(&d->refused, &refusals, mono_ns(), NULL)) {
		write_down(d, r, "refused", status, d->left_out);
		d->left_out = 0;
	} else {
		d->left_out++;
	}
	request_problem(r, status, detail, NULL);
}

void door_about(struct request *r, const char *about)
{
	struct guest *g = guest_of(r);
	snprintf(g->about, sizeof g->about, "%s", about);
}

/* -- limits -- */

static uint64_t name_of_asker(const struct door *d, const struct request *r, const struct token *t)
{
	struct {
		struct addr from;
		uint32_t uid;
		char name[TOKEN_NAME + 1];
	} id;
	struct addr from;
	memset(&id, 0, sizeof id);
	if (!request_from(r, &from))
		id.uid = request_uid(r);
	else if (t)
		snprintf(id.name, sizeof id.name, "%s", t->name);
	else
		id.from = auth_neighbourhood(&from);
	return hash_sip13(d->seed, &id, sizeof id);
}

static void add_number(struct request *r, const char *header, uint32_t n)
{
	char text[12];
	snprintf(text, sizeof text, "%" PRIu32, n);
	request_header_add(r, header, text);
}

/* Names of draft-ietf-httpapi-ratelimit-headers-05. False: there are no tokens left. */
static bool take_token(struct door *d, struct request *r, uint64_t who, uint32_t *ret_wait)
{
	struct limit_state s = limits_take(d->limits, who, mono_ns());
	*ret_wait = s.wait;
	if (!s.limit)
		return true;
	add_number(r, "RateLimit-Limit", s.limit);
	add_number(r, "RateLimit-Remaining", s.remaining);
	add_number(r, "RateLimit-Reset", s.reset);
	return !s.wait;
}

static void too_many(struct door *d, struct request *r, uint32_t wait, const char *detail)
{
	d->limited++;
	add_number(r, "Retry-After", wait);
	request_problem(r, 429, detail, NULL);
}

bool door_heavy(struct apid *k, struct request *r)
{
	struct guest *g = guest_of(r);
	uint32_t wait = limits_begin_heavy(k->door->limits, g->who, mono_ns());
	g->heavy = !wait;
	if (wait)
		too_many(k->door, r, wait, "too many searches of the history; see api.heavy_rate in weir.yaml(5)");
	return g->heavy;
}

/* -- coming in -- */

static const struct token at_socket = { .name = "unix socket", .scopes = TOKEN_ALL };

static enum auth_verdict identify(struct apid *k, struct request *r, const struct token **ret)
{
	struct door *d = k->door;
	struct addr from;
	char login[512];
	const char *offered = request_header(r, "Authorization");
	if (!request_from(r, &from)) {
		*ret = &at_socket; /* the mode of the socket has let it in */
		return AUTH_GOOD;
	}
	const char *path = request_uri(r)->path;
	if (compat_is_path(path)) { /* ntopng's clients have more ways to show the token */
		/* A browser sends cookies whoever made it ask: they open what is read. */
		const char *cookie = compat_takes_cookies(path) ? request_header(r, "Cookie") : NULL;
		offered = login_header(k->logins, offered, cookie, mono_ns(), login, sizeof login) ? login : NULL;
	}
	auth_set_time(d->auth, wall_ns() / 1000000000u);
	enum auth_verdict v = auth_check(d->auth, &from, offered, mono_ns(), ret);
	explicit_bzero(login, sizeof login);
	return v;
}

static void turn_away(struct door *d, struct request *r, enum auth_verdict v)
{
	struct addr from;
	if (v == AUTH_BLOCKED && request_from(r, &from)) {
		add_number(r, "Retry-After", auth_wait(d->auth, &from, mono_ns()));
		deny(d, r, 429, "too many wrong tokens from this address");
	} else {
		deny(d, r, 401, "a bearer token is needed: Authorization: Bearer TOKEN; see api.token_file in weir.yaml(5)");
	}
}

static const struct route *find_route(const struct request *r, char id[static ROUTE_ID], struct buf *allow)
{
	return route_find(route_tables, n_route_tables, request_method(r), request_uri(r)->path, id, allow);
}

/*
 * A page of somebody else that a name was rebound for asks under that name. What names no host at all comes from no browser: they
 * all send Host; and no browser comes over a unix socket.
 */
static bool means_us(const struct apid *k, const struct request *r)
{
	struct addr from;
	const char *host = request_host(r);
	return !request_from(r, &from) || !host || auth_host(host, k->listen_host, k->c->topo->api.hosts);
}

/* Lets whoever asks in, or answers: how often they ask, whom they think they talk to, who they are. */
static bool admit(struct apid *k, struct request *r, const struct route *rt)
{
	struct door *d = k->door;
	struct guest g = { .path = compat_is_path(request_uri(r)->path) ? "/lua" : rt ? rt->path : NULL };
	const struct token *who = NULL;
	uint32_t wait;
	g.since = rt && rt->reply == REPLY_EVENTS ? UINT64_MAX : mono_ns();
	enum auth_verdict v = rt && rt->scope == SCOPE_OPEN ? AUTH_GOOD : identify(k, r, &who);
	g.who = name_of_asker(d, r, who);
	if (who)
		g.token = *who;
	request_set_user(r, &g, sizeof g);
	if (!take_token(d, r, g.who, &wait))
		too_many(d, r, wait, "too many requests; see api.rate in weir.yaml(5)");
	else if (!means_us(k, r))
		request_problem(r, 421, "Host, or the target, names another server; see api.hosts in weir.yaml(5)", NULL);
	else if (v != AUTH_GOOD)
		turn_away(d, r, v);
	else
		return true;
	return false;
}

/* allow: the methods that this path has. */
static void answer_nothing(struct request *r, struct buf *allow)
{
	if (allow->len)
		request_header_add(r, "Allow", buf_cstr(allow));
	request_problem(r, allow->len ? 405 : 404, allow->len ? "this path has other methods" : "there is nothing at this path", NULL);
}

/* What does not exist is not waited for. */
static size_t on_head(void *arg, struct request *r)
{
	struct buf allow = { 0 };
	char id[ROUTE_ID];
	const struct route *rt = find_route(r, id, &allow);
	bool compat = compat_is_path(request_uri(r)->path);
	bool good = admit(arg, r, rt);
	if (good && !rt && !compat)
		answer_nothing(r, &allow);
	buf_release(&allow);
	if (!good)
		return 0;
	return compat ? compat_body(request_method(r)) : rt ? rt->body : 0;
}

/* -- inside -- */

bool door_may(struct apid *k, struct request *r, enum scope scope)
{
	char detail[80];
	if (scope == SCOPE_OPEN || token_may(request_token(r), scope))
		return true;
	snprintf(detail, sizeof detail, "the token lacks the right %s", scope_names[scope]);
	deny(k->door, r, 403, detail);
	return false;
}

/* What is past the door: its right, its parameters, its handler. */
static void serve(struct apid *k, struct request *r, const struct route *rt, const char *id)
{
	struct param_error e = { 0 };
	if (!door_may(k, r, rt->scope))
		return;
	guest_of(r)->writes = strncmp(rt->method, "GET", 3) != 0;
	if (rt->body && !body_params(r, rt->params, &e))
		request_problem(r, 400, "the body is not right", &e);
	else if (!route_check(rt, request_uri(r), &e))
		request_problem(r, 400, PROBLEM_PARAM, &e);
	else if (!rt->heavy || door_heavy(k, r))
		rt->handle(k, r, rt, id);
}

/* ntopng's paths are read by whoever may read all; those that change something ask for their right themselves. */
static void serve_compat(struct apid *k, struct request *r)
{
	const struct token *who = request_token(r);
	guest_of(r)->writes = compat_writes(request_uri(r)->path);
	if (token_may(who, SCOPE_READ_STATS) && token_may(who, SCOPE_READ_FLOWS) && token_may(who, SCOPE_READ_ALERTS))
		compat_request(k, r);
	else
		deny(k->door, r, 403, "the token must have the rights read:stats, read:flows and read:alerts");
}

/* There is something at this path: on_head has seen to it. */
static void on_request(void *arg, struct request *r)
{
	struct buf allow = { 0 };
	char id[ROUTE_ID];
	if (compat_is_path(request_uri(r)->path))
		serve_compat(arg, r);
	else
		serve(arg, r, find_route(r, id, &allow), id);
	buf_release(&allow);
}

/* It is answered whatever the limits say, but counts as well. */
static void on_refuse(void *arg, struct request *r, unsigned status, const char *why)
{
	struct door *d = ((struct apid *)arg)->door;
	uint32_t wait;
	if (!guest_of(r))
		take_token(d, r, name_of_asker(d, r, NULL), &wait);
	request_problem(r, status, why, NULL);
}

static void on_end(void *arg, struct request *r)
{
	struct apid *k = arg;
	const struct guest *g = guest_of(r);
	bool timed = g && g->path && g->since != UINT64_MAX;
	webstat_add(k->door->web, g && g->path ? g->path : "other", request_method(r), request_status(r),
		    timed ? mono_ns() - g->since : UINT64_MAX);
	if (!g)
		return;
	if (g->heavy)
		limits_end_heavy(k->door->limits, g->who);
	if (g->writes)
		write_down(k->door, r, "write", request_status(r), 0);
}

const struct http_ops door_ops = { .head = on_head, .request = on_request, .refuse = on_refuse, .end = on_end };

/* -- opening -- */

const char *door_tokens(const struct apid *k)
{
	return k->door->tokens_path;
}

#define MADE_TOKEN "made a token for the API: %s"

/* The tokens are read again when their file has changed; what cannot be read changes nothing. */
void door_reload(struct apid *k)
{
	struct door *d = k->door;
	const char *first = k->c->topo->api.token_file;
	struct buf err = { 0 };
	struct token *t;
	if (auth_save(d->auth, first) > 0)
		log_info(MADE_TOKEN, first);
	struct stat st;
	size_t n;
	uint64_t stamp = stat(d->tokens_path, &st) == 0 ? (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec +
								  (uint64_t)st.st_ino : 0;
	if (stamp == d->tokens_stamp)
		return;
	d->tokens_stamp = stamp;
	if (token_load(d->tokens_path, &t, &n, &err) == 0) {
		auth_set_tokens(d->auth, t, n);
		log_info("%zu tokens beside the first one", n);
	} else {
		log_error("%s: the tokens known before stay in force", buf_cstr(&err));
	}
	buf_release(&err);
}

struct door *door_open(struct apid *k, struct buf *err)
{
	const struct topo *t = k->c->topo;
	const struct limits_conf conf = {
		.all = { t->api.rate, t->api.burst },
		.heavy = { t->api.heavy_rate, t->api.heavy_burst },
		.heavy_at_once = t->api.heavy_at_once,
	};
	struct door *d = xcalloc(1, sizeof *d);
	char *audit = xasprintf("%s/audit.jsonl", t->state);
	enum auth_token token;
	d->tokens_path = xasprintf("%s/api.tokens", t->state);
	d->limits = limits_new(&conf);
	d->web = webstat_new();
	d->seed = hash_key_random();
	d->auth = auth_open(t->api.token_file, &token, err);
	if (d->auth && token == AUTH_MADE)
		log_info(MADE_TOKEN, t->api.token_file);
	else if (d->auth && token == AUTH_UNSAVED)
		log_warn("cannot write the token to %s: %s; nobody can use the API before that, trying again", t->api.token_file,
			 strerror(errno));
	if (d->auth)
		d->audit = audit_open(audit, t->api.audit_bytes, err);
	free(audit);
	if (d->audit)
		return d;
	auth_free(d->auth);
	limits_free(d->limits);
	webstat_free(d->web);
	free(d->tokens_path);
	free(d);
	return NULL;
}

void door_metrics(const struct apid *k, struct metrics *m)
{
	const struct door *d = k->door;
	const struct {
		const char *name, *unit;
		uint64_t value;
	} rows[] = {
		{ "http_limited", "requests", d->limited },
		{ "http_denied", "requests", d->denied },
		{ "audit_events", "events", d->audited },
		{ "audit_failures", "events", d->audit_failures },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		metrics_put(m, rows[i].name, NULL, rows[i].unit, true, (double)rows[i].value);
	metrics_bound(m, "http_askers_max", NULL, "askers", LIMITS_MAX);
	metrics_bound(m, "http_denied_max", NULL, "addresses", AUTH_FAILING);
	metrics_bound(m, "http_paths_max", NULL, "rows", WEBSTAT_MAX);
	metrics_bound(m, "audit_max", NULL, "bytes", (double)k->c->topo->api.audit_bytes * (AUDIT_KEPT + 1));
}

void door_print(const struct apid *k, struct prom *p)
{
	webstat_print(k->door->web, p);
}

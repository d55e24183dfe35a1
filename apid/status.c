/* How things are: this process, what it depends on, all processes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accept.h"
#include "apid.h"
#include "codec.h"
#include "json.h"
#include "problem.h"
#include "prom_live.h"

#define STATUS_MS    1500
#define MAX_REQUESTS 64
#define KEPT_NS      1000000000ull /* whoever asks more often than this is told the same again */
#define FORM_JSON    -1

static void reply_text(struct request *r, unsigned status, struct buf *b)
{
	request_reply(r, status, "text/plain; charset=utf-8", b);
}

void get_live(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)arg, (void)rt, (void)id;
	struct buf b = { 0 };
	buf_adds(&b, "ok\n");
	reply_text(r, 200, &b);
}

/* One line for an upstream; true if it is well. */
static bool judge(struct buf *b, const struct upstream *u, const char *but, bool verbose)
{
	uint64_t now = mono_ns(), silent = now - u->heard;
	if (!u->heard)
		buf_addf(b, "%s: has not answered yet\n", u->name);
	else if (silent > HEARD_NS)
		buf_addf(b, "%s: silent for %" PRIu64 " s\n", u->name, silent / 1000000000u);
	else if (but)
		buf_addf(b, "%s: %s\n", u->name, but);
	else if (verbose)
		buf_addf(b, "%s: ok\n", u->name);
	return u->heard && silent <= HEARD_NS && !but;
}

void get_ready(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt, (void)id;
	struct apid *k = arg;
	struct buf b = { 0 };
	const char *flag = uri_param(request_uri(r), "verbose");
	bool verbose = flag && route_flag(flag);
	bool ready = judge(&b, &k->checks, k->have_snapshot ? NULL : "its hosts and flows are not here yet", verbose);
	ready &= judge(&b, &k->alertd, NULL, verbose);
	if (ready)
		buf_adds(&b, "ok\n");
	reply_text(r, ready ? 200 : 503, &b);
}

void get_me(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)arg, (void)rt, (void)id;
	const struct token *t = request_token(r);
	struct buf b = { 0 };
	bool any = false;
	buf_addf(&b, "{\"name\":\"%s\",\"scopes\":[", t->name);
	for (int s = SCOPE_OPEN + 1; s < N_SCOPES; s++)
		if (token_may(t, (enum scope)s)) {
			buf_addf(&b, "%s\"%s\"", any ? "," : "", scope_names[s]);
			any = true;
		}
	buf_adds(&b, "],\"expires\":");
	if (t->expires)
		json_time(&b, t->expires * 1000000000u);
	else
		buf_adds(&b, "null");
	buf_adds(&b, "}\n");
	request_reply(r, 200, "application/json", &b);
}

/* -- all processes: asked at the same time, once for all requests that wait -- */

struct one {
	struct gather *g;
	char name[80];
	struct buf json;
	bool up;
};

struct gather {
	struct apid *k;
	uint64_t asked; /* mono ns */
	unsigned waiting;
	size_t n;
	struct one *each;
	struct prom *prom; /* NULL: without metrics */
	struct {
		struct request *r;
		int form;  /* of the reply: enum prom_form, or FORM_JSON */
	} requests[MAX_REQUESTS];
	size_t n_requests;
	struct gather *next; /* with and without metrics */
};

static void print_ntopng(const struct gather *g, struct buf *out)
{
	struct prom *theirs = prom_new();
	prom_ntopng(g->k, g->prom, theirs, PROM_HOSTS);
	prom_print(theirs, PROM_NTOPNG, out);
	prom_free(theirs);
}

static void reply_told(struct request *r, const struct told *t)
{
	struct buf b = { 0 };
	buf_add(&b, t->text.p, t->text.len);
	buf_addf(&b, ",\"age\":%.3f}\n", (double)(mono_ns() - t->asked) / 1e9);
	request_reply(r, 200, "application/json", &b);
}

static void print_told(struct gather *g, struct buf *b)
{
	size_t up = 0;
	for (size_t i = 0; i < g->n; i++)
		up += g->each[i].up;
	buf_reset(b);
	buf_addf(b, "{\"version\":\"%s\",\"configuration\":\"%s\",\"up\":%s,\"processes\":[", WEIR_VERSION, g->k->c->topo->hash,
		 up == g->n ? "true" : "false");
	for (size_t i = 0; i < g->n; i++) {
		if (i)
			buf_addc(b, ',');
		buf_add(b, g->each[i].json.p, g->each[i].json.len);
		buf_release(&g->each[i].json);
	}
	buf_addc(b, ']');
}

static void reply_metrics(struct gather *g, struct request *r, enum prom_form form)
{
	struct buf b = { 0 };
	if (form == PROM_NTOPNG)
		print_ntopng(g, &b);
	else
		prom_print(g->prom, form, &b);
	request_reply(r, 200, prom_type(form), &b);
}

static void gather_end(struct gather *g)
{
	struct told *t = &g->k->told[g->prom != NULL];
	for (struct gather **p = &g->k->gather; *p; p = &(*p)->next)
		if (*p == g) {
			*p = g->next;
			break;
		}
	print_told(g, &t->text);
	t->asked = g->asked;
	if (g->prom)
		prom_live(g->k, g->prom);
	for (size_t i = 0; i < g->n_requests; i++)
		if (g->requests[i].form == FORM_JSON)
			reply_told(g->requests[i].r, t);
		else
			reply_metrics(g, g->requests[i].r, (enum prom_form)g->requests[i].form);
	prom_free(g->prom);
	free(g->each);
	free(g);
}

static void add_metrics(struct buf *out, struct prom *prom, const struct g_answer *a, struct codec_reader *r)
{
	struct r_metric m;
	bool any = false;
	buf_adds(out, ",\"metrics\":[");
	for (uint32_t i = 1; i < a->count && codec_peek(r) == R_METRIC && codec_read(r, &m) == 1; i++) {
		static const char *const fields[] = { "name", "label", "counter", "value", "unit", NULL };
		if (any)
			buf_addc(out, ',');
		json_record(out, R_METRIC, &m, r->base, 0, fields);
		prom_metric(prom, &m.metric, r->base);
		any = true;
	}
	buf_addc(out, ']');
}

static void on_one(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	struct one *o = arg;
	struct gather *g = o->g;
	struct r_process p;
	o->up = a && a->status == 200 && codec_peek(r) == R_PROCESS && codec_read(r, &p) == 1;
	if (o->up) {
		if (g->prom)
			prom_process(g->prom, &p.process, r->base);
		json_record(&o->json, R_PROCESS, &p, r->base, 0, NULL);
		o->json.len--; /* the brace */
		buf_adds(&o->json, ",\"up\":true");
		if (g->prom)
			add_metrics(&o->json, g->prom, a, r);
		buf_addc(&o->json, '}');
	} else {
		if (g->prom)
			prom_down(g->prom, o->name);
		buf_adds(&o->json, "{\"process\":");
		json_quote(&o->json, o->name, strlen(o->name));
		buf_adds(&o->json, ",\"state\":\"does not answer\",\"up\":false}");
	}
	if (--g->waiting == 0)
		gather_end(g);
}

static void ask_one(struct gather *g, const char *process, const char *instance)
{
	struct r_status rec = { .hello = { .metrics = g->prom != NULL } };
	struct one *o = &g->each[g->n++];
	char *url = topo_url(g->k->c->topo, process, instance);
	o->g = g;
	snprintf(o->name, sizeof o->name, "%s%s%s", process, instance ? "/" : "", instance ? instance : "");
	if (link_ask(g->k->c->loop, url, R_STATUS, &rec, NULL, STATUS_MS, on_one, o) < 0)
		on_one(o, NULL, NULL);
	free(url);
}

static struct gather *gather_new(struct apid *k, bool metrics)
{
	static const char *const others[] = { "classify", "checks", "alertd", "notify", "apid" };
	const size_t n_others = sizeof others / sizeof *others;
	const struct topo *t = k->c->topo;
	struct gather *g = xcalloc(1, sizeof *g);
	g->k = k;
	g->asked = mono_ns();
	g->prom = metrics ? prom_new() : NULL;
	g->each = xcalloc(t->n_sensors + n_others, sizeof *g->each);
	g->waiting = 1; /* ourselves, until all are asked: some may answer at once */
	g->next = k->gather;
	k->gather = g;
	for (size_t i = 0; i < t->n_sensors + n_others; i++) {
		g->waiting++;
		if (i < t->n_sensors)
			ask_one(g, "capture", t->sensors[i].name);
		else
			ask_one(g, others[i - t->n_sensors], NULL);
	}
	g->waiting--;
	return g;
}

/* Answers when all processes have told, in this form. */
static void wait_for_all(struct apid *k, struct request *r, bool metrics, int form)
{
	struct gather *g = k->gather;
	while (g && (g->prom != NULL) != metrics)
		g = g->next;
	if (!g)
		g = gather_new(k, metrics);
	if (g->n_requests == MAX_REQUESTS) {
		request_header_add(r, "Retry-After", "1");
		request_problem(r, 503, "too many requests wait for the same answer", NULL);
		return;
	}
	g->requests[g->n_requests].r = r;
	g->requests[g->n_requests++].form = form;
	if (g->waiting == 0)
		gather_end(g);
}

void get_status(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt, (void)id;
	struct apid *k = arg;
	const char *flag = uri_param(request_uri(r), "metrics");
	bool metrics = flag && route_flag(flag);
	const struct told *t = &k->told[metrics];
	if (t->asked && mono_ns() - t->asked < KEPT_NS)
		reply_told(r, t);
	else
		wait_for_all(k, r, metrics, FORM_JSON);
}

static enum prom_form form_of(const struct request *r)
{
	const char *accept = request_header(r, "Accept");
	double open = accept_q(accept, "application/openmetrics-text");
	return open > 0 && open >= accept_q(accept, "text/plain") ? PROM_OPEN : PROM_TEXT;
}

void get_metrics(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)id;
	wait_for_all(arg, r, true, strstr(rt->path, "ntopng") ? PROM_NTOPNG : form_of(r));
}

void get_host_metrics(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt, (void)id;
	const char *limit = uri_param(request_uri(r), "limit");
	enum prom_form form = form_of(r);
	struct prom *p = prom_new();
	struct buf b = { 0 };
	prom_hosts(arg, p, limit ? (uint32_t)strtoul(limit, NULL, 10) : PROM_HOSTS);
	prom_print(p, form, &b);
	prom_free(p);
	request_reply(r, 200, prom_type(form), &b);
}

/* Stored flows and alerts added up: top, group-by, series, what a host did, and the graph of who talks to whom. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "json.h"
#include "list.h"
#include "shapes.h"

static void ask_sums(void *arg, struct request *r, enum rtype type, const char *what, const char *dimension)
{
	struct list *l = list_read(arg, r, type);
	if (!l)
		return;
	l->type = R_TOP;
	if (*dimension)
		snprintf(l->p.by, sizeof l->p.by, "%s", dimension);
	if (*l->p.by)
		list_ask(l, what);
	else
		list_bad_param(l, "by", "fields of the records are wanted, joined by commas");
}

void get_top(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt;
	ask_sums(arg, r, R_FLOW, "top.flows", id);
}

void get_alerts_top(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt;
	ask_sums(arg, r, R_ALERT, "top.alerts", id);
}

void get_series(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt, (void)id;
	struct list *l = list_read(arg, r, R_FLOW);
	if (!l)
		return;
	l->type = R_SAMPLE;
	if (!uri_param(request_uri(r), "limit"))
		l->p.limit = PARAMS_MAX_LIMIT; /* a hundred points are no series */
	shape_series(l);
	list_ask(l, "series");
}

void get_runs(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt, (void)id;
	struct list *l = list_read(arg, r, R_RUN);
	if (l)
		list_ask(l, "runs");
}

/* What a series can be of, for programs that offer a choice. */
void get_series_list(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)arg, (void)rt, (void)id;
	static const char *const measures[] = { "bytes", "bytes_sent", "bytes_rcvd", "packets", "flows", "alerts", "score", "active",
						"drops", NULL };
	const struct rdesc *rd = rdesc_get(R_FLOW);
	struct buf b = { 0 };
	unsigned off;
	buf_adds(&b, "{\"data\":[{\"name\":\"flows\",\"path\":\"/api/v1/series/query\",\"measures\":[");
	for (const char *const *m = measures; *m; m++) {
		const struct field *f = rdesc_field(rdesc_get(R_SAMPLE), *m, &off);
		buf_addf(&b, "%s{\"name\":\"%s\",\"unit\":\"%s\",\"description\":", m == measures ? "" : ",", f->name, f->unit);
		json_quote(&b, f->doc, strlen(f->doc));
		buf_addc(&b, '}');
	}
	buf_adds(&b, "],\"by\":[\"sensor\",\"sensor,app\",\"host\",\"host,app\",\"check\",\"ip\"");
	for (unsigned g = 0; g < rd->n_groups; g++)
		for (unsigned i = 0; i < rd->groups[g].n_fields; i++) {
			const struct field *f = &rd->groups[g].fields[i];
			if (f->type != FT_BIN && f->type != FT_MAP && f->type != FT_F64)
				buf_addf(&b, ",\"%s\"", f->name);
		}
	buf_adds(&b, "]}]}\n");
	request_reply(r, 200, "application/json", &b);
}

/* -- what a host did: its stored flows, added up -- */

static const struct part {
	const char *name, *by;
	const char *end;  /* of a flow that the host is */
	const char *with; /* what else the flows must have, or NULL */
} parts[] = {
	{ "apps", "app", "either.ip", NULL },
	{ "peers", "ip", "either.ip", NULL },
	{ "ports", "proto,server.port", "server.ip", NULL },
	{ "dns", "dns.query", "either.ip", "dns.query" },
	{ "tls", "tls.sni,tls.version,tls.ja3c", "either.ip", "tls.version or tls.sni" },
};

/* Sums by either end of a flow have the host itself among them. */
static void add_peer(void *list, const void *rec, const char *base)
{
	struct list *l = list;
	const struct g_top *t = &((const struct r_top *)rec)->top;
	if (!str_eq(base, t->key, l->arg) && l->n < l->p.limit - 1)
		list_add(l, rec, base);
}

static void end_peers(struct list *l, const char *next)
{
	list_end(l, next, false, 0);
}

void get_host_part(void *arg, struct request *r, const struct route *rt, const char *id)
{
	const struct part *p = parts;
	char ip[ADDR_STRLEN], expression[160];
	struct addr addr;
	unsigned long vlan;
	while (strcmp(p->name, strrchr(rt->path, '/') + 1) != 0)
		p++;
	struct list *l = list_read(arg, r, R_FLOW);
	if (!l)
		return;
	if (!list_host(id, &addr, &vlan)) {
		list_problem(l, 404, "a host is named by its address, or address@vlan", NULL);
		return;
	}
	snprintf(expression, sizeof expression, "%s = \"%s\" and vlan = %lu", p->end, addr_str(&addr, ip), vlan);
	params_require(&l->p, expression);
	if (p->with)
		params_require(&l->p, p->with);
	snprintf(l->p.by, sizeof l->p.by, "%s", p->by);
	l->type = R_TOP;
	if (strcmp(p->name, "peers") == 0) {
		l->p.limit++;
		l->add = add_peer;
		l->end = end_peers;
		l->arg = xstrdup(ip);
	}
	list_ask(l, "top.flows");
}

/* -- the graph -- */

/* Nodes as they come; names are few enough to be looked for one by one in a table. */
struct graph {
	struct buf names;  /* all of them, NUL-terminated */
	size_t *off;       /* of each node's name */
	uint64_t *bytes;
	size_t n;
	struct buf edges;
	unsigned n_edges;
};

static size_t node_of(struct graph *g, const char *name, size_t len, uint64_t bytes)
{
	for (size_t i = 0; i < g->n; i++)
		if (strlen(g->names.p + g->off[i]) == len && memcmp(g->names.p + g->off[i], name, len) == 0) {
			g->bytes[i] += bytes;
			return i;
		}
	g->off = xrealloc(g->off, (g->n + 1) * sizeof *g->off);
	g->bytes = xrealloc(g->bytes, (g->n + 1) * sizeof *g->bytes);
	g->off[g->n] = g->names.len;
	g->bytes[g->n] = bytes;
	buf_add(&g->names, name, len);
	buf_addc(&g->names, '\0');
	return g->n++;
}

static void add_edge(void *list, const void *rec, const char *base)
{
	struct list *l = list;
	struct graph *g = l->arg;
	const struct g_top *t = &((const struct r_top *)rec)->top;
	const char *key = str_ptr(base, t->key), *nl = memchr(key, '\n', t->key.len);
	if (!nl)
		return;
	size_t len = (size_t)(nl - key), rest = t->key.len - len - 1;
	size_t from = node_of(g, key, len, t->bytes), to = node_of(g, nl + 1, rest, t->bytes);
	buf_addf(&g->edges, "%s{\"id\":\"%s>%s\",\"source\":\"%s\",\"target\":\"%s\",\"mainStat\":%" PRIu64 ",\"bytes\":%" PRIu64
			    ",\"flows\":%" PRIu64 "}", g->n_edges++ ? "," : "", g->names.p + g->off[from], g->names.p + g->off[to],
		 g->names.p + g->off[from], g->names.p + g->off[to], t->bytes, t->bytes, t->flows);
}

static void end_graph(struct list *l, const char *next)
{
	struct graph *g = l->arg;
	(void)next; /* sums have one page */
	buf_adds(&l->body, "{\"nodes\":[");
	for (size_t i = 0; i < g->n; i++)
		buf_addf(&l->body, "%s{\"id\":\"%s\",\"title\":\"%s\",\"mainStat\":%" PRIu64 ",\"bytes\":%" PRIu64 "}", i ? "," : "",
			 g->names.p + g->off[i], g->names.p + g->off[i], g->bytes[i], g->bytes[i]);
	buf_adds(&l->body, "],\"edges\":[");
	buf_add(&l->body, g->edges.p ? g->edges.p : "", g->edges.len);
	buf_release(&g->names);
	buf_release(&g->edges);
	free(g->off);
	free(g->bytes);
	list_end_bare(l, "]}\n", "");
}

void get_graph(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt, (void)id;
	struct list *l = list_read(arg, r, R_FLOW);
	if (!l)
		return;
	l->type = R_TOP;
	l->add = add_edge;
	l->end = end_graph;
	l->arg = xcalloc(1, sizeof(struct graph));
	snprintf(l->p.by, sizeof l->p.by, "client.ip,server.ip");
	list_ask(l, "top.flows");
}

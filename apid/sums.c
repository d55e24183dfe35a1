/* Stored flows and alerts added up: top, group-by, and the graph of who talks to whom. Asked of alertd. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "json.h"
#include "list.h"

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
	list_ask(l, "series");
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

static void end_graph(struct list *l)
{
	struct graph *g = l->arg;
	struct buf b = { 0 };
	buf_adds(&b, "{\"nodes\":[");
	for (size_t i = 0; i < g->n; i++)
		buf_addf(&b, "%s{\"id\":\"%s\",\"title\":\"%s\",\"mainStat\":%" PRIu64 ",\"bytes\":%" PRIu64 "}", i ? "," : "",
			 g->names.p + g->off[i], g->names.p + g->off[i], g->bytes[i], g->bytes[i]);
	buf_adds(&b, "],\"edges\":[");
	buf_add(&b, g->edges.p ? g->edges.p : "", g->edges.len);
	buf_adds(&b, "]}\n");
	request_reply(l->r, 200, "application/json", &b);
	buf_release(&g->names);
	buf_release(&g->edges);
	free(g->off);
	free(g->bytes);
	list_free(l);
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

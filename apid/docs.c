/* The interface as a page for people, made from the routing table: no script, no style, nothing from elsewhere. */
#include <string.h>

#include "apid.h"

static void add_text(struct buf *out, const char *s)
{
	for (; *s; s++) {
		const char *name = *s == '<' ? "&lt;" : *s == '>' ? "&gt;" : *s == '&' ? "&amp;" : *s == '"' ? "&quot;" : NULL;
		if (name)
			buf_adds(out, name);
		else
			buf_addc(out, *s);
	}
}

static void add_params(struct buf *out, const struct route *rt)
{
	if (!rt->params || !rt->params->name)
		return;
	buf_adds(out, "<dl>\n");
	for (const struct route_param *p = rt->params; p->name; p++) {
		buf_addf(out, "<dt><code>%s</code></dt><dd>", p->name);
		add_text(out, p->doc);
		if (p->type == PT_NUMBER)
			buf_addf(out, "; from %lu to %lu", p->min, p->max);
		if (p->choices) {
			buf_adds(out, "; of ");
			add_text(out, p->choices);
		}
		buf_adds(out, "</dd>\n");
	}
	if (rt->records)
		buf_addf(out, "<dt><code>FIELD</code>, <code>FIELD[OPERATOR]</code></dt><dd>a condition on a field of %s records,"
			      " weir-fields(7)</dd>\n", rdesc_get(rt->records)->name);
	buf_adds(out, "</dl>\n");
}

static void add_route(struct buf *out, const struct route *rt)
{
	buf_addf(out, "<h2><code>%s %s</code></h2>\n<p>", rt->method, rt->path);
	add_text(out, rt->summary);
	buf_addf(out, ". Right: %s.%s</p>\n", rt->scope == SCOPE_OPEN ? "none" : scope_names[rt->scope],
		 rt->body ? " The parameters are members of the body." : "");
	add_params(out, rt);
}

void get_docs(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)arg, (void)rt, (void)id;
	struct buf b = { 0 };
	buf_adds(&b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>weir: HTTP API</title></head><body>\n"
		     "<h1>weir " WEIR_VERSION ": HTTP API</h1>\n<p>A token is wanted in <code>Authorization: Bearer TOKEN</code>. The same for"
		     " programs is at <code>/api/v1/openapi.json</code>, what ntopng's clients may ask at <code>/api/v1/compat</code>.</p>\n");
	for (size_t t = 0; t < n_route_tables; t++)
		for (size_t i = 0; i < route_tables[t].n; i++)
			add_route(&b, &route_tables[t].rows[i]);
	buf_adds(&b, "</body></html>\n");
	request_reply(r, 200, "text/html; charset=utf-8", &b);
}

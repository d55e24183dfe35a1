/* What the functions of flow checks share. Only checks/flow_*.c includes this. */
#ifndef WEIR_FLOW_UTIL_H
#define WEIR_FLOW_UTIL_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "apps.h"
#include "rows.h"

static inline bool is_app(const struct flow_view *v, uint16_t id)
{
	return app_is(v->app, id);
}

static inline uint64_t flow_packets(const struct flow_view *v)
{
	return v->n->client_packets + v->n->server_packets;
}

static inline double flow_seconds(const struct flow_view *v)
{
	return v->n->last > v->key->first ? (double)(v->n->last - v->key->first) / 1e9 : 0;
}

/* A text of the verdict, cut to size. */
void flow_text(char *out, size_t size, const struct flow_view *v, struct str s);
/* Finds a word, which is in lower case, in a text of the verdict, ignoring case. */
bool flow_contains(const struct flow_view *v, struct str s, const char *word);
/* Has weir learned for that long when this flow began? */
bool flow_has_learned(const struct flow_view *v, double seconds);

/* message: one sentence; values: 'name=value' lines. Both are printf formats. */
#define SAY(f, ...)    snprintf((f)->message, sizeof (f)->message, __VA_ARGS__)
#define VALUES(f, ...) snprintf((f)->values, sizeof (f)->values, __VA_ARGS__)

#endif

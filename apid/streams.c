/* Events over HTTP: server-sent events, or JSON lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accept.h"
#include "door.h"
#include "fault.h"
#include "problem.h"

struct listener {
	struct listener *next, **prev;
	struct apid *k;
	struct request *r;
	struct events_client *c;
	char who[TOKEN_NAME + 1];
};

static unsigned streams_of(const struct apid *k, const char *who)
{
	unsigned n = 0;
	for (const struct listener *s = k->listeners; s; s = s->next)
		n += strcmp(s->who, who) == 0;
	return n;
}

static void on_pull(void *arg, struct buf *out)
{
	FAULT("apid.send.before");
	events_pull(((struct listener *)arg)->c, out);
	FAULT("apid.send.after");
}

static void on_closed(void *arg)
{
	struct listener *s = arg;
	events_leave(s->c);
	*s->prev = s->next;
	if (s->next)
		s->next->prev = s->prev;
	free(s);
}

void streams_wake(struct apid *k)
{
	for (struct listener *s = k->listeners; s; s = s->next)
		if (events_pending(s->c))
			request_stream_wake(s->r);
}

/* A comment keeps proxies from closing the connection, and finds out whether anybody is there. */
void streams_keepalive(struct apid *k)
{
	for (struct listener *s = k->listeners; s; s = s->next)
		events_comment(s->c);
	streams_wake(k);
}

static bool has_topic(const char *list, const char *name)
{
	size_t n = strlen(name);
	do {
		size_t len = strcspn(list, ",");
		if (len == n && memcmp(list, name, n) == 0)
			return true;
		list += len;
	} while (*list++);
	return false;
}

/* A filter for each topic asked for; false after answering. */
static bool parse_filters(struct request *r, unsigned topics, struct match *filter[N_TOPICS])
{
	const char *text = uri_param(request_uri(r), "filter");
	char reason[300];
	for (int t = 0; t < N_TOPICS; t++) {
		struct match_error e;
		if (!(topics >> t & 1) || !text)
			continue;
		filter[t] = match_parse(text, topic_type((enum topic)t), &e);
		if (filter[t])
			continue;
		for (int i = 0; i < t; i++)
			match_free(filter[i]);
		snprintf(reason, sizeof reason, "for %s, character %zu: %s", topic_names[t], e.column, e.text);
		request_bad_param(r, "filter", reason);
		return false;
	}
	return true;
}

/* Where to go on; false after answering. *ret NULL = only new events. */
static bool parse_since(struct request *r, struct events_place *place, const struct events_place **ret)
{
	const char *last = request_header(r, "Last-Event-ID"), *since = uri_param(request_uri(r), "since");
	const char *text = last && *last ? last : since;
	*ret = text ? place : NULL;
	*place = (struct events_place){ 0 };
	if (!text || strcmp(text, "0") == 0 || events_parse(text, place))
		return true;
	request_bad_param(r, text == since ? "since" : "Last-Event-ID", "not the id of an event");
	return false;
}

void get_stream(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)rt, (void)id;
	struct apid *k = arg;
	struct match *filter[N_TOPICS] = { NULL };
	struct events_place place = { 0 };
	const struct events_place *since;
	const char *list = uri_param(request_uri(r), "topics");
	bool ndjson = accept_q(request_header(r, "Accept"), "application/x-ndjson") > 0;
	unsigned topics = 0;
	for (int t = 0; t < N_TOPICS; t++)
		topics |= (unsigned)has_topic(list ? list : "alerts", topic_names[t]) << t;
	/* The right of the path is that for alerts. */
	if (topics & ~(1u << TOPIC_ALERTS) && !door_may(k, r, SCOPE_READ_FLOWS))
		return;
	const char *who = request_token(r)->name;
	if (streams_of(k, who) >= k->c->topo->api.max_streams) {
		request_header_add(r, "Retry-After", "10");
		request_problem(r, 429, "this token has too many streams open; see api.max_streams in weir.yaml(5)", NULL);
		return;
	}
	if (!parse_since(r, &place, &since) || !parse_filters(r, topics, filter))
		return;
	struct events_client *c = events_join(k->events, topics, filter, since, ndjson);
	if (!c) {
		for (int t = 0; t < N_TOPICS; t++)
			match_free(filter[t]);
		request_header_add(r, "Retry-After", "10");
		request_problem(r, 503, "too many streams are open", NULL);
		return;
	}
	struct listener *s = xcalloc(1, sizeof *s);
	*s = (struct listener){ .next = k->listeners, .prev = &k->listeners, .k = k, .r = r, .c = c };
	snprintf(s->who, sizeof s->who, "%s", who);
	if (s->next)
		s->next->prev = &s->next;
	k->listeners = s;
	request_header_add(r, "X-Accel-Buffering", "no"); /* proxies that know it hand each event on at once */
	request_stream(r, ndjson ? "application/x-ndjson" : "text/event-stream", on_pull, on_closed, s);
}

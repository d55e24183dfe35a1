#include "events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "problem.h"

#define MAX_CLIENTS 64
#define PULL_BYTES  (64u << 10)

struct event {
	uint64_t seq;
	unsigned topic;
	char name[24];
	char *data;
	size_t len;
};

struct client {
	struct events *e;
	struct request *r;
	unsigned topics;
	uint64_t next;
	bool ndjson, used, comment, begun;
};

struct events {
	struct event *ring;
	size_t max, bytes, max_bytes;
	uint64_t head, tail; /* numbers of the next and of the oldest */
	struct client clients[MAX_CLIENTS];
	unsigned n_clients;
};

struct events *events_new(size_t max_events, size_t max_bytes)
{
	struct events *e = xcalloc(1, sizeof *e);
	e->ring = xcalloc(max_events, sizeof *e->ring);
	e->max = max_events;
	e->max_bytes = max_bytes;
	e->head = e->tail = 1;
	return e;
}

static void drop_oldest(struct events *e)
{
	struct event *old = &e->ring[e->tail++ % e->max];
	e->bytes -= old->len;
	free(old->data);
	old->data = NULL;
}

void events_free(struct events *e)
{
	if (!e)
		return;
	while (e->tail < e->head)
		drop_oldest(e);
	free(e->ring);
	free(e);
}

void events_add(struct events *e, unsigned topic, const char *name, const char *data, size_t len)
{
	while (e->head - e->tail == e->max || (e->tail < e->head && e->bytes + len > e->max_bytes))
		drop_oldest(e);
	struct event *n = &e->ring[e->head % e->max];
	*n = (struct event){ .seq = e->head, .topic = topic, .data = xmalloc(len), .len = len };
	snprintf(n->name, sizeof n->name, "%s", name);
	memcpy(n->data, data, len);
	e->bytes += len;
	e->head++;
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (e->clients[i].used && (e->clients[i].topics & topic))
			request_stream_wake(e->clients[i].r);
}

static void add_gap(struct client *c, struct buf *out, uint64_t lost)
{
	if (c->ndjson)
		buf_addf(out, "{\"type\":\"gap\",\"lost\":%" PRIu64 "}\n", lost);
	else
		buf_addf(out, "event: gap\ndata: {\"lost\":%" PRIu64 "}\n\n", lost);
}

static void add_event(struct client *c, struct buf *out, const struct event *ev)
{
	if (!c->ndjson)
		buf_addf(out, "id: %" PRIu64 "\nevent: %s\ndata: ", ev->seq, ev->name);
	buf_add(out, ev->data, ev->len);
	buf_adds(out, c->ndjson ? "\n" : "\n\n");
}

static bool pull(void *arg, struct buf *out)
{
	struct client *c = arg;
	struct events *e = c->e;
	if (!c->begun && !c->ndjson)
		buf_adds(out, "retry: 3000\n\n");
	c->begun = true;
	if (c->next < e->tail) {
		add_gap(c, out, e->tail - c->next);
		c->next = e->tail;
	}
	for (; c->next < e->head && out->len < PULL_BYTES; c->next++) {
		const struct event *ev = &e->ring[c->next % e->max];
		if (ev->topic & c->topics)
			add_event(c, out, ev);
	}
	if (out->len == 0 && c->comment && !c->ndjson)
		buf_adds(out, ": still here\n\n");
	c->comment = false;
	return true;
}

static void closed(void *arg)
{
	struct client *c = arg;
	c->used = false;
	c->e->n_clients--;
}

void events_serve(struct events *e, struct request *r, unsigned topics, uint64_t after, bool ndjson)
{
	struct client *c = NULL;
	for (int i = 0; i < MAX_CLIENTS && !c; i++)
		if (!e->clients[i].used)
			c = &e->clients[i];
	if (!c) {
		request_problem(r, 503, "too many streams are open", NULL, NULL);
		return;
	}
	uint64_t next = after == UINT64_MAX || after >= e->head ? e->head : after + 1;
	*c = (struct client){ .e = e, .r = r, .topics = topics, .next = next, .ndjson = ndjson, .used = true };
	e->n_clients++;
	request_stream(r, ndjson ? "application/x-ndjson" : "text/event-stream", pull, closed, c);
}

void events_keepalive(struct events *e)
{
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (e->clients[i].used) {
			e->clients[i].comment = true;
			request_stream_wake(e->clients[i].r);
		}
}

unsigned events_clients(const struct events *e)
{
	return e->n_clients;
}

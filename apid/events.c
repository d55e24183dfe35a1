#include "events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "json.h"

#define PULL_BYTES  (64u << 10)
#define PULL_EVENTS 1000 /* looked at for one piece */

const char *const topic_names[N_TOPICS] = { "alerts", "flows", "hosts" };

struct event {
	uint64_t seq;
	const char *name;
	char *rec;
	size_t len;
};

struct ring {
	struct event *events;
	uint64_t head, tail;  /* indices of the next and of the oldest */
	size_t bytes;
	uint32_t epoch;
	uint32_t turn;        /* grows when the ring begins anew */
	uint64_t lost_before; /* events up to this number may be missing */
	uint64_t next_seq;
};

struct events {
	size_t max, max_bytes;
	struct ring ring[N_TOPICS];
	unsigned n_clients;
};

struct events_client {
	struct events *e;
	unsigned topics;
	struct match *filter[N_TOPICS];
	struct {
		uint64_t index;
		uint32_t turn;
		uint64_t gap; /* to be told: events that may be missing */
		bool anew;    /* to be told: another run */
	} at[N_TOPICS];
	struct events_place seen;
	bool ndjson, begun, comment;
};

enum rtype topic_type(enum topic t)
{
	static const enum rtype types[N_TOPICS] = { R_ALERT, R_FLOW, R_HOST };
	return types[t];
}

/* -- places -- */

const char *events_print(const struct events_place *p, char buf[static EVENTS_ID])
{
	snprintf(buf, EVENTS_ID, "1-%08" PRIx32 ".%" PRIu64 "-%08" PRIx32 ".%" PRIu64 "-%08" PRIx32 ".%" PRIu64, p->at[0].epoch,
		 p->at[0].seq, p->at[1].epoch, p->at[1].seq, p->at[2].epoch, p->at[2].seq);
	return buf;
}

bool events_parse(const char *id, struct events_place *ret)
{
	struct events_place p = { 0 };
	if (strncmp(id, "1-", 2) != 0) /* the form of the id */
		return false;
	id += 2;
	for (int t = 0; t < N_TOPICS; t++) {
		char *end;
		if (strspn(id, "0123456789abcdef") != 8 || id[8] != '.' || id[9] < '0' || id[9] > '9')
			return false;
		p.at[t].epoch = (uint32_t)strtoul(id, NULL, 16);
		p.at[t].seq = strtoull(id + 9, &end, 10);
		if (*end != (t + 1 < N_TOPICS ? '-' : '\0'))
			return false;
		id = end + 1;
	}
	*ret = p;
	return true;
}

static uint32_t fold(uint64_t epoch)
{
	uint32_t f = (uint32_t)(epoch ^ epoch >> 32);
	return f ? f : 1;
}

/* -- rings -- */

struct events *events_new(size_t max_events, size_t max_bytes)
{
	struct events *e = xcalloc(1, sizeof *e);
	e->max = max_events;
	e->max_bytes = max_bytes;
	for (int t = 0; t < N_TOPICS; t++)
		e->ring[t].events = xcalloc(max_events, sizeof *e->ring[t].events);
	return e;
}

static void drop_oldest(struct events *e, struct ring *r)
{
	struct event *old = &r->events[r->tail++ % e->max];
	r->bytes -= old->len;
	r->lost_before = old->seq;
	free(old->rec);
	old->rec = NULL;
}

void events_free(struct events *e)
{
	if (!e)
		return;
	for (int t = 0; t < N_TOPICS; t++) {
		while (e->ring[t].tail < e->ring[t].head)
			drop_oldest(e, &e->ring[t]);
		free(e->ring[t].events);
	}
	free(e);
}

void events_begin(struct events *e, enum topic t, uint64_t epoch, uint64_t seq)
{
	struct ring *r = &e->ring[t];
	if (r->epoch == fold(epoch) && seq <= r->next_seq)
		return;
	/* Another run, or a hole in this one: what is held and what comes do not join. */
	while (r->tail < r->head)
		drop_oldest(e, r);
	r->turn++;
	r->epoch = fold(epoch);
	r->lost_before = seq ? seq - 1 : 0;
	r->next_seq = seq;
}

void events_progress(struct events *e, enum topic t, uint64_t seq)
{
	if (seq > e->ring[t].next_seq)
		e->ring[t].next_seq = seq;
}

void events_add(struct events *e, enum topic t, uint64_t seq, const char *name, const void *rec, size_t len)
{
	struct ring *r = &e->ring[t];
	if (seq < r->next_seq) /* known: its producer has begun anew and says the same again */
		return;
	while (r->head - r->tail == e->max || (r->tail < r->head && r->bytes + len > e->max_bytes))
		drop_oldest(e, r);
	struct event *n = &r->events[r->head++ % e->max];
	*n = (struct event){ .seq = seq, .name = name, .rec = xmalloc(len), .len = len };
	memcpy(n->rec, rec, len);
	r->bytes += len;
	events_progress(e, t, seq + 1);
}

/* -- clients -- */

/* First event after seq. */
static uint64_t index_after(const struct events *e, const struct ring *r, uint64_t seq)
{
	uint64_t lo = r->tail, hi = r->head;
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;
		if (r->events[mid % e->max].seq <= seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Where a client that has seen up to this place goes on. */
static void resume_at(struct events_client *c, enum topic t, uint32_t epoch, uint64_t seq)
{
	const struct ring *r = &c->e->ring[t];
	c->at[t].turn = r->turn;
	c->seen.at[t].epoch = epoch;
	c->seen.at[t].seq = seq;
	if (!r->epoch) { /* the stream is not known yet: again when it is */
		c->at[t].index = r->head;
	} else if (epoch == r->epoch) {
		c->at[t].index = index_after(c->e, r, seq);
		c->at[t].gap = seq < r->lost_before ? r->lost_before - seq : 0;
	} else { /* all that is here is new to it, and what was lost nobody can say */
		c->at[t].index = r->tail;
		c->at[t].anew = epoch != 0;
		c->seen.at[t].epoch = r->epoch;
		c->seen.at[t].seq = r->lost_before;
	}
}

static void join_topic(struct events_client *c, enum topic t, const struct events_place *since)
{
	const struct ring *r = &c->e->ring[t];
	if (since) {
		resume_at(c, t, since->at[t].epoch, since->at[t].seq);
		return;
	}
	c->at[t].turn = r->turn;
	c->at[t].index = r->head;
	c->seen.at[t].epoch = r->epoch;
	c->seen.at[t].seq = r->next_seq ? r->next_seq - 1 : 0;
}

struct events_client *events_join(struct events *e, unsigned topics, struct match *filter[N_TOPICS],
				  const struct events_place *since, bool ndjson)
{
	if (e->n_clients == EVENTS_MAX_CLIENTS)
		return NULL;
	struct events_client *c = xcalloc(1, sizeof *c);
	c->e = e;
	c->topics = topics;
	c->ndjson = ndjson;
	for (int t = 0; t < N_TOPICS; t++) {
		c->filter[t] = filter[t];
		join_topic(c, (enum topic)t, since);
	}
	e->n_clients++;
	return c;
}

void events_leave(struct events_client *c)
{
	for (int t = 0; t < N_TOPICS; t++)
		match_free(c->filter[t]);
	c->e->n_clients--;
	free(c);
}

unsigned events_clients(const struct events *e)
{
	return e->n_clients;
}

void events_comment(struct events_client *c)
{
	c->comment = true;
}

bool events_pending(const struct events_client *c)
{
	if (!c->begun || c->comment)
		return true;
	for (int t = 0; t < N_TOPICS; t++) {
		const struct ring *r = &c->e->ring[t];
		if ((c->topics >> t & 1) && (c->at[t].index < r->head || c->at[t].turn != r->turn || c->at[t].gap ||
					     c->at[t].anew))
			return true;
	}
	return false;
}

/* One event; data is JSON. */
static void put(struct events_client *c, struct buf *out, const char *name, const char *data, size_t len)
{
	char id[EVENTS_ID];
	events_print(&c->seen, id);
	if (c->ndjson)
		buf_addf(out, "{\"event\":\"%s\",\"id\":\"%s\",\"data\":", name, id);
	else
		buf_addf(out, "id: %s\nevent: %s\ndata: ", id, name);
	buf_add(out, data, len);
	buf_adds(out, c->ndjson ? "}\n" : "\n\n");
}

/* lost is a bound: numbers are of records, not all of which are events. 0 = cannot be told. */
static void put_gap(struct events_client *c, struct buf *out, enum topic t, uint64_t lost)
{
	char data[96];
	int n = lost ? snprintf(data, sizeof data, "{\"topic\":\"%s\",\"lost\":%" PRIu64 "}", topic_names[t], lost)
		     : snprintf(data, sizeof data, "{\"topic\":\"%s\",\"lost\":null}", topic_names[t]);
	put(c, out, "gap", data, (size_t)n);
}

static void put_event(struct events_client *c, struct buf *out, enum topic t, const struct event *ev)
{
	static union {
		struct r_alert alert;
		struct r_flow flow;
		struct r_host host;
	} rec;
	struct codec_reader r = { .base = ev->rec, .len = ev->len };
	struct buf json = { 0 };
	if (codec_peek(&r) != topic_type(t) || codec_read(&r, &rec) != 1)
		return;
	if (c->filter[t] && !match_eval(c->filter[t], &rec, ev->rec))
		return;
	json_record(&json, topic_type(t), &rec, ev->rec, JSON_NO_BIN, NULL);
	put(c, out, ev->name, json.p, json.len);
	buf_release(&json);
}

/* What the client must be told of the ring before its next event. */
static void catch_up(struct events_client *c, struct buf *out, enum topic t)
{
	const struct ring *r = &c->e->ring[t];
	if (c->at[t].turn != r->turn)
		resume_at(c, t, c->seen.at[t].epoch, c->seen.at[t].seq);
	uint64_t lost = c->at[t].gap;
	bool anew = c->at[t].anew;
	c->at[t].gap = 0;
	c->at[t].anew = false;
	if (c->at[t].index < r->tail) {
		lost += r->tail - c->at[t].index;
		c->at[t].index = r->tail;
	}
	if (lost && c->seen.at[t].seq < r->lost_before)
		c->seen.at[t].seq = r->lost_before;
	if (lost || anew)
		put_gap(c, out, t, anew ? 0 : lost);
}

static void pull_topic(struct events_client *c, struct buf *out, enum topic t, unsigned *budget)
{
	const struct ring *r = &c->e->ring[t];
	catch_up(c, out, t);
	while (c->at[t].index < r->head && out->len < PULL_BYTES && *budget) {
		const struct event *ev = &r->events[c->at[t].index++ % c->e->max];
		(*budget)--;
		c->seen.at[t].seq = ev->seq;
		put_event(c, out, t, ev);
	}
}

void events_pull(struct events_client *c, struct buf *out)
{
	unsigned budget = PULL_EVENTS;
	bool more = false;
	if (!c->begun && !c->ndjson)
		buf_adds(out, "retry: 3000\n\n");
	for (int t = 0; t < N_TOPICS; t++)
		if (c->topics >> t & 1)
			pull_topic(c, out, (enum topic)t, &budget);
	c->begun = true;
	for (int t = 0; t < N_TOPICS; t++)
		more |= (c->topics >> t & 1) && c->at[t].index < c->e->ring[t].head;
	/* A piece must not be empty while there is more: the filter let nothing through. */
	if (out->len == 0 && (c->comment || more))
		buf_adds(out, c->ndjson ? "\n" : ": \n\n");
	c->comment = false;
}

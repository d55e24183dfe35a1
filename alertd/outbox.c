#include "outbox.h"

#include <inttypes.h>
#include <stdlib.h>

#include "log.h"

#define LOAD_ROWS 1000 /* at a time: some milliseconds */

struct outbox {
	const struct store_ops *ops;
	struct stream *stream;
	uint64_t next;    /* row that is to be loaded next */
	bool full;
	uint64_t backlog, dropped;
	struct log_limit limit;
};

struct outbox *outbox_new(const struct store_ops *ops, const struct topo_link *link)
{
	struct outbox *o = xcalloc(1, sizeof *o);
	o->ops = ops;
	o->stream = stream_new("deliveries", 0, link->bytes);
	for (char **d = link->durable; d && *d; d++)
		stream_add_durable(o->stream, *d);
	return o;
}

void outbox_free(struct outbox *o)
{
	if (!o)
		return;
	stream_free(o->stream);
	free(o);
}

struct stream *outbox_stream(struct outbox *o)
{
	return o->stream;
}

const uint64_t *outbox_backlog(const struct outbox *o)
{
	return &o->backlog;
}

const uint64_t *outbox_dropped(const struct outbox *o)
{
	return &o->dropped;
}

static bool add_row(void *arg, uint64_t seq, const void *rec, size_t len)
{
	struct outbox *o = arg;
	if (seq != stream_head(o->stream))
		stream_restart(o->stream, stream_epoch(o->stream), seq);
	o->full = stream_append(o->stream, rec, len, NULL) < 0;
	if (!o->full)
		o->next = seq + 1;
	return !o->full;
}

/* The log may be another one (a copy was put in place), or may have dropped rows that were not loaded yet. */
static void look_at_log(struct outbox *o, const struct store_log *l)
{
	o->backlog = l->next - l->first;
	if (l->dropped > o->dropped)
		log_limited(&o->limit, "delivery log: %" PRIu64 " rows have been dropped: notify was away too long", l->dropped);
	o->dropped = l->dropped;
	if (stream_epoch(o->stream) != l->epoch || o->next < l->first || o->next > l->next) {
		stream_restart(o->stream, l->epoch, l->first);
		o->next = l->first;
	}
}

bool outbox_load(struct outbox *o, struct store *s)
{
	struct store_log l;
	if (o->ops->log(s, &l) < 0)
		return false;
	look_at_log(o, &l);
	if (o->next == l.next)
		return false;
	o->full = false;
	if (o->ops->log_read(s, o->next, LOAD_ROWS, add_row, o) < 0) {
		log_limited(&o->limit, "delivery log: %s", o->ops->error(s));
		return false;
	}
	return !o->full && o->next < l.next;
}

void outbox_forget(struct outbox *o, struct store *s)
{
	struct store_log l;
	uint64_t durable = stream_durable(o->stream);
	if (o->ops->log(s, &l) < 0 || l.epoch != stream_epoch(o->stream) || durable <= l.first)
		return;
	if (o->ops->log_forget(s, durable < o->next ? durable : o->next) < 0)
		log_limited(&o->limit, "delivery log: %s", o->ops->error(s));
	else if (o->ops->log(s, &l) == 0)
		o->backlog = l.next - l.first;
}

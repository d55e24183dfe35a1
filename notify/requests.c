/* What weir deliveries and apid ask: the list of deliveries; retry and drop. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match.h"
#include "notify_priv.h"

#define MAX_PAGE   10000
#define MAX_ANSWER (3u << 20)

struct listing {
	struct match *m;
	struct buf body;
	uint32_t count, limit;
	uint64_t total, scanned, last;
	bool count_all, full;
};

static bool list_row(void *arg, const struct r_delivery *d, const char *base, uint64_t position)
{
	struct listing *l = arg;
	l->scanned++;
	if (!match_eval(l->m, d, base))
		return true;
	l->total++;
	if (l->count == l->limit || l->body.len > MAX_ANSWER) {
		l->full = true;
		return l->count_all;
	}
	codec_pack(&l->body, R_DELIVERY, d, base);
	l->count++;
	l->last = position;
	return true;
}

static struct match *parse_filter(struct link_req *q, const char *base, struct str filter)
{
	struct match_error e;
	char *text = xstrndup(filter.len ? base + filter.off : "", filter.len);
	struct match *m = match_parse(text, R_DELIVERY, &e);
	free(text);
	if (!m) {
		char why[256];
		snprintf(why, sizeof why, "filter: column %zu: %s", e.column, e.text);
		link_reply_status(q, 400, why);
	}
	return m;
}

static void on_query(struct notify *k, struct link_req *q, const struct g_query *g, const char *base)
{
	struct listing l = { .limit = g->limit && g->limit < MAX_PAGE ? g->limit : MAX_PAGE, .count_all = g->count };
	struct g_answer a = { .status = 200 };
	char cursor[24] = "";
	if (!str_eq(base, g->what, "deliveries")) {
		link_reply_status(q, 404, "notify has deliveries and nothing else");
		return;
	}
	l.m = parse_filter(q, base, g->filter);
	if (!l.m)
		return;
	snprintf(cursor, sizeof cursor, "%.*s", (int)g->cursor.len, str_ptr(base, g->cursor));
	if (queue_list(k->q, strtoull(cursor, NULL, 10), list_row, &l) < 0) {
		link_reply_status(q, 503, queue_error(k->q));
	} else {
		if (l.full) {
			snprintf(cursor, sizeof cursor, "%" PRIu64, l.last);
			a.next = (struct str){ 0, (uint32_t)strlen(cursor) };
		}
		a.count = l.count;
		a.total = g->count ? l.total : 0;
		a.scanned = l.scanned;
		link_reply(q, &a, cursor, &l.body);
	}
	match_free(l.m);
	buf_release(&l.body);
}

/* Ids of the deliveries that a command is about. */
struct chosen {
	struct match *m;
	struct buf ids; /* struct id */
};

static bool choose(void *arg, const struct r_delivery *d, const char *base, uint64_t position)
{
	(void)position;
	struct chosen *c = arg;
	if (match_eval(c->m, d, base))
		buf_add(&c->ids, &d->delivery.id, sizeof d->delivery.id);
	return true;
}

static uint64_t max_age_of(const struct notify *k)
{
	uint64_t age = 0;
	for (size_t i = 0; i < k->n; i++)
		age = k->r[i].conf->max_age > age ? k->r[i].conf->max_age : age;
	return age ? age : 24ull * 3600 * 1000000000u;
}

/* Applies retry or drop to all chosen, in one transaction. Number of those changed, or -1. */
static int64_t apply(struct notify *k, bool retry, const struct buf *ids)
{
	uint64_t now = notify_now(k);
	int64_t n = 0;
	if (queue_begin(k->q) < 0)
		return -1;
	for (size_t at = 0; at < ids->len; at += sizeof(struct id)) {
		struct id id;
		memcpy(&id, ids->p + at, sizeof id);
		int rc = retry ? queue_retry(k->q, id, now, now + max_age_of(k)) : queue_drop(k->q, id);
		if (rc < 0) {
			queue_rollback(k->q);
			return -1;
		}
		n += rc;
	}
	return queue_commit(k->q) < 0 ? -1 : n;
}

static void on_command(struct notify *k, struct link_req *q, const struct g_command *g, const char *base)
{
	bool retry = str_eq(base, g->op, "retry"), drop = str_eq(base, g->op, "drop");
	struct chosen c = { 0 };
	int64_t n = -1;
	if (!retry && !drop) {
		link_reply_status(q, 400, "op: retry and drop are all there is");
		return;
	}
	if (id_is_set(g->id)) {
		buf_add(&c.ids, &g->id, sizeof g->id);
	} else {
		c.m = parse_filter(q, base, g->text);
		if (!c.m)
			return;
		n = queue_list(k->q, 0, choose, &c);
	}
	if (id_is_set(g->id) || n == 0)
		n = apply(k, retry, &c.ids);
	if (n < 0) {
		link_reply_status(q, 503, queue_error(k->q));
	} else if (n == 0 && id_is_set(g->id)) {
		link_reply_status(q, 404, "no such delivery, or not in a state for that");
	} else {
		struct g_answer a = { .status = 200, .total = (uint64_t)n };
		link_reply(q, &a, NULL, NULL);
		log_info("%s of %" PRId64 " deliveries by %.*s", retry ? "retry" : "drop", n, (int)g->actor.len,
			 g->actor.len ? base + g->actor.off : "");
		for (size_t i = 0; i < k->n; i++)
			k->r[i].hold_until = 0;
		notify_wake(k);
	}
	match_free(c.m);
	buf_release(&c.ids);
}

void requests_answer(void *arg, struct link_req *q, enum rtype type, const void *rec, const char *base)
{
	struct notify *k = ((struct proc_ctx *)arg)->state;
	if (!k->q && (type == R_QUERY || type == R_COMMAND)) {
		link_reply_status(q, 503, "there is no room on the disk for the deliveries");
		return;
	}
	if (type == R_QUERY)
		on_query(k, q, &((const struct r_query *)rec)->query, base);
	else if (type == R_COMMAND)
		on_command(k, q, &((const struct r_command *)rec)->command, base);
	else
		link_reply_status(q, 404, "not served here");
}

#include "recipient.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BREAK_AFTER 3 /* failures in a row */

static int parse_actions(struct recipient *r, struct buf *err)
{
	r->on = 1u << ACT_STORE | 1u << ACT_ENGAGE | 1u << ACT_RELEASE;
	if (!r->conf->on)
		return 0;
	r->on = 0;
	for (char **s = r->conf->on; *s; s++) {
		int v = enum_value(enum_action, *s);
		if (v < 0) {
			buf_addf(err, "recipient %s: on: '%s' is none of store, engage, update, release", r->conf->name, *s);
			return -1;
		}
		r->on |= 1u << v;
	}
	return 0;
}

int recipient_init(struct recipient *r, const struct topo_recipient *conf, struct buf *err)
{
	struct match_error e;
	*r = (struct recipient){ .conf = conf };
	if (parse_actions(r, err) < 0)
		return -1;
	r->match = match_parse(conf->match ? conf->match : "", R_ALERT, &e);
	if (!r->match) {
		buf_addf(err, "recipient %s: match: column %zu: %s", conf->name, e.column, e.text);
		return -1;
	}
	return 0;
}

void recipient_release(struct recipient *r)
{
	match_free(r->match);
	if (r->sink)
		r->sink->ops->free(r->sink);
	free(r->broken);
}

bool recipient_wants(const struct recipient *r, const struct r_alert *a, const char *base)
{
	return (r->on >> a->alert.action & 1) && match_eval(r->match, a, base);
}

unsigned recipient_slots(const struct recipient *r, uint64_t now)
{
	uint32_t limit = r->conf->concurrency ? r->conf->concurrency : 1;
	if (!r->sink || now < r->hold_until)
		return 0;
	if (r->failures >= BREAK_AFTER)
		limit = 1;
	return r->in_flight < limit ? limit - r->in_flight : 0;
}

static void breaker(struct recipient *r, const struct sink_result *res, struct id id, uint64_t now)
{
	uint64_t hold = 0;
	if (res->verdict != SINK_RETRY) { /* sent, or refused for good: it is there */
		r->failures = 0;
		r->hold_until = 0;
		return;
	}
	r->failures++;
	if (r->failures >= BREAK_AFTER)
		hold = queue_backoff(id, r->failures - BREAK_AFTER + 1, r->conf->retry_min, r->conf->retry_max);
	if (res->retry_after > hold)
		hold = res->retry_after;
	if (now + hold > r->hold_until)
		r->hold_until = now + hold;
}

void recipient_outcome(struct recipient *r, struct id id, uint32_t n, const struct sink_result *res, uint64_t now,
		       struct queue_outcome *out, char *text, size_t size)
{
	static const enum dstate states[] = { [SINK_SENT] = DLV_SENT, [SINK_RETRY] = DLV_RETRY, [SINK_DEAD] = DLV_DEAD };
	uint32_t max = r->conf->max_attempts ? r->conf->max_attempts : 1;
	breaker(r, res, id, now);
	*out = (struct queue_outcome){ .state = states[res->verdict], .maybe_duplicate = res->maybe_arrived };
	if (out->state == DLV_SENT)
		return;
	snprintf(text, size, "%s", res->text);
	out->error = text;
	if (out->state == DLV_DEAD)
		return;
	uint64_t wait = queue_backoff(id, n, r->conf->retry_min, r->conf->retry_max);
	out->next = now + (res->retry_after > wait ? res->retry_after : wait);
	if (n >= max) {
		out->state = DLV_DEAD;
		snprintf(text, size, "given up after %u attempts: %s", n, res->text);
	}
}

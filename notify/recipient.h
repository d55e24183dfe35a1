/*
 * A recipient: what it wants, how many deliveries it may get at once, what becomes of a delivery after an attempt. Pure:
 * time is an argument (ns).
 */
#ifndef WEIR_RECIPIENT_H
#define WEIR_RECIPIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "match.h"
#include "queue.h"
#include "record.h"
#include "sink.h"
#include "topo.h"

struct recipient {
	const struct topo_recipient *conf;
	struct match *match;
	unsigned on;          /* bit set of enum action */
	struct sink *sink;    /* NULL: cannot be used, broken says why */
	char *broken;
	uint32_t in_flight;
	/* The breaker: after several attempts in a row that may succeed later, one probe at a time, farther and farther apart. */
	uint32_t failures;    /* in a row */
	uint64_t hold_until;
};

/* conf must outlive the recipient. -1 after appending to err what is wrong with its settings. */
int recipient_init(struct recipient *r, const struct topo_recipient *conf, struct buf *err);
void recipient_release(struct recipient *r);

bool recipient_wants(const struct recipient *r, const struct r_alert *a, const char *base);
/* How many attempts may begin now. */
unsigned recipient_slots(const struct recipient *r, uint64_t now);
/*
 * An attempt (number n, from 1) of delivery id ended: what becomes of the delivery. text receives the reason, size bytes,
 * and must live as long as *out is used.
 */
void recipient_outcome(struct recipient *r, struct id id, uint32_t n, const struct sink_result *res, uint64_t now,
		       struct queue_outcome *out, char *text, size_t size);

#endif

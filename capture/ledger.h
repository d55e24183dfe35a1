/*
 * What became of every packet and flow, kept so that it is still true after kill -9 at any moment. It lies in the area of a
 * shared stream (stream.h), or in memory when the input can be read again. Pure.
 *
 *   packets = emitted + active + undecoded + shed + lost      flows opened = ended + active + shed + lost
 *
 * Totals are written after each batch, in turn into one of two places. What END and UPDATE records carry is counted together with
 * the record: first the intention under the record's number, then the record, then the sum; if the record is there, it counts.
 * What UPDATEs have told of flows that a restart cuts off is emitted, not lost: their consumer ends the flows with it.
 */
#ifndef WEIR_LEDGER_H
#define WEIR_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flowtab.h"
#include "record.h"

/* Of flows that ended with a record, and what records have told of those that are open. */
struct ledger_emitted {
	uint64_t seq; /* of the record; 0 = no intention */
	uint64_t packets, bytes, flows;
	uint64_t open_packets, open_bytes;
};

struct ledger_totals {
	struct flowtab_stats table;
	struct g_sensor_count n; /* shed, drops, lost before; its strings are not used */
	uint64_t shed_bytes, lost_bytes;
	uint64_t clock;          /* packet time */
	/* Packets of the interface: when we began to listen, what we had seen and dropped until
	 * then, and at last. 0 = not known */
	uint64_t if_base, if_base_seen, if_last;
};

struct ledger_area {
	uint32_t version, size;
	uint64_t turn; /* totals[turn & 1] are whole */
	struct ledger_totals totals[2];
	struct ledger_emitted emitted, intention;
};

struct ledger {
	struct ledger_area *area;
	struct ledger_area memory;
};

/* area: of size bytes, all zero or from an earlier life; NULL: in memory. */
void ledger_init(struct ledger *l, void *area, size_t size);
void ledger_reset(struct ledger *l);
/* Around the record that will be number seq: by what it changes the sums, which may be downwards. */
void ledger_intend(struct ledger *l, uint64_t seq, const struct ledger_emitted *change);
void ledger_settle(struct ledger *l, bool done);
/* A change without a record. */
void ledger_change(struct ledger *l, uint64_t head, const struct ledger_emitted *change);
const struct ledger_emitted *ledger_emitted(const struct ledger *l);
/* After a batch. */
void ledger_write(struct ledger *l, const struct ledger_totals *t);

/* What an earlier life left. */
struct ledger_loss {
	uint64_t from;            /* packet time of the last that is known */
	uint64_t packets, bytes, flows; /* of flows that were open, counted and told by no record */
	uint64_t missed;          /* packets of the interface that nobody looked at; 0 if it has no counter */
};
/*
 * Takes up the totals: head is the number the next record gets, if_now what the interface has counted (0: unknown). Brings *t
 * into balance, to go on from. False if there is nothing to take up.
 */
bool ledger_recover(struct ledger *l, uint64_t head, uint64_t if_now, struct ledger_totals *t, struct ledger_loss *loss);

#endif

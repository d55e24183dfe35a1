#include "ledger.h"

#include <string.h>

#define VERSION 2
/* Packets that can be on their way from the interface to us; if more are missing, its counter does not count what we see (a
 * filter, segments merged by the card). */
#define UNDER_WAY 65536

void ledger_reset(struct ledger *l)
{
	memset(l->area, 0, sizeof *l->area);
	l->area->version = VERSION;
	l->area->size = sizeof *l->area;
}

void ledger_init(struct ledger *l, void *area, size_t size)
{
	l->area = area && size >= sizeof *l->area ? area : &l->memory;
	if (l->area->version != VERSION || l->area->size != sizeof *l->area)
		ledger_reset(l);
}

/* -- records -- */

void ledger_intend(struct ledger *l, uint64_t seq, const struct ledger_emitted *change)
{
	struct ledger_emitted *i = &l->area->intention;
	const struct ledger_emitted *e = &l->area->emitted;
	i->packets = e->packets + change->packets;
	i->bytes = e->bytes + change->bytes;
	i->flows = e->flows + change->flows;
	i->open_packets = e->open_packets + change->open_packets;
	i->open_bytes = e->open_bytes + change->open_bytes;
	__atomic_store_n(&i->seq, seq, __ATOMIC_RELEASE);
}

/* Sums, not differences, are copied: doing it twice does no harm. */
void ledger_settle(struct ledger *l, bool done)
{
	struct ledger_emitted *i = &l->area->intention;
	if (done)
		l->area->emitted = *i;
	__atomic_store_n(&i->seq, 0, __ATOMIC_RELEASE);
}

/* Under the number of a record that is there. */
void ledger_change(struct ledger *l, uint64_t head, const struct ledger_emitted *change)
{
	ledger_intend(l, head - 1, change);
	ledger_settle(l, true);
}

const struct ledger_emitted *ledger_emitted(const struct ledger *l)
{
	return &l->area->emitted;
}

/* -- totals -- */

void ledger_write(struct ledger *l, const struct ledger_totals *t)
{
	uint64_t turn = l->area->turn + 1;
	l->area->totals[turn & 1] = *t;
	__atomic_store_n(&l->area->turn, turn, __ATOMIC_RELEASE);
}

static uint64_t undecoded(const struct flowtab_stats *st)
{
	uint64_t sum = 0;
	for (int i = 1; i < UD_COUNT; i++)
		sum += st->undecoded[i];
	return sum;
}

static uint64_t beyond(uint64_t *total, uint64_t accounted)
{
	if (*total < accounted) /* an END got out after the totals were written */
		*total = accounted;
	return *total - accounted;
}

static uint64_t missed(const struct ledger_totals *t, uint64_t seen, uint64_t if_now)
{
	if (!if_now || !t->if_last)
		return 0;
	if (if_now < t->if_last) /* another interface of that name, which begins at 0 */
		return if_now;
	uint64_t drops = t->n.kernel_drops;
	uint64_t counted = seen + drops - t->if_base_seen, passed = if_now - t->if_base;
	uint64_t counted_then = t->table.packets + drops - t->if_base_seen, passed_then = t->if_last - t->if_base;
	bool comparable = passed_then + UNDER_WAY >= counted_then && counted_then + UNDER_WAY >= passed_then;
	if (!comparable)
		return if_now - t->if_last;
	return passed > counted ? passed - counted : 0;
}

bool ledger_recover(struct ledger *l, uint64_t head, uint64_t if_now, struct ledger_totals *t, struct ledger_loss *loss)
{
	struct ledger_area *a = l->area;
	*loss = (struct ledger_loss){ 0 };
	if (a->turn == 0)
		return false;
	if (a->intention.seq)
		ledger_settle(l, a->intention.seq < head);
	const struct ledger_emitted *e = &a->emitted;
	ledger_change(l, head, &(struct ledger_emitted){ .packets = e->open_packets, .bytes = e->open_bytes,
							 .open_packets = -e->open_packets, .open_bytes = -e->open_bytes });
	*t = a->totals[a->turn & 1];
	loss->from = t->clock;
	uint64_t seen = t->table.packets, opened = t->table.flows_opened, bytes = t->table.flow_bytes;
	loss->packets = beyond(&seen, e->packets + undecoded(&t->table) + t->n.shed_packets + t->n.lost_packets);
	loss->flows = beyond(&opened, e->flows + t->n.shed_flows + t->n.lost_flows);
	loss->bytes = beyond(&bytes, e->bytes + t->shed_bytes + t->lost_bytes);
	loss->missed = missed(t, seen, if_now);
	t->n.lost_packets += loss->packets;
	t->n.lost_flows += loss->flows;
	t->n.missed += loss->missed;
	t->lost_bytes += loss->bytes;
	t->table.packets = seen;
	t->table.in_flows = seen - undecoded(&t->table);
	t->table.flow_bytes = bytes;
	t->table.flows_opened = opened;
	t->table.flows_ended = e->flows + t->n.shed_flows;
	t->table.flows_active = 0;
	t->table.head_bytes = 0;
	return true;
}

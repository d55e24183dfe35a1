#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "capture/ledger.h"

static _Alignas(64) uint8_t area[4096];

/* 100 packets seen: 10 not decoded, 60 in flows that ended, 30 in three that are open; the interface had 5 before. */
static struct ledger_totals totals(void)
{
	struct ledger_totals t = { .clock = 77, .if_base = 5, .if_last = 105 };
	t.table.packets = 100;
	t.table.undecoded[UD_NOT_IP] = 10;
	t.table.in_flows = 90;
	t.table.flow_bytes = 9000;
	t.table.flows_opened = 9;
	t.table.flows_ended = 6;
	t.table.flows_active = 3;
	return t;
}

static void begin(struct ledger *l)
{
	memset(area, 0, sizeof area);
	ledger_init(l, area, sizeof area);
	ledger_intend(l, 50, &(struct ledger_emitted){ .packets = 60, .bytes = 6000, .flows = 6 });
	ledger_settle(l, true);
	struct ledger_totals t = totals();
	ledger_write(l, &t);
}

/* The next life: the same bytes, another ledger. */
static void recover(uint64_t head, uint64_t if_now, struct ledger_totals *t, struct ledger_loss *loss)
{
	struct ledger l;
	ledger_init(&l, area, sizeof area);
	assert_true(ledger_recover(&l, head, if_now, t, loss));
	uint64_t emitted = ledger_emitted(&l)->packets;
	assert_int_equal(t->table.packets, emitted + t->table.undecoded[UD_NOT_IP] + t->n.shed_packets + t->n.lost_packets);
	assert_int_equal(t->table.flows_opened, ledger_emitted(&l)->flows + t->n.shed_flows + t->n.lost_flows);
}

static void test_nothing_there(void **state)
{
	(void)state;
	struct ledger l;
	struct ledger_totals t;
	struct ledger_loss loss;
	memset(area, 0, sizeof area);
	ledger_init(&l, area, sizeof area);
	assert_false(ledger_recover(&l, 1, 0, &t, &loss));
	memset(area, 0xff, sizeof area); /* of another version */
	ledger_init(&l, area, sizeof area);
	assert_false(ledger_recover(&l, 1, 0, &t, &loss));
	ledger_init(&l, NULL, 0); /* in memory */
	assert_false(ledger_recover(&l, 1, 0, &t, &loss));
}

static void test_open_flows(void **state)
{
	(void)state;
	struct ledger l;
	struct ledger_totals t;
	struct ledger_loss loss;
	begin(&l);
	recover(51, 105, &t, &loss);
	assert_int_equal(loss.packets, 30);
	assert_int_equal(loss.flows, 3);
	assert_int_equal(loss.bytes, 3000);
	assert_int_equal(loss.missed, 0);
	assert_int_equal(loss.from, 77);
	begin(&l);
	recover(51, 1105, &t, &loss); /* a thousand passed while we were away */
	assert_int_equal(loss.missed, 1000);
	assert_int_equal(t.n.missed, 1000);
}

/* Killed around an END of ten packets, which is record 51. */
static void test_around_an_end(void **state)
{
	(void)state;
	struct ledger l;
	struct ledger_totals t;
	struct ledger_loss loss;
	static const struct ledger_emitted of_ten = { .packets = 10, .bytes = 1000, .flows = 1 };
	for (uint64_t head = 51; head <= 52; head++) {
		begin(&l);
		ledger_intend(&l, 51, &of_ten);
		recover(head, 105, &t, &loss);
		assert_int_equal(loss.packets, head == 52 ? 20 : 30);
		assert_int_equal(loss.flows, head == 52 ? 2 : 3);
	}
	begin(&l);
	ledger_intend(&l, 51, &of_ten);
	l.area->emitted = l.area->intention; /* killed between the sum and the end of the intention */
	recover(52, 105, &t, &loss);
	assert_int_equal(loss.packets, 20);
	begin(&l);
	/* packets that the totals do not know of yet */
	ledger_intend(&l, 51, &(struct ledger_emitted){ .packets = 40, .bytes = 4000, .flows = 1 });
	recover(52, 115, &t, &loss);
	assert_int_equal(loss.packets, 0);
	assert_int_equal(t.table.packets, 110);
	assert_int_equal(loss.missed, 0);
}

/* What UPDATEs told of open flows is not lost: 12 of their 30 packets, and 5 more around which we were killed. */
static void test_told_by_updates(void **state)
{
	(void)state;
	struct ledger l;
	struct ledger_totals t;
	struct ledger_loss loss;
	for (uint64_t head = 53; head <= 54; head++) {
		begin(&l);
		ledger_intend(&l, 52, &(struct ledger_emitted){ .open_packets = 12, .open_bytes = 1200 });
		ledger_settle(&l, true);
		ledger_intend(&l, 53, &(struct ledger_emitted){ .open_packets = 5, .open_bytes = 500 });
		recover(head, 105, &t, &loss);
		assert_int_equal(loss.packets, head == 54 ? 13 : 18);
		assert_int_equal(loss.bytes, head == 54 ? 1300 : 1800);
		assert_int_equal(loss.flows, 3);
		ledger_init(&l, area, sizeof area);
		assert_int_equal(ledger_emitted(&l)->open_packets, 0);
		ledger_write(&l, &t);
		recover(head + 1, 105, &t, &loss); /* killed again at once: nothing is lost twice */
		assert_int_equal(loss.packets, 0);
		assert_int_equal(loss.flows, 0);
	}
	begin(&l);
	ledger_intend(&l, 52, &(struct ledger_emitted){ .open_packets = 12, .open_bytes = 1200 });
	ledger_settle(&l, true);
	ledger_intend(&l, 53, &(struct ledger_emitted){ .packets = 15, .bytes = 1500, .flows = 1, .open_packets = -12ull,
							.open_bytes = -1200ull });
	recover(54, 105, &t, &loss); /* the flow has ended with 15 packets */
	assert_int_equal(loss.packets, 15);
	assert_int_equal(loss.flows, 2);
}

static void test_counters_of_the_interface(void **state)
{
	(void)state;
	struct ledger l;
	struct ledger_totals t, bad = totals();
	struct ledger_loss loss;
	begin(&l);
	recover(51, 50, &t, &loss); /* it was made anew */
	assert_int_equal(loss.missed, 50);
	begin(&l);
	bad.if_last = 10000000; /* a filter: it counts much that we do not see */
	ledger_write(&l, &bad);
	recover(51, 10000200, &t, &loss);
	assert_int_equal(loss.missed, 200);
	begin(&l);
	recover(51, 0, &t, &loss);
	assert_int_equal(loss.missed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_there),
		cmocka_unit_test(test_open_flows),
		cmocka_unit_test(test_around_an_end),
		cmocka_unit_test(test_told_by_updates),
		cmocka_unit_test(test_counters_of_the_interface),
	};
	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}

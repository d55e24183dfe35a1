/* RTP without signalling: streams made here, with losses, jitter and clocks that are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "capture/rtp.h"

#define MS 1000000ull

/* Sends one packet; type, number, time stamp and when it arrives are the caller's. */
static bool send_at(struct rtp *r, unsigned dir, const char *before, uint32_t n_before, uint8_t type, uint16_t seq, uint32_t ts,
		    uint64_t time)
{
	uint8_t p[200] = { 0 };
	if (n_before)
		memcpy(p, before, n_before);
	uint8_t *h = p + n_before;
	h[0] = 0x80;
	h[1] = type;
	h[2] = (uint8_t)(seq >> 8);
	h[3] = (uint8_t)seq;
	for (int i = 0; i < 4; i++)
		h[4 + i] = (uint8_t)(ts >> (24 - 8 * i));
	memcpy(h + 8, "\x12\x34\x56\x78", 4);
	return rtp_packet(r, dir, p, n_before + 12 + 100, time);
}

static struct g_flow_count measured(const struct rtp *r)
{
	struct g_flow_count n = { 0 };
	rtp_fill(r, &n);
	return n;
}

static bool near(double a, double b, double by)
{
	return a > b - by && a < b + by;
}

static void test_perfect(void **state)
{
	(void)state;
	struct rtp r = { 0 };
	for (unsigned i = 0; i < 1000; i++) /* numbers wrap on the way */
		assert_true(send_at(&r, 0, NULL, 0, 8, (uint16_t)(65000 + i), 160 * i, 20 * MS * i));
	struct g_flow_count n = measured(&r);
	assert_int_equal(n.client_rtp_packets, 1000);
	assert_int_equal(n.client_rtp_lost, 0);
	assert_int_equal(n.client_rtp_jitter, 0);
	assert_int_equal(n.rtp_clock, 8000);
	assert_int_equal(n.server_rtp_packets, 0);
	assert_true(near(n.rtp_mos, 4.4, 0.01));
}

static void test_loss_and_order(void **state)
{
	(void)state;
	struct rtp r = { 0 };
	unsigned sent = 0;
	for (unsigned i = 0; i < 1000; i++) {
		if (i > 10 && i % 10 == 0)
			continue; /* lost */
		unsigned k = i > 10 && i % 10 == 3 ? i + 1 : i > 10 && i % 10 == 4 ? i - 1 : i; /* two change places */
		send_at(&r, 1, NULL, 0, 0, (uint16_t)k, 160 * k, 20 * MS * i);
		sent++;
	}
	struct g_flow_count n = measured(&r);
	assert_int_equal(n.server_rtp_packets, sent);
	assert_int_equal(n.server_rtp_lost, 1000 - sent);
	assert_true(n.rtp_mos > 1.5 && n.rtp_mos < 3.6);
	/* Counters of the next part begin anew, and nothing is lost between the parts. */
	rtp_next_part(&r);
	for (unsigned i = 1000; i < 1010; i++)
		send_at(&r, 1, NULL, 0, 0, (uint16_t)i, 160 * i, 20 * MS * i);
	n = measured(&r);
	assert_int_equal(n.server_rtp_packets, 10);
	assert_int_equal(n.server_rtp_lost, 0);
}

/* The clock of a dynamic type is found out; jitter converges on what is put in. */
static void test_clock_and_jitter(void **state)
{
	(void)state;
	static const uint32_t clocks[] = { 8000, 16000, 48000, 90000 };
	for (size_t c = 0; c < sizeof clocks / sizeof *clocks; c++) {
		struct rtp r = { 0 };
		for (unsigned i = 0; i < 2000; i++) {
			uint64_t late = (i & 1) * 10 * MS; /* neighbours are 10 ms nearer or farther than sent */
			send_at(&r, 0, NULL, 0, 111, (uint16_t)i, clocks[c] / 50 * i, 1000 * MS + 20 * MS * i + late);
		}
		struct g_flow_count n = measured(&r);
		assert_int_equal(n.rtp_clock, clocks[c]);
		assert_true(near((double)n.client_rtp_jitter / 1e9, 0.010, 0.0005));
	}
}

/* Events stand still in time: no jitter, no other clock. A codec that changes for good is followed. */
static void test_types(void **state)
{
	(void)state;
	struct rtp r = { 0 };
	unsigned seq = 0;
	for (unsigned i = 0; i < 200; i++)
		send_at(&r, 0, NULL, 0, i >= 100 && i < 110 ? 101 : 8, (uint16_t)seq++, i >= 100 && i < 110 ? 160 * 100 : 160 * i, 20 * MS * i);
	assert_int_equal(measured(&r).client_rtp_jitter, 0);
	for (unsigned i = 200; i < 600; i++)
		send_at(&r, 0, NULL, 0, 96, (uint16_t)seq++, 960 * i, 20 * MS * i);
	struct g_flow_count n = measured(&r);
	assert_int_equal(n.rtp_clock, 48000);
	assert_int_equal(n.client_rtp_lost, 0);
	assert_true(n.client_rtp_jitter < 1 * MS);
}

static void test_zoom(void **state)
{
	(void)state;
	static const struct {
		uint8_t type;
		uint32_t header;
	} media[] = { { 15, 19 }, { 16, 24 }, { 13, 27 } };
	for (size_t m = 0; m < 3; m++)
		for (int server = 0; server < 2; server++) {
			struct rtp r = { 0 };
			char before[40] = { 0 };
			uint32_t outer = server ? 8 : 0;
			if (server)
				before[0] = 5;
			before[outer] = (char)media[m].type;
			for (unsigned i = 0; i < 100; i++)
				send_at(&r, 0, before, outer + media[m].header, 99, (uint16_t)i, 1800 * i, 20 * MS * i);
			struct g_flow_count n = measured(&r);
			assert_int_equal(n.client_rtp_packets, 100);
			assert_int_equal(n.rtp_zoom, 1);
			assert_int_equal(n.rtp_clock, 90000);
		}
}

/* What is no RTP is given up; chance does not make four numbers in a row. */
static void test_others(void **state)
{
	(void)state;
	unsigned believed = 0;
	srand(1);
	for (unsigned flow = 0; flow < 2000; flow++) {
		struct rtp r = { 0 };
		unsigned i = 0;
		for (; i < 100; i++) {
			uint8_t p[64];
			for (size_t k = 0; k < sizeof p; k++)
				p[k] = (uint8_t)rand();
			p[0] = (uint8_t)(0x80 | (p[0] & 0x0f));
			if (!rtp_packet(&r, i & 1, p, sizeof p, i * MS))
				break;
		}
		believed += rtp_found(&r);
		assert_true(i < 100 || rtp_found(&r));
	}
	assert_int_equal(believed, 0);
	assert_false(rtp_plausible((const uint8_t *)"\x80\xc8\x00\x06\x12\x34\x56\x78\x00\x00\x00\x00", 12)); /* RTCP */
	assert_false(rtp_plausible((const uint8_t *)"\x80\x08", 2));
	assert_false(rtp_plausible((const uint8_t *)"\x05", 1));
	assert_false(rtp_plausible(NULL, 0));
}

static void test_mos(void **state)
{
	(void)state;
	double last = 5;
	for (unsigned i = 0; i <= 100; i++) {
		double m = rtp_mos(i / 100.0, 0);
		assert_true(m <= last && m >= 1 && m <= 4.5);
		last = m;
	}
	assert_true(rtp_mos(0, 0.2) < rtp_mos(0, 0.02));
	for (unsigned i = 0; i < 2000; i++)
		assert_true(rtp_mos(0, i / 1000.0) >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_perfect),	   cmocka_unit_test(test_loss_and_order),
					    cmocka_unit_test(test_clock_and_jitter), cmocka_unit_test(test_types),
					    cmocka_unit_test(test_zoom),	   cmocka_unit_test(test_others),
					    cmocka_unit_test(test_mos) };
	return cmocka_run_group_tests_name("rtp", tests, NULL, NULL);
}

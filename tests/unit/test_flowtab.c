#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "capture/decode.h"
#include "capture/flowtab.h"
#include "buf.h"
#include "codec.h"
#include "headpkt.h"

#define MS 1000000ull
#define S  1000000000ull

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

struct seen {
	struct r_end ends[64];
	unsigned n_ends, heads, finals, updates, ticks, head_packets, head_bytes;
	uint64_t packets, told, told_at_end; /* told: by UPDATEs */
};

static void on_head(void *arg, const struct r_head *r, const char *base, const char *data)
{
	struct seen *s = arg;
	(void)base;
	struct headpkt h;
	uint32_t pos = 0;
	unsigned n = 0;
	while (headpkt_next(data + r->head.data.off, r->head.data.len, &pos, &h))
		n++;
	assert_int_equal(n, r->head.packets);
	assert_int_equal(pos, r->head.data.len);
	s->heads++;
	s->finals += r->head.final;
	s->head_packets = n;
	s->head_bytes = r->head.data.len;
}

static void on_update(void *arg, const struct r_update *r, struct flowtab_told *told, const char *base)
{
	struct seen *s = arg;
	(void)base;
	s->updates++;
	assert_int_equal(told->packets, s->told); /* of the one flow that the tests with UPDATEs have */
	s->told = told->packets = r->n.client_packets + r->n.server_packets;
}

static void on_end(void *arg, const struct r_end *r, const struct flowtab_told *told, const char *base)
{
	struct seen *s = arg;
	(void)base;
	s->told_at_end = told->packets;
	s->told = 0;
	s->packets += r->n.client_packets + r->n.server_packets;
	if (s->n_ends < 64)
		s->ends[s->n_ends] = *r;
	s->n_ends++;
}

static void on_tick(void *arg, uint64_t from, uint64_t to)
{
	assert_true(to > from);
	((struct seen *)arg)->ticks++;
}

static struct flowtab *table(struct seen *s, uint64_t max)
{
	static const struct flowtab_ops ops = { on_head, on_update, on_end, on_tick };
	struct flowtab_conf conf = { .max_flows = max, .idle_tcp = 120 * S, .idle_other = 60 * S, .idle_syn = 30 * S,
				     .active = 1800 * S, .update = 5 * S, .linger = 5 * S, .head_packets = 12,
				     .head_first = S, .head_second = 5 * S, .max_jump = 3600 * S,
				     .max_head_bytes = 1 << 20, .fragments = true, .epoch = 1, .sensor = "t" };
	memset(s, 0, sizeof *s);
	return flowtab_new(&conf, &ops, s);
}

/* A packet from 10.0.0.<from> to 10.0.0.<to>. */
static void put(struct flowtab *ft, uint64_t time, int from, int to, uint16_t sport, uint16_t dport, uint8_t proto,
		uint8_t flags, uint32_t seq, uint32_t payload)
{
	static const uint8_t l3[64] = { 0x45 };
	struct decoded d = { .proto = proto, .ip_version = 4, .sport = sport, .dport = dport, .tcp_flags = flags,
			     .tcp_seq = seq, .tcp_window = 100, .ttl = 64, .payload_len = payload, .l3 = l3,
			     .l3_caplen = 40, .l3_len = 40 + payload };
	addr_from_v4(&d.src, (uint8_t[]){ 10, 0, (uint8_t)(from >> 8), (uint8_t)from });
	addr_from_v4(&d.dst, (uint8_t[]){ 10, 0, (uint8_t)(to >> 8), (uint8_t)to });
	struct packet p = { .time = time, .caplen = 54, .len = 54 + payload, .linktype = 1, .data = l3 };
	enum undecoded ud = UD_NONE;
	flowtab_packets(ft, &p, &d, &ud, 1);
}

/* A connection is made, 50 bytes are asked and 1000 answered: 20 ms to the server, 5 to the client, 40 to the answer. */
static void converse(struct flowtab *ft, uint64_t t)
{
	put(ft, t, 1, 2, 5000, 443, 6, SYN, 100, 0);
	put(ft, t + 20 * MS, 2, 1, 443, 5000, 6, SYN | ACK, 900, 0);
	put(ft, t + 25 * MS, 1, 2, 5000, 443, 6, ACK, 101, 0);
	put(ft, t + 30 * MS, 1, 2, 5000, 443, 6, ACK, 101, 50);
	put(ft, t + 70 * MS, 2, 1, 443, 5000, 6, ACK, 901, 1000);
}

static void test_handshake(void **state)
{
	(void)state;
	static struct seen s;
	struct flowtab *ft = table(&s, 1000);
	uint64_t t = 1000 * S;
	converse(ft, t);
	put(ft, t + 71 * MS, 2, 1, 443, 5000, 6, ACK, 901, 1000); /* again */
	put(ft, t + 72 * MS, 2, 1, 443, 5000, 6, ACK, 2901, 1000); /* a hole before it */
	put(ft, t + 73 * MS, 2, 1, 443, 5000, 6, ACK, 1901, 1000); /* fills it */
	put(ft, t + 80 * MS, 1, 2, 5000, 443, 6, FIN | ACK, 151, 0);
	put(ft, t + 81 * MS, 2, 1, 443, 5000, 6, FIN | ACK, 3901, 0);
	flowtab_advance(ft, t + 20 * S);
	assert_int_equal(s.n_ends, 1);
	const struct r_end *e = &s.ends[0];
	assert_int_equal(e->key.client_port, 5000);
	assert_int_equal(e->n.end_reason, END_FIN);
	assert_int_equal(e->n.client_packets, 4);
	assert_int_equal(e->n.server_packets, 6);
	assert_int_equal(e->n.rtt_server, 20 * MS);
	assert_int_equal(e->n.rtt_client, 5 * MS);
	assert_int_equal(e->n.app_latency, 40 * MS);
	assert_int_equal(e->n.server_retrans, 1);
	assert_int_equal(e->n.server_ooo, 1);
	assert_int_equal(e->n.server_lost, 0);
	assert_int_equal(s.heads >= 1, 1);
	flowtab_free(ft);
}

static void test_client_and_server(void **state)
{
	(void)state;
	static struct seen s;
	struct flowtab *ft = table(&s, 1000);
	put(ft, S, 2, 1, 443, 5000, 6, SYN | ACK, 1, 0); /* the SYN was not seen */
	put(ft, S, 3, 4, 80, 40000, 6, ACK, 1, 10);     /* met midway */
	put(ft, S, 5, 6, 53, 40000, 17, 0, 0, 10);      /* an answer first */
	put(ft, S, 7, 8, 6000, 7000, 17, 0, 0, 10);     /* first seen */
	flowtab_flush(ft, END_EOF);
	assert_int_equal(s.n_ends, 4);
	for (unsigned i = 0; i < 4; i++) {
		const struct g_flow_key *k = &s.ends[i].key;
		uint16_t server = k->server_port;
		assert_true(server == 443 || server == 80 || server == 53 || server == 7000);
	}
	flowtab_free(ft);
}

static void test_timeouts(void **state)
{
	(void)state;
	static struct seen s;
	struct flowtab *ft = table(&s, 1000);
	put(ft, 100 * S, 1, 2, 1, 2, 17, 0, 0, 5);
	flowtab_advance(ft, 150 * S);
	assert_int_equal(s.n_ends, 0);
	put(ft, 155 * S, 1, 2, 1, 2, 17, 0, 0, 5); /* still the same flow */
	put(ft, 220 * S, 1, 2, 1, 2, 17, 0, 0, 5); /* too late: another one */
	assert_int_equal(s.n_ends, 1);
	assert_int_equal(s.ends[0].n.end_reason, END_IDLE);
	assert_int_equal(s.ends[0].n.client_packets, 2);
	flowtab_flush(ft, END_EOF);
	assert_int_equal(s.n_ends, 2);
	assert_int_not_equal(id_cmp(s.ends[0].key.id, s.ends[1].key.id), 0);
	flowtab_free(ft);
}

static void test_active_timeout(void **state)
{
	(void)state;
	static struct seen s;
	struct flowtab *ft = table(&s, 1000);
	for (uint64_t t = 0; t <= 4000; t += 10)
		put(ft, (1000 + t) * S, 1, 2, 1, 2, 17, 0, 0, 5);
	assert_int_equal(s.n_ends, 2);
	assert_int_equal(flowtab_open_packets(ft), 401 - s.packets);
	flowtab_flush(ft, END_EOF);
	assert_int_equal(s.n_ends, 3);
	assert_int_equal(s.ends[0].n.end_reason, END_TIMEOUT);
	assert_int_equal(s.ends[2].n.part, 2);
	assert_int_equal(id_cmp(s.ends[0].key.id, s.ends[2].key.id), 0);
	assert_int_equal(s.packets, 401);
	assert_true(s.updates > 300);
	assert_int_equal(s.told_at_end, s.ends[2].n.client_packets + s.ends[2].n.server_packets);
	flowtab_free(ft);
}

/* What was measured is told in the part where it was; a hole that one part has found is filled in the next. */
static void test_parts_of_a_connection(void **state)
{
	(void)state;
	static struct seen s;
	struct flowtab *ft = table(&s, 1000);
	uint64_t t = 1000 * S;
	converse(ft, t);
	for (uint64_t i = 1; i < 18; i++)
		put(ft, t + i * 100 * S, 1, 2, 5000, 443, 6, ACK, 151, 0);
	put(ft, t + 1750 * S, 2, 1, 443, 5000, 6, ACK, 2901, 1000); /* a hole before it */
	put(ft, t + 1810 * S, 2, 1, 443, 5000, 6, ACK, 1901, 1000); /* fills it, after the timeout */
	put(ft, t + 1811 * S, 1, 2, 5000, 443, 6, ACK, 151, 50);
	put(ft, t + 1812 * S, 2, 1, 443, 5000, 6, ACK, 3901, 1000);
	flowtab_flush(ft, END_EOF);
	assert_int_equal(s.n_ends, 2);
	const struct g_flow_count *first = &s.ends[0].n, *second = &s.ends[1].n;
	assert_int_equal(first->rtt_server, 20 * MS);
	assert_int_equal(first->rtt_client, 5 * MS);
	assert_int_equal(first->app_latency, 40 * MS);
	assert_int_equal(first->client_syns, 1);
	assert_int_equal(first->server_lost, 1);
	assert_int_equal(second->part, 1);
	assert_int_equal(second->start, t + 1810 * S);
	assert_int_equal(second->rtt_server | second->rtt_client | second->app_latency, 0);
	assert_int_equal(second->client_syns | second->server_lost, 0);
	assert_int_equal(second->server_ooo, 1);
	assert_int_equal(second->server_packets, 2);
	assert_int_equal(second->tcp_state, TS_ESTABLISHED);
	flowtab_free(ft);
}

/* Land: from itself to itself. Nobody can tell the ends apart, so all of it is the client's. */
static void test_one_end(void **state)
{
	(void)state;
	static struct seen s;
	struct flowtab *ft = table(&s, 1000);
	put(ft, S, 1, 1, 139, 139, 6, SYN | ACK, 1, 0);
	put(ft, S, 1, 1, 139, 139, 6, SYN, 1, 0);
	flowtab_flush(ft, END_EOF);
	assert_int_equal(s.n_ends, 1);
	assert_int_equal(s.ends[0].n.client_packets, 2);
	flowtab_free(ft);
}

/* The same ports again and again within a moment: flows, each with an id of its own. */
static void test_reused_at_once(void **state)
{
	(void)state;
	static struct seen s;
	static struct id ids[300];
	struct flowtab *ft = table(&s, 1000);
	for (uint32_t i = 0; i < 300; i++) {
		put(ft, S, 1, 2, 5000, 80, 6, SYN, i << 21, 0);
		put(ft, S, 2, 1, 80, 5000, 6, RST | ACK, 0, 0);
		if (i)
			ids[i - 1] = s.ends[0].key.id;
		s.n_ends = 0;
	}
	flowtab_flush(ft, END_EOF);
	ids[299] = s.ends[0].key.id;
	for (unsigned i = 0; i < 300; i++)
		for (unsigned j = 0; j < i; j++)
			assert_memory_not_equal(&ids[i], &ids[j], sizeof *ids);
	flowtab_free(ft);
}

/* Addresses of a tunnel are told where there is one; labels (MPLS) have none. */
static void test_tunnels(void **state)
{
	(void)state;
	static struct seen s;
	static const uint8_t l3[64] = { 0x45 };
	struct flowtab *ft = table(&s, 1000);
	for (unsigned depth = 0; depth < 2; depth++) {
		struct decoded d = { .proto = 17, .ip_version = 4, .sport = 1000, .dport = 2000, .l3 = l3, .l3_caplen = 40,
				     .l3_len = 40, .tunnel = depth ? TUN_VXLAN : TUN_MPLS, .tunnel_depth = (uint8_t)depth,
				     .tunnel_id = 42 };
		addr_from_v4(&d.tunnel_src, (uint8_t[]){ 192, 0, 2, 1 });
		addr_from_v4(&d.tunnel_dst, (uint8_t[]){ 192, 0, 2, 2 });
		struct packet p = { .time = S, .caplen = 54, .len = 54, .linktype = 1, .data = l3 };
		enum undecoded ud = UD_NONE;
		flowtab_packets(ft, &p, &d, &ud, 1);
	}
	flowtab_flush(ft, END_EOF);
	assert_int_equal(s.n_ends, 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct g_flow_key *k = &s.ends[i].key;
		assert_int_equal(k->tunnel_id, 42);
		assert_int_equal(k->tunnel, k->tunnel_depth ? TUN_VXLAN : TUN_MPLS);
		assert_int_equal(addr_is_set(&k->tunnel_src), k->tunnel_depth);
		assert_int_equal(k->tunnel_dst.b[15], k->tunnel_depth ? 2 : 0);
	}
	flowtab_free(ft);
}

static void test_flood_spares_established(void **state)
{
	(void)state;
	static struct seen s;
	struct flowtab *ft = table(&s, 100);
	put(ft, S, 1, 2, 5000, 443, 6, SYN, 100, 0);
	put(ft, S, 2, 1, 443, 5000, 6, SYN | ACK, 900, 0);
	put(ft, S, 1, 2, 5000, 443, 6, ACK, 101, 0);
	for (int i = 0; i < 5000; i++)
		put(ft, 2 * S + (uint64_t)i, 10 + i, 2, (uint16_t)(1000 + i), 80, 6, SYN, 1, 0);
	const struct flowtab_stats *st = flowtab_stats(ft);
	assert_int_equal(st->flows_active, 100);
	assert_int_equal(st->flows_evicted, 4901);
	uint64_t opened = st->flows_opened;
	put(ft, 3 * S, 1, 2, 5000, 443, 6, ACK, 101, 10); /* the established one is still there */
	assert_int_equal(flowtab_stats(ft)->flows_opened, opened);
	assert_int_equal(flowtab_open_packets(ft), 103);
	assert_int_equal(s.packets + 103, flowtab_stats(ft)->in_flows);
	flowtab_flush(ft, END_EOF);
	assert_int_equal(s.packets, flowtab_stats(ft)->in_flows);
	assert_int_equal(flowtab_open_packets(ft), 0);
	flowtab_free(ft);
}

static void test_lone_jump(void **state)
{
	(void)state;
	static struct seen s;
	struct flowtab *ft = table(&s, 100);
	put(ft, 1000 * S, 1, 2, 1, 2, 17, 0, 0, 5);
	put(ft, 4000000000 * S, 1, 2, 1, 2, 17, 0, 0, 5); /* 2096 */
	put(ft, 1001 * S, 1, 2, 1, 2, 17, 0, 0, 5);
	assert_int_equal(flowtab_stats(ft)->time_jump, 1);
	assert_int_equal(flowtab_clock(ft), 1001 * S);
	/* A real gap: the next packet agrees. One tick covers it. */
	unsigned before = s.ticks;
	put(ft, 500000000 * S, 1, 2, 1, 2, 17, 0, 0, 5);
	put(ft, 500000001 * S, 1, 2, 1, 2, 17, 0, 0, 5);
	assert_int_equal(flowtab_clock(ft), 500000001 * S);
	assert_true(s.ticks - before <= 2);
	/* One that nobody confirmed waits, and is counted at the end all the same. */
	put(ft, 600000000 * S, 1, 2, 1, 2, 17, 0, 0, 5);
	flowtab_flush(ft, END_EOF);
	assert_int_equal(flowtab_stats(ft)->time_jump, 2);
	assert_int_equal(flowtab_stats(ft)->packets, 6);
	assert_int_equal(s.n_ends, 2);
	assert_int_equal(s.ends[0].n.last, 1001 * S);
	assert_int_equal(s.ends[1].key.first, 500000000 * S); /* after a real gap the first packet has its own time */
	assert_int_equal(s.ends[1].n.client_packets, 3);
	flowtab_free(ft);
}

/* Backwards by a moment, more than a second, an hour and to 1970: the clock stays, nothing ends, nothing lasts less than no time. */
static void test_backwards(void **state)
{
	(void)state;
	static struct seen s;
	static const uint64_t back[] = { 2, 3600, 999999 };
	struct flowtab *ft = table(&s, 100);
	put(ft, 1000000 * S, 1, 2, 1, 2, 17, 0, 0, 5);
	put(ft, 999999 * S + 1, 1, 2, 1, 2, 17, 0, 0, 5);
	assert_int_equal(flowtab_stats(ft)->time_regress, 0);
	for (unsigned i = 0; i < 3; i++)
		put(ft, (1000000 - back[i]) * S, 1, 2, 1, (uint16_t)(2 + i), 17, 0, 0, 5);
	assert_int_equal(flowtab_stats(ft)->time_regress, 3);
	assert_int_equal(flowtab_clock(ft), 1000000 * S);
	assert_int_equal(s.n_ends, 0);
	flowtab_flush(ft, END_EOF);
	assert_int_equal(s.n_ends, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_true(s.ends[i].n.last >= s.ends[i].n.start);
	flowtab_free(ft);
}

/* Packets of years before, as of a file that is read after a newer one: their clock goes on, and so do timeouts. */
static void test_older_file(void **state)
{
	(void)state;
	static struct seen s;
	struct flowtab *ft = table(&s, 100);
	put(ft, 100000000 * S, 1, 2, 1, 2, 17, 0, 0, 5);
	for (unsigned i = 0; i < 6; i++)
		put(ft, (1000000 + i + i / 3 * 100) * S, 3, 4, (uint16_t)(i / 3), 7, 17, 0, 0, 5);
	assert_int_equal(flowtab_clock(ft), (100000000 + 105) * S);
	assert_int_equal(s.n_ends, 2); /* nothing came of them for more than a minute */
	assert_int_equal(s.ends[1].n.last - s.ends[1].n.start, 2 * S);
	assert_int_equal(s.ends[1].n.end_reason, END_IDLE);
	/* Between them some that are not: each keeps its own time, and one of no time at all does no harm. */
	put(ft, (100000000 + 90) * S, 1, 2, 1, 2, 17, 0, 0, 5);
	put(ft, 0, 1, 2, 1, 3, 17, 0, 0, 5);
	put(ft, (1000000 + 106) * S, 1, 2, 1, 3, 17, 0, 0, 5);
	put(ft, (100000000 + 107) * S, 1, 2, 1, 4, 17, 0, 0, 5);
	assert_int_equal(flowtab_clock(ft), (100000000 + 107) * S);
	flowtab_flush(ft, END_EOF);
	assert_int_equal(s.packets, 11);
	flowtab_free(ft);
}

/* Segments that a card merged, or a great many head packets: a HEAD fits its record. */
static void test_large_heads(void **state)
{
	(void)state;
	static struct seen s;
	struct flowtab *ft = table(&s, 100);
	static const uint8_t l3[200000] = { 0x45 };
	for (unsigned i = 0; i < 300; i++) { /* half of them are told as having no payload, which a broken header can do */
		struct decoded d = { .proto = 6, .ip_version = 4, .sport = 1000, .dport = 1000, .tcp_flags = ACK, .l3 = l3,
				     .l3_caplen = sizeof l3, .l3_len = sizeof l3, .payload_len = i % 2 ? 0 : 1000 };
		addr_from_v4(i % 2 ? &d.dst : &d.src, (uint8_t[]){ 10, 0, 0, 1 });
		struct packet p = { .time = S, .caplen = sizeof l3, .len = sizeof l3, .linktype = 1, .data = l3 };
		enum undecoded ud = UD_NONE;
		flowtab_packets(ft, &p, &d, &ud, 1);
	}
	flowtab_flush(ft, END_EOF);
	assert_int_equal(s.heads, 1);
	assert_true(s.head_bytes > 900000 && s.head_bytes < CODEC_MAX_RECORD - 4096);
	flowtab_free(ft);
}

static void test_heads(void **state)
{
	(void)state;
	static struct seen s;
	struct flowtab *ft = table(&s, 100);
	put(ft, 1000 * S, 1, 2, 5000, 80, 6, SYN, 1, 0);
	put(ft, 1000 * S + MS, 1, 2, 5000, 80, 6, ACK, 2, 10);
	put(ft, 1000 * S + 2 * MS, 2, 1, 80, 5000, 6, ACK, 1, 0); /* the empty ACK that nDPI needs */
	flowtab_advance(ft, 1002 * S);
	assert_int_equal(s.heads, 1);
	assert_int_equal(s.head_packets, 3);
	flowtab_advance(ft, 1010 * S); /* nothing was added: nothing is sent */
	assert_int_equal(s.heads, 1);
	for (int i = 0; i < 30; i++)
		put(ft, 1011 * S + (uint64_t)i, 2, 1, 80, 5000, 6, ACK, (uint32_t)(1 + i * 10), 10);
	assert_int_equal(s.finals, 0); /* short lines: there is room for more */
	for (int i = 30; i < 100; i++)
		put(ft, 1011 * S + (uint64_t)i, 2, 1, 80, 5000, 6, ACK, (uint32_t)(1 + i * 10), 10);
	assert_int_equal(s.finals, 1);
	assert_int_equal(s.head_packets, 64);
	for (int i = 0; i < 30; i++)
		put(ft, 1012 * S + (uint64_t)i, 1, 2, 5000, 80, 17, 0, 0, 10);
	assert_int_equal(s.finals, 2); /* not so for UDP */
	assert_int_equal(s.head_packets, 12);
	flowtab_flush(ft, END_EOF);
	assert_int_equal(s.finals, 2);
	flowtab_free(ft);
}

/* Headers cut off at every byte: a reason or a flow, never a read beyond. */
static void test_decode_truncated(void **state)
{
	(void)state;
	static const uint8_t frame[] = {
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 20, 0x08, 0, /* Ethernet, VLAN 20 */
		0x45, 0, 0, 78, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 0x12, 0xb5, 0, 58, 0, 0,
		8, 0, 0, 0, 0, 0, 7, 0, /* VXLAN, VNI 7 */
		2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 4, 0x08, 0,
		0x45, 0, 0, 28, 0, 2, 0, 0, 63, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0, 53, 0xc0, 0, 0, 8, 0, 0,
	};
	struct decode_opts o = { .tunnels = true };
	struct decoded d;
	struct packet p = { .caplen = sizeof frame, .len = sizeof frame, .linktype = 1, .data = frame };
	assert_int_equal(decode(&o, &p, &d), UD_NONE);
	assert_int_equal(d.vlan, 20);
	assert_int_equal(d.tunnel, TUN_VXLAN);
	assert_int_equal(d.tunnel_id, 7);
	assert_int_equal(d.sport, 53);
	o.tunnels = false;
	assert_int_equal(decode(&o, &p, &d), UD_NONE);
	assert_int_equal(d.dport, 4789);
	o.tunnels = true;
	for (uint32_t n = 0; n < sizeof frame; n++) {
		uint8_t *copy = malloc(n ? n : 1);
		memcpy(copy, frame, n);
		p = (struct packet){ .caplen = n, .len = sizeof frame, .linktype = 1, .data = copy };
		decode(&o, &p, &d);
		free(copy);
	}
}

/* A SYN that comes again late says nothing about a connection that is established. */
static void test_late_syn(void **state)
{
	(void)state;
	static struct seen s;
	struct flowtab *ft = table(&s, 1000);
	put(ft, S, 1, 2, 5000, 443, 6, SYN, 100, 0);
	put(ft, S, 2, 1, 443, 5000, 6, SYN | ACK, 900, 0);
	put(ft, S, 1, 2, 5000, 443, 6, ACK, 101, 0);
	put(ft, S, 1, 2, 5000, 443, 6, SYN, 100, 0);
	flowtab_flush(ft, END_EOF);
	assert_int_equal(s.n_ends, 1);
	assert_int_equal(s.ends[0].n.tcp_state, TS_ESTABLISHED);
	flowtab_free(ft);
}

static void test_fragments(void **state)
{
	(void)state;
	static struct seen s;
	static const uint8_t protos[] = { 17, 132, 1 }; /* ports, ports, none */
	static const uint8_t l3[64] = { 0x45 };
	struct flowtab *ft = table(&s, 1000);
	for (unsigned i = 0; i < 3; i++)
		for (unsigned part = 0; part < 3; part++) {
			struct decoded d = { .proto = protos[i], .ip_version = 4, .frag_id = part == 2 ? 8 : 7, .l3 = l3,
					     .l3_caplen = 40, .l3_len = 40, .frag = part ? FRAG_LATER : FRAG_FIRST,
					     .sport = part || protos[i] == 1 ? 0 : 3000,
					     .dport = part || protos[i] == 1 ? 0 : 2000 };
			addr_from_v4(&d.src, (uint8_t[]){ 10, 0, 0, 1 });
			addr_from_v4(&d.dst, (uint8_t[]){ 10, 0, 0, 2 });
			struct packet p = { .time = S, .caplen = 54, .len = 54, .data = l3 };
			enum undecoded ud = UD_NONE;
			flowtab_packets(ft, &p, &d, &ud, 1);
		}
	flowtab_flush(ft, END_EOF);
	const struct flowtab_stats *st = flowtab_stats(ft);
	assert_int_equal(s.n_ends, 3);
	assert_int_equal(st->undecoded[UD_FRAGMENT], 2); /* those whose first one, with the ports, was not seen */
	assert_int_equal(st->in_flows, 7);
	assert_int_equal(st->packets, st->in_flows + st->undecoded[UD_FRAGMENT]);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(s.ends[i].n.client_frags, s.ends[i].key.proto == 1 ? 3 : 2);
	flowtab_free(ft);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_client_and_server),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_active_timeout),
		cmocka_unit_test(test_parts_of_a_connection),
		cmocka_unit_test(test_one_end),
		cmocka_unit_test(test_reused_at_once),
		cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_flood_spares_established),
		cmocka_unit_test(test_lone_jump),
		cmocka_unit_test(test_backwards),
		cmocka_unit_test(test_older_file),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_large_heads),
		cmocka_unit_test(test_decode_truncated),
		cmocka_unit_test(test_late_syn),
		cmocka_unit_test(test_fragments),
	};
	return cmocka_run_group_tests_name("flowtab", tests, NULL, NULL);
}

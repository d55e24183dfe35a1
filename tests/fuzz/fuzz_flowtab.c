/* Packets with any headers at any time through the flow table: every packet must be accounted for. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/flowtab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	uint64_t packets, ends;
};

static void on_head(void *arg, const struct r_head *r, const char *base, const char *data)
{
	(void)arg;
	(void)r;
	(void)base;
	(void)data;
}

static void on_update(void *arg, const struct r_update *r, struct flowtab_told *told, const char *base)
{
	(void)arg;
	(void)base;
	told->packets = r->n.client_packets + r->n.server_packets;
}

static void on_end(void *arg, const struct r_end *r, const struct flowtab_told *told, const char *base)
{
	struct seen *s = arg;
	(void)base;
	s->packets += r->n.client_packets + r->n.server_packets;
	if (told->packets > r->n.client_packets + r->n.server_packets)
		abort();
	s->ends++;
	if (r->n.last < r->n.start)
		abort();
}

static void on_tick(void *arg, uint64_t from, uint64_t to)
{
	(void)arg;
	if (to <= from)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct flowtab_ops ops = { on_head, on_update, on_end, on_tick };
	static uint8_t l3[64];
	struct flowtab_conf conf = { .max_flows = 16, .idle_tcp = 1000, .idle_other = 500, .idle_syn = 100, .active = 5000,
				     .update = 50, .linger = 20, .head_packets = 3, .head_first = 10, .head_second = 50,
				     .max_jump = 1u << 30, .max_head_bytes = 4096, .fragments = true, .epoch = 1,
				     .sensor = "fuzz" };
	struct seen seen = { 0, 0 };
	uint64_t time = 1;
	struct flowtab *ft = flowtab_new(&conf, &ops, &seen);
	for (; size >= 10; data += 10, size -= 10) {
		struct decoded d = { .proto = data[0] & 1 ? 6 : 17, .ip_version = 4, .tcp_flags = data[1], .l3 = l3,
				     .l3_caplen = 40, .l3_len = 40, .tcp_seq = data[2] * 100u, .payload_len = data[3] & 15,
				     .frag = (enum frag)(data[4] % 3), .frag_id = data[5] & 3 };
		enum undecoded ud = data[0] & 2 ? UD_NOT_IP : UD_NONE;
		addr_from_v4(&d.src, (uint8_t[]){ 10, 0, 0, data[6] & 7 });
		addr_from_v4(&d.dst, (uint8_t[]){ 10, 0, 0, data[7] & 7 });
		d.sport = data[8] & 3;
		d.dport = 80;
		time = data[9] & 0x80 ? time - time / (1u + data[9]) : time + (uint64_t)(data[9] & 0x7f) * (data[0] & 4 ? 1000000 : 7);
		struct packet p = { .time = time ? time : 1, .caplen = 60, .len = 60, .linktype = 1, .data = l3 };
		flowtab_packets(ft, &p, &d, &ud, 1);
		if (seen.packets + flowtab_open_packets(ft) != flowtab_stats(ft)->in_flows)
			abort();
	}
	flowtab_flush(ft, END_EOF);
	const struct flowtab_stats *st = flowtab_stats(ft);
	uint64_t lost = 0;
	for (int i = 1; i < UD_COUNT; i++)
		lost += st->undecoded[i];
	if (st->packets != st->in_flows + lost || seen.packets != st->in_flows || st->flows_active != 0 || flowtab_open_packets(ft) ||
	    st->flows_opened != st->flows_ended)
		abort();
	flowtab_free(ft);
	return 0;
}

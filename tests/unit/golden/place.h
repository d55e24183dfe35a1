/* What golden tests of networks, sensors, MAC addresses and weir itself share. */
#ifndef WEIR_TEST_GOLDEN_PLACE_H
#define WEIR_TEST_GOLDEN_PLACE_H

#include "golden.h"


static inline void into(struct lab *l, unsigned n, double gap, bool answered, uint32_t syns)
{
	for (unsigned i = 0; i < n; i++) {
		struct lab_flow f = lab_flow(l, 1 + i * gap);
		f.key.client = lab_addr("192.0.2.1");
		f.key.server = lab_addr("10.0.0.2");
		f.key.server_port = (uint16_t)(i + 1);
		f.lasts = 0;
		f.n.client_syns = syns;
		if (!answered)
			f.n.server_flags = 0;
		lab_run(&f);
	}
}

/* Open flows with a risk of 100 between two local hosts. */
static inline void weighed(struct lab *l, double at, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct lab_flow f = lab_flow(l, at);
		struct r_verdict v;
		f.key.server = lab_addr("10.0.0.2");
		v = (struct r_verdict){.key = f.key, .app = f.app};
		v.app.risk_bits = 1ull << 6;
		v.key.first = lab_time(at);
		lab_verdict(l, &v, &f.text);
		buf_release(&f.text);
	}
}

static inline void carry(struct lab *l, double at, const char *client, const char *server, uint64_t out,
			 uint64_t in, unsigned app)
{
	struct lab_flow f = lab_udp(l, at, app, 5000);
	f.key.client = lab_addr(client);
	f.key.server = lab_addr(server);
	f.n.client_bytes = out;
	f.n.server_bytes = in;
	lab_run(&f);
}

static inline void arp(struct lab *l, double at, const char *ip, uint8_t mac, const char *target,
		       uint32_t packets)
{
	struct r_arp r = {.arp = {.op = 1,
				  .time = lab_time(at),
				  .packets = packets,
				  .sender_mac = {{2, 0, 0, 0, 0, mac}}}};
	r.arp.sender_ip = lab_addr(ip);
	r.arp.target_ip = lab_addr(target);
	r.arp.sensor = (struct str){0, 1};
	engine_arp(l->e, &r, "s");
}

static inline void health(struct lab *l, int kind, double value)
{
	struct engine_health h = {.process = "notify", .value = value};
	h.kind = kind;
	engine_health(l->e, &h);
	lab_tick(l, 61);
}

#endif

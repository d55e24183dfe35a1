/* Flows that change what the further golden tests of flow checks are about: one parameter each. Only test_checks_flow.c includes this. */
#ifndef WEIR_TEST_FLOW_PARAMS_H
#define WEIR_TEST_FLOW_PARAMS_H

#include "lab.h"

/* n flows from one client to one service, 'gap' seconds apart, from second 'at' on. */
static void series(struct lab *l, double at, unsigned n, double gap)
{
	for (unsigned i = 0; i < n; i++) {
		struct lab_flow f = lab_flow(l, at + i * gap);
		lab_run(&f);
	}
}

static void iec(struct lab *l, double at, const char *types)
{
	struct lab_flow f = lab_flow(l, at);
	f.app.iec_types = lab_text(&f, types);
	lab_run(&f);
}

static void tcp_losses(struct lab *l, uint32_t retrans, uint32_t ooo)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_packets = f.n.server_packets = 1000;
	f.n.client_retrans = retrans;
	f.n.client_ooo = ooo;
	lab_run(&f);
}

static void many_repeated(struct lab *l)
{
	tcp_losses(l, 300, 0);
}

static void many_out_of_order(struct lab *l)
{
	tcp_losses(l, 0, 300);
}

static void some_of_each(struct lab *l)
{
	tcp_losses(l, 200, 200);
}

static void received(struct lab *l, uint64_t bytes)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_bytes = bytes;
	lab_run(&f);
}

static void elephant_in(struct lab *l)
{
	received(l, 1100000);
}

static void no_elephant_in(struct lab *l)
{
	received(l, 1000000);
}

static void lasts(struct lab *l, const char *client)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.client = lab_addr(client);
	f.lasts = 50000;
	lab_run(&f);
}

static void lasts_long(struct lab *l)
{
	lasts(l, "10.0.0.1");
}

static void lasts_long_and_may(struct lab *l)
{
	lasts(l, "10.0.0.5");
}

static void pings(struct lab *l, uint64_t payload)
{
	struct lab_flow f = lab_flow(l, 1);
	f.key.proto = 1;
	f.key.icmp_type = 8;
	f.n.client_payload = payload;
	f.n.server_payload = 0;
	lab_run(&f);
}

static void heavy_pings(struct lab *l)
{
	pings(l, 10001);
}

static void lighter_pings(struct lab *l)
{
	pings(l, 9999);
}

static void dns_bytes(struct lab *l, uint64_t bytes)
{
	struct lab_flow f = lab_udp(l, 1, APP_DNS, 53);
	f.n.client_bytes = 0;
	f.n.server_bytes = bytes;
	lab_run(&f);
}

static void much_dns(struct lab *l)
{
	dns_bytes(l, 5001);
}

static void less_dns(struct lab *l)
{
	dns_bytes(l, 5000);
}

/* Names below one domain; test_dns_names has more of them. */
static void tunnel(struct lab *l, unsigned names, const char *pad)
{
	for (unsigned i = 0; i < names; i++) {
		char name[80];
		struct lab_flow f = lab_udp(l, 1 + i * 0.1, APP_DNS, 53);
		snprintf(name, sizeof name, "%u%s.tunnel.example", i * 7919, pad);
		f.app.dns_query = lab_text(&f, name);
		lab_run(&f);
	}
}

static void many_names(struct lab *l)
{
	tunnel(l, 300, "abcdefghijklmnopqrstuvwxyz");
}

static void few_names(struct lab *l)
{
	tunnel(l, 60, "abcdefghijklmnopqrstuvwxyz");
}

static void short_names(struct lab *l)
{
	tunnel(l, 300, "");
}

static void each_minute(struct lab *l)
{
	series(l, 10, 8, 60);
}

static void each_half_minute(struct lab *l)
{
	series(l, 10, 8, 30);
}

static void command_again(struct lab *l)
{
	iec(l, 10, "13\n45\n13\n45");
}

static void command_once(struct lab *l)
{
	iec(l, 10, "13\n45\n13");
}

#endif

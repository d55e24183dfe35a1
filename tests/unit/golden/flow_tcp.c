/* Golden tests of checks/flow_tcp.c. */
#include "golden.h"

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

HIT(low_goodput)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_payload = 800;
	f.n.server_payload = 4000;
	lab_run(&f);
}

MISS(low_goodput)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_payload = 801;
	f.n.server_payload = 4000;
	lab_run(&f);
}

HIT(zero_tcp_window)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_zwin = 2;
	f.n.server_zwin = 2;
	lab_run(&f);
}

MISS(zero_tcp_window)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_zwin = 2;
	f.n.server_zwin = 1;
	lab_run(&f);
}

HIT(tcp_packets_issues)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_lost = 300;
	f.n.client_packets = 1000;
	f.n.server_packets = 1000;
	lab_run(&f);
}

MISS(tcp_packets_issues)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_lost = 200;
	f.n.client_packets = 1000;
	f.n.server_packets = 1000;
	lab_run(&f);
}

HIT(tcp_flow_reset)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.tcp_state = TS_RESET;
	f.n.server_rsts = 1;
	lab_run(&f);
}

MISS(tcp_flow_reset)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_rsts = 1;
	lab_run(&f);
}

HIT(tcp_no_data_exchanged)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_payload = f.n.server_payload = 0;
	lab_run(&f);
}

MISS(tcp_no_data_exchanged)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_payload = 0;
	f.n.server_payload = 1;
	lab_run(&f);
}

HIT(connection_failed)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_packets = 0;
	f.n.client_flags = 2;
	lab_run(&f);
}

MISS(connection_failed)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_flags = 2;
	lab_run(&f);
}

HIT(tcp_connection_refused)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_flags = 2;
	f.n.server_flags = 0x14;
	lab_run(&f);
}

MISS(tcp_connection_refused)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_flags = 2;
	f.n.server_flags = 0x16;
	lab_run(&f);
}

HIT(ndpi_tcp_issues)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_flags = 0x29;
	f.key.midstream = true;
	lab_run(&f);
}

MISS(ndpi_tcp_issues)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.client_flags = 0x39;
	f.key.midstream = true;
	lab_run(&f);
}

HIT(ndpi_probing_attempt)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_payload = 0;
	lab_run(&f);
}

MISS(ndpi_probing_attempt)
{
	struct lab_flow f = lab_flow(l, 1);
	f.n.server_payload = 0;
	f.n.server_flags = 0x13;
	lab_run(&f);
}

static const struct golden table[] = {
    PARAM(tcp_packets_issues, "retransmissions: 12, out_of_order: 40", many_repeated, some_of_each),
    PARAM(tcp_packets_issues, "out_of_order: 12, retransmissions: 40", many_out_of_order, some_of_each),
    GOLDEN(low_goodput, "ratio: 20, packets: 30"),
    GOLDEN(zero_tcp_window, "count: 3"),
    GOLDEN(tcp_packets_issues, "lost: 10"),
    GOLDEN(tcp_flow_reset, ""),
    GOLDEN(tcp_no_data_exchanged, ""),
    GOLDEN(connection_failed, ""),
    GOLDEN(tcp_connection_refused, ""),
    GOLDEN(ndpi_tcp_issues, ""),
    GOLDEN(ndpi_probing_attempt, ""),
};
GOLDENS(flow_tcp, table);

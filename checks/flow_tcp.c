/* TCP connections: how they went, and what they end as. */
#include "flow_util.h"

FLOW_CHECK(low_goodput)
{
	uint64_t bytes = v->n->client_bytes + v->n->server_bytes;
	uint64_t payload = v->n->client_payload + v->n->server_payload;
	if (v->n->tcp_state < TS_ESTABLISHED || !bytes || (double)flow_packets(v) < k->number[1])
		return false;
	double ratio = 100.0 * (double)payload / (double)bytes;
	if (ratio > k->number[0])
		return false;
	SAY(f, "Only %.0f %% of the bytes are payload", ratio);
	VALUES(f, "ratio=%.1f\nthreshold=%.15g", ratio, k->number[0]);
	return true;
}

FLOW_CHECK(zero_tcp_window)
{
	uint32_t n = v->n->client_zwin + v->n->server_zwin;
	if (n <= k->number[0])
		return false;
	SAY(f, "A TCP receive window of zero was announced %u times (client %u, server %u)", n, v->n->client_zwin,
	    v->n->server_zwin);
	VALUES(f, "count=%u\nthreshold=%.15g", n, k->number[0]);
	return true;
}

FLOW_CHECK(tcp_packets_issues)
{
	double all = (double)flow_packets(v);
	if (all < 10)
		return false;
	double re = 100.0 * (v->n->client_retrans + v->n->server_retrans) / all;
	double ooo = 100.0 * (v->n->client_ooo + v->n->server_ooo) / all;
	double lost = 100.0 * (v->n->client_lost + v->n->server_lost) / all;
	if (re <= k->number[0] && ooo <= k->number[1] && lost <= k->number[2])
		return false;
	SAY(f, "%.0f %% of the packets repeated, %.0f %% out of order, %.0f %% lost", re, ooo, lost);
	VALUES(f,
	       "retransmissions=%.1f\nretransmissions_threshold=%g\nout_of_order=%.1f\nout_of_order_threshold=%g\n"
	       "lost=%.1f\nlost_threshold=%g",
	       re, k->number[0], ooo, k->number[1], lost, k->number[2]);
	return true;
}

FLOW_CHECK(tcp_flow_reset)
{
	if (v->n->tcp_state != TS_RESET)
		return false;
	SAY(f, "The %s reset the connection", v->n->server_rsts ? "server" : "client");
	VALUES(f, "client_rsts=%u\nserver_rsts=%u", v->n->client_rsts, v->n->server_rsts);
	return true;
}

FLOW_CHECK(tcp_no_data_exchanged)
{
	if (v->n->client_payload || v->n->server_payload || v->n->part)
		return false;
	SAY(f, "The TCP connection carried no payload");
	VALUES(f, "packets=%llu", (unsigned long long)flow_packets(v));
	return true;
}

FLOW_CHECK(connection_failed)
{
	if (v->key->midstream || !(v->n->client_flags & TH_SYN) || v->n->server_packets || v->n->part)
		return false;
	SAY(f, "%u SYNs got no answer", v->n->client_syns);
	VALUES(f, "syns=%u\nserver_packets=0", v->n->client_syns);
	return true;
}

/* A reset is a refusal only if the server never agreed to the connection. */
static bool was_refused(const struct flow_view *v)
{
	return (v->n->client_flags & TH_SYN) && (v->n->server_flags & TH_RST) && !(v->n->server_flags & TH_SYN);
}

FLOW_CHECK(tcp_connection_refused)
{
	if (!was_refused(v))
		return false;
	SAY(f, "The server refused the connection to port %u", v->key->server_port);
	VALUES(f, "port=%u\nserver_rsts=%u", v->key->server_port, v->n->server_rsts);
	return true;
}

/* Flags that no stack sends: of the client's packets together, so a lone one shows. */
static const char *odd_flags(const struct flow_view *v)
{
	uint8_t flags = v->n->client_flags;
	if (!v->n->client_packets)
		return NULL;
	return flags == 0 ? "segments without a flag" : flags == (TH_FIN | TH_PUSH | TH_URG) ? "segments with FIN, PSH and URG" :
	       flags == TH_FIN ? "nothing but a FIN" : NULL;
}

FLOW_CHECK(ndpi_tcp_issues)
{
	const char *odd = odd_flags(v);
	bool payload = v->n->client_payload || v->n->server_payload;
	char flags[2][9];
	if (odd)
		SAY(f, "The client sent %s", odd);
	else if (payload || !(v->n->client_flags & TH_SYN) || v->n->part)
		return false;
	else if (v->n->server_rsts && v->n->server_packets == 1)
		SAY(f, "The server's only packet was a reset");
	else if (v->n->server_rsts)
		SAY(f, "The server broke off before any payload");
	else if (v->n->client_rsts)
		SAY(f, "The client broke off before any payload");
	else
		return false;
	VALUES(f, "client_flags=%s\nserver_flags=%s", tcpflags_str(v->n->client_flags, flags[0]),
	       tcpflags_str(v->n->server_flags, flags[1]));
	return true;
}

static bool probed_only(const struct flow_view *v, const char **ret_what)
{
	const struct g_flow_app *a = v->app;
	bool dpi = a->state == VERDICT_DPI, mail = app_is(a, APP_POPS) || app_is(a, APP_IMAPS) || app_is(a, APP_SMTPS);
	if (v->key->proto == IPPROTO_TCP && (v->n->client_flags & v->n->server_flags & TH_PUSH) &&
	    !v->n->client_payload != !v->n->server_payload)
		*ret_what = "both sides pushed, and one sent no payload";
	else if (dpi && app_is(a, APP_SSH) && a->ssh_client.len && !a->ssh_server.len && !a->ssh_hassh_s.len)
		*ret_what = "an SSH server that did not say what it is";
	else if (dpi && (app_is(a, APP_TLS) || app_is(a, APP_DTLS) || mail) && !a->tls_ja3c.len && !a->host.len &&
		 !a->tls_cipher.len && !a->tls_subject.len)
		*ret_what = "TLS without a hello";
	else
		return false;
	return true;
}

FLOW_CHECK(ndpi_probing_attempt)
{
	const char *what;
	char flags[2][9];
	if (v->key->midstream || v->n->part || !probed_only(v, &what))
		return false;
	SAY(f, "The service was tried out: %s", what);
	VALUES(f, "client_payload=%llu\nserver_payload=%llu\nclient_flags=%s\nserver_flags=%s",
	       (unsigned long long)v->n->client_payload, (unsigned long long)v->n->server_payload,
	       tcpflags_str(v->n->client_flags, flags[0]), tcpflags_str(v->n->server_flags, flags[1]));
	return true;
}

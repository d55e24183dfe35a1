/* How much a flow carries, for how long, and in which directions. */
#include "flow_util.h"

FLOW_CHECK(ndpi_unidirectional_traffic)
{
	static const uint16_t quiet[] = { APP_NETFLOW, APP_SFLOW, APP_RTP, APP_COLLECTD, APP_SYSLOG, APP_MDNS };
	if ((v->n->client_packets && v->n->server_packets) || v->n->part)
		return false;
	for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
		if (is_app(v, quiet[i]))
			return false;
	SAY(f, "%llu packets in one direction and none in the other", (unsigned long long)flow_packets(v));
	VALUES(f, "packets=%llu", (unsigned long long)flow_packets(v));
	return true;
}

FLOW_CHECK(broadcast_non_udp_traffic)
{
	static const struct mac all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	bool to_all = addr_is_broadcast(&v->key->server) || memcmp(&v->key->server_mac, &all, sizeof all) == 0;
	char p[4];
	if (!to_all || v->key->proto == IPPROTO_UDP)
		return false;
	SAY(f, "%s was sent to everybody", proto_name(v->key->proto, p));
	VALUES(f, "proto=%u", v->key->proto);
	return true;
}

static bool excepted(const struct flow_view *v, const struct check_conf *k)
{
	return conf_in_nets(k, &v->key->client) || conf_in_nets(k, &v->key->server);
}

FLOW_CHECK(elephant_flows)
{
	if (v->client_local == v->server_local || excepted(v, k))
		return false;
	uint64_t out = v->client_local ? v->n->client_bytes : v->n->server_bytes;
	uint64_t in = v->client_local ? v->n->server_bytes : v->n->client_bytes;
	if ((double)out <= k->number[0] && (double)in <= k->number[1])
		return false;
	SAY(f, "The flow carried %llu bytes out and %llu bytes in", (unsigned long long)out, (unsigned long long)in);
	VALUES(f, "bytes_out=%llu\nbytes_out_threshold=%.0f\nbytes_in=%llu\nbytes_in_threshold=%.0f", (unsigned long long)out,
	       k->number[0], (unsigned long long)in, k->number[1]);
	return true;
}

FLOW_CHECK(long_lived)
{
	double seconds = flow_seconds(v);
	if (seconds <= k->number[0] || excepted(v, k))
		return false;
	SAY(f, "The flow has gone on for %.0f s", seconds);
	VALUES(f, "duration=%.0f\nthreshold=%.15g", seconds, k->number[0]);
	return true;
}

FLOW_CHECK(vlan_bidirectional_traffic)
{
	if (!conf_has_number(k, v->key->vlan) || v->server_local || !v->n->client_packets || !v->n->server_packets)
		return false;
	SAY(f, "Traffic in VLAN %u went both ways", v->key->vlan);
	VALUES(f, "vlan=%u\nclient_bytes=%llu\nserver_bytes=%llu", v->key->vlan, (unsigned long long)v->n->client_bytes,
	       (unsigned long long)v->n->server_bytes);
	return true;
}

/* Echo request or reply: RFC 792, RFC 4443 section 4. */
static bool is_echo(const struct flow_view *v)
{
	uint8_t type = v->key->icmp_type;
	return v->key->proto == IPPROTO_ICMP ? type == 8 || type == 0 : type == 128 || type == 129;
}

FLOW_CHECK(data_exfiltration)
{
	double packets = (double)flow_packets(v), payload = (double)(v->n->client_payload + v->n->server_payload);
	if (!is_echo(v) || packets < k->number[2] || payload < k->number[1] || payload / packets <= k->number[0])
		return false;
	SAY(f, "%.0f echo packets carried %.0f bytes, %.0f each", packets, payload, payload / packets);
	VALUES(f, "payload=%.0f\npayload_threshold=%.15g\nbytes=%.0f\npackets=%.0f", payload / packets, k->number[0], payload,
	       packets);
	return true;
}

/* classify looked at the first payload: see records/flow_app.def. */
FLOW_CHECK(ndpi_fully_encrypted)
{
	if (v->key->midstream || !v->final || v->app->state != VERDICT_UNKNOWN ||
	    !v->app->looks_random)
		return false;
	SAY(f, "The protocol is unknown and its first bytes look random");
	VALUES(f, "port=%u", v->key->server_port);
	return true;
}

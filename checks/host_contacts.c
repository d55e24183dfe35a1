/* Whom a host speaks to, and what it is to others. */
#include "host_util.h"

#include "hll.h"

/* A server of the kind asks others of the kind: that is its job. */
HOST_CHECK(dns_contacts)
{
	return !h->is_dns && one_sided(hll_count(h->dns_servers, HOST_SERVERS), k, o, "The host asked about %.0f DNS servers");
}

HOST_CHECK(ntp_contacts)
{
	return !h->is_ntp && one_sided(hll_count(h->ntp_servers, HOST_SERVERS), k, o, "The host asked about %.0f NTP servers");
}

HOST_CHECK(smtp_contacts)
{
	return !h->is_smtp &&
	       one_sided(hll_count(h->smtp_servers, HOST_SERVERS), k, o, "The host spoke to about %.0f mail servers");
}

HOST_CHECK(domain_names_contacts)
{
	return one_sided(hll_count(host_minute(h)->names, HOST_NAMES), k, o, "The host asked for about %.0f names in a minute");
}

HOST_CHECK(contacts)
{
	return one_sided(hll_count(host_minute(h)->contacts, HOST_CONTACTS), k, o,
			 "The host contacted about %.0f hosts in a minute");
}

HOST_CHECK(countries_contacts)
{
	return h->local && one_sided(hll_count(h->asked.countries, HOST_NAMES), k, o,
				     "The host spoke to hosts in about %.0f countries in five minutes");
}

HOST_CHECK(remote_connection)
{
	return one_sided(h->remote_flows, k, o, "%.0f remote access sessions are open");
}

/* The engine counts only what came after the learning period. */
HOST_CHECK(server_ports_contacts)
{
	char proto[4];
	if (!host_minute(h)->new_ports)
		return false;
	o->value = host_minute(h)->new_ports;
	TELL(o, "The host answers on %u ports on which it did not answer before, such as %s/%u", host_minute(h)->new_ports,
	     proto_name(host_minute(h)->new_proto, proto), host_minute(h)->new_port);
	MORE(o, "port=%u\nproto=%s", host_minute(h)->new_port, proto_name(host_minute(h)->new_proto, proto));
	return true;
}

HOST_CHECK(unexpected_gateway)
{
	char mac[MAC_STRLEN];
	if (!h->local || !h->gateway || conf_in_nets(k, &h->ip))
		return false;
	o->attacker = true;
	TELL(o, "The host's MAC address %s sends packets of other networks' hosts", mac_str(&h->mac, mac));
	MORE(o, "mac=%s", mac_str(&h->mac, mac));
	return true;
}

HOST_CHECK(request_reply_ratio)
{
	for (int side = 0; side < 2; side++) {
		double requests = h->asked.requests[side], replies = h->asked.replies[side];
		if (requests <= k->number[1] || replies * 100 / requests >= k->number[0])
			continue;
		o->attacker = side == 0;
		o->value = replies * 100 / requests;
		o->threshold = k->number[0];
		TELL(o, side ? "Of %.0f DNS and HTTP requests the host answered %.0f" :
			       "Of the host's %.0f DNS and HTTP requests %.0f were answered", requests, replies);
		MORE(o, "requests=%.0f\nreplies=%.0f", requests, replies);
		return true;
	}
	return false;
}

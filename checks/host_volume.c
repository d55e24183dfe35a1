/* How much a host carries, in a minute or longer. */
#include "host_util.h"

HOST_CHECK(host_traffic_volume)
{
	return in_period((double)(VOLUME(&h->volumes, p, sent) + VOLUME(&h->volumes, p, rcvd)), p, k, o, "bytes");
}

HOST_CHECK(host_bytes_sent)
{
	return in_period((double)VOLUME(&h->volumes, p, sent), p, k, o, "bytes sent");
}

HOST_CHECK(host_throughput)
{
	double bits = 8 * (double)(VOLUME(&h->volumes, p, sent) + VOLUME(&h->volumes, p, rcvd));
	return in_period(bits / 1e6 / period_seconds(p), p, k, o, "Mbit/s on average");
}

HOST_CHECK(host_new_flows)
{
	return in_period((double)VOLUME(&h->volumes, p, flows), p, k, o, "new flows");
}

HOST_CHECK(pkt_threshold)
{
	return in_period((double)VOLUME(&h->volumes, p, packets), p, k, o, "packets");
}

HOST_CHECK(host_active_time)
{
	return in_period((double)VOLUME(&h->volumes, p, active), p, k, o, "minutes with traffic");
}

HOST_CHECK(dns_traffic)
{
	return one_sided((double)VOLUME(&h->volumes, p, dns), k, o, "%.0f bytes of DNS in a minute");
}

HOST_CHECK(ntp_traffic)
{
	return one_sided((double)VOLUME(&h->volumes, p, ntp), k, o, "%.0f bytes of NTP in a minute");
}

HOST_CHECK(p2p_traffic)
{
	return one_sided((double)VOLUME(&h->volumes, p, p2p), k, o, "%.0f bytes of file sharing between peers in a minute");
}

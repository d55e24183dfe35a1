/* Local networks: what was done to their hosts together, and how much they carry. */
#include "host_util.h"

PLACE_CHECK(network, flow_flood_victim)
{
	return victim_sided(w->minute.flows.max, k, o, "%.0f flows were opened into the network within a second");
}

PLACE_CHECK(network, syn_scan_victim)
{
	return victim_sided(w->minute.unanswered, k, o, "%.0f SYNs into the network were not answered");
}

PLACE_CHECK(network, syn_flood_victim)
{
	return victim_sided(w->minute.syns.max, k, o, "%.0f SYNs went into the network within a second");
}

/* Packets of the minute over packets of the minute. */
PLACE_CHECK(network, network_issues)
{
	static const char *const what[] = { "repeated", "out of order", "lost" };
	double all = (double)w->minute.tcp;
	const uint64_t n[] = { w->minute.retrans, w->minute.ooo, w->minute.lost };
	if (all < k->number[3] || all == 0)
		return false;
	for (int i = 0; i < 3; i++) {
		double share = 100.0 * (double)n[i] / all;
		if (share <= k->number[i])
			continue;
		o->value = share;
		o->threshold = k->number[i];
		TELL(o, "%.0f %% of the network's TCP packets were %s", share, what[i]);
		MORE(o, "retransmissions=%llu\nout_of_order=%llu\nlost=%llu\npackets=%.0f", (unsigned long long)n[0],
		     (unsigned long long)n[1], (unsigned long long)n[2], all);
		return true;
	}
	return false;
}

PLACE_CHECK(network, network_score_per_host)
{
	double average = w->hosts ? (double)w->score / w->hosts : 0;
	bool high = one_sided(average, k, o, "The network's hosts have a score of %.0f on average");
	MORE(o, "score=%llu\nhosts=%u", (unsigned long long)w->score, w->hosts);
	return high;
}

PLACE_CHECK(network, network_ingress)
{
	return in_period((double)VOLUME(&w->volumes, p, rcvd), p, k, o, "bytes from outside");
}

PLACE_CHECK(network, network_egress)
{
	return in_period((double)VOLUME(&w->volumes, p, sent), p, k, o, "bytes to outside");
}

PLACE_CHECK(network, network_inner)
{
	return in_period((double)VOLUME(&w->volumes, p, inner), p, k, o, "bytes within the network");
}

PLACE_CHECK(network, network_traffic_behaviour)
{
	return out_of_band(&w->traffic, k, o, "The network's traffic in five minutes");
}

PLACE_CHECK(network, network_score_behaviour)
{
	return out_of_band(&w->score_forecast, k, o, "The network's score");
}

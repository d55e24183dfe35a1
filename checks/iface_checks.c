/* Sensors: what they see, and what they do not. */
#include "host_util.h"

/* What a total of the sensor grew by in this minute. */
#define GREW(w, member) ((double)((w)->count.member - (w)->count_at.member))

PLACE_CHECK(iface, too_many_drops)
{
	double seen = GREW(w, packets), drops = GREW(w, kernel_drops) + GREW(w, if_drops) + GREW(w, shed_packets);
	double lost = seen + drops > 0 ? 100.0 * drops / (seen + drops) : 0;
	bool many = one_sided(lost, k, o, "%.2f %% of the packets of the minute were lost");
	MORE(o, "packets=%.0f\nkernel_drops=%.0f\ninterface_drops=%.0f\nshed=%.0f", seen, GREW(w, kernel_drops),
	     GREW(w, if_drops), GREW(w, shed_packets));
	return many;
}

PLACE_CHECK(iface, sensor_blind)
{
	double shed = GREW(w, shed_heads) + GREW(w, shed_updates) + GREW(w, shed_flows);
	bool blind = one_sided(shed, k, o, "%.0f records were left out or sent without contents");
	MORE(o, "heads=%.0f\nupdates=%.0f\nflows=%.0f", GREW(w, shed_heads), GREW(w, shed_updates), GREW(w, shed_flows));
	return blind;
}

PLACE_CHECK(iface, sensor_input_failed)
{
	o->attacker = true;
	o->value = GREW(w, input_errors);
	if (o->value <= 0)
		return false;
	TELL(o, "An input could not be read to its end, or went away");
	return true;
}

PLACE_CHECK(iface, no_if_activity)
{
	o->attacker = true;
	o->value = w->quiet;
	o->threshold = k->number[0];
	if (!w->live || w->quiet <= k->number[0])
		return false;
	TELL(o, "No packet for %u minutes", w->quiet);
	return true;
}

PLACE_CHECK(iface, sensor_clock)
{
	bool odd = one_sided(GREW(w, time_regress) + GREW(w, time_jump), k, o, "%.0f packets came with times far from the others'");
	MORE(o, "back=%.0f\nahead=%.0f", GREW(w, time_regress), GREW(w, time_jump));
	return odd;
}

PLACE_CHECK(iface, ghost_networks)
{
	unsigned most = 0;
	char net[CIDR_STRLEN];
	for (unsigned i = 1; i < PLACE_GHOSTS; i++)
		if (w->ghosts[i].packets > w->ghosts[most].packets)
			most = i;
	o->attacker = true;
	o->value = w->ghosts[most].packets;
	o->threshold = k->number[0];
	if (o->value <= o->threshold)
		return false;
	TELL(o, "Machines speak ARP for %s, which is no local network", cidr_str(&w->ghosts[most].net, net));
	MORE(o, "network=%s", cidr_str(&w->ghosts[most].net, net));
	return true;
}

PLACE_CHECK(iface, dhcp_storm)
{
	return one_sided(w->minute.dhcp.max, k, o, "%.0f DHCP packets within a second");
}

PLACE_CHECK(iface, arp_storm)
{
	return one_sided(w->minute.arp.max, k, o, "%.0f ARP packets within a second");
}

PLACE_CHECK(iface, interface_traffic)
{
	return in_period((double)VOLUME(&w->volumes, p, inner), p, k, o, "bytes");
}

PLACE_CHECK(iface, interface_packets)
{
	return in_period((double)VOLUME(&w->volumes, p, packets), p, k, o, "packets");
}

PLACE_CHECK(iface, interface_dns_traffic)
{
	return in_period((double)VOLUME(&w->volumes, p, dns), p, k, o, "bytes of DNS");
}

PLACE_CHECK(iface, interface_p2p_traffic)
{
	return in_period((double)VOLUME(&w->volumes, p, p2p), p, k, o, "bytes of file sharing between peers");
}

PLACE_CHECK(iface, interface_throughput)
{
	double mbit = 8 * (double)VOLUME(&w->volumes, p, inner) / 1e6 / period_seconds(p);
	bool full = one_sided(100 * mbit / k->number[1], k, o, "The interface is filled to %.1f %%");
	MORE(o, "throughput=%.3f\nspeed=%.15g", mbit, k->number[1]);
	return full;
}

PLACE_CHECK(iface, active_local_hosts)
{
	return one_sided(w->hosts, k, o, "%.0f local hosts were active in the minute");
}

PLACE_CHECK(iface, too_many_flows)
{
	return one_sided(GREW(w, flows_evicted), k, o, "%.0f flows were ended early to make room");
}

PLACE_CHECK(iface, traffic_behaviour)
{
	return out_of_band(&w->traffic, k, o, "The sensor's traffic in five minutes");
}

PLACE_CHECK(iface, score_behaviour)
{
	return out_of_band(&w->score_forecast, k, o, "The score that the sensor's flows earned in five minutes");
}

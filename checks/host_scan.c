/* Scans and floods: what a host did, or was done to it, in the last minute. */
#include "host_util.h"

#include "hll.h"

HOST_CHECK(syn_scan)
{
	return two_sided(host_minute(h)->syns[0], host_minute(h)->syns[1], k, o, "The host sent %.0f SYNs that were not answered",
			 "The host got %.0f SYNs that it did not answer");
}

HOST_CHECK(fin_scan)
{
	return two_sided(host_minute(h)->fins[0], host_minute(h)->fins[1], k, o, "The host sent %.0f FINs that were not answered",
			 "The host got %.0f FINs that it did not answer");
}

HOST_CHECK(rst_scan)
{
	return two_sided(host_minute(h)->rsts[0].max, host_minute(h)->rsts[1].max, k, o,
			 "The host sent %.0f resets within a second", "The host got %.0f resets within a second");
}

HOST_CHECK(flow_flood)
{
	return two_sided(host_minute(h)->flows[0].max, host_minute(h)->flows[1].max, k, o,
			 "The host opened %.0f flows within a second", "%.0f flows were opened to the host within a second");
}

HOST_CHECK(syn_flood)
{
	return two_sided(host_minute(h)->syn_rate[0].max, host_minute(h)->syn_rate[1].max, k, o,
			 "The host sent %.0f SYNs within a second", "The host got %.0f SYNs within a second");
}

HOST_CHECK(icmp_flood)
{
	return two_sided(host_minute(h)->icmp[0].max, host_minute(h)->icmp[1].max, k, o,
			 "The host sent %.0f ICMP packets within a second", "The host got %.0f ICMP packets within a second");
}

HOST_CHECK(dns_flood)
{
	return two_sided(host_minute(h)->dns[0].max, host_minute(h)->dns[1].max, k, o,
			 "The host sent %.0f DNS packets within a second", "The host got %.0f DNS packets within a second");
}

HOST_CHECK(snmp_flood)
{
	return two_sided(host_minute(h)->snmp[0].max, host_minute(h)->snmp[1].max, k, o,
			 "The host sent %.0f SNMP packets within a second", "The host got %.0f SNMP packets within a second");
}

HOST_CHECK(scan_detection)
{
	return one_sided(host_minute(h)->incomplete, k, o, "%.0f flows of the host got no answer or carried nothing");
}

HOST_CHECK(host_scanner)
{
	return one_sided(hll_count(host_minute(h)->silent, HOST_SERVERS), k, o,
			 "The host contacted about %.0f local addresses that have never sent anything");
}

/* Both counts matter; the one that is over its threshold is the value. */
HOST_CHECK(rx_only_host_scan)
{
	double callers = hll_count(host_minute(h)->callers, HOST_SERVERS),
	       ports = hll_count(host_minute(h)->ports_in, HOST_SERVERS);
	bool by_ports = callers <= k->number[0];
	if (!h->local || h->packets_sent)
		return false;
	o->value = by_ports ? ports : callers;
	o->threshold = by_ports ? k->number[1] : k->number[0];
	if (o->value <= o->threshold)
		return false;
	TELL(o, "The address has never sent anything, and about %.0f hosts contacted it on about %.0f ports", callers, ports);
	MORE(o, "callers=%.0f\nports=%.0f", callers, ports);
	return true;
}

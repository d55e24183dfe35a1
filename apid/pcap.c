/* The place of packets in the interface. Nothing keeps packets yet: whoever asks is told so, and with which right they could. */
#include "apid.h"
#include "problem.h"

void get_pcap(void *arg, struct request *r, const struct route *rt, const char *id)
{
	(void)arg, (void)rt, (void)id;
	request_problem(r, 501, "packets are not kept: flows, their first packets' metadata and alerts are all there is", NULL);
}

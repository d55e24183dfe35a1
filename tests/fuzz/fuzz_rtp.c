/* Any packets as a flow of media: pieces of the input, each with a length, a direction and a step of time before it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtp r = { 0 };
	struct g_flow_count n = { 0 };
	uint64_t time = 0;
	while (size >= 3) {
		size_t len = data[0] < size - 3 ? data[0] : size - 3;
		uint8_t *copy = malloc(len ? len : 1);
		memcpy(copy, data + 3, len);
		time += (uint64_t)data[2] * 1000000;
		rtp_plausible(copy, (uint32_t)len);
		bool go_on = rtp_packet(&r, data[1] & 1, copy, (uint32_t)len, time);
		free(copy);
		if (!go_on)
			break;
		data += 3 + len;
		size -= 3 + len;
	}
	rtp_fill(&r, &n);
	if (n.rtp_mos != 0 && !(n.rtp_mos >= 1 && n.rtp_mos <= 4.5))
		abort();
	rtp_next_part(&r);
	rtp_fill(&r, &n);
	if (n.client_rtp_packets || n.server_rtp_packets)
		abort();
	return 0;
}

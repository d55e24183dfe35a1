/* Any bytes as a packet of any link type. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct decode_opts o = { .tunnels = true };
	struct decoded d;
	if (size < 3)
		return 0;
	uint8_t *copy = malloc(size - 2); /* exact size: a read beyond it is caught */
	memcpy(copy, data + 2, size - 2);
	struct packet p = { .caplen = (uint32_t)(size - 2), .len = (uint32_t)(size - 2) + (data[1] & 0x7f),
			    .linktype = data[1] & 0x80 ? 276 : data[0], .data = copy };
	enum undecoded ud = decode(&o, &p, &d);
	if (ud == UD_NONE && d.l3 && (d.l3 < copy || d.l3 + d.l3_caplen > copy + size - 2))
		abort();
	if (ud == UD_NONE && d.payload && d.payload + d.payload_caplen > copy + size - 2)
		abort();
	free(copy);
	return 0;
}

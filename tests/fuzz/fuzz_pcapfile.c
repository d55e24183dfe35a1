/* Any bytes as a capture file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "capture/pcapfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pcapfile pf;
	struct packet p;
	size_t at = 0, used;
	uint8_t *copy = malloc(size ? size : 1);
	memcpy(copy, data, size);
	pcapfile_init(&pf);
	for (;;) {
		enum pcapfile_result r = pcapfile_next(&pf, copy + at, size - at, &used, &p);
		if (r == PF_PACKET && (p.data < copy || p.data + p.caplen > copy + size))
			abort();
		if (r == PF_MORE && used <= size - at)
			abort(); /* it would be asked again for ever */
		if (r == PF_MORE || r == PF_ERROR)
			break;
		if (used == 0 || used > size - at)
			abort();
		at += used;
	}
	pcapfile_release(&pf);
	free(copy);
	return 0;
}

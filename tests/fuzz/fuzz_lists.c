/* Any bytes as a list of each kind and format. The first byte picks both. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "checks/lists_priv.h"
#include "log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char kinds[][8] = { "address", "domain", "url", "ja3" }, formats[][8] = { "plain", "hosts", "csv", "json" };
	static char columns[][4] = { "1", "ip", "a.b" }, name[] = "fuzz", comma[] = ",";
	if (size < 2)
		return 0;
	log_set_level(LOG_LV_ERROR);
	struct topo_list t = { .named.name = name, .file = name, .separator = comma, .kind = kinds[data[0] & 3],
			       .format = formats[data[0] >> 2 & 3], .column = columns[(data[0] >> 4) % 3] };
	struct list l = { 0 };
	FILE *f = fmemopen((void *)(data + 1), size - 1, "r");
	list_define(&l, &t);
	list_read_from(&l, f);
	list_tidy(&l);
	for (size_t i = 1; i < l.n_ranges; i++)
		if (addr_cmp(&l.ranges[i - 1].hi, &l.ranges[i].lo) >= 0)
			abort();
	list_release(&l);
	fclose(f);
	return 0;
}

/* Any bytes as a list of each kind and format. The first byte picks both. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "checks/lists_priv.h"
#include "log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *const kinds[] = { "address", "domain", "url", "ja3" }, *const formats[] = { "plain", "hosts", "csv", "json" };
	static char *const columns[] = { "1", "ip", "a.b" };
	if (size < 2)
		return 0;
	log_set_level(LOG_LV_ERROR);
	struct topo_list t = { .named.name = "fuzz", .file = "fuzz", .separator = ",", .kind = kinds[data[0] & 3],
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

/*
 * Build tool: what nDPI can tell apart, as rows for programs that must not know nDPI:
 * APP(number, name, number of the category, breed) and CATEGORY(number, name).
 */
#include <stdio.h>

#include <ndpi/ndpi_api.h>

int main(void)
{
	struct ndpi_detection_module_struct *m = ndpi_init_detection_module(ndpi_no_prefs);
	if (!m)
		return 1;
	ndpi_finalize_initialization(m);
	const ndpi_proto_defaults_t *d = ndpi_get_proto_defaults(m);
	unsigned n = ndpi_get_num_supported_protocols(m);
	for (unsigned i = 0; i < n; i++)
		if (d[i].protoName)
			printf("APP(%u, \"%s\", %d, \"%s\")\n", i, d[i].protoName, (int)d[i].protoCategory,
			       ndpi_get_proto_breed_name(m, d[i].protoBreed));
	for (int i = 0; i < NDPI_PROTOCOL_NUM_CATEGORIES; i++)
		if (*ndpi_category_get_name(m, (ndpi_protocol_category_t)i))
			printf("CATEGORY(%d, \"%s\")\n", i, ndpi_category_get_name(m, (ndpi_protocol_category_t)i));
	ndpi_exit_detection_module(m);
	return 0;
}

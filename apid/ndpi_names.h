/* The applications and categories that nDPI knows, as the library says when weir is built. */
#ifndef WEIR_NDPI_NAMES_H
#define WEIR_NDPI_NAMES_H

#include <stddef.h>

struct ndpi_app {
	int id, category;
	const char *name;
};
extern const struct ndpi_app ndpi_apps[];
extern const size_t n_ndpi_apps;

struct ndpi_category {
	int id;
	const char *name;
};
extern const struct ndpi_category ndpi_categories[];
extern const size_t n_ndpi_categories;

/* "" if there is none of this number. */
const char *ndpi_category_name(int id);

#endif

#include "ndpi_names.h"

const struct ndpi_app ndpi_apps[] = {
#define APP(number, title, cat, breed) { number, cat, title },
#define CATEGORY(number, title)
#include "ndpi_apps.h"
#undef APP
#undef CATEGORY
};
const size_t n_ndpi_apps = sizeof ndpi_apps / sizeof *ndpi_apps;

const struct ndpi_category ndpi_categories[] = {
#define APP(number, title, cat, breed)
#define CATEGORY(number, title) { number, title },
#include "ndpi_apps.h"
#undef APP
#undef CATEGORY
};
const size_t n_ndpi_categories = sizeof ndpi_categories / sizeof *ndpi_categories;

const char *ndpi_category_name(int id)
{
	for (size_t i = 0; i < n_ndpi_categories; i++)
		if (ndpi_categories[i].id == id)
			return ndpi_categories[i].name;
	return "";
}

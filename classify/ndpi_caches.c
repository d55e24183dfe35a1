/*
 * nDPI 4.2 remembers things from flow to flow in caches that have no switch, so that what it says of a flow depends on those
 * before it, and one of them never forgets. The library calls its cache functions through the PLT: these take their place.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#include "app.h"

struct ndpi_lru_cache;

uint8_t ndpi_lru_find_cache(struct ndpi_lru_cache *c, uint32_t key, uint16_t *value, uint8_t clean_key_when_found);
void ndpi_lru_add_to_cache(struct ndpi_lru_cache *c, uint32_t key, uint16_t value);

static bool caches_on;

void app_caches(bool on)
{
	caches_on = on;
}

__attribute__((visibility("default"))) uint8_t ndpi_lru_find_cache(struct ndpi_lru_cache *c, uint32_t key,
								   uint16_t *value, uint8_t clean_key_when_found)
{
	static uint8_t (*real)(struct ndpi_lru_cache *, uint32_t, uint16_t *, uint8_t);
	if (!caches_on)
		return 0;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "ndpi_lru_find_cache");
	return real ? real(c, key, value, clean_key_when_found) : 0;
}

__attribute__((visibility("default"))) void ndpi_lru_add_to_cache(struct ndpi_lru_cache *c, uint32_t key,
								  uint16_t value)
{
	static void (*real)(struct ndpi_lru_cache *, uint32_t, uint16_t);
	if (!caches_on)
		return;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "ndpi_lru_add_to_cache");
	if (real)
		real(c, key, value);
}

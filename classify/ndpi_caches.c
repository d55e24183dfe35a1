/*
 * nDPI 4.2 remembers things from flow to flow in caches that have no switch, so that what it says of a flow depends on those
 * before it, and one of them never forgets. The library calls its cache functions through the PLT: these take their place.
 * There are two kinds: its own, and the one that tinc's two flows share.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#include "app.h"

struct ndpi_lru_cache;

/* enum cache_result of libcache.h, which is not installed: 0 is "no error" and "not in it". */
enum { CACHE_OK = 0, CACHE_NOT_FOUND = 3 };

uint8_t ndpi_lru_find_cache(struct ndpi_lru_cache *c, uint32_t key, uint16_t *value, uint8_t clean_key_when_found);
void ndpi_lru_add_to_cache(struct ndpi_lru_cache *c, uint32_t key, uint16_t value);
int cache_add(void *cache, void *item, uint32_t size);
int cache_contains(void *cache, void *item, uint32_t size);
int cache_remove(void *cache, void *item, uint32_t size);

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

typedef int cache_fn(void *cache, void *item, uint32_t size);

static int pass(cache_fn **real, const char *name, int off, void *cache, void *item, uint32_t size)
{
	if (!caches_on)
		return off;
	if (!*real)
		*(void **)real = dlsym(RTLD_NEXT, name);
	return *real ? (*real)(cache, item, size) : off;
}

__attribute__((visibility("default"))) int cache_add(void *cache, void *item, uint32_t size)
{
	static cache_fn *real;
	return pass(&real, "cache_add", CACHE_OK, cache, item, size);
}

__attribute__((visibility("default"))) int cache_contains(void *cache, void *item, uint32_t size)
{
	static cache_fn *real;
	return pass(&real, "cache_contains", CACHE_OK, cache, item, size);
}

__attribute__((visibility("default"))) int cache_remove(void *cache, void *item, uint32_t size)
{
	static cache_fn *real;
	return pass(&real, "cache_remove", CACHE_NOT_FOUND, cache, item, size);
}

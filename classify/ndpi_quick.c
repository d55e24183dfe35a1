/*
 * Functions that nDPI 4.2 calls so often that they are a fifth of what it takes, made cheaper. The library calls them through the
 * PLT, so that these take their place, as in ndpi_caches.c; each returns what the one that it stands in for returns. Of the same
 * kind is print.c, for the fingerprints that it prints number by number.
 */
#include <sys/socket.h>

#include "app_ndpi.h"

#define STAND_IN __attribute__((visibility("default")))

/*
 * Called some fifty times for a packet: without a branch, and in words of eight bytes, which are what nDPI pushes on the stack. A
 * wider load would wait for two of its stores.
 */
STAND_IN int NDPI_BITMASK_COMPARE(NDPI_PROTOCOL_BITMASK a, NDPI_PROTOCOL_BITMASK b)
{
	uint64_t x[sizeof a / sizeof(uint64_t)], y[sizeof x / sizeof *x], common = 0;
	_Static_assert(sizeof x == sizeof a, "protocols in whole words");
	memcpy(x, &a, sizeof x);
	memcpy(y, &b, sizeof y);
#pragma GCC unroll 8
	for (unsigned i = 0; i < sizeof x / sizeof *x; i++)
		common |= x[i] & y[i];
	return common != 0;
}

/* Asked for each word of a list of commands, which mostly do not even begin alike. */
STAND_IN int ndpi_match_prefix(const u_int8_t *payload, size_t payload_len, const char *str, size_t str_len)
{
	return str_len <= payload_len && (!str_len || (*payload == (u_int8_t)*str && memcmp(payload, str, str_len) == 0));
}

/*
 * Which of the networks that nDPI knows an address is in: asked up to four times for each flow, in trees that nobody changes once
 * they are made. The answers of late are kept.
 */
#define KEPT_BITS 11

static struct {
	const ndpi_patricia_tree_t *tree; /* NULL: no answer */
	uint32_t address;
	ndpi_patricia_node_t *node;
} kept[1 << KEPT_BITS];
static bool keeping;

void quick_networks(void)
{
	memset(kept, 0, sizeof kept);
	keeping = true;
}

ndpi_patricia_node_t *ndpi_patricia_search_best2(ndpi_patricia_tree_t *tree, ndpi_prefix_t *prefix, int inclusive);

STAND_IN ndpi_patricia_node_t *ndpi_patricia_search_best(ndpi_patricia_tree_t *tree, ndpi_prefix_t *prefix)
{
	if (!keeping || !tree || !prefix || prefix->family != AF_INET || prefix->bitlen != 32)
		return ndpi_patricia_search_best2(tree, prefix, 1);
	uint32_t address = prefix->add.sin.s_addr;
	size_t i = address * 2654435761u >> (32 - KEPT_BITS); /* Fibonacci hashing */
	if (kept[i].tree != tree || kept[i].address != address) {
		kept[i].node = ndpi_patricia_search_best2(tree, prefix, 1);
		kept[i].tree = tree;
		kept[i].address = address;
	}
	return kept[i].node;
}

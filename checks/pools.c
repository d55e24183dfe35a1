#include "pools.h"

static bool has_mac(const struct topo_pool *p, const struct mac *mac)
{
	for (char **m = p->macs; m && *m; m++) {
		struct mac one;
		if (mac_parse(*m, strlen(*m), &one) == 0 && memcmp(&one, mac, sizeof one) == 0)
			return true;
	}
	return false;
}

const char *pools_find(const struct topo *t, const struct addr *ip, const struct mac *mac)
{
	const char *best = "";
	int bits = -1;
	for (size_t i = 0; i < t->n_pools; i++) {
		const struct topo_pool *p = &t->pools[i];
		if (mac && mac_is_set(mac) && has_mac(p, mac))
			return p->named.name;
		for (size_t k = 0; k < p->n_nets; k++)
			if (p->nets[k].bits > bits && cidr_contains(&p->nets[k], ip)) {
				best = p->named.name;
				bits = p->nets[k].bits;
			}
	}
	return best;
}

const struct cidr *pools_network(const struct topo *t, const struct addr *ip)
{
	const struct cidr *best = NULL;
	for (size_t i = 0; i < t->n_local; i++)
		if ((!best || t->local[i].bits > best->bits) && cidr_contains(&t->local[i], ip))
			best = &t->local[i];
	return best;
}

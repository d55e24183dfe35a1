#include "enrich.h"

#include <stdlib.h>

#include "locate.h"
#include "pools.h"
#include "vendor.h"

struct enrich {
	const struct topo *t;
	struct vendors *vendors;
	struct locator *locator;
};

struct enrich *enrich_new(const struct topo *t)
{
	struct enrich *x = xcalloc(1, sizeof *x);
	x->t = t;
	x->vendors = vendors_new(t->databases.vendors);
	x->locator = locator_new(t->databases.location, t->databases.mmdb);
	return x;
}

void enrich_free(struct enrich *x)
{
	if (!x)
		return;
	vendors_free(x->vendors);
	locator_free(x->locator);
	free(x);
}

void enrich_host(struct enrich *x, struct host *h)
{
	struct host_place *p = &h->place;
	struct location where;
	if (p->known)
		return;
	locator_find(x->locator, &h->ip, &where);
	*p = (struct host_place){ .known = true, .asn = where.asn, .as_name = where.as_name };
	memcpy(p->country, where.country, sizeof p->country);
	p->vendor = vendors_find(x->vendors, &h->mac);
	p->pool = pools_find(x->t, &h->ip, &h->mac);
	const struct cidr *net = pools_network(x->t, &h->ip);
	if (net)
		cidr_str(net, p->network);
}

uint64_t enrich_hash(const struct enrich *x)
{
	return locator_version(x->locator) * 31 + vendors_count(x->vendors);
}

#include "exclude.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "log.h"
#include "match.h"

struct exclude {
	struct one {
		const struct topo_exclusion *t;
		struct match *match;
		uint64_t hits;
	} *one;
	size_t n;
};

struct exclude *exclude_new(const struct topo *t)
{
	struct exclude *x = xcalloc(1, sizeof *x);
	struct match_error e;
	x->n = t->n_exclusions;
	x->one = xcalloc(x->n ? x->n : 1, sizeof *x->one);
	for (size_t i = 0; i < x->n; i++) {
		x->one[i].t = &t->exclusions[i];
		x->one[i].match = match_parse(t->exclusions[i].match, R_ALERT, &e);
		if (!x->one[i].match) /* it was checked with the topology */
			fatalx("exclusion %s: %s", t->exclusions[i].named.name, e.text);
	}
	return x;
}

void exclude_free(struct exclude *x)
{
	for (size_t i = 0; x && i < x->n; i++)
		match_free(x->one[i].match);
	if (x)
		free(x->one);
	free(x);
}

bool exclude_any(const struct exclude *x)
{
	return x->n > 0;
}

const char *exclude_find(struct exclude *x, const struct r_alert *a, const char *base, uint64_t now)
{
	for (struct one *o = x->one; o < x->one + x->n; o++) {
		if ((o->t->expires && now >= o->t->expires) || !match_eval(o->match, a, base))
			continue;
		o->hits++;
		return o->t->named.name;
	}
	return NULL;
}

uint64_t exclude_hash(const struct exclude *x)
{
	uint64_t h = x->n;
	for (size_t i = 0; i < x->n; i++) {
		h = hash_content(x->one[i].t->match, strlen(x->one[i].t->match), h);
		h = hash_content(&x->one[i].t->expires, sizeof x->one[i].t->expires, h);
	}
	return h;
}

void exclude_metrics(const struct exclude *x, struct metrics *m)
{
	for (size_t i = 0; i < x->n; i++)
		metrics_put(m, "exclusion_hits", x->one[i].t->named.name, "findings", true, (double)x->one[i].hits);
}

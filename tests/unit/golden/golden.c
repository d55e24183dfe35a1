#include "golden.h"

static bool run(const struct golden *g, const char *more, void (*what)(struct lab *l))
{
	struct lab l;
	char checks[600];
	snprintf(checks, sizeof checks, "%s: {enabled: %s%s%s}", g->key, more, *g->yaml ? ", " : "",
		 g->yaml);
	lab_open(&l, checks);
	lab_tick(&l, 0);
	what(&l);
	engine_finish(l.e);
	bool raised = lab_raised(&l, g->key);
	lab_close(&l);
	return raised;
}

static void test_one(const struct golden *g)
{
	if (!run(g, "yes", g->hit))
		fail_msg("%s {%s} was not raised", g->key, g->yaml);
	if (run(g, "yes", g->miss))
		fail_msg("%s {%s} was raised by what is not enough", g->key, g->yaml);
	if (run(g, "no", g->hit))
		fail_msg("%s was raised although it is off", g->key);
}

void golden_test(const struct goldens *const *families)
{
	for (; *families; families++)
		for (size_t i = 0; i < (*families)->n; i++)
			test_one(&(*families)->g[i]);
}

/* Does a yaml text set this parameter? */
static bool sets(const char *yaml, const char *name)
{
	size_t len = strlen(name);
	for (const char *p = yaml; (p = strstr(p, name)); p++)
		if (p[len] == ':' && (p == yaml || p[-1] == ' '))
			return true;
	return false;
}

/* How many golden tests a check has; of those that change a parameter if name is not NULL. */
static size_t count(const struct goldens *const *families, const char *key, const char *name)
{
	size_t n = 0;
	for (; *families; families++)
		for (size_t i = 0; i < (*families)->n; i++) {
			const struct golden *g = &(*families)->g[i];
			n += strcmp(g->key, key) == 0 && (!name || sets(g->yaml, name));
		}
	return n;
}

void golden_complete(const struct goldens *const *families, bool (*ours)(const struct checkdef *d))
{
	for (const struct checkdef *d = checkdefs; d < checkdefs + n_checkdefs; d++) {
		if (!ours(d))
			continue;
		if (!count(families, d->key, NULL))
			fail_msg("%s has no golden test", d->key);
		for (const struct checkdef_param *p = d->params; p->name; p++)
			if (strcmp(p->name, "after") != 0 && strcmp(p->name, "clear") != 0 && !count(families, d->key, p->name))
				fail_msg("%s: no golden test changes %s", d->key, p->name);
	}
}

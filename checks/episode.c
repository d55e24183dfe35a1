#include "episode.h"

#include <stdio.h>
#include <stdlib.h>

#include "buf.h"

struct engaged *episode_find(struct engaged *list, unsigned check, unsigned period)
{
	for (struct engaged *g = list; g; g = g->next)
		if (g->check == check && g->period == period)
			return g;
	return NULL;
}

static struct engaged *add(struct engaged **list, unsigned check, unsigned period)
{
	struct engaged *g = xcalloc(1, sizeof *g);
	g->check = (uint16_t)check;
	g->period = (uint8_t)period;
	g->next = *list;
	*list = g;
	return g;
}

static void remember(struct engaged *g, const struct observation *o)
{
	g->value = o->value;
	g->threshold = o->threshold;
	snprintf(g->message, sizeof g->message, "%s", o->message);
	snprintf(g->values, sizeof g->values, "%s", o->values);
}

static enum episode_step wait(struct engaged **list, struct engaged *g, const struct check_conf *k, bool holds,
			      const struct observation *o)
{
	const struct checkdef *d = k->def;
	if (!holds) {
		episode_remove(list, g);
		return EPISODE_NOTHING;
	}
	remember(g, o);
	g->attacker = o->attacker;
	if (++g->above < k->after)
		return EPISODE_NOTHING;
	/* A row that gives all to one side means the side that this is; else it says how the score is shared. */
	bool shared = d->client_score && d->client_score < d->score;
	uint16_t score = o->score ? o->score : d->score;
	g->client_score = shared ? (uint16_t)(score * d->client_score / d->score) : o->attacker ? score : 0;
	g->server_score = (uint16_t)(score - g->client_score);
	return EPISODE_ENGAGE;
}

/* Above what the value has to fall to? A condition without a number has no band. */
static bool in_band(const struct check_conf *k, const struct observation *o)
{
	return k->clear < 100 && o->value > o->threshold * k->clear / 100;
}

enum episode_step episode_run(struct engaged **list, unsigned check, unsigned period, const struct check_conf *k, bool holds,
			      const struct observation *o, struct engaged **ret)
{
	struct engaged *g = episode_find(*list, check, period);
	if (!g && !holds)
		return EPISODE_NOTHING;
	if (!g)
		g = add(list, check, period);
	*ret = g;
	if (!episode_is_engaged(g))
		return wait(list, g, k, holds, o);
	if (!holds && !in_band(k, o))
		return EPISODE_RELEASE;
	if (!holds || g->attacker != o->attacker)
		return EPISODE_NOTHING; /* goes on under what it was raised for */
	bool grown = o->value > g->told * (1 + EPISODE_GROWTH);
	remember(g, o);
	return grown ? EPISODE_UPDATE : EPISODE_NOTHING;
}

void episode_remove(struct engaged **list, struct engaged *g)
{
	for (struct engaged **p = list; *p; p = &(*p)->next)
		if (*p == g) {
			*p = g->next;
			free(g);
			return;
		}
}

void episode_clear(struct engaged **list)
{
	while (*list)
		episode_remove(list, *list);
}

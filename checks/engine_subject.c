/*
 * What alerts with a beginning and an end are about: hosts, MAC addresses, networks, sensors, weir itself. One place carries out
 * what episode.c says, for all of them.
 */
#include "engine_priv.h"

#include <inttypes.h>
#include <stdio.h>

#include "id.h"

/* message: of a single event; the same words about the same thing at the same time are the same alert. */
static struct id subject_id(const struct engine *e, const struct subject *s, const char *key, unsigned period,
			    const char *message)
{
	char name[600];
	int n = snprintf(name, sizeof name, "%s %s %u %" PRIu64 "%s", key, s->name, period, e->clock, message);
	return id_make(e->clock, e->epoch, name, (size_t)n < sizeof name ? (size_t)n : sizeof name - 1);
}

static void put_score(struct g_alert *a, unsigned client, unsigned server)
{
	a->score = (uint16_t)(client + server);
	a->client_score = (uint16_t)client;
	a->server_score = (uint16_t)server;
	a->severity = (uint8_t)severity_of_score(a->score);
}

/* What all their alerts have. Begins the arena. */
static void fill(struct engine *e, struct alert_parts *p, struct g_host *host, const struct subject *s,
		 const struct checkdef *d, bool attacker)
{
	struct g_alert *a = &p->alert;
	arena_begin(e);
	fill_def(e, a, d);
	if (s->host) {
		host_record(s->host, &e->conf, e->clock, false, host, &e->arena);
		p->host = host;
	}
	a->entity = (uint8_t)s->entity;
	a->entity_val = put_str(e, s->name);
	a->decided = e->clock;
	a->sensor = put_str(e, s->sensor);
	if (s->ip)
		*(attacker ? &a->attacker : &a->victim) = *s->ip;
}

static void tell(struct engine *e, const struct subject *s, struct engaged *g, enum action action, enum endcause cause)
{
	char values[320];
	struct g_host host;
	struct alert_parts p = { 0 };
	struct g_alert *a = &p.alert;
	fill(e, &p, &host, s, e->conf.checks[g->check].def, g->attacker);
	a->id = g->id;
	a->revision = ++g->revision;
	a->action = (uint8_t)action;
	put_score(a, g->client_score, g->server_score);
	a->time = g->time;
	a->end = action == ACT_RELEASE ? e->clock : 0;
	a->release_cause = (uint8_t)cause;
	a->granularity = period_seconds((enum period)g->period);
	a->message = put_str(e, g->message);
	int n = 0;
	if (g->value || g->threshold)
		n = snprintf(values, sizeof values, "value=%.15g\nthreshold=%.15g\n", g->value, g->threshold);
	if (action == ACT_RELEASE)
		n += snprintf(values + n, sizeof values - (size_t)n, "duration=%.0f\n", (double)(e->clock - g->time) / 1e9);
	snprintf(values + n, sizeof values - (size_t)n, "%s", g->values);
	a->values = put_lines(e, values);
	g->told = g->value;
	g->told_at = e->clock;
	p.told = &g->told_severity;
	emit_alert(e, &p);
}

/* The alert's part of the score, as long as it is engaged. */
static void weigh(const struct subject *s, const struct engaged *g, bool add)
{
	const uint16_t part[2] = { g->client_score, g->server_score };
	for (int side = 0; s->host && side < 2; side++) {
		uint32_t *score = &s->host->score[side];
		*score = add ? *score + part[side] : *score > part[side] ? *score - part[side] : 0;
	}
}

static void release(struct engine *e, const struct subject *s, struct engaged *g, enum endcause cause)
{
	weigh(s, g, false);
	tell(e, s, g, ACT_RELEASE, cause);
	episode_remove(s->list, g);
}

static void engage(struct engine *e, const struct subject *s, struct engaged *g)
{
	if (subject_excluded(e, s, e->conf.checks[g->check].def, g->attacker)) {
		episode_remove(s->list, g);
		return;
	}
	g->id = subject_id(e, s, e->conf.checks[g->check].def->key, g->period, "");
	g->time = e->clock;
	weigh(s, g, true);
	if (s->host)
		s->host->alerts++;
	e->conf.checks[g->check].alerts++;
	tell(e, s, g, ACT_ENGAGE, CAUSE_NONE);
}

void subject_run(struct engine *e, const struct subject *s, unsigned check, enum period p, bool holds,
		 const struct observation *o)
{
	struct engaged *g;
	switch (episode_run(s->list, check, p, &e->conf.checks[check], holds, o, &g)) {
	case EPISODE_ENGAGE:
		engage(e, s, g);
		break;
	case EPISODE_UPDATE:
		tell(e, s, g, ACT_UPDATE, CAUSE_NONE);
		break;
	case EPISODE_RELEASE:
		release(e, s, g, CAUSE_CLEARED);
		break;
	case EPISODE_NOTHING:
		break;
	}
}

void subject_sweep(struct engine *e, const struct subject *s)
{
	for (struct engaged *g = *s->list, *next; g; g = next) {
		next = g->next;
		if (g->check < e->conf.n && conf_looks_at(&e->conf.checks[g->check], (enum period)g->period))
			continue;
		if (episode_is_engaged(g) && g->check < e->conf.n)
			release(e, s, g, CAUSE_DISABLED);
		else
			episode_remove(s->list, g);
	}
}

void subject_release_all(struct engine *e, const struct subject *s, enum endcause cause)
{
	while (*s->list) {
		if (episode_is_engaged(*s->list))
			release(e, s, *s->list, cause);
		else
			episode_remove(s->list, *s->list);
	}
}

void subject_event(struct engine *e, const struct subject *s, const struct checkdef *d, unsigned granularity,
		   const struct observation *o)
{
	struct g_host host;
	struct alert_parts p = { 0 };
	struct g_alert *a = &p.alert;
	if (subject_excluded(e, s, d, o->attacker))
		return;
	fill(e, &p, &host, s, d, o->attacker);
	a->id = subject_id(e, s, d->key, granularity, o->message);
	a->revision = 1;
	a->action = ACT_STORE;
	put_score(a, d->client_score, d->score - d->client_score);
	a->time = a->end = e->clock;
	a->granularity = granularity;
	a->message = put_str(e, o->message);
	a->values = put_lines(e, o->values);
	if (s->host)
		s->host->alerts++;
	emit_alert(e, &p);
}

void host_key(const struct addr *ip, uint16_t vlan, char out[HOST_KEY_STRLEN])
{
	size_t n = strlen(addr_str(ip, out));
	if (vlan)
		snprintf(out + n, HOST_KEY_STRLEN - n, "@%u", vlan);
}

void host_subject(struct host *h, struct subject *s)
{
	*s = (struct subject){ .entity = ENT_HOST, .sensor = h->sensor, .ip = &h->ip, .host = h, .list = &h->engaged };
	_Static_assert(sizeof s->name >= HOST_KEY_STRLEN, "a host's name fits");
	host_key(&h->ip, h->vlan, s->name);
}

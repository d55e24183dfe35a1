#include "sampler.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec.h"

#define KEY_MAX    120
#define TOTALS_MAX 4096 /* bytes of one, as kept */

/* The first byte of a key of totals. */
enum { OF_SENSOR = 's', OF_HOST = 'h', OF_FLOW = 'f' };

/* What has been counted of a thing. apps: of a host, as its record had them. */
struct total {
	uint64_t sent, rcvd, packets, flows, alerts, drops;
	uint64_t minute, score; /* sensors: the sum of their hosts' scores in this minute. Hosts: the part of it in their minute */
	uint32_t part;          /* flows: that is being counted */
	uint32_t apps_len;
	char *apps;
};
#define TOTAL_FIXED offsetof(struct total, apps)

void sampler_init(struct sampler *s, size_t totals_max)
{
	*s = (struct sampler){ .totals_max = totals_max };
	keytab_init(&s->samples, sizeof(struct g_sample));
	keytab_init(&s->totals, sizeof(struct total));
	keytab_init(&s->changed, 1);
}

static void clear_totals(struct sampler *s)
{
	for (struct total *t = keytab_next(&s->totals, NULL); t; t = keytab_next(&s->totals, t))
		free(t->apps);
	keytab_clear(&s->totals);
}

void sampler_drop(struct sampler *s)
{
	keytab_clear(&s->samples);
	keytab_clear(&s->changed);
	clear_totals(s);
}

void sampler_release(struct sampler *s)
{
	sampler_drop(s);
	buf_release(&s->key);
	buf_release(&s->arena);
}

void sampler_restart(struct sampler *s, uint64_t clock)
{
	sampler_drop(s);
	s->clock = clock;
}

/* -- totals -- */

static void forget(struct sampler *s, struct total *t)
{
	free(t->apps);
	keytab_remove(&s->totals, t); /* that it is gone is told by 'changed' */
}

/* The last one in order; what was used longest ago makes room. */
static struct total *put_total(struct sampler *s, const void *key, size_t len)
{
	struct total *t = keytab_put(&s->totals, key, len);
	keytab_touch(&s->totals, t);
	while (s->totals.n > s->totals_max) {
		struct total *oldest = keytab_next(&s->totals, NULL);
		const void *gone = keytab_key(oldest, &len);
		keytab_put(&s->changed, gone, len);
		forget(s, oldest);
		s->evicted++;
	}
	return t;
}

void sampler_restore(struct sampler *s, const void *key, size_t key_len, const void *value, size_t len)
{
	if (len < TOTAL_FIXED)
		return;
	struct total *t = put_total(s, key, key_len);
	free(t->apps);
	memcpy(t, value, TOTAL_FIXED);
	t->apps_len = (uint32_t)(len - TOTAL_FIXED);
	t->apps = t->apps_len ? xstrndup((const char *)value + TOTAL_FIXED, t->apps_len) : NULL;
}

static void total_key(struct sampler *s, char of, const void *key, size_t len)
{
	buf_reset(&s->key);
	buf_addc(&s->key, of);
	buf_add(&s->key, key, len);
}

static struct total *total_of(struct sampler *s, char of, const void *key, size_t len)
{
	total_key(s, of, key, len);
	keytab_put(&s->changed, s->key.p, s->key.len);
	return put_total(s, s->key.p, s->key.len);
}

/* What came since; totals that fell began anew. */
static uint64_t grown(uint64_t *counted, uint64_t now)
{
	uint64_t d = now >= *counted ? now - *counted : now;
	*counted = now;
	return d;
}

/* -- samples -- */

static struct g_sample *sample_of(struct sampler *s, uint64_t time, const char *kind, const char *key, size_t key_len,
				  const char *app, size_t app_len)
{
	uint64_t minute = time - time % SAMPLE_SPAN;
	buf_reset(&s->key);
	buf_add(&s->key, &minute, sizeof minute);
	buf_adds(&s->key, kind);
	buf_addc(&s->key, '\0');
	buf_add(&s->key, key, key_len < KEY_MAX ? key_len : KEY_MAX);
	if (app) {
		buf_addc(&s->key, '\n');
		buf_add(&s->key, app, app_len < KEY_MAX ? app_len : KEY_MAX);
	}
	return keytab_put(&s->samples, s->key.p, s->key.len);
}

static void add_traffic(struct g_sample *g, uint64_t sent, uint64_t rcvd, uint64_t packets)
{
	g->bytes_sent += sent;
	g->bytes_rcvd += rcvd;
	g->bytes += sent + rcvd;
	g->packets += packets;
}

static void keep_larger(uint64_t *largest, uint64_t value)
{
	if (value > *largest)
		*largest = value;
}

/* -- sensors -- */

/* A tick covers (from, to]; one that is long tells of what came before the silence. */
static uint64_t time_of(const struct g_tick *t)
{
	return t->from && t->to > t->from + SAMPLE_SPAN ? t->from : t->to ? t->to - 1 : 0;
}

static void add_sensor(struct sampler *s, const struct r_tick *r, const char *base)
{
	const struct g_sensor_count *n = &r->n;
	const char *name = str_ptr(base, r->tick.sensor);
	size_t len = r->tick.sensor.len;
	s->clock = r->tick.to > s->clock ? r->tick.to : s->clock;
	if (!n->packets && !n->kernel_drops && !n->if_drops)
		return; /* nothing seen yet, or a sensor that does not count */
	struct total *t = total_of(s, OF_SENSOR, name, len);
	struct g_sample *g = sample_of(s, time_of(&r->tick), "sensor", name, len, NULL, 0);
	g->bytes += grown(&t->sent, n->bytes);
	g->packets += grown(&t->packets, n->packets);
	g->flows += grown(&t->flows, n->flows_opened);
	g->drops += grown(&t->drops, n->kernel_drops + n->if_drops);
	keep_larger(&g->active, n->flows_active);
}

/* Scores of hosts add up to that of their sensor, each host's once a minute. */
static void add_score(struct sampler *s, struct total *host, uint64_t time, const struct g_host *h, const char *base)
{
	uint64_t minute = time / SAMPLE_SPAN, before = host->minute == minute ? host->score : 0;
	const char *name = str_ptr(base, h->sensor);
	if (h->score || before) {
		struct total *t = total_of(s, OF_SENSOR, name, h->sensor.len);
		if (t->minute != minute)
			t->score = 0;
		t->minute = minute;
		t->score = t->score + h->score > before ? t->score + h->score - before : 0;
		keep_larger(&sample_of(s, time, "sensor", name, h->sensor.len, NULL, 0)->score, t->score);
	}
	host->minute = minute;
	host->score = h->score;
}

/* -- hosts -- */

/* The bytes that a host's applications, 'name=bytes' a line, have for this one. */
static uint64_t app_bytes(const char *apps, size_t len, const char *name, size_t name_len)
{
	const char *item;
	size_t pos = 0, n;
	while (list_next(apps, (struct str){ 0, (uint32_t)len }, &pos, &item, &n))
		if (n > name_len && item[name_len] == '=' && memcmp(item, name, name_len) == 0)
			return strtoull(item + name_len + 1, NULL, 10);
	return 0;
}

static void add_apps(struct sampler *s, struct total *t, uint64_t time, const struct g_host *h, const char *base,
		     const char *key, size_t key_len)
{
	const char *item;
	size_t pos = 0, n;
	while (list_next(base, h->apps, &pos, &item, &n)) {
		const char *eq = memrchr(item, '=', n);
		size_t len = eq ? (size_t)(eq - item) : 0;
		if (!len)
			continue;
		uint64_t counted = app_bytes(t->apps, t->apps_len, item, len), grew = grown(&counted, strtoull(eq + 1, NULL, 10));
		if (grew)
			sample_of(s, time, "host,app", key, key_len, item, len)->bytes += grew;
	}
	free(t->apps);
	t->apps_len = h->apps.len < TOTALS_MAX - TOTAL_FIXED ? h->apps.len : 0;
	t->apps = t->apps_len ? xstrndup(str_ptr(base, h->apps), t->apps_len) : NULL;
}

/*
 * A host is told of when a minute is over, by the tick that ends it: what it did then is of that minute, although the last of it
 * may be of the next one.
 */
static uint64_t time_of_host(const struct sampler *s, const struct g_host *h)
{
	uint64_t begins = h->time - h->time % SAMPLE_SPAN;
	return s->clock && s->clock < begins && h->last >= begins ? begins - 1 : h->last;
}

static void add_host(struct sampler *s, const struct g_host *h, const char *base)
{
	char key[ADDR_STRLEN + 8];
	uint64_t time = time_of_host(s, h);
	addr_str(&h->ip, key);
	size_t len = strlen(key);
	if (h->vlan)
		len += (size_t)snprintf(key + len, sizeof key - len, "@%u", h->vlan);
	struct total *t = total_of(s, OF_HOST, key, len);
	struct g_sample *g = sample_of(s, time, "host", key, len, NULL, 0);
	add_traffic(g, grown(&t->sent, h->bytes_sent), grown(&t->rcvd, h->bytes_rcvd),
		    grown(&t->packets, h->packets_sent + h->packets_rcvd));
	g->flows += grown(&t->flows, (uint64_t)h->flows_client + h->flows_server);
	g->alerts += grown(&t->alerts, h->alerts);
	keep_larger(&g->score, h->score);
	keep_larger(&g->active, h->flows_active);
	add_apps(s, t, time, h, base, key, len);
	add_score(s, t, time, h, base);
	if (h->final)
		forget(s, t);
}

/* -- flows -- */

/* The totals of a flow; most flows end before they have been told of, and need none. */
static struct total *total_of_flow(struct sampler *s, const struct r_flow *f, bool over, struct total *none)
{
	total_key(s, OF_FLOW, &f->key.id, sizeof f->key.id);
	if (over && !keytab_find(&s->totals, s->key.p, s->key.len))
		return none;
	return total_of(s, OF_FLOW, &f->key.id, sizeof f->key.id);
}

static void add_flow(struct sampler *s, const struct r_flow *f, const char *base)
{
	const struct g_flow_count *n = &f->n;
	bool over = n->end_reason != END_ACTIVE && n->end_reason != END_TIMEOUT;
	struct total none = { 0 }, *t = total_of_flow(s, f, over, &none);
	bool new_flow = !t->packets && !t->part && !n->part;
	if (t->part != n->part)
		t->sent = t->rcvd = t->packets = 0;
	t->part = n->part;
	uint64_t client = grown(&t->sent, n->client_bytes), server = grown(&t->rcvd, n->server_bytes);
	uint64_t packets = grown(&t->packets, n->client_packets + n->server_packets);
	if (over && t != &none)
		forget(s, t);
	if (!client && !server && !packets)
		return;
	const char *name = str_ptr(base, f->key.sensor), *app = f->app.app.len ? str_ptr(base, f->app.app) : "";
	bool out = f->judge.client_local && !f->judge.server_local, in = !f->judge.client_local && f->judge.server_local;
	struct g_sample *g = sample_of(s, n->last, "sensor", name, f->key.sensor.len, NULL, 0);
	if (out || in) {
		g->bytes_sent += out ? client : server;
		g->bytes_rcvd += out ? server : client;
	}
	g = sample_of(s, n->last, "sensor,app", name, f->key.sensor.len, app, f->app.app.len);
	add_traffic(g, in ? server : client, in ? client : server, packets);
	g->flows += new_flow;
}

/* -- alerts -- */

static void add_alert(struct sampler *s, const struct g_alert *a, const char *base)
{
	if (a->sensor.len)
		sample_of(s, a->time, "sensor", str_ptr(base, a->sensor), a->sensor.len, NULL, 0)->alerts++;
	sample_of(s, a->time, "check", str_ptr(base, a->check), a->check.len, NULL, 0)->alerts++;
}

void sampler_record(struct sampler *s, enum rtype type, const void *rec, const char *base)
{
	if (type == R_FLOW)
		add_flow(s, rec, base);
	else if (type == R_HOST)
		add_host(s, &((const struct r_host *)rec)->host, base);
	else if (type == R_TICK || type == R_EOS)
		add_sensor(s, rec, base);
	else if (type == R_ALERT)
		add_alert(s, &((const struct r_alert *)rec)->alert, base);
}

/* -- flush -- */

static int flush_sample(const struct g_sample *g, const struct sampler_ops *ops, void *arg)
{
	struct r_sample r = { .sample = *g };
	size_t len;
	const char *key = keytab_key(g, &len), *kind = key + sizeof(uint64_t);
	memcpy(&r.sample.time, key, sizeof r.sample.time);
	r.sample.span = SAMPLE_SPAN;
	r.sample.kind = (struct str){ sizeof(uint64_t), (uint32_t)strlen(kind) };
	r.sample.key.off = r.sample.kind.off + r.sample.kind.len + 1;
	r.sample.key.len = (uint32_t)len - r.sample.key.off;
	return ops->sample(arg, &r, key);
}

static int flush_total(struct sampler *s, const void *changed, const struct sampler_ops *ops, void *arg)
{
	size_t len;
	const void *key = keytab_key(changed, &len);
	const struct total *t = keytab_find(&s->totals, key, len);
	buf_reset(&s->arena);
	if (t) {
		buf_add(&s->arena, t, TOTAL_FIXED);
		buf_add(&s->arena, t->apps, t->apps_len);
	}
	return ops->keep(arg, key, len, s->arena.p, s->arena.len);
}

int sampler_flush(struct sampler *s, const struct sampler_ops *ops, void *arg)
{
	for (struct g_sample *g = keytab_next(&s->samples, NULL); g; g = keytab_next(&s->samples, g))
		if (flush_sample(g, ops, arg) < 0)
			return -1;
	for (void *c = keytab_next(&s->changed, NULL); c; c = keytab_next(&s->changed, c))
		if (flush_total(s, c, ops, arg) < 0)
			return -1;
	keytab_clear(&s->samples);
	keytab_clear(&s->changed);
	return 0;
}

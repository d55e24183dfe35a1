#include "host.h"

#include <stdlib.h>

#include "codec.h"
#include "hash.h"
#include "hll.h"

struct host_table {
	struct aged_table all;
	struct hash_key seed;
	void (*evict)(void *arg, struct host *h);
	void (*copy)(void *arg, struct host *h);
	void *arg;
};

static uint32_t hash_key_of(const struct host_table *t, const struct addr *ip, uint16_t vlan)
{
	struct {
		struct addr ip;
		uint64_t vlan;
	} k = { *ip, vlan };
	return (uint32_t)hash_sip13(t->seed, &k, sizeof k);
}

static uint32_t hash_of(const void *owner, const struct aged *a)
{
	const struct host *h = (const struct host *)a;
	return hash_key_of(owner, &h->ip, h->vlan);
}

static void evict(void *owner, struct aged *a)
{
	struct host_table *t = owner;
	t->evict(t->arg, (struct host *)a);
}

static void copy(void *owner, struct aged *a)
{
	struct host_table *t = owner;
	t->copy(t->arg, (struct host *)a);
}

void host_release(struct host *h)
{
	for (int i = 0; i < NAME_SOURCES; i++)
		free(h->names[i]);
	free(h->apps);
	free(h->minute);
	free(h->domains);
	free(h->score_forecast);
	free(h->flows_forecast);
	episode_clear(&h->engaged);
}

static void release(struct aged *a)
{
	host_release((struct host *)a);
}

static const struct aged_ops ops = { "host table", hash_of, evict, release, copy };

struct host_table *host_table_new(uint64_t max, void (*on_evict)(void *arg, struct host *h), void *arg)
{
	struct host_table *t = xcalloc(1, sizeof *t);
	aged_init(&t->all, max, sizeof(struct host), &ops, t);
	t->seed = hash_key_random();
	t->evict = on_evict;
	t->arg = arg;
	return t;
}

void host_table_free(struct host_table *t)
{
	if (!t)
		return;
	aged_done(&t->all);
	free(t);
}

static struct host *find(struct host_table *t, const struct addr *ip, uint16_t vlan, uint32_t hash)
{
	for (struct aged *a = aged_first(&t->all, hash); a; a = aged_next(&t->all, a)) {
		struct host *h = (struct host *)a;
		if (addr_cmp(&h->ip, ip) == 0 && h->vlan == vlan) {
			aged_will_change(&t->all, a);
			return h;
		}
	}
	return NULL;
}

static bool is_host(const struct addr *ip)
{
	return !addr_is_unspecified(ip) && !addr_is_multicast(ip) && !addr_is_broadcast(ip);
}

struct host *host_find(struct host_table *t, const struct addr *ip, uint16_t vlan)
{
	return is_host(ip) ? find(t, ip, vlan, hash_key_of(t, ip, vlan)) : NULL;
}

struct host *host_get(struct host_table *t, const struct addr *ip, uint16_t vlan, uint64_t time)
{
	if (!is_host(ip))
		return NULL;
	uint32_t hash = hash_key_of(t, ip, vlan);
	struct host *h = find(t, ip, vlan, hash);
	if (h)
		return h;
	h = (struct host *)aged_add(&t->all, hash);
	h->ip = *ip;
	h->vlan = vlan;
	h->first = h->last = time;
	h->network = -1;
	return h;
}

void host_touch(struct host_table *t, struct host *h, uint64_t time)
{
	h->changed = true;
	if (time > h->last)
		h->last = time;
	aged_touch(&t->all, &h->age);
}

void host_remove(struct host_table *t, struct host *h)
{
	aged_remove(&t->all, &h->age);
}

struct host *host_oldest(const struct host_table *t)
{
	return (struct host *)aged_oldest(&t->all);
}

struct host *host_newer(const struct host_table *t, const struct host *h)
{
	return (struct host *)aged_newer(&t->all, &h->age);
}

void host_copy_begin(struct host_table *t, void (*on_copy)(void *arg, struct host *h))
{
	t->copy = on_copy;
	aged_copy_begin(&t->all);
}

bool host_copy_step(struct host_table *t, unsigned n)
{
	return aged_copy_step(&t->all, n);
}

void host_will_change(struct host_table *t, struct host *h)
{
	aged_will_change(&t->all, &h->age);
}

void host_table_restored(struct host_table *t, uint64_t evicted)
{
	aged_restored(&t->all, evicted);
}

uint64_t host_count(const struct host_table *t)
{
	return t->all.count;
}

uint64_t host_evicted(const struct host_table *t)
{
	return t->all.evicted;
}

uint64_t host_removed(const struct host_table *t)
{
	return t->all.removed;
}

/* -- what is counted -- */

const struct host_minute host_quiet_minute;

struct host_minute *host_minute_begun(struct host *h)
{
	if (!h->minute)
		h->minute = xcalloc(1, sizeof *h->minute);
	return h->minute;
}

static const char *const breeds[HOST_BREEDS] = { "Unrated", "Safe", "Acceptable", "Fun", "Unsafe", "Potentially Dangerous", "Dangerous",
				      "Tracker/Ads" };

static uint8_t breed_of(const char *s, size_t len)
{
	for (uint8_t i = 0; i < HOST_BREEDS; i++)
		if (strlen(breeds[i]) == len && memcmp(breeds[i], s, len) == 0)
			return i;
	return 0;
}

/* Of an application that is new to the host; NULL: there are too many. */
static struct host_app *find_app(struct host *h, const struct app_growth *g)
{
	size_t len = g->name_len < sizeof h->apps[0].name ? g->name_len : sizeof h->apps[0].name - 1;
	for (unsigned i = 0; i < h->n_apps; i++)
		if (memcmp(h->apps[i].name, g->name, len) == 0 && !h->apps[i].name[len])
			return &h->apps[i];
	if (h->n_apps == HOST_APPS)
		return NULL;
	if ((h->n_apps & (h->n_apps - 1)) == 0) /* room for 1, 2, 4 ... */
		h->apps = xrealloc(h->apps, (h->n_apps ? 2 * h->n_apps : 1) * sizeof *h->apps);
	struct host_app *a = &h->apps[h->n_apps++];
	*a = (struct host_app){ .breed = breed_of(g->breed, g->breed_len) };
	memcpy(a->name, g->name, len);
	return a;
}

/* Each second once, however many flows there are. */
static void add_seconds(struct host_app *a, uint64_t time, uint64_t span)
{
	uint32_t to = (uint32_t)(time / 1000000000u), from = (uint32_t)((time - span) / 1000000000u);
	if (from <= a->second)
		from = a->second + 1;
	if (from > to)
		return;
	a->seconds += to - from + 1;
	a->second = to;
}

void host_add_app(struct host *h, const struct app_growth *g)
{
	if (g->name_len == 0 || g->sent + g->rcvd == 0)
		return;
	struct host_app *a = find_app(h, g);
	if (!a) {
		h->other_bytes += g->sent + g->rcvd;
		return;
	}
	a->sent += g->sent;
	a->rcvd += g->rcvd;
	a->packets_sent += g->packets_sent;
	a->packets_rcvd += g->packets_rcvd;
	a->flows += g->first;
	add_seconds(a, g->time, g->span);
}

/* The last two labels, or three when the last but one is short, as in example.co.uk: near enough to tell domains apart. */
size_t host_domain_at(const char *name, size_t len)
{
	size_t at = len, dots = 0, last = len;
	while (at > 0) {
		if (name[at - 1] == '.') {
			size_t label = last - at;
			if (++dots >= 2 && !(dots == 2 && label <= 3))
				return at;
			last = at - 1;
		}
		at--;
	}
	return 0;
}

struct host_domain *host_add_query(struct host *h, const char *name, size_t len)
{
	size_t at = host_domain_at(name, len);
	if (at < 2)
		return NULL; /* the domain itself */
	if (!h->domains)
		h->domains = xcalloc(HOST_DOMAINS, sizeof *h->domains);
	uint64_t hash = hash_content(name + at, len - at, 5) | 1;
	struct host_domain *d = &h->domains[0];
	for (unsigned i = 0; i < HOST_DOMAINS; i++) {
		if (h->domains[i].hash == hash) {
			d = &h->domains[i];
			break;
		}
		if (h->domains[i].queries < d->queries)
			d = &h->domains[i];
	}
	if (d->hash != hash)
		*d = (struct host_domain){ .hash = hash };
	d->queries++;
	d->label_sum += (uint32_t)(at - 1);
	hll_add(d->names, HOST_SERVERS, hash_content(name, at, 6));
	return d;
}

void host_set_name(struct host *h, enum name_source source, const char *name, size_t len, uint64_t time)
{
	if (len == 0)
		return;
	h->name_times[source] = time;
	if (len > HOST_NAME_LEN)
		len = utf8_span(name, HOST_NAME_LEN, false); /* not in the middle of a character */
	if (h->names[source] && strlen(h->names[source]) == len && memcmp(h->names[source], name, len) == 0)
		return;
	free(h->names[source]);
	h->names[source] = xstrndup(name, len);
}

const char *host_name(const struct host *h)
{
	for (int i = 0; i < NAME_SOURCES; i++)
		if (h->names[i])
			return h->names[i];
	return "";
}

/* -- the record -- */

static int by_bytes(const void *a, const void *b)
{
	const struct host_app *x = a, *y = b;
	uint64_t p = x->sent + x->rcvd, q = y->sent + y->rcvd;
	return p < q ? 1 : p > q ? -1 : strcmp(x->name, y->name);
}

static void put_key(struct buf *arena, const char *name, char separator, bool first)
{
	if (!first)
		buf_addc(arena, '\n');
	buf_adds(arena, name);
	buf_addc(arena, separator);
}

static void put_apps(const struct host *h, struct g_host *g, struct buf *arena)
{
	struct host_app sorted[HOST_APPS];
	if (h->n_apps)
		memcpy(sorted, h->apps, h->n_apps * sizeof *sorted);
	if (h->n_apps > 1)
		qsort(sorted, h->n_apps, sizeof *sorted, by_bytes);
	g->apps.off = (uint32_t)arena->len;
	for (unsigned i = 0; i < h->n_apps; i++) {
		put_key(arena, sorted[i].name, '=', i == 0);
		buf_add_uint(arena, sorted[i].sent + sorted[i].rcvd, 0);
	}
	if (h->other_bytes) {
		put_key(arena, "other", '=', false);
		buf_add_uint(arena, h->other_bytes, 0);
	}
	g->apps.len = (uint32_t)arena->len - g->apps.off;
	g->app_counts.off = (uint32_t)arena->len;
	for (unsigned i = 0; i < h->n_apps; i++) {
		const struct host_app *a = &sorted[i];
		const uint64_t counts[] = { a->sent, a->rcvd, a->packets_sent, a->packets_rcvd, a->flows, a->seconds };
		put_key(arena, a->name, '=', i == 0);
		for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
			buf_add_uint(arena, counts[k], 0);
			buf_addc(arena, ' ');
		}
		buf_adds(arena, breeds[a->breed]);
	}
	g->app_counts.len = (uint32_t)arena->len - g->app_counts.off;
}

static void put_names(const struct host *h, struct g_host *g, struct buf *arena)
{
	static const char *const source[] = { "dhcp", "mdns", "netbios", "dns" };
	struct str *parts[] = { &g->names, &g->name_times };
	for (int part = 0; part < 2; part++) {
		bool first = true;
		parts[part]->off = (uint32_t)arena->len;
		for (int i = 0; i < NAME_SOURCES; i++) {
			if (!h->names[i])
				continue;
			put_key(arena, source[i], part ? '=' : ':', first);
			if (part)
				buf_add_uint(arena, h->name_times[i] / 1000000000u, 0);
			else
				buf_adds(arena, h->names[i]);
			first = false;
		}
		parts[part]->len = (uint32_t)arena->len - parts[part]->off;
	}
}

static void put_engaged(const struct host *h, const struct conf *conf, struct g_host *g, struct buf *arena)
{
	g->engaged.off = (uint32_t)arena->len;
	for (const struct engaged *e = h->engaged; e; e = e->next)
		if (e->check < conf->n && episode_is_engaged(e))
			buf_addf(arena, "%s%s", arena->len > g->engaged.off ? "\n" : "", conf->checks[e->check].def->key);
	g->engaged.len = (uint32_t)arena->len - g->engaged.off;
}

static struct str put(struct buf *arena, const char *s)
{
	return str_put(arena, s, strlen(s), 256);
}

void host_record(const struct host *h, const struct conf *conf, uint64_t time, bool final, struct g_host *g,
		 struct buf *arena)
{
	*g = (struct g_host){
		.ip = h->ip, .vlan = h->vlan, .mac = h->mac, .local = h->local, .first = h->first, .last = h->last,
		.time = time, .bytes_sent = h->bytes_sent, .bytes_rcvd = h->bytes_rcvd,
		.packets_sent = h->packets_sent, .packets_rcvd = h->packets_rcvd, .flows_client = h->flows_client,
		.flows_server = h->flows_server, .flows_active = h->flows_active, .flows_alerted = h->flows_alerted,
		.score = h->score[0] + h->score[1], .client_score = h->score[0], .server_score = h->score[1],
		.peers = (uint32_t)(hll_count(h->peers, HOST_PEERS) + 0.5),
		.ports = (uint32_t)(hll_count(h->ports, HOST_PORTS) + 0.5), .alerts = h->alerts, .final = final,
	};
	g->mute_servers = (uint32_t)(hll_count(h->mute[0], HOST_SERVERS) + 0.5);
	g->mute_clients = (uint32_t)(hll_count(h->mute[1], HOST_SERVERS) + 0.5);
	g->mute_ports = (uint32_t)(hll_count(h->mute[2], HOST_SERVERS) + 0.5);
	g->mute_out = h->mute_flows[0];
	g->mute_in = h->mute_flows[1];
	g->name = put(arena, host_name(h));
	g->os = put(arena, h->os);
	g->sensor = put(arena, h->sensor);
	if (h->place.known) {
		g->vendor = put(arena, h->place.vendor);
		g->country = put(arena, h->place.country);
		g->asn = h->place.asn;
		g->as_name = put(arena, h->place.as_name);
		g->pool = put(arena, h->place.pool);
		g->network = put(arena, h->place.network);
		g->listed = h->place.listed;
	}
	put_names(h, g, arena);
	put_apps(h, g, arena);
	put_engaged(h, conf, g, arena);
}

#include "host.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "codec.h"
#include "hash.h"
#include "hll.h"
#include "log.h"

struct host_table {
	struct host *pool;
	uint32_t *buckets;
	uint32_t mask, n_used, n_free;
	uint32_t *free;
	uint64_t max, count, evicted;
	uint32_t oldest, newest;
	struct hash_key seed;
	void (*evict)(void *arg, struct host *h);
	void *arg;
	uint64_t touches;
	/* a copy under way */
	void (*copy)(void *arg, struct host *h); /* NULL = none */
	uint32_t copies, copy_at, copy_end;
};

struct host_table *host_table_new(uint64_t max, void (*evict)(void *arg, struct host *h), void *arg)
{
	struct host_table *t = xcalloc(1, sizeof *t);
	uint32_t n = 1024;
	t->max = max < 64 ? 64 : max;
	while (n < t->max && n < 1u << 28)
		n *= 2;
	t->mask = n - 1;
	t->buckets = xmalloc(n * sizeof *t->buckets);
	t->free = xmalloc(t->max * sizeof *t->free);
	t->pool = mmap(NULL, t->max * sizeof *t->pool, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);
	if (t->pool == MAP_FAILED)
		fatal("host table");
	memset(t->buckets, 0xff, n * sizeof *t->buckets);
	t->oldest = t->newest = HOST_NONE;
	t->seed = hash_key_random();
	t->evict = evict;
	t->arg = arg;
	return t;
}

static void host_release(struct host *h)
{
	for (int i = 0; i < NAME_SOURCES; i++)
		free(h->names[i]);
	while (h->engaged)
		episode_remove(&h->engaged, h->engaged);
}

void host_table_clear(struct host_table *t)
{
	for (uint32_t i = 0; i < t->n_used; i++)
		if (t->pool[i].used)
			host_release(&t->pool[i]);
	memset(t->buckets, 0xff, (t->mask + 1ull) * sizeof *t->buckets);
	t->n_used = t->n_free = 0;
	t->count = t->evicted = 0;
	t->oldest = t->newest = HOST_NONE;
}

void host_table_free(struct host_table *t)
{
	if (!t)
		return;
	host_table_clear(t);
	munmap(t->pool, t->max * sizeof *t->pool);
	free(t->buckets);
	free(t->free);
	free(t);
}

static uint32_t bucket_of(const struct host_table *t, const struct addr *ip, uint16_t vlan)
{
	struct {
		struct addr ip;
		uint64_t vlan;
	} k = { *ip, vlan };
	return (uint32_t)hash_sip13(t->seed, &k, sizeof k) & t->mask;
}

void host_will_change(struct host_table *t, struct host *h)
{
	if (!t->copy || h->copied == t->copies)
		return;
	h->copied = t->copies;
	t->copy(t->arg, h);
}

void host_copy_begin(struct host_table *t, void (*copy)(void *arg, struct host *h))
{
	t->copy = copy;
	t->copies++;
	t->copy_at = 0;
	t->copy_end = t->n_used;
}

bool host_copy_step(struct host_table *t, unsigned n)
{
	for (; n && t->copy_at < t->copy_end; t->copy_at++)
		if (t->pool[t->copy_at].used && t->pool[t->copy_at].copied != t->copies) {
			host_will_change(t, &t->pool[t->copy_at]);
			n--;
		}
	if (t->copy_at < t->copy_end)
		return true;
	t->copy = NULL;
	return false;
}

static struct host *find(const struct host_table *t, const struct addr *ip, uint16_t vlan)
{
	for (uint32_t i = t->buckets[bucket_of(t, ip, vlan)]; i != HOST_NONE; i = t->pool[i].hash_next)
		if (addr_cmp(&t->pool[i].ip, ip) == 0 && t->pool[i].vlan == vlan)
			return &t->pool[i];
	return NULL;
}

struct host *host_find(struct host_table *t, const struct addr *ip, uint16_t vlan)
{
	struct host *h = find(t, ip, vlan);
	if (h)
		host_will_change(t, h);
	return h;
}

static void lru_remove(struct host_table *t, struct host *h)
{
	if (h->lru_prev != HOST_NONE)
		t->pool[h->lru_prev].lru_next = h->lru_next;
	else
		t->oldest = h->lru_next;
	if (h->lru_next != HOST_NONE)
		t->pool[h->lru_next].lru_prev = h->lru_prev;
	else
		t->newest = h->lru_prev;
}

static void lru_append(struct host_table *t, struct host *h)
{
	uint32_t i = (uint32_t)(h - t->pool);
	h->lru_prev = t->newest;
	h->lru_next = HOST_NONE;
	if (t->newest != HOST_NONE)
		t->pool[t->newest].lru_next = i;
	else
		t->oldest = i;
	t->newest = i;
	h->touched = ++t->touches;
}

void host_remove(struct host_table *t, struct host *h)
{
	uint32_t i = (uint32_t)(h - t->pool), *p = &t->buckets[bucket_of(t, &h->ip, h->vlan)];
	host_will_change(t, h);
	while (*p != i)
		p = &t->pool[*p].hash_next;
	*p = h->hash_next;
	lru_remove(t, h);
	host_release(h);
	h->used = false;
	t->free[t->n_free++] = i;
	t->count--;
}

static bool is_host(const struct addr *ip)
{
	return !addr_is_unspecified(ip) && !addr_is_multicast(ip) && !addr_is_broadcast(ip);
}

struct host *host_get(struct host_table *t, const struct addr *ip, uint16_t vlan, uint64_t time)
{
	if (!is_host(ip))
		return NULL;
	struct host *h = host_find(t, ip, vlan);
	if (h)
		return h;
	if (!t->n_free && t->n_used == t->max) {
		t->evicted++;
		host_will_change(t, &t->pool[t->oldest]);
		t->evict(t->arg, &t->pool[t->oldest]);
		host_remove(t, &t->pool[t->oldest]);
	}
	uint32_t i = t->n_free ? t->free[--t->n_free] : t->n_used++;
	uint32_t b = bucket_of(t, ip, vlan);
	h = &t->pool[i];
	memset(h, 0, sizeof *h);
	h->used = true;
	h->copied = t->copies;
	h->ip = *ip;
	h->vlan = vlan;
	h->first = h->last = time;
	h->network = -1;
	h->hash_next = t->buckets[b];
	t->buckets[b] = i;
	lru_append(t, h);
	t->count++;
	return h;
}

void host_touch(struct host_table *t, struct host *h, uint64_t time)
{
	h->changed = true;
	if (time > h->last)
		h->last = time;
	lru_remove(t, h);
	lru_append(t, h);
}

struct host *host_oldest(const struct host_table *t)
{
	return t->oldest == HOST_NONE ? NULL : &t->pool[t->oldest];
}

struct host *host_newer(const struct host_table *t, const struct host *h)
{
	return h->lru_next == HOST_NONE ? NULL : &t->pool[h->lru_next];
}

static int by_touch(const void *a, const void *b)
{
	const struct host *x = *(struct host *const *)a, *y = *(struct host *const *)b;
	return x->touched < y->touched ? -1 : x->touched > y->touched;
}

void host_table_restored(struct host_table *t, uint64_t evicted)
{
	struct host **all = xmalloc((t->n_used + 1ull) * sizeof *all);
	uint32_t n = 0;
	for (uint32_t i = 0; i < t->n_used; i++)
		if (t->pool[i].used)
			all[n++] = &t->pool[i];
	qsort(all, n, sizeof *all, by_touch);
	t->oldest = t->newest = HOST_NONE;
	t->touches = 0;
	for (uint32_t i = 0; i < n; i++)
		lru_append(t, all[i]);
	free(all);
	t->evicted = evicted;
}

uint64_t host_count(const struct host_table *t)
{
	return t->count;
}

uint64_t host_evicted(const struct host_table *t)
{
	return t->evicted;
}

/* -- what is counted -- */

void host_add_app(struct host *h, const char *name, size_t len, uint64_t bytes)
{
	if (len == 0 || bytes == 0)
		return;
	if (len >= sizeof h->apps[0].name)
		len = sizeof h->apps[0].name - 1;
	for (unsigned i = 0; i < h->n_apps; i++)
		if (strlen(h->apps[i].name) == len && memcmp(h->apps[i].name, name, len) == 0) {
			h->apps[i].bytes += bytes;
			return;
		}
	if (h->n_apps == HOST_APPS) {
		h->other_bytes += bytes;
		return;
	}
	struct host_app *a = &h->apps[h->n_apps++];
	memcpy(a->name, name, len);
	a->name[len] = '\0';
	a->bytes = bytes;
}

/* The last two labels, or three when the last but one is short, as in example.co.uk: near enough to tell domains apart. */
static size_t domain_at(const char *name, size_t len)
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
	size_t at = domain_at(name, len);
	if (at < 2)
		return NULL; /* the domain itself */
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

void host_set_name(struct host *h, enum name_source source, const char *name, size_t len)
{
	if (len == 0)
		return;
	if (len > HOST_NAME_LEN)
		len = HOST_NAME_LEN;
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
	return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : strcmp(x->name, y->name);
}

static void put_apps(const struct host *h, struct g_host *g, struct buf *arena)
{
	struct host_app sorted[HOST_APPS];
	memcpy(sorted, h->apps, sizeof sorted);
	qsort(sorted, h->n_apps, sizeof *sorted, by_bytes);
	g->apps.off = (uint32_t)arena->len;
	for (unsigned i = 0; i < h->n_apps; i++)
		buf_addf(arena, "%s%s=%llu", i ? "\n" : "", sorted[i].name, (unsigned long long)sorted[i].bytes);
	if (h->other_bytes)
		buf_addf(arena, "\nother=%llu", (unsigned long long)h->other_bytes);
	g->apps.len = (uint32_t)arena->len - g->apps.off;
}

static void put_names(const struct host *h, struct g_host *g, struct buf *arena)
{
	static const char *const source[] = { "dhcp", "mdns", "netbios", "dns" };
	bool any = false;
	g->names.off = (uint32_t)arena->len;
	for (int i = 0; i < NAME_SOURCES; i++)
		if (h->names[i]) {
			buf_addf(arena, "%s%s:%s", any ? "\n" : "", source[i], h->names[i]);
			any = true;
		}
	g->names.len = (uint32_t)arena->len - g->names.off;
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
	}
	put_names(h, g, arena);
	put_apps(h, g, arena);
	put_engaged(h, conf, g, arena);
}

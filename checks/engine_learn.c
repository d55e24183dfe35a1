/* What the engine learns from one flow to the next: services, destinations, paces, orders of messages, questions. */
#include "engine_priv.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>

#include "apps.h"
#include "devicekind.h"
#include "hash.h"
#include "hll.h"

static const uint32_t set_size[LEARN_SETS] = {
	[LEARN_EDGES] = 32768, [LEARN_NAMES] = 65536,  [LEARN_PACES] = 32768,   [LEARN_ORDERS] = 1024,
	[LEARN_PORTS] = 16384, [LEARN_OWNERS] = 16384, [LEARN_DEVICES] = 16384,
};

void learn_init_all(struct engine *e)
{
	for (int i = 0; i < LEARN_SETS; i++)
		learn_init(&e->learned[i], set_size[i]);
}

void learn_release_all(struct engine *e)
{
	for (int i = 0; i < LEARN_SETS; i++)
		learn_release(&e->learned[i]);
}

void learn_metrics(const struct engine *e, struct metrics *m)
{
	static const char *const names[LEARN_SETS] = {
		[LEARN_EDGES] = "connections", [LEARN_NAMES] = "names", [LEARN_PACES] = "paces", [LEARN_ORDERS] = "orders",
		[LEARN_PORTS] = "services", [LEARN_OWNERS] = "owners", [LEARN_DEVICES] = "devices",
	};
	for (unsigned i = 0; i < LEARN_SETS; i++) {
		const struct learn_set *s = &e->learned[i];
		metrics_put(m, "learned", names[i], "entries", false, (double)s->count);
		metrics_bound(m, "learned_max", names[i], "entries", s->n);
		metrics_put(m, "learned_evicted", names[i], "entries", true, (double)s->evicted);
	}
	metrics_bound(m, "devices_watched_max", NULL, "devices", MAX_STRANGERS);
	metrics_put(m, "devices_not_watched", NULL, "devices", true, (double)e->strangers_missed);
}

/* -- services and destinations -- */

struct edge {
	struct addr client, server;
	uint16_t port, vlan, app;
	uint8_t proto, spare;
};

static struct edge edge_of(const struct openflow *f, unsigned app)
{
	struct edge k;
	memset(&k, 0, sizeof k);
	k.client = f->key.client;
	k.server = f->key.server;
	k.port = f->key.server_port;
	k.vlan = f->key.vlan;
	k.proto = f->key.proto;
	k.app = (uint16_t)app;
	return k;
}

/* Once per flow each, when its last verdict is known. A server counts only if it answered. */
void learn_flow(struct engine *e, struct flow_run *run)
{
	struct openflow *f = run->f;
	const struct g_flow_app *a = &run->app;
	bool made;
	if (!run->v.final)
		return;
	if (!f->facts.edge_done && run->v.client_local && run->v.server_local && run->v.n->server_packets) {
		f->facts.edge_done = true;
		struct edge k = edge_of(f, a->app_id);
		learn_get(&e->learned[LEARN_EDGES], hash_content(&k, sizeof k, 11), f->key.first, &made);
		f->facts.new_edge = made;
	}
	if (!f->facts.name_done && run->v.client_local && !run->v.server_local && a->host.len) {
		f->facts.name_done = true;
		uint64_t name = hash_content(str_ptr(run->v.app_base, a->host), a->host.len, 12);
		learn_get(&e->learned[LEARN_NAMES], hash_content(&f->key.client, sizeof f->key.client, name), f->key.first, &made);
		f->facts.new_name = made;
	}
}

/* -- paces -- */

/* The value of a learned pace: period in seconds, intervals of that length in a row, and whether it was told. */
struct pace {
	uint32_t period;
	uint16_t times;
	bool steady;
};

static struct pace pace_of(uint64_t v)
{
	return (struct pace){ (uint32_t)(v >> 32), (uint16_t)(v >> 8), v & 1 };
}

static uint64_t pace_value(const struct pace *p)
{
	return (uint64_t)p->period << 32 | (uint64_t)p->times << 8 | p->steady;
}

#define PACE_BURST 2 /* seconds: flows closer than that belong together */

static void step_pace(struct pace *p, uint32_t gap, unsigned enough, struct flow_facts *facts)
{
	uint32_t off = gap > p->period ? gap - p->period : p->period - gap, slack = p->period / 10 > 1 ? p->period / 10 : 1;
	if (p->period && off <= slack) {
		p->times += p->times < UINT16_MAX;
		p->period = (uint32_t)((3ull * p->period + gap + 2) / 4);
		if (p->times >= enough && !p->steady) {
			p->steady = true;
			facts->pace = 1;
		}
	} else {
		if (p->steady) {
			facts->pace = -1;
			facts->period = p->period;
		}
		*p = (struct pace){ .period = gap };
	}
	facts->periodic = p->steady;
	facts->times = p->times;
	if (facts->pace >= 0)
		facts->period = p->period;
}

void learn_pace(struct engine *e, struct openflow *f)
{
	struct edge k = edge_of(f, 0);
	uint32_t now = (uint32_t)(f->key.first / SECOND);
	uint64_t key = hash_content(&k, sizeof k, 13);
	bool made;
	struct learned *l = learn_find(&e->learned[LEARN_PACES], key);
	uint32_t gap = l && now > l->last ? now - l->last : 0;
	l = learn_get(&e->learned[LEARN_PACES], key, f->key.first, &made);
	if (made || gap <= PACE_BURST)
		return;
	struct pace p = pace_of(l->value);
	step_pace(&p, gap, e->pace_times, &f->facts);
	l->value = pace_value(&p);
}

/* -- orders of messages -- */

void learn_orders(struct engine *e, struct openflow *f, struct str list, const char *base, char kind)
{
	const char *p = str_ptr(base, list), *end = p + list.len, *last = NULL;
	size_t last_len = 0;
	char order[16];
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = nl ? (size_t)(nl - p) : (size_t)(end - p);
		bool made = false;
		if (last) {
			int len = snprintf(order, sizeof order, "%.*s>%.*s", (int)last_len, last, (int)n, p);
			learn_get(&e->learned[LEARN_ORDERS], hash_content(order, (size_t)len, (uint64_t)kind), f->key.first, &made);
		}
		if (made && !*f->facts.new_order)
			memcpy(f->facts.new_order, order, sizeof order);
		last = p;
		last_len = n;
		p += n + 1;
	}
}

/* -- services of a host -- */

#define EPHEMERAL 49152 /* RFC 6335 section 6: ports from here on are no services */

void learn_service(struct engine *e, struct openflow *f, struct host *s, const struct g_flow_count *n)
{
	bool tcp = f->key.proto == IPPROTO_TCP, made;
	bool answered = tcp ? (n->server_flags & (TH_SYN | TH_ACK)) == (TH_SYN | TH_ACK) : n->server_packets > 0;
	bool before = tcp ? (f->n.server_flags & (TH_SYN | TH_ACK)) == (TH_SYN | TH_ACK) : f->n.server_packets > 0;
	if (!s->local || !answered || before || !f->key.server_port || f->key.server_port >= EPHEMERAL)
		return;
	struct edge k = edge_of(f, 0);
	memset(&k.client, 0, sizeof k.client);
	learn_get(&e->learned[LEARN_PORTS], hash_content(&k, sizeof k, 14), f->key.first, &made);
	if (!made || (double)f->key.first < (double)e->since + e->ports_learning * 1e9)
		return;
	struct host_minute *m = host_minute_begun(s);
	m->new_ports++;
	m->new_port = f->key.server_port;
	m->new_proto = f->key.proto;
}

/* -- questions -- */

void learn_query(struct openflow *f, struct host *c, const struct g_flow_app *a, const char *base)
{
	if (f->facts.query_done || !a->dns_query.len)
		return;
	f->facts.query_done = true;
	struct host_domain *d = host_add_query(c, str_ptr(base, a->dns_query), a->dns_query.len);
	if (!d)
		return;
	f->facts.dns_names = (uint32_t)(hll_count(d->names, HOST_SERVERS) + 0.5);
	f->facts.dns_label = (uint8_t)(d->label_sum / d->queries);
}

/* -- devices -- */

void learn_kind(struct host *c, const struct g_flow_app *a, const char *base)
{
	const struct str hints[] = { a->dhcp_class, a->dhcp_name, a->mdns_name, a->ssdp_name, a->netbios_name };
	const char *kind = NULL;
	for (size_t i = 0; i < sizeof hints / sizeof *hints && !kind && !*c->kind; i++)
		kind = devicekind_of(str_ptr(base, hints[i]), hints[i].len);
	if (kind)
		snprintf(c->kind, sizeof c->kind, "%s", kind);
}

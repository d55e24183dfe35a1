#include "compat_sums.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compat.h"
#include "hash.h"

struct host_sums_set {
	bool detail;
	struct hash_key seed;
	struct host_sums *rows;
	uint32_t *slots; /* place in rows + 1; 0 = free */
	uint32_t n, max, mask;
};

/* -- the set -- */

struct host_sums_set *host_sums_new(bool detail)
{
	struct host_sums_set *set = xcalloc(1, sizeof *set);
	*set = (struct host_sums_set){ .detail = detail, .seed = hash_key_random(), .max = 8, .mask = 15 };
	set->rows = xcalloc(set->max, sizeof *set->rows);
	set->slots = xcalloc(set->mask + 1, sizeof *set->slots);
	return set;
}

void host_sums_free(struct host_sums_set *set)
{
	for (uint32_t i = 0; i < set->n; i++) {
		struct host_sums *s = &set->rows[i];
		json_t *all[] = { s->apps, s->categories, s->dscp[SENT], s->dscp[RCVD], s->ports, s->peers };
		for (size_t k = 0; k < sizeof all / sizeof *all; k++)
			json_decref(all[k]);
	}
	free(set->rows);
	free(set->slots);
	free(set);
}

/* The slot that has the host, or the free one where it belongs. */
static uint32_t *slot_of(const struct host_sums_set *set, const struct addr *ip, uint16_t vlan)
{
	uint8_t key[18];
	memcpy(key, ip, 16);
	memcpy(key + 16, &vlan, 2);
	uint64_t i = hash_sip13(set->seed, key, sizeof key);
	for (;; i++) {
		uint32_t *slot = &set->slots[i & set->mask];
		const struct host_sums *s = &set->rows[*slot ? *slot - 1 : 0];
		if (!*slot || (addr_cmp(&s->ip, ip) == 0 && s->vlan == vlan))
			return slot;
	}
}

static struct host_sums *find(const struct host_sums_set *set, const struct addr *ip, uint16_t vlan)
{
	uint32_t at = *slot_of(set, ip, vlan);
	return at ? &set->rows[at - 1] : NULL;
}

const struct host_sums *host_sums_find(const struct host_sums_set *set, const struct addr *ip, uint16_t vlan)
{
	return find(set, ip, vlan);
}

static void grow(struct host_sums_set *set)
{
	set->max *= 2;
	set->mask = 2 * set->max - 1;
	set->rows = xrealloc(set->rows, set->max * sizeof *set->rows);
	free(set->slots);
	set->slots = xcalloc(set->mask + 1ull, sizeof *set->slots);
	for (uint32_t i = 0; i < set->n; i++)
		*slot_of(set, &set->rows[i].ip, set->rows[i].vlan) = i + 1;
}

void host_sums_want(struct host_sums_set *set, const struct addr *ip, uint16_t vlan)
{
	if (set->n == set->max)
		grow(set);
	uint32_t *slot = slot_of(set, ip, vlan);
	if (*slot)
		return;
	struct host_sums *s = &set->rows[set->n++];
	*s = (struct host_sums){ .ip = *ip, .vlan = vlan };
	*slot = set->n;
	json_t **all[] = { &s->apps, &s->categories, &s->dscp[SENT], &s->dscp[RCVD], &s->ports, &s->peers };
	for (size_t i = 0; set->detail && i < sizeof all / sizeof *all; i++)
		*all[i] = json_object();
}

/* -- a flow, from where one of its ends stands -- */

static unsigned proto_class(uint8_t p)
{
	return p == 6 ? 0 : p == 17 ? 1 : p == 1 || p == 58 ? 2 : 3;
}

/* Adds the flow to the object of an application or a category, made by first. */
static void add_traffic(json_t *all, const char *name, json_t *first, const struct r_flow *f, bool client)
{
	json_t *o = json_object_get(all, name);
	if (!o)
		json_object_set(all, name, o = first);
	jadd(o, "bytes.sent", (json_int_t)(client ? f->n.client_bytes : f->n.server_bytes));
	jadd(o, "bytes.rcvd", (json_int_t)(client ? f->n.server_bytes : f->n.client_bytes));
	jadd(o, "packets.sent", (json_int_t)(client ? f->n.client_packets : f->n.server_packets));
	jadd(o, "packets.rcvd", (json_int_t)(client ? f->n.server_packets : f->n.client_packets));
	jadd(o, "num_flows", 1);
	jadd(o, "duration", (json_int_t)((f->n.last - f->key.first) / 1000000000u));
	json_decref(first);
}

static void add_detail(struct host_sums *s, const struct r_flow *f, const char *base, bool client)
{
	char text[80];
	str_copy(text, sizeof text, base, f->app.app);
	add_traffic(s->apps, *text ? text : "Unknown", json_pack("{s:o}", "breed", jstr(base, f->app.breed)), f, client);
	str_copy(text, sizeof text, base, f->app.category);
	json_t *category = json_pack("{s:i}", "category", (int)f->app.category_id);
	add_traffic(s->categories, *text ? text : "Unspecified", category, f, client);
	jadd(s->dscp[client ? SENT : RCVD], dscp_name(f->n.client_tos_min), (json_int_t)f->n.client_packets);
	jadd(s->dscp[client ? RCVD : SENT], dscp_name(f->n.server_tos_min), (json_int_t)f->n.server_packets);
	if (!client && f->key.server_port) {
		snprintf(text, sizeof text, "%s:%u", f->key.proto == 6 ? "tcp" : "udp", f->key.server_port);
		json_object_set_new(s->ports, text, jstr(base, f->app.app));
	}
	json_object_set_new(s->peers, addr_str(client ? &f->key.server : &f->key.client, text), json_true());
}

static const struct {
	const char *name;
	uint16_t type; /* IANA */
} dns_kinds[DNS_KINDS] = {
	{ "num_a", 1 },   { "num_ns", 2 },   { "num_cname", 5 }, { "num_soa", 6 },   { "num_ptr", 12 },
	{ "num_mx", 15 }, { "num_txt", 16 }, { "num_aaaa", 28 }, { "num_any", 255 }, { "num_other", 0 },
};

const char *host_sums_dns_kind(unsigned kind)
{
	return dns_kinds[kind].name + strlen("num_");
}

/* A flow tells of its last query; queries on one port are mostly one. */
static void add_dns(struct host_sums *s, const struct r_flow *f, bool client)
{
	unsigned asks = client ? SENT : RCVD, k = 0;
	if (!f->app.dns_query.len)
		return;
	while (k < DNS_KINDS - 1 && dns_kinds[k].type != f->app.dns_type)
		k++;
	s->dns[asks].queries++;
	s->dns[asks].by_kind[k]++;
	if (f->app.dns_reply && f->app.dns_rcode)
		s->dns[!asks].failed++;
	else if (f->app.dns_reply)
		s->dns[!asks].ok++;
}

static const char *const http_verbs[HTTP_VERBS] = { "get", "post", "head", "put", "other" };

static void add_http(struct host_sums *s, const struct r_flow *f, const char *base, bool client)
{
	unsigned asks = client ? SENT : RCVD, v = 0, code = f->app.http_status / 100;
	char method[12];
	if (!f->app.http_method.len)
		return;
	str_copy(method, sizeof method, base, f->app.http_method);
	while (v < HTTP_VERBS - 1 && strcasecmp(method, http_verbs[v]) != 0)
		v++;
	s->http[asks].requests++;
	s->http[asks].by_verb[v]++;
	if (code < 1 || code > HTTP_CODES)
		return;
	s->http[!asks].replies++;
	s->http[!asks].by_code[code - 1]++;
}

static void add_end(const struct host_sums_set *set, const struct r_flow *f, const char *base, bool client)
{
	struct host_sums *s = find(set, client ? &f->key.client : &f->key.server, f->key.vlan);
	unsigned cls = proto_class(f->key.proto), c = client ? SENT : RCVD;
	if (!s)
		return;
	s->bytes[c][cls] += (json_int_t)f->n.client_bytes;
	s->bytes[!c][cls] += (json_int_t)f->n.server_bytes;
	s->retrans[c] += f->n.client_retrans;
	s->retrans[!c] += f->n.server_retrans;
	s->ooo[c] += f->n.client_ooo;
	s->ooo[!c] += f->n.server_ooo;
	s->lost[c] += f->n.client_lost;
	s->lost[!c] += f->n.server_lost;
	s->as_client += client && f->n.end_reason == END_ACTIVE;
	s->as_server += !client && f->n.end_reason == END_ACTIVE;
	s->alerted_client += client && f->judge.score;
	s->alerted_server += !client && f->judge.score;
	add_dns(s, f, client);
	add_http(s, f, base, client);
	if (set->detail)
		add_detail(s, f, base, client);
}

static bool add_flow(void *arg, const void *rec, const char *base)
{
	const struct r_flow *f = rec;
	add_end(arg, f, base, true);
	if (addr_cmp(&f->key.client, &f->key.server) != 0)
		add_end(arg, f, base, false);
	return true;
}

void host_sums_walk(struct host_sums_set *set, const struct live *flows)
{
	live_each(flows, NULL, add_flow, set);
}

/* -- documents -- */

static json_t *dns_direction(const struct host_sums *s, unsigned dir)
{
	json_t *kinds = json_object();
	for (unsigned k = 0; k < DNS_KINDS; k++)
		json_object_set_new(kinds, dns_kinds[k].name, json_integer(s->dns[dir].by_kind[k]));
	/* Both spellings of the replies: old clients look for the one with a blank. */
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:o}", "num_queries", s->dns[dir].queries, "num_replies_ok", s->dns[dir].ok,
			 "num_replies_error", s->dns[dir].failed, "num_replies ok", s->dns[dir].ok, "num_replies error",
			 s->dns[dir].failed, "queries", kinds);
}

json_t *host_sums_dns(const struct host_sums *s)
{
	return json_pack("{s:o,s:o}", "sent", dns_direction(s, SENT), "rcvd", dns_direction(s, RCVD));
}

/* dir: of the requests. */
static json_t *http_role(const struct host_sums *s, unsigned asks, unsigned answers)
{
	json_t *query = json_pack("{s:I}", "total", s->http[asks].requests);
	json_t *response = json_pack("{s:I}", "total", s->http[answers].replies);
	char name[16];
	for (unsigned v = 0; v < HTTP_VERBS; v++) {
		snprintf(name, sizeof name, "num_%s", http_verbs[v]);
		json_object_set_new(query, name, json_integer(s->http[asks].by_verb[v]));
	}
	for (unsigned c = 0; c < HTTP_CODES; c++) {
		snprintf(name, sizeof name, "num_%uxx", c + 1);
		json_object_set_new(response, name, json_integer(s->http[answers].by_code[c]));
	}
	return json_pack("{s:o,s:o}", "query", query, "response", response);
}

/* What the host asked and was answered as a client, and as a server. */
json_t *host_sums_http(const struct host_sums *s)
{
	return json_pack("{s:o,s:o}", "sender", http_role(s, SENT, RCVD), "receiver", http_role(s, RCVD, SENT));
}

json_t *host_sums_dscp(const struct host_sums *s)
{
	json_t *o = json_object(), *v;
	const char *key;
	for (unsigned dir = SENT; dir <= RCVD; dir++)
		json_object_foreach(s->dscp[dir], key, v) {
			json_t *both = json_object_get(o, key);
			if (!both) {
				both = json_pack("{s:i,s:i}", "packets.sent", 0, "packets.rcvd", 0);
				json_object_set_new(o, key, both);
			}
			json_object_set(both, dir == SENT ? "packets.sent" : "packets.rcvd", v);
		}
	return o;
}

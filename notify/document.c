#include "document.h"

#include <string.h>

#include "document_priv.h"
#include "json.h"

#define NO_NETWORK 65535 /* what those who read these documents take for 'in none of the local networks' */

static unsigned sensor_number(const struct source *s)
{
	struct str name = s->a->alert.sensor;
	for (size_t i = 0; s->t && i < s->t->n_sensors; i++)
		if (str_eq(s->base, name, s->t->sensors[i].name))
			return (unsigned)i;
	return 0;
}

unsigned document_network(const struct source *s, const struct addr *a)
{
	for (size_t i = 0; s->t && i < s->t->n_local; i++)
		if (cidr_contains(&s->t->local[i], a))
			return (unsigned)i;
	return NO_NETWORK;
}

bool document_role(const struct addr *role, const struct addr *ip)
{
	return addr_is_set(role) && addr_cmp(role, ip) == 0;
}

/* -- the second document -- */

static bool is_taken(const char *name, size_t len)
{
	static const char *const taken[] = { "ntopng.key", "hash_entry_id", "alert_generation", "proto", "traffic_stats",
					     "alert_score", "is_attacker", "blacklist", "process" };
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		if (strlen(taken[i]) == len && memcmp(name, taken[i], len) == 0)
			return true;
	return false;
}

static bool plain_number(const char *p, size_t len)
{
	size_t i = 0, dots = 0;
	if (len == 0 || len > 15 || (len > 1 && p[0] == '0' && p[1] != '.'))
		return false;
	for (; i < len; i++) {
		if (p[i] == '.' && i > 0 && i + 1 < len && dots++ == 0)
			continue;
		if (p[i] < '0' || p[i] > '9')
			return false;
	}
	return true;
}

/* The values that decided, each a member of its own. */
static void put_values(struct object *o, const struct source *s)
{
	const char *item;
	size_t pos = 0, len;
	while (list_next(s->base, s->a->alert.values, &pos, &item, &len)) {
		const char *eq = memchr(item, '=', len);
		size_t klen = eq ? (size_t)(eq - item) : 0;
		if (!klen || is_taken(item, klen))
			continue;
		const char *v = eq + 1;
		size_t vlen = len - klen - 1;
		object_key_n(o, item, klen);
		if (plain_number(v, vlen))
			buf_add(o->b, v, vlen);
		else
			json_quote(o->b, v, vlen);
	}
}

void document_nested(struct object *o, const struct source *s, void (*fill)(struct object *o, const struct source *s))
{
	struct buf inner = { 0 };
	struct object d = { &inner, false };
	fill(&d, s);
	put_values(&d, s);
	object_end(&d);
	object_key(o, "json");
	json_quote(o->b, inner.p, inner.len);
	buf_release(&inner);
}

/* -- host -- */

/* Address and VLAN of the host; from "address@vlan" when the alert carries no host. */
static void host_of(const struct source *s, struct addr *ip, uint16_t *vlan)
{
	const struct g_alert *al = &s->a->alert;
	const char *text = str_ptr(s->base, al->entity_val);
	const char *at = al->entity_val.len ? memchr(text, '@', al->entity_val.len) : NULL;
	*ip = s->a->host.ip;
	*vlan = s->a->host.vlan;
	if (addr_is_set(ip))
		return;
	addr_parse(text, at ? (size_t)(at - text) : al->entity_val.len, ip);
	for (at = at ? at + 1 : text + al->entity_val.len; at < text + al->entity_val.len && *at >= '0' && *at <= '9'; at++)
		*vlan = (uint16_t)(*vlan * 10 + *at - '0');
}

static void put_host_name(struct object *o, const char *name, const struct source *s, const struct addr *ip)
{
	if (s->a->host.name.len)
		object_str(o, name, s->base, s->a->host.name);
	else
		object_addr(o, name, ip);
}

static void nested_host(struct object *o, const struct source *s)
{
	struct object gen = { o->b, false }, info = { o->b, false };
	struct addr ip;
	uint16_t vlan;
	host_of(s, &ip, &vlan);
	object_key(o, "alert_generation");
	object_str(&gen, "script_key", s->base, s->a->alert.check);
	object_text(&gen, "subdir", "host");
	object_key(&gen, "host_info");
	put_host_name(&info, "name", s, &ip);
	object_bool(&info, "localhost", s->a->host.local);
	object_bool(&info, "systemhost", false);
	object_bool(&info, "privatehost", addr_is_private(&ip));
	object_bool(&info, "broadcast_domain_host", s->a->host.local && mac_is_set(&s->a->host.mac));
	object_bool(&info, "dhcpHost", false);
	object_bool(&info, "is_blacklisted", s->a->host.listed);
	object_bool(&info, "is_broadcast", addr_is_broadcast(&ip));
	object_bool(&info, "is_multicast", addr_is_multicast(&ip));
	object_end(&info);
	object_end(&gen);
	object_bool(o, "is_attacker", document_role(&s->a->alert.attacker, &ip));
}

static void host_document(struct object *o, const struct source *s)
{
	const struct g_alert *al = &s->a->alert;
	struct addr ip;
	uint16_t vlan;
	host_of(s, &ip, &vlan);
	object_uint(o, "pool_id", 0);
	object_text(o, "subtype", "");
	object_uint(o, "ip_version", addr_is_v4(&ip) ? 4 : 6);
	object_addr(o, "ip", &ip);
	put_host_name(o, "name", s, &ip);
	object_uint(o, "vlan_id", vlan);
	object_uint(o, "observation_point_id", 0);
	object_uint(o, "tstamp", al->time / SECOND);
	object_uint(o, "tstamp_end", al->end / SECOND);
	object_bool(o, "is_attacker", document_role(&al->attacker, &ip));
	object_bool(o, "is_victim", document_role(&al->victim, &ip));
	object_bool(o, "is_client", al->client_score > al->server_score);
	object_bool(o, "is_server", al->server_score > al->client_score);
	object_uint(o, "host_pool_id", 0);
	object_uint(o, "network", document_network(s, &ip));
	object_uint(o, "granularity", al->granularity);
	document_nested(o, s, nested_host);
}

/* -- other entities -- */

static void nested_other(struct object *o, const struct source *s)
{
	struct object gen = { o->b, false };
	object_key(o, "alert_generation");
	object_str(&gen, "script_key", s->base, s->a->alert.check);
	object_text(&gen, "subdir", enum_name(enum_entity, s->a->alert.entity));
	object_end(&gen);
}

static void other_document(struct object *o, const struct source *s)
{
	const struct g_alert *al = &s->a->alert;
	object_text(o, "subtype", "");
	object_str(o, "name", s->base, al->entity_val);
	object_uint(o, "tstamp", al->time / SECOND);
	object_uint(o, "tstamp_end", (al->action == ACT_STORE ? al->time : al->end) / SECOND);
	object_uint(o, "host_pool_id", 0);
	object_uint(o, "granularity", al->granularity);
	document_nested(o, s, nested_other);
}

/* -- all -- */

static void put_weir(struct object *o, const struct source *s, const struct document_delivery *d)
{
	struct object w = { o->b, false };
	char id[ID_STRLEN];
	object_key(o, "weir");
	object_text(&w, "delivery_id", id_str(d->id, id));
	object_text(&w, "recipient", d->recipient);
	object_uint(&w, "attempt", d->attempt);
	object_bool(&w, "maybe_duplicate", d->maybe_duplicate);
	object_key(&w, "alert");
	json_record(o->b, R_ALERT, s->a, s->base, JSON_NO_BIN, NULL);
	object_end(&w);
}

void document_write(struct buf *out, const struct r_alert *a, const char *base, const struct topo *t,
		    const struct document_delivery *d)
{
	const struct g_alert *al = &a->alert;
	struct source s = { a, base, t };
	struct object o = { out, false };
	object_uint(&o, "ifid", sensor_number(&s));
	object_text(&o, "action", enum_name(enum_action, al->action));
	object_uint(&o, "alert_id", al->type_id);
	object_uint(&o, "alert_category", al->category);
	object_uint(&o, "severity", al->severity);
	object_uint(&o, "score", al->score);
	object_bool(&o, "acknowledged", a->note.acknowledged || (al->entity == ENT_FLOW && !al->attention));
	object_uint(&o, "entity_id", al->entity);
	object_str(&o, "entity_val", base, al->entity_val);
	if (al->entity == ENT_FLOW)
		document_flow(&o, &s);
	else if (al->entity == ENT_HOST)
		host_document(&o, &s);
	else
		other_document(&o, &s);
	put_weir(&o, &s, d);
	object_end(&o);
}

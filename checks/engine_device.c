/* MAC addresses: who owns an address, who passes on others' packets, who is new, who must not be here. */
#include "engine_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "hash.h"

static uint64_t mac_key(const struct mac *m, uint16_t vlan)
{
	struct {
		struct mac mac;
		uint16_t vlan;
	} k = { *m, vlan };
	return hash_content(&k, sizeof k, 21);
}

static bool is_device(const struct mac *m)
{
	return mac_is_set(m) && !(m->b[0] & 1); /* IEEE 802: the group bit */
}

static void mac_subject(const struct mac *m, uint16_t vlan, const char *sensor, struct engaged **list, struct subject *s)
{
	char text[MAC_STRLEN];
	*s = (struct subject){ .entity = ENT_MAC, .sensor = sensor, .list = list };
	if (vlan)
		snprintf(s->name, sizeof s->name, "%s@%u", mac_str(m, text), vlan);
	else
		snprintf(s->name, sizeof s->name, "%s", mac_str(m, text));
}

static void mac_event(struct engine *e, unsigned check, const struct mac *m, uint16_t vlan, const char *sensor,
		      const struct observation *o)
{
	struct subject s;
	mac_subject(m, vlan, sensor, NULL, &s);
	e->conf.checks[check].alerts++;
	subject_event(e, &s, e->conf.checks[check].def, 0, o);
}

static bool is_on(const struct engine *e, unsigned check)
{
	return check < e->conf.n && e->conf.checks[check].enabled;
}

/* -- devices that are not allowed -- */

/* The first three bytes name who made it. */
static bool is_allowed(const struct check_conf *k, const struct mac *m)
{
	char text[MAC_STRLEN];
	mac_str(m, text);
	return conf_has_text(k, text, strlen(text)) || conf_has_text(k, text, 8);
}

static void see_stranger(struct engine *e, const struct mac *m, uint16_t vlan, const char *sensor, uint64_t time)
{
	const struct check_conf *k = &e->conf.checks[e->device_check];
	struct stranger *free = NULL;
	if (!is_on(e, e->device_check) || !k->list.n_texts || is_allowed(k, m))
		return;
	for (unsigned i = 0; i < MAX_STRANGERS; i++) {
		struct stranger *s = &e->strangers[i];
		if (memcmp(&s->mac, m, sizeof *m) == 0 && s->vlan == vlan && s->last) {
			s->last = time > s->last ? time : s->last;
			return;
		}
		if (!free && !s->last)
			free = s;
	}
	if (!free) {
		e->strangers_missed++;
		return;
	}
	*free = (struct stranger){ .mac = *m, .vlan = vlan, .last = time };
	snprintf(free->sensor, sizeof free->sensor, "%s", sensor);
}

void run_devices(struct engine *e)
{
	const struct check_conf *k = &e->conf.checks[e->device_check];
	for (unsigned i = 0; i < MAX_STRANGERS; i++) {
		struct stranger *d = &e->strangers[i];
		struct subject s;
		struct observation o = { .attacker = true };
		if (!d->last)
			continue;
		mac_subject(&d->mac, d->vlan, d->sensor, &d->engaged, &s);
		double silent = e->clock > d->last ? (double)(e->clock - d->last) / 1e9 : 0;
		bool here = is_on(e, e->device_check) && silent < k->number[1];
		snprintf(o.message, sizeof o.message, "The device %s is connected and not on the list", s.name);
		snprintf(o.values, sizeof o.values, "silent=%.0f", silent);
		subject_run(e, &s, e->device_check, PER_MINUTE, here, &o);
		if (!here && !d->engaged)
			memset(d, 0, sizeof *d);
	}
}

void end_devices(struct engine *e, bool tell)
{
	for (unsigned i = 0; i < MAX_STRANGERS; i++) {
		struct stranger *d = &e->strangers[i];
		struct subject s;
		mac_subject(&d->mac, d->vlan, d->sensor, &d->engaged, &s);
		if (tell)
			subject_release_all(e, &s, CAUSE_END_OF_INPUT);
		episode_clear(&d->engaged);
	}
}

/* -- who is new, who passes on packets -- */

#define ROUTES 4 /* remote addresses behind a MAC from which on it is a gateway's */

/*
 * A MAC address was seen with an address behind it. Its learned value is a sketch of the remote addresses: one bit of 64 for
 * each, which is exact enough to tell one or two from many.
 */
void device_seen(struct engine *e, const struct mac *m, uint16_t vlan, const struct addr *ip, bool local, const char *sensor,
		 uint64_t time)
{
	bool made;
	if (!is_device(m))
		return;
	struct learned *l = learn_get(&e->learned[LEARN_DEVICES], mac_key(m, vlan), time, &made);
	if (!local && ip)
		l->value |= 1ull << (hash_content(ip, sizeof *ip, 22) & 63);
	see_stranger(e, m, vlan, sensor, time);
	if (!made || !is_on(e, e->new_device) ||
	    (double)time < (double)e->since + e->conf.checks[e->new_device].number[0] * 1e9)
		return;
	struct observation o = { .attacker = true };
	char a[ADDR_STRLEN], text[MAC_STRLEN];
	snprintf(o.message, sizeof o.message, "%s was seen for the first time", mac_str(m, text));
	snprintf(o.values, sizeof o.values, "ip=%s", ip ? addr_str(ip, a) : "");
	mac_event(e, e->new_device, m, vlan, sensor, &o);
}

bool device_routes(const struct engine *e, const struct host *h)
{
	if (!h->local || !is_device(&h->mac))
		return false;
	const struct learned *l = learn_find(&e->learned[LEARN_DEVICES], mac_key(&h->mac, h->vlan));
	return l && __builtin_popcountll(l->value) >= ROUTES;
}

/* Was it told less than so many seconds ago? If not, it is now. */
static bool told_lately(struct engine *e, uint64_t key, uint64_t time, unsigned pause)
{
	bool made;
	struct learned *l = learn_find(&e->learned[LEARN_OWNERS], key);
	bool lately = l && time / SECOND < l->value + pause;
	l = learn_get(&e->learned[LEARN_OWNERS], key, time, &made);
	if (!lately)
		l->value = time / SECOND;
	return lately;
}

/* -- ARP -- */

static uint64_t mac_number(const struct mac *m)
{
	uint64_t v = 0;
	memcpy(&v, m, sizeof *m);
	return v;
}

/* An address that is announced by another MAC than before. */
static void see_owner(struct engine *e, const struct g_arp *a, const char *sensor)
{
	struct {
		struct addr ip;
		uint64_t vlan;
	} k = { a->sender_ip, a->vlan };
	bool made;
	struct learned *l = learn_get(&e->learned[LEARN_OWNERS], hash_content(&k, sizeof k, 23), a->time, &made);
	uint64_t before = l->value, now = mac_number(&a->sender_mac);
	l->value = now;
	if (made || before == now || !is_on(e, e->reassigned) || conf_in_nets(&e->conf.checks[e->reassigned], &a->sender_ip))
		return;
	struct mac old;
	char ip[ADDR_STRLEN], text[2][MAC_STRLEN];
	struct observation o = { .attacker = true };
	memcpy(&old, &before, sizeof old);
	snprintf(o.message, sizeof o.message, "%s belonged to %s and is now announced by %s", addr_str(&a->sender_ip, ip),
		 mac_str(&old, text[0]), mac_str(&a->sender_mac, text[1]));
	snprintf(o.values, sizeof o.values, "ip=%s\nold_mac=%s\nnew_mac=%s", ip, text[0], text[1]);
	mac_event(e, e->reassigned, &a->sender_mac, a->vlan, sensor, &o);
}

/* Sender and target differ within their first 16 bits: told once per MAC and hour. */
static void see_pair(struct engine *e, const struct g_arp *a, const char *sensor)
{
	const uint8_t *s = a->sender_ip.b + 12, *t = a->target_ip.b + 12;
	if (!is_on(e, e->too_large) || (s[0] == t[0] && s[1] == t[1]) || !addr_is_set(&a->target_ip) ||
	    addr_is_link_local(&a->sender_ip) || addr_is_link_local(&a->target_ip))
		return;
	if (told_lately(e, hash_content(&a->sender_mac, sizeof a->sender_mac, 24), a->time, 3600))
		return;
	char ip[2][ADDR_STRLEN], text[MAC_STRLEN];
	struct observation o = { .attacker = true };
	snprintf(o.message, sizeof o.message, "%s with the address %s looks for %s on the wire", mac_str(&a->sender_mac, text),
		 addr_str(&a->sender_ip, ip[0]), addr_str(&a->target_ip, ip[1]));
	snprintf(o.values, sizeof o.values, "sender=%s\ntarget=%s\nvlan=%u", ip[0], ip[1], a->vlan);
	mac_event(e, e->too_large, &a->sender_mac, a->vlan, sensor, &o);
}

/* A /24 in which somebody speaks ARP and which is no local network. Only networks that are known can tell. */
static void see_ghost(struct engine *e, struct place *w, const struct g_arp *a)
{
	struct cidr net = { .addr = a->sender_ip, .bits = 120 };
	net.addr.b[15] = 0;
	if (!e->conf.n_local || conf_is_local(&e->conf, &a->sender_ip) || addr_is_link_local(&a->sender_ip))
		return;
	for (unsigned i = 0; i < PLACE_GHOSTS; i++)
		if (!w->ghosts[i].packets || addr_cmp(&w->ghosts[i].net.addr, &net.addr) == 0) {
			w->ghosts[i].net = net;
			w->ghosts[i].packets += a->packets;
			return;
		}
}

void engine_arp(struct engine *e, const struct r_arp *r, const char *base)
{
	const struct g_arp *a = &r->arp;
	struct sensor *s = sensor_get(e, str_ptr(base, a->sensor), a->sensor.len);
	begin_learning(e, a->time);
	window_add_spread(&s->place.minute.arp, a->time, 0, a->packets);
	if (!is_device(&a->sender_mac))
		return;
	device_seen(e, &a->sender_mac, a->vlan, NULL, true, s->name, a->time);
	if (!addr_is_v4(&a->sender_ip) || addr_is_unspecified(&a->sender_ip))
		return; /* RFC 5227: a probe, it owns nothing yet */
	see_owner(e, a, s->name);
	see_pair(e, a, s->name);
	see_ghost(e, &s->place, a);
}

/* -- DHCP -- */

#define PORT_DHCP 67

/* An answer that is broadcast is a flow of its own, opened by the server. */
void see_lease(struct engine *e, struct openflow *f, const struct addr *ip)
{
	const struct check_conf *k = &e->conf.checks[e->lease];
	struct host *server = host_of(e, f, f->key.client_port != PORT_DHCP);
	char a[ADDR_STRLEN];
	if (!is_on(e, e->lease) || !k->list.n_nets || !addr_is_set(ip) || !server || conf_in_nets(k, ip))
		return;
	/* A lease is given again and again: told once a day. */
	if (told_lately(e, hash_content(ip, sizeof *ip, 25), f->key.first, 86400))
		return;
	struct subject s;
	struct observation o = { .attacker = true };
	host_subject(server, &s);
	snprintf(o.message, sizeof o.message, "The DHCP server gave away %s, which is in none of its pools", addr_str(ip, a));
	snprintf(o.values, sizeof o.values, "ip=%s", addr_str(ip, a));
	e->conf.checks[e->lease].alerts++;
	subject_event(e, &s, k->def, 0, &o);
}

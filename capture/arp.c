#include "arp.h"

#include <string.h>

#include "bytes.h"
#include "hash.h"

enum { LINK_ETHERNET = 1, LINK_SLL = 113, LINK_SLL2 = 276 };
enum { TYPE_ARP = 0x0806, TYPE_VLAN = 0x8100, TYPE_QINQ = 0x88a8 };

/* Where the ARP message begins, 0 if there is none. */
static uint32_t message_at(const struct packet *p, uint16_t *ret_vlan)
{
	uint32_t at = p->linktype == LINK_ETHERNET ? 14 : p->linktype == LINK_SLL ? 16 : p->linktype == LINK_SLL2 ? 20 : 0;
	if (!at || p->caplen < at)
		return 0;
	uint16_t type = get16(p->data + (p->linktype == LINK_SLL2 ? 0 : at - 2));
	while ((type == TYPE_VLAN || type == TYPE_QINQ) && p->caplen >= at + 4) {
		*ret_vlan = get16(p->data + at) & 0x0fff;
		type = get16(p->data + at + 2);
		at += 4;
	}
	return type == TYPE_ARP ? at : 0;
}

bool arp_parse(const struct packet *p, struct g_arp *ret)
{
	static const uint8_t head[] = { 0, 1, 8, 0, 6, 4 }; /* Ethernet, IPv4, and the lengths of their addresses */
	*ret = (struct g_arp){ .time = p->time };
	uint32_t at = message_at(p, &ret->vlan);
	const uint8_t *m = p->data + at;
	if (!at || p->caplen < at + 28 || memcmp(m, head, sizeof head) != 0 || m[6] || (m[7] != 1 && m[7] != 2))
		return false;
	ret->op = m[7];
	memcpy(&ret->sender_mac, m + 8, 6);
	addr_from_v4(&ret->sender_ip, m + 14);
	memcpy(&ret->target_mac, m + 18, 6);
	addr_from_v4(&ret->target_ip, m + 24);
	return true;
}

bool arp_due(struct arp_cache *c, struct g_arp *a)
{
	struct {
		struct mac sender, target;
		uint8_t ip[2][4];
		uint16_t vlan, op;
	} k;
	memset(&k, 0, sizeof k);
	k.sender = a->sender_mac;
	k.target = a->target_mac;
	memcpy(k.ip[0], a->sender_ip.b + 12, 4);
	memcpy(k.ip[1], a->target_ip.b + 12, 4);
	k.vlan = a->vlan;
	k.op = a->op;
	uint64_t key = hash_content(&k, sizeof k, 0);
	__typeof__(&c->slots[0]) s = &c->slots[key % ARP_SLOTS];
	if (s->key == key && a->time >= s->time && a->time - s->time < SECOND) {
		s->held_back++;
		return false;
	}
	a->packets = 1 + (s->key == key ? s->held_back : 0);
	s->key = key;
	s->time = a->time;
	s->held_back = 0;
	return true;
}

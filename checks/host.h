/*
 * Hosts: who was seen, what they sent, whom they spoke to, and the counters that host checks look at. Bounded; the one that
 * was silent longest makes room. Pure.
 */
#ifndef WEIR_HOST_H
#define WEIR_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "conf.h"
#include "record.h"

#define HOST_APPS     16
#define HOST_PEERS    256 /* registers */
#define HOST_PORTS    64
#define HOST_SERVERS  32
#define HOST_NAMES    64
#define HOST_CONTACTS 128
#define HOST_NAME_LEN 80

/* Events in the busiest second. Earlier ones than the second at hand count in it. */
struct window {
	uint64_t second;
	uint32_t now, max;
};

/* As attacker (or client) and as victim (or server), ALERTS.md 3.2 done right: reset at each minute run. */
struct host_minute {
	struct window flows[2], rsts[2];
	uint32_t syns[2];       /* unanswered SYNs sent, received */
	uint32_t fins[2];
	uint32_t icmp_rate[2];  /* packets per second, largest */
	uint32_t incomplete;    /* client flows without answer or payload */
	uint64_t dns_bytes, packets;
	uint8_t names[HOST_NAMES];
	uint8_t contacts[HOST_CONTACTS];
};

enum name_source { NAME_DHCP, NAME_MDNS, NAME_NETBIOS, NAME_DNS, NAME_SOURCES };

struct host_app {
	char name[32];
	uint64_t bytes;
};

/* An alert that is engaged for a host. */
struct engaged {
	struct id id;
	uint64_t time;
	uint32_t revision;
	uint16_t check;       /* index in conf, or LUA_FIRST + index of a Lua check */
	bool attacker, seen;  /* seen: the condition held in this run */
	double value, told;   /* told: the value of the last record */
	double threshold;
	uint64_t told_at;
	uint16_t client_score, server_score;
	char *message;
	struct engaged *next;
};

/* What is known of a host beside the packets. Texts live as long as the databases and the topology. */
struct host_place {
	bool known;
	char country[3];
	uint32_t asn;
	const char *as_name, *vendor, *pool; /* "" if there is none */
	char network[CIDR_STRLEN];
};

struct host {
	struct addr ip;
	uint16_t vlan;
	uint32_t hash_next, lru_prev, lru_next; /* indexes, HOST_NONE ends */
	uint32_t copied;        /* by the copy of this number, or did not exist when it began */
	uint64_t touched;       /* counts up: the order of activity */
	bool used, local, changed;
	uint8_t high_minutes;   /* in a row with a high score */
	uint64_t first, last;
	struct mac mac;
	uint64_t bytes_sent, bytes_rcvd, packets_sent, packets_rcvd;
	uint32_t flows_client, flows_server, flows_active, flows_alerted, alerts;
	uint32_t score[2];      /* as client, as server */
	uint32_t remote_flows;  /* open remote access flows */
	uint8_t peers[HOST_PEERS], ports[HOST_PORTS];
	uint8_t dns_servers[HOST_SERVERS], ntp_servers[HOST_SERVERS], smtp_servers[HOST_SERVERS];
	bool is_dns, is_ntp, is_smtp; /* was seen answering */
	struct host_app apps[HOST_APPS];
	unsigned n_apps;
	uint64_t other_bytes;
	char *names[NAME_SOURCES];
	char os[24];
	char sensor[32];
	struct host_minute minute;
	struct host_place place; /* not kept: found out again after a restart */
	struct engaged *engaged;
};

#define HOST_NONE UINT32_MAX

struct host_table;

/* evict is called before a host makes room, with the table's arg. */
struct host_table *host_table_new(uint64_t max, void (*evict)(void *arg, struct host *h), void *arg);
void host_table_free(struct host_table *t);
/* Forgets all hosts without asking. */
void host_table_clear(struct host_table *t);
/* The host of an address; made if it is not there. NULL for what is no host: multicast, broadcast, none. */
struct host *host_get(struct host_table *t, const struct addr *ip, uint16_t vlan, uint64_t time);
struct host *host_find(struct host_table *t, const struct addr *ip, uint16_t vlan);
/* Marks as just seen. */
void host_touch(struct host_table *t, struct host *h, uint64_t time);
void host_remove(struct host_table *t, struct host *h);
/* In the order of last activity, the most silent first. NULL ends. */
struct host *host_oldest(const struct host_table *t);
struct host *host_newer(const struct host_table *t, const struct host *h);
uint64_t host_count(const struct host_table *t);
uint64_t host_evicted(const struct host_table *t);

/*
 * A copy of the table while it goes on changing: copy is called for each host as it was when the copy began, by host_copy_step
 * for about n of them, or earlier when one is about to change. It must not change anything. Returns false when all are done.
 */
void host_copy_begin(struct host_table *t, void (*copy)(void *arg, struct host *h));
bool host_copy_step(struct host_table *t, unsigned n);
/* Whoever changes a host that it did not get from host_get or host_find says so first. */
void host_will_change(struct host_table *t, struct host *h);
/* Puts back the order of activity after hosts were made from a copy, and what the table counted. */
void host_table_restored(struct host_table *t, uint64_t evicted);

void window_add(struct window *w, uint64_t time, uint32_t n);
void host_add_app(struct host *h, const char *name, size_t len, uint64_t bytes);
void host_set_name(struct host *h, enum name_source source, const char *name, size_t len);
/* The best name: DHCP, mDNS, NetBIOS, DNS in this order; "" if none. */
const char *host_name(const struct host *h);
/* Fills the record's group; strings into arena. */
void host_record(const struct host *h, const struct conf *conf, uint64_t time, bool final, struct g_host *g,
		 struct buf *arena);

#endif

/*
 * Hosts: who was seen, what they sent, whom they spoke to, and the counters that host checks look at. Bounded; the one that
 * was silent longest makes room. Pure.
 */
#ifndef WEIR_HOST_H
#define WEIR_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "aged.h"
#include "buf.h"
#include "conf.h"
#include "counters.h"
#include "episode.h"
#include "record.h"

#define HOST_APPS     16
#define HOST_PEERS    256 /* registers */
#define HOST_PORTS    64
#define HOST_SERVERS  32
#define HOST_NAMES    64
#define HOST_CONTACTS 128
#define HOST_DOMAINS  4
#define HOST_NAME_LEN 80
#define HOST_BREEDS   8

/*
 * What belongs to one minute; zero again after the minute run. [0] as client or attacker, [1] as server or victim. The standard
 * errors of the sketches are 1.04 / sqrt(registers): names 13%, contacts 9%, silent, callers and ports_in 18%.
 */
struct host_minute {
	struct window flows[2], rsts[2], syn_rate[2], icmp[2], dns[2], snmp[2];
	uint32_t syns[2];       /* unanswered SYNs sent, received */
	uint32_t fins[2];
	uint32_t incomplete;    /* client flows without answer or payload */
	uint8_t names[HOST_NAMES];
	uint8_t contacts[HOST_CONTACTS];
	uint8_t silent[HOST_SERVERS];   /* local addresses contacted that have never sent anything */
	uint8_t callers[HOST_SERVERS];  /* hosts that contacted this one */
	uint8_t ports_in[HOST_SERVERS]; /* ports on which they did */
	uint32_t new_ports;             /* it answered on a port for the first time */
	uint16_t new_port;              /* the last of them */
	uint8_t new_proto;
};

/* Five minutes: questions and answers, DNS and HTTP together, [0] asked by the host, [1] asked of it; countries spoken to. */
struct host_asked {
	uint32_t requests[2], replies[2];
	uint8_t countries[HOST_NAMES]; /* sketch, error 13% */
};

/* A domain below which the host asks for names; in the hour. */
struct host_domain {
	uint64_t hash;               /* of the registered domain, 0 = free */
	uint32_t queries, label_sum; /* label_sum: characters in front of the domain, over all queries */
	uint8_t names[HOST_SERVERS]; /* sketch of the names, error 18% */
};

enum name_source { NAME_DHCP, NAME_MDNS, NAME_NETBIOS, NAME_DNS, NAME_SOURCES };

struct host_app {
	char name[32];
	uint64_t sent, rcvd, packets_sent, packets_rcvd;
	uint32_t flows;
	uint32_t seconds, second; /* with traffic; the last of them */
	uint8_t breed;            /* as nDPI rates it */
};

/* What a flow carried for a host since its last record. */
struct app_growth {
	const char *name, *breed;
	size_t name_len, breed_len;
	uint64_t sent, rcvd, packets_sent, packets_rcvd;
	uint64_t time, span; /* ns: of its last packet, and how long it took */
	bool first;          /* record of the flow */
};

/* What is known of a host beside the packets. Texts live as long as the databases and the topology. */
struct host_place {
	bool known;
	char country[3];
	uint32_t asn;
	const char *as_name, *vendor, *pool; /* "" if there is none */
	char network[CIDR_STRLEN];
	bool listed; /* on a list */
};

/* What most hosts have none of at a time is in parts of its own. */
struct host {
	struct aged age;
	struct addr ip;
	uint16_t vlan;
	bool local, changed;
	bool gateway;           /* its MAC sends packets of other networks' hosts */
	int8_t network;         /* conf_network_of(), -1 = none */
	uint8_t high_minutes;   /* in a row with a high score */
	uint64_t first, last;
	struct mac mac;
	uint64_t bytes_sent, bytes_rcvd, packets_sent, packets_rcvd;
	uint32_t flows_client, flows_server, flows_active, flows_alerted, alerts;
	uint32_t open[2];       /* open flows as client, as server */
	uint32_t score[2];      /* as client, as server */
	uint32_t remote_flows;  /* open remote access flows */
	uint32_t mute_flows[2]; /* without an answer, as client and as server */
	uint8_t mute[3][HOST_SERVERS]; /* such servers, clients, ports; scripts may begin them anew */
	uint8_t peers[HOST_PEERS], ports[HOST_PORTS];
	uint8_t dns_servers[HOST_SERVERS], ntp_servers[HOST_SERVERS], smtp_servers[HOST_SERVERS];
	bool is_dns, is_ntp, is_smtp; /* was seen answering */
	struct host_app *apps;  /* owned, n_apps of them, HOST_APPS at most */
	unsigned n_apps;
	uint64_t other_bytes;
	/* What each flow of the host is told of it lies close together. */
	char *names[NAME_SOURCES]; /* owned, NULL = not known */
	struct host_place place;   /* not kept: found out again after a restart */
	char kind[12];          /* of device: devicekind.h, "" = not known */
	uint64_t name_times[NAME_SOURCES]; /* when they were heard last */
	char os[24];
	char sensor[32];
	struct host_minute *minute;  /* owned, NULL = nothing happened in it: host_minute() */
	struct host_asked asked;
	struct host_domain *domains; /* owned, HOST_DOMAINS of them, NULL = it asked for no name */
	struct volumes volumes;
	struct forecast *score_forecast, *flows_forecast; /* owned, [0] as client, [1] as server, NULL = no sample yet */
	struct engaged *engaged; /* list, owned */
};

struct host_table;

/* evict is called before a host makes room, with the table's arg. */
struct host_table *host_table_new(uint64_t max, void (*evict)(void *arg, struct host *h), void *arg);
void host_table_free(struct host_table *t);
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
/* Hosts that are there no longer, ever: while it stays the same, pointers to hosts hold. */
uint64_t host_removed(const struct host_table *t);

/* A copy of the table while it goes on changing: as aged_copy_begin, aged.h. */
void host_copy_begin(struct host_table *t, void (*copy)(void *arg, struct host *h));
bool host_copy_step(struct host_table *t, unsigned n);
/* Whoever changes a host that it did not get from host_get or host_find says so first. */
void host_will_change(struct host_table *t, struct host *h);
/* Puts back the order of activity after hosts were made from a copy, and what the table counted. */
void host_table_restored(struct host_table *t, uint64_t evicted);

/* Frees what it owns. */
void host_release(struct host *h);

/* Its minute, to be read and to be counted in. */
extern const struct host_minute host_quiet_minute;
static inline const struct host_minute *host_minute(const struct host *h)
{
	return h->minute ? h->minute : &host_quiet_minute;
}
struct host_minute *host_minute_begun(struct host *h);

void host_add_app(struct host *h, const struct app_growth *g);
/*
 * A DNS name that the host asked for. The names below one registered domain are counted in a sketch, for the four domains with
 * most of them in the hour. Returns the domain's counters, NULL if there is none.
 */
/* Where the registered domain begins in a name. */
size_t host_domain_at(const char *name, size_t len);
struct host_domain *host_add_query(struct host *h, const char *name, size_t len);
void host_set_name(struct host *h, enum name_source source, const char *name, size_t len, uint64_t time);
/* The best name: DHCP, mDNS, NetBIOS, DNS in this order; "" if none. */
const char *host_name(const struct host *h);
/* Fills the record's group; strings into arena. */
void host_record(const struct host *h, const struct conf *conf, uint64_t time, bool final, struct g_host *g,
		 struct buf *arena);

#endif

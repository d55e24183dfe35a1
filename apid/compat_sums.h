/*
 * What the flows in the live view tell of hosts beside their own records: any number of hosts in one walk over the flows.
 */
#ifndef WEIR_COMPAT_SUMS_H
#define WEIR_COMPAT_SUMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "live.h"

enum { SENT, RCVD };

#define DNS_KINDS  10 /* names in compat_sums.c */
#define HTTP_VERBS 5
#define HTTP_CODES 5

struct host_sums {
	struct addr ip;
	uint16_t vlan;
	json_int_t as_client, as_server, alerted_client, alerted_server;
	json_int_t bytes[2][4];                  /* by direction: tcp, udp, icmp, other */
	json_int_t retrans[2], ooo[2], lost[2];
	struct {
		json_int_t queries, ok, failed, by_kind[DNS_KINDS];
	} dns[2];
	struct {
		json_int_t requests, replies, by_verb[HTTP_VERBS], by_code[HTTP_CODES];
	} http[2];
	/* With detail, else NULL: objects by name. */
	json_t *apps, *categories, *dscp[2], *ports, *peers;
};

struct host_sums_set;
/* detail: also the objects, which cost more. */
struct host_sums_set *host_sums_new(bool detail);
void host_sums_free(struct host_sums_set *set);
/* Before the walk: sums of this host are wanted. */
void host_sums_want(struct host_sums_set *set, const struct addr *ip, uint16_t vlan);
void host_sums_walk(struct host_sums_set *set, const struct live *flows);
/* NULL if it was not wanted. Valid until free. */
const struct host_sums *host_sums_find(const struct host_sums_set *set, const struct addr *ip, uint16_t vlan);

/* "a", "ptr" ...: what dns[].by_kind counts. */
const char *host_sums_dns_kind(unsigned kind);
/* In ntopng's shape. */
json_t *host_sums_dns(const struct host_sums *s);
json_t *host_sums_http(const struct host_sums *s);
json_t *host_sums_dscp(const struct host_sums *s);

#endif

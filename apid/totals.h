/*
 * What has gone by, added up from records as they change: counters for Prometheus that only grow, by sensor, application,
 * category, protocol, and of alerts; and how many hosts there are. Bounded: what does not fit into a family is its "other".
 * Pure.
 */
#ifndef WEIR_TOTALS_H
#define WEIR_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include "live.h"
#include "prom.h"
#include "record.h"

#define TOTALS_ROWS    4096  /* of all families */
#define TOTALS_ENGAGED 16384 /* alerts; more are not among those engaged */

struct totals;
struct totals *totals_new(void);
void totals_free(struct totals *t);

/* Of FLOW records: what goes on. */
void totals_flow(struct totals *t, const struct live_change *c);
/* What is more than before is added to the counters. */
void totals_traffic(struct totals *t, const struct live_change *c);
/* Of HOST records. */
void totals_host(struct totals *t, const struct live_change *c);
/* All flows and hosts are gone. */
void totals_clear_live(struct totals *t);
void totals_alert(struct totals *t, const struct r_alert *a, const char *base);
/* Those engaged are of a run that is over. */
void totals_no_engaged(struct totals *t);

#define TOTALS_SAMPLES 36 /* thirty rates */

struct traffic {
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets;
};

/* Hosts and flows of a sensor that are in the live view. */
struct totals_live {
	uint64_t hosts, local, devices, receivers, local_receivers; /* receivers: they sent nothing */
	uint64_t anomalies, remote_anomalies;                       /* hosts with engaged alerts, local ones and others */
	uint64_t local2remote, remote2local;                        /* bytes of flows from local to other hosts */
	uint64_t flows;                                             /* that go on */
	uint64_t flows_by[2][2];                                    /* those: is the client local, is the server? */
};

/* Of a sensor. Received: what hosts that are not local sent; transmitted: what local ones did. */
struct totals_sensor {
	char name[32];
	struct traffic sum;
	uint64_t retrans, ooo, lost;
	uint64_t local_hosts, remote_hosts, devices;
	/* By severity: notice and less, warning, error and more. */
	uint64_t engaged[3]; /* alerts that go on */
	uint64_t alerted[3]; /* open flows */
	struct totals_live live;
	/* The sum at past times, the last one at [n % TOTALS_SAMPLES]. */
	struct traffic samples[TOTALS_SAMPLES];
	uint64_t times[TOTALS_SAMPLES], n; /* ns */
};
/* Takes a sample of all sensors: to be called every few seconds. */
void totals_sample(struct totals *t, uint64_t now);
/* Traffic a second 'back' samples ago, over the five samples before; zeros if there are not so many. */
struct traffic totals_rate(const struct totals_sensor *s, unsigned back);

/* Zeros if nothing is known of it. */
const struct totals_sensor *totals_sensor(const struct totals *t, const char *name);
void totals_print(const struct totals *t, struct prom *p);

#endif

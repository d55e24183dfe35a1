/* What sensors have carried, and how they are: their processes are asked for counters, the rest is what the live view adds up to. */
#ifndef WEIR_SENSORS_H
#define WEIR_SENSORS_H

#include "apid.h"
#include "totals.h"

#define MBIT_BYTES 125000 /* in one Mbit, in which ntopng tells speeds */

struct sensor_facts {
	const struct topo_sensor *sensor;
	uint32_t id;         /* its place in the topology */
	bool answered;       /* its process did */
	char state[128];
	uint64_t clock;      /* packet time, ns */
	uint64_t packets, bytes, drops;
	uint64_t speed;      /* of the link, bytes/s, 0 = unknown */
	const struct totals_sensor *totals;
};

/*
 * Asks n sensors of the topology from 'first' on, one after the other. Calls cb for each, and once more with NULL at the
 * end; maybe before it returns.
 */
void sensors_ask(struct apid *k, size_t first, size_t n, void (*cb)(void *arg, const struct sensor_facts *f), void *arg);

#endif

/*
 * Where traffic is: a local network, a sensor, or weir as a whole. Counted, with episodes of its own. A check looks at one of
 * them at the end of a period. Plain data: what is not a number is said.
 */
#ifndef WEIR_PLACE_H
#define WEIR_PLACE_H

#include "counters.h"
#include "episode.h"
#include "record.h"

#define PLACE_GHOSTS 8

/* What a process of weir tells of itself, by its STATUS; filled only when the input is live. */
struct health {
	char process[32]; /* the one that the finding is about; "" = none */
	double value;
};

struct place {
	enum entity entity;      /* ENT_NETWORK, ENT_INTERFACE, ENT_SYSTEM */
	char name[64];           /* the network, the sensor's name, or "weir" */
	bool live;               /* a sensor on an interface */
	struct engaged *engaged; /* list */
	struct volumes volumes;
	struct forecast traffic, score_forecast;
	uint32_t hosts;          /* active local hosts in the minute; of weir: all */
	uint64_t score;          /* of a network: sum over its hosts now; of a sensor: earned by its flows so far */
	uint64_t score_at;       /* of a sensor: at the last five minutes */
	struct {
		struct window flows, syns, dhcp, arp;
		uint32_t unanswered;                   /* SYNs */
		uint64_t tcp, retrans, ooo, lost;      /* TCP packets of the minute */
	} minute;
	/* sensors */
	struct g_sensor_count count, count_at; /* totals now and when the minute began */
	uint32_t quiet;                         /* minutes in a row without a packet */
	struct {
		struct cidr net;
		uint32_t packets; /* in the minute */
	} ghosts[PLACE_GHOSTS];
	/* weir */
	uint64_t evicted_hosts, evicted_hosts_at, stale_flows, lua_errors, lua_errors_at;
	uint32_t lua_disabled;  /* scripts out of service */
	char lua_names[128];    /* which; cut when it is too long */
	uint64_t poisoned, poisoned_at; /* records that crashed or hung a process and were skipped */
	struct health silent, full, failing, dropped; /* see health.h */
};

#endif

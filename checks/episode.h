/*
 * The life of an alert that has a beginning and an end: how hosts, MAC addresses, networks, sensors and weir itself are told
 * about. A check says at each run whether its condition holds; this says what follows. Pure.
 *
 *            holds for 'after' runs            value grew by half
 *  waiting ------------------------> engaged --------------------> told again
 *     ^  |                              |
 *     +--+ does not hold                +--> released: does not hold, and the value is down to 'clear' % of the threshold
 */
#ifndef WEIR_EPISODE_H
#define WEIR_EPISODE_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "id.h"

#define EPISODE_MESSAGE 256

/* What a check found at one run. value and threshold are set also when the condition does not hold: hysteresis needs them. */
struct observation {
	bool attacker;            /* the thing is the attacker, else the victim */
	double value, threshold;  /* threshold 0 and value 0: a condition without a number */
	char message[EPISODE_MESSAGE];
	char values[160];         /* further 'name=value' lines */
	uint16_t score;           /* 0: that of the check */
};

/* No pointer but next: the message is part of it, so that a list of them can be written out and read back as it is. */
struct engaged {
	struct id id;
	uint64_t time;            /* engaged since */
	uint32_t revision;        /* records told so far; 0 = waiting, nobody knows of it */
	uint16_t check;           /* index in conf */
	uint8_t period;           /* enum period */
	bool attacker, seen;      /* seen: its check ran in this run */
	uint8_t told_severity;    /* of the last record, + 1; 0 = there was none */
	uint16_t above;           /* runs in a row in which the condition held, while waiting */
	double value, threshold;  /* of the last run in which it held */
	double told;              /* value of the last record */
	uint64_t told_at;
	uint16_t client_score, server_score;
	char message[EPISODE_MESSAGE];
	char values[160];
	struct engaged *next;     /* in the list of its owner */
};

enum episode_step { EPISODE_NOTHING, EPISODE_ENGAGE, EPISODE_UPDATE, EPISODE_RELEASE };

/* An engaged alert is told again when its value has grown by this share. */
#define EPISODE_GROWTH 0.5

static inline bool episode_is_engaged(const struct engaged *g)
{
	return g->revision > 0;
}

/* The episode of a check and period in a list, or NULL. */
struct engaged *episode_find(struct engaged *list, unsigned check, unsigned period);
/*
 * A run of the check found o; holds: its condition is true. *list gets an episode when there is something to remember, and
 * *ret is the one that the step is about. EPISODE_RELEASE and EPISODE_ENGAGE are the caller's to carry out; he removes what
 * is over.
 */
enum episode_step episode_run(struct engaged **list, unsigned check, unsigned period, const struct check_conf *k, bool holds,
			      const struct observation *o, struct engaged **ret);
/* Takes it out of the list and frees it. */
void episode_remove(struct engaged **list, struct engaged *g);
/* Frees all of a list. */
void episode_clear(struct engaged **list);

#endif

/*
 * What weir's other processes tell of themselves, minute by minute, for the checks of weir itself. Pure: answers to STATUS and
 * the time go in, findings come out.
 */
#ifndef WEIR_HEALTH_H
#define WEIR_HEALTH_H

#include <stddef.h>

#include "engine.h"

struct health_process {
	char name[40];
	uint64_t heard;       /* when it answered last; at first when the watch began */
	double full;          /* of its queue, %, largest in the minute */
	double failing;       /* attempts to deliver that failed in a row, largest in the minute */
	uint64_t dead, dead_at; /* deliveries that were given up and are kept; at the last report */
	uint64_t dropped, dropped_at; /* alerts it dropped so far; at the last report */
	bool known;           /* dropped_at and dead_at are set */
	uint64_t adding, adding_dead; /* while an answer is read */
};

/* An answer begins; its PROCESS record. Then its metrics, then the end. */
void health_answer(struct health_process *p, uint64_t now, const struct g_process *r);
void health_metric(struct health_process *p, const char *name, double value);
void health_answer_end(struct health_process *p);
#define HEALTH_KINDS 4
/* The minute is over: for each kind of finding the process that is worst. Begins the next minute. */
void health_report(struct health_process *p, size_t n, uint64_t now, struct engine_health out[static HEALTH_KINDS]);

#endif

/*
 * The record of what came through the door: every write, and every refusal of whoever wanted in. Lines of JSON, appended to
 * a file that is the owner's alone; when it is full it is renamed to .1, .1 to .2 and so on. Never holds a token, a body or
 * a query string.
 */
#ifndef WEIR_AUDIT_H
#define WEIR_AUDIT_H

#include <stdint.h>

#include "buf.h"

#define AUDIT_KEPT 3 /* predecessors: .1 to .3 */

struct audit_event {
	const char *event;   /* "write" or "refused" */
	const char *who;     /* name of the token, "" = nobody known */
	const char *from;    /* address, or uid:N over a unix socket */
	const char *method, *path;
	const char *about;   /* what the path does not say, "" = nothing */
	const char *request; /* id */
	unsigned status;     /* of the reply */
	uint64_t left_out;   /* refusals before this one that are not in the file: there were too many */
	uint64_t time;       /* wall clock, ns */
};
/* The line, with its end. */
void audit_print(struct buf *out, const struct audit_event *e);

struct audit;
/* NULL after appending to err. */
struct audit *audit_open(const char *path, uint64_t max_bytes, struct buf *err);
void audit_free(struct audit *a);
/* -1 and errno if it could not be written. The next one is tried anew. */
int audit_write(struct audit *a, const struct audit_event *e);

#endif

/*
 * A way to deliver: runs a program, posts to a URL ... Each kind is a file with a constructor and these operations.
 */
#ifndef WEIR_SINK_H
#define WEIR_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "id.h"

/* One attempt. */
struct sink_job {
	uint32_t job;         /* names the attempt in the result */
	struct id delivery;
	struct id alert;
	uint32_t revision;
	uint32_t attempt;     /* from 1 */
	bool maybe_duplicate;
	const char *action;   /* store, engage, update, release */
	const char *severity;
	const char *recipient;
	const char *document; /* JSON, one object */
	size_t len;
};

enum sink_verdict {
	SINK_SENT,
	SINK_RETRY, /* may succeed later */
	SINK_DEAD,  /* will not */
};

struct sink_result {
	uint32_t job;
	enum sink_verdict verdict;
	bool maybe_arrived;    /* it failed, yet the other side may have taken it */
	uint64_t retry_after;  /* ns the other side asks to be left alone, 0 = it did not say */
	char text[512];        /* why it failed */
};

typedef void sink_done(void *arg, const struct sink_result *r);

struct sink;

struct sink_ops {
	/* Begins an attempt. The result comes later through done, exactly once, never during this call. -1: cannot begin. */
	int (*send)(struct sink *s, const struct sink_job *j);
	void (*free)(struct sink *s);
};

/* The first member of every sink. */
struct sink {
	const struct sink_ops *ops;
};

#endif

/*
 * Where packets come from: files (source_file.c), a live interface (source_live.c). One struct of functions each; the
 * wiring knows no more.
 */
#ifndef WEIR_SOURCE_H
#define WEIR_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "packet.h"
#include "topo.h"

enum source_result {
	SOURCE_OK,    /* at least one packet */
	SOURCE_AGAIN, /* none now: wait for fd (live, pipe) or a moment (growing file) */
	SOURCE_ANOTHER, /* what comes next is not what identity() told, which now tells it: a growing file was replaced */
	SOURCE_END,   /* no more, ever */
	SOURCE_ERROR, /* error() says why; packets before it were delivered. For a file: go on with the next input */
};

struct source_stats {
	uint64_t kernel_drops, if_drops; /* live, running totals */
	uint64_t speed;                  /* live: of the link when it was opened, bytes/s; 0 = there is none, or nobody knows */
	uint64_t bytes_read;             /* of files */
	uint64_t truncated_files;        /* files that ended inside a packet or block */
};

struct source {
	const struct source_ops *ops;
};

struct source_ops {
	/*
	 * Up to max packets into p. Their data stays valid until the next call. Never blocks.
	 */
	enum source_result (*read)(struct source *s, struct packet *p, unsigned max, unsigned *ret_n);
	int (*fd)(struct source *s);  /* to poll for EPOLLIN, -1 if there is none */
	bool (*live)(struct source *s);
	void (*stats)(struct source *s, struct source_stats *st);
	const char *(*error)(struct source *s); /* last error: 'file: offset N: text' */
	/*
	 * A number that names the content. Files: a hash of size, head and tail of all of them (cheap); a growing file: of
	 * its first packet, 0 without one; live: random.
	 */
	uint64_t (*identity)(struct source *s);
	/* Files: start again at the first packet. Returns 0, or -1 (live, standard input). */
	int (*rewind)(struct source *s);
	void (*close)(struct source *s);
};

/* Opens; needs privileges for an interface. On failure returns NULL and appends a message that says what to do. */
struct source *source_file_open(const struct topo_sensor *t, struct buf *err);
/* By t->source. */
struct source *source_open(const struct topo_sensor *t, struct buf *err);

#endif

/* One question to a process of the site over its socket, for verbs that wait for the answer. */
#ifndef WEIR_ASK_H
#define WEIR_ASK_H

#include "buf.h"
#include "link.h"
#include "topo.h"

/*
 * Asks a process (and the instance or socket of it, or NULL) and waits for up to 30 s. body is filled with the answer, *a
 * and *r point into it. Returns EXIT_DONE, or another exit code after saying what is wrong.
 */
int ask_process(const struct topo *t, const char *process, const char *instance, enum rtype type, const void *rec,
		const char *base, struct buf *body, struct g_answer *a, struct codec_reader *r);

/* What is asked for page by page. */
struct ask_pages {
	const char *process, *instance, *what;
	const struct buf *filter; /* an expression; NULL = all */
	uint32_t most;            /* records */
	/* Returns how many of a page's records it took: when there were more, that is enough; -1 after saying what is wrong. */
	int (*page)(void *arg, uint32_t count, struct codec_reader *r);
};
/* Returns an exit code. */
int ask_pages(const struct topo *t, const struct ask_pages *p, void *arg);
/* The next record of an answer, which should be of this type; false after saying that it cannot be read. */
bool ask_record(struct codec_reader *r, enum rtype type, void *rec);
/* In whose name commands are given. */
const char *ask_actor(void);

#endif

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
/* The next record of an answer, which should be of this type; false after saying that it cannot be read. */
bool ask_record(struct codec_reader *r, enum rtype type, void *rec);
/* In whose name commands are given. */
const char *ask_actor(void);

#endif

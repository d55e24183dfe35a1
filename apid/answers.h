/*
 * Bodies made of what alertd answered, for whoever asks the same again. alertd is asked each time all the same: it is told which
 * revision of its answer is here, and says that it still is that one instead of answering anew. So nothing here can be stale.
 */
#ifndef WEIR_APID_ANSWERS_H
#define WEIR_APID_ANSWERS_H

#include "buf.h"

#define ANSWERS_MAX       16
#define ANSWERS_MAX_BYTES (512u << 10) /* of one of them; larger ones are not kept */

/* Lives as long as somebody holds it, also when another one has taken its place. */
struct answer {
	unsigned holders;
	uint64_t revision;
	struct buf body;
	char *next; /* cursor of the next page, "" on the last */
};

struct answers;

struct answers *answers_new(void);
void answers_free(struct answers *a);
/* The last one to this question, held; NULL if there is none. */
struct answer *answers_find(struct answers *a, const struct buf *question);
/* Copies. The question that was asked the longest time ago makes room. */
void answers_keep(struct answers *a, const struct buf *question, uint64_t revision, const struct buf *body, const char *next);
/* Lets go of it; NULL: nothing to do. */
void answer_release(struct answer *a);

#endif

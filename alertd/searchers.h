/*
 * Threads that answer QUERY, each with a handle of its own that cannot write. Questions that may look at much of the history
 * have threads of their own, so that they are in the way of each other and of nothing else.
 */
#ifndef WEIR_SEARCHERS_H
#define WEIR_SEARCHERS_H

#include "link.h"
#include "store.h"

struct search {
	struct link_req *req;
	struct buf packed; /* the QUERY */
	/* the answer */
	unsigned status;
	uint64_t revision; /* of what it was made from, 0 = none that can be told */
	struct store_page page;
	struct buf body, err;
	struct search *next;
};

struct searchers;

/* done is called in a thread of theirs; the search is its then. NULL after logging why. */
struct searchers *searchers_start(const struct store_ops *ops, const struct store_conf *conf,
				  void (*done)(void *arg, struct search *found), void *arg);
/*
 * The revision of what an answer made from now on would be made from, 0 = none can be told: there is one of alerts and what people
 * noted on them only. While it stays the same, so does the answer.
 */
uint64_t searchers_revision(const struct searchers *s, const struct g_query *q, const char *base);
/* Copies the question. */
void searchers_ask(struct searchers *s, struct link_req *req, const struct r_query *q, const char *base);
/* What is being searched is let finish (the store's cancel flag ends it), what waits is dropped. done is not called any more. */
void searchers_stop(struct searchers *s);
void search_free(struct search *s);

#endif

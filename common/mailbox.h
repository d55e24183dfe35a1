/* Calls from any thread into the loop of another, in the order in which they are posted. */
#ifndef WEIR_MAILBOX_H
#define WEIR_MAILBOX_H

#include <stdbool.h>

#include "loop.h"

struct mailbox;

/* A call that its owner keeps, and may post again and again; all zero but for fn and arg at first. */
struct letter {
	void (*fn)(void *arg);
	void *arg;
	struct letter *next;
	bool waiting, own;
};

/* In the thread of the loop. */
struct mailbox *mailbox_new(struct loop *l);
/* Calls that are still waiting are dropped. No other thread may post any more. */
void mailbox_free(struct mailbox *m);
/* From any thread: fn(arg) runs in the loop. */
void mailbox_post(struct mailbox *m, void (*fn)(void *arg), void *arg);
/* The same without memory of its own: one that waits already stays where it is. */
void mailbox_put(struct mailbox *m, struct letter *l);
/* Takes it out, before its owner goes. */
void mailbox_take_back(struct mailbox *m, struct letter *l);

#endif

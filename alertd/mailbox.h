/* Calls from one thread into the loop of another. */
#ifndef WEIR_MAILBOX_H
#define WEIR_MAILBOX_H

#include "loop.h"

struct mailbox;

/* In the thread of the loop. */
struct mailbox *mailbox_new(struct loop *l);
/* Calls that are still waiting are dropped. No other thread may post any more. */
void mailbox_free(struct mailbox *m);
/* From any thread: fn(arg) runs in the loop, in the order of the posts. */
void mailbox_post(struct mailbox *m, void (*fn)(void *arg), void *arg);

#endif

/* What the two ends of a link share. Only link_*.c includes this, and only they know nng. */
#ifndef WEIR_LINK_PRIV_H
#define WEIR_LINK_PRIV_H

#include <nng/nng.h>
#include <stdbool.h>

#include "link.h"
#include "loop.h"
#include "mailbox.h"

/*
 * From nng's threads to the loop: an aio callback only puts its letter into the hub of its loop; the loop does the rest. It is made
 * at the first call.
 */
struct mailbox *hub_get(struct loop *l);

/* Before a socket is opened. Ends the process if nng could not begin its threads. */
void link_begin(void);
/* A REQ socket that dials, and dials again, without waiting. pipe_cb, if not NULL, is told of connections. */
nng_socket link_dial(const char *url, void (*pipe_cb)(nng_pipe, nng_pipe_ev, void *), void *arg);
/* A message with a record in it. */
nng_msg *link_message(enum rtype type, const void *rec, const char *base);

#endif

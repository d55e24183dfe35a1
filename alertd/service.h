/* The second socket of alertd: QUERY and COMMAND, answered by a thread of its own with its own handle of the store. */
#ifndef WEIR_SERVICE_H
#define WEIR_SERVICE_H

#include "store.h"

struct service;

/* Starts the thread. url: where it listens. NULL after logging why. */
struct service *service_start(const struct store_conf *conf, const char *url);
void service_stop(struct service *s);

#endif

/* Delivers by running a program. */
#ifndef WEIR_SINK_EXEC_H
#define WEIR_SINK_EXEC_H

#include "sink.h"

struct spawner;
struct spawn_result;

/* recipient: its number in the topology. */
struct sink *sink_exec_new(struct spawner *sp, unsigned recipient);
/* What a program's end means: 0 sent; 75, a refusal, a timeout or a kill from outside: retry; anything else: dead. */
void sink_exec_result(const struct spawn_result *r, struct sink_result *out);

#endif

/* The stream "history" into flow files, in a thread of its own: alerts never wait for it. */
#ifndef WEIR_HISTORY_H
#define WEIR_HISTORY_H

#include "intake.h"

struct history;

/* conf: loop, role and stream are set here. NULL after logging why. */
struct history *history_start(const struct intake_conf *conf);
/* Stores what has come and ends the thread. */
void history_stop(struct history *h);
const struct intake_count *history_count(const struct history *h);
void history_trouble(struct history *h, char *text, size_t size);
/* As intake_prune; done is called in the history's thread. */
void history_prune_now(struct history *h, void (*done)(void *arg, const struct store_pruned *did, const char *error), void *arg);

#endif

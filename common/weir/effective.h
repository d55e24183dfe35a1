/* The topology that run and replay start processes with: the user's, with another input or place. */
#ifndef WEIR_EFFECTIVE_H
#define WEIR_EFFECTIVE_H

#include "topo.h"

/* Replaces all sensors by one that is named, has these inputs and the other settings of the first. speed < 0: keep. */
void effective_sensor(struct topo *t, const char *name, enum topo_source source, char *const *inputs, double speed);
/* Puts sockets and state below dir and stays the user we are. */
void effective_dir(struct topo *t, const char *dir);
/* Nobody holds the link back. */
void effective_not_durable(struct topo *t, const char *link);
/* Adds a durable consumer to a link. */
void effective_durable(struct topo *t, const char *link, const char *consumer);
/* The log of the link holds so many bytes, at least 4 MB. */
void effective_log(struct topo *t, const char *link, uint64_t bytes);
void effective_no_recipients(struct topo *t);
/* "max" is 0, else a factor above 0. Returns 0, or -1 and leaves *ret alone. */
int speed_parse(const char *text, double *ret);
/*
 * Writes it to <runtime>/effective.yaml, making the runtime directory. Returns the path, or NULL after saying why.
 */
char *effective_write(struct topo *t);

/* The user's checks and settings if there is a configuration (file, $WEIR_CONFIG, the usual place), else the defaults. */
struct topo *effective_base(const char *file);
/* Removes a directory with all that is in it. */
void effective_remove(const char *dir);

#endif

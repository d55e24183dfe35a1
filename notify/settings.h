/* The settings of a webhook with their secrets put in. Read before the sandbox closes, by whoever may read the secrets. */
#ifndef WEIR_SETTINGS_H
#define WEIR_SETTINGS_H

#include "topo.h"

struct settings {
	char *url, *secret; /* NULL = none */
	char **headers;     /* NULL-terminated */
	char *broken;       /* why they cannot be used; NULL = they can */
};

/* Fills s; what is wrong is told in broken. */
void settings_read(struct settings *s, const struct topo *t, const struct topo_recipient *rc);
void settings_release(struct settings *s);

#endif

/* What the functions of host, network and sensor checks share. */
#ifndef WEIR_HOST_UTIL_H
#define WEIR_HOST_UTIL_H

#include <stdio.h>

#include "rows.h"

#define TELL(o, ...) snprintf((o)->message, sizeof (o)->message, __VA_ARGS__)
#define MORE(o, ...) snprintf((o)->values, sizeof (o)->values, __VA_ARGS__)

/* Formats with one %g or %.0f, for the value. The threshold is the row's first parameter; above it, the check holds. */
#define HAS_FORMAT(n) __attribute__((format(printf, n, 0)))

/* A counter kept as attacker and as victim: the attacker's side is looked at first. */
bool two_sided(double attacker, double victim, const struct check_conf *k, struct observation *o, const char *as_a,
	       const char *as_v);
bool one_sided(double value, const struct check_conf *k, struct observation *o, const char *text);
/* The victim's side alone. */
bool victim_sided(double value, const struct check_conf *k, struct observation *o, const char *text);
/* A row with a threshold for each period (VOLUMES). */
bool in_period(double value, enum period p, const struct check_conf *k, struct observation *o, const char *unit);
/* A forecast's last sample was off its band: parameters are learning and floor. */
bool out_of_band(const struct forecast *fc, const struct check_conf *k, struct observation *o, const char *what);

#endif

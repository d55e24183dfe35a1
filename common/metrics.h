/*
 * What a process tells of itself: counters and gauges, registered once with the place where they live, read when somebody
 * asks for STATUS. The names are those in weir status and, after weir_, in /metrics.
 */
#ifndef WEIR_METRICS_H
#define WEIR_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

struct metrics;

struct metrics *metrics_new(const char *process);
void metrics_free(struct metrics *m);
/* value is read when asked; it must live as long as m. name, label and unit are copied. label may be NULL. */
void metrics_counter(struct metrics *m, const char *name, const char *label, const char *unit, const uint64_t *value);
void metrics_gauge(struct metrics *m, const char *name, const char *label, const char *unit, const uint64_t *value);
/* For values that are computed, or that come and go (per check): cb appends with metrics_put. */
void metrics_source(struct metrics *m, void (*cb)(void *arg, struct metrics *m), void *arg);
void metrics_put(struct metrics *m, const char *name, const char *label, const char *unit, bool counter, double value);
/* In a source: the bound of a table, queue, journal or cache. Told like a gauge, and printed when the process starts. */
void metrics_bound(struct metrics *m, const char *name, const char *label, const char *unit, double value);
/* Appends all as METRIC records; returns their number. */
uint32_t metrics_pack(struct metrics *m, struct buf *out);
/* Appends the bounds alone, as text: name=value, with the label in brackets. */
void metrics_print_bounds(struct metrics *m, struct buf *out);

#endif

/*
 * Counters and gauges of all processes as Prometheus reads them: text format 0.0.4, or OpenMetrics 1.0. Names are ours
 * where others look for them (weir_interface_..., weir_flows_...), else weir_<process>_<name>. Pure.
 */
#ifndef WEIR_PROM_H
#define WEIR_PROM_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "record.h"

enum prom_form { PROM_TEXT, PROM_OPEN, PROM_NTOPNG };

struct prom;
struct prom *prom_new(void);
void prom_free(struct prom *p);
/* What a process told in answer to STATUS. */
void prom_process(struct prom *p, const struct g_process *g, const char *base);
void prom_metric(struct prom *p, const struct g_metric *m, const char *base);
/* A process that does not answer. */
void prom_down(struct prom *p, const char *process);
/* Everything, families in order of their names. PROM_NTOPNG: what ntopng's exporter has of it, under its names. */
void prom_print(struct prom *p, enum prom_form form, struct buf *out);
const char *prom_type(enum prom_form form); /* Content-Type */

#endif

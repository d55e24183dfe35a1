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
#define PROM_END ((const char *)NULL) /* of the pairs of a label's name and value */
enum prom_kind { PROM_GAUGE, PROM_COUNTER, PROM_HISTOGRAM, PROM_SUMMARY };
/*
 * A sample: family without "_total", and pairs of a label's name and value, PROM_END ends them. help is kept, not copied; NULL:
 * none but the name. A family has one kind.
 */
void prom_add(struct prom *p, enum prom_kind kind, const char *family, const char *help, double value, ...)
	__attribute__((sentinel));
/* A sample of a histogram or a summary: suffix is "_bucket" (with a label le, in order), "_sum" or "_count". */
void prom_part(struct prom *p, enum prom_kind kind, const char *family, const char *help, const char *suffix, double value, ...)
	__attribute__((sentinel));

/* What a process told in answer to STATUS. */
void prom_process(struct prom *p, const struct g_process *g, const char *base);
void prom_metric(struct prom *p, const struct g_metric *m, const char *base);
/* A process that does not answer. */
void prom_down(struct prom *p, const char *process);
#define PROM_NDPI "weir_ndpi_info" /* family of the version that classify tells */
/* The value of a label as the format has it, of the first sample of a family; "" if there is none. */
void prom_label(const struct prom *p, const char *family, const char *label, char *out, size_t size);
/* Values of a family added up, of samples with this label. */
double prom_sum(const struct prom *p, const char *family, const char *label, const char *value);
/* Everything, families in order of their names. PROM_NTOPNG: text, and counters keep the names they have. */
void prom_print(struct prom *p, enum prom_form form, struct buf *out);
const char *prom_type(enum prom_form form); /* Content-Type */

#endif

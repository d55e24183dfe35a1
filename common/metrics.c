#include "metrics.h"

#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "record.h"

struct metric {
	char *name, *label, *unit;
	const uint64_t *value;
	bool counter;
};

struct source {
	void (*cb)(void *arg, struct metrics *m);
	void *arg;
};

struct metrics {
	char *process;
	struct metric *list;
	size_t n;
	struct source *sources;
	size_t n_sources;
	struct buf *out;    /* while packing */
	struct buf *bounds; /* while printing bounds */
	uint32_t packed;
};

struct metrics *metrics_new(const char *process)
{
	struct metrics *m = xcalloc(1, sizeof *m);
	m->process = xstrdup(process);
	return m;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++) {
		free(m->list[i].name);
		free(m->list[i].label);
		free(m->list[i].unit);
	}
	free(m->list);
	free(m->sources);
	free(m->process);
	free(m);
}

static void add(struct metrics *m, const char *name, const char *label, const char *unit, const uint64_t *value,
		bool counter)
{
	m->list = xrealloc(m->list, (m->n + 1) * sizeof *m->list);
	m->list[m->n++] = (struct metric){ xstrdup(name), xstrdup(label ? label : ""), xstrdup(unit), value, counter };
}

void metrics_counter(struct metrics *m, const char *name, const char *label, const char *unit, const uint64_t *value)
{
	add(m, name, label, unit, value, true);
}

void metrics_gauge(struct metrics *m, const char *name, const char *label, const char *unit, const uint64_t *value)
{
	add(m, name, label, unit, value, false);
}

void metrics_source(struct metrics *m, void (*cb)(void *arg, struct metrics *m), void *arg)
{
	m->sources = xrealloc(m->sources, (m->n_sources + 1) * sizeof *m->sources);
	m->sources[m->n_sources++] = (struct source){ cb, arg };
}

void metrics_put(struct metrics *m, const char *name, const char *label, const char *unit, bool counter, double value)
{
	struct buf strs = { 0 };
	if (m->bounds)
		return;
	struct r_metric r = { .metric = { .counter = counter, .value = value } };
	r.metric.process = str_put(&strs, m->process, strlen(m->process), 64);
	r.metric.name = str_put(&strs, name, strlen(name), 64);
	r.metric.unit = str_put(&strs, unit, strlen(unit), 32);
	if (label)
		r.metric.label = str_put(&strs, label, strlen(label), 128);
	codec_pack(m->out, R_METRIC, &r, strs.p);
	buf_release(&strs);
	m->packed++;
}

void metrics_bound(struct metrics *m, const char *name, const char *label, const char *unit, double value)
{
	if (!m->bounds)
		metrics_put(m, name, label, unit, false, value);
	else if (label)
		buf_addf(m->bounds, " %s[%s]=%.0f", name, label, value);
	else
		buf_addf(m->bounds, " %s=%.0f", name, value);
}

static void ask_sources(struct metrics *m)
{
	for (size_t i = 0; i < m->n_sources; i++)
		m->sources[i].cb(m->sources[i].arg, m);
}

void metrics_print_bounds(struct metrics *m, struct buf *out)
{
	m->bounds = out;
	ask_sources(m);
	m->bounds = NULL;
}

uint32_t metrics_pack(struct metrics *m, struct buf *out)
{
	m->out = out;
	m->packed = 0;
	for (size_t i = 0; i < m->n; i++) {
		const struct metric *k = &m->list[i];
		metrics_put(m, k->name, k->label, k->unit, k->counter, (double)*k->value);
	}
	ask_sources(m);
	m->out = NULL;
	return m->packed;
}

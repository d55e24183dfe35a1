#include "prom.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sample {
	char family[96]; /* without _total */
	char labels[160];
	bool counter;
	double value;
	const char *help; /* NULL: none but the name */
};

struct prom {
	struct sample *s;
	size_t n;
};

struct prom *prom_new(void)
{
	return xcalloc(1, sizeof(struct prom));
}

void prom_free(struct prom *p)
{
	if (!p)
		return;
	free(p->s);
	free(p);
}

static struct sample *add(struct prom *p, bool counter, double value)
{
	p->s = xrealloc(p->s, (p->n + 1) * sizeof *p->s);
	p->s[p->n] = (struct sample){ .counter = counter, .value = value };
	return &p->s[p->n++];
}

/* Appends name="value" with what the format escapes. */
static void add_label(char *labels, size_t size, const char *name, const char *value, size_t len)
{
	size_t n = strlen(labels);
	if (n + strlen(name) + 2 * len + 6 > size)
		return;
	n += (size_t)snprintf(labels + n, size - n, "%s%s=\"", n ? "," : "", name);
	for (size_t i = 0; i < len; i++) {
		if (value[i] == '"' || value[i] == '\\')
			labels[n++] = '\\';
		labels[n++] = value[i] == '\n' ? ' ' : value[i];
	}
	labels[n++] = '"';
	labels[n] = '\0';
}

/* -- names -- */

/* What a sensor tells, under names that are known: a label of its own makes one family of several counters. */
static const struct known {
	const char *name, *family, *label, *value, *help;
} known[] = {
	{ "packets", "weir_interface_packets", NULL, NULL, "Packets read." },
	{ "bytes", "weir_interface_bytes", NULL, NULL, "Bytes of the packets read, as on the wire." },
	{ "kernel_drops", "weir_interface_packets_dropped", "reason", "kernel", "Packets lost before they could be read." },
	{ "interface_drops", "weir_interface_packets_dropped", "reason", "interface", "Packets lost before they could be read." },
	{ "shed_packets", "weir_interface_packets_dropped", "reason", "shed", "Packets lost before they could be read." },
	{ "flows_active", "weir_flows_active", NULL, NULL, "Flows in the table." },
	{ "flows_opened", "weir_flows_created", NULL, NULL, "Flows opened." },
	{ "flows_ended", "weir_flows_expired", NULL, NULL, "Flows ended." },
	{ "flows_evicted", "weir_flows_evicted", NULL, NULL, "Flows ended early because the table was full." },
};

static void plain(char *name)
{
	for (; *name; name++)
		if (!(*name >= 'a' && *name <= 'z') && !(*name >= '0' && *name <= '9') && *name != '_')
			*name = '_';
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);
	return n >= m && strcmp(s + n - m, end) == 0;
}

/* weir_<process>_<name>[_<unit>], with base units only. */
static void make_family(struct sample *s, const char *process, const char *name, const char *unit)
{
	size_t n = strlen(name);
	if (ends_with(name, "_total"))
		n -= 6;
	snprintf(s->family, sizeof s->family, "weir_%s_%.*s", process, (int)n, name);
	if ((strcmp(unit, "bytes") == 0 || strcmp(unit, "seconds") == 0) && !ends_with(s->family, unit)) {
		size_t at = strlen(s->family);
		snprintf(s->family + at, sizeof s->family - at, "_%s", unit);
	}
	plain(s->family);
}

void prom_metric(struct prom *p, const struct g_metric *m, const char *base)
{
	char process[64], name[64], unit[32], *instance;
	snprintf(process, sizeof process, "%.*s", (int)m->process.len, str_ptr(base, m->process));
	snprintf(name, sizeof name, "%.*s", (int)m->name.len, str_ptr(base, m->name));
	snprintf(unit, sizeof unit, "%.*s", (int)m->unit.len, str_ptr(base, m->unit));
	instance = strchr(process, '/');
	if (instance)
		*instance++ = '\0';
	struct sample *s = add(p, m->counter, m->value);
	if (instance)
		add_label(s->labels, sizeof s->labels, "interface", instance, strlen(instance));
	for (size_t i = 0; i < sizeof known / sizeof *known && strcmp(process, "capture") == 0 && !m->label.len; i++) {
		if (strcmp(known[i].name, name) != 0)
			continue;
		snprintf(s->family, sizeof s->family, "%s", known[i].family);
		if (known[i].label)
			add_label(s->labels, sizeof s->labels, known[i].label, known[i].value, strlen(known[i].value));
		s->help = known[i].help;
		return;
	}
	make_family(s, process, name, unit);
	if (m->label.len)
		add_label(s->labels, sizeof s->labels, "kind", str_ptr(base, m->label), m->label.len);
}

static void one(struct prom *p, const char *family, const char *help, bool counter, double value, const char *process, size_t len)
{
	struct sample *s = add(p, counter, value);
	snprintf(s->family, sizeof s->family, "%s", family);
	add_label(s->labels, sizeof s->labels, "process", process, len);
	s->help = help;
}

void prom_process(struct prom *p, const struct g_process *g, const char *base)
{
	const char *name = str_ptr(base, g->process);
	size_t len = g->process.len;
	one(p, "weir_up", "The process answers.", false, 1, name, len);
	one(p, "weir_queue_bytes", "Bytes held for consumers.", false, (double)g->queue, name, len);
	one(p, "weir_lag_records", "Records that inputs hold and that are not taken yet.", false, (double)g->lag, name, len);
	one(p, "weir_drops", "Packets, records or deliveries that could not be handled.", true, (double)g->drops, name, len);
	one(p, "weir_last_packet_timestamp_seconds", "Packet time reached.", false, (double)g->clock / 1e9, name, len);
	one(p, "process_cpu_seconds", "Processor time used.", true, g->cpu, name, len);
	one(p, "process_resident_memory_bytes", "Resident memory.", false, (double)g->memory, name, len);
	one(p, "process_start_time_seconds", "Start of the process since 1970.", false, (double)g->started / 1e9, name, len);
}

void prom_down(struct prom *p, const char *process)
{
	one(p, "weir_up", "The process answers.", false, 0, process, strlen(process));
}

/* -- printing -- */

static int by_family(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;
	int c = strcmp(x->family, y->family);
	return c ? c : strcmp(x->labels, y->labels);
}

static void print_head(const struct sample *s, bool open, struct buf *out)
{
	const char *total = s->counter && !open ? "_total" : "";
	buf_addf(out, "# HELP %s%s ", s->family, total);
	if (s->help)
		buf_adds(out, s->help);
	else
		for (const char *c = s->family + strlen("weir_"); *c; c++)
			buf_addc(out, *c == '_' ? ' ' : *c);
	buf_addf(out, "\n# TYPE %s%s %s\n", s->family, total, s->counter ? "counter" : "gauge");
}

static void print_ours(struct prom *p, bool open, struct buf *out)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct sample *s = &p->s[i], *before = i ? s - 1 : NULL;
		if (before && strcmp(before->family, s->family) == 0) {
			/* The same thing told twice under one name would be refused as a whole. */
			if (strcmp(before->labels, s->labels) == 0 || before->counter != s->counter)
				continue;
		} else {
			print_head(s, open, out);
		}
		buf_addf(out, "%s%s{%s} %.17g\n", s->family, s->counter ? "_total" : "", s->labels, s->value);
	}
	buf_addf(out, "# HELP weir_build_info Version of the program.\n# TYPE weir_build_info gauge\nweir_build_info{version=\"%s\"} 1\n",
		 WEIR_VERSION);
	if (open)
		buf_adds(out, "# EOF\n");
}

/* The interface's counters as ntopng's exporter names them; its ifid is our place in the list. */
static void print_ntopng(struct prom *p, struct buf *out)
{
	static const struct {
		const char *theirs, *ours, *only;
	} rows[] = {
		{ "ntopng_interface_bytes_rcvd", "weir_interface_bytes", "" },
		{ "ntopng_interface_packets_rcvd", "weir_interface_packets", "" },
		{ "ntopng_interface_drops", "weir_interface_packets_dropped", "reason=\"kernel\"" },
	};
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		unsigned ifid = 0;
		buf_addf(out, "# TYPE %s counter\n", rows[r].theirs);
		for (size_t i = 0; i < p->n; i++) {
			const char *name = p->s[i].labels + strlen("interface=\"");
			if (strcmp(p->s[i].family, rows[r].ours) != 0 || !strstr(p->s[i].labels, rows[r].only))
				continue;
			buf_addf(out, "%s{ifid=\"%u\",ifname=\"%.*s\"} %.17g\n", rows[r].theirs, ifid++, (int)strcspn(name, "\""),
				 name, p->s[i].value);
		}
	}
}

void prom_print(struct prom *p, enum prom_form form, struct buf *out)
{
	if (p->n)
		qsort(p->s, p->n, sizeof *p->s, by_family);
	if (form == PROM_NTOPNG)
		print_ntopng(p, out);
	else
		print_ours(p, form == PROM_OPEN, out);
}

const char *prom_type(enum prom_form form)
{
	return form == PROM_OPEN ? "application/openmetrics-text; version=1.0.0; charset=utf-8" :
				   "text/plain; version=0.0.4; charset=utf-8";
}

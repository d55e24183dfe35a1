#include "prom.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sample {
	char family[96]; /* without _total */
	char labels[256];
	const char *suffix; /* of a histogram or summary */
	enum prom_kind kind;
	size_t seq; /* place among those added */
	double value;
	const char *help; /* NULL: none but the name */
};

struct prom {
	struct sample *s;
	size_t n, max;
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

static struct sample *add(struct prom *p, enum prom_kind kind, double value)
{
	if (p->n == p->max) {
		p->max = p->max ? 2 * p->max : 256;
		p->s = xrealloc(p->s, p->max * sizeof *p->s);
	}
	p->s[p->n] = (struct sample){ .kind = kind, .suffix = "", .seq = p->n, .value = value };
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

static void add_labels(struct sample *s, va_list ap)
{
	for (const char *name; (name = va_arg(ap, const char *));) {
		const char *value = va_arg(ap, const char *);
		add_label(s->labels, sizeof s->labels, name, value, strlen(value));
	}
}

static struct sample *named(struct prom *p, enum prom_kind kind, const char *family, const char *help, double value)
{
	struct sample *s = add(p, kind, value);
	snprintf(s->family, sizeof s->family, "%s", family);
	s->help = help;
	return s;
}

void prom_add(struct prom *p, enum prom_kind kind, const char *family, const char *help, double value, ...)
{
	va_list ap;
	va_start(ap, value);
	add_labels(named(p, kind, family, help, value), ap);
	va_end(ap);
}

void prom_part(struct prom *p, enum prom_kind kind, const char *family, const char *help, const char *suffix, double value, ...)
{
	va_list ap;
	struct sample *s = named(p, kind, family, help, value);
	s->suffix = suffix;
	va_start(ap, value);
	add_labels(s, ap);
	va_end(ap);
}

/* -- names -- */

/*
 * What processes tell, under names that others look for. label: one that is fixed, or what the metric's own label is called
 * (value NULL).
 */
static const struct known {
	const char *process; /* NULL: any, which becomes a label */
	const char *name, *family, *label, *value, *help;
} known[] = {
	{ "capture", "packets", "weir_interface_packets", NULL, NULL, "Packets read." },
	{ "capture", "bytes", "weir_interface_bytes", NULL, NULL, "Bytes of the packets read, as on the wire." },
	{ "capture", "kernel_drops", "weir_interface_packets_dropped", "reason", "kernel", "Packets lost before they could be read." },
	{ "capture", "interface_drops", "weir_interface_packets_dropped", "reason", "interface",
	  "Packets lost before they could be read." },
	{ "capture", "packets_shed", "weir_interface_packets_dropped", "reason", "queue", "Packets lost before they could be read." },
	{ "capture", "last_packet", "weir_last_packet_timestamp_seconds", NULL, NULL, "Time of the last packet." },
	{ "capture", "speed", "weir_interface_speed_bytes_per_second", NULL, NULL, "Speed of the link, if it has one." },
	{ "capture", "flows_opened", "weir_flows_created", NULL, NULL, "Flows opened." },
	{ "capture", "flows_ended", "weir_flows_expired", "reason", "ended", "Flows that are no longer in the table." },
	{ "capture", "flows_evicted", "weir_flows_evicted", NULL, NULL, "Flows ended early because the table was full." },
	{ "capture", "flows_emitted", "weir_messages", "queue", "packets", "Records handed on." },
	{ "classify", "ndpi", PROM_NDPI, "version", NULL, "Version of nDPI." },
	{ "classify", "heads", "weir_messages", "queue", "flows", "Records handed on." },
	{ "checks", "records", "weir_messages", "queue", "history", "Records handed on." },
	{ "checks", "alert_records", "weir_messages", "queue", "alerts", "Records handed on." },
	{ "alertd", "stored", "weir_messages", "queue", NULL, "Records handed on." },
	{ NULL, "lag", "weir_queue_depth", "queue", NULL, "Records that wait to be taken." },
	{ NULL, "gone", "weir_queue_dropped", "queue", NULL, "Records that were gone before they were taken." },
	{ "checks", "check_evaluations", "weir_check_evaluations", "check", "native", "Times that checks looked at something." },
	{ "checks", "lua_check_rows", "weir_check_evaluations", "check", NULL, "Times that checks looked at something." },
	{ NULL, "open_fds", "process_open_fds", NULL, NULL, "Open file descriptors." },
	{ NULL, "max_fds", "process_max_fds", NULL, NULL, "Bound of the same." },
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

static const char interface_up[] = "Its process answers.";

/* The metric under a name that is known; false if it has none. */
static bool add_known(struct prom *p, const struct g_metric *m, const char *base, const char *process, const char *instance,
		      const char *name)
{
	for (const struct known *k = known; k < known + sizeof known / sizeof *known; k++) {
		if (strcmp(k->name, name) != 0 || (k->process && strcmp(k->process, process) != 0))
			continue;
		struct sample *s = named(p, m->counter ? PROM_COUNTER : PROM_GAUGE, k->family, k->help, m->value);
		bool capture = strcmp(process, "capture") == 0 && k->process;
		if (!capture || strcmp(k->family, "weir_messages") == 0) {
			char full[96];
			snprintf(full, sizeof full, "%s%s%s", process, instance ? "/" : "", instance ? instance : "");
			if (!k->process || (k->label && strcmp(k->label, "queue") == 0))
				add_label(s->labels, sizeof s->labels, "process", full, strlen(full));
		} else {
			add_label(s->labels, sizeof s->labels, "interface", instance ? instance : "", instance ? strlen(instance) : 0);
		}
		if (k->label && k->value)
			add_label(s->labels, sizeof s->labels, k->label, k->value, strlen(k->value));
		else if (k->label)
			add_label(s->labels, sizeof s->labels, k->label, str_ptr(base, m->label), m->label.len);
		return true;
	}
	return false;
}

/* How long each check took, and how often, as a summary: scripts are timed always, native checks now and then. */
static bool add_duration(struct prom *p, const struct g_metric *m, const char *base, const char *process, const char *name)
{
	static const char family[] = "weir_check_duration_seconds", help[] = "Time that a check took, of native ones estimated.";
	static const struct {
		const char *name, *part;
		bool other; /* it is something else, too */
	} parts[] = {
		{ "check_seconds", "_sum", false },
		{ "check_runs", "_count", false },
		{ "lua_check_seconds", "_sum", false },
		{ "lua_check_rows", "_count", true },
	};
	char check[96];
	size_t i = 0, n = strcmp(process, "checks") == 0 ? sizeof parts / sizeof *parts : 0;
	while (i < n && strcmp(name, parts[i].name) != 0)
		i++;
	if (i == n)
		return false;
	snprintf(check, sizeof check, "%.*s", (int)m->label.len, str_ptr(base, m->label));
	prom_part(p, PROM_SUMMARY, family, help, parts[i].part, m->value, "check", check, PROM_END);
	return !parts[i].other;
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
	if (add_duration(p, m, base, process, name) || add_known(p, m, base, process, instance, name))
		return;
	struct sample *s = add(p, m->counter ? PROM_COUNTER : PROM_GAUGE, m->value);
	if (instance)
		add_label(s->labels, sizeof s->labels, "interface", instance, strlen(instance));
	make_family(s, process, name, unit);
	if (m->label.len)
		add_label(s->labels, sizeof s->labels, "kind", str_ptr(base, m->label), m->label.len);
}

void prom_process(struct prom *p, const struct g_process *g, const char *base)
{
	char name[96];
	snprintf(name, sizeof name, "%.*s", (int)g->process.len, str_ptr(base, g->process));
	const struct {
		const char *family, *help;
		enum prom_kind kind;
		double value;
	} rows[] = {
		{ "weir_up", "The process answers.", PROM_GAUGE, 1 },
		{ "weir_queue_bytes", "Bytes held for consumers.", PROM_GAUGE, (double)g->queue },
		{ "weir_lag_records", "Records that inputs hold and that are not taken yet.", PROM_GAUGE, (double)g->lag },
		{ "weir_drops", "Packets, records or deliveries that could not be handled.", PROM_COUNTER, (double)g->drops },
		{ "weir_clock_seconds", "Packet time reached.", PROM_GAUGE, (double)g->clock / 1e9 },
		{ "process_cpu_seconds", "Processor time used.", PROM_COUNTER, g->cpu },
		{ "process_resident_memory_bytes", "Resident memory.", PROM_GAUGE, (double)g->memory },
		{ "process_start_time_seconds", "Start of the process since 1970.", PROM_GAUGE, (double)g->started / 1e9 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		prom_add(p, rows[i].kind, rows[i].family, rows[i].help, rows[i].value, "process", name, PROM_END);
	const char *sensor = strchr(name, '/');
	if (sensor)
		prom_add(p, PROM_GAUGE, "weir_interface_up", interface_up, 1, "interface", sensor + 1, PROM_END);
}

void prom_down(struct prom *p, const char *process)
{
	const char *sensor = strchr(process, '/');
	prom_add(p, PROM_GAUGE, "weir_up", "The process answers.", 0, "process", process, PROM_END);
	if (sensor)
		prom_add(p, PROM_GAUGE, "weir_interface_up", interface_up, 0, "interface", sensor + 1, PROM_END);
}

/* -- printing -- */

/* Parts of a histogram stay in the order they came in: its buckets are in theirs. */
static int by_family(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;
	int c = strcmp(x->family, y->family);
	if (!c && x->kind != PROM_HISTOGRAM)
		c = strcmp(x->labels, y->labels);
	return c ? c : (x->seq > y->seq) - (x->seq < y->seq);
}

static void print_head(const struct sample *s, enum prom_form form, struct buf *out)
{
	static const char *const kinds[] = { "gauge", "counter", "histogram", "summary" };
	static const char *const units[] = { "bytes", "seconds" };
	bool open = form == PROM_OPEN;
	const char *total = s->kind == PROM_COUNTER && form == PROM_TEXT ? "_total" : "";
	buf_addf(out, "# HELP %s%s ", s->family, total);
	if (s->help)
		buf_adds(out, s->help);
	else
		for (const char *c = s->family + strcspn(s->family, "_") + 1; *c; c++)
			buf_addc(out, *c == '_' ? ' ' : *c);
	buf_addf(out, "\n# TYPE %s%s %s\n", s->family, total, kinds[s->kind]);
	for (size_t i = 0; open && i < sizeof units / sizeof *units; i++)
		if (ends_with(s->family, units[i]))
			buf_addf(out, "# UNIT %s %s\n", s->family, units[i]);
}

static void print_all(struct prom *p, enum prom_form form, struct buf *out)
{
	bool open = form == PROM_OPEN;
	const char *total = form == PROM_NTOPNG ? "" : "_total"; /* their counters have none */
	for (size_t i = 0; i < p->n; i++) {
		const struct sample *s = &p->s[i], *before = i ? s - 1 : NULL;
		if (before && strcmp(before->family, s->family) == 0) {
			/* The same thing told twice under one name would be refused as a whole. */
			bool twice = strcmp(before->labels, s->labels) == 0 && strcmp(before->suffix, s->suffix) == 0;
			if (twice || before->kind != s->kind)
				continue;
		} else {
			print_head(s, form, out);
		}
		buf_addf(out, "%s%s", s->family, s->kind == PROM_COUNTER ? total : s->suffix);
		if (*s->labels)
			buf_addf(out, "{%s}", s->labels);
		buf_addf(out, " %.17g\n", s->value);
	}
	if (open)
		buf_adds(out, "# EOF\n");
}

void prom_label(const struct prom *p, const char *family, const char *label, char *out, size_t size)
{
	char wanted[64];
	int len = snprintf(wanted, sizeof wanted, "%s=\"", label);
	*out = '\0';
	for (size_t i = 0; i < p->n && !*out; i++) {
		const char *at = strcmp(p->s[i].family, family) == 0 ? strstr(p->s[i].labels, wanted) : NULL;
		if (at)
			snprintf(out, size, "%.*s", (int)strcspn(at + len, "\""), at + len);
	}
}

double prom_sum(const struct prom *p, const char *family, const char *label, const char *value)
{
	char wanted[128];
	double sum = 0;
	snprintf(wanted, sizeof wanted, "%s=\"%s\"", label, value);
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->s[i].family, family) == 0 && strstr(p->s[i].labels, wanted))
			sum += p->s[i].value;
	return sum;
}

void prom_print(struct prom *p, enum prom_form form, struct buf *out)
{
	if (p->n)
		qsort(p->s, p->n, sizeof *p->s, by_family);
	print_all(p, form, out);
}

const char *prom_type(enum prom_form form)
{
	return form == PROM_OPEN ? "application/openmetrics-text; version=1.0.0; charset=utf-8" :
				   "text/plain; version=0.0.4; charset=utf-8";
}

#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "loop.h"
#include "topo.h"

struct column {
	const char *field;
	const char *title;
	int width; /* 0 = to the end */
};

static const struct column alert_table[] = { { "time", "TIME", 19 },       { "severity", "SEVERITY", 9 },
					     { "action", "ACTION", 7 },
					     { "check", "CHECK", 30 },     { "entity_value", "ENTITY", 16 },
					     { "flow.client.ip", "CLIENT", 16 }, { "flow.server.ip", "SERVER", 16 },
					     { "message", "MESSAGE", 0 },  { NULL, NULL, 0 } };
static const struct column alert_wide[] = { { "id", "ID", 26 },           { "time", "TIME", 19 },
					    { "severity", "SEVERITY", 9 }, { "score", "SCORE", 5 },
					    { "action", "ACTION", 7 },     { "check", "CHECK", 36 },
					    { "entity_value", "ENTITY", 20 }, { "flow.client.ip", "CLIENT", 39 },
					    { "flow.server.ip", "SERVER", 39 }, { "flow.server.port", "PORT", 5 },
					    { "flow.app", "APP", 16 },     { "acknowledged", "ACK", 5 },
					    { "silenced_by", "SILENCED BY", 26 },
					    { "message", "MESSAGE", 0 },   { NULL, NULL, 0 } };
static const struct column flow_table[] = { { "first", "FIRST", 19 },     { "client.ip", "CLIENT", 16 },
					    { "client.port", "PORT", 5 },  { "server.ip", "SERVER", 16 },
					    { "server.port", "PORT", 5 },  { "proto", "PROTO", 6 },
					    { "app", "APP", 16 },          { "client.bytes", "SENT", 10 },
					    { "server.bytes", "RECEIVED", 10 }, { "score", "SCORE", 5 },
					    { "hostname", "HOSTNAME", 0 }, { NULL, NULL, 0 } };
static const struct column host_table[] = { { "ip", "HOST", 39 },         { "name", "NAME", 24 },
					    { "bytes_sent", "SENT", 12 },  { "bytes_rcvd", "RECEIVED", 12 },
					    { "flows.active", "FLOWS", 6 }, { "score", "SCORE", 6 },
					    { "alerts", "ALERTS", 6 },     { NULL, NULL, 0 } };
static const struct column process_table[] = { { "process", "PROCESS", 18 }, { "pid", "PID", 8 },
					       { "state", "STATE", 44 },    { "lag", "LAG", 8 },
					       { "queue", "QUEUE", 10 },    { "drops", "DROPS", 8 },
					       { "memory", "MEMORY", 12 },  { "cpu", "CPU", 9 },
					       { "version", "VERSION", 0 }, { NULL, NULL, 0 } };
static const struct column delivery_table[] = { { "id", "ID", 26 },         { "recipient", "RECIPIENT", 16 },
						{ "state", "STATE", 10 },    { "attempts", "TRIES", 5 },
						{ "check", "CHECK", 30 },    { "error", "ERROR", 0 },
						{ NULL, NULL, 0 } };
static const struct column silence_table[] = { { "id", "ID", 26 },          { "state", "STATE", 7 },
					       { "start", "START", 19 },     { "end", "END", 19 },
					       { "author", "AUTHOR", 16 },   { "match", "MATCH", 40 },
					       { "comment", "COMMENT", 0 },  { NULL, NULL, 0 } };
static const struct column metric_table[] = { { "process", "PROCESS", 18 }, { "name", "NAME", 24 },
					      { "label", "LABEL", 32 },     { "value", "VALUE", 16 },
					      { "unit", "UNIT", 0 },        { NULL, NULL, 0 } };

static const struct column sample_table[] = { { "time", "TIME", 19 },         { "key", "KEY", 32 },
					      { "bytes", "BYTES", 14 },       { "bytes_sent", "SENT", 12 },
					      { "bytes_rcvd", "RECEIVED", 12 }, { "packets", "PACKETS", 10 },
					      { "flows", "FLOWS", 8 },        { "alerts", "ALERTS", 6 },
					      { "score", "SCORE", 0 },        { NULL, NULL, 0 } };
static const struct column run_table[] = { { "run", "RUN", 16 },       { "stored", "STORED", 19 }, { "from", "FROM", 19 },
					   { "to", "TO", 19 },         { "ended", "ENDED", 5 },    { "alerts", "ALERTS", 8 },
					   { "flows", "FLOWS", 10 },   { "inputs", "INPUTS", 0 },  { NULL, NULL, 0 } };

static const struct column check_table[] = { { "key", "CHECK", 38 },         { "entity", "ENTITY", 9 },
					     { "severity", "SEVERITY", 9 },  { "score", "SCORE", 5 },
					     { "enabled", "ON", 5 },         { "source", "SOURCE", 6 },
					     { "title", "TITLE", 0 },        { NULL, NULL, 0 } };

static const struct column *columns_for(enum rtype type, bool wide)
{
	switch (type) {
	case R_ALERT:
		return wide ? alert_wide : alert_table;
	case R_FLOW:
		return flow_table;
	case R_HOST:
		return host_table;
	case R_PROCESS:
		return process_table;
	case R_DELIVERY:
		return delivery_table;
	case R_SILENCE:
		return silence_table;
	case R_SAMPLE:
		return sample_table;
	case R_RUN:
		return run_table;
	case R_CHECK:
		return check_table;
	default:
		return metric_table;
	}
}

int output_form(const char *s)
{
	static const char *const names[] = { "auto", "table", "wide", "json", "tsv" };
	for (int i = 1; i < 5; i++)
		if (strcmp(s, names[i]) == 0)
			return i;
	return -1;
}

bool output_fields(struct output *o, enum rtype type, const char *list)
{
	size_t n = 0;
	for (const char *p = list; *p;) {
		size_t len = strcspn(p, ",");
		char *name = xstrndup(p, len);
		unsigned off;
		if (!rdesc_field(rdesc_get(type), name, &off)) {
			fprintf(stderr, "weir: %s records have no field '%s', see weir-fields(7)\n", rdesc_get(type)->name, name);
			free(name);
			return false;
		}
		o->fields = xrealloc(o->fields, (n + 2) * sizeof *o->fields);
		o->fields[n++] = name;
		o->fields[n] = NULL;
		p += len + (p[len] == ',');
	}
	return true;
}

void output_begin(struct output *o, const char *tz)
{
	bool tty = isatty(STDOUT_FILENO);
	if (o->form == OUT_AUTO)
		o->form = tty ? OUT_TABLE : OUT_JSON;
	o->colour = tty && !getenv("NO_COLOR");
	if (tz && !getenv("TZ"))
		setenv("TZ", tz, 1);
	tzset();
}

void output_release(struct output *o)
{
	for (char **f = o->fields; f && *f; f++)
		free(*f);
	free(o->fields);
	buf_release(&o->line);
}

static void add_local_time(struct buf *out, uint64_t ns)
{
	char text[32] = "";
	time_t s = (time_t)(ns / 1000000000u);
	struct tm tm;
	if (ns && localtime_r(&s, &tm))
		strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	buf_adds(out, text);
}

static void add_cell(struct buf *out, const struct field *f, const void *v, const char *base)
{
	if (f->type == FT_TIME)
		add_local_time(out, *(const uint64_t *)v);
	else
		text_value(out, f, v, base);
}

/* Columns a text takes on a terminal, near enough: bytes that begin a character. */
static size_t width_of(const char *s, size_t n)
{
	size_t w = 0;
	for (size_t i = 0; i < n; i++)
		w += ((unsigned char)s[i] & 0xc0) != 0x80;
	return w;
}

static void pad(struct buf *out, size_t from, int width)
{
	size_t w = width_of(out->p + from, out->len - from);
	while (width && w > (size_t)width && out->len > from) { /* cut, on a character */
		do
			out->len--;
		while (out->len > from && ((unsigned char)out->p[out->len] & 0xc0) == 0x80);
		w--;
	}
	for (; w < (size_t)width; w++)
		buf_addc(out, ' ');
	buf_addc(out, ' ');
}

static const char *colour_of(enum rtype type, const void *rec)
{
	if (type != R_ALERT)
		return NULL;
	switch (((const struct r_alert *)rec)->alert.severity) {
	case SEV_WARNING:
		return "\033[33m";
	case SEV_ERROR:
	case SEV_CRITICAL:
	case SEV_ALERT:
	case SEV_EMERGENCY:
		return "\033[31m";
	default:
		return NULL;
	}
}

static void table_line(struct output *o, enum rtype type, const void *rec, const char *base)
{
	struct column own[65] = { { NULL, NULL, 0 } };
	const struct column *c = columns_for(type, o->form == OUT_WIDE);
	const char *colour = o->colour ? colour_of(type, rec) : NULL;
	for (size_t i = 0; o->fields && o->fields[i] && i < 64; i++) {
		own[i] = (struct column){ o->fields[i], o->fields[i], o->fields[i + 1] ? 24 : 0 };
		c = own;
	}
	if (!o->header_done) {
		for (const struct column *h = c; h->field; h++) {
			size_t from = o->line.len;
			buf_adds(&o->line, h->title);
			pad(&o->line, from, h->width);
		}
		buf_addc(&o->line, '\n');
		o->header_done = true;
	}
	if (colour)
		buf_adds(&o->line, colour);
	for (; c->field; c++) {
		unsigned off;
		size_t from = o->line.len;
		const struct field *f = rdesc_field(rdesc_get(type), c->field, &off);
		if (f)
			add_cell(&o->line, f, (const char *)rec + off, base);
		pad(&o->line, from, c->width);
	}
	while (o->line.len && o->line.p[o->line.len - 1] == ' ')
		o->line.len--;
	if (colour)
		buf_adds(&o->line, "\033[0m");
}

static void tsv_line(struct output *o, enum rtype type, const void *rec, const char *base)
{
	const struct column *c = columns_for(type, true);
	for (size_t i = 0; o->fields ? o->fields[i] != NULL : c[i].field != NULL; i++) {
		unsigned off;
		const struct field *f = rdesc_field(rdesc_get(type), o->fields ? o->fields[i] : c[i].field, &off);
		if (i)
			buf_addc(&o->line, '\t');
		if (f)
			text_value(&o->line, f, (const char *)rec + off, base);
	}
}

bool output_record(struct output *o, enum rtype type, const void *rec, const char *base)
{
	buf_reset(&o->line);
	if (o->form == OUT_JSON)
		json_record(&o->line, type, rec, base, JSON_TYPE | JSON_NO_BIN, (const char *const *)o->fields);
	else if (o->form == OUT_TSV)
		tsv_line(o, type, rec, base);
	else
		table_line(o, type, rec, base);
	buf_addc(&o->line, '\n');
	return fwrite(o->line.p, 1, o->line.len, stdout) == o->line.len;
}

int output_when(const char *s, uint64_t *ret)
{
	struct tm tm = { .tm_isdst = -1 };
	uint64_t ago;
	char *end = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	bool utc = end && (*end == 'Z' || *end == '.');
	if (end && *end == '.')
		end += strcspn(end, "Z");
	if (end && (*end == '\0' || strcmp(end, "Z") == 0)) {
		*ret = (uint64_t)(utc ? timegm(&tm) : mktime(&tm)) * 1000000000u;
		return 0;
	}
	tm = (struct tm){ .tm_isdst = -1 };
	end = strptime(s, "%Y-%m-%d", &tm);
	if (end && *end == '\0') {
		*ret = (uint64_t)mktime(&tm) * 1000000000u;
		return 0;
	}
	if (topo_duration(s, &ago) < 0)
		return -1;
	size_t n = strlen(s);
	if (n && s[n - 1] >= '0' && s[n - 1] <= '9') { /* a plain number: seconds since 1970 */
		*ret = ago;
		return 0;
	}
	uint64_t now = wall_ns();
	*ret = now > ago ? now - ago : 0;
	return 0;
}

/* weir flows, hosts, apps, ifaces, top: what is going on now, asked over the API. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api.h"
#include "options.h"
#include "output.h"
#include "timestamp.h"
#include "verbs.h"

#define MAX_COLUMNS 64

struct column {
	const char *path, *title;
	int width; /* 0 = to the end */
	bool wide; /* in the wide form only */
};

struct list {
	const char *name;
	const char *target;  /* path of the API */
	const char *rows;    /* member that has them */
	const char *sort;    /* order if none is asked for */
	enum rtype records;  /* of the rows; R_NONE: objects of another kind, and it takes no expression, sensor, since */
	const struct column *columns;
};

static const struct column flow_columns[] = {
	{ "id", "ID", 26, true },           { "first", "FIRST", 19, false },      { "client.ip", "CLIENT", 24, false },
	{ "client.port", "PORT", 5, false }, { "server.ip", "SERVER", 24, false }, { "server.port", "PORT", 5, false },
	{ "proto", "PROTO", 6, false },     { "app.name", "APP", 14, false },     { "app.category", "CATEGORY", 14, true },
	{ "client.bytes", "SENT", 10, false }, { "server.bytes", "RECEIVED", 10, false }, { "score", "SCORE", 5, false },
	{ "end_reason", "END", 8, true },   { "hostname", "HOSTNAME", 0, false }, { 0 },
};
static const struct column host_columns[] = {
	{ "ip", "HOST", 30, false },         { "vlan", "VLAN", 4, true },          { "name", "NAME", 24, false },
	{ "mac", "MAC", 17, true },          { "vendor", "VENDOR", 20, true },     { "country", "CC", 2, true },
	{ "bytes_sent", "SENT", 12, false }, { "bytes_rcvd", "RECEIVED", 12, false }, { "flows.active", "FLOWS", 6, false },
	{ "score", "SCORE", 6, false },      { "alerts", "ALERTS", 6, false },     { "last", "LAST", 19, true },
	{ "os", "OS", 0, false },            { 0 },
};
static const struct column app_columns[] = {
	{ "key", "APP", 20, false },         { "category", "CATEGORY", 16, true }, { "breed", "BREED", 14, false },
	{ "flows", "FLOWS", 8, false },      { "alerted", "ALERTED", 7, true },    { "packets", "PACKETS", 10, false },
	{ "bytes_sent", "SENT", 12, false }, { "bytes_rcvd", "RECEIVED", 0, false }, { 0 },
};
static const struct column iface_columns[] = {
	{ "ifid", "ID", 3, false },          { "ifname", "SENSOR", 16, false },    { "packets", "PACKETS", 12, false },
	{ "bytes", "BYTES", 14, false },     { "drops", "DROPS", 8, false },       { "throughput_bps", "BYTES/S", 12, false },
	{ "throughput_pps", "PACKETS/S", 10, false }, { "num_flows", "FLOWS", 8, false }, { "num_hosts", "HOSTS", 8, false },
	{ "engaged_alerts", "ENGAGED", 7, true }, { "alerted_flows", "ALERTED", 0, false }, { 0 },
};

static const struct list lists[] = {
	{ "flows", "/api/v1/flows", "data", "-last", R_FLOW, flow_columns },
	{ "hosts", "/api/v1/hosts", "data", "-bytes", R_HOST, host_columns },
	{ "apps", "/api/v1/apps?flows%5Bgt%5D=0", "data", "-bytes", R_TALLY, app_columns }, /* of those known, what was seen */
	{ "ifaces", "/lua/rest/v2/get/interface/data.lua?iffilter=all", "rsp", "ifid", R_NONE, iface_columns },
};

struct options {
	const struct list *list;
	const char *file, *url, *token_file, *fields, *sort, *n, *sensor;
	uint64_t since, until;
	unsigned watch; /* s, 0 = once */
	enum output_form form;
	struct buf match; /* with its NUL */
	struct column own[MAX_COLUMNS + 1]; /* --fields */
	char *order[MAX_COLUMNS + 1];       /* --sort */
	char *own_text, *order_text;
};

/* -- a value of a row -- */

static const json_t *value_at(const json_t *row, const char *path)
{
	const json_t *v = json_object_get(row, path); /* ntopng's keys have dots */
	char part[64];
	while (!v && *path) {
		size_t n = strcspn(path, ".");
		snprintf(part, sizeof part, "%.*s", (int)n, path);
		row = json_object_get(row, part);
		path += n + (path[n] == '.');
		if (!*path)
			v = row;
		else if (!row)
			return NULL;
	}
	return json_is_object(v) ? json_object_get(v, "name") : v;
}

/* Control characters of ASCII and of Latin-1, which terminals obey, become question marks. */
static void add_clean(struct buf *out, const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
		if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) {
			buf_addc(out, '?');
			p++;
		} else {
			buf_addc(out, *p < 0x20 || *p == 0x7f ? '?' : (char)*p);
		}
	}
}

static void add_time(struct buf *out, const char *s)
{
	struct tm tm = { 0 };
	char text[32];
	strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	time_t t = timegm(&tm);
	localtime_r(&t, &tm);
	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	buf_adds(out, text);
}

static void add_value(struct buf *out, const json_t *v, bool local_times)
{
	const char *s = json_string_value(v);
	struct tm tm;
	if (s && local_times && strlen(s) > 19 && s[10] == 'T' && strptime(s, "%Y-%m-%dT%H:%M:%S", &tm)) {
		add_time(out, s);
	} else if (s) {
		add_clean(out, s);
	} else if (json_is_integer(v)) {
		buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	} else if (json_is_real(v)) {
		buf_addf(out, "%.2f", json_real_value(v));
	} else if (json_is_boolean(v)) {
		buf_adds(out, json_is_true(v) ? "yes" : "no");
	} else if (v && !json_is_null(v)) {
		char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
		add_clean(out, text ? text : "");
		free(text);
	}
}

/* -- output -- */

static void fit(struct buf *line, size_t from, int width)
{
	size_t w = 0, i = from;
	for (; i < line->len; i++) {
		bool begins = ((unsigned char)line->p[i] & 0xc0) != 0x80;
		if (begins && width && w == (size_t)width)
			break;
		w += begins;
	}
	line->len = i;
	for (; w < (size_t)width; w++)
		buf_addc(line, ' ');
	buf_addc(line, ' ');
}

static bool shown(const struct options *o, const struct column *c)
{
	return !c->wide || o->form != OUT_TABLE;
}

static void end_line(struct buf *line)
{
	while (line->len && line->p[line->len - 1] == ' ')
		line->len--;
	buf_addc(line, '\n');
	fwrite(line->p, 1, line->len, stdout);
	buf_reset(line);
}

static void print_header(const struct options *o, const struct column *columns, struct buf *line)
{
	for (const struct column *c = columns; c->path; c++) {
		size_t from = line->len;
		if (!shown(o, c))
			continue;
		buf_adds(line, c->title);
		fit(line, from, c->width);
	}
	end_line(line);
}

static void print_row(const struct options *o, const struct column *columns, const json_t *row, struct buf *line)
{
	bool first = true;
	if (o->form == OUT_JSON && !o->own[0].path) {
		char *text = json_dumps(row, JSON_COMPACT | (isatty(STDOUT_FILENO) ? JSON_ENSURE_ASCII : 0));
		buf_adds(line, text ? text : "{}");
		free(text);
		end_line(line);
		return;
	}
	if (o->form == OUT_JSON) {
		json_t *some = json_object();
		for (const struct column *c = columns; c->path; c++)
			if (value_at(row, c->path))
				json_object_set(some, c->path, (json_t *)(uintptr_t)value_at(row, c->path));
		char *text = json_dumps(some, JSON_COMPACT | (isatty(STDOUT_FILENO) ? JSON_ENSURE_ASCII : 0));
		buf_adds(line, text ? text : "{}");
		free(text);
		json_decref(some);
		end_line(line);
		return;
	}
	for (const struct column *c = columns; c->path; c++) {
		size_t from = line->len;
		if (!shown(o, c))
			continue;
		if (o->form == OUT_TSV && !first)
			buf_addc(line, '\t');
		add_value(line, value_at(row, c->path), o->form != OUT_TSV);
		if (o->form != OUT_TSV)
			fit(line, from, c->width);
		first = false;
	}
	end_line(line);
}

/* -- rows that the server has no order for -- */

/* Texts by their bytes, all else, and texts that are numbers, by size. */
static int compare(const json_t *x, const json_t *y)
{
	const char *xs = json_string_value(x), *ys = json_string_value(y);
	char *xe = NULL, *ye = NULL;
	double a = xs ? strtod(xs, &xe) : json_number_value(x), b = ys ? strtod(ys, &ye) : json_number_value(y);
	if (xs && ys && (*xe || *ye))
		return strcmp(xs, ys);
	return a < b ? -1 : a > b;
}

/* order: names of fields, ended by NULL. */
static int by_order(const void *x, const void *y, void *order)
{
	int rc = 0;
	for (char *const *field = order; *field && !rc; field++) {
		bool desc = **field == '-';
		rc = compare(value_at(*(json_t *const *)x, *field + desc), value_at(*(json_t *const *)y, *field + desc));
		rc = desc ? -rc : rc;
	}
	return rc;
}

static json_t *ordered(const json_t *rows, char *const *order, size_t max)
{
	size_t n = 0;
	json_t **list = xcalloc(json_object_size(rows) + 1, sizeof *list), *out = json_array(), *v;
	const char *key;
	json_object_foreach((json_t *)(uintptr_t)rows, key, v)
		list[n++] = v;
	qsort_r(list, n, sizeof *list, by_order, (void *)(uintptr_t)order);
	for (size_t i = 0; i < n && i < max; i++)
		json_array_append(out, list[i]);
	free(list);
	return out;
}

/* -- once -- */

static void add_time_param(struct api *a, struct buf *target, const char *name, uint64_t ns)
{
	struct buf text = { 0 };
	if (!ns)
		return;
	timestamp_print(&text, ns);
	api_param(a, target, name, buf_cstr(&text));
	buf_release(&text);
}

static char *target_of(struct api *a, const struct options *o)
{
	struct buf b = { 0 };
	const struct list *l = o->list;
	buf_adds(&b, l->target);
	if (l->records) {
		api_param(a, &b, "sort", o->sort ? o->sort : l->sort);
		api_param(a, &b, "limit", o->n ? o->n : "100");
		add_time_param(a, &b, "start", o->since);
		add_time_param(a, &b, "end", o->until);
		if (o->match.len)
			api_param(a, &b, "filter", o->match.p);
		if (o->sensor)
			api_param(a, &b, "sensor", o->sensor);
	}
	buf_cstr(&b);
	return b.p;
}

/* A field of the records, or what one of the rows has: the same in all, where they are no records. */
static bool is_known(const struct list *l, const json_t *row, const char *path)
{
	unsigned off;
	return l->records ? rdesc_field(rdesc_get(l->records), path, &off) != NULL || value_at(row, path) : !row || value_at(row, path);
}

/* False after saying that there is no such field. */
static bool check_field(const struct list *l, const json_t *rows, const char *path)
{
	if (is_known(l, json_array_get(rows, 0), path))
		return true;
	fprintf(stderr, "weir: %s have no field '%s'\n", l->name, path);
	return false;
}

/* What the server puts in order it looks at itself. */
static bool check_fields(const struct options *o, const json_t *rows)
{
	bool known = true;
	for (const struct column *c = o->own; c->path && known; c++)
		known = check_field(o->list, rows, c->path);
	for (char *const *p = o->order; !o->list->records && *p && known; p++)
		known = check_field(o->list, rows, *p + (**p == '-'));
	return known;
}

static int show(struct api *a, const struct options *o)
{
	int code = EXIT_FAILED;
	char *target = target_of(a, o);
	json_t *doc = api_get(a, target, &code), *row;
	free(target);
	if (!doc)
		return code;
	struct buf line = { 0 };
	const struct column *columns = o->own[0].path ? o->own : o->list->columns;
	json_t *rows = json_incref(json_object_get(doc, o->list->rows));
	size_t i;
	if (!o->list->records) {
		json_t *some = ordered(rows, o->order, o->n ? strtoul(o->n, NULL, 10) : SIZE_MAX);
		json_decref(rows);
		rows = some;
	}
	code = check_fields(o, rows) ? EXIT_DONE : EXIT_USAGE;
	if (code == EXIT_DONE && (o->form == OUT_TABLE || o->form == OUT_WIDE))
		print_header(o, columns, &line);
	if (code == EXIT_DONE)
		json_array_foreach(rows, i, row)
			print_row(o, columns, row, &line);
	json_decref(rows);
	json_decref(doc);
	buf_release(&line);
	fflush(stdout);
	return code;
}

/* -- options -- */

/* The parts of a list, ended by NULL; the text is cut up. False if there are more than MAX_COLUMNS. */
static bool split(char *text, char **part)
{
	size_t n = 0;
	for (char *next; *text; text = next) {
		next = text + strcspn(text, ",");
		if (*next)
			*next++ = '\0';
		if (n == MAX_COLUMNS)
			return false;
		part[n++] = text;
	}
	part[n] = NULL;
	return true;
}

static bool set_fields(struct options *o)
{
	char *part[MAX_COLUMNS + 1];
	size_t n = 0;
	o->own_text = xstrdup(o->fields);
	if (!split(o->own_text, part))
		return false;
	for (; part[n]; n++)
		o->own[n] = (struct column){ part[n], part[n], 24, false };
	if (n)
		o->own[n - 1].width = 0;
	return true;
}

static bool set_order(struct options *o)
{
	o->order_text = xstrdup(o->sort ? o->sort : o->list->sort);
	return split(o->order_text, o->order);
}

static int read_options(struct options *o, int argc, char **argv)
{
	const struct option_row options[] = {
		OPTION_FILE(&o->file),
		{ NULL, 'n', OPTION_TEXT, &o->n },
		{ NULL, 'o', OPTION_FORM, &o->form },
		{ "since", 0, OPTION_TIME, &o->since },
		{ "until", 0, OPTION_TIME, &o->until },
		{ "sort", 0, OPTION_TEXT, &o->sort },
		{ "fields", 0, OPTION_TEXT, &o->fields },
		{ "watch", 0, OPTION_WATCH, &o->watch },
		{ "url", 0, OPTION_TEXT, &o->url },
		{ "token-file", 0, OPTION_TEXT, &o->token_file },
		{ "sensor", 0, OPTION_TEXT, &o->sensor },
	};
	char usage[400];
	snprintf(usage, sizeof usage,
		 "usage: weir %s%s [-f FILE] [-n N] [-o table|wide|json|tsv] [--fields A,B] [--sort [-]FIELD,...] [--watch[=SECONDS]]\n"
		 "       [--since T] [--until T] [--url URL] [--token-file FILE] [--sensor NAME] [MATCH]\n",
		 argv[0], strcmp(argv[0], "top") == 0 ? " [hosts|flows|apps]" : "");
	int rc = OPTIONS_READ(argc, argv, options, usage);
	if (!rc && o->fields && !set_fields(o))
		rc = options_usage(usage);
	return rc;
}

static const struct list *find_list(const char *name)
{
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		if (strcmp(lists[i].name, name) == 0)
			return &lists[i];
	return NULL;
}

/* Again and again on a cleared screen, until the API goes away or a signal ends us. */
static int watch(struct api *a, const struct options *o)
{
	bool screen = isatty(STDOUT_FILENO);
	int code;
	for (;;) {
		if (screen)
			fputs("\033[H\033[2J", stdout);
		code = show(a, o);
		if (code != EXIT_DONE || ferror(stdout))
			return code;
		sleep(o->watch);
	}
}

int verb_live(int argc, char **argv)
{
	struct options o = { 0 };
	struct output out = { 0 };
	struct api *a = NULL;
	struct topo *t = NULL;
	bool top = strcmp(argv[0], "top") == 0;
	int code = read_options(&o, argc, argv);
	if (code)
		goto end;
	code = EXIT_USAGE;
	int at = optind;
	const struct list *named = top && at < argc ? find_list(argv[at]) : NULL;
	o.list = named ? named : find_list(top ? "hosts" : argv[0]);
	at += named != NULL;
	if (top && !o.n)
		o.n = "10";
	if (top && !o.sort && o.list->records)
		o.sort = "-bytes";
	if (!set_order(&o)) {
		fprintf(stderr, "weir: --sort takes %d fields\n", MAX_COLUMNS);
		goto end;
	}
	options_words(&o.match, argv + at, argc - at);
	buf_cstr(&o.match);
	if ((o.match.len || o.sensor) && !o.list->records) {
		fprintf(stderr, "weir: %s takes no expression and no sensor\n", o.list->name);
		goto end;
	}
	code = EXIT_FAILED;
	if (!o.url && !(t = config_load(o.file)))
		goto end;
	out.form = o.form;
	output_begin(&out, t ? t->timezone : NULL);
	o.form = out.form;
	a = api_open(t, o.url, o.token_file);
	if (a)
		code = o.watch ? watch(a, &o) : show(a, &o);
end:
	api_close(a);
	topo_free(t);
	output_release(&out);
	buf_release(&o.match);
	free(o.own_text);
	free(o.order_text);
	return code;
}

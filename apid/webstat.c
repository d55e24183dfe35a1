#include "webstat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *le;
	uint64_t ns;
} bounds[] = {
	{ "0.001", 1000000 },   { "0.005", 5000000 },	{ "0.025", 25000000 },	{ "0.1", 100000000 },
	{ "0.5", 500000000 },   { "2.5", 2500000000u }, { "10", 10000000000u }, { "+Inf", UINT64_MAX },
};
#define N_BOUNDS (sizeof bounds / sizeof *bounds)

struct row {
	const char *path;
	char method[8];
	unsigned status;
	uint64_t n;
};

struct timing {
	const char *path;
	uint64_t n[N_BOUNDS], ns; /* n: in this bucket alone */
};

struct webstat {
	struct row rows[WEBSTAT_MAX];
	struct timing timings[WEBSTAT_MAX];
	size_t n_rows, n_timings; /* the first row is for all that have no room */
};

struct webstat *webstat_new(void)
{
	struct webstat *w = xcalloc(1, sizeof *w);
	w->rows[w->n_rows++] = (struct row){ .path = "other", .method = "other" };
	return w;
}

void webstat_free(struct webstat *w)
{
	free(w);
}

static struct row *find_row(struct webstat *w, const char *path, const char *method, unsigned status)
{
	struct row *r = w->rows, *end = r + w->n_rows;
	while (r < end && (r->status != status || strcmp(r->path, path) != 0 || strcmp(r->method, method) != 0))
		r++;
	if (r < end)
		return r;
	if (w->n_rows == WEBSTAT_MAX)
		return w->rows;
	*r = (struct row){ .path = path, .status = status };
	snprintf(r->method, sizeof r->method, "%s", method);
	w->n_rows++;
	return r;
}

static struct timing *find_timing(struct webstat *w, const char *path)
{
	struct timing *t = w->timings, *end = t + w->n_timings;
	while (t < end && strcmp(t->path, path) != 0)
		t++;
	if (t == end && w->n_timings == WEBSTAT_MAX)
		return NULL;
	if (t == end)
		w->timings[w->n_timings++] = (struct timing){ .path = path };
	return t;
}

/* Methods that nobody knows must not fill the table. */
static const char *known_method(const char *method)
{
	static const char *const known[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" };
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(method, known[i]) == 0)
			return known[i];
	return "other";
}

void webstat_add(struct webstat *w, const char *path, const char *method, unsigned status, uint64_t ns)
{
	struct row *r = find_row(w, path, known_method(method), status);
	struct timing *t = ns == UINT64_MAX ? NULL : find_timing(w, path);
	r->n++;
	if (!t)
		return;
	size_t i = 0;
	while (ns > bounds[i].ns)
		i++;
	t->n[i]++;
	t->ns += ns;
}

void webstat_print(const struct webstat *w, struct prom *p)
{
	static const char family[] = "weir_http_request_duration_seconds", help[] = "From the request's headers to its end.";
	char code[12];
	for (const struct row *r = w->rows; r < w->rows + w->n_rows; r++) {
		if (!r->n)
			continue;
		snprintf(code, sizeof code, "%u", r->status);
		prom_add(p, PROM_COUNTER, "weir_http_requests", "Requests answered.", (double)r->n, "path", r->path, "method",
			 r->method, "code", code, PROM_END);
	}
	for (const struct timing *t = w->timings; t < w->timings + w->n_timings; t++) {
		uint64_t sum = 0;
		for (size_t i = 0; i < N_BOUNDS; i++) {
			sum += t->n[i];
			prom_part(p, PROM_HISTOGRAM, family, help, "_bucket", (double)sum, "path", t->path, "le", bounds[i].le, PROM_END);
		}
		prom_part(p, PROM_HISTOGRAM, family, help, "_sum", (double)t->ns / 1e9, "path", t->path, PROM_END);
		prom_part(p, PROM_HISTOGRAM, family, help, "_count", (double)sum, "path", t->path, PROM_END);
	}
}

/* weir export: what is stored, in a form to compare: sorted JSON lines without wall clock. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "json.h"
#include "options.h"
#include "verbs.h"

static const struct source {
	const char *what, *process, *instance;
	enum rtype type;
} sources[] = {
	{ "alerts", "alertd", "query", R_ALERT },
	{ "flows", "alertd", "query", R_FLOW },
	{ "deliveries", "notify", NULL, R_DELIVERY },
};

struct lines {
	enum rtype type; /* of those that are added */
	char **line;
	size_t n, cap;
};

union any {
	struct r_alert alert;
	struct r_flow flow;
	struct r_delivery delivery;
};

/* What people did, what the wall clock says and what chance decided is no part of the result. */
static void canonical(enum rtype type, union any *rec)
{
	if (type == R_ALERT)
		rec->alert.note = (struct g_note){ 0 };
	if (type == R_DELIVERY) {
		struct g_delivery *d = &rec->delivery.delivery;
		d->created = d->next = d->finished = 0;
		d->attempts = 0;
		d->maybe_duplicate = 0;
		d->error.len = 0;
	}
}

static int add_page(void *arg, uint32_t count, struct codec_reader *r)
{
	static union any rec;
	struct lines *l = arg;
	struct buf text = { 0 };
	uint32_t i;
	for (i = 0; i < count && ask_record(r, l->type, &rec); i++) {
		canonical(l->type, &rec);
		buf_reset(&text);
		json_record(&text, l->type, &rec, r->base, JSON_TYPE, NULL);
		if (l->n == l->cap) {
			l->cap = l->cap ? 2 * l->cap : 1024;
			l->line = xrealloc(l->line, l->cap * sizeof *l->line);
		}
		l->line[l->n++] = xstrndup(text.p, text.len);
	}
	buf_release(&text);
	return i < count ? -1 : (int)count;
}

/* All of a source. A recipient-less site has no deliveries and maybe no notify: that is an empty list. */
static int fetch(const struct topo *t, const struct source *s, struct lines *l)
{
	const struct ask_pages pages = { s->process, s->instance, s->what, NULL, UINT32_MAX, add_page };
	if (s->type == R_DELIVERY && !t->n_recipients)
		return EXIT_DONE;
	l->type = s->type;
	return ask_pages(t, &pages, l);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int verb_export(int argc, char **argv)
{
	static const char usage[] = "usage: weir export [-f FILE] [alerts|flows|deliveries]\n";
	const char *file = NULL;
	const struct option_row options[] = { OPTION_FILE(&file) };
	struct lines l = { 0 };
	int code = OPTIONS_READ(argc, argv, options, usage);
	bool known = false;
	if (code)
		return code;
	const char *what = optind < argc ? argv[optind] : NULL;
	for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
		known |= what && strcmp(what, sources[i].what) == 0;
	if (optind + 1 < argc || (what && !known))
		return options_usage(usage);
	struct topo *t = config_load(file);
	if (!t)
		return EXIT_FAILED;
	for (size_t i = 0; i < sizeof sources / sizeof *sources && code == EXIT_DONE; i++)
		if (!what || strcmp(what, sources[i].what) == 0)
			code = fetch(t, &sources[i], &l);
	qsort(l.line, l.n, sizeof *l.line, by_text);
	for (size_t i = 0; i < l.n; i++) {
		if (code == EXIT_DONE)
			puts(l.line[i]);
		free(l.line[i]);
	}
	free(l.line);
	topo_free(t);
	return code;
}

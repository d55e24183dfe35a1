/* weir export: what is stored, in a form to compare: sorted JSON lines without wall clock. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "json.h"
#include "verbs.h"

#define PAGE   1000

static const struct source {
	const char *what, *process, *instance;
	enum rtype type;
} sources[] = {
	{ "alerts", "alertd", "query", R_ALERT },
	{ "flows", "alertd", "query", R_FLOW },
	{ "deliveries", "notify", NULL, R_DELIVERY },
};

struct lines {
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

static int add_page(struct lines *l, enum rtype type, uint32_t count, struct codec_reader *r)
{
	static union any rec;
	struct buf text = { 0 };
	for (uint32_t i = 0; i < count; i++) {
		if (!ask_record(r, type, &rec)) {
			buf_release(&text);
			return EXIT_FAILED;
		}
		canonical(type, &rec);
		buf_reset(&text);
		json_record(&text, type, &rec, r->base, JSON_TYPE, NULL);
		if (l->n == l->cap) {
			l->cap = l->cap ? 2 * l->cap : 1024;
			l->line = xrealloc(l->line, l->cap * sizeof *l->line);
		}
		l->line[l->n++] = xstrndup(text.p, text.len);
	}
	buf_release(&text);
	return EXIT_DONE;
}

/* All pages of a source. A recipient-less site has no deliveries and maybe no notify: that is an empty list. */
static int fetch(const struct topo *t, const struct source *s, struct lines *l)
{
	struct buf strs = { 0 }, body = { 0 }, cursor = { 0 };
	struct g_answer a;
	struct codec_reader r;
	int code = EXIT_DONE;
	if (s->type == R_DELIVERY && !t->n_recipients)
		return EXIT_DONE;
	do {
		struct r_query q = { .query = { .limit = PAGE } };
		buf_reset(&strs);
		q.query.what = str_put_raw(&strs, s->what, strlen(s->what));
		q.query.cursor = str_put_raw(&strs, cursor.p, cursor.len);
		code = ask_process(t, s->process, s->instance, R_QUERY, &q, strs.p, &body, &a, &r);
		if (code != EXIT_DONE)
			break;
		buf_reset(&cursor);
		buf_add(&cursor, str_ptr(r.base, a.next), a.next.len);
		code = add_page(l, s->type, a.count, &r);
	} while (code == EXIT_DONE && cursor.len);
	buf_release(&strs);
	buf_release(&body);
	buf_release(&cursor);
	return code;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int verb_export(int argc, char **argv)
{
	static const char usage[] = "usage: weir export [-f FILE] [alerts|flows|deliveries]\n";
	const char *file = NULL, *what;
	struct lines l = { 0 };
	int opt, code = EXIT_DONE;
	bool known = false;
	while ((opt = getopt(argc, argv, "f:")) != -1) {
		if (opt != 'f') {
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
		file = optarg;
	}
	what = optind < argc ? argv[optind] : NULL;
	for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
		known |= what && strcmp(what, sources[i].what) == 0;
	if (optind + 1 < argc || (what && !known)) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
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
	return code == EXIT_DONE && (fflush(stdout) != 0 || ferror(stdout)) ? EXIT_FAILED : code;
}

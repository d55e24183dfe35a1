#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "effective.h"
#include "match.h"
#include "output.h"
#include "verbs.h"

#define MAX_ROWS 24

static bool read_number(const char *text, uint64_t *to)
{
	char *end;
	*to = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0';
}

static bool read_time(const char *text, uint64_t *to)
{
	if (output_when(text, to) == 0)
		return true;
	fprintf(stderr, "weir: '%s' is no time: 1h, 2026-01-31, 2026-01-31T12:00:00Z\n", text);
	return false;
}

static bool read_form(const char *text, enum output_form *to)
{
	int form = output_form(text);
	if (form >= 0)
		*to = (enum output_form)form;
	return form >= 0;
}

static bool read_watch(const char *text, unsigned *to)
{
	uint64_t seconds = OPTION_WATCH_SECONDS;
	if (text && (!read_number(text, &seconds) || seconds == 0 || seconds > UINT32_MAX))
		return false;
	*to = (unsigned)seconds;
	return true;
}

static bool add_text(struct option_texts *l, const char *text)
{
	if (l->n == l->max)
		return false;
	l->text[l->n++] = text;
	return true;
}

/* text: the option's value, NULL if it has none. */
static bool put(const struct option_row *o, const char *text)
{
	switch (o->kind) {
	case OPTION_FLAG:
		*(bool *)o->to = true;
		return true;
	case OPTION_TEXT:
		*(const char **)o->to = text;
		return true;
	case OPTION_TEXTS:
		return add_text(o->to, text);
	case OPTION_NUMBER:
		return read_number(text, o->to);
	case OPTION_TIME:
		return read_time(text, o->to);
	case OPTION_DURATION:
		return topo_duration(text, o->to) == 0;
	case OPTION_SPEED:
		return speed_parse(text, o->to) == 0;
	case OPTION_FORM:
		return read_form(text, o->to);
	case OPTION_WATCH:
		return read_watch(text, o->to);
	}
	return false;
}

static int argument(enum option_kind kind)
{
	return kind == OPTION_FLAG ? no_argument : kind == OPTION_WATCH ? optional_argument : required_argument;
}

int options_usage(const char *usage)
{
	fputs(usage, stderr);
	return EXIT_USAGE;
}

int options_read(int argc, char **argv, const struct option_row *row, size_t n, const char *usage)
{
	/* What getopt_long returns for a row is its number, behind all letters. */
	enum { FIRST = 256 };
	struct option names[MAX_ROWS + 1] = { { 0 } };
	char letters[2 * MAX_ROWS + 1], *l = letters;
	size_t n_names = 0;
	int opt;
	if (n > MAX_ROWS)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (row[i].name)
			names[n_names++] = (struct option){ row[i].name, argument(row[i].kind), NULL, FIRST + (int)i };
		if (row[i].letter)
			*l++ = row[i].letter;
		if (row[i].letter && row[i].kind != OPTION_FLAG)
			*l++ = ':';
	}
	*l = '\0';
	while ((opt = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		size_t i = opt >= FIRST ? (size_t)(opt - FIRST) : 0;
		while (opt < FIRST && i < n && row[i].letter != opt)
			i++;
		if (i == n || !put(&row[i], optarg))
			return options_usage(usage);
	}
	return EXIT_DONE;
}

void options_words(struct buf *out, char **words, int n)
{
	for (int i = 0; i < n; i++)
		buf_addf(out, "%s%s", i ? " " : "", words[i]);
}

struct match *options_match(struct buf *out, enum rtype type, char **words, int n)
{
	struct match_error e;
	options_words(out, words, n);
	struct match *m = match_parse(buf_cstr(out), type, &e);
	if (!m)
		fprintf(stderr, "weir: match, character %zu: %s\n", e.column, e.text);
	return m;
}

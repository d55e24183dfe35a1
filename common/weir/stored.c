#include "stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "match.h"
#include "options.h"
#include "verbs.h"

static struct str put(struct buf *b, const char *s)
{
	return str_put_raw(b, s, strlen(s));
}

int stored_options(struct stored *o, int argc, char **argv, const char *usage)
{
	const char *sort = NULL, *run = NULL, *by = NULL, *key = NULL;
	uint64_t limit = o->q.limit;
	const struct option_row options[] = {
		OPTION_FILE(&o->file),
		{ NULL, 'n', OPTION_NUMBER, &limit },
		{ NULL, 'o', OPTION_FORM, &o->out.form },
		{ "since", 0, OPTION_TIME, &o->q.start },
		{ "until", 0, OPTION_TIME, &o->q.end },
		{ "sort", 0, OPTION_TEXT, &sort },
		{ "fields", 0, OPTION_TEXT, &o->fields },
		{ "comment", 0, OPTION_TEXT, &o->comment },
		{ "watch", 0, OPTION_WATCH, &o->watch },
		{ "for", 0, OPTION_DURATION, &o->lasts },
		{ "run", 0, OPTION_TEXT, &run },
		{ "by", 0, OPTION_TEXT, &by },
		{ "key", 0, OPTION_TEXT, &key },
		{ "step", 0, OPTION_DURATION, &o->q.step },
	};
	const struct {
		const char **text;
		struct str *to;
	} texts[] = { { &sort, &o->q.sort }, { &run, &o->q.run }, { &by, &o->q.by }, { &key, &o->q.key } };
	int rc = OPTIONS_READ(argc, argv, options, usage);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (*texts[i].text)
			*texts[i].to = put(&o->strs, *texts[i].text);
	o->q.limit = limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX;
	return rc;
}

static int print_all(struct stored *o, const struct g_answer *a, struct codec_reader *r)
{
	static union {
		struct r_alert alert;
		struct r_flow flow;
		struct r_metric metric;
		struct r_silence silence;
		struct r_sample sample;
		struct r_run run;
	} rec;
	for (uint32_t i = 0; i < a->count; i++) {
		enum rtype type = codec_peek(r);
		bool ours = type == R_ALERT || type == R_FLOW || type == R_METRIC || type == R_SILENCE || type == R_SAMPLE ||
			    type == R_RUN;
		if (!ask_record(r, ours ? type : R_NONE, &rec))
			return EXIT_FAILED;
		if (!output_record(&o->out, type, &rec, r->base))
			break;
	}
	return EXIT_DONE;
}

int stored_query(struct stored *o, enum rtype type, const char *what, char **words, int n)
{
	struct topo *t = config_load(o->file);
	struct buf filter = { 0 }, body = { 0 };
	struct g_answer a;
	struct codec_reader r;
	int code = EXIT_USAGE;
	if (!t)
		return EXIT_FAILED;
	/* A series with a condition is one of flows. */
	struct match *m = options_match(&filter, type == R_SAMPLE ? R_FLOW : type, words, n);
	if (!m)
		goto out;
	if (o->fields && !output_fields(&o->out, type, o->fields))
		goto out;
	o->q.what = put(&o->strs, what);
	o->q.filter = str_put_raw(&o->strs, filter.p, filter.len);
	output_begin(&o->out, t->timezone);
	struct r_query q = { .query = o->q };
	do {
		if (o->watch && isatty(STDOUT_FILENO))
			fputs("\033[H\033[2J", stdout);
		o->out.header_done = false;
		buf_reset(&body);
		code = ask_process(t, "alertd", "query", R_QUERY, &q, o->strs.p, &body, &a, &r);
		if (code == EXIT_DONE)
			code = print_all(o, &a, &r);
	} while (o->watch && code == EXIT_DONE && fflush(stdout) == 0 && sleep(o->watch) == 0);
out:
	match_free(m);
	buf_release(&filter);
	buf_release(&body);
	output_release(&o->out);
	buf_release(&o->strs);
	topo_free(t);
	return code;
}

int stored_command(struct stored *o, const char *op, struct r_command *c)
{
	struct topo *t = config_load(o->file);
	struct buf body = { 0 };
	struct g_answer a;
	struct codec_reader r;
	int code = EXIT_FAILED;
	if (t) {
		c->command.op = put(&o->strs, op);
		c->command.actor = put(&o->strs, ask_actor());
		code = ask_process(t, "alertd", "query", R_COMMAND, c, o->strs.p, &body, &a, &r);
		output_begin(&o->out, t->timezone);
		if (code == EXIT_DONE)
			code = print_all(o, &a, &r);
		output_release(&o->out);
	}
	buf_release(&body);
	buf_release(&o->strs);
	topo_free(t);
	return code;
}

int stored_id(const char *text, const char *of, struct id *ret)
{
	if (id_parse(text, strlen(text), ret) == 0)
		return EXIT_DONE;
	fprintf(stderr, "weir: '%s' is no id of %s\n", text, of);
	return EXIT_USAGE;
}

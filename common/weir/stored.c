#include "stored.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "match.h"
#include "verbs.h"

#define WATCH_SECONDS 2

static struct str put(struct buf *b, const char *s)
{
	return str_put_raw(b, s, strlen(s));
}

int stored_options(struct stored *o, int argc, char **argv, const char *usage)
{
	static const struct option options[] = {
		{ "since", required_argument, NULL, 's' },  { "until", required_argument, NULL, 'u' },
		{ "sort", required_argument, NULL, 'S' },   { "fields", required_argument, NULL, 'F' },
		{ "comment", required_argument, NULL, 'c' }, { "watch", optional_argument, NULL, 'w' },
		{ "for", required_argument, NULL, 'd' },    { "run", required_argument, NULL, 'r' },
		{ "by", required_argument, NULL, 'b' },     { "key", required_argument, NULL, 'k' },
		{ "step", required_argument, NULL, 't' },   { NULL, 0, NULL, 0 },
	};
	int opt, form;
	while ((opt = getopt_long(argc, argv, "f:n:o:", options, NULL)) != -1) {
		switch (opt) {
		case 'f':
			o->file = optarg;
			break;
		case 'n':
			o->q.limit = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'o':
			form = output_form(optarg);
			if (form < 0)
				goto bad;
			o->out.form = (enum output_form)form;
			break;
		case 's':
		case 'u':
			if (output_when(optarg, opt == 's' ? &o->q.start : &o->q.end) < 0) {
				fprintf(stderr, "weir: '%s' is no time: 1h, 2026-01-31, 2026-01-31T12:00:00Z\n", optarg);
				return EXIT_USAGE;
			}
			break;
		case 'S':
			o->q.sort = put(&o->strs, optarg);
			break;
		case 'F':
			o->fields = optarg;
			break;
		case 'c':
			o->comment = optarg;
			break;
		case 'd':
		case 't':
			if (topo_duration(optarg, opt == 'd' ? &o->lasts : &o->q.step) < 0)
				goto bad;
			break;
		case 'r':
			o->q.run = put(&o->strs, optarg);
			break;
		case 'b':
			o->q.by = put(&o->strs, optarg);
			break;
		case 'k':
			o->q.key = put(&o->strs, optarg);
			break;
		case 'w':
			o->watch = optarg ? (unsigned)strtoul(optarg, NULL, 10) : WATCH_SECONDS;
			break;
		default:
			goto bad;
		}
	}
	return EXIT_DONE;
bad:
	fputs(usage, stderr);
	return EXIT_USAGE;
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
	struct match_error e;
	int code = EXIT_FAILED;
	if (!t)
		return EXIT_FAILED;
	for (int i = 0; i < n; i++)
		buf_addf(&filter, "%s%s", i ? " " : "", words[i]);
	/* A series with a condition is one of flows. */
	struct match *m = match_parse(buf_cstr(&filter), type == R_SAMPLE ? R_FLOW : type, &e);
	if (!m) {
		fprintf(stderr, "weir: match, character %zu: %s\n", e.column, e.text);
		code = EXIT_USAGE;
		goto out;
	}
	if (o->fields && !output_fields(&o->out, type, o->fields)) {
		code = EXIT_USAGE;
		goto out;
	}
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

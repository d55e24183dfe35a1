/* weir alerts, weir history: what is stored. weir alerts ack|unack|comment ID. weir store backup|stats|prune. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "backup.h"
#include "log.h"
#include "match.h"
#include "output.h"
#include "verbs.h"

#define WATCH_SECONDS 2

struct ask_options {
	const char *file;
	struct output out;
	struct g_query q;
	struct buf strs;
	const char *fields, *comment;
	unsigned watch; /* s between questions, 0 = one question */
};

static struct str put(struct buf *b, const char *s)
{
	return str_put_raw(b, s, strlen(s));
}

/* Options that all verbs over the store share. Returns 0 or an exit code. */
static int parse(struct ask_options *o, int argc, char **argv, const char *usage)
{
	static const struct option options[] = {
		{ "since", required_argument, NULL, 's' },  { "until", required_argument, NULL, 'u' },
		{ "sort", required_argument, NULL, 'S' },   { "fields", required_argument, NULL, 'F' },
		{ "comment", required_argument, NULL, 'c' }, { "watch", optional_argument, NULL, 'w' }, { NULL, 0, NULL, 0 },
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

static int print_all(struct ask_options *o, const struct g_answer *a, struct codec_reader *r)
{
	static union {
		struct r_alert alert;
		struct r_flow flow;
		struct r_metric metric;
	} rec;
	for (uint32_t i = 0; i < a->count; i++) {
		enum rtype type = codec_peek(r);
		if ((type != R_ALERT && type != R_FLOW && type != R_METRIC) || codec_read(r, &rec) != 1) {
			fprintf(stderr, "weir: answer that cannot be read: %s\n", r->error ? r->error : "wrong record");
			return EXIT_FAILED;
		}
		if (!output_record(&o->out, type, &rec, r->base))
			break;
	}
	return EXIT_DONE;
}

static int query(struct ask_options *o, enum rtype type, const char *what, char **words, int n)
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
	struct match *m = match_parse(buf_cstr(&filter), type, &e);
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

static int command(struct ask_options *o, const char *op, const char *id, const char *text)
{
	struct topo *t = config_load(o->file);
	struct r_command c = { 0 };
	struct buf body = { 0 };
	struct g_answer a;
	struct codec_reader r;
	const char *actor = getenv("USER");
	int code = EXIT_FAILED;
	if (!t)
		return EXIT_FAILED;
	if (id && id_parse(id, strlen(id), &c.command.id) < 0) {
		fprintf(stderr, "weir: '%s' is no id of an alert\n", id);
		code = EXIT_USAGE;
	} else {
		c.command.op = put(&o->strs, op);
		c.command.text = put(&o->strs, text ? text : "");
		c.command.actor = put(&o->strs, actor && *actor ? actor : "cli");
		code = ask_process(t, "alertd", "query", R_COMMAND, &c, o->strs.p, &body, &a, &r);
	}
	buf_release(&body);
	buf_release(&o->strs);
	topo_free(t);
	return code;
}

int verb_alerts(int argc, char **argv)
{
	static const char usage[] =
		"usage: weir alerts [-f FILE] [-n N] [--since T] [--until T] [--sort FIELD] [-o table|wide|json|tsv]\n"
		"                   [--fields A,B] [--watch[=SECONDS]] [MATCH]\n"
		"       weir alerts ack|unack|comment ID [--comment TEXT]\n";
	struct ask_options o = { 0 };
	int rc = parse(&o, argc, argv, usage);
	if (rc)
		return rc;
	const char *op = optind < argc ? argv[optind] : "";
	if (strcmp(op, "ack") == 0 || strcmp(op, "unack") == 0 || strcmp(op, "comment") == 0) {
		if (optind + 2 != argc) {
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
		return command(&o, op, argv[optind + 1], o.comment);
	}
	return query(&o, R_ALERT, "alerts", argv + optind, argc - optind);
}

int verb_history(int argc, char **argv)
{
	struct ask_options o = { 0 };
	int rc = parse(&o, argc, argv,
		       "usage: weir history [-f FILE] [-n N] [--since T] [--until T] [--sort FIELD] [-o FORM] [--fields A,B] "
		       "[--watch[=SECONDS]] [MATCH]\n");
	return rc ? rc : query(&o, R_FLOW, "flows", argv + optind, argc - optind);
}

static int backup(struct ask_options *o, const char *path)
{
	struct topo *t = config_load(o->file);
	if (!t)
		return EXIT_FAILED;
	char *place = backup_place(t);
	int code = command(o, "backup", NULL, place);
	if (code == EXIT_DONE && backup_take(place, path) < 0)
		code = EXIT_FAILED;
	free(place);
	topo_free(t);
	return code;
}

int verb_store(int argc, char **argv)
{
	static const char usage[] = "usage: weir store [-f FILE] [-o FORM] stats | prune | backup PATH\n";
	struct ask_options o = { 0 };
	int rc = parse(&o, argc, argv, usage);
	const char *op = rc == 0 && optind < argc ? argv[optind] : "";
	if (rc)
		return rc;
	if (strcmp(op, "stats") == 0 && optind + 1 == argc)
		return query(&o, R_METRIC, "stats", NULL, 0);
	if (strcmp(op, "prune") == 0 && optind + 1 == argc)
		return command(&o, op, NULL, NULL);
	if (strcmp(op, "backup") == 0 && optind + 2 == argc)
		return backup(&o, argv[optind + 1]);
	fputs(usage, stderr);
	return EXIT_USAGE;
}

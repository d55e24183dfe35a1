/* weir deliveries: what is on its way to recipients. weir deliveries retry|drop ID|all. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "match.h"
#include "output.h"
#include "verbs.h"

#define PAGE 1000

static const char usage[] =
	"usage: weir deliveries [-f FILE] [-n N] [--state S] [--recipient R] [-o table|json|tsv] [--fields A,B] [MATCH]\n"
	"       weir deliveries retry|drop ID|all [-f FILE] [--state S] [--recipient R] [MATCH]\n";

struct options {
	const char *file, *state, *recipient, *fields;
	uint32_t n;
	struct output out;
};

static int parse(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' },
		{ "recipient", required_argument, NULL, 'r' },
		{ "fields", required_argument, NULL, 'F' },
		{ NULL, 0, NULL, 0 },
	};
	int opt, form = 0;
	while ((opt = getopt_long(argc, argv, "f:n:o:", options, NULL)) != -1) {
		switch (opt) {
		case 'f':
			o->file = optarg;
			break;
		case 'n':
			o->n = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'o':
			form = output_form(optarg);
			break;
		case 's':
			o->state = optarg;
			break;
		case 'r':
			o->recipient = optarg;
			break;
		case 'F':
			o->fields = optarg;
			break;
		default:
			form = -1;
		}
		if (form < 0) {
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	o->out.form = (enum output_form)form;
	return EXIT_DONE;
}

/* The expression that options and words make; false after saying what is wrong with it. */
static bool make_filter(const struct options *o, char **words, int n, struct buf *out)
{
	struct match_error e;
	if (o->state) {
		buf_adds(out, "state = ");
		match_quote(out, o->state, strlen(o->state));
	}
	if (o->recipient) {
		buf_adds(out, out->len ? " and recipient = " : "recipient = ");
		match_quote(out, o->recipient, strlen(o->recipient));
	}
	if (n)
		buf_adds(out, out->len ? " and (" : "(");
	for (int i = 0; i < n; i++)
		buf_addf(out, "%s%s", i ? " " : "", words[i]);
	if (n)
		buf_addc(out, ')');
	struct match *m = match_parse(buf_cstr(out), R_DELIVERY, &e);
	if (!m)
		fprintf(stderr, "weir: %s\n  at character %zu: %s\n", buf_cstr(out), e.column, e.text);
	match_free(m);
	return m != NULL;
}

/* Prints a page; returns how many records it had, or -1. */
static int print_page(struct options *o, const struct g_answer *a, struct codec_reader *r)
{
	for (uint32_t i = 0; i < a->count; i++) {
		struct r_delivery d;
		if (!ask_record(r, R_DELIVERY, &d))
			return -1;
		if (!output_record(&o->out, R_DELIVERY, &d, r->base))
			return 0;
	}
	return (int)a->count;
}

static int list(struct options *o, const struct topo *t, const struct buf *filter)
{
	struct buf strs = { 0 }, body = { 0 }, cursor = { 0 };
	uint32_t left = o->n ? o->n : UINT32_MAX;
	int code, printed;
	do {
		struct r_query q = { .query = { .limit = left < PAGE ? left : PAGE } };
		struct g_answer a;
		struct codec_reader r;
		buf_reset(&strs);
		q.query.what = str_put_raw(&strs, "deliveries", 10);
		q.query.filter = str_put_raw(&strs, filter->p, filter->len);
		q.query.cursor = str_put_raw(&strs, cursor.p, cursor.len);
		code = ask_process(t, "notify", NULL, R_QUERY, &q, strs.p, &body, &a, &r);
		if (code != EXIT_DONE)
			break;
		buf_reset(&cursor);
		buf_add(&cursor, str_ptr(r.base, a.next), a.next.len);
		printed = print_page(o, &a, &r);
		if (printed < 0)
			code = EXIT_FAILED;
		left -= printed > 0 ? (uint32_t)printed : 0;
	} while (printed > 0 && cursor.len && left);
	buf_release(&strs);
	buf_release(&body);
	buf_release(&cursor);
	return code;
}

static int command(const struct topo *t, const char *op, const char *which, const struct buf *filter)
{
	struct r_command c = { 0 };
	struct buf strs = { 0 }, body = { 0 };
	struct g_answer a;
	struct codec_reader r;
	const char *actor = ask_actor();
	int code = EXIT_USAGE;
	if (strcmp(which, "all") != 0 && id_parse(which, strlen(which), &c.command.id) < 0) {
		fprintf(stderr, "weir: '%s' is neither an id of a delivery nor 'all'\n", which);
		goto out;
	}
	c.command.op = str_put_raw(&strs, op, strlen(op));
	c.command.text = str_put_raw(&strs, filter->p, filter->len);
	c.command.actor = str_put(&strs, actor, strlen(actor), 64);
	code = ask_process(t, "notify", NULL, R_COMMAND, &c, strs.p, &body, &a, &r);
	if (code == EXIT_DONE)
		printf("%llu deliveries %s\n", (unsigned long long)a.total, strcmp(op, "retry") == 0 ? "sent again" : "dropped");
out:
	buf_release(&strs);
	buf_release(&body);
	return code;
}

/* What 'all' means when nothing narrows it down. */
static const char *all_of(const char *op)
{
	return strcmp(op, "retry") == 0 ? "state in (dead, expired, retry)" : "state in (dead, expired, suppressed)";
}

int verb_deliveries(int argc, char **argv)
{
	struct options o = { 0 };
	struct buf filter = { 0 };
	struct topo *t = NULL;
	int code = parse(&o, argc, argv);
	if (code)
		return code;
	const char *op = optind < argc ? argv[optind] : "";
	bool change = strcmp(op, "retry") == 0 || strcmp(op, "drop") == 0;
	int words = optind + (change ? 2 : 0);
	code = EXIT_USAGE;
	if (words > argc) {
		fputs(usage, stderr);
		return code;
	}
	if (!make_filter(&o, argv + words, argc - words, &filter) ||
	    (o.fields && !output_fields(&o.out, R_DELIVERY, o.fields)))
		goto out;
	if (change && !filter.len)
		buf_adds(&filter, all_of(op));
	t = config_load(o.file);
	if (!t) {
		code = EXIT_FAILED;
		goto out;
	}
	if (change) {
		code = command(t, op, argv[optind + 1], &filter);
	} else {
		output_begin(&o.out, t->timezone);
		code = list(&o, t, &filter);
	}
out:
	output_release(&o.out);
	buf_release(&filter);
	topo_free(t);
	return code;
}

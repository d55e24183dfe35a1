/* weir deliveries: what is on its way to recipients. weir deliveries retry|drop ID|all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "match.h"
#include "options.h"
#include "output.h"
#include "verbs.h"

static const char usage[] =
	"usage: weir deliveries [-f FILE] [-n N] [--state S] [--recipient R] [-o table|json|tsv] [--fields A,B] [MATCH]\n"
	"       weir deliveries retry|drop ID|all [-f FILE] [--state S] [--recipient R] [MATCH]\n";

struct options {
	const char *file, *state, *recipient, *fields;
	uint64_t n; /* 0 = all */
	struct output out;
};

static int parse(struct options *o, int argc, char **argv)
{
	const struct option_row options[] = {
		OPTION_FILE(&o->file),
		{ NULL, 'n', OPTION_NUMBER, &o->n },
		{ NULL, 'o', OPTION_FORM, &o->out.form },
		{ "state", 0, OPTION_TEXT, &o->state },
		{ "recipient", 0, OPTION_TEXT, &o->recipient },
		{ "fields", 0, OPTION_TEXT, &o->fields },
	};
	return OPTIONS_READ(argc, argv, options, usage);
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
	options_words(out, words, n);
	if (n)
		buf_addc(out, ')');
	struct match *m = match_parse(buf_cstr(out), R_DELIVERY, &e);
	if (!m)
		fprintf(stderr, "weir: %s\n  at character %zu: %s\n", buf_cstr(out), e.column, e.text);
	match_free(m);
	return m != NULL;
}

static int print_page(void *arg, uint32_t count, struct codec_reader *r)
{
	struct output *out = arg;
	for (uint32_t i = 0; i < count; i++) {
		struct r_delivery d;
		if (!ask_record(r, R_DELIVERY, &d))
			return -1;
		if (!output_record(out, R_DELIVERY, &d, r->base))
			return (int)i;
	}
	return (int)count;
}

static int list(struct options *o, const struct topo *t, const struct buf *filter)
{
	uint32_t most = o->n && o->n < UINT32_MAX ? (uint32_t)o->n : UINT32_MAX;
	const struct ask_pages pages = { "notify", NULL, "deliveries", filter, most, print_page };
	return ask_pages(t, &pages, &o->out);
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
	if (words > argc)
		return options_usage(usage);
	code = EXIT_USAGE;
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

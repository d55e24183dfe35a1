/* weir silence add|list|remove: alerts whose notifications are held back for a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "loop.h"
#include "match.h"
#include "options.h"
#include "stored.h"
#include "verbs.h"

static const char usage[] =
	"usage: weir silence [-f FILE] add --for TIME | --until T [--since T] --comment TEXT MATCH\n"
	"       weir silence [-f FILE] list [-n N] [-o table|wide|json|tsv] [--fields A,B] [MATCH]\n"
	"       weir silence [-f FILE] remove ID\n";

static int add(struct stored *o, char **words, int n)
{
	struct buf text = { 0 };
	struct r_command c = { .command = { .start = o->q.start, .end = o->q.end } };
	char id[ID_STRLEN];
	uint64_t now = wall_ns();
	int code = EXIT_USAGE;
	if (o->lasts)
		c.command.end = (o->q.start ? o->q.start : now) + o->lasts;
	struct match *m = options_match(&text, R_ALERT, words, n);
	if (!m)
		goto out;
	if (!c.command.end || !o->comment || !*text.p) {
		options_usage(usage);
	} else {
		c.command.id = id_random(now);
		c.command.match = str_put_raw(&o->strs, text.p, text.len);
		c.command.text = str_put_raw(&o->strs, o->comment, strlen(o->comment));
		code = stored_command(o, "silence", &c);
		if (code == EXIT_DONE)
			puts(id_str(c.command.id, id));
	}
out:
	match_free(m);
	buf_release(&text);
	return code;
}

static int drop(struct stored *o, const char *text)
{
	struct r_command c = { 0 };
	int code = stored_id(text, "a silence", &c.command.id);
	return code ? code : stored_command(o, "unsilence", &c);
}

int verb_silence(int argc, char **argv)
{
	struct stored o = { 0 };
	int code = stored_options(&o, argc, argv, usage);
	const char *op = code == EXIT_DONE && optind < argc ? argv[optind] : "";
	if (code)
		return code;
	if (strcmp(op, "add") == 0)
		return add(&o, argv + optind + 1, argc - optind - 1);
	if (strcmp(op, "list") == 0)
		return stored_query(&o, R_SILENCE, "silences", argv + optind + 1, argc - optind - 1);
	if (strcmp(op, "remove") == 0 && optind + 2 == argc)
		return drop(&o, argv[optind + 1]);
	return options_usage(usage);
}

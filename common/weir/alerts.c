/* weir alerts, weir history, weir series: what is stored. weir alerts ack|unack|comment ID. weir store stats|runs|prune|backup. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"
#include "codec.h"
#include "options.h"
#include "stored.h"
#include "verbs.h"

#define MAX_SAMPLES 10000 /* the most that alertd gives */

static int note(struct stored *o, const char *op, const char *id)
{
	struct r_command c = { 0 };
	int code = stored_id(id, "an alert", &c.command.id);
	if (code)
		return code;
	if (o->comment)
		c.command.text = str_put_raw(&o->strs, o->comment, strlen(o->comment));
	return stored_command(o, op, &c);
}

int verb_alerts(int argc, char **argv)
{
	static const char usage[] =
		"usage: weir alerts [-f FILE] [-n N] [--since T] [--until T] [--sort FIELD] [-o table|wide|json|tsv]\n"
		"                   [--fields A,B] [--run RUN] [--watch[=SECONDS]] [MATCH]\n"
		"       weir alerts ack|unack|comment ID [--comment TEXT]\n";
	struct stored o = { 0 };
	int rc = stored_options(&o, argc, argv, usage);
	if (rc)
		return rc;
	const char *op = optind < argc ? argv[optind] : "";
	if (strcmp(op, "ack") == 0 || strcmp(op, "unack") == 0 || strcmp(op, "comment") == 0) {
		if (optind + 2 != argc)
			return options_usage(usage);
		return note(&o, op, argv[optind + 1]);
	}
	return stored_query(&o, R_ALERT, "alerts", argv + optind, argc - optind);
}

int verb_history(int argc, char **argv)
{
	struct stored o = { 0 };
	int rc = stored_options(&o, argc, argv,
		       "usage: weir history [-f FILE] [-n N] [--since T] [--until T] [--sort FIELD] [-o FORM] [--fields A,B] "
		       "[--run RUN] [--watch[=SECONDS]] [MATCH]\n");
	return rc ? rc : stored_query(&o, R_FLOW, "flows", argv + optind, argc - optind);
}

int verb_series(int argc, char **argv)
{
	static const char usage[] =
		"usage: weir series [-f FILE] [-n N] [--since T] [--until T] [--by sensor|app|host|host,app|check] [--key KEY]\n"
		"                   [--step DURATION] [--run RUN] [--sort FIELD] [-o FORM] [--fields A,B] [--watch[=SECONDS]] [MATCH]\n";
	struct stored o = { .q.limit = MAX_SAMPLES };
	int rc = stored_options(&o, argc, argv, usage);
	return rc ? rc : stored_query(&o, R_SAMPLE, "series", argv + optind, argc - optind);
}

static int command(struct stored *o, const char *op, const char *text)
{
	struct r_command c = { .command.text = str_put_raw(&o->strs, text, strlen(text)) };
	return stored_command(o, op, &c);
}

static int backup(struct stored *o, const char *path)
{
	struct topo *t = config_load(o->file);
	if (!t)
		return EXIT_FAILED;
	char *place = backup_place(t);
	int code = command(o, "backup", place);
	if (code == EXIT_DONE && backup_take(place, path) < 0)
		code = EXIT_FAILED;
	free(place);
	topo_free(t);
	return code;
}

int verb_store(int argc, char **argv)
{
	static const char usage[] = "usage: weir store [-f FILE] [-o FORM] stats | runs | prune | backup PATH\n";
	struct stored o = { 0 };
	int rc = stored_options(&o, argc, argv, usage);
	const char *op = rc == 0 && optind < argc ? argv[optind] : "";
	if (rc)
		return rc;
	if (strcmp(op, "stats") == 0 && optind + 1 == argc)
		return stored_query(&o, R_METRIC, "stats", NULL, 0);
	if (strcmp(op, "runs") == 0 && optind + 1 == argc)
		return stored_query(&o, R_RUN, "runs", NULL, 0);
	if (strcmp(op, "prune") == 0 && optind + 1 == argc)
		return command(&o, op, "");
	if (strcmp(op, "backup") == 0 && optind + 2 == argc)
		return backup(&o, argv[optind + 1]);
	return options_usage(usage);
}

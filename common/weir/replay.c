/* weir replay FILE...: captures through the whole pipeline in a store of its own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "effective.h"
#include "options.h"
#include "supervise.h"
#include "verbs.h"

/* A process that crashes on this input over and over is not going to get past it. */
#define MAX_CRASHES 10
#define MAX_TMP     40 /* of TMPDIR; a longer one is not used */

static bool check_inputs(char **files, char **ret, int n)
{
	for (int i = 0; i < n; i++) {
		struct stat st;
		if (strcmp(files[i], "-") == 0 && n > 1) {
			fputs("weir: standard input is read alone, without files beside it\n", stderr);
			return false;
		}
		if (stat(files[i], &st) == 0 && S_ISFIFO(st.st_mode)) {
			fprintf(stderr, "weir: %s: is a pipe: give it as standard input, weir replay -\n", files[i]);
			return false;
		}
		ret[i] = strcmp(files[i], "-") == 0 ? xstrdup("-") : realpath(files[i], NULL);
		if (!ret[i] || (strcmp(ret[i], "-") != 0 && access(ret[i], R_OK) < 0)) {
			fprintf(stderr, "weir: %s: %s\n", files[i], strerror(errno));
			return false;
		}
	}
	return true;
}

/* alertd is there only for a store that somebody asked for. */
static int run(const char *effective, const char *fail_on, bool verbose, bool quiet, bool stored)
{
	static const char *const others[] = { "classify", "checks", "alertd" };
	struct supervisor *sv = supervise_new();
	supervise_quiet(sv, !verbose);
	supervise_limit(sv, MAX_CRASHES);
	supervise_add(sv, "capture/replay", "weir-capture", (const char *const[]){ "-f", effective, "-i", "replay", NULL },
		      false, false);
	for (size_t i = 0; i < (stored ? 3 : 2); i++) {
		char *program = xasprintf("weir-%s", others[i]);
		supervise_add(sv, others[i], program, (const char *const[]){ "-f", effective, NULL }, false, false);
		free(program);
	}
	supervise_add(sv, "follow", "weir", (const char *const[]){ "follow-replay", "-f", effective, quiet ? "-q" : "--", fail_on, NULL }, true,
		      true);
	int code = supervise_run(sv);
	supervise_free(sv);
	return code;
}

/*
 * Bytes. Each snapshot costs a replay a few percent, and all that it gives is a quicker start after a kill; a quarter of
 * recovery.journal_max stays the limit.
 */
#define JOURNAL_MIN (512u << 20)
#define UNREAD_LOG (4u << 20) /* bytes held of a link that nobody reads: the least, it stays in the cache */

/* Makes the directory if there is none. Returns its path from the root, or NULL after saying why it cannot hold a store. */
static char *store_dir(const char *store)
{
	char *inside = xasprintf("%s/.", store), *path = NULL; /* a file has none */
	if (mkdir(store, 0750) == 0 || errno == EEXIST)
		path = realpath(inside, NULL);
	if (!path || access(path, W_OK | X_OK) < 0) {
		fprintf(stderr, "weir: %s: %s\n", store, strerror(errno));
		free(path);
		path = NULL;
	}
	free(inside);
	return path;
}

/* The topology of a replay in a directory of its own; false after saying what is wrong. */
static bool arrange(struct topo *t, const char *dir, char **inputs, double speed, const char *store, bool quiet)
{
	bool from_stdin = strcmp(inputs[0], "-") == 0 && !inputs[1];
	effective_sensor(t, "replay", from_stdin ? SRC_STDIN : SRC_FILES, inputs, speed);
	effective_dir(t, dir);
	if (store) {
		free(t->store.path);
		t->store.path = store_dir(store);
		if (!t->store.path)
			return false;
	}
	if (t->checks.journal_bytes < JOURNAL_MIN)
		t->checks.journal_bytes = JOURNAL_MIN;
	effective_no_recipients(t);
	if (!store) {
		effective_not_durable(t, "history");
		effective_not_durable(t, "alerts");
	}
	if (quiet) /* flows and hosts are only counted, and checks has done that */
		effective_log(t, "history", UNREAD_LOG);
	else
		effective_durable(t, "history", "replay");
	effective_durable(t, "alerts", "replay");
	return true;
}

/* Makes a directory below TMPDIR. Sockets will be in it, and their paths are short. */
static bool make_dir(char *dir, size_t size)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(dir, size, "%.*s/weir-XXXXXX", MAX_TMP, tmp && *tmp == '/' && strlen(tmp) < MAX_TMP ? tmp : "/tmp");
	if (mkdtemp(dir))
		return true;
	fprintf(stderr, "weir: %s: %s\n", dir, strerror(errno));
	*dir = '\0';
	return false;
}

int verb_replay(int argc, char **argv)
{
	static const char usage[] =
		"usage: weir replay [-f FILE] [--speed N|max] [--fail-on SEVERITY] [--store DIR] [--quiet] [--verbose] CAPTURE ...\n";
	const char *file = NULL, *store = NULL, *fail_on = NULL;
	double speed = 0;
	bool verbose = false, quiet = false;
	const struct option_row options[] = {
		OPTION_FILE(&file),
		{ "speed", 0, OPTION_SPEED, &speed },
		{ "fail-on", 0, OPTION_TEXT, &fail_on },
		{ "store", 0, OPTION_TEXT, &store },
		{ "verbose", 'v', OPTION_FLAG, &verbose },
		{ "quiet", 'q', OPTION_FLAG, &quiet },
	};
	int code = OPTIONS_READ(argc, argv, options, usage), n = argc - optind;
	if (code)
		return code;
	if (fail_on && enum_value(enum_severity, fail_on) < 0) {
		fprintf(stderr, "weir: '%s' is no severity: info, notice, warning, error, critical, emergency\n", fail_on);
		return EXIT_USAGE;
	}
	if (n == 0)
		return options_usage(usage);
	code = EXIT_FAILED;
	char **inputs = xcalloc((size_t)n + 1, sizeof *inputs), *effective = NULL;
	char dir[MAX_TMP + 16] = "";
	struct topo *t = NULL;
	if (check_inputs(argv + optind, inputs, n) && (t = effective_base(file)) != NULL && make_dir(dir, sizeof dir) &&
	    arrange(t, dir, inputs, speed, store, quiet))
		effective = effective_write(t);
	if (effective)
		code = run(effective, fail_on, verbose, quiet, store != NULL);
	if (*dir)
		effective_remove(dir);
	for (int i = 0; i < n; i++)
		free(inputs[i]);
	free(inputs);
	free(effective);
	topo_free(t);
	return code;
}

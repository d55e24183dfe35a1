/* weir replay FILE...: captures through the whole pipeline in a store of its own. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "effective.h"
#include "supervise.h"
#include "verbs.h"

/* A process that crashes on this input over and over is not going to get past it. */
#define MAX_CRASHES 10
#define MAX_TMP     40 /* of TMPDIR; a longer one is not used */

static int usage(void)
{
	fputs("usage: weir replay [-f FILE] [--speed N|max] [--fail-on SEVERITY] [--store DIR] [--quiet] [--verbose] CAPTURE ...\n",
	      stderr);
	return EXIT_USAGE;
}

static bool check_inputs(char **files, char **ret, int n)
{
	for (int i = 0; i < n; i++) {
		struct stat st;
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

int verb_replay(int argc, char **argv)
{
	static const struct option options[] = {
		{ "speed", required_argument, NULL, 's' }, { "fail-on", required_argument, NULL, 'F' },
		{ "store", required_argument, NULL, 'S' }, { "verbose", no_argument, NULL, 'v' }, { "quiet", no_argument, NULL, 'q' },
		{ NULL, 0, NULL, 0 },
	};
	const char *file = NULL, *store = NULL, *fail_on = NULL;
	double speed = 0;
	bool verbose = false, quiet = false;
	int opt, code = EXIT_FAILED;
	while ((opt = getopt_long(argc, argv, "f:vq", options, NULL)) != -1) {
		switch (opt) {
		case 'f':
			file = optarg;
			break;
		case 's':
			if (speed_parse(optarg, &speed) < 0)
				return usage();
			break;
		case 'F':
			fail_on = optarg;
			if (enum_value(enum_severity, optarg) < 0) {
				fprintf(stderr, "weir: '%s' is no severity: info, notice, warning, error, critical, emergency\n",
					optarg);
				return EXIT_USAGE;
			}
			break;
		case 'S':
			store = optarg;
			break;
		case 'v':
			verbose = true;
			break;
		case 'q':
			quiet = true;
			break;
		default:
			return usage();
		}
	}
	int n = argc - optind;
	if (n == 0)
		return usage();
	char **inputs = xcalloc((size_t)n + 1, sizeof *inputs);
	const char *tmp = getenv("TMPDIR");
	char dir[MAX_TMP + 16];
	bool made = false;
	char *effective = NULL;
	struct topo *t = NULL;
	if (!check_inputs(argv + optind, inputs, n) || !(t = effective_base(file)))
		goto out;
	/* Sockets are in it, and their paths are short. */
	snprintf(dir, sizeof dir, "%.*s/weir-XXXXXX", MAX_TMP, tmp && *tmp == '/' && strlen(tmp) < MAX_TMP ? tmp : "/tmp");
	if (!mkdtemp(dir)) {
		fprintf(stderr, "weir: %s: %s\n", dir, strerror(errno));
		goto out;
	}
	made = true;
	bool from_stdin = n == 1 && strcmp(inputs[0], "-") == 0;
	effective_sensor(t, "replay", from_stdin ? SRC_STDIN : SRC_FILES, inputs, speed);
	effective_dir(t, dir);
	if (store) {
		if (mkdir(store, 0750) < 0 && errno != EEXIST) {
			fprintf(stderr, "weir: %s: %s\n", store, strerror(errno));
			goto out;
		}
		free(t->store.path);
		t->store.path = realpath(store, NULL);
	}
	effective_no_recipients(t);
	effective_durable(t, "history", "replay", !store);
	effective_durable(t, "alerts", "replay", !store);
	effective = effective_write(t);
	if (effective)
		code = run(effective, fail_on, verbose, quiet, store != NULL);
out:
	if (made)
		effective_remove(dir);
	for (int i = 0; i < n; i++)
		free(inputs[i]);
	free(inputs);
	free(effective);
	topo_free(t);
	return code;
}

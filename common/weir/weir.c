/* weir: start the pipeline, replay captures, ask a running one. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/filter.h"
#include "log.h"
#include "verbs.h"

struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help; /* NULL: not listed */
};

static const struct verb verbs[] = {
	{ "run", verb_run, "run the whole pipeline in the foreground" },
	{ "replay", verb_replay, "run captures through the pipeline and print what is found" },
	{ "top", verb_live, "hosts, flows or applications with most traffic now" },
	{ "flows", verb_live, "open flows and those that ended last" },
	{ "hosts", verb_live, "hosts: traffic, names, score" },
	{ "apps", verb_live, "applications of open flows and those that ended last" },
	{ "ifaces", verb_live, "sensors and what they carry" },
	{ "tail", verb_tail, "follow alerts as they happen" },
	{ "alerts", verb_alerts, "stored alerts; acknowledge and comment them" },
	{ "history", verb_history, "stored flows" },
	{ "series", verb_series, "what sensors, hosts and applications did, in spans of time" },
	{ "status", verb_status, "what each process is doing" },
	{ "checks", verb_checks, "list and explain the checks" },
	{ "store", verb_store, "statistics, backup and retention of the store" },
	{ "export", verb_export, "all that is stored, in a form to compare" },
	{ "deliveries", verb_deliveries, "list what is on its way to recipients, send it again, drop it" },
	{ "silence", verb_silence, "hold notifications back for a time" },
	{ "token", verb_token, "make, list and remove tokens of the API" },
	{ "cat", verb_cat, "print the records of a link as JSON lines" },
	{ "config", verb_config, "check or show the configuration" },
	{ "follow-replay", verb_follow, NULL },
	{ "follow-check", verb_follow_check, NULL },
};

const char *config_path(const char *option)
{
	const char *env = getenv("WEIR_CONFIG");
	return option ? option : env && *env ? env : "/etc/weir/weir.yaml";
}

bool config_given(const char *option)
{
	return option || getenv("WEIR_CONFIG") || access(config_path(NULL), R_OK) == 0;
}

struct topo *config_load(const char *option)
{
	struct buf err = { 0 };
	struct topo *t = topo_load(config_path(option), &err);
	if (err.len)
		fprintf(stderr, "%s", buf_cstr(&err));
	buf_release(&err);
	return t;
}

static struct {
	struct loop *loop;
	int code;
} interrupted;

static void on_signal(void *arg, int signo)
{
	(void)arg;
	(void)signo;
	loop_stop(interrupted.loop, interrupted.code);
}

struct loop *verb_loop(int code)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	interrupted.loop = loop_new();
	interrupted.code = code;
	loop_on_signal(interrupted.loop, SIGINT, on_signal, NULL);
	loop_on_signal(interrupted.loop, SIGTERM, on_signal, NULL);
	return interrupted.loop;
}

int verb_printed(int code)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (poll(&out, 1, 0) == 1 && out.revents & POLLERR) /* nobody reads any more: what they wanted they have */
		return code;
	fputs("weir: not all of it could be written to standard output\n", stderr);
	return code == EXIT_DONE ? EXIT_FAILED : code;
}

static int usage(FILE *to)
{
	fputs("usage: weir VERB [ARGUMENTS]\n\n", to);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (verbs[i].help)
			fprintf(to, "  %-12s %s\n", verbs[i].name, verbs[i].help);
	fputs("\nThe configuration is -f FILE, $WEIR_CONFIG or /etc/weir/weir.yaml. See weir(1);\n"
	      "weir VERB --help tells how a verb is used. Exit status: 0 done, 1 failed, 2 wrong usage, 3 no answer.\n", to);
	return EXIT_USAGE;
}

/*
 * Verbs print how they are used when they meet an option that they do not know: asked for help, that is what is wanted, and
 * no error.
 */
static int help(const struct verb *v)
{
	char name[32], option[] = "--help", *argv[] = { name, option, NULL };
	snprintf(name, sizeof name, "%s", v->name);
	printf("weir %s: %s\n", v->name, v->help);
	fflush(stdout);
	opterr = 0;
	if (dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
		return EXIT_FAILED;
	v->run(2, argv);
	puts("See weir(1).");
	return verb_printed(EXIT_DONE);
}

/* For bash: verbs from the table, options from what each verb says of its use. */
static int print_completion(void)
{
	fputs("# bash completion for weir(1)\n_weir() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\tCOMPREPLY=($(compgen -W \"", stdout);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (verbs[i].help)
			printf("%s ", verbs[i].name);
	fputs("--help --version\" -- \"$cur\"))\n\telif [ \"$prev\" = -o ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"table wide json tsv\" -- \"$cur\"))\n"
	      "\telif [[ $cur == -* ]]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"$(weir \"${COMP_WORDS[1]}\" --help 2>/dev/null |\n"
	      "\t\t\tgrep -oE -- '(^|[^[:alnum:]-])--?[[:alpha:]][[:alnum:]-]*' | grep -oE -- '-.*')\" -- \"$cur\"))\n"
	      "\telse\n\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n\tfi\n}\ncomplete -o filenames -F _weir weir\n", stdout);
	return EXIT_DONE;
}

/*
 * Those that are closed: else a file or a socket of ours would get their numbers, and what is printed. Opened the wrong way round, so
 * that using them fails as it should.
 */
static void keep_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(EXIT_FAILED);
}

int main(int argc, char **argv)
{
	keep_standard_files();
	signal(SIGPIPE, SIG_IGN);
	topo_check_filters(filter_good);
	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0) {
		printf("weir %s\n", WEIR_VERSION);
		return verb_printed(EXIT_DONE);
	}
	if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return verb_printed(EXIT_DONE);
	}
	if (strcmp(argv[1], "--completion") == 0)
		return verb_printed(print_completion());
	log_init(argv[1], LOG_LV_INFO);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(argv[1], verbs[i].name) == 0 && verbs[i].help && argc == 3 &&
		    (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
			return help(&verbs[i]);
		else if (strcmp(argv[1], verbs[i].name) == 0)
			return verb_printed(verbs[i].run(argc - 1, argv + 1));
	fprintf(stderr, "weir: there is no verb '%s'\n", argv[1]);
	return usage(stderr);
}

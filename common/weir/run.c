/* weir run: everything in the foreground, without a service manager. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "effective.h"
#include "options.h"
#include "supervise.h"
#include "verbs.h"

#define MAX_PCAPS 1023

struct run {
	/* what was asked for */
	const char *file, *interface;
	char *dir;
	char *pcaps[MAX_PCAPS + 1];
	size_t n_pcaps;
	double speed; /* -1 = as configured */
	bool watch;

	struct topo *t;  /* in force */
	char *effective; /* path of its file */
	struct supervisor *sv;
	bool announced;
};

static bool read_token(const char *path, char *token, size_t size)
{
	FILE *fp = fopen(path, "re");
	if (!fp)
		return false;
	bool good = fgets(token, (int)size, fp) != NULL;
	fclose(fp);
	token[strcspn(token, "\n")] = '\0';
	return good && *token;
}

/* The API, and those that it asks: what is printed below works from the first moment. */
static bool answers(const struct supervisor *sv)
{
	return supervise_ready(sv, "apid") && supervise_ready(sv, "alertd") && supervise_ready(sv, "checks");
}

/* Says where the API is, once it is there. */
static void announce(void *arg)
{
	struct run *r = arg;
	const char *listen = r->t->api.listen;
	bool local = strncmp(listen, "unix:", 5) == 0;
	char token[256];
	if (r->announced || !answers(r->sv) || !read_token(r->t->api.token_file, token, sizeof token))
		return;
	r->announced = true;
	fprintf(stderr,
		"\nweir: the API listens on %s%s\n"
		"  curl %s%s -H 'Authorization: Bearer %s' 'http://%s/api/v1/alerts?limit=5'\n"
		"weir: flows and alerts come as they end or are raised; Ctrl-C ends all\n\n",
		local ? "" : "http://", listen, local ? "--unix-socket " : "", local ? listen + 5 : "-s", token,
		local ? "localhost" : listen);
}

/* -- the topology, as configured and as asked for -- */

static struct topo *load(struct run *r)
{
	struct topo *t = config_load(r->file);
	if (!t)
		return NULL;
	if (r->interface)
		effective_sensor(t, r->interface, SRC_INTERFACE, (char *[]){ (char *)r->interface, NULL }, -1);
	if (r->n_pcaps)
		effective_sensor(t, "pcap", SRC_FILES, r->pcaps, r->speed);
	if (r->dir)
		effective_dir(t, r->dir);
	return t;
}

static void add_capture(struct run *r, const char *sensor)
{
	char *name = xasprintf("capture/%s", sensor);
	supervise_add(r->sv, name, "weir-capture", (const char *const[]){ "-f", r->effective, "-i", sensor, NULL }, false, false);
	free(name);
}

static void add_processes(struct run *r)
{
	static const char *const others[] = { "classify", "checks", "alertd", "notify", "apid" };
	for (size_t i = 0; i < r->t->n_sensors; i++)
		add_capture(r, r->t->sensors[i].name);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		char *program = xasprintf("weir-%s", others[i]);
		supervise_add(r->sv, others[i], program, (const char *const[]){ "-f", r->effective, NULL }, false, false);
		free(program);
	}
	if (r->watch)
		supervise_add(r->sv, "tail", "weir",
			      (const char *const[]){ "tail", "-f", r->effective, "--flows", "--wait", NULL }, false, true);
}

/* SIGHUP: a configuration that is not good, or cannot be had without a new start, changes nothing. */
static bool on_reload(void *arg)
{
	struct run *r = arg;
	struct topo *old = r->t, *t = load(r);
	char *path = NULL;
	if (t && strcmp(t->runtime, old->runtime) != 0)
		log_error("the runtime directory cannot change while weir runs");
	else if (t)
		path = effective_write(t);
	if (!path) {
		log_error("going on with the configuration in force");
		topo_free(t);
		return false;
	}
	free(path);
	r->t = t;
	for (size_t i = 0; i < old->n_sensors; i++)
		if (!topo_sensor(t, old->sensors[i].name)) {
			char *name = xasprintf("capture/%s", old->sensors[i].name);
			supervise_retire(r->sv, name);
			free(name);
		}
	for (size_t i = 0; i < t->n_sensors; i++)
		if (!topo_sensor(old, t->sensors[i].name))
			add_capture(r, t->sensors[i].name);
	topo_free(old);
	return true;
}

static int run(struct run *r)
{
	int code = EXIT_FAILED;
	r->t = load(r);
	r->effective = r->t ? effective_write(r->t) : NULL;
	if (r->effective) {
		r->sv = supervise_new();
		add_processes(r);
		supervise_tick(r->sv, announce, r);
		supervise_on_reload(r->sv, on_reload, r);
		code = supervise_run(r->sv);
		if (code > 128) /* that is how it is meant to end */
			code = EXIT_DONE;
		supervise_free(r->sv);
	}
	free(r->effective);
	topo_free(r->t);
	return code;
}

/* -- the command line -- */

/* What is there already may be named by links; what is not is made below this folder. */
static char *absolute(const char *path)
{
	char *real = realpath(path, NULL), *here;
	if (real || *path == '/' || !(here = getcwd(NULL, 0)))
		return real ? real : xstrdup(path);
	real = xasprintf("%s/%s", here, path);
	free(here);
	return real;
}

static int parse(struct run *r, int argc, char **argv)
{
	static const char usage[] =
		"usage: weir run [-f FILE] [--interface IF | --pcap FILE ...] [--speed N|max] [--dir DIR] [--watch]\n";
	const char *dir = NULL, *text[MAX_PCAPS];
	struct option_texts pcaps = { .text = text, .max = MAX_PCAPS };
	const struct option_row options[] = {
		{ "file", 'f', OPTION_TEXT, &r->file },
		{ "interface", 0, OPTION_TEXT, &r->interface },
		{ "pcap", 0, OPTION_TEXTS, &pcaps },
		{ "speed", 0, OPTION_SPEED, &r->speed },
		{ "dir", 0, OPTION_TEXT, &dir },
		{ "watch", 0, OPTION_FLAG, &r->watch },
	};
	int rc = OPTIONS_READ(argc, argv, options, usage);
	if (rc)
		return rc;
	if (optind != argc || (r->interface && pcaps.n))
		return options_usage(usage);
	for (size_t i = 0; i < pcaps.n; i++) {
		if (access(text[i], R_OK) < 0) {
			fprintf(stderr, "weir: %s: %s\n", text[i], strerror(errno));
			return EXIT_FAILED;
		}
		r->pcaps[r->n_pcaps++] = absolute(text[i]);
	}
	r->dir = dir ? absolute(dir) : NULL;
	return EXIT_DONE;
}

int verb_run(int argc, char **argv)
{
	struct run r = { .speed = -1 };
	int code = parse(&r, argc, argv);
	if (code == EXIT_DONE)
		code = run(&r);
	for (size_t i = 0; i < r.n_pcaps; i++)
		free(r.pcaps[i]);
	free(r.dir);
	return code;
}

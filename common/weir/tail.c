/* weir tail: alerts (and flows) as they happen; goes on where it was by a cursor file. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link.h"
#include "log.h"
#include "match.h"
#include "output.h"
#include "verbs.h"

#define FLOWS_A_SECOND 20 /* on a terminal: more cannot be read, and would bury the alerts */

struct tail {
	struct loop *loop;
	struct output alerts, flows;
	struct match *m;
	const char *cursor_file;
	uint64_t left;
	bool limited, wait, up, done;
	/* Flows printed in this second, and those that were not; rate 0 = all are. */
	uint64_t rate, second, printed, folded;
};

static void save_cursor(const struct tail *k, const struct follower *f, uint64_t next)
{
	char *tmp = xasprintf("%s.new", k->cursor_file);
	FILE *fp = fopen(tmp, "we");
	bool good = fp && fprintf(fp, "%" PRIu64 " %" PRIu64 "\n", follower_epoch(f), next) > 0;
	if (fp && fclose(fp) != 0)
		good = false;
	if (!good || rename(tmp, k->cursor_file) < 0)
		log_warn("cannot write %s", k->cursor_file);
	free(tmp);
}

static bool load_cursor(const char *path, uint64_t *epoch, uint64_t *next)
{
	FILE *fp = fopen(path, "re");
	bool good = fp && fscanf(fp, "%" SCNu64 " %" SCNu64, epoch, next) == 2;
	if (fp)
		fclose(fp);
	return good;
}

static void print(struct tail *k, enum rtype type, const void *rec, const char *base)
{
	bool good = output_record(type == R_ALERT ? &k->alerts : &k->flows, type, rec, base);
	if (!good || (k->limited && --k->left == 0)) {
		k->done = true;
		loop_stop(k->loop, EXIT_DONE);
	}
}

static void say_folded(struct tail *k)
{
	if (k->folded)
		printf("... and %" PRIu64 " more flows (weir history has all)\n", k->folded);
	fflush(stdout);
	k->folded = 0;
}

static void print_flow(struct tail *k, const void *rec, const char *base)
{
	uint64_t second = mono_ns() / 1000000000u;
	if (second != k->second) {
		say_folded(k);
		k->second = second;
		k->printed = 0;
	}
	if (k->rate && k->printed == k->rate) {
		k->folded++;
		return;
	}
	k->printed++;
	print(k, R_FLOW, rec, base);
}

static uint32_t on_batch(void *arg, struct follower *f, const struct g_batch *b, struct codec_reader *r)
{
	static union {
		struct r_alert alert;
		struct r_flow flow;
	} rec;
	struct tail *k = arg;
	uint32_t n = 0;
	for (; n < b->count && !k->done; n++) {
		enum rtype type = codec_peek(r);
		size_t at, len;
		bool ours = type == R_ALERT || type == R_FLOW;
		if ((ours ? codec_read(r, &rec) : codec_skip(r, &at, &len)) != 1) {
			log_warn("record that cannot be read: %s", r->error ? r->error : "end");
			n = b->count; /* where the next one begins is not known */
			break;
		}
		if (type == R_ALERT && match_eval(k->m, &rec, r->base))
			print(k, type, &rec, r->base);
		else if (type == R_FLOW && rec.flow.n.end_reason != END_ACTIVE)
			print_flow(k, &rec, r->base);
	}
	fflush(stdout);
	if (k->cursor_file)
		save_cursor(k, f, b->base + n);
	return b->count;
}

static bool on_gone(void *arg, struct follower *f, uint64_t tail)
{
	(void)arg;
	if (follower_next(f) > 1)
		fprintf(stderr, "weir: records %" PRIu64 " to %" PRIu64 " are no longer held: there is a hole here\n",
			follower_next(f), tail - 1);
	return true;
}

static bool on_epoch(void *arg, struct follower *f, uint64_t epoch)
{
	(void)arg;
	fputs("weir: this is another run than the cursor is of: going on from its start\n", stderr);
	follower_set(f, epoch, 1);
	return true;
}

static void on_link(void *arg, struct follower *f, bool up)
{
	struct tail *k = arg;
	(void)f;
	if (!up && k->up)
		fputs("weir: connection lost, trying again\n", stderr);
	k->up = up;
}

static void on_second(void *arg)
{
	say_folded(arg);
}

static void on_timeout(void *arg)
{
	struct tail *k = arg;
	if (k->up || k->wait)
		return;
	fputs("weir: checks does not answer\n", stderr);
	loop_stop(k->loop, EXIT_UNREACHABLE);
}

static void on_signal(void *arg, int signo)
{
	(void)signo;
	loop_stop(((struct tail *)arg)->loop, EXIT_DONE);
}

static int usage(void)
{
	fputs("usage: weir tail [-f FILE] [--flows] [--rate N] [--cursor-file FILE] [-n COUNT] [--wait] [-o FORM] [MATCH]\n",
	      stderr);
	return EXIT_USAGE;
}

static int follow(struct tail *k, const struct topo *t, bool flows)
{
	static const struct follower_ops ops = { .batch = on_batch, .gone = on_gone, .epoch = on_epoch, .link = on_link };
	uint64_t epoch = 0, next = 1;
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	k->loop = loop_new();
	loop_on_signal(k->loop, SIGINT, on_signal, k);
	loop_on_signal(k->loop, SIGTERM, on_signal, k);
	struct loop_timer *timeout = loop_add_timer(k->loop, on_timeout, k);
	loop_set_timer(timeout, 3000, 0);
	loop_set_timer(loop_add_timer(k->loop, on_second, k), 1000, 1000);
	char *url = topo_url(t, "checks", NULL);
	struct follower *a = follower_new(k->loop, url, "alerts", "tail", &ops, k), *h = NULL;
	if (k->cursor_file)
		load_cursor(k->cursor_file, &epoch, &next);
	follower_set(a, epoch, next);
	follower_resume(a);
	if (flows) {
		h = follower_new(k->loop, url, "history", "tail", &ops, k);
		follower_set(h, 0, 1);
		follower_resume(h);
	}
	return loop_run(k->loop);
}

int verb_tail(int argc, char **argv)
{
	static const struct option options[] = {
		{ "flows", no_argument, NULL, 'l' }, { "cursor-file", required_argument, NULL, 'c' },
		{ "wait", no_argument, NULL, 'w' },  { "rate", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	struct tail k = { 0 };
	struct buf filter = { 0 };
	struct match_error e;
	const char *file = NULL;
	bool flows = false, rate_given = false;
	int opt, form, code = EXIT_FAILED;
	while ((opt = getopt_long(argc, argv, "f:n:o:", options, NULL)) != -1) {
		switch (opt) {
		case 'f':
			file = optarg;
			break;
		case 'n':
			k.left = strtoull(optarg, NULL, 10);
			k.limited = k.left > 0;
			break;
		case 'o':
			form = output_form(optarg);
			if (form < 0)
				return usage();
			k.alerts.form = k.flows.form = (enum output_form)form;
			break;
		case 'l':
			flows = true;
			break;
		case 'c':
			k.cursor_file = optarg;
			break;
		case 'w':
			k.wait = true;
			break;
		case 'r':
			k.rate = strtoull(optarg, NULL, 10);
			rate_given = true;
			break;
		default:
			return usage();
		}
	}
	if (flows && k.cursor_file) {
		fputs("weir: a cursor file is for alerts alone\n", stderr);
		return EXIT_USAGE;
	}
	for (int i = optind; i < argc; i++)
		buf_addf(&filter, "%s%s", i > optind ? " " : "", argv[i]);
	k.m = match_parse(buf_cstr(&filter), R_ALERT, &e);
	if (!k.m) {
		fprintf(stderr, "weir: match, character %zu: %s\n", e.column, e.text);
		buf_release(&filter);
		return EXIT_USAGE;
	}
	struct topo *t = config_load(file);
	if (t) {
		output_begin(&k.alerts, t->timezone);
		output_begin(&k.flows, t->timezone);
		if (!rate_given && k.flows.form == OUT_TABLE && isatty(STDOUT_FILENO))
			k.rate = FLOWS_A_SECOND;
		code = follow(&k, t, flows);
	}
	match_free(k.m);
	buf_release(&filter);
	output_release(&k.alerts);
	output_release(&k.flows);
	topo_free(t);
	link_leave(code);
}

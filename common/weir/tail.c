/* weir tail: alerts (and flows) as they happen; goes on where it was by a cursor file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link.h"
#include "log.h"
#include "match.h"
#include "options.h"
#include "output.h"
#include "verbs.h"

#define FLOWS_A_SECOND 20 /* on a terminal: more cannot be read, and would bury the alerts */
#define BY_OUTPUT      UINT64_MAX /* so, or all where there is no terminal */

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

static int follow(struct tail *k, const struct topo *t, bool flows)
{
	static const struct follower_ops ops = { .batch = on_batch, .gone = on_gone, .epoch = on_epoch, .link = on_link };
	uint64_t epoch = 0, next = 1;
	k->loop = verb_loop(EXIT_DONE);
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
	static const char usage[] =
		"usage: weir tail [-f FILE] [--flows] [--rate N] [--cursor-file FILE] [-n COUNT] [--wait] [-o FORM] [MATCH]\n";
	struct tail k = { .rate = BY_OUTPUT };
	struct buf filter = { 0 };
	const char *file = NULL;
	bool flows = false;
	const struct option_row options[] = {
		OPTION_FILE(&file),
		{ NULL, 'n', OPTION_NUMBER, &k.left },
		{ NULL, 'o', OPTION_FORM, &k.alerts.form },
		{ "flows", 0, OPTION_FLAG, &flows },
		{ "cursor-file", 0, OPTION_TEXT, &k.cursor_file },
		{ "wait", 0, OPTION_FLAG, &k.wait },
		{ "rate", 0, OPTION_NUMBER, &k.rate },
	};
	int code = OPTIONS_READ(argc, argv, options, usage);
	if (code)
		return code;
	k.limited = k.left > 0;
	k.flows.form = k.alerts.form;
	if (flows && k.cursor_file) {
		fputs("weir: a cursor file is for alerts alone\n", stderr);
		return EXIT_USAGE;
	}
	k.m = options_match(&filter, R_ALERT, argv + optind, argc - optind);
	if (!k.m) {
		buf_release(&filter);
		return EXIT_USAGE;
	}
	code = EXIT_FAILED;
	struct topo *t = config_load(file);
	if (t) {
		output_begin(&k.alerts, t->timezone);
		output_begin(&k.flows, t->timezone);
		if (k.rate == BY_OUTPUT)
			k.rate = k.flows.form == OUT_TABLE && isatty(STDOUT_FILENO) ? FLOWS_A_SECOND : 0;
		code = follow(&k, t, flows);
	}
	match_free(k.m);
	buf_release(&filter);
	output_release(&k.alerts);
	output_release(&k.flows);
	topo_free(t);
	link_leave(verb_printed(code));
}

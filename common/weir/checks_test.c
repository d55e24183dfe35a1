/* weir checks test SCRIPT CAPTURE...: what a Lua check would raise on captures, and what it costs. Alone, in a place of its own. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkdef.h"
#include "effective.h"
#include "json.h"
#include "link.h"
#include "options.h"
#include "supervise.h"
#include "topo_keys.h"
#include "verbs.h"

#define MAX_SCRIPT (1u << 20)
#define ASK_MS     5000
#define FEW        20000 /* records, of whose cost most is that of compiling the script */

/* -- what it prints: a process of its own, as it speaks to links -- */

struct follow_check {
	struct loop *loop;
	const char *key;
	char *checks; /* url */
	bool text;
	unsigned alerts, updates;
	uint64_t input_errors;
	int code;
};

/* Is the check of this name among those that fired? */
static bool names(const char *base, struct str list, const char *key)
{
	const char *item;
	size_t len = strlen(key), pos = 0, n;
	while (list_next(base, list, &pos, &item, &n))
		if (n == len && memcmp(item, key, n) == 0)
			return true;
	return false;
}

static void print_alert(struct follow_check *w, const struct r_alert *a, const char *base)
{
	struct buf out = { 0 };
	char c[ADDR_STRLEN], s[ADDR_STRLEN], p[4];
	if (!w->text) {
		json_record(&out, R_ALERT, a, base, JSON_TYPE | JSON_NO_BIN, NULL);
		buf_addc(&out, '\n');
	} else {
		json_time(&out, a->alert.time);
		buf_addf(&out, " score %3u  ", a->alert.score);
		if (a->alert.entity == ENT_FLOW)
			buf_addf(&out, "%s %s:%u > %s:%u", proto_name(a->flow.proto, p), addr_str(&a->flow.client, c),
				 a->flow.client_port, addr_str(&a->flow.server, s), a->flow.server_port);
		else
			buf_add(&out, str_ptr(base, a->alert.entity_val), a->alert.entity_val.len);
		buf_addf(&out, "  %.*s\n", (int)a->alert.message.len, str_ptr(base, a->alert.message));
	}
	fwrite(out.p, 1, out.len, stdout);
	buf_release(&out);
}

static void on_alert(struct follow_check *w, const struct r_alert *a, const char *base)
{
	if (!str_eq(base, a->alert.check, w->key) && !names(base, a->alert.others, w->key))
		return;
	if (a->alert.revision > 1) {
		w->updates++;
		return;
	}
	w->alerts++;
	print_alert(w, a, base);
}

/* Its metrics, as weir status shows them too. */
static void on_status(void *arg, const struct g_answer *a, struct codec_reader *r)
{
	enum { ROWS, SECONDS, ERRORS, DISABLED, SKIPPED, N_WANTED };
	static const char *const wanted[N_WANTED] = { "lua_check_rows", "lua_check_seconds", "lua_check_errors", "lua_check_disabled",
						      "lua_check_skipped" };
	struct follow_check *w = arg;
	union {
		struct r_process process;
		struct r_metric metric;
	} u;
	double v[N_WANTED] = { -1 };
	while (a && codec_peek(r) != R_NONE && codec_read(r, &u) == 1) {
		const struct g_metric *m = &u.metric.metric;
		for (int i = 0; i < N_WANTED; i++)
			if (str_eq(r->base, m->name, wanted[i]) && str_eq(r->base, m->label, w->key))
				v[i] = m->value;
	}
	bool loaded = v[ROWS] >= 0;
	if (w->text && loaded)
		printf("%s: %u alerts; looked at %.0f records, %.1f ns each%s; %.0f errors%s\n", w->key, w->alerts, v[ROWS],
		       v[ROWS] > 0 ? v[SECONDS] * 1e9 / v[ROWS] : 0, v[ROWS] < FEW ? ", compiling it included" : "", v[ERRORS],
		       v[DISABLED] > 0 ? ", disabled" : "");
	else if (loaded)
		printf("{\"type\":\"check_test\",\"check\":\"%s\",\"alerts\":%u,\"updates\":%u,\"records\":%.0f,\"seconds\":%.9f,"
		       "\"errors\":%.0f,\"skipped\":%.0f,\"disabled\":%s}\n", w->key, w->alerts, w->updates, v[ROWS], v[SECONDS],
		       v[ERRORS], v[SKIPPED], v[DISABLED] > 0 ? "true" : "false");
	else
		fprintf(stderr, "weir: the script was not loaded\n");
	if (v[SKIPPED] > 0)
		fprintf(stderr, "weir: %s ended or hung the process on %.0f batches of records\n", w->key, v[SKIPPED]);
	fflush(stdout);
	bool good = loaded && v[ERRORS] == 0 && v[SKIPPED] == 0 && v[DISABLED] == 0 && w->input_errors == 0;
	w->code = good ? EXIT_DONE : EXIT_FAILED;
	loop_stop(w->loop, w->code);
}

static void ask_cost(struct follow_check *w)
{
	struct r_status q = { .hello = { .metrics = true } };
	if (link_ask(w->loop, w->checks, R_STATUS, &q, NULL, ASK_MS, on_status, w) < 0)
		loop_stop(w->loop, EXIT_FAILED);
}

static uint32_t on_batch(void *arg, struct follower *f, const struct g_batch *b, struct codec_reader *r)
{
	static union {
		struct r_alert alert;
		struct r_eos eos;
	} u;
	struct follow_check *w = arg;
	for (uint32_t i = 0; i < b->count; i++) {
		enum rtype type = codec_peek(r);
		size_t at, len;
		bool used = type == R_ALERT || type == R_EOS;
		if ((used ? codec_read(r, &u) : codec_skip(r, &at, &len)) != 1) {
			loop_stop(w->loop, EXIT_FAILED);
			return b->count;
		}
		if (type == R_ALERT) {
			on_alert(w, &u.alert, r->base);
		} else if (type == R_EOS) {
			w->input_errors = u.eos.n.input_errors;
			ask_cost(w);
		}
	}
	follower_set_durable(f, b->base + b->count);
	return b->count;
}

static bool on_gone(void *arg, struct follower *f, uint64_t tail)
{
	(void)f;
	(void)tail;
	loop_stop(((struct follow_check *)arg)->loop, EXIT_FAILED);
	return false;
}

int verb_follow_check(int argc, char **argv)
{
	static const struct follower_ops ops = { .batch = on_batch, .gone = on_gone };
	struct follow_check w = { .text = isatty(STDOUT_FILENO), .code = EXIT_FAILED };
	struct topo *t = argc == 3 ? config_load(argv[1]) : NULL;
	if (!t)
		return EXIT_FAILED;
	w.key = argv[2];
	w.loop = verb_loop(EXIT_INTERRUPTED);
	w.checks = topo_url(t, "checks", NULL);
	struct follower *alerts = follower_new(w.loop, w.checks, "alerts", "replay", &ops, &w);
	follower_set(alerts, 0, 1);
	follower_resume(alerts);
	link_leave(verb_printed(loop_run(w.loop)));
}

/* -- the place -- */

static int copy_script(const char *from, const char *to)
{
	char chunk[8192];
	size_t n, total = 0;
	FILE *in = fopen(from, "re"), *out = in ? fopen(to, "wxe") : NULL;
	int rc = out ? 0 : -1;
	while (rc == 0 && (n = fread(chunk, 1, sizeof chunk, in)) > 0) {
		total += n;
		if (total > MAX_SCRIPT || fwrite(chunk, 1, n, out) != n) {
			errno = EFBIG;
			rc = -1;
		}
	}
	if (in)
		fclose(in);
	if (out && fclose(out) != 0)
		rc = -1;
	if (rc < 0)
		fprintf(stderr, "weir: %s: %s\n", from, strerror(errno));
	return rc;
}

static void disable(struct topo *t, const char *name)
{
	struct topo_check *c = (struct topo_check *)topo_check(t, name);
	if (!c) {
		t->checks.list = xrealloc(t->checks.list, (t->checks.n + 1) * sizeof *t->checks.list);
		c = &t->checks.list[t->checks.n++];
		*c = (struct topo_check){ .name = xstrdup(name) };
	}
	c->enabled = false;
	c->enabled_set = true;
}

/* What the topology says of Lua checks that are not here. */
static void forget_others(struct topo *t, const char *key)
{
	size_t n = 0;
	for (size_t i = 0; i < t->checks.n; i++) {
		struct topo_check c = t->checks.list[i];
		if (checkdef_find(c.name, ENT_OTHER) || strcmp(c.name, key) == 0) {
			t->checks.list[n++] = c;
			continue;
		}
		for (size_t k = 0; k < c.n_params; k++) {
			free(c.params[k].name);
			topo_list_free(c.params[k].values);
		}
		free(c.params);
		free(c.name);
	}
	t->checks.n = n;
}

/* What others say would stand before what this one says. */
static void only_this(struct topo *t, const char *key)
{
	DIR *d = opendir(t->checks.lua_shipped);
	struct dirent *e;
	for (size_t i = 0; i < n_checkdefs; i++)
		disable(t, checkdefs[i].key);
	while (d && (e = readdir(d))) {
		size_t n = strlen(e->d_name);
		char name[256];
		if (n < 5 || n >= sizeof name || strcmp(e->d_name + n - 4, ".lua") != 0)
			continue;
		snprintf(name, sizeof name, "%.*s", (int)n - 4, e->d_name);
		if (strcmp(name, key) != 0)
			disable(t, name);
	}
	if (d)
		closedir(d);
}

static void set_list(char ***at, const char *only)
{
	topo_list_free(*at);
	*at = xcalloc(2, sizeof **at);
	(*at)[0] = only ? xstrdup(only) : NULL;
}

static int run(const char *effective, const char *key, bool verbose)
{
	struct supervisor *sv = supervise_new();
	supervise_quiet(sv, !verbose);
	supervise_limit(sv, 10);
	supervise_add(sv, "capture/replay", "weir-capture", (const char *const[]){ "-f", effective, "-i", "replay", NULL },
		      false, false);
	supervise_add(sv, "classify", "weir-classify", (const char *const[]){ "-f", effective, NULL }, false, false);
	supervise_add(sv, "checks", "weir-checks", (const char *const[]){ "-f", effective, NULL }, false, false);
	supervise_add(sv, "test", "weir", (const char *const[]){ "follow-check", effective, key, NULL }, true, true);
	int code = supervise_run(sv);
	supervise_free(sv);
	return code;
}

/* The key is the name of the file without .lua; NULL if it has none. */
static char *key_of(const char *script)
{
	const char *base = strrchr(script, '/');
	base = base ? base + 1 : script;
	size_t n = strlen(base);
	return n > 4 && strcmp(base + n - 4, ".lua") == 0 ? xstrndup(base, n - 4) : NULL;
}

static int test(const char *file, const char *script, const char *key, char **captures, bool all, bool verbose)
{
	char dir[] = "/tmp/weir-XXXXXX";
	int code = EXIT_FAILED;
	struct topo *t = effective_base(file);
	if (!t)
		return code;
	if (!mkdtemp(dir)) {
		fprintf(stderr, "weir: %s: %s\n", dir, strerror(errno));
		topo_free(t);
		return code;
	}
	char *scripts = xasprintf("%s/scripts", dir), *copy = xasprintf("%s/%s.lua", scripts, key), *effective = NULL;
	if (mkdir(scripts, 0755) == 0 && copy_script(script, copy) == 0) {
		effective_sensor(t, "replay", SRC_FILES, captures, 0);
		effective_dir(t, dir);
		effective_no_recipients(t);
		forget_others(t, key);
		topo_forget_exclusions(t); /* they may name such checks, and what they hide is asked for here */
		if (!all)
			only_this(t, key);
		set_list(&t->checks.lua_paths, scripts);
		t->checks.lua_print = true;
		/* Nobody stores anything: the alerts are for us, the history is for nobody. */
		set_list(&((struct topo_link *)topo_link(t, "alerts"))->durable, "replay");
		set_list(&((struct topo_link *)topo_link(t, "history"))->durable, NULL);
		effective = effective_write(t);
	}
	if (effective) {
		code = run(effective, key, verbose);
		if (code == EXIT_FAILED)
			fprintf(stderr, "weir: %s was a copy of %s\n", copy, script);
	}
	effective_remove(dir);
	free(scripts);
	free(copy);
	free(effective);
	topo_free(t);
	return code;
}

int verb_checks_test(int argc, char **argv)
{
	static const char usage[] = "usage: weir checks test [-f FILE] [--all] [--verbose] SCRIPT CAPTURE ...\n";
	const char *file = NULL;
	bool all = false, verbose = false;
	const struct option_row options[] = {
		OPTION_FILE(&file), { "all", 'a', OPTION_FLAG, &all }, { "verbose", 'v', OPTION_FLAG, &verbose }
	};
	int code = OPTIONS_READ(argc, argv, options, usage);
	if (code)
		return code;
	if (argc - optind < 2)
		return options_usage(usage);
	code = EXIT_FAILED;
	const char *script = argv[optind++];
	char *key = key_of(script);
	char **captures = xcalloc((size_t)(argc - optind) + 1, sizeof *captures);
	bool good = key != NULL;
	if (!key)
		fprintf(stderr, "weir: %s: the name of a script ends in .lua\n", script);
	for (int i = 0; good && i < argc - optind; i++) {
		captures[i] = realpath(argv[optind + i], NULL);
		good = captures[i] != NULL;
		if (!good)
			fprintf(stderr, "weir: %s: %s\n", argv[optind + i], strerror(errno));
	}
	if (good)
		code = test(file, script, key, captures, all, verbose);
	for (int i = 0; captures[i]; i++)
		free(captures[i]);
	free(captures);
	free(key);
	return code;
}

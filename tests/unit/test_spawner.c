#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "notify/sink_exec.h"
#include "notify/spawner.h"
#include "scratch.h"

#define SEC 1000000000ull
#define PATIENCE_MS 120000u /* the machine may have other things to do */

/* Real programs, run by a real spawner. */

static char dir[SCRATCH];

enum { P_COPY, P_FAIL, P_LATER, P_HANG, P_STUBBORN, P_NOISY, P_DEAF, P_FORKS, P_CRASH, P_ENV, P_MISSING, P_PLAIN, P_OPEN, P_USER,
       P_RELATIVE, P_LONG, N_PROGRAMS };

static const struct {
	const char *name, *text;
	mode_t mode;
} programs[N_PROGRAMS] = {
	[P_COPY] = { "copy", "cat > $0.out; echo done >&2", 0755 },
	[P_FAIL] = { "fail", "echo one; echo 'two \033[31m'; exit 3", 0755 },
	[P_LATER] = { "later", "exit 75", 0755 },
	[P_HANG] = { "hang", "sleep 1000", 0755 },
	[P_STUBBORN] = { "stubborn", "trap '' TERM; while :; do sleep 1; done", 0755 },
	[P_NOISY] = { "noisy", "yes | head -c 30000000; yes error | head -c 1000000 >&2; exit 1", 0755 },
	[P_DEAF] = { "deaf", "exec <&-; exit 0", 0755 },
	[P_FORKS] = { "forks", "sleep 1000 & echo $! > $0.pid; (setsid sleep 0.2 &) ; exit 0", 0755 },
	[P_CRASH] = { "crash", "kill -SEGV $$", 0755 },
	[P_ENV] = { "env", "env > $0.out; ls /proc/$$/fd > $0.fds; ps -o sid=,pgid= -p $$ >> $0.fds", 0755 },
	[P_MISSING] = { "missing", NULL, 0 },
	[P_PLAIN] = { "plain", "exit 0", 0644 },
	[P_OPEN] = { "open", "exit 0", 0757 },
	[P_USER] = { "user", "exit 0", 0755 },
	[P_RELATIVE] = { "../relative", NULL, 0 },
	[P_LONG] = { "long", "exec sleep 1000", 0755 },
};

static struct topo_recipient recipients[N_PROGRAMS];
static struct topo topo = { .recipients = recipients, .n_recipients = N_PROGRAMS };
static struct loop *loop;
static struct spawner *sp;
static struct loop_timer *limit;

static struct {
	unsigned n, want;
	struct spawn_result r[16];
	char text[16][SPAWN_OUTPUT + 1];
	bool died;
} got;

static void on_done(void *arg, const struct spawn_result *r)
{
	(void)arg;
	assert_true(got.n < 16);
	got.r[got.n] = *r;
	memcpy(got.text[got.n], r->text, r->len);
	got.text[got.n][r->len] = '\0';
	got.r[got.n].text = got.text[got.n];
	if (++got.n == got.want)
		loop_stop(loop, 0);
}

static void on_died(void *arg)
{
	(void)arg;
	got.died = true;
	loop_stop(loop, 0);
}

static void on_limit(void *arg)
{
	(void)arg;
	loop_stop(loop, 1);
}

static void write_program(int i)
{
	static char *argv[N_PROGRAMS][2];
	char path[128];
	snprintf(path, sizeof path, "%s/%s", i == P_RELATIVE ? "." : dir, programs[i].name);
	argv[i][0] = strdup(path);
	recipients[i] = (struct topo_recipient){ .name = (char *)programs[i].name, .type = RCP_EXEC, .argv = argv[i],
						 .timeout = i == P_HANG || i == P_STUBBORN ? SEC / 5 : 300 * SEC };
	if (i == P_USER)
		recipients[i].user = (char *)"no-such-user";
	if (!programs[i].text)
		return;
	FILE *fp = fopen(path, "w");
	assert_non_null(fp);
	fprintf(fp, "#!/bin/sh\n%s\n", programs[i].text);
	fclose(fp);
	chmod(path, programs[i].mode);
}

static int setup(void **state)
{
	(void)state;
	static const struct spawner_ops ops = { on_done, on_died };
	assert_non_null(scratch(dir, "spawner-test"));
	for (int i = 0; i < N_PROGRAMS; i++)
		write_program(i);
	sp = spawner_start(&topo);
	assert_non_null(sp);
	loop = loop_new();
	limit = loop_add_timer(loop, on_limit, NULL);
	spawner_attach(sp, loop, &ops, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	char cmd[64];
	spawner_free(sp);
	loop_free(loop);
	for (int i = 0; i < N_PROGRAMS; i++)
		free(recipients[i].argv[0]);
	snprintf(cmd, sizeof cmd, "rm -rf %s", dir);
	return system(cmd);
}

static void wait_for(unsigned n)
{
	got.want = n;
	loop_set_timer(limit, PATIENCE_MS, 0);
	if (got.n < n && !got.died && loop_run(loop) != 0)
		fail_msg("%u of %u results in %u s", got.n, n, PATIENCE_MS / 1000);
}

static struct sink_result run(int program, const char *doc)
{
	struct sink_result out;
	struct sink *s = sink_exec_new(sp, (unsigned)program);
	struct sink_job j = { .job = 100 + (uint32_t)program, .delivery = { 1, 2 }, .alert = { 3, 4 }, .revision = 5, .attempt = 6,
			      .maybe_duplicate = true, .action = "store", .severity = "error", .recipient = "oncall",
			      .document = doc, .len = strlen(doc) };
	memset(&got, 0, sizeof got);
	assert_int_equal(s->ops->send(s, &j), 0);
	assert_int_equal(got.n, 0); /* never during the call */
	wait_for(1);
	assert_int_equal(got.r[0].job, j.job);
	sink_exec_result(&got.r[0], &out);
	s->ops->free(s);
	return out;
}

static char *slurp(const char *name, const char *suffix)
{
	static char text[200000];
	char path[128];
	snprintf(path, sizeof path, "%s/%s%s", dir, name, suffix);
	FILE *fp = fopen(path, "r");
	assert_non_null(fp);
	text[fread(text, 1, sizeof text - 1, fp)] = '\0';
	fclose(fp);
	return text;
}

static void test_ends(void **state)
{
	(void)state;
	struct sink_result r = run(P_COPY, "{\"a\":1}");
	assert_int_equal(r.verdict, SINK_SENT);
	assert_string_equal(slurp("copy", ".out"), "{\"a\":1}");
	r = run(P_FAIL, "x");
	assert_int_equal(r.verdict, SINK_DEAD);
	assert_string_equal(r.text, "exit status 3: two \xef\xbf\xbd[31m");
	assert_int_equal(run(P_LATER, "x").verdict, SINK_RETRY);
	r = run(P_CRASH, "x");
	assert_int_equal(r.verdict, SINK_DEAD);
	assert_int_equal(got.r[0].end, SPAWN_KILLED);
	char *big = malloc(150000);
	memset(big, 'x', 149999);
	big[149999] = '\0';
	assert_int_equal(run(P_COPY, big).verdict, SINK_SENT);
	assert_int_equal(strlen(slurp("copy", ".out")), 149999);
	assert_int_equal(run(P_DEAF, big).verdict, SINK_SENT); /* does not read: no SIGPIPE, no block */
	free(big);
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		int program;
		const char *why;
	} rows[] = { { P_MISSING, "No such file" }, { P_PLAIN, "not executable" }, { P_OPEN, "everybody can write" },
		     { P_USER, "no such user" }, { P_RELATIVE, "absolute" } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sink_result r = run(rows[i].program, "x");
		assert_int_equal(r.verdict, SINK_RETRY);
		if (!strstr(r.text, rows[i].why))
			fail_msg("%s", r.text);
	}
}

static void test_timeouts(void **state)
{
	(void)state;
	struct sink_result r = run(P_HANG, "x");
	assert_int_equal(r.verdict, SINK_RETRY);
	assert_true(r.maybe_arrived);
	assert_int_equal(run(P_STUBBORN, "x").verdict, SINK_RETRY); /* ignores SIGTERM */
}

static void test_noisy(void **state)
{
	(void)state;
	struct sink_result r = run(P_NOISY, "x");
	assert_int_equal(r.verdict, SINK_DEAD);
	assert_int_equal(got.r[0].len, SPAWN_OUTPUT);
}

static void test_environment(void **state)
{
	(void)state;
	setenv("LEAK", "yes", 1);
	assert_int_equal(run(P_ENV, "x").verdict, SINK_SENT);
	char *env = slurp("env", ".out");
	assert_null(strstr(env, "LEAK"));
	assert_non_null(strstr(env, "LANG=C.UTF-8\n"));
	assert_non_null(strstr(env, "ALERT_ATTEMPT=6\n"));
	assert_non_null(strstr(env, "ALERT_MAYBE_DUPLICATE=1\n"));
	assert_non_null(strstr(env, "ALERT_ID=0000000000001G000000000004\n"));
	assert_non_null(strstr(env, "ALERT_DELIVERY_ID=0000000000000G000000000002\n"));
	char *fds = slurp("env", ".fds");
	for (char *line = strtok(fds, "\n"); line && !strchr(line, ' '); line = strtok(NULL, "\n"))
		if (atoi(line) > 2 && atoi(line) < 10) /* those from 10 on are the shell itself */
			fail_msg("open: %s", line);
}

static unsigned children_of(pid_t pid)
{
	char path[64];
	unsigned n = 0, child;
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
	FILE *fp = fopen(path, "r");
	while (fp && fscanf(fp, "%u", &child) == 1)
		n++;
	if (fp)
		fclose(fp);
	return n;
}

static pid_t spawner_pid(void)
{
	char path[64];
	pid_t pid = 0;
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)getpid(), (int)getpid());
	FILE *fp = fopen(path, "r");
	if (!fp || fscanf(fp, "%d", &pid) != 1)
		pid = 0;
	if (fp)
		fclose(fp);
	return pid;
}

static unsigned count_fds(pid_t pid)
{
	char path[64];
	unsigned n = 0;
	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	DIR *d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* What a program leaves behind is ended with it; nothing is left over in the spawner. */
static void test_leftovers(void **state)
{
	(void)state;
	pid_t pid = spawner_pid();
	if (!pid)
		skip();
	run(P_COPY, "x");
	unsigned fds = count_fds(pid);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(run(P_FORKS, "x").verdict, SINK_SENT);
		pid_t left = atoi(slurp("forks", ".pid"));
		for (unsigned k = 0; k < PATIENCE_MS / 20 && kill(left, 0) == 0; k++)
			usleep(20000);
		assert_int_equal(kill(left, 0), -1);
		run(P_MISSING, "x");
	}
	for (unsigned k = 0; k < PATIENCE_MS / 20 && children_of(pid); k++) /* daemons that left the group are reaped when they end */
		usleep(20000);
	assert_int_equal(children_of(pid), 0);
	assert_int_equal(count_fds(pid), fds);
}

static void test_many(void **state)
{
	(void)state;
	memset(&got, 0, sizeof got);
	for (uint32_t i = 0; i < 12; i++)
		assert_int_equal(spawner_run(sp, i, P_COPY, NULL, 0, "doc", 3), 0);
	wait_for(12);
	unsigned seen = 0;
	for (unsigned i = 0; i < 12; i++) {
		assert_int_equal(got.r[i].end, SPAWN_EXITED);
		seen |= 1u << got.r[i].job;
	}
	assert_int_equal(seen, 0xfff);
}

/* The last test: the spawner dies, and takes the programs with it. */
static void test_death(void **state)
{
	(void)state;
	pid_t pid = spawner_pid();
	if (!pid)
		skip();
	memset(&got, 0, sizeof got);
	assert_int_equal(spawner_run(sp, 1, P_LONG, NULL, 0, "doc", 3), 0);
	kill(pid, SIGKILL);
	wait_for(1);
	assert_true(got.died);
	assert_int_equal(spawner_run(sp, 2, P_COPY, NULL, 0, "doc", 3), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),      cmocka_unit_test(test_refused),     cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_noisy),     cmocka_unit_test(test_environment), cmocka_unit_test(test_leftovers),
		cmocka_unit_test(test_many),      cmocka_unit_test(test_death),
	};
	log_init("test", LOG_LV_ERROR);
	return cmocka_run_group_tests(tests, setup, teardown);
}

#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "installed.h"
#include "log.h"
#include "loop.h"
#include "notified.h"
#include "proc.h"
#include "restart.h"

#define MAX_CHILDREN 80
#define STOP_MS      12000 /* a process has 10 s to leave by itself */
#define ALIVE_MS     30000 /* and says at least so often that it is alive; WatchdogSec of the units */
#define ABORT_MS     5000  /* one that hangs has so long to abort */
#define AWAY_MS      2000  /* a turn that took as long: the machine stood still, or we were stopped */

struct child {
	char *name, *program;
	char **argv;
	bool once, raw, retired;
	pid_t pid;       /* 0 = not running */
	int out;         /* its standard error, -1 = none */
	struct buf line;
	struct buf last_error; /* what it said: told once, not at each start that fails */
	bool ready, aborted;
	uint64_t started, start_at;
	uint64_t alive_until; /* by what it said last */
	struct restart restart;
	uint64_t lives;
};

struct supervisor {
	struct child children[MAX_CHILDREN];
	unsigned n;
	bool stopping, colour, quiet;
	int code, notify_fd, width; /* of the longest name */
	unsigned limit;
	void (*tick)(void *arg);
	void *tick_arg;
	bool (*reload)(void *arg);
	void *reload_arg;
};

struct supervisor *supervise_new(void)
{
	struct supervisor *sv = xcalloc(1, sizeof *sv);
	sv->colour = isatty(STDERR_FILENO) && !getenv("NO_COLOR");
	return sv;
}

void supervise_free(struct supervisor *sv)
{
	for (unsigned i = 0; i < sv->n; i++) {
		struct child *c = &sv->children[i];
		for (char **a = c->argv; *a; a++)
			free(*a);
		free(c->argv);
		free(c->name);
		free(c->program);
		buf_release(&c->line);
		buf_release(&c->last_error);
	}
	free(sv);
}

void supervise_add(struct supervisor *sv, const char *name, const char *program, const char *const *args, bool once,
		   bool raw)
{
	if (sv->n == MAX_CHILDREN)
		fatalx("more than %d processes", MAX_CHILDREN);
	struct child *c = &sv->children[sv->n++];
	size_t n = 0;
	while (args[n])
		n++;
	*c = (struct child){ .name = xstrdup(name), .program = installed_program(program), .once = once, .raw = raw, .out = -1 };
	if (!raw && (int)strlen(name) > sv->width)
		sv->width = (int)strlen(name);
	c->argv = xcalloc(n + 2, sizeof *c->argv);
	c->argv[0] = xstrdup(program);
	for (size_t i = 0; i < n; i++)
		c->argv[i + 1] = xstrdup(args[i]);
}

void supervise_quiet(struct supervisor *sv, bool quiet)
{
	sv->quiet = quiet;
}

void supervise_tick(struct supervisor *sv, void (*cb)(void *arg), void *arg)
{
	sv->tick = cb;
	sv->tick_arg = arg;
}

void supervise_limit(struct supervisor *sv, unsigned n)
{
	sv->limit = n;
}

void supervise_on_reload(struct supervisor *sv, bool (*cb)(void *arg), void *arg)
{
	sv->reload = cb;
	sv->reload_arg = arg;
}

bool supervise_ready(const struct supervisor *sv, const char *name)
{
	for (unsigned i = 0; i < sv->n; i++)
		if (!sv->children[i].retired && strcmp(sv->children[i].name, name) == 0)
			return sv->children[i].pid && sv->children[i].ready;
	return false;
}

void supervise_retire(struct supervisor *sv, const char *name)
{
	for (unsigned i = 0; i < sv->n; i++) {
		struct child *c = &sv->children[i];
		if (c->retired || strcmp(c->name, name) != 0)
			continue;
		c->retired = true;
		if (c->pid)
			kill(c->pid, SIGTERM);
	}
}

/* -- start -- */

static void child_exec(const struct child *c, int out, pid_t parent)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (c->raw) { /* one that is no service of ours */
		unsetenv("NOTIFY_SOCKET");
		unsetenv("WATCHDOG_USEC");
	}
	const char *lives = getenv("WEIR_FAULT_LIVES");
	if (c->lives > (lives ? strtoul(lives, NULL, 10) : 1)) /* what comes back after a fault is sound */
		unsetenv("WEIR_FAULT");
	/* Nobody is left behind if the supervisor is killed. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(0);
	setpgid(0, 0); /* Ctrl-C goes to the supervisor, which stops all in order */
	if (out >= 0)
		dup2(out, STDERR_FILENO);
	execv(c->program, c->argv);
	fprintf(stderr, "weir-%s: error: cannot run %s: %s\n", c->name, c->program, strerror(errno));
	_exit(127);
}

static void start(struct child *c)
{
	int pipe_fd[2] = { -1, -1 };
	pid_t parent = getpid();
	if (!c->raw && pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK) < 0)
		fatal("pipe");
	if (!c->raw) /* only our end is non-blocking */
		fcntl(pipe_fd[1], F_SETFL, 0);
	c->started = mono_ns();
	c->lives++;
	c->ready = c->raw; /* those say nothing */
	c->aborted = false;
	c->pid = fork();
	if (c->pid < 0)
		fatal("fork");
	if (c->pid == 0)
		child_exec(c, pipe_fd[1], parent);
	if (!c->raw)
		close(pipe_fd[1]);
	c->out = pipe_fd[0];
}

/* -- what they log -- */

/* A start that fails as the one before says so only once. */
static bool said_before(struct child *c, const char *line, size_t len)
{
	if (c->restart.fails && c->last_error.len == len && memcmp(c->last_error.p, line, len) == 0)
		return true;
	buf_reset(&c->last_error);
	buf_add(&c->last_error, line, len);
	return false;
}

static bool begins(const char *line, size_t len, const char *with)
{
	size_t n = strlen(with);
	return len >= n && memcmp(line, with, n) == 0;
}

static void print_line(const struct supervisor *sv, struct child *c, const char *line, size_t len)
{
	static const char *const colours[] = { "36", "33", "32", "35", "34", "31" };
	char prefix[64];
	/* Our processes begin a line with their name; that is the prefix, only coloured. */
	snprintf(prefix, sizeof prefix, "weir-%s: ", c->name);
	if (begins(line, len, prefix)) {
		line += strlen(prefix);
		len -= strlen(prefix);
	}
	bool error = begins(line, len, "error: ");
	if ((error && said_before(c, line, len)) || (sv->quiet && !error && !begins(line, len, "warning: ")))
		return;
	if (sv->colour)
		fprintf(stderr, "\033[%sm%-*s\033[0m %.*s\n", colours[(unsigned)(c - sv->children) % 6], sv->width, c->name,
			(int)len, line);
	else
		fprintf(stderr, "%-*s %.*s\n", sv->width, c->name, (int)len, line);
}

static void read_output(const struct supervisor *sv, struct child *c)
{
	char chunk[4096];
	ssize_t n;
	while ((n = read(c->out, chunk, sizeof chunk)) > 0) {
		buf_add(&c->line, chunk, (size_t)n);
		char *nl;
		while ((nl = memchr(c->line.p, '\n', c->line.len)) != NULL) {
			size_t len = (size_t)(nl - c->line.p);
			print_line(sv, c, c->line.p, len);
			memmove(c->line.p, nl + 1, c->line.len - len - 1);
			c->line.len -= len + 1;
		}
		if (c->line.len > 65536) /* no end of line in sight */
			c->line.len = 0;
	}
	if (n == 0) {
		close(c->out);
		c->out = -1;
	}
}

/* What is left when it has died; something it started may still hold the other end. */
static void end_output(const struct supervisor *sv, struct child *c)
{
	if (c->out >= 0)
		read_output(sv, c);
	if (c->out >= 0)
		close(c->out);
	c->out = -1;
	if (c->line.len)
		print_line(sv, c, c->line.p, c->line.len);
	c->line.len = 0;
}

/* -- deaths -- */

static void describe(char *text, size_t size, int status)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(text, size, "exited with %d", WEXITSTATUS(status));
}

static enum restart_how how_it_ended(int status)
{
	if (!WIFSIGNALED(status))
		return RESTART_EXIT;
	return WTERMSIG(status) == SIGKILL ? RESTART_KILLED : RESTART_CRASH;
}

static void end_all(struct supervisor *sv, int code)
{
	sv->stopping = true;
	sv->code = code;
}

static void died(struct supervisor *sv, struct child *c, int status)
{
	uint64_t lived = (mono_ns() - c->started) / 1000000;
	char text[80];
	c->pid = 0;
	end_output(sv, c);
	if (sv->stopping || c->retired)
		return;
	if (c->once) {
		end_all(sv, WIFEXITED(status) ? WEXITSTATUS(status) : 1);
		return;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == PROC_RELOAD) {
		c->start_at = mono_ns();
		return;
	}
	describe(text, sizeof text, status);
	c->restart.limit = sv->limit;
	if (restart_after(&c->restart, how_it_ended(status), WIFEXITED(status) ? WEXITSTATUS(status) : 0, lived, c->ready) ==
	    RESTART_HOPELESS) {
		fprintf(stderr, "weir: %s %s again and again: giving up\n", c->name, text);
		end_all(sv, 1);
		return;
	}
	if (c->restart.fails < 2)
		fprintf(stderr, "weir: %s %s, starting again in %u ms\n", c->name, text, c->restart.wait_ms);
	c->start_at = mono_ns() + c->restart.wait_ms * 1000000ull;
}

static void reap(struct supervisor *sv)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < sv->n; i++)
			if (sv->children[i].pid == pid)
				died(sv, &sv->children[i], status);
}

/* -- run -- */

static void reload(struct supervisor *sv)
{
	unsigned n = sv->n; /* those that are added read the new configuration anyway */
	if (!sv->reload(sv->reload_arg))
		return;
	for (unsigned i = 0; i < n; i++)
		if (sv->children[i].pid && !sv->children[i].raw && !sv->children[i].retired)
			kill(sv->children[i].pid, SIGHUP);
}

static void on_signals(struct supervisor *sv, int fd)
{
	struct signalfd_siginfo si;
	while (read(fd, &si, sizeof si) == sizeof si) {
		if (si.ssi_signo == SIGCHLD)
			continue; /* reap follows every turn */
		if (sv->stopping)
			continue;
		if (si.ssi_signo == SIGHUP && sv->reload)
			reload(sv);
		else
			end_all(sv, 128 + (int)si.ssi_signo);
	}
}

static void on_notify(struct supervisor *sv)
{
	struct notified m;
	while (notified_read(sv->notify_fd, &m))
		for (unsigned i = 0; i < sv->n; i++) {
			struct child *c = &sv->children[i];
			if (!c->pid || c->pid != m.pid)
				continue;
			c->ready |= m.ready;
			if (m.ready || m.alive)
				c->alive_until = mono_ns() + ALIVE_MS * 1000000ull;
		}
}

/* While nobody was looking nobody could be seen to be alive. */
static void allow_for_absence(struct supervisor *sv, uint64_t *looked)
{
	uint64_t now = mono_ns(), away = now - *looked;
	*looked = now;
	if (away < AWAY_MS * 1000000ull)
		return;
	for (unsigned i = 0; i < sv->n; i++)
		sv->children[i].alive_until += away;
}

/* One that hangs is told to abort, and if it cannot even do that, killed. */
static void end_hung(struct supervisor *sv)
{
	for (unsigned i = 0; i < sv->n; i++) {
		struct child *c = &sv->children[i];
		if (!c->pid || c->raw || !c->ready || mono_ns() < c->alive_until)
			continue;
		fprintf(stderr, "weir: %s hangs: %s it\n", c->name, c->aborted ? "killing" : "ending");
		kill(c->pid, c->aborted ? SIGKILL : SIGABRT);
		c->aborted = true;
		c->alive_until = mono_ns() + ABORT_MS * 1000000ull;
	}
}

static void turn(struct supervisor *sv, int sigfd, int timeout)
{
	struct pollfd fds[MAX_CHILDREN + 2] = { { .fd = sigfd, .events = POLLIN }, { .fd = sv->notify_fd, .events = POLLIN } };
	unsigned n = sv->n;
	for (unsigned i = 0; i < n; i++)
		fds[i + 2] = (struct pollfd){ .fd = sv->children[i].out, .events = POLLIN };
	if (poll(fds, n + 2, timeout) < 0 && errno != EINTR)
		fatal("poll");
	for (unsigned i = 0; i < n; i++)
		if (fds[i + 2].revents)
			read_output(sv, &sv->children[i]);
	if (fds[0].revents)
		on_signals(sv, sigfd);
	on_notify(sv); /* before the dead are taken away: they may have been ready */
	reap(sv);
}

static void start_due(struct supervisor *sv)
{
	uint64_t now = mono_ns();
	for (unsigned i = 0; i < sv->n; i++)
		if (!sv->children[i].pid && !sv->children[i].retired && sv->children[i].start_at <= now)
			start(&sv->children[i]);
}

static void stop(struct supervisor *sv, struct child *c, int sigfd)
{
	uint64_t give_up = mono_ns() + STOP_MS * 1000000ull;
	if (!c->pid)
		return;
	kill(c->pid, SIGTERM);
	while (c->pid && mono_ns() < give_up)
		turn(sv, sigfd, 50);
	if (!c->pid)
		return;
	fprintf(stderr, "weir: %s does not stop: killing it\n", c->name);
	kill(c->pid, SIGKILL);
	while (c->pid)
		turn(sv, sigfd, 50);
}

/* First who only watches, then in the order of the pipeline: each may still hand on what it has to the next. */
static void stop_all(struct supervisor *sv, int sigfd)
{
	for (int raw = 1; raw >= 0; raw--)
		for (unsigned i = 0; i < sv->n; i++)
			if (sv->children[i].raw == (bool)raw)
				stop(sv, &sv->children[i], sigfd);
}

int supervise_run(struct supervisor *sv)
{
	sigset_t mask;
	uint64_t ticked = 0, looked = mono_ns();
	char usec[24];
	sv->notify_fd = notified_open();
	if (sv->notify_fd < 0)
		fatal("notify socket");
	snprintf(usec, sizeof usec, "%llu", ALIVE_MS * 1000ull);
	setenv("WATCHDOG_USEC", usec, 1);
	unsetenv("WATCHDOG_PID");
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	int sigfd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	if (sigfd < 0)
		fatal("signalfd");
	while (!sv->stopping) {
		start_due(sv);
		turn(sv, sigfd, 100);
		allow_for_absence(sv, &looked);
		end_hung(sv);
		if (sv->tick && mono_ns() - ticked > 200000000u) {
			ticked = mono_ns();
			sv->tick(sv->tick_arg);
		}
	}
	stop_all(sv, sigfd);
	close(sv->notify_fd);
	close(sigfd);
	return sv->code;
}

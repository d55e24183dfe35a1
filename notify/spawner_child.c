/* The spawner's own process: takes orders, runs programs, reports how they ended. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caps.h"
#include "io.h"
#include "log.h"
#include "spawner.h"

#define KILL_AFTER_MS 2000 /* between SIGTERM and SIGKILL */
#define CHUNK         65536

struct running {
	uint32_t job;
	pid_t pid;  /* and its process group; 0 = slot is free */
	int out;    /* its output, -1 = closed */
	struct loop_fd *lfd;
	struct loop_timer *timer;
	bool timed_out;
	size_t len;
	char text[SPAWN_OUTPUT];
};

/* Who a recipient's program runs as. */
struct identity {
	bool change;
	uid_t uid;
	gid_t gid;
	char *name, *home;
	char *refusal; /* why it cannot be run at all */
};

static struct {
	const struct topo *t;
	struct loop *loop;
	int fd;
	struct loop_fd *lfd;
	struct buf in, out;
	struct identity *who; /* one per recipient of the topology */
	struct running run[SPAWN_MAX_RUNNING];
	bool leaving;
} sp;

/* -- reports -- */

static void flush_out(void)
{
	while (sp.out.len) {
		ssize_t n = send(sp.fd, sp.out.p, sp.out.len, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		memmove(sp.out.p, sp.out.p + n, sp.out.len - (size_t)n);
		sp.out.len -= (size_t)n;
	}
	if (sp.lfd)
		loop_mod_fd(sp.lfd, EPOLLIN | (sp.out.len ? EPOLLOUT : 0));
}

static void report(uint32_t job, enum spawn_end end, int code, const char *text, size_t len)
{
	struct spawn_report r = { job, end, code, (uint32_t)len };
	buf_add(&sp.out, &r, sizeof r);
	buf_add(&sp.out, text, len);
	flush_out();
}

static void refuse(uint32_t job, const char *path, const char *why)
{
	char text[512];
	snprintf(text, sizeof text, "%s: %s", path, why);
	report(job, SPAWN_REFUSED, 0, text, strlen(text));
}

/* -- a program that runs -- */

/* Reads what there is; keeps the beginning, throws the rest away. */
static void read_output(struct running *r)
{
	char drain[CHUNK];
	ssize_t n = read(r->out, drain, sizeof drain);
	if (n > 0) {
		size_t keep = sizeof r->text - r->len;
		keep = (size_t)n < keep ? (size_t)n : keep;
		memcpy(r->text + r->len, drain, keep);
		r->len += keep;
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	loop_del_fd(r->lfd);
	r->lfd = NULL;
	close(r->out);
	r->out = -1;
}

static void on_output(void *arg, uint32_t events)
{
	(void)events;
	read_output(arg);
}

static void on_timeout(void *arg)
{
	struct running *r = arg;
	kill(-r->pid, r->timed_out ? SIGKILL : SIGTERM);
	if (!r->timed_out)
		loop_set_timer(r->timer, KILL_AFTER_MS, KILL_AFTER_MS);
	r->timed_out = true;
}

static bool any_running(void)
{
	for (size_t i = 0; i < SPAWN_MAX_RUNNING; i++)
		if (sp.run[i].pid)
			return true;
	return false;
}

static void ended(struct running *r, int status)
{
	if (r->out >= 0)
		read_output(r);
	if (r->out >= 0) { /* something it left behind holds the other end */
		loop_del_fd(r->lfd);
		close(r->out);
	}
	loop_del_timer(r->timer);
	if (r->timed_out)
		report(r->job, SPAWN_TIMEOUT, 0, r->text, r->len);
	else if (WIFSIGNALED(status))
		report(r->job, SPAWN_KILLED, WTERMSIG(status), r->text, r->len);
	else
		report(r->job, SPAWN_EXITED, WEXITSTATUS(status), r->text, r->len);
	memset(r, 0, sizeof *r);
	if (sp.leaving && !any_running())
		_exit(0);
}

static struct running *find_pid(pid_t pid)
{
	for (size_t i = 0; i < SPAWN_MAX_RUNNING; i++)
		if (sp.run[i].pid == pid)
			return &sp.run[i];
	return NULL;
}

/*
 * Programs, and the orphans of programs: we are their reaper. What a program leaves in its process group is ended before
 * its pid, and with it the group's number, is given back.
 */
static void on_child(void *arg, int signo)
{
	(void)arg, (void)signo;
	siginfo_t si;
	for (;;) {
		int status = 0;
		si.si_pid = 0;
		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 || si.si_pid == 0)
			return;
		struct running *r = find_pid(si.si_pid);
		if (r)
			kill(-r->pid, SIGKILL);
		waitpid(si.si_pid, &status, 0);
		if (r)
			ended(r, status);
	}
}

/* -- start of a program -- */

static void add_env(char **list, size_t max, size_t *n, char *s)
{
	if (*n + 1 < max)
		list[(*n)++] = s;
}

static char **make_env(const struct identity *who, const char *extra, size_t len)
{
	static char *list[64];
	size_t n = 0;
	add_env(list, 64, &n, xstrdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
	add_env(list, 64, &n, xstrdup("LANG=C.UTF-8"));
	if (sp.t->timezone)
		add_env(list, 64, &n, xasprintf("TZ=%s", sp.t->timezone));
	if (who->name) {
		add_env(list, 64, &n, xasprintf("USER=%s", who->name));
		add_env(list, 64, &n, xasprintf("HOME=%s", who->home));
	}
	for (size_t i = 0; i < len; i += strlen(extra + i) + 1)
		add_env(list, 64, &n, xstrdup(extra + i));
	list[n] = NULL;
	return list;
}

/* Why the program must not be run, or NULL. */
static const char *objection(const char *path)
{
	struct stat st;
	if (path[0] != '/')
		return "not an absolute path";
	if (stat(path, &st) < 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "not a program";
	if (!(st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
		return "not executable (chmod +x)";
	if (st.st_mode & S_IWOTH)
		return "everybody can write to it (chmod o-w)";
	return NULL;
}

/* In the new process: becomes the program. Only returns if that fails, with the reason. */
static const char *become(const struct topo_recipient *rc, const struct identity *who, int in, int out, char **env)
{
	struct rlimit core = { 0, 0 }, files = { 1024, 1024 }, cpu = { 0, 0 };
	const char *why;
	sigset_t none;
	if (setpgid(0, 0) < 0 || chdir("/") < 0)
		return strerror(errno);
	if (who->change && (initgroups(who->name, who->gid) < 0 || setresgid(who->gid, who->gid, who->gid) < 0 ||
			    setresuid(who->uid, who->uid, who->uid) < 0))
		return strerror(errno);
	why = objection(rc->argv[0]); /* with the eyes of the user who runs it */
	if (why)
		return why;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* after the change of user, which clears it */
	cpu.rlim_cur = cpu.rlim_max = rc->timeout / 1000000000u + 5;
	setrlimit(RLIMIT_CORE, &core);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_CPU, &cpu);
	umask(0077);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		return strerror(errno);
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(rc->argv[0], rc->argv, env);
	return strerror(errno);
}

/* The document as a file in memory: the program reads as it likes, or not at all, and nobody has to write into a pipe. */
static int document_fd(const char *doc, size_t len)
{
	int fd = memfd_create("alert", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	if (io_write(fd, doc, len) < 0) {
		close(fd);
		return -1;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* Forks and executes. Returns the pid, or -1 and the reason. */
static pid_t launch(const struct topo_recipient *rc, const struct identity *who, int in, int out, char **env, char *why,
		    size_t size)
{
	int status[2];
	ssize_t n;
	if (pipe2(status, O_CLOEXEC) < 0) {
		snprintf(why, size, "%s", strerror(errno));
		return -1;
	}
	pid_t pid = fork();
	if (pid == 0) {
		const char *text = become(rc, who, in, out, env);
		if (write(status[1], text, strlen(text)) < 0)
			_exit(126);
		_exit(127);
	}
	close(status[1]);
	if (pid < 0) {
		snprintf(why, size, "%s", strerror(errno));
		close(status[0]);
		return -1;
	}
	/* Ends at once: with the reason, or when execve closes the pipe. */
	do
		n = read(status[0], why, size - 1);
	while (n < 0 && errno == EINTR);
	close(status[0]);
	if (n <= 0)
		return pid;
	why[n] = '\0';
	waitpid(pid, NULL, 0);
	return -1;
}

static void watch(struct running *r, const struct topo_recipient *rc, uint32_t job, pid_t pid, int out)
{
	*r = (struct running){ .job = job, .pid = pid, .out = out };
	r->lfd = loop_add_fd(sp.loop, out, EPOLLIN, on_output, r);
	r->timer = loop_add_timer(sp.loop, on_timeout, r);
	loop_set_timer(r->timer, rc->timeout / 1000000u, 0);
}

static void run_order(const struct spawn_order *o, const char *env, const char *doc)
{
	const struct topo_recipient *rc = &sp.t->recipients[o->recipient];
	const struct identity *who = &sp.who[o->recipient];
	struct running *r = find_pid(0);
	char why[256] = "too many programs at once";
	int out[2] = { -1, -1 }, in = -1;
	pid_t pid = -1;
	if (who->refusal || !r) {
		refuse(o->job, rc->argv[0], who->refusal ? who->refusal : why);
		return;
	}
	in = document_fd(doc, o->doc_len);
	if (in < 0 || pipe2(out, O_CLOEXEC) < 0) {
		snprintf(why, sizeof why, "%s", strerror(errno));
	} else {
		char **list = make_env(who, env, o->env_len);
		fcntl(out[0], F_SETFL, O_NONBLOCK); /* our end only: programs expect their output to block */
		pid = launch(rc, who, in, out[1], list, why, sizeof why);
		for (char **e = list; *e; e++)
			free(*e);
	}
	if (in >= 0)
		close(in);
	if (out[1] >= 0)
		close(out[1]);
	if (pid > 0) {
		watch(r, rc, o->job, pid, out[0]);
		return;
	}
	if (out[0] >= 0)
		close(out[0]);
	refuse(o->job, rc->argv[0], why);
}

/* -- orders -- */

static bool good_order(const struct spawn_order *o, const char *env)
{
	return o->recipient < sp.t->n_recipients && sp.t->recipients[o->recipient].argv &&
	       sp.t->recipients[o->recipient].argv[0] && (o->env_len == 0 || env[o->env_len - 1] == '\0');
}

static void take_orders(void)
{
	struct spawn_order o;
	size_t pos = 0;
	while (sp.in.len - pos >= sizeof o) {
		memcpy(&o, sp.in.p + pos, sizeof o);
		if (o.env_len > SPAWN_MAX_ENV || o.doc_len > SPAWN_MAX_DOC)
			_exit(1);
		if (sp.in.len - pos - sizeof o < (size_t)o.env_len + o.doc_len)
			break;
		const char *env = sp.in.p + pos + sizeof o;
		if (!good_order(&o, env))
			_exit(1);
		run_order(&o, env, env + o.env_len);
		pos += sizeof o + o.env_len + o.doc_len;
	}
	memmove(sp.in.p, sp.in.p + pos, sp.in.len - pos);
	sp.in.len -= pos;
}

static void give_up(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < SPAWN_MAX_RUNNING; i++)
		if (sp.run[i].pid)
			kill(-sp.run[i].pid, SIGKILL);
	_exit(0);
}

/* notify is gone: end the programs, then ourselves. */
static void leave(void)
{
	sp.leaving = true;
	loop_del_fd(sp.lfd);
	sp.lfd = NULL;
	if (!any_running())
		_exit(0);
	for (size_t i = 0; i < SPAWN_MAX_RUNNING; i++)
		if (sp.run[i].pid)
			kill(-sp.run[i].pid, SIGTERM);
	loop_set_timer(loop_add_timer(sp.loop, give_up, NULL), KILL_AFTER_MS, 0);
}

static void on_socket(void *arg, uint32_t events)
{
	(void)arg;
	if (events & EPOLLOUT)
		flush_out();
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	buf_reserve(&sp.in, CHUNK);
	ssize_t n = read(sp.fd, sp.in.p + sp.in.len, CHUNK);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		leave();
		return;
	}
	sp.in.len += (size_t)n;
	take_orders();
}

/* -- start -- */

static void find_identity(const struct topo_recipient *rc, struct identity *who)
{
	struct passwd *pw;
	errno = 0;
	if (rc->user) {
		pw = getpwnam(rc->user);
		if (!pw) {
			who->refusal = xasprintf("no such user: %s", rc->user);
			return;
		}
		who->change = pw->pw_uid != geteuid();
		if (who->change && geteuid() != 0)
			who->refusal = xasprintf("can run as %s only when weir is started by root", rc->user);
	} else if (sp.t->user && geteuid() == 0) {
		pw = getpwnam(sp.t->user);
		if (!pw) {
			who->refusal = xasprintf("no such user: %s", sp.t->user);
			return;
		}
		who->change = pw->pw_uid != 0;
	} else {
		pw = getpwuid(geteuid());
	}
	if (!pw)
		return;
	who->uid = pw->pw_uid;
	who->gid = pw->pw_gid;
	who->name = xstrdup(pw->pw_name);
	who->home = xstrdup(pw->pw_dir);
	if (!rc->user && sp.t->group && who->change) {
		struct group *gr = getgrnam(sp.t->group);
		who->gid = gr ? gr->gr_gid : who->gid;
	}
}

/* Root is kept, without its powers but to change user and to end what runs as another, only if somebody needs it. */
static void limit_capabilities(void)
{
	static const cap_value_t keep[] = { CAP_SETUID, CAP_SETGID, CAP_KILL };
	bool change = false;
	for (size_t i = 0; i < sp.t->n_recipients; i++)
		change |= sp.who[i].change;
	/* Without a user to become, root's programs run as root: that is what the topology says. */
	if ((change || geteuid() != 0) && caps_keep(keep, change ? 3 : 0) < 0)
		fatal("capabilities");
}

static void close_others(int fd)
{
	if (fd != 3) {
		dup3(fd, 3, O_CLOEXEC);
		close(fd);
	}
	close_range(4, ~0u, 0);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
		if (null > 3)
			close(null);
	}
}

void spawner_child(int fd, const struct topo *t)
{
	struct rlimit core = { 0, 0 };
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	close_others(fd);
	sp.fd = 3;
	sp.t = t;
	prctl(PR_SET_NAME, "weir-spawner");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	setrlimit(RLIMIT_CORE, &core);
	signal(SIGPIPE, SIG_IGN);
	sp.who = xcalloc(t->n_recipients + 1, sizeof *sp.who);
	for (size_t i = 0; i < t->n_recipients; i++)
		if (t->recipients[i].type == RCP_EXEC)
			find_identity(&t->recipients[i], &sp.who[i]);
	limit_capabilities();
	sp.loop = loop_new();
	loop_on_signal(sp.loop, SIGCHLD, on_child, NULL);
	sp.lfd = loop_add_fd(sp.loop, sp.fd, EPOLLIN, on_socket, NULL);
	_exit(loop_run(sp.loop));
}

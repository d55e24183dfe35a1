#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "caps.h"
#include "codec.h"
#include "fault.h"
#include "io.h"
#include "log.h"
#include "poison.h"
#include "sandbox.h"

#define STOP_LIMIT_MS  10000
#define SERVER_SECONDS 30 /* a moment is enough */

struct frame {
	struct proc_ctx ctx;
	const struct proc *p;
	const char *path; /* of the topology */
	struct topo *topo;
	struct g_process self;
	char state[256];
	struct buf sandbox; /* what is in force */
	int statm;          /* /proc/self/statm: the sandbox has no /proc */
	uint64_t started;
	uint64_t watchdog_turns;
	int exit_code;
	bool stopping;
	struct loop_timer *stop_limit, *watchdog;
};

/* -- start -- */

static void usage(const struct proc *p)
{
	fprintf(stderr, "usage: weir-%s -f topology%s [-n] [-d] [-V]\n", p->name, p->instances ? " -i instance" : "");
	exit(2);
}

static void block_signals(void)
{
	sigset_t all;
	sigfillset(&all);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGABRT);
	sigdelset(&all, SIGPROF);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static struct topo *load_topology(const char *path)
{
	struct buf err = { 0 };
	struct topo *t = topo_load(path, &err);
	if (err.len) {
		char *save = NULL;
		for (char *line = strtok_r((char *)buf_cstr(&err), "\n", &save); line; line = strtok_r(NULL, "\n", &save))
			log_error("%s", line);
	}
	buf_release(&err);
	return t;
}

static int make_dir(const char *path, mode_t mode)
{
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	if (errno == ENOENT) { /* one missing parent is made too, no more */
		char *parent = xstrdup(path), *slash = strrchr(parent, '/');
		int rc = -1;
		if (slash && slash != parent) {
			*slash = '\0';
			rc = mkdir(parent, 0755);
		}
		free(parent);
		if (rc == 0 && (mkdir(path, mode) == 0 || errno == EEXIST))
			return 0;
	}
	log_error("cannot make directory %s: %s", path, strerror(errno));
	return -1;
}

static int own_dir(const struct topo *t, const char *path, uid_t uid, gid_t gid)
{
	if (make_dir(path, 0750) < 0)
		return -1;
	if (t->user && geteuid() == 0 && chown(path, uid, gid) < 0) {
		log_error("cannot give %s to %s: %s", path, t->user, strerror(errno));
		return -1;
	}
	return 0;
}

static int find_user(const struct topo *t, uid_t *uid, gid_t *gid)
{
	*uid = geteuid();
	*gid = getegid();
	if (!t->user)
		return 0;
	struct passwd *pw = getpwnam(t->user);
	struct group *gr = t->group ? getgrnam(t->group) : NULL;
	if (!pw || (t->group && !gr)) {
		log_error("no such %s: %s (set user and group in %s, or create them)", pw ? "group" : "user",
			  pw ? t->group : t->user, t->path);
		return -1;
	}
	*uid = pw->pw_uid;
	*gid = gr ? gr->gr_gid : pw->pw_gid;
	return 0;
}

/* A capture that reads files needs no packet socket. */
static unsigned needs_of(const struct frame *f)
{
	const struct topo_sensor *s = f->ctx.instance ? topo_sensor(f->topo, f->ctx.instance) : NULL;
	return s && s->source != SRC_INTERFACE ? f->p->needs & ~(unsigned)PROC_PACKET : f->p->needs;
}

/* After the privileged hook: packet sockets for an interface that has to be opened again, else nothing. */
static int keep_caps(unsigned needs)
{
	static const cap_value_t packet[] = { CAP_NET_RAW, CAP_NET_ADMIN };
	return caps_keep(packet, needs & PROC_PACKET ? 2 : 0);
}

static int drop_privileges(struct frame *f, uid_t uid, gid_t gid)
{
	const struct topo *t = f->topo;
	struct rlimit no_core = { 0, 0 };
	if (t->user && geteuid() == 0) {
		if (prctl(PR_SET_KEEPCAPS, 1) < 0 || initgroups(t->user, gid) < 0 || setresgid(gid, gid, gid) < 0 ||
		    setresuid(uid, uid, uid) < 0) {
			log_error("cannot become %s: %s", t->user, strerror(errno));
			return -1;
		}
	}
	if (geteuid() != 0 && keep_caps(needs_of(f)) < 0) {
		log_error("cannot drop capabilities: %s", strerror(errno));
		return -1;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		log_warn("no_new_privs: %s", strerror(errno));
	else
		buf_adds(&f->sandbox, "no_new_privs");
	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_DUMPABLE, 0);
	return 0;
}

/* -- status -- */

void proc_state(struct proc_ctx *c, const char *fmt, ...)
{
	struct frame *f = (struct frame *)c;
	char text[sizeof f->state];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (strcmp(text, f->state) == 0)
		return;
	memcpy(f->state, text, sizeof text);
	sd_notifyf(0, "STATUS=%s", text);
}

static uint64_t resident_bytes(const struct frame *f)
{
	char text[256];
	unsigned long long size, resident;
	ssize_t n = io_pread(f->statm, text, sizeof text - 1, 0);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return sscanf(text, "%llu %llu", &size, &resident) == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static double cpu_seconds(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct str put(struct buf *b, const char *s)
{
	return str_put(b, s, strlen(s), 256);
}

/* Without a directory of /proc, which not every process may read. */
static void put_fds(struct metrics *m)
{
	struct rlimit max = { 0 };
	unsigned n = 0, fd = 0;
	getrlimit(RLIMIT_NOFILE, &max);
	for (unsigned gap = 0; gap < 1024 && fd < max.rlim_cur; fd++) { /* numbers are given from the lowest on */
		bool there = fcntl((int)fd, F_GETFD) >= 0;
		n += there;
		gap = there ? 0 : gap + 1;
	}
	metrics_put(m, "open_fds", NULL, "files", false, n);
	metrics_put(m, "max_fds", NULL, "files", false, (double)max.rlim_cur);
}

/* What every process has. */
static void put_common(void *arg, struct metrics *m)
{
	const struct frame *f = arg;
	put_fds(m);
	metrics_bound(m, "link_requests_max", NULL, "requests", LINK_MAX_REQUESTS);
	metrics_bound(m, "link_message_max", NULL, "bytes", LINK_MAX_MESSAGE);
	if (f->ctx.poison)
		metrics_bound(m, "poison_marks_max", NULL, "records", POISON_MARKS);
}

static void answer_status(struct frame *f, struct link_req *q, bool metrics)
{
	struct buf strs = { 0 }, body = { 0 };
	struct g_answer a = { .status = 200, .count = 1 };
	if (f->p->status)
		f->p->status(&f->ctx, f->state, sizeof f->state);
	struct r_process r = { .process = f->self };
	r.process.process = put(&strs, f->ctx.full_name);
	r.process.version = put(&strs, WEIR_VERSION);
	r.process.state = put(&strs, f->state);
	r.process.sandbox = put(&strs, buf_cstr(&f->sandbox));
	r.process.pid = (uint32_t)getpid();
	r.process.started = f->started;
	r.process.memory = resident_bytes(f);
	r.process.cpu = cpu_seconds();
	codec_pack(&body, R_PROCESS, &r, strs.p);
	if (metrics)
		a.count += metrics_pack(f->ctx.metrics, &body);
	link_reply(q, &a, NULL, &body);
	buf_release(&strs);
	buf_release(&body);
}

/* -- link requests: STATUS is answered here, the rest by the process -- */

static void on_request(void *arg, struct link_req *q, enum rtype type, const void *rec, const char *base)
{
	struct frame *f = arg;
	if (type == R_STATUS)
		answer_status(f, q, ((const struct r_status *)rec)->hello.metrics);
	else if (f->p->ops.request)
		f->p->ops.request(&f->ctx, q, type, rec, base);
	else
		link_reply_status(q, 404, "not served here");
}

static bool on_rewind(void *arg, struct stream *s, uint64_t from, uint64_t epoch)
{
	struct frame *f = arg;
	return f->p->ops.rewind && f->p->ops.rewind(&f->ctx, s, from, epoch);
}

static void on_fetched(void *arg, struct stream *s)
{
	struct frame *f = arg;
	if (f->p->ops.fetched)
		f->p->ops.fetched(&f->ctx, s);
}

/* -- stop, reload, watchdog -- */

void proc_exit(struct proc_ctx *c, int code)
{
	struct frame *f = (struct frame *)c;
	loop_stop(c->loop, code ? code : f->exit_code);
}

static void stop_limit(void *arg)
{
	struct frame *f = arg;
	log_warn("not done after %d s, leaving anyway", STOP_LIMIT_MS / 1000);
	loop_stop(f->ctx.loop, f->exit_code);
}

static void begin_stop(struct frame *f, int code)
{
	if (f->stopping)
		return;
	f->stopping = true;
	f->exit_code = code;
	sd_notify(0, "STOPPING=1");
	if (!f->p->stop) {
		loop_stop(f->ctx.loop, code);
		return;
	}
	loop_set_timer(f->stop_limit, STOP_LIMIT_MS, 0);
	f->p->stop(&f->ctx);
}

static void on_term(void *arg, int signo)
{
	(void)signo;
	begin_stop(arg, 0);
}

static void on_hup(void *arg, int signo)
{
	(void)signo;
	struct frame *f = arg;
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)(mono_ns() / 1000));
	struct topo *t = load_topology(f->path);
	if (!t) {
		log_error("%s is not valid: going on with the configuration in force", f->path);
		sd_notify(0, "READY=1");
		return;
	}
	topo_free(t);
	log_info("configuration is good, starting again with it");
	begin_stop(f, PROC_RELOAD);
}

static void on_watchdog(void *arg)
{
	struct frame *f = arg;
	uint64_t turns = loop_turns(f->ctx.loop);
	if (turns != f->watchdog_turns)
		sd_notify(0, "WATCHDOG=1");
	f->watchdog_turns = turns;
}

static void set_watchdog(struct frame *f)
{
	uint64_t usec;
	if (sd_watchdog_enabled(0, &usec) <= 0)
		return;
	f->watchdog = loop_add_timer(f->ctx.loop, on_watchdog, f);
	loop_set_timer(f->watchdog, usec / 3000, usec / 3000);
}

/* -- main -- */

static struct poison *open_poison(const struct frame *f)
{
	char *path = xasprintf("%s/%s.poison", f->topo->runtime, f->p->name);
	struct poison *p = poison_open(path);
	free(path);
	return p;
}

/* The first call of nng, which waits for itself for good when it finds no memory: then we end, and are started again. */
static struct server *make_server(struct frame *f, const char *url)
{
	static const struct server_ops ops = { .request = on_request, .rewind = on_rewind, .fetched = on_fetched };
	struct sigevent end = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF }; /* not blocked, and nobody handles it */
	timer_t timer;
	if (timer_create(CLOCK_MONOTONIC, &end, &timer) < 0)
		return NULL;
	timer_settime(timer, 0, &(struct itimerspec){ .it_value.tv_sec = SERVER_SECONDS }, NULL);
	struct server *s = server_new(f->ctx.loop, url, 0660, &ops, f);
	timer_delete(timer);
	return s;
}

static int start(struct frame *f, uid_t uid, gid_t gid)
{
	struct proc_ctx *c = &f->ctx;
	const struct proc *p = f->p;
	if (own_dir(f->topo, f->topo->runtime, uid, gid) < 0 || own_dir(f->topo, f->topo->state, uid, gid) < 0)
		return -1;
	if (p->privileged && p->privileged(c) < 0)
		return -1;
	f->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	if (drop_privileges(f, uid, gid) < 0)
		return -1;
	if (p->guarded)
		c->poison = open_poison(f);
	sandbox_files(f->topo, c->name, c->instance, &f->sandbox);
	loop_on_signal(c->loop, SIGTERM, on_term, f);
	loop_on_signal(c->loop, SIGINT, on_term, f);
	loop_on_signal(c->loop, SIGHUP, on_hup, f);
	f->stop_limit = loop_add_timer(c->loop, stop_limit, f);
	char *url = topo_url(f->topo, c->name, c->instance);
	c->server = make_server(f, url);
	if (!c->server)
		log_error("cannot listen on %s: %s", url, strerror(errno));
	free(url);
	if (!c->server || (p->init && p->init(c) < 0))
		return -1;
	sandbox_calls(needs_of(f), &f->sandbox);
	log_debug("sandbox: %s", buf_cstr(&f->sandbox));
	return 0;
}

/* What this process can hold at most, in one line. */
static void say_bounds(const struct frame *f)
{
	struct buf text = { 0 };
	metrics_print_bounds(f->ctx.metrics, &text);
	if (text.len)
		log_info("bounds:%s", buf_cstr(&text));
	buf_release(&text);
}

/* All that matters is flushed by now. */
static _Noreturn void leave(struct frame *f, int code)
{
	char *url = topo_url(f->topo, f->ctx.name, f->ctx.instance);
	if (strncmp(url, "ipc://", 6) == 0)
		unlink(url + 6);
	link_leave(code);
}

int proc_main(int argc, char **argv, const struct proc *p)
{
	static struct frame frame;
	struct frame *f = &frame;
	bool check_only = false, debug = false;
	int opt;
	f->p = p;
	f->ctx.name = p->name;
	f->ctx.state = p->state;
	f->ctx.self = &f->self;
	f->started = wall_ns();
	while ((opt = getopt(argc, argv, "f:i:ndV")) != -1) {
		switch (opt) {
		case 'f':
			f->path = optarg;
			break;
		case 'i':
			f->ctx.instance = optarg;
			break;
		case 'n':
			check_only = true;
			break;
		case 'd':
			debug = true;
			break;
		case 'V':
			printf("weir-%s %s\n", p->name, WEIR_VERSION);
			return 0;
		default:
			usage(p);
		}
	}
	if (!f->path || optind != argc || (!check_only && p->instances != (f->ctx.instance != NULL)))
		usage(p);
	f->ctx.full_name = f->ctx.instance ? xasprintf("%s/%s", p->name, f->ctx.instance) : p->name;
	log_init(f->ctx.full_name, LOG_LV_INFO);
	fault_init();
	f->ctx.topo = f->topo = load_topology(f->path);
	if (!f->topo)
		return check_only ? 1 : PROC_CONFIG;
	if (check_only)
		return 0;
	log_set_level(debug ? LOG_LV_DEBUG : f->topo->log_level);
	snprintf(f->state, sizeof f->state, "starting");

	uid_t uid;
	gid_t gid;
	block_signals();
	umask(0007);
	if (find_user(f->topo, &uid, &gid) < 0)
		return 1;
	f->ctx.loop = loop_new();
	f->ctx.metrics = metrics_new(f->ctx.full_name);
	metrics_source(f->ctx.metrics, put_common, f);
	if (start(f, uid, gid) < 0)
		return 1;
	say_bounds(f);
	set_watchdog(f);
	sd_notify(0, "READY=1");
	leave(f, loop_run(f->ctx.loop));
}

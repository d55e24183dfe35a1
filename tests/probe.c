/*
 * Probes a sandbox from inside: loaded by LD_PRELOAD into a process of weir it takes the place of sd_notify(3), and when the process
 * says that it is ready, that is, with its sandbox in force, tries what it may and may not do. Says on standard error
 * "probe NAME: what=yes what=no ...". PROBE_STATE and PROBE_OTHER name a directory to write in and a file to read.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int opened(int fd)
{
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int may_socket(int family, int type)
{
	return opened(socket(family, type, 0));
}

static int may_read(const char *path)
{
	return opened(open(path, O_RDONLY | O_CLOEXEC));
}

static int may_write(const char *dir)
{
	char path[300];
	snprintf(path, sizeof path, "%s/probe-%d", dir, (int)getpid());
	int yes = opened(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	unlink(path);
	return yes;
}

static int may_map(int prot)
{
	void *p = mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED)
		munmap(p, 4096);
	return p != MAP_FAILED;
}

static int may_make_executable(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int yes = p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
	munmap(p, 4096);
	return yes;
}

/* No program, so that it comes back in any case: refused before it is looked at, or after. */
static int may_exec(void)
{
	char *none[] = { NULL };
	execve("/dev/null", none, none);
	return errno != ENOSYS;
}

static int may_fork(void)
{
	pid_t pid = (pid_t)syscall(SYS_fork);
	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static void probe(void)
{
	const struct {
		const char *what;
		int may;
	} results[] = {
		{ "unix", may_socket(AF_UNIX, SOCK_STREAM) },
		{ "inet", may_socket(AF_INET, SOCK_STREAM) },
		{ "inet6", may_socket(AF_INET6, SOCK_DGRAM) },
		{ "packet", may_socket(AF_PACKET, SOCK_DGRAM) },
		{ "netlink", may_socket(AF_NETLINK, SOCK_RAW) },
		{ "exec", may_exec() },
		{ "fork", may_fork() },
		{ "ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 || errno != ENOSYS },
		{ "kill", kill(getppid(), 0) == 0 || errno != ENOSYS },
		{ "wx", may_map(PROT_READ | PROT_WRITE | PROT_EXEC) },
		{ "x", may_make_executable() },
		{ "memfd", opened((int)syscall(SYS_memfd_create, "probe", 0)) },
		{ "state", may_write(getenv("PROBE_STATE")) },
		{ "tmp", may_write("/tmp") },
		{ "other", may_read(getenv("PROBE_OTHER")) },
		{ "passwd", may_read("/etc/passwd") },
		{ "environ", may_read("/proc/1/environ") },
	};
	char line[512];
	int n = snprintf(line, sizeof line, "probe %s:", program_invocation_short_name);
	for (size_t i = 0; i < sizeof results / sizeof *results; i++)
		n += snprintf(line + n, sizeof line - (size_t)n, " %s=%s", results[i].what, results[i].may ? "yes" : "no");
	dprintf(STDERR_FILENO, "%s\n", line);
}

int sd_notify(int unset, const char *state);
int sd_notify(int unset, const char *state)
{
	int (*real)(int, const char *) = (int (*)(int, const char *))dlsym(RTLD_NEXT, "sd_notify");
	if (strcmp(state, "READY=1") == 0)
		probe();
	return real ? real(unset, state) : 0;
}

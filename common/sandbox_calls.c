/* Which system calls the processes may make: an allow list, by libseccomp. */
#include "sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "log.h"
#include "proc.h"

/* Names that an architecture does not have are skipped. */
static const char *const ordinary[] = {
	/* files */
	"access", "chdir", "chmod", "chown", "close", "close_range", "copy_file_range", "creat", "dup", "dup2", "dup3",
	"faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat",
	"fcntl", "fdatasync", "flock", "fstat", "fstatfs", "fsync", "ftruncate", "futimesat", "getcwd", "getdents",
	"getdents64", "inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch", "lchown", "link", "linkat",
	"lseek", "lstat", "mkdir", "mkdirat", "newfstatat", "open", "openat", "openat2", "pread64", "preadv", "preadv2",
	"pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv", "rename", "renameat",
	"renameat2", "rmdir", "sendfile", "splice", "stat", "statfs", "statx", "sync_file_range", "truncate", "umask",
	"unlink", "unlinkat", "utime", "utimensat", "utimes", "write", "writev",
	/* waiting */
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2",
	"pipe", "pipe2", "poll", "ppoll", "pselect6", "select", "signalfd", "signalfd4", "timerfd_create", "timerfd_gettime",
	"timerfd_settime",
	/* sockets that are there; socket and socketpair are in rules of their own */
	"accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom", "recvmmsg",
	"recvmsg", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
	/* memory; mmap and mprotect are in rules of their own */
	"brk", "get_mempolicy", "madvise", "membarrier", "mincore", "mlock", "mlock2", "mremap", "msync", "munlock", "munmap",
	"set_mempolicy", "mbind",
	/* threads and signals */
	"arch_prctl", "exit", "exit_group", "futex", "futex_time64", "futex_waitv", "get_robust_list", "getcpu", "gettid",
	"restart_syscall", "rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend",
	"rt_sigtimedwait", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getparam",
	"sched_getscheduler", "sched_setaffinity", "sched_yield", "set_robust_list", "set_tid_address", "sigaltstack",
	"sigreturn", "wait4", "waitid",
	/* who and what we are */
	"capget", "getegid", "geteuid", "getgid", "getgroups", "getpgid", "getpgrp", "getpid", "getppid", "getpriority",
	"getrandom", "getresgid", "getresuid", "getrlimit", "getrusage", "getsid", "getuid", "prctl", "prlimit64", "sysinfo",
	"times", "uname", "ugetrlimit",
	/* time */
	"alarm", "clock_getres", "clock_gettime", "clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64",
	"getitimer", "gettimeofday", "nanosleep", "setitimer", "time", "timer_create", "timer_delete", "timer_getoverrun",
	"timer_gettime", "timer_settime",
};

static int add(scmp_filter_ctx ctx, uint32_t action, const char *name, unsigned n, const struct scmp_arg_cmp *cmp)
{
	int nr = seccomp_syscall_resolve_name(name);
	if (nr < 0) /* not on this architecture */
		return 0;
	return seccomp_rule_add_array(ctx, action, nr, n, cmp);
}

/* Allowed if all bits of mask in argument arg are clear (want 0) or as wanted. */
static int if_masked(scmp_filter_ctx ctx, const char *name, unsigned arg, uint64_t mask, uint64_t want)
{
	return add(ctx, SCMP_ACT_ALLOW, name, 1, (struct scmp_arg_cmp[]){ SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, mask, want) });
}

static int if_equal(scmp_filter_ctx ctx, const char *name, unsigned arg, uint64_t value)
{
	return add(ctx, SCMP_ACT_ALLOW, name, 1, (struct scmp_arg_cmp[]){ SCMP_CMP(arg, SCMP_CMP_EQ, value) });
}

static int sockets(scmp_filter_ctx ctx, unsigned needs)
{
	static const struct {
		int family;
		unsigned needs;
	} families[] = { { AF_UNIX, ~0u },
			 { AF_INET, PROC_NET | PROC_PACKET },
			 { AF_INET6, PROC_NET | PROC_PACKET },
			 { AF_NETLINK, PROC_NET | PROC_PACKET },
			 { AF_PACKET, PROC_PACKET } };
	int rc = if_equal(ctx, "socketpair", 0, AF_UNIX);
	for (size_t i = 0; i < sizeof families / sizeof *families; i++)
		if (families[i].needs == ~0u || (needs & families[i].needs))
			rc |= if_equal(ctx, "socket", 0, (uint64_t)families[i].family);
	return rc;
}

/*
 * Executable memory: LuaJIT makes it; where names are looked up a library may be loaded, which maps code but never
 * memory that is writable at the same time.
 */
static int memory(scmp_filter_ctx ctx, unsigned needs)
{
	if (needs & PROC_JIT)
		return add(ctx, SCMP_ACT_ALLOW, "mmap", 0, NULL) | add(ctx, SCMP_ACT_ALLOW, "mprotect", 0, NULL);
	int rc = if_masked(ctx, "mmap", 2, PROT_EXEC, 0) | if_masked(ctx, "mprotect", 2, PROT_EXEC, 0);
	if (needs & PROC_NET)
		rc |= if_masked(ctx, "mmap", 2, PROT_EXEC | PROT_WRITE, PROT_EXEC);
	return rc;
}

/* Threads, but no process: clone3 hides its flags behind a pointer, so it is refused and clone is used instead. */
static int threads(scmp_filter_ctx ctx)
{
	return if_masked(ctx, "clone", 0, CLONE_THREAD, CLONE_THREAD);
}

/* Signals to ourselves only: abort(3) and raise(3) need them. */
static int signals(scmp_filter_ctx ctx)
{
	return if_equal(ctx, "tgkill", 0, (uint64_t)getpid());
}

/* No device of ours needs more: what is read, whether it is a terminal, and of an interface its state (0x89.., 0x8b..). */
static int controls(scmp_filter_ctx ctx, unsigned needs)
{
	static const unsigned requests[] = { FIONREAD, FIONBIO, FIOCLEX, TCGETS };
	int rc = 0;
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
		rc |= if_masked(ctx, "ioctl", 1, 0xffffffff, requests[i]);
	if (needs & (PROC_NET | PROC_PACKET))
		rc |= if_masked(ctx, "ioctl", 1, 0xffffff00, 0x8900);
	if (needs & PROC_PACKET)
		rc |= if_masked(ctx, "ioctl", 1, 0xffffff00, 0x8b00);
	return rc;
}

static int fill(scmp_filter_ctx ctx, unsigned needs)
{
	int rc = 0;
	for (size_t i = 0; i < sizeof ordinary / sizeof *ordinary; i++)
		rc |= add(ctx, SCMP_ACT_ALLOW, ordinary[i], 0, NULL);
	return rc | sockets(ctx, needs) | memory(ctx, needs) | threads(ctx) | signals(ctx) | controls(ctx, needs);
}

void sandbox_calls(unsigned needs, struct buf *say)
{
	if (sandbox_off(say))
		return;
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int rc = ctx ? fill(ctx, needs) : -ENOMEM;
	if (rc == 0)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		rc = seccomp_load(ctx);
	if (rc == -ENOMEM) /* another start will find some; a kernel that has no seccomp says something else */
		fatalx("no memory for seccomp");
	if (rc < 0)
		log_warn("seccomp: %s", strerror(-rc));
	buf_adds(say, rc == 0 ? ", seccomp" : ", no seccomp");
	seccomp_release(ctx);
}

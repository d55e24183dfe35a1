/*
 * Loaded into each process before libc (proc/0024-shim.sh): calls that a signal may interrupt are interrupted, and reads and writes
 * do a part of what they were asked to, as the kernel is free to do. One in SHIM_EVERY of a thread's calls, in turns, so that a
 * call that is made again comes through. An eventfd that does not wait is never interrupted: nng relies on that.
 */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static unsigned every;
static __thread unsigned calls;

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("SHIM_EVERY");
	every = text ? (unsigned)atoi(text) : 0;
}

static int due(unsigned turn)
{
	return every && calls % (2 * every) == turn;
}

static int is_stream(int fd)
{
	struct stat st;
	int saved = errno, rc = fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode));
	errno = saved;
	return rc;
}

/* fd -1: of a call that waits. */
static int interrupted(int fd)
{
	calls++;
	if (!due(0) || (fd >= 0 && !is_stream(fd)))
		return 0;
	errno = EINTR;
	return 1;
}

static int in_pieces(int fd)
{
	return due(every) && is_stream(fd);
}

static size_t part(int fd, size_t n)
{
	return n > 1 && in_pieces(fd) ? n / 2 : n;
}

static int first(int fd, int n)
{
	return n > 1 && in_pieces(fd) ? 1 : n;
}

#define CALL(ret, name, which, params, args)                                              \
	ret name params;                                                             \
	ret name params                                                              \
	{                                                                            \
		static ret(*real) params;                                            \
		if (!real)                                                           \
			*(void **)&real = dlsym(RTLD_NEXT, #name);                   \
		return interrupted(which) ? -1 : real args;                                \
	}

CALL(ssize_t, read, fd, (int fd, void *p, size_t n), (fd, p, part(fd, n)))
CALL(ssize_t, __read_chk, fd, (int fd, void *p, size_t n, size_t size), (fd, p, part(fd, n), size))
CALL(ssize_t, write, fd, (int fd, const void *p, size_t n), (fd, p, part(fd, n)))
CALL(ssize_t, pread, fd, (int fd, void *p, size_t n, off_t at), (fd, p, part(fd, n), at))
CALL(ssize_t, pread64, fd, (int fd, void *p, size_t n, off64_t at), (fd, p, part(fd, n), at))
CALL(ssize_t, __pread_chk, fd, (int fd, void *p, size_t n, off_t at, size_t size), (fd, p, part(fd, n), at, size))
CALL(ssize_t, pwrite, fd, (int fd, const void *p, size_t n, off_t at), (fd, p, part(fd, n), at))
CALL(ssize_t, pwrite64, fd, (int fd, const void *p, size_t n, off64_t at), (fd, p, part(fd, n), at))
CALL(ssize_t, readv, fd, (int fd, const struct iovec *v, int n), (fd, v, first(fd, n)))
CALL(ssize_t, writev, fd, (int fd, const struct iovec *v, int n), (fd, v, first(fd, n)))
CALL(ssize_t, recv, fd, (int fd, void *p, size_t n, int flags), (fd, p, part(fd, n), flags))
CALL(ssize_t, send, fd, (int fd, const void *p, size_t n, int flags), (fd, p, part(fd, n), flags))
CALL(ssize_t, recvmsg, fd, (int fd, struct msghdr *m, int flags), (fd, m, flags))
CALL(int, epoll_wait, -1, (int ep, struct epoll_event *ev, int n, int ms), (ep, ev, n, ms))
CALL(int, poll, -1, (struct pollfd *fds, nfds_t n, int ms), (fds, n, ms))
CALL(int, accept4, -1, (int fd, struct sockaddr *sa, socklen_t *len, int flags), (fd, sa, len, flags))
CALL(int, fsync, -1, (int fd), (fd))
CALL(int, fdatasync, -1, (int fd), (fd))

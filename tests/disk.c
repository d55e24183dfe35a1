/*
 * Loaded into each process (proc/0023-power.sh): a disk whose cache has no battery. Below $DISK it keeps what the power cannot take:
 * data/<inode>, a file as of its last fsync, and names/<inode>, a directory as of its own. power_cut.py makes of them what is found
 * when the power is back.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *disk;

__attribute__((constructor)) static void begin(void)
{
	disk = getenv("DISK");
}

static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static int real_open(const char *path, int flags, mode_t mode)
{
	static int (*real)(const char *, int, ...);
	if (!real)
		*(void **)&real = next("open");
	return real(path, flags, mode);
}

static void place(char *path, size_t size, const char *kind, ino_t ino, const char *suffix)
{
	snprintf(path, size, "%s/%s/%llu%s", disk, kind, (unsigned long long)ino, suffix);
}

static void die(const char *what)
{
	fprintf(stderr, "disk: %s: %s\n", what, strerror(errno));
	_exit(99);
}

static void put(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);
		if (done < 0)
			die("write");
		p += done;
		n -= (size_t)done;
	}
}

/* Some have the file open for writing only. */
static void copy_data(int fd, int to)
{
	char path[40], piece[65536];
	ssize_t n;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int from = real_open(path, O_RDONLY | O_CLOEXEC, 0);
	if (from < 0)
		die(path);
	while ((n = read(from, piece, sizeof piece)) > 0)
		put(to, piece, (size_t)n);
	close(from);
}

static void copy_names(int fd, int to)
{
	DIR *d = fdopendir(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *e;
	char line[320];
	if (!d)
		die("directory");
	while ((e = readdir(d)) != NULL)
		put(to, line, (size_t)snprintf(line, sizeof line, "%llu %s\n", (unsigned long long)e->d_ino, e->d_name));
	closedir(d);
}

/* Whole or not at all: we may be killed in the middle of it. */
static int on_disk(int fd)
{
	struct stat st;
	char path[300], tmp[300], suffix[24];
	if (!disk || fstat(fd, &st) < 0)
		return 0;
	const char *kind = S_ISDIR(st.st_mode) ? "names" : "data";
	snprintf(suffix, sizeof suffix, ".%d", gettid());
	place(path, sizeof path, kind, st.st_ino, "");
	place(tmp, sizeof tmp, kind, st.st_ino, suffix);
	int to = real_open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (to < 0)
		die(tmp);
	(S_ISDIR(st.st_mode) ? copy_names : copy_data)(fd, to);
	close(to);
	if (rename(tmp, path) < 0)
		die(path);
	return 0;
}

int fsync(int fd)
{
	return on_disk(fd);
}

int fdatasync(int fd)
{
	return on_disk(fd);
}

/* The inode of a new file may have been another one's. */
static int is_new(int fd)
{
	struct stat st;
	char path[300];
	if (disk && fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0) {
		place(path, sizeof path, "data", st.st_ino, "");
		unlink(path);
	}
	return fd;
}

#define OPEN(name, params, args)                                                            \
	int name params;                                                                    \
	int name params                                                                     \
	{                                                                                   \
		static int(*real) params;                                                   \
		mode_t mode = 0;                                                            \
		va_list ap;                                                                 \
		if (!real)                                                                  \
			*(void **)&real = next(#name);                                      \
		va_start(ap, flags);                                                        \
		if (flags & O_CREAT)                                                        \
			mode = va_arg(ap, mode_t);                                          \
		va_end(ap);                                                                 \
		int saved = errno, fd = real args;                                          \
		if (fd >= 0)                                                                \
			errno = saved;                                                      \
		return flags & O_CREAT ? is_new(fd) : fd;                                   \
	}

OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int dir, const char *path, int flags, ...), (dir, path, flags, mode))
OPEN(openat64, (int dir, const char *path, int flags, ...), (dir, path, flags, mode))

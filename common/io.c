#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

/* From where the file stands if at is negative. */
static ssize_t read_whole(int fd, char *p, size_t n, off_t at)
{
	size_t got = 0;
	while (got < n) {
		ssize_t r = at < 0 ? read(fd, p + got, n - got) : pread(fd, p + got, n - got, at + (off_t)got);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

ssize_t io_read(int fd, void *p, size_t n)
{
	return read_whole(fd, p, n, -1);
}

ssize_t io_pread(int fd, void *p, size_t n, off_t at)
{
	return read_whole(fd, p, n, at);
}

int io_write(int fd, const void *p, size_t n)
{
	const char *at = p;
	while (n) {
		ssize_t w = write(fd, at, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		at += w;
		n -= (size_t)w;
	}
	return 0;
}

int io_claim_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int why = errno;
		close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

#include "notified.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int notified_open(void)
{
	/* An abstract name: no directory that user and sandbox of the processes would have to reach. */
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	unsigned long long number = 0;
	int on = 1, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (getrandom(&number, sizeof number, 0) != sizeof number)
		goto bad;
	int n = snprintf(at.sun_path + 1, sizeof at.sun_path - 1, "weir-run-%llx", number);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 || bind(fd, (struct sockaddr *)&at, len) < 0)
		goto bad;
	at.sun_path[0] = '@';
	setenv("NOTIFY_SOCKET", at.sun_path, 1);
	return fd;
bad:
	close(fd);
	return -1;
}

/* Messages are lines of NAME=value. */
static bool has_line(const char *text, const char *line)
{
	size_t n = strlen(line);
	for (const char *p = text; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		if (strncmp(p, line, n) == 0 && (p[n] == '\n' || p[n] == '\0'))
			return true;
	return false;
}

bool notified_read(int fd, struct notified *ret)
{
	char text[2048];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = { text, sizeof text - 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return false;
	text[n] = '\0';
	*ret = (struct notified){ .ready = has_line(text, "READY=1"), .alive = has_line(text, "WATCHDOG=1") };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
		struct ucred who;
		memcpy(&who, CMSG_DATA(c), sizeof who);
		ret->pid = who.pid;
	}
	return true;
}

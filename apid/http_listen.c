/* The socket that the HTTP server listens on. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "http.h"

#define BACKLOG 128

/* Is somebody there? A socket file without a listener was left by a process that was killed. */
static bool is_served(const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool served = fd >= 0 && connect(fd, (const struct sockaddr *)sa, sizeof *sa) == 0;
	if (fd >= 0)
		close(fd);
	return served;
}

static int listen_unix(const char *path, struct buf *err)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct stat st;
	if (*path != '/' || strlen(path) >= sizeof sa.sun_path) {
		buf_addf(err, "api.listen: '%s' is not an absolute path of at most %zu bytes", path, sizeof sa.sun_path - 1);
		return -1;
	}
	memcpy(sa.sun_path, path, strlen(path) + 1);
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode) || is_served(&sa)) {
			buf_addf(err, "cannot listen on %s: %s", path,
				 S_ISSOCK(st.st_mode) ? "another process does" : "it is there and no socket");
			return -1;
		}
		unlink(path);
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0 || chmod(path, 0660) < 0 || listen(fd, BACKLOG) < 0) {
		buf_addf(err, "cannot listen on %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static const char *advice(int error)
{
	if (error == EADDRINUSE)
		return ": another program has the port; stop it, or set api.listen to another one";
	if (error == EADDRNOTAVAIL)
		return ": no interface has this address";
	if (error == EACCES)
		return ": ports below 1024 need root";
	return "";
}

/* "address:port" or "[address]:port" to a socket address. */
static socklen_t parse_listen(const char *text, struct sockaddr_storage *ret, char **ret_host)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
	const char *colon = strrchr(text, ':');
	char *end, host[INET6_ADDRSTRLEN + 2];
	unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;
	size_t n = colon ? (size_t)(colon - text) : 0;
	if (port < 1 || port > 65535 || *end || n == 0 || n >= sizeof host)
		return 0;
	memset(ret, 0, sizeof *ret);
	*ret_host = xstrndup(text, n);
	bool bracket = *text == '[' && text[n - 1] == ']';
	snprintf(host, sizeof host, "%.*s", (int)(bracket ? n - 2 : n), bracket ? text + 1 : text);
	if (!bracket && inet_pton(AF_INET, host, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons((uint16_t)port);
		return sizeof *four;
	}
	if (bracket && inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons((uint16_t)port);
		return sizeof *six;
	}
	free(*ret_host);
	*ret_host = NULL;
	return 0;
}

int http_listen(const char *text, char **ret_host, struct buf *err)
{
	struct sockaddr_storage sa;
	int one = 1;
	*ret_host = NULL;
	if (strncmp(text, "unix:", 5) == 0)
		return listen_unix(text + 5, err);
	socklen_t len = parse_listen(text, &sa, ret_host);
	if (!len) {
		buf_addf(err, "api.listen: '%s' is neither ADDRESS:PORT nor [ADDRESS]:PORT nor unix:PATH", text);
		return -1;
	}
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) < 0 || listen(fd, BACKLOG) < 0) {
		buf_addf(err, "cannot listen on %s: %s%s", text, strerror(errno), advice(errno));
		if (fd >= 0)
			close(fd);
		free(*ret_host);
		*ret_host = NULL;
		return -1;
	}
	return fd;
}

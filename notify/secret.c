#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"

#define MAX_SECRET 16384

static int read_secret(const char *path, struct buf *out, struct buf *err)
{
	char content[MAX_SECRET + 1];
	struct stat st;
	ssize_t n = -1;
	int rc = -1, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		buf_addf(err, "secret %s: %s", path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		buf_addf(err, "secret %s: not a file", path);
		goto out;
	}
	if (st.st_mode & S_IROTH) {
		buf_addf(err, "secret %s: everybody can read it (mode %03o): chmod o= it", path, st.st_mode & 0777);
		goto out;
	}
	n = io_read(fd, content, sizeof content);
	if (n < 0) {
		buf_addf(err, "secret %s: %s", path, strerror(errno));
		goto out;
	}
	while (n > 0 && (content[n - 1] == '\n' || content[n - 1] == '\r'))
		n--;
	if (n == 0 || n > MAX_SECRET || memchr(content, '\n', (size_t)n) || memchr(content, '\r', (size_t)n) ||
	    memchr(content, '\0', (size_t)n)) {
		buf_addf(err, "secret %s: must be one line of at most %d bytes", path, MAX_SECRET);
		goto out;
	}
	buf_add(out, content, (size_t)n);
	rc = 0;
out:
	if (fd >= 0)
		close(fd);
	explicit_bzero(content, sizeof content);
	return rc;
}

static int read_credential(const char *name, struct buf *out, struct buf *err)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	if (!dir || strchr(name, '/') || name[0] == '.') {
		buf_addf(err, "credential %s: %s", name,
			 dir ? "not a name" : "the service manager gave none (LoadCredential= in the unit)");
		return -1;
	}
	char *path = xasprintf("%s/%s", dir, name);
	int rc = read_secret(path, out, err);
	free(path);
	return rc;
}

int secret_expand(const char *text, struct buf *out, struct buf *err)
{
	const char *open;
	while ((open = strstr(text, "${")) != NULL) {
		const char *close = strchr(open, '}');
		int rc;
		buf_add(out, text, (size_t)(open - text));
		if (!close) {
			buf_adds(err, "'${' without '}'");
			return -1;
		}
		char *what = xstrndup(open + 2, (size_t)(close - open - 2));
		if (strncmp(what, "file:", 5) == 0) {
			rc = read_secret(what + 5, out, err);
		} else if (strncmp(what, "cred:", 5) == 0) {
			rc = read_credential(what + 5, out, err);
		} else {
			buf_addf(err, "'${%s}': neither ${file:PATH} nor ${cred:NAME}", what);
			rc = -1;
		}
		free(what);
		if (rc < 0)
			return -1;
		text = close + 1;
	}
	buf_adds(out, text);
	return 0;
}

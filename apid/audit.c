#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "json.h"

struct audit {
	char *path;
	int fd; /* -1: to be opened */
	uint64_t bytes, max_bytes;
};

static void add_member(struct buf *out, const char *name, const char *value)
{
	if (!*value)
		return;
	buf_addf(out, ",\"%s\":", name);
	json_quote(out, value, strlen(value));
}

void audit_print(struct buf *out, const struct audit_event *e)
{
	buf_adds(out, "{\"time\":");
	json_time(out, e->time);
	add_member(out, "event", e->event);
	add_member(out, "who", e->who);
	add_member(out, "from", e->from);
	add_member(out, "method", e->method);
	add_member(out, "path", e->path);
	add_member(out, "about", e->about);
	buf_addf(out, ",\"status\":%u", e->status);
	add_member(out, "request", e->request);
	if (e->left_out)
		buf_addf(out, ",\"left_out\":%" PRIu64, e->left_out);
	buf_adds(out, "}\n");
}

static int open_file(struct audit *a)
{
	struct stat st;
	a->fd = open(a->path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (a->fd < 0 || fstat(a->fd, &st) < 0)
		return -1;
	a->bytes = (uint64_t)st.st_size;
	return 0;
}

struct audit *audit_open(const char *path, uint64_t max_bytes, struct buf *err)
{
	struct audit *a = xcalloc(1, sizeof *a);
	*a = (struct audit){ .path = xstrdup(path), .max_bytes = max_bytes };
	if (open_file(a) == 0)
		return a;
	buf_addf(err, "%s: %s", path, strerror(errno));
	audit_free(a);
	return NULL;
}

void audit_free(struct audit *a)
{
	if (!a)
		return;
	if (a->fd >= 0)
		close(a->fd);
	free(a->path);
	free(a);
}

/* path.2 becomes path.3 and so on, the file path.1. */
static int rotate(struct audit *a)
{
	int rc = 0;
	for (int i = AUDIT_KEPT; i > 0 && rc == 0; i--) {
		char *to = xasprintf("%s.%d", a->path, i), *from = xasprintf("%s.%d", a->path, i - 1);
		rc = rename(i > 1 ? from : a->path, to);
		if (rc < 0 && errno == ENOENT && i > 1)
			rc = 0; /* there are not so many yet */
		free(to);
		free(from);
	}
	if (rc < 0)
		return -1;
	close(a->fd);
	return open_file(a);
}

/* Half a line, when the disk is full, would spoil the next one as well: it is taken back. */
static int add_line(struct audit *a, const struct buf *line)
{
	if (io_write(a->fd, line->p, line->len) == 0) {
		a->bytes += line->len;
		return 0;
	}
	int error = errno;
	if (ftruncate(a->fd, (off_t)a->bytes) < 0) {
		close(a->fd);
		a->fd = -1;
	}
	errno = error;
	return -1;
}

int audit_write(struct audit *a, const struct audit_event *e)
{
	struct buf line = { 0 };
	audit_print(&line, e);
	bool ready = a->fd >= 0 || open_file(a) == 0;
	if (ready && a->bytes && a->bytes + line.len > a->max_bytes)
		ready = rotate(a) == 0;
	int rc = ready ? add_line(a, &line) : -1;
	buf_release(&line);
	return rc;
}

#include "backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *backup_place(const struct topo *t)
{
	return xasprintf("%s%s/backup-%d.db", t->store.path ? t->store.path : t->state, t->store.path ? "" : "/store",
			 (int)getpid());
}

/* Until from is at its end. */
static int copy(int from, int to)
{
	char chunk[65536];
	ssize_t n, m;
	while ((n = read(from, chunk, sizeof chunk)) > 0)
		for (char *p = chunk; n > 0; p += m, n -= m)
			if ((m = write(to, p, (size_t)n)) < 0)
				return -1;
	return n < 0 ? -1 : fsync(to);
}

int backup_take(const char *place, const char *path)
{
	int rc = -1, from = open(place, O_RDONLY | O_CLOEXEC), to = -1;
	if (from < 0) {
		fprintf(stderr, "weir: %s: %s\n", place, strerror(errno));
		goto out;
	}
	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (to < 0) {
		fprintf(stderr, "weir: %s: %s\n", path, strerror(errno));
		goto out;
	}
	/* What rename replaces is the empty file just made, nobody else's. */
	rc = rename(place, path) == 0 ? 0 : copy(from, to);
	if (rc < 0) {
		fprintf(stderr, "weir: %s: %s\n", path, strerror(errno));
		unlink(path);
	}
out:
	unlink(place);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return rc;
}

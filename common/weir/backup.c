#include "backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *backup_place(const struct topo *t)
{
	return xasprintf("%s/backup-%d", t->store.path, (int)getpid());
}

static int complain(const char *path)
{
	fprintf(stderr, "weir: %s: %s\n", path, strerror(errno));
	return -1;
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

static int copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = -1, rc = -1;
	if (in < 0)
		return complain(from);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (out < 0 || copy(in, out) < 0)
		complain(to);
	else
		rc = 0;
	close(in);
	if (out >= 0)
		close(out);
	return rc;
}

/* Calls fn for each file of a directory until it fails; to may be NULL. */
static int each_file(const char *dir, const char *to, int (*fn)(const char *from, const char *to))
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int rc = d ? 0 : complain(dir);
	while (d && rc == 0 && (e = readdir(d)) != NULL) {
		if (*e->d_name == '.')
			continue;
		char *a = xasprintf("%s/%s", dir, e->d_name), *b = xasprintf("%s/%s", to ? to : "", e->d_name);
		rc = fn(a, b);
		free(a);
		free(b);
	}
	if (d)
		closedir(d);
	return rc;
}

static int remove_file(const char *from, const char *to)
{
	(void)to;
	return unlink(from);
}

static void remove_dir(const char *dir)
{
	if (each_file(dir, NULL, remove_file) == 0)
		rmdir(dir);
}

int backup_take(const char *place, const char *path)
{
	struct stat st;
	int rc;
	if (lstat(path, &st) == 0) {
		errno = EEXIST;
		rc = complain(path);
	} else if (rename(place, path) == 0) {
		return 0;
	} else if (errno != EXDEV || mkdir(path, 0750) < 0) {
		rc = complain(path);
	} else {
		rc = each_file(place, path, copy_file);
		if (rc < 0)
			remove_dir(path);
	}
	remove_dir(place);
	return rc;
}

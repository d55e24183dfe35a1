/* Names, sizes and ends of the files of the SQLite store. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "log.h"
#include "store_sqlite.h"

static const char *const suffixes[] = { "", "-wal", "-shm" };
#define SUFFIXES (sizeof suffixes / sizeof *suffixes)

char *store_alerts_path(const struct store *s)
{
	return xasprintf("%s/alerts.db", s->dir);
}

char *store_flow_path(const struct store *s, uint64_t start)
{
	return xasprintf("%s/flows-%010" PRIu64 ".db", s->dir, start / 1000000000u);
}

/* Seconds in the name of a flow file; -1 if it is the name of something else. */
static int64_t flow_name(const char *name)
{
	uint64_t start;
	int n = 0;
	if (sscanf(name, "flows-%10" SCNu64 ".db%n", &start, &n) != 1 || n == 0 || name[n])
		return -1;
	return (int64_t)start;
}

static int by_start(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

char *store_series_path(const struct store *s)
{
	return xasprintf("%s/series.db", s->dir);
}

size_t store_flow_starts(const struct store *s, uint64_t **ret)
{
	DIR *d = opendir(s->dir);
	struct dirent *e;
	size_t n = 0;
	*ret = NULL;
	while (d && (e = readdir(d)) != NULL) {
		int64_t start = flow_name(e->d_name);
		if (start < 0)
			continue;
		*ret = xrealloc(*ret, (n + 1) * sizeof **ret);
		(*ret)[n++] = (uint64_t)start * 1000000000u;
	}
	if (d)
		closedir(d);
	if (n)
		qsort(*ret, n, sizeof **ret, by_start);
	return n;
}

int store_remove(const char *path)
{
	int failed = 0;
	for (size_t i = 0; i < SUFFIXES; i++) {
		char *name = xasprintf("%s%s", path, suffixes[i]);
		if (unlink(name) < 0 && errno != ENOENT)
			failed = errno;
		free(name);
	}
	errno = failed;
	return failed ? -1 : 0;
}

uint64_t store_file_bytes(const char *path)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < SUFFIXES; i++) {
		char *name = xasprintf("%s%s", path, suffixes[i]);
		struct stat st;
		if (stat(name, &st) == 0)
			sum += (uint64_t)st.st_size;
		free(name);
	}
	return sum;
}

void store_set_aside(struct store *s, const char *path)
{
	char *aside = xasprintf("%s.damaged", path);
	log_error("%s: it is put aside as %s", s->error, aside);
	for (size_t i = 0; i < SUFFIXES; i++) {
		char *from = xasprintf("%s%s", path, suffixes[i]), *to = xasprintf("%s%s", aside, suffixes[i]);
		if (rename(from, to) < 0 && errno != ENOENT)
			log_error("%s: %s", to, strerror(errno));
		free(from);
		free(to);
	}
	free(aside);
}

uint64_t store_free_bytes(const struct store *s)
{
	struct statvfs v;
	return statvfs(s->dir, &v) == 0 ? (uint64_t)v.f_bavail * v.f_frsize : 0;
}

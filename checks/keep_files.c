/* The files of keep: which there are, and configurations under their hash. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io.h"
#include "keep_priv.h"

static enum keep_file kind_of(const char *name, uint64_t *ret)
{
	int n = 0;
	if (sscanf(name, "snapshot.%" SCNu64 "%n", ret, &n) == 1 && n)
		return !name[n] ? KEEP_SNAPSHOT : strcmp(name + n, ".tmp") == 0 ? KEEP_UNFINISHED : KEEP_OTHER;
	n = 0;
	if (sscanf(name, "journal.%" SCNu64 "%n", ret, &n) == 1 && n && !name[n])
		return KEEP_JOURNAL;
	return KEEP_OTHER;
}

static int newest_first(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? 1 : x > y ? -1 : 0;
}

size_t keep_list(const struct keep *k, enum keep_file kind, uint64_t *numbers)
{
	DIR *d = opendir(k->dir);
	struct dirent *e;
	uint64_t number;
	size_t n = 0;
	while (d && (e = readdir(d)) != NULL && n < KEEP_MAX_FILES)
		if (kind_of(e->d_name, &number) == kind)
			numbers[n++] = number;
	if (d)
		closedir(d);
	qsort(numbers, n, sizeof *numbers, newest_first);
	return n;
}

void keep_remove_below(struct keep *k, uint64_t number)
{
	DIR *d = opendir(k->dir);
	struct dirent *e;
	uint64_t x;
	while (d && (e = readdir(d)) != NULL) {
		enum keep_file kind = kind_of(e->d_name, &x);
		if (kind != KEEP_OTHER && (x < number || kind == KEEP_UNFINISHED) && unlinkat(dirfd(d), e->d_name, 0) < 0)
			log_warn("%s/%s: %s", k->dir, e->d_name, strerror(errno));
	}
	if (d)
		closedir(d);
}

void keep_count_older(struct keep *k)
{
	DIR *d = opendir(k->dir);
	struct dirent *e;
	struct stat st;
	uint64_t number;
	k->older = 0;
	while (d && (e = readdir(d)) != NULL)
		if (kind_of(e->d_name, &number) == KEEP_JOURNAL && number != journal_number(k->journal) &&
		    fstatat(dirfd(d), e->d_name, &st, 0) == 0)
			k->older += (uint64_t)st.st_size;
	if (d)
		closedir(d);
}

char *keep_conf_path(const struct keep *k, uint64_t conf)
{
	return xasprintf("%s/%016" PRIx64 ".yaml", k->conf_dir, conf);
}

void keep_conf_write(const struct keep *k)
{
	char *path = keep_conf_path(k, k->conf), *tmp = xasprintf("%s.tmp", path);
	struct buf text = { 0 };
	if (access(path, F_OK) < 0) {
		int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		topo_show(k->topo, &text);
		bool good = fd >= 0 && io_write(fd, text.p, text.len) == 0 && fsync(fd) == 0;
		if (!good || rename(tmp, path) < 0)
			log_warn("%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	buf_release(&text);
	free(tmp);
	free(path);
}

#include "ageclock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "io.h"
#include "log.h"
#include "loop.h"

#define SAVE_NS 600000000000ull /* an older file makes no difference: it is far less than a step */

struct ageclock {
	pthread_mutex_t lock;
	char *path, *tmp;
	uint64_t believed, lasted; /* lasted: how long the clock has been far from it */
	bool said;                 /* that it is */
	uint64_t mono;             /* at the last look */
	uint64_t saved, unsaved;   /* believed in the file; time that 'lasted' grew since */
};

static bool load(struct ageclock *a)
{
	char text[64];
	int fd = open(a->path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? io_read(fd, text, sizeof text - 1) : -1;
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return sscanf(text, "%" SCNu64 " %" SCNu64, &a->believed, &a->lasted) == 2;
}

static void save(struct ageclock *a)
{
	char text[64];
	int n = snprintf(text, sizeof text, "%" PRIu64 " %" PRIu64 "\n", a->believed, a->lasted);
	int fd = open(a->tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	bool good = fd >= 0 && io_write(fd, text, (size_t)n) == 0 && fsync(fd) == 0;
	if (!good || rename(a->tmp, a->path) < 0)
		log_debug("%s: %s", a->path, strerror(errno));
	if (fd >= 0)
		close(fd);
	a->saved = a->believed;
	a->unsaved = 0;
}

static uint64_t written(const char *path, uint64_t otherwise)
{
	struct stat st;
	return stat(path, &st) == 0 ? (uint64_t)st.st_mtim.tv_sec * 1000000000u : otherwise;
}

struct ageclock *ageclock_new(const char *path, const char *since, uint64_t wall, uint64_t mono)
{
	struct ageclock *a = xcalloc(1, sizeof *a);
	pthread_mutex_init(&a->lock, NULL);
	a->path = xstrdup(path);
	a->tmp = xasprintf("%s.tmp", path);
	a->mono = mono;
	if (!load(a)) {
		a->believed = written(since, wall);
		a->lasted = 0;
	}
	return a;
}

void ageclock_free(struct ageclock *a)
{
	if (!a)
		return;
	save(a);
	pthread_mutex_destroy(&a->lock);
	free(a->path);
	free(a->tmp);
	free(a);
}

static uint64_t between(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* The wall clock is years off, as it seems. True when it has been for so long that it must be right. */
static bool has_lasted(struct ageclock *a, uint64_t wall, uint64_t passed)
{
	if (!a->said)
		log_warn("the clock is %" PRIu64 " days %s where it was: nothing is deleted for its age before it is right again, or"
			 " has been there for a day", between(wall, a->believed) / 86400000000000u,
			 wall > a->believed ? "ahead of" : "behind");
	a->said = true;
	a->lasted += passed;
	a->unsaved += passed;
	return a->lasted >= AGECLOCK_LASTS;
}

static void look(struct ageclock *a, uint64_t wall, uint64_t mono)
{
	uint64_t passed = mono > a->mono ? mono - a->mono : 0; /* threads may come in another order than they read the clocks */
	a->mono += passed;
	bool off = between(wall, a->believed) > AGECLOCK_STEP + passed;
	if (!off || has_lasted(a, wall, passed)) {
		if (a->said)
			log_info("age is measured by the clock again");
		a->said = false;
		a->believed = wall;
		a->lasted = 0;
	}
	if (between(a->believed, a->saved) >= SAVE_NS || a->unsaved >= SAVE_NS)
		save(a);
}

struct ageclock_times ageclock_at(struct ageclock *a, uint64_t wall, uint64_t mono)
{
	pthread_mutex_lock(&a->lock);
	look(a, wall, mono);
	uint64_t believed = a->believed;
	pthread_mutex_unlock(&a->lock);
	return (struct ageclock_times){ .stamp = believed > wall ? believed : wall, .now = believed < wall ? believed : wall };
}

uint64_t ageclock_stamp(struct ageclock *a)
{
	return ageclock_at(a, wall_ns(), mono_ns()).stamp;
}

uint64_t ageclock_now(struct ageclock *a)
{
	return ageclock_at(a, wall_ns(), mono_ns()).now;
}

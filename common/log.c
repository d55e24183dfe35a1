#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io.h"

static const char *log_name = "weir";
static enum log_level log_max = LOG_LV_INFO;
static bool log_journal;

/* The journal tells a service that its standard error is the journal (systemd.exec(5), $JOURNAL_STREAM). */
static bool stderr_is_journal(void)
{
	const char *env = getenv("JOURNAL_STREAM");
	struct stat st;
	unsigned long long dev, ino;
	if (!env || sscanf(env, "%llu:%llu", &dev, &ino) != 2 || fstat(STDERR_FILENO, &st) < 0)
		return false;
	return st.st_dev == dev && st.st_ino == ino;
}

void log_init(const char *name, enum log_level level)
{
	log_name = name;
	log_max = level;
	log_journal = stderr_is_journal();
}

void log_set_level(enum log_level level)
{
	log_max = level;
}

int log_level_parse(const char *s)
{
	static const char *const names[] = { "error", "warning", "notice", "info", "debug" };
	for (int i = LOG_LV_ERROR; i <= LOG_LV_DEBUG; i++)
		if (strcmp(s, names[i]) == 0)
			return i;
	return -1;
}

/* One write(2) per line, so that lines of several processes do not mix. */
static void emit(enum log_level level, int err, const char *fmt, va_list ap)
{
	static const char *const word[] = { "error: ", "warning: ", "", "", "" };
	static const int priority[] = { 3, 4, 5, 6, 7 }; /* sd-daemon(3) */
	char line[2048];
	int n = 0;
	if (level > log_max)
		return;
	if (log_journal)
		n = snprintf(line, sizeof line, "<%d>%s", priority[level], word[level]);
	else
		n = snprintf(line, sizeof line, "weir-%s: %s", log_name, word[level]);
	int m = vsnprintf(line + n, sizeof line - (size_t)n, fmt, ap);
	n = m < 0 ? n : n + m;
	if (n > (int)sizeof line - 1)
		n = (int)sizeof line - 1;
	if (err && n < (int)sizeof line - 1) {
		m = snprintf(line + n, sizeof line - (size_t)n, ": %s", strerror(err));
		n += m;
		if (n > (int)sizeof line - 1)
			n = (int)sizeof line - 1;
	}
	for (int i = 0; i < n; i++) /* what comes from packets must not start a line or an escape of its own */
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = ' ';
	line[n++] = '\n';
	if (io_write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nobody left to tell */
}

#define EMIT(level, err)                                                                           \
	do {                                                                                       \
		int saved = errno;                                                                 \
		va_list ap;                                                                        \
		va_start(ap, fmt);                                                                 \
		emit(level, err, fmt, ap);                                                         \
		va_end(ap);                                                                        \
		errno = saved;                                                                     \
	} while (0)

void log_error(const char *fmt, ...)
{
	EMIT(LOG_LV_ERROR, 0);
}

void log_warn(const char *fmt, ...)
{
	EMIT(LOG_LV_WARN, 0);
}

void log_notice(const char *fmt, ...)
{
	EMIT(LOG_LV_NOTICE, 0);
}

void log_info(const char *fmt, ...)
{
	EMIT(LOG_LV_INFO, 0);
}

void log_debug(const char *fmt, ...)
{
	EMIT(LOG_LV_DEBUG, 0);
}

void fatal(const char *fmt, ...)
{
	EMIT(LOG_LV_ERROR, saved);
	exit(1);
}

void fatalx(const char *fmt, ...)
{
	EMIT(LOG_LV_ERROR, 0);
	exit(1);
}

#define LIMIT_WINDOW_NS 10000000000ull
#define LIMIT_BURST     5

void log_limited(struct log_limit *l, const char *fmt, ...)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	uint64_t now = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	if (l->window_start == 0 || now - l->window_start > LIMIT_WINDOW_NS) {
		if (l->suppressed)
			log_warn("%" PRIu32 " more of these were not shown", l->suppressed);
		*l = (struct log_limit){ .window_start = now };
	}
	if (l->used == LIMIT_BURST) {
		l->suppressed++;
		return;
	}
	l->used++;
	EMIT(LOG_LV_WARN, 0);
}

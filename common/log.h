/*
 * Logging, the same in every process. In the foreground (and under systemd) lines go to standard error, with
 * the '<N>' priority prefix of sd-daemon(3) when standard error is the journal. errno is preserved.
 */
#ifndef WEIR_LOG_H
#define WEIR_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LV_ERROR, LOG_LV_WARN, LOG_LV_NOTICE, LOG_LV_INFO, LOG_LV_DEBUG };

/* name is kept, not copied. */
void log_init(const char *name, enum log_level level);
void log_set_level(enum log_level level);
/* "error", "warning", "notice", "info", "debug"; -1 if it is none. */
int log_level_parse(const char *s);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_notice(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* normal, and worth a look: changes */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Cannot go on: log with and without strerror(errno), exit 1. */
void fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void fatalx(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/*
 * For what input can cause at any rate: at most burst lines per 10 s of monotonic time and call site, then one
 * line that tells how many were left out. static struct log_limit l = LOG_LIMIT; log_limited(&l, ...).
 */
struct log_limit {
	uint64_t window_start; /* ns */
	uint32_t used;
	uint32_t suppressed;
};
#define LOG_LIMIT { 0, 0, 0 }
void log_limited(struct log_limit *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif

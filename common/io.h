/*
 * Reads and writes that are whole: a call that a signal interrupted is made again, and one that did a part is gone on with, as the
 * kernel may do on any file. For regular files, and for what comes in one piece (eventfd, timerfd).
 */
#ifndef WEIR_IO_H
#define WEIR_IO_H

#include <stddef.h>
#include <sys/types.h>

/* Bytes read: n, or fewer at the end of the file. -1 with errno. */
ssize_t io_read(int fd, void *p, size_t n);
/* The same from a place. */
ssize_t io_pread(int fd, void *p, size_t n, off_t at);
/* 0 when all is written, -1 with errno: some of it may be. */
int io_write(int fd, const void *p, size_t n);

#endif

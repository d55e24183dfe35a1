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

/*
 * Takes a directory for this process alone, until the descriptor that is returned is closed or the process ends, however that comes.
 * -1 with errno: EWOULDBLOCK when another has it.
 */
int io_claim_dir(const char *path);

#endif

/*
 * What a process may still do once it runs: Landlock limits the files, seccomp the system calls. Best effort: what the
 * kernel lacks is left out, and what is in force is appended to say ("landlock, seccomp"), which weir status shows.
 * Both are off under AddressSanitizer, whose reports need more than any process of ours.
 */
#ifndef WEIR_SANDBOX_H
#define WEIR_SANDBOX_H

#include <stdbool.h>

#include "buf.h"
#include "topo.h"

/*
 * Files: the places of this process (the table in sandbox_files.c) and no others; nothing can be executed. Holds for the
 * calling thread and those it starts: call before the first other thread, and after no_new_privs.
 */
void sandbox_files(const struct topo *t, const char *process, const char *instance, struct buf *say);

/*
 * System calls: the ordinary ones, for all threads. needs: PROC_NET, PROC_PACKET (sockets other than AF_UNIX), PROC_JIT
 * (memory that is executable). No other program is ever started. What is not allowed fails with ENOSYS, so that libraries
 * fall back to what older kernels have.
 */
void sandbox_calls(unsigned needs, struct buf *say);

/* Is there no sandbox in this build? Then says so, once. */
bool sandbox_off(struct buf *say);

#endif

/* What has to be there before nng is called for the first time. */
#include "link_priv.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"

#define STACK (8u << 20) /* if nobody tells */
#define GUARD 65536u     /* beside a stack; more than it has */

/* Threads that nng makes at once, by the number of processors: for tasks, for what expires, and eight others. */
static size_t threads(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	return cpus < 8 ? (size_t)(2 * cpus + cpus + 8) : 16 + 8 + 8;
}

/*
 * nng 1.5.2 crashes, or waits for ever, when it cannot make one of them. Where the address space is limited, that fails for the
 * room that their stacks take.
 */
static void look_for_room(void)
{
	pthread_attr_t attr;
	size_t stack = STACK;
	if (pthread_attr_init(&attr) == 0) {
		pthread_attr_getstacksize(&attr, &stack);
		pthread_attr_destroy(&attr);
	}
	size_t need = threads() * (stack + GUARD);
	void *room = mmap(NULL, need, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		fatalx("no room for %zu MiB of stacks of threads: the limit of the address space is too small (RLIMIT_AS, ulimit -v);"
		       " what limits memory is MemoryMax= of a unit", need >> 20);
	munmap(room, need);
}

void link_begin(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, look_for_room);
}

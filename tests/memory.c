/*
 * Loaded into each process (tests/memory.sh): allocation number $NO_MEMORY_AT finds no memory, and a few after it neither: as when the
 * machine has none for a moment.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MOMENT 3

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

static unsigned long at, calls;

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("NO_MEMORY_AT");
	at = text ? strtoul(text, NULL, 10) : 0;
}

static bool fails(void)
{
	unsigned long n = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
	if (!at || n < at || n >= at + MOMENT)
		return false;
	if (n == at)
		(void)!write(2, "memory: there is none\n", 22);
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}

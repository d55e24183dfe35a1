/* Directories of tests: below TMPDIR, which tests/run removes also when a test dies. */
#ifndef WEIR_SCRATCH_H
#define WEIR_SCRATCH_H

#include <stdio.h>
#include <stdlib.h>

#define SCRATCH 48 /* room for a path: a long one is none for a socket */

/* Makes one and puts its path into dir; NULL if that fails. */
static inline char *scratch(char dir[SCRATCH], const char *name)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(dir, SCRATCH, "%s/%s-XXXXXX", tmp && *tmp ? tmp : "/tmp", name);
	return mkdtemp(dir);
}

#endif

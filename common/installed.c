#include "installed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"

/* The first of the directories, seen from that of our program, that has it. */
static char *beside(const char *const *dirs, const char *name, int mode)
{
	char self[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	self[n > 0 ? n : 0] = '\0';
	const char *slash = strrchr(self, '/');
	for (; slash && *dirs; dirs++) {
		char *path = xasprintf("%.*s/%s%s", (int)(slash - self), self, *dirs, name);
		if (access(path, mode) == 0)
			return path;
		free(path);
	}
	return NULL;
}

char *installed_program(const char *name)
{
	static const char *const dirs[] = { "", "../libexec/weir/", NULL };
	char *path = beside(dirs, name, X_OK);
	return path ? path : xasprintf("%s/libexec/weir/%s", WEIR_PREFIX, name);
}

char *installed_data(const char *name)
{
	static const char *const dirs[] = { "../share/weir/", "../../share/weir/", NULL };
	char *path = beside(dirs, name, R_OK);
	return path ? path : xasprintf("%s/share/weir/%s", WEIR_PREFIX, name);
}

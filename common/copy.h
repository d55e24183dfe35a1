/* Copies of few bytes. */
#ifndef WEIR_COPY_H
#define WEIR_COPY_H

#include <stddef.h>
#include <string.h>

/*
 * memcpy for what is mostly shorter than a call of it is worth: the first and the last few bytes, which may overlap. Returns the end of
 * what was written.
 */
static inline char *copy_few(char *to, const char *from, size_t n)
{
	if (n > 32) {
		memcpy(to, from, n);
	} else if (n >= 16) {
		memcpy(to, from, 16);
		memcpy(to + n - 16, from + n - 16, 16);
	} else if (n >= 8) {
		memcpy(to, from, 8);
		memcpy(to + n - 8, from + n - 8, 8);
	} else if (n >= 4) {
		memcpy(to, from, 4);
		memcpy(to + n - 4, from + n - 4, 4);
	} else {
		for (size_t i = 0; i < n; i++)
			to[i] = from[i];
	}
	return to + n;
}

#endif

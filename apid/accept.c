#include "accept.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static double q_of(const char *params, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (params[i] == ';') {
			size_t at = i + 1 + strspn(params + i + 1, " \t");
			if (strncasecmp(params + at, "q=", 2) == 0)
				return strtod(params + at + 2, NULL);
		}
	return 1;
}

double accept_q(const char *accept, const char *name)
{
	double best = 0;
	size_t len = strlen(name);
	for (const char *p = accept ? accept : ""; *p;) {
		p += strspn(p, ", \t");
		size_t n = strcspn(p, ",");
		double q = strncasecmp(p, name, len) == 0 && strchr(" \t;,", p[len]) ? q_of(p, n) : 0;
		best = q > best ? q : best;
		p += n;
	}
	return best;
}

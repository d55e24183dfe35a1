#include "suggest.h"

#include <string.h>

#define MAX_NAME 63

/* Edits to get from a to b: letters put in, left out, replaced, or swapped with their neighbour. */
static unsigned distance(const char *a, size_t la, const char *b, size_t lb)
{
	unsigned rows[3][MAX_NAME + 1];
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);
			best = above[j] + 1 < best ? above[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[la % 3][lb];
}

void suggest_offer(struct suggest *s, const char *name)
{
	size_t la = strlen(s->wrong), lb = strlen(name);
	if (la > MAX_NAME || lb > MAX_NAME)
		return;
	/* A third of the letters may differ, at most three: more is a guess and no help. */
	unsigned most = la < 3 ? 1 : la < 9 ? (unsigned)la / 3 : 3;
	unsigned d = distance(s->wrong, la, name, lb);
	if (d > most || d >= lb || (s->best && d >= s->distance))
		return;
	s->best = name;
	s->distance = d;
}

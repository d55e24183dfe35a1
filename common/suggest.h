/* The name that a misspelt one was probably meant to be. */
#ifndef WEIR_SUGGEST_H
#define WEIR_SUGGEST_H

struct suggest {
	const char *wrong; /* what was written */
	const char *best;  /* the nearest name offered so far, NULL if none is near */
	unsigned distance;
};

/* Looks whether name is nearer than those before. Names longer than 63 bytes are near to nothing. */
void suggest_offer(struct suggest *s, const char *name);

#endif

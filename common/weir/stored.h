/* Verbs over the store: the options that they share, questions to alertd and commands. */
#ifndef WEIR_STORED_H
#define WEIR_STORED_H

#include "buf.h"
#include "output.h"
#include "record.h"

struct stored {
	const char *file;
	struct output out;
	struct g_query q;
	struct buf strs;
	const char *fields, *comment;
	uint64_t lasts; /* --for, ns */
	unsigned watch; /* s between questions, 0 = one question */
};

/* Reads the options; usage is printed when one is wrong. Returns 0 or an exit code. */
int stored_options(struct stored *o, int argc, char **argv, const char *usage);
/* Asks alertd for 'what', records of this type, with words as an expression, and prints them. Releases o. Returns an exit code. */
int stored_query(struct stored *o, enum rtype type, const char *what, char **words, int n);
/* Has alertd do it; c's texts are in o->strs. Releases o. Returns an exit code. */
int stored_command(struct stored *o, const char *op, struct r_command *c);
/* 0, or an exit code after saying that a text is no id. of: "an alert". */
int stored_id(const char *text, const char *of, struct id *ret);

#endif

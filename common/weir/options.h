/* The options of verbs: a table that says where each goes and what it must look like. */
#ifndef WEIR_OPTIONS_H
#define WEIR_OPTIONS_H

#include <unistd.h> /* optind */

#include "buf.h"
#include "record.h"

/* What an option takes, and what .to points to; it is left alone if the option is not given. */
enum option_kind {
	OPTION_FLAG,     /* nothing; bool */
	OPTION_TEXT,     /* const char *, in argv */
	OPTION_TEXTS,    /* may be given again; struct option_texts */
	OPTION_NUMBER,   /* uint64_t */
	OPTION_TIME,     /* as output_when; uint64_t, ns since 1970 */
	OPTION_DURATION, /* "90s", "1h30m"; uint64_t, ns */
	OPTION_SPEED,    /* as speed_parse; double */
	OPTION_FORM,     /* of output; enum output_form */
	OPTION_WATCH     /* seconds above 0, OPTION_WATCH_SECONDS if there is no value; unsigned */
};
#define OPTION_WATCH_SECONDS 2

struct option_texts {
	const char **text;
	size_t n, max;
};

struct option_row {
	const char *name; /* the long one; NULL = none */
	char letter;      /* 0 = none */
	enum option_kind kind;
	void *to;
};

/* -f FILE, which nearly every verb has. */
#define OPTION_FILE(TO) { NULL, 'f', OPTION_TEXT, TO }

/* Prints how a verb is used; returns EXIT_USAGE. */
int options_usage(const char *usage);
/* Reads the options; optind is the first word that is none. Returns 0, or EXIT_USAGE after saying what is wrong. */
int options_read(int argc, char **argv, const struct option_row *row, size_t n, const char *usage);
#define OPTIONS_READ(ARGC, ARGV, ROWS, USAGE) options_read(ARGC, ARGV, ROWS, sizeof(ROWS) / sizeof *(ROWS), USAGE)

/* The expression (weir-match(7)) that words make, appended to out. */
void options_words(struct buf *out, char **words, int n);
/* The same, parsed for records of a type, and for the caller to free; NULL after saying what is wrong. */
struct match *options_match(struct buf *out, enum rtype type, char **words, int n);

#endif

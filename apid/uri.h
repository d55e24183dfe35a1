/*
 * The target of a request, taken apart: path and parameters, percent-decoded once. As clients of proxies send it there is a
 * scheme and an authority before them (RFC 9112 section 3.2.2). Whatever two programs could read
 * differently is refused: encoded slashes, dots as segments, control characters, bytes that are no UTF-8. Pure.
 */
#ifndef WEIR_URI_H
#define WEIR_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

#define URI_MAX_PATH   1024
#define URI_MAX_QUERY  8192
#define URI_MAX_PARAMS 64

struct uri_param {
	char *name, *value;
};

struct uri {
	char *authority; /* host[:port] that an absolute target names, NULL = it was only a path */
	char *path;
	struct uri_param params[URI_MAX_PARAMS];
	size_t n;
	const char *error; /* why it was refused */
};

/* Parses "/path?name=value&..." or "http://authority/path?...". Returns 0, or the HTTP status that fits (400, 414) with u->error set. */
unsigned uri_parse(struct uri *u, const char *raw);
/* Parameters of the form "name=value&..." (application/x-www-form-urlencoded) added to those that are there. The same results. */
unsigned uri_add_form(struct uri *u, const char *form);
/* One parameter more; copied. False: there are too many, or the text is none that may be in a parameter. */
bool uri_add(struct uri *u, const char *name, const char *value);
void uri_release(struct uri *u);
/* Value of the first parameter of that name, or NULL. */
const char *uri_param(const struct uri *u, const char *name);
/* Text as it may stand in a parameter: all but letters, digits and -._~ percent-encoded. */
void uri_encode(struct buf *out, const char *text);

#endif

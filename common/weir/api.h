/* Questions to apid over HTTP; the only file of the weir command that knows curl. */
#ifndef WEIR_API_H
#define WEIR_API_H

#include <jansson.h>

#include "buf.h"
#include "topo.h"

struct api;

/*
 * Where apid is: url, or as the topology says: a unix socket, which asks for no token, if it lets us in, else its address with
 * the token of api.token_file. token_file: another one, for the address. url or t may be NULL. NULL after saying why not.
 */
struct api *api_open(const struct topo *t, const char *url, const char *token_file);
void api_close(struct api *a);
/* Appends "name=value", encoded, to a query; the first with '?'. */
void api_param(struct api *a, struct buf *target, const char *name, const char *value);
/* The document at a path; NULL after saying why not, *ret_code then is an exit code. */
json_t *api_get(struct api *a, const char *target, int *ret_code);

#endif

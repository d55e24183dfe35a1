/* A JSON object that is written member by member. */
#ifndef WEIR_OBJECT_H
#define WEIR_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "record.h"

/* Begin with { b, false }. */
struct object {
	struct buf *b;
	bool any; /* a comma is due */
};

/* The name of a member; who calls writes the value behind it. */
void object_key(struct object *o, const char *name);
void object_key_n(struct object *o, const char *name, size_t len);
void object_end(struct object *o);

void object_int(struct object *o, const char *name, int64_t v);
void object_uint(struct object *o, const char *name, uint64_t v);
void object_bool(struct object *o, const char *name, bool v);
void object_text(struct object *o, const char *name, const char *s);
void object_str(struct object *o, const char *name, const char *base, struct str s);
void object_addr(struct object *o, const char *name, const struct addr *a);
/* Left out when absent. */
void object_opt_str(struct object *o, const char *name, const char *base, struct str s);
void object_opt_uint(struct object *o, const char *name, uint64_t v);
/* A list as one text, its items joined by commas; left out when absent. */
void object_opt_joined(struct object *o, const char *name, const char *base, struct str s);

#endif

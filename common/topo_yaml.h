/*
 * YAML text to a tree of nodes with their places. The only file that knows libyaml. Aliases, tags and more than one document
 * are refused; size and depth are bounded.
 */
#ifndef WEIR_TOPO_YAML_H
#define WEIR_TOPO_YAML_H

#include <stddef.h>

#include "buf.h"

#define YAML_MAX_BYTES (1u << 20)
#define YAML_MAX_DEPTH 16

enum ynode_kind { Y_SCALAR, Y_LIST, Y_MAP };

struct ynode {
	enum ynode_kind kind;
	char *key;    /* of a map's member */
	char *value;  /* scalar */
	int quoted;   /* scalar was written in quotes */
	int line, column; /* from 1; of the key for a map's member */
	struct ynode *child, *next;
};

/* Returns the root, or NULL after appending 'path:line:column: text' to err. */
struct ynode *ynode_parse(const char *path, const char *text, size_t len, struct buf *err);
void ynode_free(struct ynode *n);

#endif

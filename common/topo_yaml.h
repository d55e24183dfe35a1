/*
 * YAML text to a tree of nodes with their places. The only file that knows libyaml. What a configuration has no use for is
 * refused: anchors, aliases, tags, more than one document, control characters. Size, depth and number of nodes are bounded.
 */
#ifndef WEIR_TOPO_YAML_H
#define WEIR_TOPO_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

#define YAML_MAX_BYTES   (1u << 20)
#define YAML_MAX_DEPTH   16
#define YAML_MAX_NODES   20000
#define YAML_MAX_MEMBERS 4096 /* of one map */

enum ynode_kind { Y_SCALAR, Y_LIST, Y_MAP };

struct ynode {
	enum ynode_kind kind;
	char *key;   /* of a map's member */
	char *value; /* scalar */
	bool null;   /* scalar that says 'not set': nothing, ~ or null, without quotes */
	bool verbatim; /* scalar whose text stands in the file as it is, in one line: places in it can be told */
	int line, column;             /* from 1, in characters; of the key for a map's member */
	int value_line, value_column; /* of the value; for quoted text behind the quote */
	struct ynode *child, *next;
};

/* Returns the root, or NULL after appending 'path:line:column: text' to err. */
struct ynode *ynode_parse(const char *path, const char *text, size_t len, struct buf *err);
void ynode_free(struct ynode *n);

#endif

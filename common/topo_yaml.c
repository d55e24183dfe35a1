#include "topo_yaml.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct reader {
	yaml_parser_t parser;
	const char *path;
	struct buf *err;
};

static void report(struct reader *r, yaml_mark_t at, const char *text)
{
	buf_addf(r->err, "%s:%zu:%zu: %s\n", r->path, at.line + 1, at.column + 1, text);
}

static int next_event(struct reader *r, yaml_event_t *ev)
{
	if (yaml_parser_parse(&r->parser, ev))
		return 0;
	report(r, r->parser.problem_mark, r->parser.problem ? r->parser.problem : "not YAML");
	return -1;
}

static struct ynode *node_new(enum ynode_kind kind, yaml_mark_t at)
{
	struct ynode *n = xcalloc(1, sizeof *n);
	n->kind = kind;
	n->line = (int)at.line + 1;
	n->column = (int)at.column + 1;
	return n;
}

static struct ynode *read_node(struct reader *r, yaml_event_t *ev, unsigned depth);

static int read_members(struct reader *r, struct ynode *parent, yaml_event_type_t end, unsigned depth)
{
	struct ynode **last = &parent->child;
	for (;;) {
		yaml_event_t ev;
		char *key = NULL;
		if (next_event(r, &ev) < 0)
			return -1;
		if (ev.type == end) {
			yaml_event_delete(&ev);
			return 0;
		}
		yaml_mark_t at = ev.start_mark;
		if (parent->kind == Y_MAP) {
			if (ev.type != YAML_SCALAR_EVENT) {
				report(r, at, "a key was expected");
				yaml_event_delete(&ev);
				return -1;
			}
			key = xstrdup((const char *)ev.data.scalar.value);
			yaml_event_delete(&ev);
			if (next_event(r, &ev) < 0) {
				free(key);
				return -1;
			}
		}
		struct ynode *n = read_node(r, &ev, depth + 1);
		if (!n) {
			free(key);
			return -1;
		}
		n->key = key;
		if (key) {
			n->line = (int)at.line + 1;
			n->column = (int)at.column + 1;
		}
		*last = n;
		last = &n->next;
	}
}

/* Consumes ev. */
static struct ynode *read_node(struct reader *r, yaml_event_t *ev, unsigned depth)
{
	struct ynode *n = NULL;
	yaml_mark_t at = ev->start_mark;
	if (depth > YAML_MAX_DEPTH) {
		report(r, at, "nested too deep");
	} else if (ev->type == YAML_ALIAS_EVENT) {
		report(r, at, "aliases are not allowed here");
	} else if (ev->type == YAML_SCALAR_EVENT) {
		n = node_new(Y_SCALAR, at);
		n->value = xstrdup((const char *)ev->data.scalar.value);
		n->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	} else if (ev->type == YAML_MAPPING_START_EVENT || ev->type == YAML_SEQUENCE_START_EVENT) {
		bool map = ev->type == YAML_MAPPING_START_EVENT;
		n = node_new(map ? Y_MAP : Y_LIST, at);
		if (read_members(r, n, map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT, depth) < 0) {
			ynode_free(n);
			n = NULL;
		}
	} else {
		report(r, at, "a value was expected");
	}
	yaml_event_delete(ev);
	return n;
}

static struct ynode *read_document(struct reader *r)
{
	yaml_event_t ev;
	struct ynode *root = NULL;
	for (;;) {
		if (next_event(r, &ev) < 0)
			goto bad;
		switch (ev.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (root) {
				report(r, ev.start_mark, "more than one document");
				yaml_event_delete(&ev);
				goto bad;
			}
			break;
		case YAML_STREAM_END_EVENT:
			yaml_event_delete(&ev);
			return root;
		default:
			root = read_node(r, &ev, 0);
			if (!root)
				return NULL;
			continue;
		}
		yaml_event_delete(&ev);
	}
bad:
	ynode_free(root);
	return NULL;
}

struct ynode *ynode_parse(const char *path, const char *text, size_t len, struct buf *err)
{
	struct reader r = { .path = path, .err = err };
	if (len > YAML_MAX_BYTES) {
		buf_addf(err, "%s:1:1: file is larger than %u bytes\n", path, YAML_MAX_BYTES);
		return NULL;
	}
	if (!yaml_parser_initialize(&r.parser)) {
		buf_addf(err, "%s:1:1: no memory\n", path);
		return NULL;
	}
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	size_t before = err->len;
	struct ynode *root = read_document(&r);
	if (!root && err->len == before)
		buf_addf(err, "%s:1:1: the file is empty\n", path);
	yaml_parser_delete(&r.parser);
	return root;
}

void ynode_free(struct ynode *n)
{
	while (n) {
		struct ynode *next = n->next;
		ynode_free(n->child);
		free(n->key);
		free(n->value);
		free(n);
		n = next;
	}
}
